"""What a fit reports is the loss by brute force; it never rises; its end is an optimum; iALS is Hu's loss."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import ridgeback as rb
from ridgeback import objective
from ridgeback.data.interactions import Interactions


def small_data(seed: int = 0, n_users: int = 40, n_items: int = 25) -> Interactions:
    """Ratings 1 to 5 with weights; one user and one item without any."""
    rng = np.random.default_rng(seed)
    observed = rng.random((n_users, n_items)) < 0.3
    observed[3] = False
    observed[:, 4] = False
    users, items = np.nonzero(observed)
    weights = rng.choice([0.5, 1.0, 2.0], len(users))
    values = rng.integers(1, 6, len(users)).astype(float)
    csr = rb.Csr.from_pairs(users, items, values, (n_users, n_items))
    data = Interactions.from_csr(csr)
    data.weights = weights.astype(np.float32)
    return data


def dense(data: Interactions, values: Any) -> np.ndarray:
    matrix = np.zeros(data.shape)
    matrix[data.user_items.row_of_entry(), data.user_items.indices] = values
    return matrix


def brute_force(model: Any, data: Interactions) -> objective.Objective:
    """The model's objective at its factors, over whole matrices."""
    p = model.parameters_
    counts = (data.user_items.counts(), data.user_items.column_counts())
    weights = dense(data, data.weights if data.weights is not None else 1.0)
    observed = dense(data, 1.0) > 0
    ratings = dense(data, data.user_items.values())
    predicted = objective.scores(
        model.user_factors_, model.item_factors_, model.user_biases_, model.item_biases_, model.mean_
    )
    if model.family == "explicit":
        ridges = [objective.frequency_ridges(p["regularization"], n, p["frequency_exponent"]) for n in counts]
        bias_ridges = [objective.frequency_ridges(p["bias_regularization"], n, p["frequency_exponent"]) for n in counts]
        penalty = objective.penalty(model.user_factors_, ridges[0], model.user_biases_, bias_ridges[0])
        penalty += objective.penalty(model.item_factors_, ridges[1], model.item_biases_, bias_ridges[1])
        return objective.explicit(ratings, np.where(observed, weights, 0), predicted, penalty)
    a, b = p["weight_exponents"]
    n_u, n_i = (np.maximum(n, 1).astype(float) for n in counts)
    f = np.outer(n_u**-a, n_i**-b)
    f /= f[observed].mean()
    is_hu = p["loss"] == "hu"
    extra = 0.0 if is_hu or p["frequency_counts"] == "observed" else p["unobserved_weight"]
    frequency = (counts[0] + extra * data.n_items, counts[1] + extra * data.n_users)
    ridges = [objective.frequency_ridges(p["regularization"], n, p["frequency_exponent"]) for n in frequency]
    penalty = objective.penalty(model.user_factors_, ridges[0]) + objective.penalty(model.item_factors_, ridges[1])
    if is_hu:
        return objective.hu(weights * f * p["alpha"] * ratings, observed, predicted, penalty)
    confidence = 1.0 if p["alpha"] is None else p["alpha"] * ratings
    return objective.ials(weights * f * confidence, observed, predicted, p["unobserved_weight"], penalty)


MODELS = {
    "ials cg": rb.ImplicitALS(5, weight_exponents=(0.4, 0.2), n_iterations=4),
    "ials exact": rb.ImplicitALS(5, solver="exact", alpha=0.5, n_iterations=4),
    "ials observed counts": rb.ImplicitALS(5, solver="exact", frequency_counts="observed", n_iterations=4),
    "hu cg": rb.ImplicitALS(5, loss="hu", alpha=0.7, n_iterations=4),
    "hu exact, weighted": rb.ImplicitALS(5, loss="hu", solver="exact", weight_exponents=(0.3, 0.3), n_iterations=4),
    "hu frequency": rb.ImplicitALS(5, loss="hu", solver="exact", frequency_exponent=0.5, n_iterations=4),
    "implicit non-negative": rb.ImplicitALS(5, non_negative=True, n_iterations=4),
    "explicit": rb.ExplicitALS(5, n_iterations=4),
    "explicit cg": rb.ExplicitALS(5, solver="cg", n_iterations=4),
    "explicit plain": rb.ExplicitALS(5, biases=False, frequency_exponent=0.0, n_iterations=4),
    "explicit non-negative": rb.ExplicitALS(5, non_negative=True, n_iterations=4),
}


@pytest.mark.parametrize("name", MODELS)
def test_history_is_the_loss_by_brute_force(name: str) -> None:
    data = small_data()
    seen: list[objective.Objective] = []
    model = MODELS[name].clone()
    model.fit(data, callbacks=[lambda model, record: seen.append(brute_force(model, data))])
    seen.append(brute_force(model, data))
    assert [h["side"] for h in model.history_] == ["start", *["users", "items"] * 4, "final users"]
    for record, expected in zip(model.history_, seen[: len(model.history_)], strict=True):
        scale = abs(expected.observed) + expected.unobserved + expected.regularization
        for part in ("observed", "unobserved", "regularization"):
            assert record[f"{part}_loss"] == pytest.approx(getattr(expected, part), abs=2e-6 * scale)
        assert record["loss"] == pytest.approx(expected.total, abs=2e-6 * scale)


