"""New events without fitting again, and a user forgotten without a trace."""

from __future__ import annotations

import copy
import signal
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import ridgeback as rb
from ridgeback.errors import DataError, ParameterError, UnknownIdError, UnsupportedError
from ridgeback.models import folding

MODELS = [
    rb.ExplicitALS(n_factors=3, n_iterations=3),
    rb.ExplicitALS(n_factors=3, n_iterations=3, non_negative=True),
    rb.ImplicitALS(n_factors=3, n_iterations=3),
    rb.ImplicitALS(n_factors=3, n_iterations=3, loss="hu"),
    rb.ImplicitALS(n_factors=3, n_iterations=3, non_negative=True),
    rb.LogisticMF(n_factors=3, n_iterations=3, regularization=0.1),
    rb.LogisticMF(n_factors=3, n_iterations=3, regularization=0.1, n_negatives=0),
]


@pytest.fixture(params=MODELS, ids=repr)
def model(request: pytest.FixtureRequest) -> Any:
    return request.param.clone()


def table(seed: int = 0, duplicates: Any = None, weighted: bool = False, n_users: int = 30) -> rb.Interactions:
    rng = np.random.default_rng(seed)
    users, items = np.nonzero(rng.random((n_users, 20)) < 0.35)
    return rb.Interactions.from_arrays(
        [f"user-{u:02d}" for u in users],
        [f"item-{i:02d}" for i in items],
        ratings=rng.integers(1, 6, len(users)),
        weights=rng.choice([0.5, 1.0, 2.0], len(users)) if weighted else None,
        duplicates=duplicates,
    )


def events(*rows: tuple[Any, ...], **keywords: Any) -> rb.Interactions:
    """(user, item, rating[, weight]) rows."""
    columns = list(zip(*rows, strict=True))
    weights = columns[3] if len(columns) > 3 else None
    return rb.Interactions.from_arrays(columns[0], columns[1], ratings=columns[2], weights=weights, **keywords)


def snapshot(model: Any) -> dict[str, Any]:
    """All that a model is, to the bit."""
    state = copy.deepcopy(
        {name: value for name, value in vars(model).items() if not name.startswith(("_kept", "_eligible"))}
    )
    return {name: _comparable(value) for name, value in state.items()}


