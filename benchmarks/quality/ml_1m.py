"""BayesianALS with both sets on MovieLens 1M: RMSE with clipping, on random tenths and on five folds.

    python benchmarks/quality/ml_1m.py                                        # five tenths, five folds: half an hour
    python benchmarks/quality/ml_1m.py --seeds --folds 2 3 4 5 --n-threads 1  # no tenth, four of the folds

The rank is that of `bayesian_rank.py`, chosen on validation parts of ML-100K's and ML-1M's training parts. Published on
random 90/10 splits: GC-MC .832, GLocal-K .8227, a Bayesian factorisation machine with both sets .8214; on five folds:
SVD .873, SVD++ .862.
"""

from __future__ import annotations

import argparse

import numpy as np
from datasets import ml_1m_rows
from held_out import judge, summary

import ridgeback as rb

RANK = 31
N_FOLDS = 5


def main() -> None:
    """Print a line a fit, and the means."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="*", default=range(5), help="of random tenths; default: 0 to 4")
    parser.add_argument("--folds", type=int, nargs="*", choices=range(1, N_FOLDS + 1), default=range(1, N_FOLDS + 1))
    parser.add_argument("--n-threads", type=int)
    arguments = parser.parse_args()
    rows = ml_1m_rows()
    model = rb.BayesianALS(n_factors=RANK, user_sets=True, item_sets=True, n_threads=arguments.n_threads)
    results = []
    for seed in arguments.seeds:
        order = np.random.default_rng(seed).permutation(len(rows))
        test, train = rows[order[: len(rows) // 10]], rows[order[len(rows) // 10 :]]
        results.append(judge(model.clone().set_params(random_state=seed), train, test))
        print(f"90/10, seed {seed}: {results[-1]}", flush=True)
    if results:
        print(summary("random 90/10", results), flush=True)
    results, parts = [], np.array_split(np.random.default_rng(100).permutation(len(rows)), N_FOLDS)
    for fold in arguments.folds:
        train = rows[np.concatenate([part for number, part in enumerate(parts, start=1) if number != fold])]
        results.append(judge(model, train, rows[parts[fold - 1]]))
        print(f"fold {fold} of {N_FOLDS}: {results[-1]}", flush=True)
    if results:
        print(summary("folds", results), flush=True)


if __name__ == "__main__":
    main()
