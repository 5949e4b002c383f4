"""How many factors help: on ratings of a known rank, on MovieLens 100K as ratings and on MovieLens 1M as pairs.

Each is fitted on four fifths, drawn at random, and judged on the last.

With "high", up to 2,048 factors on MovieLens 1M and lastfm, with the default regularization and with a third of it and
few iterations: about ten minutes of one thread.

Run: python benchmarks/quality/factors.py [high]
"""

from __future__ import annotations

import sys

from datasets import implicit_sets, ml_1m_ratings, ml_100k

import ridgeback as rb
from ridgeback.data.synthetic import low_rank_ratings
from ridgeback.models.defaults import DataShape


def main() -> None:
    """Print a table a set and model."""
    planted = low_rank_ratings(600, 400, n_factors=8, density=0.15, noise=0.1)
    weak = {"regularization": 0.01, "bias_regularization": 0.01}
    rows, _ = ml_100k()
    ratings = rb.Interactions.from_arrays(rows[:, 0], rows[:, 1], ratings=rows[:, 2])
    for words, model, data, sizes in (
        ("rank 8, noise .1", rb.ExplicitALS(**weak), planted, (2, 4, 6, 7, 8, 9, 10, 12, 16, 32)),
        ("rank 8, noise .1, the defaults", rb.ExplicitALS(), planted, (2, 4, 6, 7, 8, 9, 10, 12, 16, 32)),
        ("MovieLens 100K, ratings", rb.ExplicitALS(regularization=0.02), ratings, (1, 2, 4, 8, 16, 32, 64)),
        ("MovieLens 100K, ratings, the defaults", rb.ExplicitALS(), ratings, (1, 2, 4, 8, 16, 32, 64)),
        ("MovieLens 1M, pairs", rb.ImplicitALS(), ml_1m_ratings(), (4, 8, 16, 32, 64, 128, 256)),
    ):
        print(f"\n{words}\n{rb.sweep_factors(model, data, n_factors=sizes, warm_start=False)}")


def high() -> None:
    """Print a table a set and regularization."""
    for name in ("lastfm", "ml-1m"):
        train, test = rb.split.random(implicit_sets()[name](), test_fraction=0.2, random_state=0)
        default = rb.ImplicitALS()._resolve(DataShape.of(train))["regularization"]
        weak = rb.ImplicitALS(regularization=default / 3, n_iterations=4, n_threads=1)
        for model, sizes in (
            (rb.ImplicitALS(n_threads=1), (64, 128, 256, 512, 1024, 2048)),
            (weak, (64, 256, 512, 1024)),
        ):
            sweep = rb.sweep_factors(model, train, test, n_factors=sizes, metric="ndcg@20")
            print(f"\n{name}\n{sweep}", flush=True)


if __name__ == "__main__":
    high() if "high" in sys.argv[1:] else main()
