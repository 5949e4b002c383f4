"""Forecasts: the cost model at first, and nearer with every fit that was seen."""

from __future__ import annotations

import pytest

import ridgeback as rb
from ridgeback.data.fit_cost import DataSize, fit_cost
from ridgeback.tuning.forecasting import Forecast, Work

SIZE = DataSize(6000, 3000, 500_000)


def model(n_factors: int, n_neighbors: int = 0) -> rb.ImplicitALS:
    return rb.ImplicitALS(n_factors=n_factors, n_neighbors=n_neighbors, n_threads=1)


def test_before_any_fit_it_is_the_cost_model() -> None:
    forecast = Forecast(SIZE)
    plain = model(64).set_params(n_iterations=10)
    assert forecast.seconds(model(64), Work(10)) == pytest.approx(fit_cost(plain, SIZE).seconds)
    assert forecast.seconds(model(64), Work(10, n_measured=6000)) > forecast.seconds(model(64), Work(10))
    assert forecast.seconds(model(64, 200), Work(10, 0, 10**8)) > forecast.seconds(model(64), Work(10, 0, 10**8)) + 0.25


def test_a_slower_machine_is_learned_from_one_fit() -> None:
    forecast = Forecast(SIZE)
    work = Work(10, n_measured=6000)
    before = forecast.seconds(model(64), work)
    forecast.learn(model(64), work, 5 * before)
    assert forecast.seconds(model(64), work) == pytest.approx(5 * before, rel=0.1)
    assert forecast.for_size(SIZE).seconds(model(64), work) == forecast.seconds(model(64), work)


def test_fits_with_as_many_factors_count_most() -> None:
    forecast = Forecast(SIZE)
    work = Work(10)
    small, large = forecast.seconds(model(8), work), forecast.seconds(model(256), work)
    for _ in range(3):
        forecast.learn(model(8), work, 4 * small)
        forecast.learn(model(256), work, large)
    assert forecast.seconds(model(8), work) == pytest.approx(4 * small, rel=0.15)
    assert forecast.seconds(model(256), work) == pytest.approx(large, rel=0.15)
    assert 1.2 * small < forecast.seconds(model(8), work)


def test_a_fit_that_did_nothing_teaches_nothing() -> None:
    forecast = Forecast(SIZE)
    before = forecast.seconds(model(64), Work(10))
    forecast.learn(model(64), Work(0), 100.0)
    assert forecast.seconds(model(64), Work(10)) == before
