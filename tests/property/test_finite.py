"""Whatever the numbers: a fit ends in finite factors that keep their promises, or in one clear error."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import hypothesis.strategies as st
import numpy as np
from hypothesis import given, settings

import ridgeback as rb
from ridgeback.errors import RidgebackError, RidgebackWarning

MAGNITUDES = st.sampled_from([0.0, 1e-30, 1e-6, 1e-3, 0.1, 1.0, 3.0, 50.0, 1e4, 1e8, 1e20, 3e38])
RIDGES = st.sampled_from([0.0, 1e-12, 1e-4, 0.1, 10.0, 1e6])


@st.composite
def tables(draw: st.DrawFn) -> rb.Interactions:
    n = draw(st.integers(1, 25))
    users = draw(st.lists(st.integers(0, 6), min_size=n, max_size=n))
    items = draw(st.lists(st.integers(0, 6), min_size=n, max_size=n))
    ratings = draw(st.lists(MAGNITUDES, min_size=n, max_size=n))
    has_weights = draw(st.booleans())
    weights = draw(st.lists(MAGNITUDES, min_size=n, max_size=n)) if has_weights else None
    return rb.Interactions.from_arrays(users, items, ratings=ratings, weights=weights, duplicates="last")


@st.composite
def models(draw: st.DrawFn) -> Any:
    common = {
        "n_factors": draw(st.sampled_from([1, 2, 5, 17])),
        "regularization": draw(RIDGES),
        "n_iterations": draw(st.integers(0, 3)),
        "init": draw(st.sampled_from(["normal", "standard_normal", "uniform"])),
        "init_scale": draw(st.sampled_from([0.0, 0.1, 100.0])),
        "frequency_exponent": draw(st.sampled_from([0.0, 0.5, 1.0])),
        "n_threads": 1,
    }
    kind = draw(st.sampled_from([rb.ExplicitALS, rb.ImplicitALS, rb.LogisticMF]))
    if kind is rb.LogisticMF:
        return kind(
            **common,
            bias_regularization=draw(RIDGES),
            solver=draw(st.sampled_from(["majorize", "gradient", "adagrad"])),
            n_negatives=draw(st.sampled_from(["all", 0, 2])),
            alpha=draw(st.sampled_from([None, 1.0])),
            biases=draw(st.booleans()),
        )
    non_negative = draw(st.booleans())
    common |= {
        "non_negative": non_negative,
        "solver": "auto" if non_negative else draw(st.sampled_from(["exact", "cg"])),
    }
    if kind is rb.ExplicitALS:
        return kind(**common, bias_regularization=draw(RIDGES), biases=draw(st.booleans()))
    loss = draw(st.sampled_from(["ials", "hu"]))
    unobserved = draw(st.sampled_from([None, 0.0, 0.3])) if loss == "ials" else None
    exponents = draw(st.sampled_from([(0.0, 0.0), (0.5, 0.3)]))
    return kind(**common, loss=loss, alpha=1.0, unobserved_weight=unobserved, weight_exponents=exponents)


@settings(max_examples=150)
@given(model=models(), data=tables())
def test_finite_or_refused(model: Any, data: rb.Interactions) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.simplefilter("ignore", RidgebackWarning)
        refusal = refusal_of(lambda: model.fit(data))
        if refusal is not None:
            assert len(refusal) > 40  # it says something
            assert vars(model).keys() == model.get_params().keys()
            return
        check_answers(model, data)


def refusal_of(act: Callable[[], Any]) -> str | None:
    """What a library error says, or None."""
    try:
        act()
    except RidgebackError as error:
        return str(error)
    return None


def check_answers(model: Any, data: rb.Interactions) -> None:
    for array in (model.user_factors_, model.item_factors_, model.user_biases_, model.item_biases_):
        assert array is None or np.isfinite(array).all()
    assert all(np.isfinite(record["loss"]) for record in model.history_)
    users, items = list(data.user_ids), list(data.item_ids)
    assert np.isfinite(model.predict(np.array(users)[:, None], items)).all()
    for user in users:
        assert np.isfinite(model.recommend(user, k=99).scores).all()
    refusal = refusal_of(lambda: model.explain(users[0], items[0]))
    if refusal is not None:
        assert "egularization" in refusal
        return
    explanation = model.explain(users[0], items[0])
    parts = [explanation.baseline, explanation.rest, *(part.contribution for part in explanation.contributions)]
    assert np.isfinite(explanation.score)
    assert abs(sum(parts) - explanation.score) <= 1e-5 * max(1.0, abs(explanation.score))