def _comparable(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return value.shape, value.dtype.str, value.tobytes()
    if isinstance(value, rb.Csr):
        data = None if value.data is None else value.data.tobytes()
        return value.shape, value.indptr.tobytes(), value.indices.tobytes(), data
    if isinstance(value, rb.Ids):
        return value.to_numpy().tolist()
    return value


NEW = [("user-03", "item-04", 5), ("user-99", "item-01", 4), ("user-99", "item-98", 2), ("user-07", "item-98", 3)]


# What comes in ----------------------------------------------------------------------------------------------------


def test_it_returns_the_model_which_knows_the_new_ids(model: Any) -> None:
    data = table()
    model.fit(data)
    before = copy.deepcopy(model)
    assert model.partial_fit(events(*NEW)) is model
    assert list(model.user_ids_) == [*data.user_ids, "user-99"]
    assert list(model.item_ids_) == [*data.item_ids, "item-98"]
    assert model.user_factors_.shape == (31, 3)
    assert model.item_factors_.shape == (21, 3)
    assert len(model.recommend("user-99", k=99)) == 21 - 2
    assert "item-98" in model.recommend("user-00", k=99).items
    assert np.isfinite(model.score("user-99", list(model.item_ids_))).all()
    assert len(model.similar_items("item-98", k=3)) == (3 if model.item_factors_[20].any() else 0)
    touched_users, touched_items = [3, 7, 30], [1, 4, 20]
    untouched = [row for row in range(30) if row not in touched_users]
    np.testing.assert_array_equal(model.user_factors_[untouched], before.user_factors_[untouched])
    untouched = [row for row in range(20) if row not in touched_items]
    np.testing.assert_array_equal(model.item_factors_[untouched], before.item_factors_[untouched])
    assert (model.user_factors_[[3, 7]] != before.user_factors_[[3, 7]]).any()
    assert model.mean_ == before.mean_
    assert model._weight_scale == before._weight_scale
    assert model.history_ == before.history_


def test_new_ids_follow_in_ascending_order() -> None:
    model = rb.ImplicitALS(n_factors=2).fit(rb.Interactions.from_arrays([5, 5, 7], [30, 10, 10]))
    model.partial_fit(rb.Interactions.from_arrays([9, 2, 7], [20, 5, 40]))
    assert list(model.user_ids_) == [5, 7, 2, 9]
    assert list(model.item_ids_) == [10, 30, 5, 20, 40]
    model.partial_fit(rb.Interactions.from_arrays(["1", "7"], ["10", "10"]))  # text that spells ints is those ints
    assert list(model.user_ids_) == [5, 7, 2, 9, 1]
    with pytest.raises(DataError, match="the ids of this table are ints; got the text 'ann'"):
        model.partial_fit(rb.Interactions.from_arrays(["ann"], ["10"]))


def test_new_items_bring_their_titles() -> None:
    """What has a title keeps it; what had none gets the new one."""

    def titled(items: list[int], names: dict[int, str]) -> rb.Interactions:
        text = rb.data.Text.from_strings(list(names.values()))
        return rb.Interactions.from_arrays(
            ["a"] * len(items), items, titles=rb.Titles(rb.Ids.from_sequence(list(names)), text)
        )

    model = rb.ImplicitALS(n_factors=2).fit(titled([1, 2, 3], {1: "One", 2: "Two", 9: "Nine"}))
    assert list(model.titles_) == ["One", "Two", ""]
    model.partial_fit(rb.Interactions.from_arrays(["b"], [4]))
    assert list(model.titles_) == ["One", "Two", "", ""]
    model.partial_fit(titled([5, 3], {1: "Other", 3: "Drei", 5: "다섯"}))
    assert list(model.titles_) == ["One", "Two", "Drei", "", "다섯"]
    assert {entry.item: entry.title for entry in model.recommend("b", k=9)} == {
        1: "One",
        2: "Two",
        3: "Drei",
        5: "다섯",
    }


@pytest.mark.parametrize(("rule", "merged"), [("sum", 8.0), ("mean", 4.0), ("max", 5.0), ("last", 3.0)])
def test_pairs_met_again_follow_the_rule(model: Any, rule: str, merged: float) -> None:
    """user-00 and item-00 rated 5 and then, in later events, 3."""
    data = table(duplicates=rule)
    rest = data.subset(~((data.user_items.row_of_entry() == 0) & (data.user_items.indices == 0)))
    base, _, _ = rest.merge(events(("user-00", "item-00", 5), duplicates=rule))
    model.fit(base)
    model.partial_fit(events(("user-00", "item-00", 3)))
    columns, values = model._seen.row(0)
    assert values[columns == 0] == pytest.approx(merged)
    folded = model.fold_in([model.item_ids_[int(i)] for i in columns], values)
    np.testing.assert_allclose(folded.factors, model.user_factors_[0], atol=1e-6)


def test_the_mean_rule_counts_rows(tmp_path: Path) -> None:
    """A third event weighs a third, not a half; also after a file."""
    data = rb.Interactions.from_arrays(["a", "a", "b"], ["x", "x", "y"], ratings=[1.0, 2.0, 3.0], duplicates="mean")
    model = rb.ExplicitALS(n_factors=1).fit(data)
    model.save(tmp_path / "model.ridge")
    for one in (model, rb.load(tmp_path / "model.ridge")):
        one.partial_fit(events(("a", "x", 6.0)))
        assert one._seen.row(0)[1].tolist() == [3.0]
        one.partial_fit(events(("a", "x", 7.0)))
        assert one._seen.row(0)[1].tolist() == [4.0]


def test_weights_of_events_count_and_weight_zero_does_not(model: Any) -> None:
    model.fit(table(weighted=True))
    light, heavy, none = (copy.copy(model) for _ in range(3))
    light.partial_fit(events(("user-03", "item-04", 5, 1.0)))
    heavy.partial_fit(events(("user-03", "item-04", 5, 50.0)))
    assert (light.user_factors_[3] != heavy.user_factors_[3]).any()
    before = snapshot(none)
    none.partial_fit(events(("user-03", "item-04", 5, 0.0)))
    assert snapshot(none) == before


def test_no_events_change_nothing(model: Any) -> None:
    data = table()
    model.fit(data)
    before = snapshot(model)
    model.partial_fit(data.subset(np.zeros(data.nnz, dtype=bool)))
    after = snapshot(model)
    changed = {name for name in before if before[name] != after[name]}
    assert changed <= set()


def test_matrices_only_where_ids_are_rows(model: Any) -> None:
    rng = np.random.default_rng(1)
    dense = (rng.random((12, 9)) < 0.4) * rng.integers(1, 6, (12, 9))
    matrix = rb.Interactions.from_arrays(*np.nonzero(dense), ratings=dense[np.nonzero(dense)]).user_items
    model.fit(matrix)
    more = rb.Csr.from_pairs([2, 12], [3, 9], [4.0, 5.0], (13, 10))
    by_ids = copy.copy(model).partial_fit(rb.Interactions.from_arrays([2, 12], [3, 9], ratings=[4.0, 5.0]))
    model.partial_fit(more.to_scipy())
    np.testing.assert_array_equal(model.user_factors_, by_ids.user_factors_)
    assert list(model.item_ids_) == list(range(10))
    named = model.clone().fit(table())
    with pytest.raises(
        ParameterError, match=r"'events' parameter of partial_fit must be Interactions.*ids of their own"
    ):
        named.partial_fit(more)


@pytest.mark.parametrize("weighted", [False, True])
def test_the_frequencies_of_touched_rows_are_recounted(weighted: bool) -> None:
    model = rb.ImplicitALS(n_factors=3).fit(table(weighted=weighted))
    users, items = model._fit_user_counts.copy(), model._fit_item_counts.copy()
    model.partial_fit(events(*NEW))
    expected_users, expected_items = np.append(users, 2), np.append(items, 2)
    old = table()
    for user, item, _ in NEW[:2]:
        if user in old.user_ids:
            expected_users[old.user_ids.row(user)] = len(model._seen.row(old.user_ids.row(user))[0])
        expected_items[old.item_ids.row(item)] = (model._seen.indices == old.item_ids.row(item)).sum()
    expected_users[7] = len(model._seen.row(7)[0])
    np.testing.assert_array_equal(model._fit_user_counts, expected_users)
    np.testing.assert_array_equal(model._fit_item_counts, expected_items)


@pytest.mark.parametrize("model", [one for one in MODELS if one.link != "rating"], ids=repr)
def test_events_move_the_model_towards_them(model: Any) -> None:
    """A user who takes up what a group likes is served like the group."""
    rng = np.random.default_rng(3)
    group = rng.random((40, 20)) < np.where(np.arange(20) < 10, 0.6, 0.05)
    others = rng.random((40, 20)) < np.where(np.arange(20) < 10, 0.05, 0.6)
    users, items = np.nonzero(np.vstack([group, others]))
    data = rb.Interactions.from_arrays(users, items, ratings=np.full(len(users), 5.0) - (items == 3))
    model = model.clone().set_params(n_iterations=10).fit(data)
    model.partial_fit(rb.Interactions.from_arrays([100] * 6, range(6), ratings=[5.0] * 6))
    assert np.mean([item < 10 for item in model.recommend(100, k=4).items]) >= 0.75


# What must not happen ---------------------------------------------------------------------------------------------


@pytest.fixture
def ctrl_c() -> Iterator[None]:
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize("step", [1, 2, 3])
@pytest.mark.parametrize("kind", ["error", "ctrl-C"])
def test_an_error_or_ctrl_c_leaves_the_old_model(
    model: Any, monkeypatch: pytest.MonkeyPatch, ctrl_c: None, step: int, kind: str
) -> None:
    """In the first, second or third solve."""
    model.fit(table(weighted=True))
    model.recommend("user-00")
    model.fold_in({"item-01": 4.0})
    before, answer = snapshot(model), model.recommend("user-03", k=9)
    solver = model._final_solver()
    calls: list[int] = []
    solve = type(solver).solve

    def failing(self: Any, *arguments: Any, **keywords: Any) -> Any:
        calls.append(1)
        if len(calls) == step:
            if kind == "error":
                raise MemoryError
            signal.raise_signal(signal.SIGINT)
        return solve(self, *arguments, **keywords)

    monkeypatch.setattr(type(solver), "solve", failing)
    with pytest.raises(MemoryError if kind == "error" else KeyboardInterrupt):
        model.partial_fit(events(*NEW), refresh_users=True)
    assert len(calls) == step
    monkeypatch.undo()
    assert snapshot(model) == before
    assert model.recommend("user-03", k=9) == answer
    model.partial_fit(events(*NEW))
    assert "user-99" in model.user_ids_


def test_wrong_events_are_refused_and_change_nothing(model: Any) -> None:
    model.fit(table())
    before = snapshot(model)
    broken = events(*NEW)
    broken.user_items.data[1] = np.nan
    with pytest.raises(DataError, match=r"events: user 'user-07', item 'item-98'.*finite"):
        model.partial_fit(broken)
    if model.link != "rating":
        with pytest.raises(DataError, match=r"events: .* -1.0 is negative"):
            model.partial_fit(events(("user-01", "item-01", -1.0)))
    for wrong in ([("user-01", "item-01")], "events.csv", None):
        with pytest.raises((DataError, ParameterError)):
            model.partial_fit(wrong)
    assert snapshot(model) == before


def test_other_models_of_the_same_arrays_are_left_alone(model: Any) -> None:
    """partial_fit and forget work on copies: a copy made before, and arrays taken before, stay as they were."""
    model.fit(table())
    shallow, factors = copy.copy(model), model.item_factors_
    before, bits = snapshot(shallow), factors.tobytes()
    model.partial_fit(events(*NEW))
    model.forget("user-05")
    assert snapshot(shallow) == before
    assert factors.tobytes() == bits


def test_it_warns_of_nothing(model: Any) -> None:
    model.fit(table())
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.partial_fit(events(*NEW)).forget("user-05")


# Forgetting -------------------------------------------------------------------------------------------------------

SECRET = "zq-distinctive-7f3a9c"


def with_secret(weighted: bool = False) -> rb.Interactions:
    merged, _, _ = table(weighted=weighted).merge(
        events((SECRET, "item-01", 5.0), (SECRET, "item-06", 3.0), (SECRET, "item-09", 1.0))
    )
    return merged


def test_no_byte_of_a_forgotten_user_is_in_the_file(model: Any, tmp_path: Path) -> None:
    model.fit(with_secret())
    vector = model.user_factors_[-1].tobytes()
    model.save(tmp_path / "before.ridge")
    before = (tmp_path / "before.ridge").read_bytes()
    assert SECRET.encode() in before
    assert vector in before
    model.forget(SECRET)
    for include_history in (True, False):
        model.save(tmp_path / "after.ridge", include_history=include_history)
        after = (tmp_path / "after.ridge").read_bytes()
        assert SECRET.encode() not in after
        assert SECRET[:8].encode() not in after
        assert vector not in after
        loaded = rb.load(tmp_path / "after.ridge")
        assert SECRET not in loaded.user_ids_
        assert len(loaded.user_ids_) == len(loaded.user_factors_) == 30
    assert SECRET not in repr(vars(model))
    loaded = rb.load(tmp_path / "before.ridge").forget(SECRET)
    loaded.save(tmp_path / "after.ridge")
    assert SECRET.encode() not in (tmp_path / "after.ridge").read_bytes()


def test_a_forgotten_first_user_and_a_model_updated_before(model: Any, tmp_path: Path) -> None:
    data = rb.Interactions.from_arrays(
        [f"a-{SECRET}", "b", "b", "c", "c"], ["x", "x", "y", "y", "z"], ratings=[1.0, 2.0, 3.0, 4.0, 5.0]
    )
    model.fit(data)
    model.partial_fit(events((f"a-{SECRET}", "z", 4.0), (f"d-{SECRET}", "y", 4.0)))
    model.forget(f"a-{SECRET}").forget(f"d-{SECRET}")
    model.save(tmp_path / "model.ridge")
    assert SECRET.encode() not in (tmp_path / "model.ridge").read_bytes()
    assert list(model.user_ids_) == ["b", "c"]
    assert model.recommend("b", k=5).items.tolist() == ["z"]


def test_history_counts_and_nothing_else_is_touched(model: Any) -> None:
    data = with_secret(weighted=True)
    model.fit(data)
    before = copy.copy(model)
    assert model.forget(SECRET) is model
    rest = data.without_user(30)
    assert model._seen.nnz == rest.nnz
    np.testing.assert_array_equal(model._seen.indices, rest.user_items.indices)
    np.testing.assert_array_equal(model._seen_weights, rest.weights)
    np.testing.assert_array_equal(model._item_counts, rest.user_items.column_counts())
    np.testing.assert_array_equal(model._user_counts, rest.user_items.counts())
    np.testing.assert_array_equal(model.user_factors_, before.user_factors_[:30])
    assert model.item_factors_ is before.item_factors_
    np.testing.assert_array_equal(model._fit_item_counts, before._fit_item_counts)
    assert (model.mean_, model._weight_scale) == (before.mean_, before._weight_scale)
    assert model._fingerprint != before._fingerprint
    for ask in (model.recommend, model.forget, model.similar_users):
        with pytest.raises(UnknownIdError, match=rf"user '{SECRET}' is unknown"):
            ask(SECRET)


def test_popularity_and_eligibility_are_recounted() -> None:
    data = rb.Interactions.from_arrays(["a", "a", "b", "c"], ["x", "only-a", "x", "y"])
    model = rb.ImplicitALS(n_factors=2).fit(data)
    assert "only-a" in model.recommend("b", k=9).items
    model.forget("a")
    assert "only-a" not in model.recommend("b", k=9, exclude_seen=False).items
    assert model.fold_in([]).recommend(k=9).scores.tolist() == pytest.approx([0.5, 0.5])
    assert "only-a" in model.item_ids_


def test_everybody_may_be_forgotten(model: Any, tmp_path: Path) -> None:
    data = table(n_users=4)
    model.fit(data)
    for user in list(data.user_ids):
        model.forget(user)
    assert len(model.user_ids_) == 0
    assert model.user_factors_.shape == (0, 3)
    assert len(model.fold_in({"item-01": 4.0}).recommend()) == 0
    assert len(model.fold_in({"item-01": 4.0}).recommend(candidates=["item-02"])) == 1
    assert list(model.recommend_all()) == [] or sum(len(b[0]) for b in model.recommend_all()) == 0
    model.save(tmp_path / "model.ridge")
    assert len(rb.load(tmp_path / "model.ridge").user_ids_) == 0
    model.partial_fit(events(("new", "item-01", 4.0), ("new", "item-02", 3.0)))
    assert model.user_factors_.shape == (1, 3)
    assert np.isfinite(model.score("new", "item-03"))


def test_a_number_of_negatives_knows_no_new_items() -> None:
    model = rb.LogisticMF(n_factors=2, n_negatives=3).fit(table())
    before = snapshot(model)
    with pytest.raises(UnsupportedError, match="partial_fit cannot add items"):
        model.partial_fit(events(*NEW))
    assert snapshot(model) == before
    model.partial_fit(events(("user-99", "item-01", 4.0)))
    assert "user-99" in model.user_ids_


def test_a_file_takes_the_same_events_to_the_same_bits(model: Any, tmp_path: Path) -> None:
    """Its arrays are read-only views; events come in all the same."""
    model.fit(table(weighted=True))
    model.save(tmp_path / "model.ridge")
    loaded = rb.load(tmp_path / "model.ridge", verify=False)
    for one in (model, loaded):
        one.partial_fit(events(*NEW)).forget("user-05").partial_fit(events(("user-05", "item-02", 1.0)))
    np.testing.assert_array_equal(model.user_factors_, loaded.user_factors_)
    np.testing.assert_array_equal(model.item_factors_, loaded.item_factors_)
    assert model._fingerprint == loaded._fingerprint
    assert (
        folding.fold_in(model, {"item-01": 4.0}, None, None).factors.tolist()
        == loaded.fold_in({"item-01": 4.0}).factors.tolist()
    )


def test_forget_leaves_no_declared_starting_row_in_the_file(tmp_path: Any) -> None:
    rng = np.random.default_rng(0)
    data = rb.Interactions.from_arrays([0, 0, 1, 2], [0, 1, 1, 0])
    start = (rng.normal(size=(3, 2)).astype(np.float32), rng.normal(size=(2, 2)).astype(np.float32))
    model = rb.ImplicitALS(2, init=start, n_iterations=1).fit(data)
    model.forget(1).save(tmp_path / "m.ridge")
    assert start[0][1].tobytes() not in (tmp_path / "m.ridge").read_bytes()
    assert start[0][2].tobytes() in (tmp_path / "m.ridge").read_bytes()
    np.testing.assert_array_equal(rb.load(tmp_path / "m.ridge").init[0], start[0][[0, 2]])
