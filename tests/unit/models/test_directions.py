"""How many factors can leave zero, how many are alive at the end, and what a fit that ends near zero says."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import ridgeback as rb
from ridgeback.errors import DataError, ParameterError
from ridgeback.models.directions import live_rank
from ridgeback.models.row_solver import Side

N_GROUPS = 6


def groups(n_users: int = 180, n_items: int = 90) -> rb.Interactions:
    """Six groups of users, each with items of its own, and some chance."""
    rng = np.random.default_rng(0)
    chance = np.where(np.arange(n_users)[:, None] % N_GROUPS == np.arange(n_items) % N_GROUPS, 0.7, 0.02)
    users, items = np.nonzero(rng.random((n_users, n_items)) < chance)
    counts = rng.integers(1, 5, len(users))
    return rb.Interactions.from_arrays(users, items, ratings=counts)


def dense_values(model: Any, data: rb.Interactions) -> Any:
    """All singular values of the pulls over the ridges, from the row problems of a fit."""
    fitted = model.clone().set_params(n_iterations=1).fit(data)
    from ridgeback.models.training import ListedPairs

    listed = ListedPairs(fitted._seen, None)
    users, items = fitted._row_problem("users", listed), fitted._row_problem("items", listed.transpose())
    w = np.ones(data.nnz) if users.confidences is None else users.confidences.astype(float)
    if users.row_scales is not None:
        w = w * users.row_scales[listed.rows.row_of_entry()]
    if users.column_scales is not None:
        w = w * users.column_scales[listed.rows.indices]
    C = np.zeros(data.shape)
    C[listed.rows.row_of_entry(), listed.rows.indices] = w if users.pull == "weight" else 1 + w
    return np.linalg.svd(C / np.sqrt(users.ridges)[:, None] / np.sqrt(items.ridges), compute_uv=False)


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"alpha": 0.7, "weight_exponents": (0.3, 0.2), "frequency_exponent": 1.0},
        {"loss": "hu"},
        {"loss": "hu", "alpha": 2.0, "weight_exponents": (0.4, 0.1)},
        {"frequency_counts": "observed", "weight_exponents": (0.0, 0.0)},
    ],
    ids=str,
)
def test_starting_values_are_singular_values(parameters: dict[str, Any]) -> None:
    data = groups()
    model = rb.ImplicitALS(n_factors=8, **parameters)
    expected = dense_values(model, data)
    found = model.starting_values(data)
    assert len(found) == 8
    np.testing.assert_allclose(found[:N_GROUPS], expected[:N_GROUPS], rtol=1e-4)  # those apart from chance
    np.testing.assert_allclose(found, expected[:8], rtol=0.05)
    assert (found <= expected[:8] * 1.0001).all()
    np.testing.assert_allclose(model.starting_values(data, n=500), expected, rtol=1e-3, atol=1e-3)


def test_the_number_of_threads_changes_nothing() -> None:
    values = [rb.ImplicitALS(n_factors=8, n_threads=n).starting_values(groups()) for n in (1, 3)]
    np.testing.assert_array_equal(*values)


def test_they_foretell_what_survives() -> None:
    """Above 1 a factor lives; at or below 1 all of them end at zero, however long the fit."""
    data = groups()
    model = rb.ImplicitALS(n_factors=10, solver="exact", n_iterations=60)
    base = rb.ImplicitALS(n_factors=10, regularization=1.0).starting_values(data)
    between = float(np.sqrt(base[N_GROUPS - 1] * base[N_GROUPS]))  # the groups above 1, chance below
    fitted = model.clone().set_params(regularization=between).fit(data)
    assert fitted.live_rank_ == N_GROUPS
    with pytest.warns(rb.RidgebackWarning, match="No factor can leave zero.*Choose a regularization below"):
        nothing = model.clone().set_params(regularization=1.05 * float(base[0])).fit(data)
    assert np.abs(nothing.user_factors_ @ nothing.item_factors_.T).max() < 1e-3


def test_the_advice_near_zero_helps() -> None:
    data = groups()
    largest = float(rb.ImplicitALS(regularization=1.0).starting_values(data, n=1)[0])
    with pytest.warns(rb.RidgebackWarning, match="Only 1 of 64 factors can leave zero") as caught:
        rb.ImplicitALS(regularization=0.999 * largest).fit(data)
    advised = float(str(caught[0].message).rsplit(" ", 1)[-1].rstrip("."))
    assert rb.ImplicitALS(regularization=advised).fit(data).live_rank_ >= N_GROUPS


def test_live_rank_counts_weighted_directions() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(40, 5)).astype(np.float32), rng.normal(size=(30, 5)).astype(np.float32)
    x[:, 3], y[:, 4] = 0, 0
    ridges = rng.uniform(1, 2, 40), rng.uniform(1, 2, 30)
    assert live_rank(Side(x, None), Side(y, None), *ridges, 1) == 3
    assert live_rank(Side(x, None), Side(y, None), np.zeros(40), np.zeros(30), 1) == 3
    assert live_rank(Side(0 * x, None), Side(y, None), *ridges, 1) == 0
    x[:, 0] *= 1e-5
    assert live_rank(Side(x, None), Side(y, None), *ridges, 1) == 2


@pytest.mark.parametrize("model", [rb.ExplicitALS, rb.ImplicitALS, rb.LogisticMF])
def test_every_fit_says_its_live_rank(model: Any, tmp_path: Any) -> None:
    fitted = model(n_factors=4, n_iterations=2, regularization=0.1).fit(groups())
    assert 1 <= fitted.live_rank_ <= 4
    assert type(fitted.live_rank_) is int
    fitted.save(tmp_path / "model.ridge")
    assert rb.load(tmp_path / "model.ridge").live_rank_ == fitted.live_rank_


def test_check_reports_them() -> None:
    data = groups()
    report = data.check(rb.ImplicitALS(n_factors=16))
    (finding,) = report.about("directions")
    assert finding.level == "info"
    assert (
        f"{report.figures['n_startable']} of 16 factors can start from zero at this regularization" in finding.message
    )
    (finding,) = data.check(rb.ImplicitALS(n_factors=16, regularization=1e4)).about("directions")
    assert finding.level == "warning"
    assert "No factor can start from zero" in finding.message
    for silent in (rb.ImplicitALS(regularization=0.0), rb.ExplicitALS(), None):
        assert not data.check(silent).about("directions")


def test_questions_that_have_no_answer_are_refused() -> None:
    with pytest.raises(ParameterError, match="must be above 0 for starting_values"):
        rb.ImplicitALS(regularization=0.0).starting_values(groups())
    with pytest.raises(ParameterError, match="'n' parameter of starting_values must be a whole number of at least 1"):
        rb.ImplicitALS().starting_values(groups(), n=0)
    with pytest.raises(DataError, match="has no interactions that ImplicitALS can learn from"):
        rb.ImplicitALS().starting_values(rb.Interactions.from_arrays([1], [2], ratings=[0]))
    assert len(rb.ImplicitALS().starting_values(rb.Interactions.from_arrays([1], [2]))) == 1
