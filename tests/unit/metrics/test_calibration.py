"""Reliability bins and the expected calibration error: by hand, against scikit-learn, and on what cannot be judged."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.calibration import calibration_curve

from ridgeback.errors import ParameterError
from ridgeback.metrics import calibration_error, reliability


def drawn(n: int = 3000, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Answers, probabilities (too high by a third) and weights."""
    rng = np.random.default_rng(seed)
    p = rng.beta(1, 4, n)
    return rng.random(n) < 0.75 * p, p, rng.uniform(0.5, 3.0, n)


def test_by_hand() -> None:
    yes, p, w = [0, 1, 1, 0, 1], [0.1, 0.1, 0.6, 0.7, 0.9], [3, 1, 1, 1, 2]
    bins = reliability(yes, p, w, n_bins=2)
    assert [(one.low, one.high, one.n_pairs) for one in bins] == [(0.1, 0.1, 4.0), (0.6, 0.9, 4.0)]
    assert [one.probability for one in bins] == pytest.approx([0.1, 0.775])
    assert [one.share for one in bins] == pytest.approx([0.25, 0.75])
    assert calibration_error(yes, p, w, n_bins=2) == pytest.approx((4 * 0.15 + 4 * 0.025) / 8)


@pytest.mark.parametrize(("equal", "strategy"), [("width", "uniform"), ("pairs", "quantile")])
def test_equals_scikit_learn(equal: str, strategy: str) -> None:
    yes, p, _ = drawn()
    came, promised = calibration_curve(yes, p, n_bins=10, strategy=strategy)
    bins = reliability(yes, p, n_bins=10, equal=equal)
    np.testing.assert_allclose([one.probability for one in bins], promised, atol=2e-3 if equal == "pairs" else 1e-12)
    np.testing.assert_allclose([one.share for one in bins], came, atol=2e-2 if equal == "pairs" else 1e-12)


@pytest.mark.parametrize("equal", ["pairs", "width", "yeses"])
def test_weights_stand_for_repeated_pairs(equal: str) -> None:
    yes, p, _ = drawn(300)
    counts = np.random.default_rng(1).integers(1, 4, 300)
    p = np.round(p, 2)
    weighted = reliability(yes, p, counts, equal=equal)
    repeated = reliability(np.repeat(yes, counts), np.repeat(p, counts), equal=equal)
    np.testing.assert_allclose(np.array(weighted), np.array(repeated), atol=1e-12)


def test_bins_hold_equally_many_expected_yeses() -> None:
    yes, p, w = drawn()
    bins = reliability(yes, p, w, equal="yeses")
    expected = [one.n_pairs * one.probability for one in bins]
    np.testing.assert_allclose(expected, np.sum(w * p) / 10, rtol=0.02)
    assert len(bins) == 10


def test_pairs_of_one_probability_stay_together() -> None:
    yes, p = np.arange(100) % 4 == 0, np.repeat([0.2, 0.3], [99, 1])
    for equal in ("pairs", "width", "yeses"):
        bins = reliability(yes, p, equal=equal)
        assert [round(one.n_pairs) for one in bins] == [99, 1]
    assert [one.n_pairs for one in reliability(yes, np.zeros(100), equal="yeses")] == [100.0]


def test_the_share_of_all_promised_for_all_has_no_error() -> None:
    yes = np.arange(40) < 10
    assert calibration_error(yes, np.full(40, 0.25)) == 0
    assert calibration_error(yes, np.full(40, 1.0)) == 0.75
    assert calibration_error([True], [0.0]) == 1.0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([], []), "There is no pair to judge"),
        (([True], [0.5, 0.5]), r"must be one value a pair. Got shapes \(1,\), \(2,\) and \(2,\)"),
        (([[True]], [[0.5]]), "must be one value a pair"),
        (([True], [1.5]), r"Probabilities must lie in \[0, 1\]. Got 1.5 to 1.5"),
        (([True], [np.nan]), r"Probabilities must lie in \[0, 1\]. Got nan"),
        (([True], [0.5], [0.0]), "Weights must be finite and above 0. Got 0 to 0"),
        (([True], [0.5], [np.inf]), "Weights must be finite"),
        (([True], [0.5], [1.0, 1.0]), "must be one value a pair"),
        (([True], [0.5], None, 0), "'n_bins' parameter must be a whole number of at least 1. Got 0"),
        (([True], [0.5], None, 2.5), "'n_bins' parameter"),
        (([True], [0.5], None, 10, "mass"), "'equal' parameter must be one of 'pairs', 'width', 'yeses'. Got 'mass'"),
    ],
)
def test_what_cannot_be_judged(arguments: tuple, message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        reliability(*arguments)
