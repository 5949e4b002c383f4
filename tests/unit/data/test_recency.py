"""Weights that halve with age."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import ridgeback as rb
from ridgeback.errors import DataError, ParameterError

DAY = 86_400


def events(timestamps: Any, **columns: Any) -> rb.Interactions:
    n = len(timestamps)
    return rb.Interactions.from_arrays(list(range(n)), [7] * n, timestamps=timestamps, **columns)


@pytest.mark.parametrize("per_day", [DAY, DAY * 10**3, DAY * 10**6, DAY * 10**9])
def test_an_interaction_counts_half_after_a_half_life(per_day: int) -> None:
    data = events([(20_000 + day) * per_day for day in (0, 10, 20)])
    weights = data.with_recency(10).weights
    assert weights is not None
    np.testing.assert_allclose(weights / weights[2], [0.25, 0.5, 1.0], rtol=1e-6)
    assert weights.mean() == pytest.approx(1.0)
    assert data.weights is None  # the table itself stays
    later = data.with_recency(10, now=(20_000 + 500) * per_day).weights
    np.testing.assert_array_equal(weights, later)


def test_dates_are_understood() -> None:
    data = events(["2024-01-01", "2024-01-31"])
    weights = data.with_recency(15).weights
    assert weights is not None
    assert weights[0] / weights[1] == pytest.approx(0.25)


def test_weights_multiply_and_nothing_vanishes() -> None:
    data = events([0, 1, 10**6], weights=[1.0, 0.0, 2.0])
    weights = data.with_recency(1, unit="days").weights
    assert weights is not None
    assert weights[0] / weights[2] == pytest.approx(0.5e-6)
    assert weights[1] == 0.0


def test_models_hear_it() -> None:
    data = rb.Interactions.from_arrays([1, 1, 2, 2, 3], [1, 2, 1, 3, 2], timestamps=[1, 900, 1, 900, 900])
    model = rb.ImplicitALS(n_factors=2, n_iterations=2)
    plain, aged = model.clone().fit(data), model.clone().fit(data.with_recency(30, unit="days"))
    assert np.abs(plain.user_factors_ - aged.user_factors_).max() > 1e-3
    assert len(aged.recommend(1, k=5)) == 1  # what was seen long ago is still seen


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"half_life_days": 0}, "'half_life_days' of with_recency must be a finite number above 0. Got 0"),
        ({"half_life_days": float("nan")}, "finite number above 0. Got nan"),
        ({"half_life_days": "7"}, "finite number above 0. Got '7'"),
        ({"half_life_days": 7, "unit": "weeks"}, "must be one of 'days'.*Got 'weeks'"),
        ({"half_life_days": 7, "now": DAY}, "must not be before the last interaction"),
        ({"half_life_days": 7, "now": "today"}, "'now' of with_recency must be a whole number.*Got 'today'"),
    ],
)
def test_wrong_parameters_are_refused(options: dict[str, Any], expected: str) -> None:
    with pytest.raises(ParameterError, match=expected):
        events([20_000 * DAY]).with_recency(**options)


def test_times_that_are_none_are_refused() -> None:
    with pytest.raises(ParameterError, match=r"'unit' of with_recency must be given.*the last one is 3"):
        events([1, 2, 3]).with_recency(7)
    with pytest.raises(DataError, match="with_recency needs timestamps"):
        rb.Interactions.from_arrays([1], [2]).with_recency(7)


def test_nothing_stays_nothing() -> None:
    data = events([20_000 * DAY])
    assert data.subset(np.zeros(1, dtype=bool)).with_recency(7).nnz == 0
