"""The order of users and items does not matter: with declared factors, permuted data give permuted factors."""

from __future__ import annotations

from typing import Any

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

import ridgeback as rb

K = 3
MODELS = [
    rb.ExplicitALS(n_factors=K, n_iterations=2),
    rb.ExplicitALS(n_factors=K, n_iterations=2, solver="cg", regularization=1.0, bias_regularization=1.0),
    rb.ExplicitALS(n_factors=K, n_iterations=2, non_negative=True),
    rb.ImplicitALS(n_factors=K, n_iterations=2, solver="exact", regularization=0.1),
    rb.ImplicitALS(n_factors=K, n_iterations=2, solver="cg", regularization=0.1),
    rb.ImplicitALS(n_factors=K, n_iterations=2, loss="hu", solver="exact", weight_exponents=(0.3, 0.3)),
    rb.ImplicitALS(n_factors=K, n_iterations=2, loss="hu", non_negative=True),
    rb.LogisticMF(n_factors=K, n_iterations=2, n_negatives="all"),
    rb.LogisticMF(n_factors=K, n_iterations=2, n_negatives=0, solver="adagrad"),
]


@st.composite
def permuted_tables(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, np.ndarray, int]:
    """Ratings 1 to 5 (0: no pair; at least one), an order of the users, one of the items, and a seed."""
    n_users, n_items = draw(st.integers(1, 9)), draw(st.integers(1, 9))
    cells = draw(st.lists(st.integers(0, 5), min_size=n_users * n_items, max_size=n_users * n_items))
    ratings = np.array(cells).reshape(n_users, n_items)
    if not ratings.any():
        ratings[draw(st.integers(0, n_users - 1)), draw(st.integers(0, n_items - 1))] = 3
    users = np.array(draw(st.permutations(range(n_users))))
    items = np.array(draw(st.permutations(range(n_items))))
    return ratings, users, items, draw(st.integers(0, 1000))


def interactions(ratings: np.ndarray) -> rb.Interactions:
    users, items = np.nonzero(ratings)
    return rb.Interactions.from_csr(rb.Csr.from_pairs(users, items, ratings[users, items].astype(float), ratings.shape))


@pytest.mark.parametrize("model", MODELS, ids=repr)
@settings(max_examples=25)
@given(table=permuted_tables())
def test_permuted_data_give_permuted_factors(model: Any, table: Any) -> None:
    ratings, users, items, seed = table
    rng = np.random.default_rng(seed)
    x, y = (np.abs(rng.normal(size=(n, K))) for n in ratings.shape)
    one = model.clone().set_params(init=(x, y)).fit(interactions(ratings))
    other = model.clone().set_params(init=(x[users], y[items])).fit(interactions(ratings[users][:, items]))
    scale = max(1.0, float(np.abs(one.user_factors_).max()), float(np.abs(one.item_factors_).max()))
    np.testing.assert_allclose(other.user_factors_, one.user_factors_[users], atol=2e-4 * scale)
    np.testing.assert_allclose(other.item_factors_, one.item_factors_[items], atol=2e-4 * scale)
    assert other.history_[-1]["loss"] == pytest.approx(one.history_[-1]["loss"], rel=1e-4, abs=1e-4)
    if one.user_biases_ is not None:
        np.testing.assert_allclose(other.user_biases_, one.user_biases_[users], atol=2e-4 * scale)
    n_users, n_items = ratings.shape
    scores = one.score(np.arange(n_users)[:, None], np.arange(n_items))
    permuted = other.score(np.arange(n_users)[:, None], np.arange(n_items))
    np.testing.assert_allclose(permuted, scores[users][:, items], atol=1e-3 * scale**2)


@settings(max_examples=25)
@given(table=permuted_tables())
def test_drawn_noes_follow_the_user_and_not_the_row(table: Any) -> None:
    """LogisticMF with a number of negatives: permuted users draw the same items."""
    ratings, users, _, seed = table
    rng = np.random.default_rng(seed)
    x, y = (rng.normal(size=(n, K)) for n in ratings.shape)
    model = rb.LogisticMF(n_factors=K, n_iterations=2, n_negatives=2)
    one = model.clone().set_params(init=(x, y)).fit(interactions(ratings))
    other = model.clone().set_params(init=(x[users], y)).fit(interactions(ratings[users]))
    np.testing.assert_allclose(other.user_factors_, one.user_factors_[users], atol=1e-4)
    np.testing.assert_allclose(other.item_factors_, one.item_factors_, atol=1e-4)


@settings(max_examples=30)
@given(table=permuted_tables())
def test_a_training_user_folded_in_whatever_the_data(table: Any) -> None:
    ratings, _, _, seed = table
    for model in (
        rb.ExplicitALS(n_factors=K, n_iterations=2, random_state=seed),
        rb.ImplicitALS(n_factors=K, n_iterations=2, random_state=seed),
        rb.LogisticMF(n_factors=K, n_iterations=2, random_state=seed),
    ):
        model.fit(interactions(ratings))
        for row, own in enumerate(ratings):
            folded = model.fold_in({int(i): float(own[i]) for i in np.flatnonzero(own)})
            scale = float(np.linalg.norm(model.user_factors_[row]))
            assert np.linalg.norm(folded.factors - model.user_factors_[row]) <= 1e-5 * scale
            explanation = model.explain(row, 0)
            total = explanation.baseline + sum(p.contribution for p in explanation.contributions) + explanation.rest
            assert abs(total - explanation.score) <= 1e-5 * max(1.0, abs(explanation.score))
