"""Where the factors start: drawn, declared by the caller, or taken from a fitted model."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import ridgeback as rb
from ridgeback.errors import ParameterError

MODELS = [rb.ExplicitALS, rb.ImplicitALS, rb.LogisticMF]
SIZES = (400, 300)


@pytest.fixture(scope="module")
def data() -> rb.Interactions:
    """400 x 300, everybody and everything with a pair but the last of each."""
    rng = np.random.default_rng(0)
    users = np.concatenate([np.arange(399), rng.integers(0, 399, 4000)])
    items = np.concatenate([np.arange(399) % 299, rng.integers(0, 299, 4000)])
    pairs = np.unique(np.stack([users, items]), axis=1)
    return rb.Interactions.from_csr(
        rb.Csr.from_pairs(pairs[0], pairs[1], rng.integers(1, 6, pairs.shape[1]).astype(float), SIZES)
    )


def start_of(model: Any, data: rb.Interactions) -> tuple[np.ndarray, np.ndarray]:
    """The factors that the record "start" shows."""
    seen: list[tuple[np.ndarray, np.ndarray]] = []
    model.fit(data, callbacks=[lambda model, _: seen.append((model.user_factors_, model.item_factors_)) or True])
    return seen[0]


@pytest.mark.parametrize("model", MODELS)
def test_normal_has_the_stated_deviation(model: Any, data: rb.Interactions) -> None:
    for init, init_scale, expected in (("normal", 0.1, 0.1 / 4), ("normal", 2.0, 0.5), ("standard_normal", 0.1, 1.0)):
        for factors in start_of(model(n_factors=16, init=init, init_scale=init_scale), data):
            drawn = factors[:-1].ravel()
            assert drawn.std() == pytest.approx(expected, rel=0.05)
            assert abs(drawn.mean()) < 5 * expected / np.sqrt(drawn.size)
            assert (factors[-1] == 0).all()  # nobody has a pair there


@pytest.mark.parametrize("model", MODELS)
def test_uniform_has_the_stated_range(model: Any, data: rb.Interactions) -> None:
    for factors in start_of(model(n_factors=16, init="uniform", init_scale=2.0), data):
        drawn = factors[:-1]
        assert drawn.min() >= 0
        assert drawn.max() < 0.5
        assert drawn.max() > 0.499
        assert drawn.mean() == pytest.approx(0.25, rel=0.05)


@pytest.mark.parametrize("init", ["normal", "standard_normal", "uniform"])
def test_users_and_items_draw_from_streams_of_their_own(init: Any) -> None:
    """Drawing both from the same numbers makes x_i = y_i: a bug of another library."""
    square = rb.Interactions.from_arrays(np.arange(200), np.arange(200))
    users, items = start_of(rb.ImplicitALS(n_factors=8, init=init), square)
    assert np.isin(users, items).mean() < 0.01  # float32 has few enough numbers to meet by chance
    correlation = np.corrcoef(users.ravel(), items.ravel())[0, 1]
    assert abs(correlation) < 4 / np.sqrt(users.size)


@pytest.mark.parametrize("model", MODELS)
def test_seeds(model: Any, data: rb.Interactions) -> None:
    one = start_of(model(n_factors=4, random_state=1), data)
    same = start_of(model(n_factors=4, random_state=1), data)
    other = start_of(model(n_factors=4, random_state=2), data)
    by_generator = start_of(model(n_factors=4, random_state=np.random.default_rng(1)), data)
    np.testing.assert_array_equal(one[0], same[0])
    np.testing.assert_array_equal(one[1], by_generator[1])
    assert not (one[0][:-1] == other[0][:-1]).any()
    unseeded = [start_of(model(n_factors=4, random_state=None), data)[0] for _ in range(2)]
    assert not (unseeded[0][:-1] == unseeded[1][:-1]).any()


def test_a_generator_goes_on_and_a_clone_starts_where_it_stood(data: rb.Interactions) -> None:
    model = rb.ImplicitALS(n_factors=4, random_state=np.random.default_rng(1))
    clone = model.clone()
    first, second = start_of(model, data), start_of(model, data)
    assert not (first[0][:-1] == second[0][:-1]).any()
    np.testing.assert_array_equal(start_of(clone, data)[0], first[0])


# The caller's own matrices ------------------------------------------------------------------------------------------


def matrices(n_factors: int = 3, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.normal(size=(SIZES[0], n_factors)), rng.normal(size=(SIZES[1], n_factors))


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("kind", [np.float64, np.float32, list])
def test_declared_matrices_are_the_start_and_stay_the_callers(model: Any, kind: Any, data: rb.Interactions) -> None:
    users, items = matrices()
    given = (users.tolist(), items.tolist()) if kind is list else (users.astype(kind), items.astype(kind))
    one = model(n_factors=3, init=given)
    start = start_of(one, data)
    np.testing.assert_array_equal(start[0][:-1], users[:-1].astype(np.float32))
    assert (start[0][-1] == 0).all()  # a user without pairs is left out
    np.testing.assert_array_equal(start[1], items.astype(np.float32))  # a declared item is served as declared
    one.fit(data)
    assert one.init is given
    np.testing.assert_array_equal(np.asarray(given[0]), users.astype(np.float32) if kind is np.float32 else users)


@pytest.mark.parametrize("model", MODELS)
def test_declared_matrices_of_the_wrong_shape(model: Any, data: rb.Interactions) -> None:
    users, items = matrices()
    for init, sentence in (
        ((users[:-1], items), r"user_factors of shape \(400, 3\) \(users x n_factors\)\. Got shape \(399, 3\)"),
        ((users, items[:, :2]), r"item_factors of shape \(300, 3\) \(items x n_factors\)\. Got shape \(300, 2\)"),
        ((users.T, items), r"Got shape \(3, 400\) instead\. It looks transposed: pass its \.T"),
        ((items, users), r"user_factors of shape \(400, 3\).*Got shape \(300, 3\)"),
        ((users[:, 0], items), r"Got shape \(400,\)"),
        ((1.0, items), r"Got shape \(\)"),
        ((users, "items"), "two numeric matrices; item_factors is not one"),
        ((users, None), "item_factors"),
    ):
        with pytest.raises(ParameterError, match=rf"'init' parameter of {model.__name__} must .*{sentence}"):
            model(n_factors=3, init=init).fit(data)
    with pytest.raises(ParameterError, match=r"user_factors of shape \(400, 5\)"):
        model(n_factors=5, init=(users, items)).fit(data)


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e39])
def test_declared_matrices_must_be_finite_in_float32(value: float, data: rb.Interactions) -> None:
    users, items = matrices()
    items[7, 2] = value
    with pytest.raises(ParameterError, match=r"must be finite in float32.*item_factors, row 7, column 2"):
        rb.ExplicitALS(n_factors=3, init=(users, items)).fit(data)


@pytest.mark.parametrize("model", [rb.ExplicitALS, rb.ImplicitALS])
def test_non_negative_starts(model: Any, data: rb.Interactions) -> None:
    drawn = start_of(model(n_factors=3), data)
    absolute = start_of(model(n_factors=3, non_negative=True), data)
    for one, other in zip(drawn, absolute, strict=True):
        np.testing.assert_array_equal(np.abs(one), other)
    users, items = matrices()
    with pytest.raises(ParameterError, match=r"'init' parameter .* must not be negative with non_negative=True"):
        model(n_factors=3, non_negative=True, init=(np.abs(users), items)).fit(data)
    start = start_of(model(n_factors=3, non_negative=True, init=(np.abs(users), np.abs(items))), data)
    np.testing.assert_array_equal(start[1], np.abs(items).astype(np.float32))


@pytest.mark.parametrize(
    "init", ["xavier", None, 0.1, (1, 2, 3), np.zeros((2, 3)), {"users": 1}, rb.ImplicitALS], ids=str
)
def test_what_is_no_start_is_refused(init: Any, data: rb.Interactions) -> None:
    with pytest.raises(ParameterError, match=r"'init' parameter of ExplicitALS must be 'normal', .*a fitted model"):
        rb.ExplicitALS(n_factors=3, init=init).fit(data)


# A fitted model -----------------------------------------------------------------------------------------------------


def small(users: list[Any], items: list[Any], ratings: list[float]) -> rb.Interactions:
    return rb.Interactions.from_arrays(users, items, ratings=ratings)


@pytest.mark.parametrize("model", MODELS)
def test_a_warm_start_is_matched_by_id(model: Any) -> None:
    first = small(["bob", "ann", "bob", "cid"], ["tea", "tea", "rum", "gin"], [5, 3, 4, 2])
    old = model(n_factors=2, n_iterations=3, **({"regularization": 0.1} if model is not rb.ImplicitALS else {}))
    old.fit(first)
    second = small(["zoe", "bob", "ann", "abe"], ["rum", "tea", "ale", "rum"], [1, 5, 3, 2])
    warm = model(n_factors=4, init=old, init_scale=0.2)
    users, items = start_of(warm, second)
    for id_ in ("bob", "ann"):
        np.testing.assert_array_equal(users[second.user_ids.row(id_), :2], old.user_factors_[old.user_ids_.row(id_)])
        assert (users[second.user_ids.row(id_), 2:] != 0).all()  # further columns are drawn
    for id_ in ("rum", "tea"):
        np.testing.assert_array_equal(items[second.item_ids.row(id_), :2], old.item_factors_[old.item_ids_.row(id_)])
    for row in (second.user_ids.row("zoe"), second.user_ids.row("abe")):
        assert (users[row] != 0).all()
        assert np.abs(users[row]).max() < 6 * 0.2 / 2
    assert (items[second.item_ids.row("ale")] != 0).all()
    assert warm.init is old


def test_a_warm_start_takes_the_biases(data: rb.Interactions) -> None:
    old = rb.ExplicitALS(n_factors=2, n_iterations=3).fit(data)
    seen: list[Any] = []
    warm = rb.ExplicitALS(n_factors=2, init=old)
    warm.fit(data, callbacks=[lambda model, _: seen.append((model.user_biases_, model.item_biases_)) or True])
    np.testing.assert_array_equal(seen[0][0], old.user_biases_)
    np.testing.assert_array_equal(seen[0][1], old.item_biases_)
    assert warm.history_[0]["loss"] == pytest.approx(old.history_[-1]["loss"], rel=1e-5)


@pytest.mark.parametrize("model", MODELS)
def test_a_warm_start_goes_on_where_the_first_fit_ended(model: Any, data: rb.Interactions) -> None:
    """Starting loss is the loss it ended with; ints match text that spells them."""
    parameters = {"n_factors": 6, "n_iterations": 4}
    old = model(**parameters).fit(data)
    text = rb.Interactions.from_csr(
        data.user_items, [str(i) for i in data.user_ids], [str(i) for i in data.item_ids], duplicates="last"
    )
    warm = model(init=old, **parameters).fit(text)
    assert warm.history_[0]["loss"] == pytest.approx(old.history_[-1]["loss"], rel=1e-4)
    assert warm.history_[-1]["loss"] < old.history_[-1]["loss"]
    assert warm.parameters_["orientation"] == "principal"


def test_a_warm_start_across_models(data: rb.Interactions, tmp_path: Any) -> None:
    implicit = rb.ImplicitALS(n_factors=3, n_iterations=2).fit(data)
    explicit = rb.ExplicitALS(n_factors=3, init=implicit).fit(data)
    assert np.isfinite(explicit.history_[-1]["loss"])
    biased = rb.ExplicitALS(n_factors=3, init=rb.BiasBaseline().fit(data)).fit(data)
    assert np.isfinite(biased.history_[-1]["loss"])
    non_negative = rb.ImplicitALS(n_factors=3, init=implicit, non_negative=True).fit(data)
    assert non_negative.item_factors_.min() >= 0
    implicit.save(tmp_path / "model.ridge")
    from_file = rb.ImplicitALS(n_factors=3, init=rb.load(tmp_path / "model.ridge"), n_iterations=1).fit(data)
    from_memory = rb.ImplicitALS(n_factors=3, init=implicit, n_iterations=1).fit(data)
    np.testing.assert_array_equal(from_file.item_factors_, from_memory.item_factors_)


def test_a_warm_start_that_cannot_be(data: rb.Interactions) -> None:
    old = rb.ImplicitALS(n_factors=5, n_iterations=1).fit(data)
    with pytest.raises(ParameterError, match=r"at most n_factors = 4 factors.*Got one with 5.*n_factors=5"):
        rb.ImplicitALS(n_factors=4, init=old).fit(data)
    with pytest.raises(ParameterError, match="Got an unfitted ImplicitALS instead; call its fit first"):
        rb.ImplicitALS(n_factors=4, init=rb.ImplicitALS()).fit(data)


def test_a_model_may_start_from_itself(data: rb.Interactions) -> None:
    model = rb.ImplicitALS(n_factors=3, n_iterations=2).fit(data)
    ended = model.history_[-1]["loss"]
    model.set_params(init=model).fit(data)
    assert model.history_[0]["loss"] == pytest.approx(ended, rel=1e-4)
    assert repr(model) == "ImplicitALS(n_factors=3, n_iterations=2, init=...)"


def test_warm_users_without_pairs_start_at_zero(data: rb.Interactions) -> None:
    old = rb.ExplicitALS(n_factors=2, n_iterations=2).fit(data)
    rest = data.subset(data.user_items.row_of_entry() != 5)
    warm = rb.ExplicitALS(n_factors=2, n_iterations=0, init=old).fit(rest)
    assert old.user_biases_[5] != 0
    assert (warm.user_factors_[5] == 0).all()
    assert warm.user_biases_[5] == 0
