"""New users and new items: every form of a history, and what is wrong with one."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

import ridgeback as rb
from ridgeback.errors import DataError
from ridgeback.models.frequencies import frequency_scales

MODELS = [rb.ExplicitALS, rb.ImplicitALS, rb.LogisticMF]
ITEMS = ["ale", "gin", "milk", "rum", "tea", "water", "wine"]


def table(duplicates: Any = None, text: bool = True) -> rb.Interactions:
    rng = np.random.default_rng(0)
    users, items = np.nonzero(rng.random((30, 7)) < 0.5)
    return rb.Interactions.from_arrays(
        [f"u{u:02d}" for u in users],
        [ITEMS[i] for i in items] if text else items * 10,
        ratings=rng.integers(1, 6, len(users)),
        duplicates=duplicates,
        titles=rb.Titles(rb.Ids.from_sequence(["tea"]), rb.data.Text.from_strings(["Green tea"])) if text else None,
    )


@pytest.fixture(scope="module", params=MODELS, ids=lambda model: model.__name__)
def model(request: pytest.FixtureRequest) -> Any:
    extra = {} if request.param is rb.ImplicitALS else {"regularization": 0.05}
    return request.param(n_factors=3, n_iterations=4, **extra).fit(table())


def bits(folded: Any) -> tuple[bytes, float]:
    return folded.factors.tobytes(), folded.bias


def test_every_form_of_one_history_is_the_same(model: Any) -> None:
    expected = bits(model.fold_in(["rum", "tea"], [2.0, 5.0]))
    pandas = pytest.importorskip("pandas")
    for items, ratings in (
        ({"rum": 2.0, "tea": 5.0}, None),
        ({"tea": 5, "rum": 2}, None),  # in the order of the items, whatever the order given
        (["tea", "rum"], [5.0, 2.0]),
        (("rum", "tea"), (2, 5)),
        (np.array(["rum", "tea"]), np.array([2, 5])),
        (np.array(["rum", "tea"], dtype=object), np.array([2.0, 5.0], dtype=np.float32)),
        (pandas.Series(["rum", "tea"]), pandas.Series([2.0, 5.0])),
        (rb.Ids.from_sequence(["rum", "tea"]), [2.0, 5.0]),
        (iter(["rum", "tea"]), [2.0, 5.0]),
    ):
        assert bits(model.fold_in(items, ratings)) == expected
    many = model.fold_in_many(
        [
            {"rum": 2.0, "tea": 5.0},
            (["rum", "tea"], [2.0, 5.0]),
            (["rum", "tea"], [2.0, 5.0], None),
            (["rum", "tea"], [2.0, 5.0], [1.0, 1.0]),
            ({"rum": 2.0, "tea": 5.0}, None, [1.0, 1.0]),
        ]
    )
    assert [bits(one) for one in many] == [expected] * 5


def test_without_ratings_each_item_counts_one(model: Any) -> None:
    if model.link == "rating":
        for ask in (
            lambda: model.fold_in(["rum", "tea"]),
            lambda: model.fold_in("rum"),
            lambda: model.fold_in_many([["rum"], ["tea"]]),
            lambda: model.fold_in_item(["u01", "u02"]),
        ):
            with pytest.raises(
                DataError, match=r"ExplicitALS needs a rating for each.*ratings=\[\.\.\.\] or a mapping"
            ):
                ask()
        return
    expected = bits(model.fold_in(["rum", "tea"], [1, 1]))
    forms = (["rum", "tea"], ("rum", "tea"), {"rum", "tea"}, np.array(["rum", "tea"]), {"rum": 1, "tea": 1}.keys())
    for items in forms:
        assert bits(model.fold_in(items)) == expected
    assert [bits(one) for one in model.fold_in_many([["rum", "tea"], ("tea", "rum")])] == [expected] * 2


def test_one_id_is_not_taken_apart(model: Any) -> None:
    """A text is one id, not its characters; in fold_in_many each text is one user with one item."""
    ratings = [4.0] if model.link == "rating" else None
    one = model.fold_in("rum", 4.0 if ratings else None)
    assert bits(one) == bits(model.fold_in(["rum"], ratings))
    assert one.unknown_items == []
    if model.link != "rating":
        many = model.fold_in_many(["rum", "tea", "nothing"])
        assert [bits(m) for m in many[:2]] == [bits(model.fold_in(["rum"])), bits(model.fold_in(["tea"]))]
        assert many[2].unknown_items == ["nothing"]
        pair = model.fold_in_many([("rum", "tea")])[0]  # two ids, not (items, ratings)
        assert bits(pair) == bits(model.fold_in(["rum", "tea"]))
    for wrong in ("rum", {"rum": 1.0}, 7, None, b"rum"):
        with pytest.raises(DataError, match="histories must be Interactions or a sequence of histories"):
            model.fold_in_many(wrong)
    with pytest.raises(DataError, match="got Interactions"):
        model.fold_in(table())


def test_unknown_items_are_reported_and_have_no_influence(model: Any) -> None:
    folded = model.fold_in({"rum": 2.0, "rom": 5.0, "tea": 5.0, "007": 1.0, 7: 3.0})
    assert folded.unknown_items == ["rom", "007", 7]
    assert bits(folded) == bits(model.fold_in({"rum": 2.0, "tea": 5.0}))
    assert folded.fallback is None
    assert "3 unknown" in repr(folded)
    by_int = type(model)(n_factors=2, n_iterations=1).fit(table(text=False))
    folded = by_int.fold_in([10, 11, "20"], [4, 4, 4])
    assert folded.unknown_items == [11, "20"]


def test_an_id_that_cannot_be_one_is_refused(model: Any) -> None:
    for wrong in ([1.5], [None], [True], [["rum"]]):
        with pytest.raises(DataError):
            model.fold_in(wrong, [4.0])


def test_nothing_known_gives_the_fallback(model: Any) -> None:
    expected = "mean" if model.link == "rating" else "popularity"
    nothing = [[], {}, np.array([], dtype=str)]
    for folded in [
        *(model.fold_in(one, [] if not isinstance(one, dict) else None) for one in nothing),
        model.fold_in({"rom": 4.0}),
        model.fold_in({"rum": 4.0, "tea": 2.0}, weights=[0.0, 0.0]),
        *model.fold_in_many([{}, {"rom": 4.0}]),
        *([model.fold_in({"rum": 0.0})] if model.link == "preference" else []),
    ]:
        assert folded.fallback == expected
        assert not folded.factors.any()
        assert folded.bias == 0
        answer = folded.recommend(k=3)
        assert (answer.fallback, answer.user) == (expected, None)
        counts = model._item_counts / 30
        if expected == "popularity":
            np.testing.assert_allclose(answer.scores, np.sort(counts)[::-1][:3], rtol=1e-6)
        assert len(answer) == 3
        explanation = folded.explain("gin")
        assert explanation.contributions == []
        assert explanation.score == pytest.approx(folded.score("gin"), abs=1e-6)
    known = model.fold_in_many([{"rum": 4.0}, {}])
    assert [one.fallback for one in known] == [None, expected]
    assert model.fold_in_many([]) == []


@pytest.mark.parametrize(("rule", "merged"), [("sum", 7.0), ("mean", 3.5), ("max", 5.0), ("last", 2.0)])
@pytest.mark.parametrize("kind", MODELS)
def test_duplicates_follow_the_training_datas_rule(kind: Any, rule: str, merged: float) -> None:
    extra = {"loss": "hu"} if kind is rb.ImplicitALS else {"alpha": 1.0} if kind is rb.LogisticMF else {}
    one = kind(n_factors=3, n_iterations=2, **extra).fit(table(duplicates=rule))
    twice = one.fold_in(["rum", "tea", "rum"], [5.0, 1.0, 2.0])
    assert bits(twice) == bits(one.fold_in(["rum", "tea"], [merged, 1.0]))
    assert len(twice.recommend(k=9)) == 5
    users = one.fold_in_item(["u01", "u02", "u01"], [5.0, 1.0, 2.0])
    np.testing.assert_array_equal(users.factors, one.fold_in_item(["u01", "u02"], [merged, 1.0]).factors)


def test_bare_ids_twice_are_summed_by_default() -> None:
    bare = rb.Interactions.from_arrays(["a", "a", "b", "b", "c"], ["x", "y", "x", "z", "z"])
    one = rb.ImplicitALS(n_factors=2, loss="hu").fit(bare)
    assert bits(one.fold_in(["x", "x", "y"])) == bits(one.fold_in({"x": 2.0, "y": 1.0}))


def test_interactions_come_back_in_their_order(model: Any) -> None:
    rng = np.random.default_rng(1)
    users, items = rng.integers(0, 12, 40), [[*ITEMS, "rom"][i] for i in rng.integers(0, 8, 40)]
    data = rb.Interactions.from_arrays(
        [f"n{u:02d}" for u in users], items, ratings=rng.integers(1, 6, 40), weights=rng.choice([0.5, 2.0], 40)
    )
    many = model.fold_in_many(data)
    assert len(many) == data.n_users
    for row, folded in enumerate(many):
        own, values = data.user_items.row(row)
        begin, end = data.user_items.indptr[row : row + 2]
        ids = [data.item_ids[int(i)] for i in own]
        alone = model.fold_in(ids, values, data.weights[begin:end])
        assert bits(folded) == bits(alone)
        assert folded.unknown_items == alone.unknown_items == [id_ for id_ in ids if id_ == "rom"]


def test_interactions_with_users_who_have_nothing(model: Any) -> None:
    whole = table()
    some = whole.subset(whole.user_items.row_of_entry() == 3)
    many = model.fold_in_many(some)
    assert [one.fallback is None for one in many] == [row == 3 for row in range(30)]
    none = model.fold_in_many(whole.subset(np.zeros(whole.nnz, dtype=bool)))
    assert [one.fallback is None for one in none] == [False] * 30


@pytest.mark.parametrize(
    ("ratings", "weights", "sentence"),
    [
        ([1.0], None, r"ratings has shape \(1,\); 2 ids need one each"),
        ([1.0, 2.0, 3.0], None, r"ratings has shape \(3,\); 2 ids need one each"),
        ([[1.0, 2.0]], None, r"ratings has shape \(1, 2\)"),
        (["much", "more"], None, "ratings must be numbers, one an id"),
        ([1.0, np.nan], None, r"ratings: nan for 'tea'; \w+ needs values finite"),
        ([np.inf, 1.0], None, "ratings: inf for 'rum'"),
        ([1.0, 1e39], None, "ratings: inf for 'tea'"),
        ([1.0, 2.0], [1.0], r"weights has shape \(1,\)"),
        ([1.0, 2.0], ["x", "y"], "weights must be numbers"),
        ([1.0, 2.0], [1.0, -1.0], "weights: -1.0 for 'tea'; a weight is finite and not below zero"),
        ([1.0, 2.0], [np.nan, 1.0], "weights: nan for 'rum'"),
    ],
)
def test_numbers_that_cannot_be_used(model: Any, ratings: Any, weights: Any, sentence: str) -> None:
    with pytest.raises(DataError, match=sentence):
        model.fold_in(["rum", "tea"], ratings, weights)
    with pytest.raises(DataError, match=sentence):
        model.fold_in_many([(["rum", "tea"], ratings, weights)])


def test_a_mapping_has_its_ratings(model: Any) -> None:
    with pytest.raises(DataError, match="is a mapping id -> rating, so ratings must be left out"):
        model.fold_in({"rum": 1.0}, [1.0])


def test_negative_values_as_in_training(model: Any) -> None:
    if model.link == "rating":
        assert np.isfinite(model.fold_in({"rum": -2.0, "tea": 1.0}).factors).all()
    else:
        with pytest.raises(DataError, match=r"ratings: -2.0 for 'rum'; .* finite and not below zero"):
            model.fold_in({"rum": -2.0, "tea": 1.0})


def test_a_folded_user_answers_like_a_stored_one(model: Any) -> None:
    folded = model.fold_in({"rum": 2.0, "tea": 5.0})
    answer = folded.recommend(k=99)
    assert set(answer.items) == set(ITEMS) - {"rum", "tea"}
    np.testing.assert_array_equal(answer.scores, folded.score(answer.items))
    assert set(folded.recommend(k=99, exclude_seen=False).items) == set(ITEMS)
    assert folded.recommend(candidates=["gin", "tea"]).items.tolist() == ["gin"]
    assert "gin" not in folded.recommend(k=99, exclude=["gin"]).items
    assert isinstance(folded.score("gin"), float)
    assert folded.score([["gin"], ["tea"]]).shape == (2, 1)
    if model.link == "probability":
        assert folded.predict("gin") == pytest.approx(1 / (1 + np.exp(-folded.score("gin"))))
        assert folded.recommend(k=1, as_="probability").scores[0] == folded.predict(answer.items[0])
    elif model.link == "rating":
        assert 1.0 <= folded.predict("gin") <= 5.0
        extreme = model.fold_in({"rum": 100.0})
        assert extreme.predict("rum") == 5.0 < extreme.predict("rum", clip=False)
    with pytest.raises(rb.errors.UnknownIdError, match=r"item 'jin' is unknown.*'gin'"):
        folded.score("jin")
    with pytest.raises(rb.errors.UnknownIdError):
        folded.explain("jin")
    assert folded.trace().steps[0]["side"] == "fold-in"
    assert folded.explain("tea").title == "Green tea"
    assert {part.item: part.title for part in folded.explain("gin").contributions} == {"rum": None, "tea": "Green tea"}
    assert "Green tea" in str(folded.explain("gin"))


def test_weights_count_in_fold_in(model: Any) -> None:
    plain, heavy = model.fold_in({"rum": 1.0, "tea": 5.0}), model.fold_in({"rum": 1.0, "tea": 5.0}, weights=[1.0, 9.0])
    assert bits(plain) != bits(heavy)
    left_out = model.fold_in({"rum": 1.0, "tea": 5.0}, weights=[0.0, 1.0])
    assert bits(left_out) == bits(model.fold_in({"tea": 5.0}))
    assert "rum" in left_out.recommend(k=99).items


def test_a_new_user_is_not_a_product_of_preferences_and_factors(model: Any) -> None:
    folded = model.fold_in({"rum": 1.0, "tea": 1.0, "ale": 1.0})
    product = model.item_factors_[[model.item_ids_.row(item) for item in ("rum", "tea", "ale")]].sum(axis=0)
    assert np.abs(folded.factors - product).max() > 0.01


def test_many_at_once_equal_one_by_one_for_any_thread_count(model: Any) -> None:
    rng = np.random.default_rng(2)
    histories = [{ITEMS[i]: float(rng.integers(1, 6)) for i in rng.choice(7, 3, replace=False)} for _ in range(300)]
    expected = [bits(model.fold_in(history)) for history in histories]
    for n_threads in (1, 3):
        many = model.clone().set_params(n_threads=n_threads).fit(table()).fold_in_many(histories)
        assert [bits(one) for one in many] == expected


def test_a_new_item(model: Any) -> None:
    folded = model.fold_in_item({"u01": 5.0, "u02": 4.0, "nobody": 3.0})
    assert folded.unknown_users == ["nobody"]
    assert np.isfinite(folded.factors).all()
    assert isinstance(folded.score("u03"), float)
    assert folded.score(["u03", "u04"]).shape == (2,)
    row = model.user_ids_.row("u03")
    bias = 0.0 if model.user_biases_ is None else float(model.user_biases_[row])
    expected = model.mean_ + bias + folded.bias + float(model.user_factors_[row].astype(float) @ folded.factors)
    assert folded.score("u03") == pytest.approx(expected, abs=1e-5)
    if model.link == "rating":
        assert 1.0 <= folded.predict("u03") <= 5.0
    if model.link == "probability":
        assert 0.0 < folded.predict("u03") < 1.0
    answer = folded.similar_items(k=3)
    directions = model.item_factors_ / np.linalg.norm(model.item_factors_, axis=1, keepdims=True)
    cosine = directions @ folded.factors / np.linalg.norm(folded.factors)
    assert [entry.item for entry in answer] == [ITEMS[i] for i in np.argsort(-cosine)[:3]]
    assert answer.item is None
    with pytest.raises(rb.errors.UnknownIdError, match="user 'u99' is unknown"):
        folded.score("u99")
    assert "1 unknown" in repr(folded)
    nobody = model.fold_in_item({"nobody": 1.0})
    assert nobody.unknown_users == ["nobody"]
    assert not nobody.factors.any() or model.family == "logistic"


def test_asking_warns_of_nothing(model: Any) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        folded = model.fold_in({"rum": 2.0, "rom": 5.0})
        folded.recommend()
        folded.explain("gin")
        model.explain("u01", "gin")


def test_a_second_user_costs_what_their_own_items_cost(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is read of the machine again, no Gramian formed, and no item scaled but once."""
    model = rb.ImplicitALS(n_factors=3, n_iterations=2).fit(table())
    first = model.fold_in(["gin", "tea"])
    monkeypatch.setattr("pathlib.Path.read_text", lambda *_, **__: pytest.fail("a file was read"))
    monkeypatch.setattr("ridgeback.models.row_model.gram", lambda *_, **__: pytest.fail("a Gramian was formed"))
    scaled: list[int] = []
    monkeypatch.setattr(
        "ridgeback.models.implicit.frequency_scales",
        lambda counts, exponent: scaled.append(len(counts)) or frequency_scales(counts, exponent),
    )
    assert model.fold_in(["tea", "gin"]).factors.tobytes() == first.factors.tobytes()
    assert scaled in ([], [1])
