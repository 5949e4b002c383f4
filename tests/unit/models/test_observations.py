"""What an observation counts: values, weights, zeros, duplicates, counts and exponents, against the formulas."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import ridgeback as rb

N_USERS, N_ITEMS, K = 25, 18, 3


def table(seed: int = 0, zeros: bool = False) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    users, items = np.nonzero(rng.random((N_USERS, N_ITEMS)) < 0.35)
    ratings = rng.integers(0 if zeros else 1, 6, len(users)).astype(float)
    return {"users": users, "items": items, "ratings": ratings, "weights": rng.choice([0.5, 1.0, 2.0], len(users))}


def interactions(columns: dict[str, np.ndarray], **keywords: Any) -> rb.Interactions:
    return rb.Interactions.from_arrays(**columns, **keywords)


def fitted_pair(model: Any, one: rb.Interactions, other: rb.Interactions) -> tuple[Any, Any]:
    return model.clone().fit(one), model.clone().fit(other)


def same(one: Any, other: Any) -> bool:
    return bool(
        np.array_equal(one.user_factors_, other.user_factors_)
        and np.array_equal(one.item_factors_, other.item_factors_)
    )


MODELS = [
    rb.ExplicitALS(n_factors=K, n_iterations=3),
    rb.ImplicitALS(n_factors=K, n_iterations=3),
    rb.ImplicitALS(n_factors=K, n_iterations=3, loss="hu"),
    rb.LogisticMF(n_factors=K, n_iterations=3, regularization=0.1),
    rb.BiasBaseline(),
]


@pytest.mark.parametrize("model", MODELS, ids=repr)
def test_weight_zero_leaves_an_observation_out(model: Any) -> None:
    columns = table()
    columns["weights"][::5] = 0
    rest = {name: column[columns["weights"] > 0] for name, column in columns.items()}
    with_zeros = interactions(columns)
    without = rb.Interactions.from_csr(
        rb.Csr.from_pairs(rest["users"], rest["items"], rest["ratings"], with_zeros.shape),
        with_zeros.user_ids,
        with_zeros.item_ids,
    )
    without.weights = rest["weights"].astype(np.float32)
    one, other = fitted_pair(model, with_zeros, without)
    assert same(one, other)
    left_out = int(np.flatnonzero(columns["weights"] == 0)[0])
    user, item = int(columns["users"][left_out]), int(columns["items"][left_out])
    assert item in one.recommend(user, k=99).items  # not seen
    assert same(one, model.clone().fit(with_zeros))  # the table itself is left as it was
    assert (with_zeros.weights == 0).any()


@pytest.mark.parametrize("model", MODELS, ids=repr)
def test_weights_of_one_are_no_weights(model: Any) -> None:
    columns = table()
    ones = interactions({**columns, "weights": np.ones(len(columns["users"]))})
    none = interactions({name: columns[name] for name in ("users", "items", "ratings")})
    one, other = fitted_pair(model, ones, none)
    np.testing.assert_allclose(one.user_factors_, other.user_factors_, atol=1e-6)


def test_a_weight_of_two_is_two_observations_where_losses_are_sums() -> None:
    """Without frequencies in the ridge, doubling a weight is listing the pair twice: both losses are equal."""
    columns = table()
    model = rb.ExplicitALS(n_factors=K, frequency_exponent=0, solver="exact", n_iterations=5, biases=False)
    weighted = model.clone().fit(interactions(columns))
    w = columns["weights"]
    loss = (w * (columns["ratings"] - weighted.score(columns["users"], columns["items"])) ** 2).sum()
    assert weighted.history_[-1]["observed_loss"] == pytest.approx(loss, rel=1e-5)
    scaled = model.clone().set_params(regularization=0.2).fit(interactions({**columns, "weights": 2 * w}))
    np.testing.assert_allclose(scaled.item_factors_, weighted.item_factors_, atol=1e-4)  # 0.1 is the default


def test_an_explicit_zero_is_a_rating_no_interaction_and_an_observed_no() -> None:
    columns = table(zeros=True)
    assert (columns["ratings"] == 0).any()
    data = interactions(columns)
    kept = columns["ratings"] > 0
    positive = rb.Interactions.from_csr(
        rb.Csr.from_pairs(columns["users"][kept], columns["items"][kept], columns["ratings"][kept], data.shape),
        data.user_ids,
        data.item_ids,
    )
    positive.weights = columns["weights"][kept].astype(np.float32)
    implicit, without = fitted_pair(rb.ImplicitALS(n_factors=K, n_iterations=2), data, positive)
    assert same(implicit, without)
    zero = int(np.flatnonzero(~kept)[0])
    user, item = int(columns["users"][zero]), int(columns["items"][zero])
    assert item in implicit.recommend(user, k=99).items
    for model in (rb.ExplicitALS(n_factors=K, n_iterations=2), rb.LogisticMF(n_factors=K, n_iterations=2)):
        with_zeros, dropped = fitted_pair(model, data, positive)
        assert not same(with_zeros, dropped)
        assert item not in with_zeros.recommend(user, k=99).items  # stored, so seen
        assert item in dropped.recommend(user, k=99).items
    listed = rb.LogisticMF(n_factors=K, n_negatives=0, regularization=0.01, bias_regularization=0.01).fit(data)
    yes = columns["ratings"] > 0
    probabilities = listed.predict(columns["users"], columns["items"])
    assert probabilities[yes].mean() > 0.8 > 0.5 > probabilities[~yes].mean()
    ratings = rb.ExplicitALS(n_factors=8, regularization=0.01).fit(data)
    assert ratings.predict(columns["users"], columns["items"])[~yes].mean() < 1


@pytest.mark.parametrize("rule", ["sum", "mean", "max", "last"])
def test_duplicates_count_by_their_rule(rule: Any) -> None:
    columns = {"users": [1, 1, 1, 2, 2, 3], "items": ["a", "a", "b", "a", "b", "b"], "ratings": [1.0, 4.0, 2, 5, 3, 1]}
    merged = {"sum": 5.0, "mean": 2.5, "max": 4.0, "last": 4.0}[rule]
    single = {"users": [1, 1, 2, 2, 3], "items": ["a", "b", "a", "b", "b"], "ratings": [merged, 2, 5, 3, 1]}
    for model in (rb.ExplicitALS(n_factors=2), rb.ImplicitALS(n_factors=2, alpha=0.7), rb.BiasBaseline()):
        one, other = fitted_pair(model, interactions(columns, duplicates=rule), interactions(single))  # type: ignore[arg-type]
        np.testing.assert_array_equal(one.user_factors_, other.user_factors_)
        assert one.mean_ == other.mean_


# The rows' own equations, solved here from the formulas -----------------------------------------------------------


def dense(columns: dict[str, np.ndarray], name: str) -> np.ndarray:
    matrix = np.zeros((N_USERS, N_ITEMS))
    matrix[columns["users"], columns["items"]] = columns[name]
    return matrix


IMPLICIT = [
    {"loss": "ials"},
    {"loss": "ials", "alpha": 0.4},
    {"loss": "ials", "frequency_counts": "observed", "weight_exponents": (0.5, 0.0)},
    {"loss": "ials", "frequency_exponent": 0.5, "weight_exponents": (0.0, 0.7), "unobserved_weight": 0.3},
    {"loss": "ials", "unobserved_weight": 0.0},
    {"loss": "hu"},
    {"loss": "hu", "alpha": 3.0, "frequency_exponent": 1.0},
    {"loss": "hu", "alpha": 3.0, "weight_exponents": (0.4, 0.2), "frequency_counts": "all"},
]


@pytest.mark.parametrize("side", ["users", "items"])
@pytest.mark.parametrize("parameters", IMPLICIT, ids=str)
def test_implicit_rows_solve_the_papers_equations(parameters: dict[str, Any], side: str) -> None:
    columns = table(1)
    model = rb.ImplicitALS(n_factors=K, solver="exact", regularization=0.05, n_iterations=2, **parameters)
    model.fit(interactions(columns))
    p = model.parameters_
    observed = dense(columns, "users") * 0 + (dense(columns, "weights") > 0)
    n_u, n_i = observed.sum(axis=1), observed.sum(axis=0)
    a, b = p["weight_exponents"]
    f = n_u[:, None] ** -a * n_i[None, :] ** -b
    f = f / f[observed > 0].mean()
    v, r = dense(columns, "weights"), dense(columns, "ratings")
    if p["loss"] == "hu":
        w = v * f * p["alpha"] * r
        pulls, unobserved = observed + w, 1.0
        frequency = {"users": n_u, "items": n_i}[side]
    else:
        w = v * f * (r * p["alpha"] if p["alpha"] is not None else 1) * observed
        pulls, unobserved = w, p["unobserved_weight"]
        extra = unobserved if p["frequency_counts"] == "all" else 0.0
        frequency = {"users": n_u + extra * N_ITEMS, "items": n_i + extra * N_USERS}[side]
    if side == "users":
        own, fixed = model.user_factors_, model.item_factors_.astype(float)
    else:  # the items' equations hold for an item folded in
        rows = [columns["items"] == i for i in range(N_ITEMS)]
        own = np.array(
            [
                model.fold_in_item(columns["users"][row], columns["ratings"][row], columns["weights"][row]).factors
                for row in rows
            ]
        )
        fixed, w, pulls, observed = model.user_factors_.astype(float), w.T, pulls.T, observed.T
    for row in range(len(own)):
        ridge = p["regularization"] * frequency[row] ** p["frequency_exponent"]
        A = fixed.T @ (w[row][:, None] * fixed) + unobserved * fixed.T @ fixed + ridge * np.eye(K)
        expected = np.linalg.solve(A, fixed.T @ (pulls[row] * (observed[row] > 0)))
        np.testing.assert_allclose(own[row], expected, rtol=2e-5, atol=2e-6)


@pytest.mark.parametrize("side", ["users", "items"])
@pytest.mark.parametrize(
    "parameters", [{}, {"frequency_exponent": 0.0}, {"frequency_exponent": 0.4}, {"biases": False}], ids=str
)
def test_explicit_rows_solve_the_joint_ridge(parameters: dict[str, Any], side: str) -> None:
    """The bias in the same ridge as the factors, the other side's bias and the mean taken from the target."""
    columns = table(2)
    model = rb.ExplicitALS(n_factors=K, regularization=0.2, bias_regularization=0.07, n_iterations=2, **parameters)
    model.fit(interactions(columns))
    p, w, r = model.parameters_, dense(columns, "weights"), dense(columns, "ratings")
    mean = np.average(columns["ratings"], weights=columns["weights"]) if p["biases"] else 0.0
    assert model.mean_ == pytest.approx(mean)
    names = ("users", "items") if side == "users" else ("items", "users")
    for row in range(N_USERS if side == "users" else N_ITEMS):
        entries = columns[names[0]] == row
        others = columns[names[1]][entries]
        if side == "users":
            folded = model.fold_in(others, columns["ratings"][entries], columns["weights"][entries])
            fixed, biases = model.item_factors_[others].astype(float), model.item_biases_
            np.testing.assert_allclose(folded.factors, model.user_factors_[row], atol=1e-5)
        else:
            folded = model.fold_in_item(others, columns["ratings"][entries], columns["weights"][entries])
            fixed, biases = model.user_factors_[others].astype(float), model.user_biases_
        weights, targets = (m[row, others] if side == "users" else m[others, row] for m in (w, r))
        targets = targets - mean - (0 if biases is None else biases[others])
        scale = entries.sum() ** p["frequency_exponent"]
        ridges = [p["regularization"] * scale] * K
        if p["biases"]:
            fixed, ridges = np.hstack([fixed, np.ones((len(others), 1))]), [*ridges, p["bias_regularization"] * scale]
        A = fixed.T @ (weights[:, None] * fixed) + np.diag(ridges)
        expected = np.linalg.solve(A, fixed.T @ (weights * targets))
        np.testing.assert_allclose(folded.factors, expected[:K], rtol=2e-5, atol=2e-6)
        if p["biases"]:
            assert folded.bias == pytest.approx(expected[K], rel=2e-5, abs=2e-6)


