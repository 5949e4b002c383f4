"""The axes of the fitted factors: principal ones, or those of the start; callbacks see the start's until the end."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import ridgeback as rb

MODELS = [
    rb.ExplicitALS(n_factors=4, regularization=0.05, n_iterations=4),
    rb.ExplicitALS(n_factors=4, regularization=0.05, n_iterations=4, solver="cg"),
    rb.ImplicitALS(n_factors=4, n_iterations=4),
    rb.ImplicitALS(n_factors=4, n_iterations=4, solver="exact"),
    rb.ImplicitALS(n_factors=4, n_iterations=4, loss="hu"),
    rb.LogisticMF(n_factors=4, n_iterations=4, regularization=0.1),
]


@pytest.fixture(params=MODELS, ids=repr)
def model(request: pytest.FixtureRequest) -> Any:
    return request.param.clone()


@pytest.fixture(scope="module")
def data() -> rb.Interactions:
    rng = np.random.default_rng(0)
    tastes = rng.normal(size=(80, 3)) @ rng.normal(size=(3, 50))
    users, items = np.nonzero(rng.random(tastes.shape) < 0.4)
    return rb.Interactions.from_arrays(users, items, ratings=np.exp(np.clip(tastes[users, items] / 2, -2, 2)))


def is_principal(items: np.ndarray) -> bool:
    gram = items.astype(np.float64).T @ items
    energies = np.diag(gram)
    is_diagonal = np.abs(gram - np.diag(energies)).max() < 1e-5 * energies.max()
    largest = items[np.abs(items).argmax(axis=0), np.arange(items.shape[1])]
    return bool(is_diagonal and (np.diff(energies) <= 0).all() and (largest >= 0).all())


def test_auto_ends_in_principal_axes(model: Any, data: rb.Interactions) -> None:
    """Gramian diagonal, energies descending, the item entry of largest magnitude positive."""
    model.fit(data)
    assert is_principal(model.item_factors_)
    assert model.parameters_["orientation"] == "principal"
    shares = [one.energy_share for one in model.describe_factors()]
    energies = (model.item_factors_.astype(np.float64) ** 2).sum(axis=0)
    np.testing.assert_allclose(shares, energies / energies.sum(), rtol=1e-5)


def test_the_axes_change_no_score(model: Any, data: rb.Interactions) -> None:
    turned, straight = model.clone().fit(data), model.clone().set_params(orientation="start").fit(data)
    assert not is_principal(straight.item_factors_)
    users, items = np.array(list(data.user_ids))[:, None], list(data.item_ids)
    np.testing.assert_allclose(turned.score(users, items), straight.score(users, items), atol=2e-4)
    assert turned.history_[-1]["loss"] == pytest.approx(straight.history_[-1]["loss"], rel=1e-5)


def test_two_seeds_find_the_same_factors(data: rb.Interactions) -> None:
    """Comparable between fits: the same axes and signs once both are at the optimum."""
    one, other = (
        rb.ImplicitALS(n_factors=3, n_iterations=300, solver="exact", random_state=seed).fit(data) for seed in (1, 2)
    )
    np.testing.assert_allclose(one.item_factors_, other.item_factors_, atol=5e-3)


def declared(n_factors: int = 4) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(3)
    return rng.normal(size=(80, n_factors)) * 0.3, rng.normal(size=(50, n_factors)) * 0.3


def test_declared_axes_stay_unless_principal_is_asked_for(model: Any, data: rb.Interactions) -> None:
    init = declared()
    kept = model.clone().set_params(init=init).fit(data)
    turned = model.clone().set_params(init=init, orientation="principal").fit(data)
    assert kept.parameters_["orientation"] == "start"
    assert is_principal(turned.item_factors_)
    rotation, *_ = np.linalg.lstsq(kept.item_factors_.astype(float), turned.item_factors_.astype(float), rcond=None)
    np.testing.assert_allclose(rotation.T @ rotation, np.eye(4), atol=1e-3)


def test_callbacks_see_the_axes_of_the_start(model: Any, data: rb.Interactions) -> None:
    """With exact steps in the start's axes as the yardstick, also where the solver turns inside."""
    init = declared()
    seen: list[tuple[str, np.ndarray, np.ndarray]] = []

    def look(model: Any, record: dict[str, Any]) -> None:
        seen.append((record["side"], model.user_factors_.copy(), model.item_factors_.copy()))

    is_logistic = isinstance(model, rb.LogisticMF)
    exact, turned = ({}, {}) if is_logistic else ({"solver": "exact"}, {"solver": "cg", "n_cg_steps": 25})
    own = model.clone().set_params(init=init, orientation="principal", **turned).fit(data, callbacks=[look])
    turning, seen = seen, []
    model.clone().set_params(init=init, orientation="start", **exact).fit(data, callbacks=[look])
    for (side, users, items), (_, expected_users, expected_items) in zip(turning[:-1], seen[:-1], strict=True):
        np.testing.assert_allclose(users, expected_users, rtol=1e-3, atol=2e-3, err_msg=side)
        np.testing.assert_allclose(items, expected_items, rtol=1e-3, atol=2e-3, err_msg=side)
    np.testing.assert_array_equal(turning[0][1], init[0].astype(np.float32))
    np.testing.assert_array_equal(turning[0][2], init[1].astype(np.float32))
    assert is_principal(turning[-1][2])
    np.testing.assert_array_equal(turning[-1][2], own.item_factors_)


def test_no_iterations_serve_what_was_declared(model: Any, data: rb.Interactions) -> None:
    """The items as declared; the users solved once, exactly, on them."""
    users, items = declared()
    model.set_params(init=(users, items), n_iterations=0).fit(data)
    np.testing.assert_array_equal(model.item_factors_, items.astype(np.float32))
    assert [record["side"] for record in model.history_] == ["start", "final users"]
    assert (model.n_iterations_, model.stopped_by_) == (0, "n_iterations")
    other = model.clone().set_params(init=(users + 1, items)).fit(data)
    np.testing.assert_array_equal(other.user_factors_, model.user_factors_)
    row = 5
    own, values = data.user_items.row(row)
    folded = model.fold_in([data.item_ids[int(i)] for i in own], values)
    np.testing.assert_allclose(folded.factors, model.user_factors_[row], rtol=1e-5, atol=1e-6)


def test_non_negative_factors_keep_their_axes(data: rb.Interactions) -> None:
    for model in (rb.ExplicitALS(n_factors=4, non_negative=True), rb.ImplicitALS(n_factors=4, non_negative=True)):
        model.fit(data)
        assert model.parameters_["orientation"] == "start"
        assert min(model.user_factors_.min(), model.item_factors_.min()) >= 0
        assert not is_principal(model.item_factors_)
