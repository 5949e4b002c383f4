"""Isotonic regression and Platt scaling against scikit-learn, and where data leave no choice."""

from __future__ import annotations

import time

import numpy as np
import pytest
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression

from ridgeback.recommend.probability_maps import IsotonicMap, PlattMap, isotonic, platt, sigmoid


def drawn(n: int, seed: int, digits: int = 9) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Scores (equal ones where few digits are kept), answers that follow them, and weights."""
    rng = np.random.default_rng(seed)
    scores = np.round(rng.normal(size=n), digits)
    return scores, rng.random(n) < sigmoid(2 * scores - 1), rng.uniform(0.1, 3.0, n)


@pytest.mark.parametrize("n", [1, 2, 7, 100, 3000])
@pytest.mark.parametrize("digits", [0, 1, 9])
@pytest.mark.parametrize("is_weighted", [False, True])
def test_isotonic_equals_scikit_learn(n: int, digits: int, is_weighted: bool) -> None:
    for seed in range(4):
        scores, yes, weights = drawn(n, seed, digits)
        weights = weights if is_weighted else None
        theirs = IsotonicRegression(out_of_bounds="clip").fit(scores, yes, sample_weight=weights)
        ours = isotonic(scores, yes, weights)
        asked = np.concatenate([scores, np.linspace(-9, 9, 201)])
        np.testing.assert_allclose(ours(asked), theirs.predict(asked), atol=1e-10)
        assert (np.diff(ours.scores) > 0).all()
        assert (np.diff(ours.probabilities) >= 0).all()


def test_isotonic_keeps_the_number_of_yeses() -> None:
    scores, yes, weights = drawn(2000, 5)
    assert weights @ isotonic(scores, yes, weights)(scores) == pytest.approx(weights[yes].sum())


def test_pooling_was_timed_where_every_merge_calls_for_the_next() -> None:
    """Rising blocks of one yes after 600, 599, ... noes, then nothing but noes: they fall together one by one."""
    places = np.cumsum(np.arange(600, 1, -1))
    yes = np.zeros(400_000, dtype=bool)
    yes[places] = True
    started = time.perf_counter()
    found = isotonic(np.arange(len(yes)), yes)
    assert time.perf_counter() - started < 5
    theirs = IsotonicRegression().fit(np.arange(len(yes)), yes)
    np.testing.assert_allclose(found(places), theirs.predict(places), atol=1e-12)


@pytest.mark.parametrize("scale", [1.0, 1e-3, 1e4])
def test_platt_equals_scikit_learn(scale: float) -> None:
    """A logistic regression on every pair twice, as a yes and as a no, weighted by Platt's targets."""
    for seed in range(3):
        scores, yes, weights = drawn(500, seed)
        n_yes, n_no = weights[yes].sum(), weights[~yes].sum()
        targets = np.where(yes, (n_yes + 1) / (n_yes + 2), 1 / (n_no + 2))
        theirs = LogisticRegression(C=np.inf, solver="newton-cholesky", tol=1e-12, max_iter=1000).fit(
            np.tile(scores, 2)[:, None],
            np.repeat([1, 0], 500),
            sample_weight=np.concatenate([weights * targets, weights * (1 - targets)]),
        )
        ours = platt(scale * scores + 3, yes, weights)
        assert ours.slope * scale == pytest.approx(theirs.coef_[0, 0], rel=1e-6)
        np.testing.assert_allclose(
            ours(scale * scores + 3), theirs.predict_proba(scores[:, None])[:, 1], rtol=1e-6, atol=1e-12
        )


def test_platt_is_finite_where_a_threshold_separates() -> None:
    found = platt(np.arange(10.0), np.arange(10) > 4)
    assert 0 < found([0.0])[0] < found([4.5])[0] < found([9.0])[0] < 1
    assert np.isfinite([found.slope, found.intercept]).all()


def test_scores_that_say_nothing_or_the_opposite_give_one_chance() -> None:
    yes = np.array([True, True, False, False])
    for scores in ([0.0, 1.0, 2.0, 3.0], [1.0, 1.0, 1.0, 1.0]):
        assert isotonic(scores, yes)([-5.0, 1.5, 5.0]).tolist() == [0.5, 0.5, 0.5]
        assert platt(scores, yes)([-5.0, 1.5, 5.0]) == pytest.approx([0.5, 0.5, 0.5])
        assert platt(scores, yes).slope == 0


def test_scores_beyond_the_ends_get_the_ends() -> None:
    found = IsotonicMap(np.array([-1.0, 2.0]), np.array([0.25, 0.5]))
    assert found([-np.inf, -2.0, 0.5, 9.0, np.inf]).tolist() == [0.25, 0.25, 0.375, 0.5, 0.5]
    assert found == IsotonicMap(np.array([-1.0, 2.0]), np.array([0.25, 0.5]))
    assert found != IsotonicMap(np.array([-1.0, 2.0]), np.array([0.25, 0.75]))
    assert found != PlattMap(1.0, 0.0)
    assert PlattMap(1.0, 0.0)([-1e9, 0.0, 1e9]).tolist() == [0.0, 0.5, 1.0]
