"""Whether calibrated chances keep their word on a part that neither the fit nor the calibration saw.

Eight tenths of the pairs are fitted to, a tenth is calibrated on, and the chances are judged on the last tenth, all
drawn at random. Judged are the ten first recommendations of each user and all pairs that could be recommended: the
expected calibration error of each, and the mean chance promised beside the share that came true.

Run: python benchmarks/quality/calibration.py [ml-1m | ml-100k] [Popularity | LogisticMF | ImplicitALS]
"""

from __future__ import annotations

import sys

from datasets import ml_1m_ratings, ml_100k

import ridgeback as rb
from ridgeback.recommend.reliability import Reliability


def pairs(name: str) -> rb.Interactions:
    """Every rating of a set a pair."""
    if name == "ml-1m":
        return ml_1m_ratings()
    rows, _ = ml_100k()
    return rb.Interactions.from_arrays(rows[:, 0], rows[:, 1])


def line(name: str, found: Reliability) -> str:
    """The figures of one model."""
    total = sum(one.n_pairs for one in found.recommended_bins)
    promised = sum(one.n_pairs * one.probability for one in found.recommended_bins) / total
    came = sum(one.n_pairs * one.share for one in found.recommended_bins) / total
    return (
        f"{name:<44} recommended: error {found.recommended_ece:.4f}, promised {promised:.4f}, came true {came:.4f}; "
        f"all pairs: error {found.ece:.5f}"
    )


def main(name: str = "ml-1m", only: str = "") -> None:
    """Print a line a model and method."""
    rest, test = rb.split.random(pairs(name), test_fraction=0.1, random_state=0)
    train, validation = rb.split.random(rest, test_fraction=1 / 9, random_state=1)
    for model in (rb.Popularity(), rb.LogisticMF(), rb.ImplicitALS()):
        words = type(model).__name__
        if only not in ("", words):
            continue
        model.fit(train)
        if words == "LogisticMF":
            print(line(f"{words}, its own probabilities", model.reliability(test)))
        for method in ("platt", "isotonic"):
            model.calibrate(validation, method=method)
            print(line(f"{words}, {method}", model.reliability(test)))
        if words == "ImplicitALS":
            model.partial_fit(validation)
            print(line(f"{words}, isotonic, then partial_fit", model.reliability(test)))


if __name__ == "__main__":
    main(*sys.argv[1:])