@pytest.mark.parametrize("name", MODELS)
def test_loss_never_rises(name: str) -> None:
    model = MODELS[name].clone().set_params(n_iterations=12).fit(small_data(1))
    losses = np.array([h["loss"] for h in model.history_])
    parts = ("observed_loss", "unobserved_loss", "regularization_loss")
    scale = np.array([sum(abs(h[part]) for part in parts) for h in model.history_])
    assert (np.diff(losses) <= 1e-6 * scale[1:]).all()
    assert losses[-1] < losses[0]


@pytest.mark.parametrize("name", [name for name in MODELS if "non-negative" not in name])
def test_the_end_is_a_stationary_point(name: str) -> None:
    """Many iterations later the gradient of the brute-force loss is almost zero on both sides."""
    data = small_data(2)
    model = MODELS[name].clone().set_params(n_iterations=600, random_state=1).fit(data)
    base = brute_force(model, data).total
    rng = np.random.default_rng(0)
    for side in ("user_factors_", "item_factors_"):
        factors = getattr(model, side)
        has_pairs = (data.user_items.counts() if side == "user_factors_" else data.user_items.column_counts()) > 0
        direction = rng.normal(size=factors.shape) * has_pairs[:, None]
        step = 1e-3
        losses = []
        for sign in (1, -1):
            setattr(model, side, factors.astype(np.float64) + sign * step * direction)
            losses.append(brute_force(model, data).total)
        setattr(model, side, factors)
        slope = (losses[0] - losses[1]) / (2 * step)
        curvature = (losses[0] + losses[1] - 2 * base) / step**2
        assert curvature > 0
        assert abs(slope) / np.sqrt(curvature) < 2e-2 * np.sqrt(base)


@pytest.mark.parametrize("solver", ["exact", "cg"])
def test_ials_is_hu_in_other_units(solver: str) -> None:
    """Hu with c = 1 + 1/alpha_0, preference 1/(1 + alpha_0) and regularization / alpha_0 (numerics, section 1).

    With preferences scaled by 1/(1 + alpha_0) the factors of both sides scale by its root; so do the ridges' equals.
    """
    rng = np.random.default_rng(5)
    observed = rng.random((30, 20)) < 0.3
    users, items = np.nonzero(observed)
    data = Interactions.from_csr(rb.Csr.from_pairs(users, items, None, (30, 20)))
    alpha_0, regularization = 0.2, 0.6
    start = (rng.normal(size=(30, 4)) * 0.1, rng.normal(size=(20, 4)) * 0.1)
    common: dict[str, Any] = {
        "n_factors": 4,
        "frequency_exponent": 0.0,
        "weight_exponents": (0.0, 0.0),
        "n_iterations": 3,
        "solver": solver,
        "n_cg_steps": 30,
    }
    ials = rb.ImplicitALS(
        loss="ials", regularization=regularization, unobserved_weight=alpha_0, init=start, **common
    ).fit(data)
    # Hu's preference is 1; dividing the score by p = 1/(1 + alpha_0) turns preference p into 1 and the ridge stays,
    # since |x|^2 |y|^2 scale with p while the loss scales with p^2: ridges of factors scaled by sqrt(p) scale with p.
    p = 1 / (1 + alpha_0)
    hu = rb.ImplicitALS(
        loss="hu",
        alpha=1 / alpha_0,
        regularization=regularization / alpha_0 / p,
        init=tuple(side / np.sqrt(p) for side in start),
        **common,
    ).fit(data)
    np.testing.assert_allclose(
        hu.user_factors_ @ hu.item_factors_.T * p, ials.user_factors_ @ ials.item_factors_.T, atol=2e-5
    )


def test_a_loss_beyond_float32_is_an_error_that_says_so() -> None:
    data = Interactions.from_arrays([0, 0, 1], [0, 1, 1], ratings=[1e30, 2e30, -3e30])
    with pytest.raises(rb.errors.ObjectiveRoseError, match=r"too large for float32. Scale the values down"):
        rb.ExplicitALS(2).fit(data)


def test_explicit_finds_the_proven_optimum() -> None:
    """Without biases on a full matrix: sum over singular values of min(reg, s)^2 + 2 reg max(s - reg, 0)."""
    ratings = np.array([[4.0, 2.0], [3.0, 5.0]])
    users, items = np.nonzero(np.ones((2, 2)))
    data = Interactions.from_csr(rb.Csr.from_pairs(users, items, ratings.ravel(), (2, 2)))
    start = (np.array([[0.5, 0.2], [0.3, 0.1]]), np.array([[0.2, 0.4], [0.1, 0.3]]))
    model = rb.ExplicitALS(
        2, regularization=0.1, frequency_exponent=0.0, biases=False, init=start, n_iterations=300
    ).fit(data)
    singular = np.linalg.svd(ratings, compute_uv=False)
    optimum = sum(min(0.1, s) ** 2 + 2 * 0.1 * max(s - 0.1, 0) for s in singular)
    assert model.history_[-1]["loss"] == pytest.approx(optimum, rel=1e-6)
    assert optimum == pytest.approx(1.791077, abs=1e-6)
    first = [h["loss"] for h in model.history_[:4]]
    np.testing.assert_allclose(first, [51.0471, 18.0003, 9.7949, 8.3010], atol=2e-3)
