"""Fits by hand, in float64 on the readable solvers, beside the fits that they are twins of."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import ridgeback as rb
from ridgeback.examples.by_hand import by_hand

MODELS = [
    rb.ExplicitALS(3, n_iterations=3),
    rb.ExplicitALS(3, n_iterations=3, non_negative=True),
    rb.ExplicitALS(3, n_iterations=3, solver="cg", n_cg_steps=2),
    rb.ImplicitALS(3, n_iterations=3, solver="exact"),
    rb.ImplicitALS(3, n_iterations=3, loss="hu", solver="cg", n_cg_steps=2),
    rb.LogisticMF(3, n_iterations=3),
    rb.LogisticMF(3, n_iterations=3, solver="gradient"),
    rb.LogisticMF(3, n_iterations=3, solver="adagrad"),
]


@pytest.fixture(scope="module")
def data() -> rb.Interactions:
    rng = np.random.default_rng(5)
    users, items = np.nonzero(rng.random((12, 9)) < 0.5)
    return rb.Interactions.from_arrays(users, items, ratings=rng.integers(1, 6, len(users)).astype(float))


@pytest.mark.parametrize("model", MODELS, ids=repr)
def test_the_twin_walks_the_same_way(model: Any, data: rb.Interactions) -> None:
    fast, hand = rb.Trace(), rb.Trace()
    model.clone().fit(data, trace=fast)
    by_hand(model).fit(data, trace=hand)
    assert (fast.header["precision"], hand.header["precision"]) == ("single", "double")
    for ours, theirs in zip(hand.steps, fast.steps, strict=True):
        assert (ours["side"], ours["method"]) == (theirs["side"], theirs["method"])
        assert ours["loss"] == pytest.approx(theirs["loss"], rel=1e-4)
        assert ours["predictions"] == pytest.approx(theirs["predictions"], rel=1e-2, abs=1e-3)
    for step in hand.steps:
        for row in step["rows"]:
            if step["method"] != "cg":
                assert row["after"] == pytest.approx(row["x"], rel=1e-9, abs=1e-12)


def test_declared_matrices_are_not_rounded(data: rb.Interactions) -> None:
    users, items = np.full((12, 1), 0.1), np.full((9, 1), 0.2)
    trace = rb.Trace()
    by_hand(rb.ExplicitALS(1, n_iterations=0, init=(users, items))).fit(data, trace=trace)
    assert trace.steps[0]["user_factors"].tolist() == users.tolist()
    assert trace.steps[0]["item_factors"].tolist() == items.tolist()
