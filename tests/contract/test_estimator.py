"""Constructing, copying, cloning, fitting and refitting: what scikit-learn's users expect of any estimator."""

from __future__ import annotations

import copy
import inspect
import pickle
from typing import Any

import numpy as np
import pytest

import ridgeback as rb
from contract.cases import Case, interactions
from ridgeback.errors import NotFittedError, ParameterError

LEARNED = ("user_factors_", "item_factors_", "user_biases_", "item_biases_")


def learned(model: Any) -> dict[str, Any]:
    """The arrays that a fit learns, as bytes, so that equal means equal to the last bit."""
    arrays = {name: getattr(model, name) for name in LEARNED}
    return {name: None if array is None else (array.shape, array.tobytes()) for name, array in arrays.items()}


def plain_values(model: Any) -> dict[str, Any]:
    """Every attribute that is a number, a word or a pair of numbers."""
    values = {name: value for name, value in vars(model).items() if isinstance(value, (int, float, str, tuple))}
    return {name: value for name, value in values.items() if not name.startswith(("_kept", "_eligible"))}


class Marker:
    """An argument that no constructor may look into."""

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"the constructor looked at .{name} of its argument")


def test_the_constructor_only_stores(case: Case) -> None:
    names = [name for name in inspect.signature(case.model.__init__).parameters if name != "self"]
    markers = {name: Marker() for name in names}
    model = case.model(**markers)
    for name, marker in markers.items():
        assert getattr(model, name) is marker
    assert set(vars(model)) == set(names)


def test_parameters_are_read_set_and_shown(case: Case) -> None:
    model = case.make()
    parameters = model.get_params()
    assert list(parameters) == [name for name in inspect.signature(case.model.__init__).parameters if name != "self"]
    assert parameters.items() >= case.parameters.items()
    assert model.get_params(deep=False) == parameters
    for name, value in parameters.items():
        assert model.set_params(**{name: value}) is model
    assert eval(repr(model), {case.model.__name__: case.model}).get_params() == parameters
    assert repr(case.model()) == f"{case.model.__name__}()"
    with pytest.raises(ParameterError, match=rf"{case.model.__name__} has no parameter 'n_facters'"):
        model.set_params(n_facters=3)


def test_a_clone_is_unfitted_and_fits_alike(case: Case, data: rb.Interactions, fitted: Any) -> None:
    clone = fitted.clone()
    assert type(clone) is type(fitted)
    assert clone.get_params() == fitted.get_params()
    with pytest.raises(NotFittedError):
        clone.recommend(0)
    assert learned(clone.fit(data)) == learned(fitted)


def test_scikit_learn_clones_it(case: Case, fitted: Any) -> None:
    base = pytest.importorskip("sklearn.base")
    clone = base.clone(fitted)
    assert type(clone) is type(fitted)
    assert clone.get_params() == fitted.get_params()
    assert not [name for name in vars(clone) if name.endswith("_")]


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))])
def test_copies_answer_alike_and_stand_alone(case: Case, data: rb.Interactions, duplicate: Any) -> None:
    model = case.make().fit(data)
    model.recommend(0)  # fills what is kept between questions
    before = learned(model)
    twin = duplicate(model)
    assert learned(twin) == before
    assert twin.recommend([0, 10], k=5) == model.recommend([0, 10], k=5)
    assert twin.get_params() == model.get_params()
    twin.fit(interactions(seed=3, n_users=11, n_items=7))
    assert learned(model) == before
    assert len(model.user_ids_) == 30


