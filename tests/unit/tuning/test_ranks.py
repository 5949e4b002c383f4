"""Settings that need no fit: those that would end at zero, and factors beyond the live rank."""

from __future__ import annotations

import numpy as np
import pytest

import ridgeback as rb
from ridgeback.tuning.ranks import LiveRanks, ends_near_zero


def test_a_setting_that_ends_at_zero_is_known_without_a_fit(events: rb.Interactions) -> None:
    own = rb.ImplicitALS(n_factors=8, n_threads=1)
    largest = float(own.starting_values(events, 1)[0])
    regularization = own._resolve(shape_of(events))["regularization"]
    low, high = (own.clone().set_params(regularization=regularization * largest * times) for times in (0.1, 1.01))
    assert not ends_near_zero(low, events)
    assert ends_near_zero(high, events)
    with pytest.warns(rb.RidgebackWarning, match="ended near zero"):
        high.set_params(n_iterations=60).fit(events)


def shape_of(data: rb.Interactions) -> object:
    from ridgeback.models.defaults import DataShape

    return DataShape(*data.shape, data.nnz)


def test_models_that_cannot_say_are_fitted(events: rb.Interactions) -> None:
    assert not ends_near_zero(rb.LogisticMF(), events)
    assert not ends_near_zero(rb.ImplicitALS(regularization=0.0), events)


def test_no_more_factors_than_live_at_a_weaker_regularization() -> None:
    ranks = LiveRanks()
    assert ranks.most_factors(1.0) is None
    ranks.learn(1.0, 64, 64)  # all live: more might, too
    assert ranks.most_factors(1.0) is None
    ranks.learn(2.0, 64, 20)
    assert ranks.most_factors(1.9) is None
    assert ranks.most_factors(2.0) == ranks.most_factors(5.0) == 30
    ranks.learn(4.0, 32, 3)
    assert ranks.most_factors(3.0) == 30
    assert ranks.most_factors(4.0) == 4
    ranks.learn(1.0, 64, None)
    assert ranks.most_factors(1.0) is None


def test_a_search_fits_no_factors_beyond_the_live_rank(events: rb.Interactions) -> None:
    found = rb.tune(
        rb.ImplicitALS(n_threads=1),
        events,
        n_trials=25,
        metric="ndcg@10",
        refit=False,
        search=("n_factors", "regularization"),
    )
    states = {trial.state for trial in found.trials}
    assert "near zero" in states or "complete" in states
    untuned = found.untuned_trial
    assert untuned.live_rank is not None
    assert untuned.live_rank < 40
    stronger = [
        trial.parameters["n_factors"]
        for trial in found.trials[3:]
        if trial.parameters["regularization"] > untuned.parameters["regularization"]
    ]
    assert stronger
    assert np.max(stronger) <= max(8, 2 * untuned.live_rank)
