"""BayesianALS with both sets on MovieLens 1M: RMSE with clipping, on random tenths and on five folds.

Run: python benchmarks/quality/ml_1m.py [n_seeds, default 5] [n_folds of 5, default 5] [n_threads]

The rank is that of `bayesian_rank.py`, chosen on validation parts of ML-100K's and ML-1M's training parts. Published on
random 90/10 splits: GC-MC .832, GLocal-K .8227, a Bayesian factorisation machine with both sets .8214; on five folds:
SVD .873, SVD++ .862.
"""

from __future__ import annotations

import sys

import numpy as np
from datasets import ml_1m_rows
from held_out import judge, summary

import ridgeback as rb

RANK = 31


def main() -> None:
    """Print a line a fit, and the means."""
    counts = [int(word) for word in sys.argv[1:]]
    n_seeds, n_folds, n_threads = (counts + [5, 5, None][len(counts) :])[:3]
    rows = ml_1m_rows()
    model = rb.BayesianALS(n_factors=RANK, user_sets=True, item_sets=True, n_threads=n_threads)
    results = []
    for seed in range(n_seeds):
        order = np.random.default_rng(seed).permutation(len(rows))
        test, train = rows[order[: len(rows) // 10]], rows[order[len(rows) // 10 :]]
        results.append(judge(model.clone().set_params(random_state=seed), train, test))
        print(f"90/10, seed {seed}: {results[-1]}", flush=True)
    if results:
        print(summary("random 90/10", results), flush=True)
    results, parts = [], np.array_split(np.random.default_rng(100).permutation(len(rows)), 5)
    for fold in range(n_folds):
        train = rows[np.concatenate([part for number, part in enumerate(parts) if number != fold])]
        results.append(judge(model, train, rows[parts[fold]]))
        print(f"fold {fold + 1} of 5: {results[-1]}", flush=True)
    if results:
        print(summary("five folds", results), flush=True)


if __name__ == "__main__":
    main()
