"""How the rank of the published tables was chosen: RMSE of BayesianALS on validation parts, never on a test part.

Of each set's training part (ML-100K: of u1; ML-1M: what a random tenth leaves) a tenth is the validation part.

Run: python benchmarks/quality/bayesian_rank.py [ml-100k | ml-1m]
"""

from __future__ import annotations

import sys

import numpy as np
from datasets import ml_1m_rows, ml_100k, without
from held_out import judge

import ridgeback as rb

SETTINGS = [{"n_factors": n} for n in (7, 15, 20, 31)] + [{"n_factors": 15, "row_noise": False}]


def main() -> None:
    """Print a line a setting."""
    if (sys.argv[1:] or ["ml-100k"])[0] == "ml-100k":
        everything, folds = ml_100k()
        rows = without(everything, folds[0])
    else:
        everything = ml_1m_rows()
        rows = everything[np.random.default_rng(5).permutation(len(everything))[: len(everything) * 9 // 10]]
    order = np.random.default_rng(6).permutation(len(rows))
    validation, train = rows[order[: len(rows) // 10]], rows[order[len(rows) // 10 :]]
    for setting in SETTINGS:
        model = rb.BayesianALS(user_sets=True, item_sets=True, **setting)
        print(f"{setting}: {judge(model, train, validation)}", flush=True)


if __name__ == "__main__":
    main()
