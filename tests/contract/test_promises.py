"""The promises that models of factors make: recommend = fold-in = explain, also from a file and after new events."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest

import ridgeback as rb
from contract.cases import FACTOR_CASES, Case, interactions

GAP = 1e-5


def same_row(one: np.ndarray, other: np.ndarray) -> bool:
    """Equal to 1e-5 of the row's length."""
    scale = float(np.linalg.norm(other.astype(np.float64)))
    return float(np.linalg.norm(one.astype(np.float64) - other)) <= GAP * max(scale, 1e-12)


def own_history(data: rb.Interactions, row: int) -> tuple[list[Any], np.ndarray, np.ndarray | None]:
    """Ids, values and weights of one user."""
    items, values = data.user_items.row(row)
    begin, end = data.user_items.indptr[row : row + 2]
    ratings = np.ones(len(items), dtype=np.float32) if values is None else values
    return [data.item_ids[int(i)] for i in items], ratings, None if data.weights is None else data.weights[begin:end]


def adds_up(explanation: Any) -> bool:
    total = explanation.baseline + sum(part.contribution for part in explanation.contributions) + explanation.rest
    return abs(total - explanation.score) <= GAP * max(1.0, abs(explanation.score))


@pytest.fixture(params=FACTOR_CASES, ids=str)
def case(request: pytest.FixtureRequest) -> Case:
    one: Case = request.param
    return one


@pytest.fixture(params=[False, True], ids=["plain", "weighted"])
def own_data(request: pytest.FixtureRequest) -> rb.Interactions:
    return interactions(n_users=60, n_items=30, weighted=request.param)


def check_fold_in(model: Any, data: rb.Interactions) -> None:
    rows = range(data.n_users)
    folded = model.fold_in_many([own_history(data, row) for row in rows])
    assert len(folded) == data.n_users
    for row, one in zip(rows, folded, strict=True):
        assert same_row(one.factors, model.user_factors_[row])
        bias = 0.0 if model.user_biases_ is None else float(model.user_biases_[row])
        assert one.bias == pytest.approx(bias, abs=GAP * max(1.0, abs(bias)))
        assert one.unknown_items == []
        assert (one.fallback is None) == (model._user_counts[row] > 0)
    for row in (0, 7, data.n_users - 1):
        items, ratings, weights = own_history(data, row)
        alone = model.fold_in(items, ratings, weights)
        np.testing.assert_array_equal(alone.factors, folded[row].factors)
        user, item = data.user_ids[row], data.item_ids[4]
        expected = model.score(user, item)
        assert alone.score(item) == pytest.approx(expected, abs=GAP * max(1.0, abs(expected)))
        assert alone.predict(item) == pytest.approx(model.predict(user, item), abs=GAP * max(1.0, abs(expected)))
        theirs, ours = alone.recommend(k=7), model.recommend(user, k=7)
        assert theirs.fallback == ours.fallback
        assert theirs.items.tolist() == ours.items.tolist()
        np.testing.assert_allclose(theirs.scores, ours.scores, rtol=1e-4, atol=1e-5)


def check_explain(model: Any, data: rb.Interactions) -> None:
    for row in range(0, data.n_users, 7):
        user = data.user_ids[row]
        own = own_history(data, row)
        for item in (data.item_ids[0], data.item_ids[4], own[0][0] if own[0] else data.item_ids[1]):
            explanation = model.explain(user, item)
            assert adds_up(explanation)
            shown = model.score(user, item)
            assert explanation.score == pytest.approx(shown, abs=1e-4 * max(1.0, abs(shown)))
            assert (explanation.user, explanation.item) == (user, item)
            counted = {
                item for item, value in zip(own[0], own[1], strict=True) if value > 0 or model.link != "preference"
            }
            assert {part.item for part in explanation.contributions} == counted
            sizes = [part.contribution for part in explanation.contributions]
            assert sizes == sorted(sizes, reverse=True)
            bias = 0.0 if model.item_biases_ is None else float(model.item_biases_[data.item_ids.row(item)])
            assert explanation.baseline == pytest.approx(model.mean_ + bias, abs=1e-6)
            assert model.family == "logistic" or explanation.rest == 0.0


def test_a_training_user_folded_in_gets_their_own_factors(case: Case, own_data: rb.Interactions) -> None:
    check_fold_in(case.make().fit(own_data), own_data)


def test_also_on_another_shape_and_seed(case: Case) -> None:
    for seed, n_users, n_items in ((1, 12, 40), (2, 90, 6)):
        data = interactions(seed, n_users, n_items, text=True)
        model = case.make(random_state=seed, n_factors=9).fit(data)
        check_fold_in(model, data)


def test_explanations_add_up(case: Case, own_data: rb.Interactions) -> None:
    check_explain(case.make().fit(own_data), own_data)


