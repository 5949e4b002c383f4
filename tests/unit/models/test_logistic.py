"""LogisticMF: its objective by brute force, which pairs it lists, and what it promises about new users and reasons."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

import ridgeback as rb
from ridgeback.data.csr import Csr
from ridgeback.errors import DataError, ParameterError, UnsupportedError
from ridgeback.models.training import ListedPairs

N_USERS, N_ITEMS = 40, 23


@pytest.fixture(scope="module")
def data() -> rb.Interactions:
    """Yeses of values 1 to 4, a few observed noes; the last user and the last item have none."""
    rng = np.random.default_rng(0)
    taste = rng.normal(size=(N_USERS, 2)) @ rng.normal(size=(2, N_ITEMS))
    is_stored = rng.random(taste.shape) < 1 / (1 + np.exp(2 - 2 * taste))
    is_stored[-1], is_stored[:, -1] = False, False
    is_stored[:-1, 0] = True
    users, items = np.nonzero(is_stored)
    values = rng.integers(0, 5, len(users)).astype(float)
    matrix = Csr.from_pairs(users, items, values, shape=taste.shape)
    return rb.Interactions.from_csr(matrix)


def model(**parameters: Any) -> rb.LogisticMF:
    given = {"n_factors": 3, "regularization": 0.3, "bias_regularization": 0.1, "n_negatives": "all", "n_threads": 1}
    return rb.LogisticMF(**(given | parameters))


def dense(fitted: rb.LogisticMF) -> npt.NDArray[np.float64]:
    """All scores in float64."""
    scores = fitted.user_factors_.astype(float) @ fitted.item_factors_.astype(float).T
    if fitted.user_biases_ is not None:
        scores += fitted.user_biases_[:, None].astype(float) + fitted.item_biases_[None, :].astype(float)
    return scores


def brute_force(fitted: rb.LogisticMF, data: rb.Interactions, counts: str = "all") -> dict[str, float]:
    """The objective from its formula over a dense matrix."""
    p = fitted.parameters_
    n_users = data.user_items.counts() > 0
    values = np.full(data.shape, np.nan)
    values[data.user_items.row_of_entry(), data.user_items.indices] = data.user_items.values()
    is_listed = ~np.isnan(values) if counts == "stored" else np.repeat(n_users[:, None], data.n_items, axis=1)
    yes = np.nan_to_num(values) > 0
    confidence = np.where(yes & (p["alpha"] is not None), (p["alpha"] or 1) * np.nan_to_num(values), 1.0)
    entropy = np.logaddexp(0, np.where(yes, -1, 1) * dense(fitted))
    nu = p["frequency_exponent"]
    penalty = 0.0
    for factors, biases, stored in (
        (fitted.user_factors_, fitted.user_biases_, data.user_items.counts()),
        (fitted.item_factors_, fitted.item_biases_, data.user_items.column_counts()),
    ):
        scale = np.maximum(stored, 1.0) ** nu
        penalty += p["regularization"] * float(scale @ (factors.astype(float) ** 2).sum(axis=1))
        if biases is not None:
            penalty += p["bias_regularization"] * float(scale @ biases.astype(float) ** 2)
    observed = float((confidence * entropy)[is_listed].sum())
    return {
        "observed_loss": observed,
        "regularization_loss": penalty,
        "loss": observed + penalty,
        "cross_entropy": observed / float(confidence[is_listed].sum()),
    }


# The objective ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("solver", ["majorize", "gradient", "adagrad"])
@pytest.mark.parametrize(
    "parameters",
    [{}, {"alpha": 2.5}, {"biases": False}, {"frequency_exponent": 1.0}, {"n_negatives": 0}],
    ids=["all", "alpha", "no biases", "frequency", "no negatives"],
)
def test_every_record_is_the_formula(data: rb.Interactions, solver: str, parameters: dict[str, Any]) -> None:
    counts = "stored" if parameters.get("n_negatives") == 0 else "all"
    seen: list[float] = []

    def compare(fitted: Any, record: dict[str, Any]) -> None:
        for name, expected in brute_force(fitted, data, counts).items():
            assert record[name] == pytest.approx(expected, rel=1e-6), name
        assert record["unobserved_loss"] == 0
        assert record["rmse"] is None
        seen.append(record["loss"])

    fitted = model(solver=solver, n_iterations=6, step_size=0.2, **parameters).fit(data, callbacks=[compare])
    assert len(seen) == 14  # the start, six iterations, the final users
    assert fitted.history_[-1]["side"] == "final users"
    losses = [record["loss"] for record in fitted.history_]
    assert np.all(np.diff(losses) <= 1e-6 * losses[0])
    assert losses[-1] < 0.9 * losses[0]


def test_majorisation_goes_to_the_optimum_of_the_objective(data: rb.Interactions) -> None:
    """Many iterations end where the gradient of the whole objective is zero."""
    fitted = model(n_factors=2, regularization=1.0, n_iterations=3000, orientation="start").fit(data)
    values = np.zeros(data.shape)
    values[data.user_items.row_of_entry(), data.user_items.indices] = data.user_items.values()
    surprise = (values > 0) - 1 / (1 + np.exp(-dense(fitted)))
    surprise[data.user_items.counts() == 0] = 0
    X, Y = fitted.user_factors_.astype(float), fitted.item_factors_.astype(float)
    assert np.abs(surprise @ Y - 2 * X).max() < 1e-4
    assert np.abs(surprise.T @ X - 2 * Y).max() < 1e-3
    assert np.abs(surprise.sum(axis=0) - 0.2 * fitted.item_biases_).max() < 1e-3
    assert np.abs(X).max() > 0.1


def test_weights_scale_the_confidence_and_zero_leaves_out(data: rb.Interactions) -> None:
    rng = np.random.default_rng(1)
    weights = rng.integers(0, 3, data.nnz).astype(np.float32)
    pairs = data.user_items
    weighted = rb.Interactions.from_arrays(
        pairs.row_of_entry(), pairs.indices, ratings=pairs.values(), weights=weights, duplicates="last"
    )
    fitted = model(n_negatives=0, n_iterations=2).fit(weighted)
    users, items = fitted.user_ids_.rows(pairs.row_of_entry()), fitted.item_ids_.rows(pairs.indices)
    signs = np.where(pairs.values() > 0, 1, -1)
    expected = float(weights @ np.logaddexp(0, -signs * dense(fitted)[users, items]))
    assert fitted.history_[-1]["observed_loss"] == pytest.approx(expected, rel=1e-6)
    assert fitted.history_[-1]["cross_entropy"] == pytest.approx(expected / weights.sum(), rel=1e-6)


def test_an_explicit_zero_is_an_observed_no() -> None:
    users, items = ["a", "a", "b", "b", "c", "c"], ["x", "y", "x", "y", "x", "z"]
    data = rb.Interactions.from_arrays(users, items, ratings=[1, 0, 1, 0, 1, 1])
    fitted = model(n_factors=1, n_negatives=0).fit(data)
    assert fitted.predict("c", "y") < 0.5 < fitted.predict("a", "z")
    assert "y" not in [r.item for r in fitted.recommend("a")]  # stored, so seen


# Which pairs are listed ---------------------------------------------------------------------------------------------


def listed_of(fitted: rb.LogisticMF, data: rb.Interactions) -> ListedPairs:
    return fitted._listed(ListedPairs(data.user_items, data.weights))


def test_sampled_noes_are_never_stored_pairs_and_never_items_nobody_has(data: rb.Interactions) -> None:
    fitted = model(n_negatives=4, n_iterations=1).fit(data)
    listed = listed_of(fitted, data)
    held = data.user_items.counts()
    n_free = np.count_nonzero(data.user_items.column_counts()) - held
    expected = np.where(held > 0, held + np.minimum(4, n_free), 0)
    np.testing.assert_array_equal(listed.rows.counts(), expected)
    for user in range(N_USERS):
        items, values = listed.rows.row(user)
        own_items, own_values = data.user_items.row(user)
        assert values is not None
        np.testing.assert_array_equal(items[values >= 0], own_items)
        np.testing.assert_array_equal(values[values >= 0], own_values)
        assert not set(items[values < 0]) & set(own_items)
        assert N_ITEMS - 1 not in items
        assert np.all(np.diff(items) > 0)


def test_auto_is_all_for_small_data_and_a_number_beyond() -> None:
    small = rb.Interactions.from_arrays(np.repeat(np.arange(100), 3), np.arange(300) % 50)
    assert rb.LogisticMF(n_factors=1, n_iterations=0).fit(small).parameters_["n_negatives"] == "all"
    for n_held, expected in ((3, 30), (29, 290), (31, 300)):  # ten a pair, at most 300
        users = np.repeat(np.arange(1001), n_held)
        wide = rb.Interactions.from_arrays(users, np.arange(len(users)) % 1000)
        assert rb.LogisticMF(n_factors=1, n_iterations=0).fit(wide).parameters_["n_negatives"] == expected


def test_default_ridge_is_a_function_of_the_shape() -> None:
    data = rb.Interactions.from_arrays(np.repeat(np.arange(100), 4), np.arange(400) % 25)
    parameters = rb.LogisticMF(n_factors=1, n_iterations=0).fit(data).parameters_
    assert parameters["regularization"] == pytest.approx(0.4 * (2 + 4))
    assert parameters["bias_regularization"] == parameters["regularization"]


def test_seed_and_threads(data: rb.Interactions) -> None:
    one, same, other, threaded = (
        model(n_negatives=4, n_iterations=3, random_state=seed, n_threads=n).fit(data)
        for seed, n in ((0, 1), (0, 1), (1, 1), (0, 3))
    )
    np.testing.assert_array_equal(one.item_factors_, same.item_factors_)
    np.testing.assert_array_equal(one.item_factors_, threaded.item_factors_)
    assert not np.array_equal(listed_of(one, data).rows.indices, listed_of(other, data).rows.indices)
    generator = model(n_negatives=4, n_iterations=3, random_state=np.random.default_rng(5)).fit(data)
    again = model(n_negatives=4, n_iterations=3, random_state=np.random.default_rng(5)).fit(data)
    np.testing.assert_array_equal(generator.item_factors_, again.item_factors_)


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("n_negatives", "some", "a whole number, 'all' or 'auto'"),
        ("n_negatives", None, "a whole number, 'all' or 'auto'"),
        ("n_negatives", 2.5, "a whole number, 'all' or 'auto'"),
        ("n_negatives", True, "a whole number, 'all' or 'auto'"),
        ("n_negatives", -1, "a whole number of at least 0"),
        ("n_negatives", 10**12, None),
        ("solver", "newton", "one of 'majorize', 'gradient', 'adagrad'"),
        ("step_size", 0, "a finite number above 0"),
        ("alpha", 0.0, "a finite number above 0"),
        ("regularization", -1.0, "a finite number of at least 0"),
        ("bias_regularization", float("nan"), "a finite number of at least 0"),
        ("frequency_exponent", "1", "a finite number of at least 0"),
        ("biases", 1, "True or False"),
    ],
)
def test_wrong_parameters_are_named(data: rb.Interactions, name: str, value: Any, expected: str | None) -> None:
    wrong = model(**{name: value})
    if expected is None:
        wrong.fit(data)  # as many as there are
        return
    with pytest.raises(ParameterError, match=f"'{name}' parameter of LogisticMF must be {re.escape(expected)}"):
        wrong.fit(data)


def test_more_pairs_than_memory_are_refused_before_any_work() -> None:
    wide = Csr(np.arange(2_000_001), np.zeros(2_000_000, np.int32), None, (2_000_000, 2_000_000))
    with pytest.raises(ParameterError, match=r"'n_negatives' parameter .* 'all' lists up to 4,000,002,000,000 pairs"):
        model(n_negatives="all").fit(wide)


def test_negative_values_are_refused() -> None:
    data = rb.Interactions.from_arrays(["a", "b"], ["x", "y"], ratings=[1, -1])
    with pytest.raises(DataError, match=r"user 'b', item 'y': value -1\.0 is negative"):
        model().fit(data)


# New users, new items, reasons --------------------------------------------------------------------------------------


@pytest.mark.parametrize("n_negatives", ["all", 4, 0])
@pytest.mark.parametrize("solver", ["majorize", "adagrad"])
def test_a_training_user_folded_in_is_the_models_own(data: rb.Interactions, n_negatives: Any, solver: str) -> None:
    fitted = model(n_negatives=n_negatives, n_iterations=4, solver=solver, step_size=0.3, alpha=1.5).fit(data)
    for user in range(N_USERS):
        items, values = data.user_items.row(user)
        folded = fitted.fold_in(dict(zip(items.tolist(), values.tolist(), strict=True)))
        np.testing.assert_allclose(folded.factors, fitted.user_factors_[user], rtol=1e-5, atol=1e-7)
        assert folded.bias == pytest.approx(float(fitted.user_biases_[user]), rel=1e-5)
        assert (folded.fallback == "popularity") == (user == N_USERS - 1)


@pytest.mark.parametrize("n_negatives", ["all", 4, 0])
@pytest.mark.parametrize("biases", [True, False])
def test_explanations_add_up(data: rb.Interactions, n_negatives: Any, biases: bool) -> None:
    fitted = model(n_negatives=n_negatives, n_iterations=4, biases=biases).fit(data)
    for user in (0, 7, N_USERS - 1):
        for item in (0, 5, N_ITEMS - 1):
            explanation = fitted.explain(user, item)
            score = fitted.score(user, item)
            total = explanation.baseline + sum(c.contribution for c in explanation.contributions) + explanation.rest
            assert explanation.score == pytest.approx(total, abs=1e-9 * max(1, abs(score)))
            assert explanation.score == pytest.approx(score, abs=1e-5 * max(1, abs(score)))
            assert {c.item for c in explanation.contributions} == set(data.user_items.row(user)[0].tolist())
            has_noes = n_negatives != 0 and user != N_USERS - 1
            assert (explanation.rest != 0) == (has_noes and (biases or fitted.item_factors_[item].any()))


def test_explanation_by_hand() -> None:
    """One yes, no negatives, no biases: the share is c (1 - probability) y.y / (2 ridge)."""
    data = rb.Interactions.from_arrays(["a", "b"], ["x", "x"])
    fitted = model(n_factors=1, n_negatives=0, biases=False, n_iterations=2, regularization=0.05).fit(data)
    y = float(fitted.item_factors_[0, 0])
    score = fitted.score("a", "x")
    (share,) = fitted.explain("a", "x").contributions
    assert share.contribution == pytest.approx((1 - 1 / (1 + np.exp(-score))) * y * y / 0.1, rel=1e-5)
    assert share.contribution == pytest.approx(score, rel=1e-5)


def test_probabilities(data: rb.Interactions) -> None:
    fitted = model(n_iterations=4).fit(data)
    scores = fitted.score(3, np.arange(N_ITEMS))
    np.testing.assert_allclose(fitted.predict(3, np.arange(N_ITEMS)), 1 / (1 + np.exp(-scores)), rtol=1e-6)
    shown = fitted.recommend(3, as_="probability")
    np.testing.assert_allclose(shown.scores, 1 / (1 + np.exp(-fitted.score(3, shown.items))), rtol=1e-6)
    fallback = fitted.recommend(N_USERS - 1, as_="probability")
    assert fallback.fallback == "popularity"
    assert fallback[0].score == pytest.approx(data.user_items.column_counts().max() / N_USERS)


def test_new_items_need_defined_noes(data: rb.Interactions) -> None:
    users = [0, 3, 8]
    for n_negatives in ("all", 0):
        fitted = model(n_negatives=n_negatives, n_iterations=4).fit(data)
        item = fitted.fold_in_item(users)
        listed = range(N_USERS - 1) if n_negatives == "all" else users
        X = np.column_stack([fitted.user_factors_, np.ones(N_USERS)])[listed].astype(float)
        u = np.append(item.factors, item.bias).astype(float)
        surprise = np.isin(listed, users) - 1 / (1 + np.exp(-(X @ u + fitted.user_biases_[listed])))
        np.testing.assert_allclose(X.T @ surprise, 2 * np.array([0.3, 0.3, 0.3, 0.1]) * u, atol=1e-5)
    with pytest.raises(UnsupportedError, match=r"fold_in_item is not defined .*n_negatives=4"):
        model(n_negatives=4, n_iterations=1).fit(data).fold_in_item(users)


def test_partial_fit_refuses_items_that_had_no_chance_to_be_drawn(data: rb.Interactions) -> None:
    fitted = model(n_negatives=4, n_iterations=2).fit(data)
    for item, n in ((999, 1), (N_ITEMS - 1, 1)):  # a new id; an item of the table that nobody had
        with pytest.raises(UnsupportedError, match=f"{n} items of the events"):
            fitted.partial_fit(rb.Interactions.from_arrays([0, 1], [item, 2]))
    before = fitted.user_factors_.copy()
    fitted.partial_fit(rb.Interactions.from_arrays([0, N_USERS - 1, 999], [5, 2, 3]))
    assert len(fitted.user_ids_) == N_USERS + 1
    assert not np.array_equal(fitted.user_factors_[0], before[0])
    np.testing.assert_array_equal(fitted.user_factors_[1 : N_USERS - 1], before[1:-1])
    for user in (0, N_USERS - 1, 999):
        items, values = fitted._seen.row(int(fitted.user_ids_.rows([user])[0]))
        folded = fitted.fold_in(dict(zip(items.tolist(), values.tolist(), strict=True)))
        assert fitted.score(user, 1) == pytest.approx(folded.score(1), rel=1e-5, abs=1e-6)


def test_partial_fit_adds_items_where_all_pairs_are_listed(data: rb.Interactions) -> None:
    fitted = model(n_negatives="all", n_iterations=2).fit(data)
    fitted.partial_fit(rb.Interactions.from_arrays([0, 1, 2], [999, 999, 999]), refresh_users=True)
    chances = fitted.predict(np.arange(N_USERS - 1), 999)
    assert chances[:3].mean() > 1.2 * chances[3:].mean()


# Without regularisation ---------------------------------------------------------------------------------------------


def test_rows_without_a_finite_optimum() -> None:
    data = rb.Interactions.from_arrays(["a", "a", "b", "c"], ["x", "y", "x", "y"])
    unregularized = model(n_factors=1, regularization=0.0, bias_regularization=0.0, n_negatives=0, n_iterations=3)
    with pytest.warns(rb.RidgebackWarning, match="3 users have no finite optimum"):
        fitted = unregularized.fit(data)
    assert np.isfinite(fitted.user_factors_).all()
    assert fitted.history_[-1]["loss"] < fitted.history_[0]["loss"]
    with pytest.raises(UnsupportedError, match="1 of 1 histories have no finite factors"):
        fitted.fold_in(["x"])
    with pytest.raises(UnsupportedError, match="regularization=0"):
        fitted.explain("a", "x")
    before = fitted.user_factors_.copy()
    with pytest.warns(rb.RidgebackWarning, match="1 of 1 users have no finite optimum"):
        fitted.partial_fit(rb.Interactions.from_arrays(["b"], ["y"]))
    np.testing.assert_array_equal(fitted.user_factors_, before)


def test_explain_names_the_missing_bias_regularization(data: rb.Interactions) -> None:
    fitted = model(bias_regularization=0.0, n_iterations=1).fit(data)
    with pytest.raises(UnsupportedError, match="bias_regularization=0"):
        fitted.explain(0, 1)
    model(bias_regularization=0.0, biases=False, n_iterations=1).fit(data).explain(0, 1)


def test_saved_and_loaded_it_draws_the_same_noes(data: rb.Interactions, tmp_path: Any) -> None:
    fitted = model(n_negatives=4, n_iterations=3, random_state=np.random.default_rng(2)).fit(data)
    with pytest.warns(rb.RidgebackWarning, match="random_state"):
        fitted.save(tmp_path / "model.ridge")
    loaded = rb.load(tmp_path / "model.ridge")
    assert loaded.explain(3, 5).score == fitted.explain(3, 5).score
    np.testing.assert_array_equal(loaded.fold_in([1, 2, 3]).factors, fitted.fold_in([1, 2, 3]).factors)