def test_the_frequency_is_a_count_and_never_a_sum_of_weights() -> None:
    columns = table(3)
    heavy = {**columns, "weights": np.full(len(columns["users"]), 7.0)}
    light = {**columns, "weights": np.ones(len(columns["users"]))}
    model = rb.ExplicitALS(n_factors=K, frequency_exponent=1.0, regularization=0.7, bias_regularization=0.7)
    one = model.fit(interactions(heavy))
    other = model.clone().set_params(regularization=0.1, bias_regularization=0.1).fit(interactions(light))
    np.testing.assert_allclose(
        one.score(columns["users"], columns["items"]), other.score(columns["users"], columns["items"]), atol=2e-3
    )


def test_the_confidence_slope_in_both_losses() -> None:
    """In "ials" None is confidence 1; alpha 1 on values of 1 is the same. In "hu" alpha scales the values."""
    columns = table(4)
    ones = interactions({**columns, "ratings": np.ones(len(columns["users"]))})
    model = rb.ImplicitALS(n_factors=K, n_iterations=3)
    np.testing.assert_allclose(
        model.clone().fit(ones).item_factors_, model.clone().set_params(alpha=1.0).fit(ones).item_factors_, atol=1e-6
    )
    data, doubled = interactions(columns), interactions({**columns, "ratings": 2 * columns["ratings"]})
    for loss in ("hu", "ials"):
        one = rb.ImplicitALS(n_factors=K, loss=loss, alpha=3.0, n_iterations=3).fit(data)
        other = rb.ImplicitALS(n_factors=K, loss=loss, alpha=1.5, n_iterations=3).fit(doubled)
        np.testing.assert_allclose(one.item_factors_, other.item_factors_, atol=1e-5)
    assert same(model.clone().fit(data), model.clone().fit(doubled))  # alpha None: only that there is a value


def test_exponents_rescale_to_mean_one() -> None:
    """So that alpha and the regularization keep their size: w is 1 on average over the interactions."""
    columns = table(5)
    data = interactions({**columns, "weights": np.ones(len(columns["users"]))})
    model = rb.ImplicitALS(n_factors=K, weight_exponents=(0.5, 0.5)).fit(data)
    n_u, n_i = data.user_items.counts().astype(float), data.user_items.column_counts().astype(float)
    f = (n_u[columns["users"]] * n_i[columns["items"]]) ** -0.5
    assert model._weight_scale == pytest.approx(f.mean())
    equal = rb.Interactions.from_arrays(
        np.repeat(np.arange(6), 3), (np.repeat(np.arange(6), 3) + np.tile([0, 1, 2], 6)) % 6
    )
    one, other = fitted_pair(rb.ImplicitALS(n_factors=2, weight_exponents=(0.5, 0.5)), equal, equal)
    bare = rb.ImplicitALS(n_factors=2, weight_exponents=(0, 0)).fit(equal)
    np.testing.assert_allclose(one.item_factors_, bare.item_factors_, atol=1e-5)  # equal activity: weights of 1
    assert same(one, other)