@pytest.mark.parametrize("verify", [True, False])
def test_also_from_a_file(case: Case, own_data: rb.Interactions, tmp_path: Any, verify: bool) -> None:
    model = case.make().fit(own_data)
    model.save(tmp_path / "model.ridge")
    loaded = rb.load(tmp_path / "model.ridge", verify=verify)
    assert type(loaded) is type(model)
    assert loaded.get_params() == model.get_params()
    np.testing.assert_array_equal(loaded.user_factors_, model.user_factors_)
    check_fold_in(loaded, own_data)
    check_explain(loaded, own_data)
    before = copy.deepcopy(vars(loaded))
    events = rb.Interactions.from_arrays([0, 30, 7], [1000, 1001, 1003], ratings=[4, 2, 5])
    one, other = loaded.partial_fit(events), model.partial_fit(events)
    np.testing.assert_array_equal(one.user_factors_, other.user_factors_)
    np.testing.assert_array_equal(one.item_factors_, other.item_factors_)
    assert len(one.user_ids_) == len(before["user_ids_"]) + 1


def test_a_file_without_history_folds_in_and_says_what_it_lacks(case: Case, tmp_path: Any) -> None:
    data = interactions()
    model = case.make().fit(data)
    model.save(tmp_path / "model.ridge", include_history=False)
    loaded = rb.load(tmp_path / "model.ridge")
    check = [own_history(data, row) for row in range(data.n_users)]
    for row, one in enumerate(loaded.fold_in_many(check)):
        assert same_row(one.factors, model.user_factors_[row])
    needs_history = [lambda: loaded.score(0, 1000), lambda: loaded.recommend(0, exclude_seen=False)]
    if not case.has_neighbors:
        needs_history = []
        expected = model.recommend(0, k=5, exclude_seen=False)
        assert loaded.recommend(0, k=5, exclude_seen=False) == expected
        assert loaded.recommend(290, k=5, exclude_seen=False).fallback == model.recommend(290).fallback
        assert sum(len(block[0]) for block in loaded.recommend_all(k=2, exclude_seen=False)) == 30
    items, values, _ = own_history(data, 0)
    assert loaded.fold_in(items, values).recommend(k=5).items.tolist() == model.recommend(0, k=5).items.tolist()
    for ask in (
        *needs_history,
        lambda: loaded.recommend(0),
        lambda: loaded.recommend_all(),
        lambda: loaded.explain(0, 1000),
        lambda: loaded.partial_fit(data),
    ):
        with pytest.raises(rb.errors.HistoryMissingError, match="saved without its history"):
            ask()
    loaded.forget(0)
    assert 0 not in loaded.user_ids_


def test_after_new_events_the_touched_users_keep_the_promises(case: Case, own_data: rb.Interactions) -> None:
    model = case.make().fit(own_data)
    events = rb.Interactions.from_arrays([0, 0, 30, 5], [1000, 1002, 1001, 1007], ratings=[4, 2, 5, 3])
    model.partial_fit(events)
    merged, touched, _ = own_data.merge(events)
    for row in touched.tolist():
        items, ratings, weights = own_history(merged, row)
        folded = model.fold_in(items, ratings, weights)
        assert same_row(folded.factors, model.user_factors_[row])
        explanation = model.explain(merged.user_ids[row], 1004)
        assert adds_up(explanation)
        assert explanation.score == pytest.approx(model.score(merged.user_ids[row], 1004), rel=1e-4, abs=1e-4)


def test_with_refreshed_users_all_of_them_keep_the_promises(case: Case, own_data: rb.Interactions) -> None:
    model = case.make().fit(own_data)
    events = rb.Interactions.from_arrays([0, 0, 30, 5], [1000, 1002, 1001, 1007], ratings=[4, 2, 5, 3])
    model.partial_fit(events, refresh_users=True)
    merged, _, _ = own_data.merge(events)
    check_fold_in(model, merged)
    check_explain(model, merged)


def test_the_others_of_a_forgotten_user_keep_the_promises(case: Case, own_data: rb.Interactions) -> None:
    model = case.make().fit(own_data)
    model.forget(40)
    rest = own_data.without_user(4)
    assert model.user_ids_ == rest.user_ids
    check_fold_in(model, rest)
    check_explain(model, rest)


def test_an_item_folded_in_is_close_to_its_own_factors(case: Case) -> None:
    """Training ends on the users, so the promise is one of per cents, not of bits."""
    data = interactions(n_users=120, n_items=40)
    if case.name == "LogisticMF sampled":
        with pytest.raises(rb.errors.UnsupportedError, match="fold_in_item is not defined for"):
            case.make().fit(data).fold_in_item([0], [1.0])
        return
    model = case.make(n_iterations=200 if case.model is rb.LogisticMF else 40).fit(data)
    users, values = data.item_users.row(3)
    folded = model.fold_in_item([data.user_ids[int(u)] for u in users], values)
    own = model.item_factors_[3].astype(np.float64)
    assert np.linalg.norm(folded.factors - own) <= 0.1 * np.linalg.norm(own) + 1e-3
    assert folded.unknown_users == []
    if not case.has_neighbors:  # the new item is nobody's neighbour
        assert folded.score(0) == pytest.approx(model.score(0, 1003), abs=0.15)
    assert 1003 in [entry.item for entry in folded.similar_items(k=2)]
