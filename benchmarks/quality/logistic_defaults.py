"""How LogisticMF's defaults were chosen: NDCG@10 on validation parts of three sets, by regularization and negatives.

Of each set a fifth is put aside as test part and never looked at; a fifth of the rest is the validation part. The
regularization is given as a multiple of sqrt(pairs / users) + sqrt(pairs / items), which is about the largest singular
value of a random matrix of signs with as many entries: below a multiple of it, factors follow chance. The mean in the
last column is over the sets, each relative to its best.

Run: python benchmarks/quality/logistic_defaults.py     (some minutes)
"""

from __future__ import annotations

import math

import numpy as np
from datasets import lastfm, liked_ml_100k, liked_ml_latest_small

import ridgeback as rb

MULTIPLES = (0.2, 0.3, 0.35, 0.4, 0.5, 0.65)
BIAS_SHARES = (1.0, 0.3)
NEGATIVES = ("100", "10 a pair, at most 300", "1000")


def number_of(negatives: str, train: rb.Interactions) -> int:
    """Negatives a user."""
    return int(negatives) if negatives.isdigit() else min(300, round(10 * train.nnz / train.n_users))


def ndcg(train: rb.Interactions, validation: rb.Interactions, multiple: float, bias_share: float, n: int) -> float:
    """NDCG@10 of one setting."""
    scale = math.sqrt(train.nnz / train.n_users) + math.sqrt(train.nnz / train.n_items)
    model = rb.LogisticMF(
        regularization=multiple * scale, bias_regularization=bias_share * multiple * scale, n_negatives=n
    )
    return rb.evaluate(model, train, validation, k=10, baselines=False).metrics["ndcg@10"]


def main() -> None:
    """Print a line a setting."""
    parts = {}
    for name, data in (("lastfm", lastfm()), ("ml-100k", liked_ml_100k()), ("ml-small", liked_ml_latest_small())):
        rest, _ = rb.split.random(data, test_fraction=0.2, random_state=0)
        parts[name] = rb.split.random(rest, test_fraction=0.2, random_state=1)
    settings = [
        *((multiple, share, NEGATIVES[1]) for multiple in MULTIPLES for share in BIAS_SHARES),
        *((0.4, 1.0, negatives) for negatives in NEGATIVES if negatives.isdigit()),
    ]
    table = np.array(
        [
            [ndcg(*parts[name], multiple, share, number_of(n, parts[name][0])) for name in parts]
            for multiple, share, n in settings
        ]
    )
    print(
        f"{'multiple':>8} {'bias share':>10} {'negatives':>24} " + " ".join(f"{name:>8}" for name in parts) + "   mean"
    )
    for (multiple, share, negatives), row, relative in zip(settings, table, table / table.max(axis=0), strict=True):
        figures = " ".join(f"{value:8.4f}" for value in row)
        print(f"{multiple:8.2f} {share:10.1f} {negatives:>24} {figures} {relative.mean():6.3f}")


if __name__ == "__main__":
    main()
