"""ImplicitALS(loss="hu") minimises what others minimise: the objective of `implicit`, and the sum written out by pairs.

The judge is `dense_objective`, which knows nothing of either library: all pairs, float64, the sum as Hu, Koren and
Volinsky (2008) print it in equation 3.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import scipy.optimize
import scipy.sparse
import threadpoolctl

import ridgeback as rb

ALPHA = 4.0
REGULARIZATION = 0.5
N_FACTORS = 6


def dense_objective(counts: np.ndarray, users: np.ndarray, items: np.ndarray) -> float:
    """sum over all pairs of (1 + alpha r)(p - x.y)^2 + regularization (|X|^2 + |Y|^2), p = 1 where r > 0."""
    users, items = users.astype(np.float64), items.astype(np.float64)
    misses = (counts > 0) - users @ items.T
    return float(np.sum((1.0 + ALPHA * counts) * misses**2) + REGULARIZATION * (np.sum(users**2) + np.sum(items**2)))


def dense_gradient(counts: np.ndarray, users: np.ndarray, items: np.ndarray) -> np.ndarray:
    """The gradient of `dense_objective`, users then items, flat."""
    pulls = (1.0 + ALPHA * counts) * ((counts > 0) - users @ items.T)
    return 2.0 * np.concatenate(
        [(REGULARIZATION * users - pulls @ items).ravel(), (REGULARIZATION * items - pulls.T @ users).ravel()]
    )


@pytest.fixture(scope="module")
def counts() -> np.ndarray:
    """73 users and 41 items with counts of 1 to 4; one user and one item have nothing."""
    rng = np.random.default_rng(7)
    tastes = rng.normal(size=(73, 3)) @ rng.normal(size=(3, 41))
    counts = np.where(tastes + rng.normal(size=tastes.shape) > 1.5, rng.integers(1, 5, tastes.shape), 0)
    counts[11] = 0
    counts[:, 5] = 0
    return counts.astype(np.float32)


@pytest.fixture(scope="module")
def start() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(8)
    users, items = rng.normal(0.0, 0.1, (73, N_FACTORS)), rng.normal(0.0, 0.1, (41, N_FACTORS))
    return users.astype(np.float32), items.astype(np.float32)


def fitted(counts: np.ndarray, start: tuple[np.ndarray, np.ndarray], **parameters: Any) -> rb.ImplicitALS:
    settings = {"alpha": ALPHA, "regularization": REGULARIZATION, "solver": "exact", "n_threads": 2} | parameters
    model = rb.ImplicitALS(n_factors=N_FACTORS, loss="hu", init=start, **settings)
    return model.fit(rb.Csr.from_any(scipy.sparse.csr_matrix(counts)))


def loss_after_items(model: rb.ImplicitALS) -> float:
    """The loss after the last item half-step: `implicit` ends there."""
    return next(record["loss"] for record in reversed(model.history_) if record["side"] == "items")


def fitted_by_implicit(
    counts: np.ndarray, start: tuple[np.ndarray, np.ndarray], n_iterations: int, *, use_cg: bool
) -> tuple[np.ndarray, np.ndarray]:
    """What `implicit` makes of the same matrix: it takes the confidences themselves."""
    als = pytest.importorskip("implicit.cpu.als", reason="the package implicit is not installed")
    confidences = scipy.sparse.csr_matrix(counts)
    confidences.data = 1.0 + ALPHA * confidences.data
    with threadpoolctl.threadpool_limits(1, "blas"):
        model = als.AlternatingLeastSquares(
            factors=N_FACTORS,
            regularization=REGULARIZATION,
            alpha=1.0,
            use_cg=use_cg,
            iterations=n_iterations,
            num_threads=1,
        )
        model.user_factors, model.item_factors = (factors.copy() for factors in start)
        model.fit(confidences, show_progress=False)
    return model.user_factors, model.item_factors


@pytest.mark.parametrize("n_iterations", [1, 4, 15])
def test_the_loss_after_each_iteration_is_that_of_implicit(
    counts: np.ndarray, start: tuple[np.ndarray, np.ndarray], n_iterations: int
) -> None:
    theirs = dense_objective(counts, *fitted_by_implicit(counts, start, n_iterations, use_cg=False))
    model = fitted(counts, start, n_iterations=n_iterations)
    assert loss_after_items(model) == pytest.approx(theirs, rel=1e-5)


@pytest.mark.parametrize("n_iterations", [1, 3, 8])
def test_conjugate_gradient_stays_closer_to_the_exact_fit_than_that_of_implicit(
    counts: np.ndarray, start: tuple[np.ndarray, np.ndarray], n_iterations: int
) -> None:
    exact = loss_after_items(fitted(counts, start, n_iterations=n_iterations))
    ours = loss_after_items(fitted(counts, start, n_iterations=n_iterations, solver="cg", n_cg_steps=3))
    theirs = dense_objective(counts, *fitted_by_implicit(counts, start, n_iterations, use_cg=True))
    assert abs(ours - exact) < abs(theirs - exact)


def test_the_reported_loss_is_the_objective_written_out(
    counts: np.ndarray, start: tuple[np.ndarray, np.ndarray]
) -> None:
    model = fitted(counts, start, n_iterations=3)
    assert model.history_[-1]["side"] == "final users"
    assert model.history_[-1]["loss"] == pytest.approx(
        dense_objective(counts, model.user_factors_, model.item_factors_), rel=1e-6
    )


def test_the_fit_ends_at_an_optimum_found_by_brute_force(
    counts: np.ndarray, start: tuple[np.ndarray, np.ndarray]
) -> None:
    model = fitted(counts, start, n_iterations=400)
    ours = dense_objective(counts, model.user_factors_, model.item_factors_)

    def split(flat: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return flat[: 73 * N_FACTORS].reshape(73, -1), flat[73 * N_FACTORS :].reshape(41, -1)

    optimum = scipy.optimize.minimize(
        lambda flat: dense_objective(counts, *split(flat)),
        np.concatenate([model.user_factors_.ravel(), model.item_factors_.ravel()]).astype(np.float64),
        jac=lambda flat: dense_gradient(counts, *split(flat)),
        method="L-BFGS-B",
        options={"maxiter": 20_000, "maxfun": 40_000, "ftol": 1e-15, "gtol": 1e-8},
    )
    assert ours == pytest.approx(optimum.fun, rel=1e-5)


def test_the_gradient_of_the_judge_is_right(counts: np.ndarray, start: tuple[np.ndarray, np.ndarray]) -> None:
    users, items = (factors.astype(np.float64) for factors in start)
    step = 1e-6 * np.random.default_rng(9).normal(size=users.shape)
    rise = dense_objective(counts, users + step, items) - dense_objective(counts, users - step, items)
    expected = 2.0 * np.dot(dense_gradient(counts, users, items)[: users.size], step.ravel())
    assert rise == pytest.approx(expected, rel=1e-6)
