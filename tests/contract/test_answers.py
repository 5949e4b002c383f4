"""What every fitted model answers: finite, never padded, by id, from many threads, for users without history too."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

import ridgeback as rb
from contract.cases import FACTOR_CASES, Case, interactions
from ridgeback.errors import UnknownIdError

NOBODY_HAS = 1019
WITHOUT_HISTORY = 290


def answers(model: Any, users: list[Any], items: list[Any]) -> list[Any]:
    """Answers of every kind, in a form that compares."""
    blocks = [tuple(np.asarray(part).tolist() for part in block) for block in model.recommend_all(k=6)]
    found = [
        model.score(np.array(users)[:, None], items).tobytes(),
        model.predict(users[0], items[0]),
        [(r.items.tolist(), r.scores.tobytes(), r.fallback) for r in model.recommend(users, k=6)],
        blocks,
    ]
    if model.item_factors_.shape[1]:
        found.append([s.scores.tobytes() for s in model.similar_items(items, k=4)])
    return found


def test_shapes_types_and_finiteness(case: Case, data: rb.Interactions, fitted: Any) -> None:
    n_factors = case.width
    assert fitted.user_factors_.shape == (30, n_factors)
    assert fitted.item_factors_.shape == (20, n_factors)
    assert fitted.user_factors_.dtype == fitted.item_factors_.dtype == np.float32
    assert isinstance(fitted.mean_, float)
    if case.has_biases and case.model is not rb.Popularity:
        assert fitted.user_biases_.shape == (30,)
        assert fitted.item_biases_.shape == (20,)
        assert fitted.user_biases_.dtype == fitted.item_biases_.dtype == np.float32
    for array in (fitted.user_factors_, fitted.item_factors_, fitted.user_biases_, fitted.item_biases_):
        assert array is None or np.isfinite(array).all()
    assert case.is_baseline or np.abs(fitted.user_factors_ @ fitted.item_factors_.T).max() > 0.05
    if case.parameters.get("non_negative"):
        assert fitted.user_factors_.min() >= 0
        assert fitted.item_factors_.min() >= 0
    assert np.isfinite(fitted.score(np.array(list(data.user_ids))[:, None], list(data.item_ids))).all()


def test_mean_is_zero_but_for_ratings(case: Case, data: rb.Interactions, fitted: Any) -> None:
    if case.link == "rating" and case.has_biases:
        assert fitted.mean_ == pytest.approx(float(data.user_items.values().mean()), rel=1e-6)
        weighted = interactions(weighted=True)
        expected = np.average(weighted.user_items.values(), weights=weighted.weights)
        assert case.make().fit(weighted).mean_ == pytest.approx(expected, rel=1e-6)
    else:
        assert fitted.mean_ == 0.0


def test_lists_are_never_padded(case: Case, data: rb.Interactions, fitted: Any) -> None:
    has_zeros = case.model is rb.ImplicitALS  # they are no interaction there
    values = data.user_items.values()
    n_items = 20
    for row, user in enumerate(list(data.user_ids)):
        own = data.user_items.row(row)[0]
        begin = data.user_items.indptr[row]
        seen = {1000 + int(i) for e, i in enumerate(own) if not has_zeros or values[begin + e] > 0}
        answer = fitted.recommend(user, k=10_000)
        assert len(answer) == n_items - 1 - len(seen)
        assert not set(answer.items.tolist()) & (seen | {NOBODY_HAS})
        assert len(set(answer.items.tolist())) == len(answer)
        assert np.isfinite(answer.scores).all()
        assert (np.diff(answer.scores) <= 0).all()
        if answer.fallback is None:
            np.testing.assert_array_equal(answer.scores, fitted.score(user, answer.items))
        assert len(fitted.recommend(user, k=3)) == 3
        assert len(fitted.recommend(user, k=10_000, exclude_seen=False)) == n_items - 1
    assert len(fitted.recommend(0, k=0)) == 0
    assert len(fitted.recommend(0, candidates=[])) == 0
    assert fitted.recommend(0, candidates=[NOBODY_HAS]).items.tolist() == [NOBODY_HAS]
    assert 1002 in {entry.item for entry in fitted.recommend(0, k=99, exclude_seen=False) if entry.title}


def test_users_without_history_get_the_fallback(case: Case, data: rb.Interactions, fitted: Any) -> None:
    answer = fitted.recommend(WITHOUT_HISTORY, k=5)
    assert len(answer) == 5
    assert answer.fallback == ("mean" if case.link == "rating" else "popularity")
    if answer.fallback == "mean":
        biases = 0 if fitted.item_biases_ is None else fitted.item_biases_[answer.rows]
        np.testing.assert_allclose(answer.scores, fitted.mean_ + biases, rtol=1e-6)
    else:
        stored = data.user_items if case.model is not rb.ImplicitALS else data.user_items.keep(data.user_items.data > 0)
        shares = stored.column_counts() / 30
        np.testing.assert_allclose(answer.scores, np.sort(shares)[::-1][:5], rtol=1e-6)
    assert (fitted.user_factors_[-1] == 0).all()
    assert fitted.user_biases_ is None or fitted.user_biases_[-1] == 0
    raw = fitted.score(WITHOUT_HISTORY, 1000)
    assert raw == pytest.approx(fitted.mean_ + (0 if fitted.item_biases_ is None else fitted.item_biases_[0]), abs=1e-6)


def test_percentiles_are_shares_of_the_items_that_somebody_has(case: Case, data: rb.Interactions, fitted: Any) -> None:
    """Counted by hand from the raw scores, whatever is filtered; the same from recommend_all and from fold-in."""
    users = list(data.user_ids)
    somebody_has = [item for item in data.item_ids if item != NOBODY_HAS]
    everything = fitted.recommend(users, k=10_000, exclude_seen=False)
    for user, answer in zip(users, everything, strict=True):
        raw = dict(zip(answer.items.tolist(), answer.scores, strict=True))
        assert set(raw) == set(somebody_has)
        values = np.array(list(raw.values()))
        for filters in ({"exclude": [1003]}, {"candidates": [1001, 1004]}, {"exclude_seen": False, "k": 99}):
            shown, plain = fitted.recommend(user, as_="percentile", **filters), fitted.recommend(user, **filters)
            assert shown.items.tolist() == plain.items.tolist()
            expected = [np.float32(100 * np.mean(values <= raw[item])) for item in shown.items.tolist()]
            assert shown.scores.tolist() == expected
        if answer.fallback is None:
            alone = fitted.recommend(user, candidates=[NOBODY_HAS], as_="percentile")
            assert alone[0].score == np.float32(100 * np.mean(values <= np.float32(fitted.score(user, NOBODY_HAS))))
    blocks = fitted.recommend_all(k=6, as_="percentile")
    flat = np.concatenate([block.scores for block in blocks])
    np.testing.assert_array_equal(
        flat, np.concatenate([r.scores for r in fitted.recommend(users, k=6, as_="percentile")])
    )
    if not case.is_baseline:
        folded = fitted.fold_in([1000, 1003], [3.0, 4.0])
        scores = np.array(folded.score(somebody_has))
        shown = folded.recommend(k=5, as_="percentile", exclude_seen=False)
        assert shown.scores.tolist() == [
            np.float32(100 * np.mean(scores <= np.float32(folded.score(item)))) for item in shown.items.tolist()
        ]
        assert fitted.fold_in([], []).recommend(k=3, as_="percentile").scores[0] == 100.0


def test_ids_of_either_kind(case: Case) -> None:
    """Text and ints, with the same data, give the same bits: ids are names, not numbers."""
    by_int, by_text = case.make().fit(interactions()), case.make().fit(interactions(text=True))
    np.testing.assert_array_equal(by_int.user_factors_, by_text.user_factors_)
    np.testing.assert_array_equal(by_int.item_factors_, by_text.item_factors_)
    ints, texts = by_int.recommend(0, k=4), by_text.recommend("user 000", k=4)
    assert [entry.item - 1000 for entry in ints] == [int(entry.item[2:]) for entry in texts]
    assert type(ints[0].item) is int
    assert type(texts[0].item) is str
    assert by_int.score(np.int32(0), np.uint16(1000)) == by_text.score(np.str_("user 000"), "이-000")


def test_unknown_ids_name_their_neighbours(case: Case, fitted: Any) -> None:
    questions: list[tuple[str, Callable[[], Any]]] = [
        ("user 31 ", lambda: fitted.recommend(31)),
        ("user 31 ", lambda: fitted.recommend([0, 31])),
        ("user 31 ", lambda: fitted.score(31, 1000)),
        ("item 1021 ", lambda: fitted.score(0, 1021)),
        ("item 1021 ", lambda: fitted.predict([0, 10], 1021)),
        ("item 1021 ", lambda: fitted.recommend(0, candidates=[1021])),
        ("user '0' ", lambda: fitted.score("0", 1000)),
    ]
    if case.has_row_problems:
        questions += [
            ("item 1021 ", lambda: fitted.similar_items(1021)),
            ("user 31 ", lambda: fitted.similar_users(31)),
            ("user 31 ", lambda: fitted.explain(31, 1000)),
            ("item 1021 ", lambda: fitted.explain(0, 1021)),
            ("user 31 ", lambda: fitted.forget(31)),
        ]
    for named, ask in questions:
        with pytest.raises(UnknownIdError, match=rf"{named}is unknown.*the closest are"):
            ask()
    assert len(fitted.recommend(0, exclude=[1021, "none"], k=3)) == 3


def test_many_threads_read_at_once(case: Case, data: rb.Interactions) -> None:
    """Each gets what one alone gets, also where something is worked out at the first question and kept."""
    users, items = list(data.user_ids), list(data.item_ids)
    expected = answers(case.make().fit(data), users, items)
    model = case.make().fit(data)
    with ThreadPoolExecutor(16) as pool:
        for found in pool.map(lambda _: answers(model, users, items), range(48)):
            assert found == expected


@pytest.mark.parametrize("case", FACTOR_CASES, ids=str)
def test_many_threads_fold_in_and_explain_at_once(case: Case, data: rb.Interactions) -> None:
    model = case.make().fit(data)

    def ask(place: int) -> tuple[bytes, float]:
        folded = model.fold_in([1000, 1003 + place % 5], [3.0, 4.0])
        return folded.factors.tobytes(), model.explain(10 * (place % 29), 1004).score

    expected = [ask(place) for place in range(145)]
    with ThreadPoolExecutor(16) as pool:
        assert list(pool.map(ask, range(145))) == expected


@pytest.mark.parametrize("case", FACTOR_CASES, ids=str)
def test_thread_count_does_not_change_a_bit(case: Case, data: rb.Interactions) -> None:
    fitted, model = case.make(n_threads=1).fit(data), case.make(n_threads=3).fit(data)
    np.testing.assert_array_equal(model.user_factors_.view(np.uint32), fitted.user_factors_.view(np.uint32))
    np.testing.assert_array_equal(model.item_factors_.view(np.uint32), fitted.item_factors_.view(np.uint32))


def test_one_user_and_one_item(case: Case) -> None:
    data = rb.Interactions.from_arrays(["ann"], ["tea"], ratings=[4.0])
    model = case.make().fit(data)
    assert np.isfinite(model.score("ann", "tea"))
    assert len(model.recommend("ann")) == 0
    assert len(model.recommend("ann", exclude_seen=False)) == 1


def test_everything_constant_or_zero(case: Case) -> None:
    """Constant ratings leave nothing to explain, and zeros nothing to prefer: still no NaN."""
    users, items = np.repeat(np.arange(6), 4), np.tile(np.arange(8), 3)
    constant = case.make().fit(rb.Interactions.from_arrays(users, items, ratings=np.full(24, 3.0)))
    assert np.isfinite(constant.score(np.arange(6)[:, None], np.arange(8))).all()
    zeros = rb.Interactions.from_arrays(users, items, ratings=np.zeros(24))
    if case.model is rb.ImplicitALS:
        with pytest.raises(rb.errors.DataError, match=r"each of weight 0 or with a value that does not count"):
            case.make().fit(zeros)
    else:
        assert np.isfinite(case.make().fit(zeros).score(np.arange(6)[:, None], np.arange(8))).all()


@pytest.mark.parametrize("n_factors", [1, 64])
@pytest.mark.parametrize("case", FACTOR_CASES, ids=str)
def test_ranks_from_one_to_more_than_there_are_items(case: Case, data: rb.Interactions, n_factors: int) -> None:
    model = case.make(n_factors=n_factors).fit(data)
    assert np.isfinite(model.score(np.array(list(data.user_ids))[:, None], list(data.item_ids))).all()
    assert len(model.recommend(0, k=5)) == 5
