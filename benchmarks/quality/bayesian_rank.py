"""How the rank of the published tables was chosen: RMSE of BayesianALS on validation parts, never on a test part.

Of each set's training part (ML-100K: of u1; ML-1M: what a random tenth leaves) a tenth is the validation part.

    python benchmarks/quality/bayesian_rank.py [ml-100k | ml-1m] [--n-factors 7 15 20 31 48] [--n-threads 1]
"""

from __future__ import annotations

import argparse

import numpy as np
from datasets import ml_1m_rows, ml_100k, without
from held_out import judge

import ridgeback as rb


def training_rows(name: str) -> np.ndarray:
    """Rows (user, item, rating) of which a tenth is the validation part."""
    if name == "ml-100k":
        everything, folds = ml_100k()
        return without(everything, folds[0])
    everything = ml_1m_rows()
    return everything[np.random.default_rng(5).permutation(len(everything))[: len(everything) * 9 // 10]]


def main() -> None:
    """Print a line a setting."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("set", nargs="?", choices=("ml-100k", "ml-1m"), default="ml-100k")
    parser.add_argument("--n-factors", type=int, nargs="+", default=[7, 15, 20, 31, 48])
    parser.add_argument("--sets", type=int, choices=(0, 1), nargs="+", default=[1], help="without both sets, with them")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--n-threads", type=int)
    arguments = parser.parse_args()
    rows = training_rows(arguments.set)
    order = np.random.default_rng(6).permutation(len(rows))
    validation, train = rows[order[: len(rows) // 10]], rows[order[len(rows) // 10 :]]
    for n_factors in arguments.n_factors:
        for has_sets in map(bool, arguments.sets):
            for seed in arguments.seeds:
                model = rb.BayesianALS(n_factors, user_sets=has_sets, item_sets=has_sets, random_state=seed)
                judged = judge(model.set_params(n_threads=arguments.n_threads), train, validation)
                print(f"{n_factors} factors, both sets {has_sets}, seed {seed}: {judged}", flush=True)


if __name__ == "__main__":
    main()
