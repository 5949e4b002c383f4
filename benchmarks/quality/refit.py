"""What a fit to everything after the calibration does to the chances.

A share of the events is held out for calibration, and as many further ones are held back to judge on. Chances of the
fit to the rest are judged on them, then those of a fit to the rest and the calibration's part, by the same map: the ten
first recommendations of each user, and all pairs; means of two seeds.

Run: python benchmarks/quality/refit.py
"""

from __future__ import annotations

import numpy as np
from datasets import folder

import ridgeback as rb
from ridgeback.recommend.reliability import Reliability

SHARES = (0.2, 0.1, 0.05)
SEEDS = (0, 1)


def figures(found: Reliability) -> list[float]:
    """Of the first recommendations: promised, came true, error; of all pairs: error."""
    weights = np.array([one.n_pairs for one in found.recommended_bins])
    columns = ([one.probability for one in found.recommended_bins], [one.share for one in found.recommended_bins])
    promised, came = (float(np.average(column, weights=weights)) for column in columns)
    return [promised, came, found.recommended_ece, found.ece]


def judged(data: rb.Interactions, share: float, seed: int) -> list[list[float]]:
    """The figures of the fit to the rest and of that to everything."""
    known, test = rb.split.random(data, test_fraction=share / (1 + share), random_state=100 + seed)
    rest, validation = rb.split.random(known, test_fraction=share, random_state=seed)
    model = rb.ImplicitALS().fit(rest)
    calibration = model.calibrate(validation)
    before = figures(model.reliability(test))
    model.fit(known)
    model.calibration_ = calibration
    return [before, figures(model.reliability(test))]


def main() -> None:
    """Print two lines a share."""
    path = folder() / "ml-latest-small" / "ratings.csv"
    data = rb.read_interactions(path, user="userId", item="movieId", rating="rating")
    for share in SHARES:
        means = np.mean([judged(data, share, seed) for seed in SEEDS], axis=0)
        for words, (promised, came, error, every) in zip(("the rest", "everything"), means, strict=True):
            print(
                f"{share:4.0%} held out, fit to {words:<10} first ten: promised {promised:.3f}, came true {came:.3f}, "
                f"error {error:.4f}; all pairs: error {every:.5f}"
            )


if __name__ == "__main__":
    main()
