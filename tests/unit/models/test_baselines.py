"""Popularity and BiasBaseline against their definitions."""

from __future__ import annotations

import numpy as np
import pytest

from ridgeback import BiasBaseline, Csr, Interactions, Popularity
from ridgeback.errors import DataError, ParameterError, UnsupportedError


def ratings(n_users: int = 40, n_items: int = 25, n: int = 400, seed: int = 0, weighted: bool = False) -> Interactions:
    rng = np.random.default_rng(seed)
    return Interactions.from_arrays(
        rng.integers(0, n_users, n),
        rng.integers(0, n_items, n),
        ratings=rng.integers(1, 6, n),
        weights=rng.choice([0.0, 0.5, 1.0, 2.0], n) if weighted else None,
    )


def joint_ridge(data: Interactions, regularization: float) -> tuple[float, np.ndarray, np.ndarray]:
    """The biases by one dense solve of all of them together."""
    n_users, n_items = data.shape
    users, items = data.user_items.row_of_entry(), data.user_items.indices
    w = np.ones(data.nnz) if data.weights is None else data.weights.astype(float)
    r = data.user_items.values().astype(float)
    mean = float((w * r).sum() / w.sum())
    design = np.zeros((data.nnz, n_users + n_items))
    design[np.arange(data.nnz), users] = 1
    design[np.arange(data.nnz), n_users + items] = 1
    system = design.T @ (w[:, None] * design) + regularization * np.eye(n_users + n_items)
    biases = np.linalg.solve(system, design.T @ (w * (r - mean)))
    return mean, biases[:n_users], biases[n_users:]


def test_popularity_is_the_share_of_users() -> None:
    data = Interactions.from_arrays(["a", "a", "b", "c", "c", "c"], [1, 2, 1, 1, 2, 3], ratings=[5, 1, 2, 0, 3, 1])
    model = Popularity().fit(data)
    np.testing.assert_allclose(model.score("a", [1, 2, 3]), [1, 2 / 3, 1 / 3], rtol=1e-7)
    assert model.predict("b", 3) == model.score("b", 3)
    assert model.recommend("b", k=5).items.tolist() == [2, 3]
    assert model.mean_ == 0.0
    assert model.item_factors_.shape == (3, 0)


def test_popularity_does_not_count_what_weighs_nothing() -> None:
    data = Interactions.from_arrays([1, 1, 2], [10, 20, 20], weights=[1.0, 0.0, 1.0])
    model = Popularity().fit(data)
    np.testing.assert_allclose(model.score(1, [10, 20]), [0.5, 0.5])
    assert model.recommend(1, k=9).items.tolist() == [20]


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("regularization", [0.5, 5.0, 30.0])
def test_biases_are_the_joint_ridge_solution(weighted: bool, regularization: float) -> None:
    data = ratings(weighted=weighted)
    model = BiasBaseline(regularization=regularization).fit(data)
    mean, user_biases, item_biases = joint_ridge(data, regularization)
    assert model.mean_ == pytest.approx(mean)
    np.testing.assert_allclose(model.user_biases_, user_biases, atol=1e-5)
    np.testing.assert_allclose(model.item_biases_, item_biases, atol=1e-5)
    user, item = data.user_ids[3], data.item_ids[4]
    assert model.score(user, item) == pytest.approx(mean + user_biases[3] + item_biases[4], abs=1e-5)


def test_bias_baseline_without_regularization_is_finite_and_exact() -> None:
    data = Interactions.from_arrays([1, 1, 2, 2], [10, 20, 10, 20], ratings=[1, 2, 3, 4])
    model = BiasBaseline(regularization=0).fit(data)
    np.testing.assert_allclose(model.score(np.array([1, 1, 2, 2]), [10, 20, 10, 20]), [1, 2, 3, 4], atol=1e-5)


def test_predictions_stay_within_the_training_range() -> None:
    data = Interactions.from_arrays([1, 1, 2, 2, 3], [10, 20, 10, 20, 10], ratings=[5, 5, 1, 1, 5])
    model = BiasBaseline(regularization=0.01).fit(data)
    assert model.predict(3, 20) <= 5.0 < model.score(3, 20) + 1
    assert model.predict(2, 20) >= 1.0


def test_users_without_ratings_get_the_mean() -> None:
    data = Interactions.from_csr(Csr.from_pairs([0, 0], [0, 1], [4.0, 2.0], (2, 2)))
    model = BiasBaseline().fit(data)
    assert model.user_biases_[1] == 0
    answer = model.recommend(1, k=2)
    assert answer.fallback == "mean"
    assert answer.scores[0] == np.float32(model.mean_) + model.item_biases_[0]


def test_a_matrix_may_be_given() -> None:
    scipy_sparse = pytest.importorskip("scipy.sparse")
    matrix = scipy_sparse.csr_matrix(np.array([[5.0, 0, 3], [0, 1, 0]]))
    assert Popularity().fit(matrix).recommend(1, k=9).items.tolist() == [0, 2]
    assert BiasBaseline().fit(matrix).mean_ == 3.0


def test_parameters_are_kept_and_resolved() -> None:
    model = BiasBaseline().fit(ratings())
    assert model.get_params() == {"regularization": None}
    assert model.parameters_["regularization"] > 0
    assert repr(BiasBaseline(regularization=2)) == "BiasBaseline(regularization=2)"
    assert Popularity().get_params() == {}
    assert Popularity().fit(ratings()).parameters_ == {}


@pytest.mark.parametrize("value", [-1.0, np.nan, np.inf, True, "5"])
def test_wrong_regularization_is_named(value: object) -> None:
    with pytest.raises(ParameterError, match="'regularization' of BiasBaseline must be a finite number >= 0"):
        BiasBaseline(regularization=value).fit(ratings())


def test_no_ratings_and_bad_values_are_refused() -> None:
    empty = Interactions.from_csr(Csr.from_pairs([], [], np.empty(0, np.float32), (2, 2)))
    with pytest.raises(DataError, match="no interactions that BiasBaseline can learn from"):
        BiasBaseline().fit(empty)
    broken = Interactions.from_csr(Csr.from_pairs([0, 1], [0, 1], [1.0, 2.0], (2, 2)), ["a", "b"])
    broken.user_items.data[1] = np.nan
    for model in (BiasBaseline(), Popularity()):
        with pytest.raises(DataError, match="user 'b', item 1: value nan"):
            model.fit(broken)


def test_a_failed_fit_leaves_the_model_unfitted_or_as_it_was() -> None:
    model = BiasBaseline().fit(ratings())
    before = model.score(0, 0)
    with pytest.raises(DataError, match="no interactions that BiasBaseline can learn from"):
        model.fit(Interactions.from_csr(Csr.from_pairs([], [], np.empty(0, np.float32), (2, 2))))
    assert model.score(0, 0) == before


def test_what_a_fitted_baseline_lacks_is_not_blamed_on_fit() -> None:
    model = Popularity().fit(ratings())
    with pytest.raises(AttributeError, match="'Popularity' object has no attribute 'history_'"):
        _ = model.history_


@pytest.mark.parametrize("model", [Popularity(), BiasBaseline()], ids=repr)
def test_fit_takes_the_arguments_of_every_model(model: Popularity | BiasBaseline) -> None:
    data = ratings()
    plain = model.clone().fit(data).score(0, [0, 1, 2])
    model.fit(data, validation=data, metric="rmse", patience=2, callbacks=[print], progress=True)
    np.testing.assert_array_equal(model.score(0, [0, 1, 2]), plain)
    with pytest.raises(UnsupportedError, match="trace"):
        model.fit(data, trace=True)
