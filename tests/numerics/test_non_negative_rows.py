"""Non-negative rows where coordinate descent alone crawls: weights and ratings apart by many powers of ten."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import ridgeback as rb
from ridgeback.solvers import native, reference
from ridgeback.solvers.problem import RowProblem


def hard_problem(seed: int, k: int, spread: float, ridge: float) -> tuple[RowProblem, np.ndarray]:
    """Rows of 5 to 60 neighbours, columns that point almost the same way, weights over 2 * `spread` powers of ten."""
    rng = np.random.default_rng(seed)
    n_rows, n_columns = 40, 120
    fixed = np.abs(rng.normal(size=(n_columns, 1)) + 0.3 * rng.normal(size=(n_columns, k))).astype(np.float32)
    rows = [rng.choice(n_columns, rng.integers(5, 61), replace=False) for _ in range(n_rows)]
    matrix = rb.Csr.from_pairs(
        np.repeat(np.arange(n_rows), [len(row) for row in rows]), np.concatenate(rows), None, (n_rows, n_columns)
    )
    problem = RowProblem(
        rows=matrix,
        ridges=np.full(n_rows, ridge),
        pull="target",
        targets=rng.normal(1, 2, matrix.nnz).astype(np.float32),
        confidences=(10 ** rng.uniform(-spread, spread, matrix.nnz)).astype(np.float32),
    )
    return problem, fixed


CASES = [(0, 8, 0.0, 1e-3), (1, 30, 0.0, 1e-6), (2, 30, 2.0, 1e-3), (3, 70, 1.0, 1e-4), (4, 100, 2.0, 1e-2)]


@pytest.mark.parametrize(
    ("module", "seed", "k", "spread", "ridge"),
    [*((native, *case) for case in CASES), *((reference, *case) for case in CASES[:3])],
)
def test_the_solution_is_exact(module: Any, seed: int, k: int, spread: float, ridge: float) -> None:
    """Karush, Kuhn and Tucker: no gradient on what is positive, none below zero on what is not; and scipy agrees."""
    optimize = pytest.importorskip("scipy.optimize")
    problem, fixed = hard_problem(seed, k, spread, ridge)
    dtype = np.float32 if module is native else np.float64
    factors = np.zeros((40, k), dtype=dtype)
    half = module.solve_non_negative(problem, fixed.astype(dtype), None, factors, None)
    total = 0.0
    for row in range(0, 40, 1 if module is native else 5):
        system = reference.row_system(problem, row, fixed, None, None)
        columns = np.sqrt(system.weights)[:, None] * system.columns
        targets = system.pulls / np.sqrt(system.weights)
        expected, _ = optimize.nnls(np.vstack([columns, np.sqrt(ridge) * np.eye(k)]), np.append(targets, np.zeros(k)))
        x = factors[row].astype(np.float64)
        assert x.min() >= 0
        np.testing.assert_allclose(columns @ x, columns @ expected, atol=2e-5 * np.abs(targets).max())
        scale = np.abs(system.A) @ x + np.abs(system.b)
        gradient = (system.A @ x - system.b) / scale
        assert (gradient > -1e-6).all()
        assert np.abs(gradient[x > 0]).max(initial=0) < 1e-6
        total += system.loss(x)
    if module is native:
        assert half.loss == pytest.approx(total, rel=1e-6, abs=1e-6)


def test_where_it_starts_does_not_matter() -> None:
    problem, fixed = hard_problem(5, 40, 1.5, 1e-3)
    starts = [np.zeros((40, 40)), np.ones((40, 40)), np.abs(np.random.default_rng(0).normal(size=(40, 40))) * 1e3]
    ends = []
    for start in starts:
        factors = start.astype(np.float32)
        native.solve_non_negative(problem, fixed, None, factors, None)
        ends.append(factors)
    for end in ends[1:]:
        np.testing.assert_allclose(end, ends[0], rtol=1e-4, atol=1e-5 * np.abs(ends[0]).max())


@pytest.mark.parametrize("model", [rb.ExplicitALS, rb.ImplicitALS])
def test_a_fit_on_large_values_explains_what_it_scores(model: Any) -> None:
    """Amounts of tens of thousands: the shown score and the row's own solution are one."""
    rng = np.random.default_rng(0)
    users, items = np.nonzero(rng.random((50, 60)) < 0.2)
    extra = {"loss": "hu"} if model is rb.ImplicitALS else {}
    data = rb.Interactions.from_arrays(users, items, ratings=rng.integers(1, 6, len(users)) * 1e4)
    fitted = model(n_factors=70, n_iterations=3, non_negative=True, **extra).fit(data)
    for user in range(0, 50, 7):
        explanation = fitted.explain(user, 3)
        assert explanation.score == pytest.approx(fitted.score(user, 3), rel=1e-4, abs=1e-4)
