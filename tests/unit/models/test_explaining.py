"""Explanations: by hand on the smallest data, adding up everywhere, and warning where users are stale."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

import ridgeback as rb
from ridgeback.errors import RidgebackWarning, UnknownIdError


def table(seed: int = 0, n_users: int = 40, n_items: int = 25) -> rb.Interactions:
    rng = np.random.default_rng(seed)
    users, items = np.nonzero(rng.random((n_users, n_items)) < 0.3)
    return rb.Interactions.from_arrays(users, items, ratings=rng.integers(1, 6, len(users)))


def total(explanation: Any) -> float:
    return float(explanation.baseline + sum(p.contribution for p in explanation.contributions) + explanation.rest)


def test_hu_by_hand() -> None:
    """s_ui = sum_j c_j y_i^T W_u y_j with W_u = (Y^T C Y + reg I)^-1 (Hu et al., section 5)."""
    data = rb.Interactions.from_arrays([1, 1, 2, 2], ["a", "b", "b", "c"], ratings=[1.0, 2.0, 1.0, 3.0])
    items = np.array([[1.0, 0.5], [0.3, 1.0], [0.2, 0.4]])
    model = rb.ImplicitALS(
        n_factors=2, loss="hu", alpha=2.0, regularization=0.1, n_iterations=0, init=(np.ones((2, 2)), items)
    ).fit(data)
    c = np.array([3.0, 5.0, 1.0])  # 1 + alpha r, 1 where nothing was met
    W = np.linalg.inv(items.T @ (c[:, None] * items) + 0.1 * np.eye(2))
    explanation = model.explain(1, "c")
    shares = {part.item: part.contribution for part in explanation.contributions}
    assert shares == {
        "a": pytest.approx(3.0 * items[2] @ W @ items[0], rel=1e-5),
        "b": pytest.approx(5.0 * items[2] @ W @ items[1], rel=1e-5),
    }
    assert (explanation.baseline, explanation.rest) == (0.0, 0.0)
    assert explanation.score == pytest.approx(sum(shares.values()), rel=1e-9)
    assert explanation.score == pytest.approx(model.score(1, "c"), rel=1e-5)


def test_joint_biases_by_hand() -> None:
    data = rb.Interactions.from_arrays([1, 1, 2, 2], ["a", "b", "b", "c"], ratings=[5.0, 2.0, 4.0, 3.0])
    items = np.array([[1.0, 0.5], [0.3, 1.0], [0.2, 0.4]])
    model = rb.ExplicitALS(
        n_factors=2,
        regularization=0.1,
        bias_regularization=0.2,
        frequency_exponent=0,
        n_iterations=0,
        init=(np.ones((2, 2)), items),
    ).fit(data)
    columns = np.hstack([items[:2], np.ones((2, 1))])
    A = columns.T @ columns + np.diag([0.1, 0.1, 0.2])
    pulls = np.array([5.0, 2.0]) - 3.5
    shares = pulls * (columns @ np.linalg.solve(A, [*items[2], 1.0]))
    explanation = model.explain(1, "c")
    assert {p.item: p.contribution for p in explanation.contributions} == {
        "a": pytest.approx(shares[0], rel=1e-5),
        "b": pytest.approx(shares[1], rel=1e-5),
    }
    assert explanation.baseline == pytest.approx(3.5)
    assert explanation.score == pytest.approx(3.5 + shares.sum(), rel=1e-6)
    assert str(explanation).startswith(f"c: {explanation.score:.4f} for user 1, where anyone gets 3.5000, ")
    assert "baseline" in str(explanation)


@pytest.mark.parametrize("regularization", [0.0, 0.1])
def test_more_factors_than_pairs_and_no_regularization(regularization: float) -> None:
    """The minimum-norm solution is explained too."""
    data = table(n_users=12, n_items=8)
    model = rb.ExplicitALS(n_factors=20, regularization=regularization, bias_regularization=0.0, n_iterations=2)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RidgebackWarning)
        model.fit(data)
    for user in list(data.user_ids):
        explanation = model.explain(user, 3)
        assert abs(total(explanation) - explanation.score) <= 1e-5 * max(1.0, abs(explanation.score))


def test_non_negative_users_with_no_factor_left() -> None:
    """A row whose factors are all zero has nothing to share out but its bias."""
    data = rb.Interactions.from_arrays(["a", "a", "b", "b"], ["x", "y", "x", "y"], ratings=[0.0, 0.0, 4.0, 5.0])
    for biases in (False, True):
        model = rb.ExplicitALS(n_factors=3, non_negative=True, biases=biases).fit(data)
        explanation = model.explain("a", "x")
        assert total(explanation) == pytest.approx(explanation.score, abs=1e-6)
        if not biases:
            assert explanation.score == 0.0


def test_stale_users_are_named_after_new_events() -> None:
    """Where stored and newly solved scores differ by more than 1e-3, and nowhere else."""
    data = table()
    model = rb.ExplicitALS(n_factors=4, regularization=0.02).fit(data)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for user in list(data.user_ids):
            model.explain(user, 3)
    rng = np.random.default_rng(9)
    touched = [5, 6, 7]
    events = rb.Interactions.from_arrays(np.repeat(touched, 8), rng.integers(0, 12, 24), ratings=rng.integers(1, 6, 24))
    model.partial_fit(events)
    n_warned = 0
    for user in list(data.user_ids):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            explanation = model.explain(user, 3)
        gap = abs(model.score(user, 3) - explanation.score)
        assert bool(caught) == (gap > 1e-3 * max(1.0, abs(explanation.score)))
        assert total(explanation) == pytest.approx(explanation.score, abs=1e-5)
        if user in touched:
            assert not caught
        for warning in caught:
            n_warned += 1
            assert issubclass(warning.category, RidgebackWarning)
            assert "partial_fit(..., refresh_users=True) or fit again" in str(warning.message)
            assert warning.filename == __file__
    assert n_warned > 0
    model.partial_fit(events, refresh_users=True)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for user in list(data.user_ids):
            model.explain(user, 3)


def test_a_user_without_history() -> None:
    data = rb.Interactions.from_csr(rb.Csr.from_pairs([0, 0, 1], [0, 1, 1], [4.0, 2.0, 5.0], (3, 3)))
    for model in (rb.ExplicitALS(n_factors=2), rb.ImplicitALS(n_factors=2), rb.LogisticMF(n_factors=2)):
        model.fit(data)
        explanation = model.explain(2, 1)
        assert explanation.contributions == []
        assert explanation.score == pytest.approx(model.score(2, 1), abs=1e-6) == explanation.baseline
        item_nobody_has = model.explain(0, 2)
        assert total(item_nobody_has) == pytest.approx(item_nobody_has.score, abs=1e-6)


def test_unknown_ids() -> None:
    model = rb.ImplicitALS(n_factors=2).fit(table())
    with pytest.raises(UnknownIdError, match="user 99 is unknown"):
        model.explain(99, 3)
    with pytest.raises(UnknownIdError, match="item 99 is unknown"):
        model.explain(3, 99)