def test_unfitted_copies_work(case: Case) -> None:
    model = case.make()
    for twin in (copy.copy(model), copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert repr(twin) == repr(model)
        with pytest.raises(NotFittedError):
            twin.score(0, 1000)


def test_fit_returns_the_model_and_leaves_its_parameters(case: Case, data: rb.Interactions) -> None:
    model = case.make()
    before = model.get_params()
    assert model.fit(data) is model
    assert model.get_params() == before
    assert set(model.parameters_) >= set(before)


def test_the_same_seed_gives_the_same_bits(case: Case, data: rb.Interactions, fitted: Any) -> None:
    assert learned(case.make().fit(data)) == learned(fitted)


def test_a_second_fit_forgets_the_first(case: Case, data: rb.Interactions) -> None:
    """Also on another shape, and with text ids after ints: a crash or a mixture in other libraries."""
    small = interactions(seed=5, n_users=13, n_items=9, text=True, weighted=True)
    small.user_items.data[:] = np.minimum(small.user_items.data, 3)  # a narrower range of ratings
    fresh = case.make().fit(small)
    model = case.make().fit(data)
    model.recommend(0)
    model.fit(small)
    assert learned(model) == learned(fresh)
    assert vars(model).keys() - {"_eligible"} == vars(fresh).keys()
    assert plain_values(model) == plain_values(fresh)
    assert len(model.recommend("user 003")) == len(fresh.recommend("user 003")) > 0
    with pytest.raises(rb.errors.UnknownIdError):
        model.recommend(0)
    assert learned(model.fit(data)) == learned(case.make().fit(data))


def test_a_matrix_is_data(case: Case, data: rb.Interactions, fitted: Any) -> None:
    scipy_sparse = pytest.importorskip("scipy.sparse")
    for matrix in (data.user_items, data.user_items.to_scipy(), scipy_sparse.csc_matrix(data.user_items.to_scipy())):
        model = case.make().fit(matrix)
        assert learned(model) == learned(fitted)
        assert model.user_ids_.to_numpy().tolist() == list(range(30))


@pytest.mark.parametrize("what", ["unread", "array"])
def test_what_is_no_data_is_refused(case: Case, what: str) -> None:
    wrong = "ratings.csv" if what == "unread" else np.eye(3)
    with pytest.raises(rb.errors.DataError):
        case.make().fit(wrong)


def test_nothing_is_answered_before_fit(case: Case, tmp_path: Any) -> None:
    model = case.make()
    questions = [
        lambda: model.score(0, 1000),
        lambda: model.predict(0, 1000),
        lambda: model.recommend(0),
        lambda: model.recommend_all(),
        lambda: model.similar_items(1000),
        lambda: model.similar_users(0),
        lambda: model.describe_factors(),
        lambda: model.save(tmp_path / "model.ridge"),
        lambda: model.item_factors_,
        lambda: model.parameters_,
    ]
    if case.has_row_problems:
        questions += [
            lambda: model.fold_in([1000], [1.0]),
            lambda: model.fold_in_many([[1000]]),
            lambda: model.fold_in_item([0], [1.0]),
            lambda: model.explain(0, 1000),
            lambda: model.partial_fit(interactions()),
            lambda: model.forget(0),
            lambda: model.history_,
            lambda: model.stopped_by_,
        ]
    for ask in questions:
        with pytest.raises(NotFittedError, match=rf"{case.model.__name__} is not fitted.*fit"):
            ask()
    assert not (tmp_path / "model.ridge").exists()


def test_nan_infinity_and_nothing_are_refused_before_any_work(case: Case, data: rb.Interactions) -> None:
    model = case.make()
    for value in (np.nan, np.inf, -np.inf):
        broken = interactions()
        broken.user_items.data[7] = value
        with pytest.raises(rb.errors.DataError, match=r"user .*item .*finite"):
            model.fit(broken)
    empty = data.subset(np.zeros(data.nnz, dtype=bool))
    with pytest.raises(rb.errors.DataError, match="no interactions"):
        model.fit(empty)
    for weight in (np.nan, np.inf, -1.0):
        broken = interactions(weighted=True)
        broken.weights[3] = weight
        with pytest.raises(rb.errors.DataError, match=r"weight"):
            model.fit(broken)
    with pytest.raises(NotFittedError):
        model.score(0, 1000)


def test_a_failed_fit_leaves_an_earlier_one_or_none(case: Case, data: rb.Interactions) -> None:
    model = case.make().fit(data)
    before = learned(model)
    broken = interactions()
    broken.user_items.data[7] = np.nan
    with pytest.raises(rb.errors.DataError):
        model.fit(broken)
    assert learned(model) == before
    assert model.recommend(0, k=3) == case.make().fit(data).recommend(0, k=3)


def test_negative_values_are_for_ratings(case: Case) -> None:
    negative = interactions()
    negative.user_items.data[7] = -2.0
    if case.link == "rating" or case.model is rb.Popularity:
        assert np.isfinite(case.make().fit(negative).score(0, 1000))
    else:
        with pytest.raises(rb.errors.DataError, match=r"user .*item .*-2.0 is negative.*ExplicitALS"):
            case.make().fit(negative)
