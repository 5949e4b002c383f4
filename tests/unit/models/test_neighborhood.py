"""The neighbourhood term of ImplicitALS: what it adds, its scale, and what it does at the edges."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import ridgeback as rb
from ridgeback.data.fit_cost import DataSize, fit_cost
from ridgeback.errors import ModelFileError, ParameterError, UnsupportedError
from ridgeback.models import checks, neighborhood
from ridgeback.models.defaults import DataShape
from ridgeback.solvers import neighbors_reference


def table(n_users: int = 60, n_items: int = 40, seed: int = 0) -> rb.Interactions:
    """Two groups with tastes of their own; the last user has nothing."""
    rng = np.random.default_rng(seed)
    chance = np.where((np.arange(n_users)[:, None] + np.arange(n_items)) % 2, 0.35, 0.05)
    has = rng.random((n_users, n_items)) < chance
    has[-1] = False
    return rb.Interactions.from_csr(rb.Csr.from_pairs(*np.nonzero(has), None, (n_users, n_items)))


def fitted(**parameters: Any) -> rb.ImplicitALS:
    return rb.ImplicitALS(n_factors=4, n_iterations=3, **parameters).fit(table())


def everything(model: Any) -> Any:
    return model.score(np.arange(len(model.user_ids_))[:, None], np.arange(len(model.item_ids_)))


def test_scores_are_the_factors_and_the_neighbors() -> None:
    model, alone = fitted(n_neighbors=7, neighbor_weight=0.6), fitted()
    np.testing.assert_array_equal(model.item_factors_, alone.item_factors_)
    data = table()
    S = neighbors_reference.item_neighbors(
        data.user_items, 7, item_exponent=neighborhood.ITEM_EXPONENT, user_exponent=neighborhood.USER_EXPONENT
    )
    counts = np.maximum(data.user_items.counts(), 1)
    scales = model._neighborhood.factor * counts**-neighborhood.HISTORY_EXPONENT
    added = neighbors_reference.neighbor_scores(S, data.user_items, scales)
    np.testing.assert_allclose(everything(model), everything(alone) + added, atol=1e-5)
    spreads = [float(np.var(part[:-1], axis=1).mean()) ** 0.5 for part in (everything(alone), added)]
    assert spreads[1] / spreads[0] == pytest.approx(0.6, rel=1e-4)


def test_a_weight_of_zero_is_the_model_without() -> None:
    np.testing.assert_array_equal(everything(fitted(n_neighbors=7, neighbor_weight=0.0)), everything(fitted()))
    assert fitted().parameters_["neighbor_weight"] is None
    assert fitted(n_neighbors=7).parameters_["neighbor_weight"] > 0


def test_more_neighbors_than_items_are_all_of_them() -> None:
    many, all_others = fitted(n_neighbors=10_000), fitted(n_neighbors=39)
    np.testing.assert_array_equal(everything(many), everything(all_others))


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({"n_neighbors": -1}, "'n_neighbors' parameter of ImplicitALS must be a whole number of at least 0. Got -1"),
        ({"n_neighbors": 2.5}, "'n_neighbors' parameter .* Got 2.5"),
        ({"n_neighbors": 5, "neighbor_weight": -0.1}, "'neighbor_weight' parameter .* of at least 0. Got -0.1"),
        ({"n_neighbors": 5, "neighbor_weight": float("nan")}, "'neighbor_weight' parameter .* Got nan"),
        ({"neighbor_weight": 0.5}, "must be None with n_neighbors=0.*pass n_neighbors=200 as well"),
    ],
)
def test_wrong_parameters_are_refused(parameters: dict[str, Any], expected: str) -> None:
    with pytest.raises(ParameterError, match=expected):
        fitted(**parameters)


def test_neighbors_beyond_memory_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "memory_bytes", lambda: 10_000_000_000)
    shape = DataShape(n_users=10, n_items=100_000, n_interactions=500)
    parameters = {"n_factors": 4, "n_threads": 1, "n_neighbors": 20_000}
    with pytest.raises(ParameterError, match=r"20,000 of each of 100,000 items need 16.0 GB, this machine has 10.0 GB"):
        checks.check_memory("ImplicitALS", shape, parameters)
    checks.check_memory("ImplicitALS", shape, parameters | {"n_neighbors": 200})
    with_, without = (fit_cost(rb.ImplicitALS(n_neighbors=n), DataSize(1000, 500, 9000)).peak_bytes for n in (200, 0))
    assert with_ - without == 8 * 500 * 200


def test_one_item_one_user_and_users_who_share_nothing() -> None:
    for users, items in (([1, 2, 3], [7, 7, 7]), ([1], [7]), ([1, 2, 3], [7, 8, 9])):
        data = rb.Interactions.from_arrays(users, items)
        model = rb.ImplicitALS(n_factors=2, n_iterations=2, n_neighbors=3).fit(data)
        assert model._neighborhood.factor == 0
        assert np.isfinite(everything_by_id(model)).all()
        assert model.explain(1, 7).score == pytest.approx(model.score(1, 7), abs=1e-5)


def test_factors_that_say_nothing_leave_it_to_the_neighbors() -> None:
    with pytest.warns(rb.RidgebackWarning, match="ended near zero"):
        model = fitted(n_neighbors=9, regularization=1e6)
    scores = model.recommend(0, k=3).scores
    assert np.abs(model.user_factors_).max() < 1e-6
    assert scores[0] > scores[2] > 0


def test_users_without_history_get_the_fallback() -> None:
    model = fitted(n_neighbors=9)
    assert model.recommend(59).fallback == "popularity"
    assert model.score(59, 3) == 0.0
    assert model.fold_in([]).recommend(k=2).fallback == "popularity"


def test_validation_measures_what_is_served() -> None:
    train, later = rb.split.random(table(200, 80), test_fraction=0.3)
    model = rb.ImplicitALS(n_factors=4, n_iterations=3, n_neighbors=20, neighbor_weight=2.0)
    model.fit(train, validation=later, metric="ndcg@10")
    report = rb.evaluate(model, train, later, k=10, baselines=False)
    assert model.history_[-1]["validation"] == pytest.approx(report.metrics["ndcg@10"], rel=1e-9)
    alone = rb.ImplicitALS(n_factors=4, n_iterations=3).fit(train, validation=later, metric="ndcg@10")
    assert alone.history_[-1]["validation"] != model.history_[-1]["validation"]


def test_new_users_are_judged_with_their_neighbors() -> None:
    train, history, test = rb.split.by_user(table(200, 80), test_fraction=0.2)
    model = rb.ImplicitALS(n_factors=4, n_iterations=3, n_neighbors=20, neighbor_weight=2.0).fit(train)
    report = rb.evaluate(model, train, test, history=history, k=5, baselines=False)
    user = report.users[0]
    row = int(history.user_ids.rows([user])[0])
    folded = model.fold_in([history.item_ids[int(i)] for i in history.user_items.row(row)[0]])
    wanted = {test.item_ids[int(i)] for i in test.user_items.row(int(test.user_ids.rows([user])[0]))[0]}
    hits = len({entry.item for entry in folded.recommend(k=5)} & wanted)
    assert report.by_user["recall@5"][0] == pytest.approx(hits / len(wanted))


def test_new_events_are_heard_and_new_items_are_nobodys_neighbors() -> None:
    model = fitted(n_neighbors=9)
    S = model._neighborhood.similarity
    before = model.score(3, np.arange(40))
    model.partial_fit(rb.Interactions.from_arrays([3, 3, 1000], [0, 777, 5]))
    assert model._neighborhood.similarity.shape == (41, 41)
    np.testing.assert_array_equal(model._neighborhood.similarity.indices, S.indices)
    assert np.abs(model.score(3, np.arange(40)) - before).max() > 1e-3
    items = [model.item_ids_[int(i)] for i in model._seen.row(int(model.user_ids_.rows([1000])[0]))[0]]
    assert model.score(1000, 11) == pytest.approx(model.fold_in(items).score(11), abs=1e-5)
    assert model.explain(1000, 11).score == pytest.approx(model.score(1000, 11), abs=1e-5)


def test_a_trace_refuses_what_it_would_not_show() -> None:
    with pytest.raises(UnsupportedError, match="Fit with n_neighbors=0 to trace"):
        rb.ImplicitALS(n_neighbors=5).fit(table(), trace=rb.Trace())
    with pytest.raises(UnsupportedError, match="Fit with n_neighbors=0 to trace"):
        fitted(n_neighbors=5).fold_in([1, 2]).trace()


def test_ctrl_c_while_neighbors_are_found_leaves_the_model_unfitted(monkeypatch: pytest.MonkeyPatch) -> None:
    build = neighborhood.build
    flag = np.ones(1, dtype=np.uint8)
    monkeypatch.setattr(neighborhood, "build", lambda data, n, n_threads, cancel: build(data, n, n_threads, flag))
    model = rb.ImplicitALS(n_neighbors=5)
    with pytest.raises(KeyboardInterrupt):
        model.fit(table())
    with pytest.raises(rb.errors.NotFittedError):
        model.recommend(0)


def test_files_with_neighbors_that_cannot_be_are_refused(tmp_path: Path) -> None:
    model = fitted(n_neighbors=5)
    S = model._neighborhood.similarity
    path = tmp_path / "model.ridge"
    for broken, expected in (
        (rb.Csr(S.indptr, S.indices, -S.values(), S.shape), "its neighbours must have values above 0"),
        (rb.Csr(S.indptr, S.indices + 40, S.data, S.shape), "neighbors is broken"),
        (S.with_data(None), "its neighbours must have values above 0"),
    ):
        model._neighborhood = neighborhood.Neighborhood(broken, 0.5)
        model.save(path)
        with pytest.raises(ModelFileError, match=expected):
            rb.load(path)


def everything_by_id(model: Any) -> Any:
    return model.score(np.array(list(model.user_ids_))[:, None], list(model.item_ids_))
