"""How good factors are, by one measure for every library, in NumPy and float64: objective and error of rows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass
class Rows:
    """Some rows of one side: which, and their neighbours with r."""

    rows: np.ndarray
    indptr: np.ndarray
    indices: np.ndarray
    values: np.ndarray


def hu_objective(
    indptr: np.ndarray,
    indices: np.ndarray,
    values: np.ndarray,
    user_factors: np.ndarray,
    item_factors: np.ndarray,
    alpha: float,
    regularization: float,
) -> float:
    """sum_obs [(1 + alpha r)(1 - s)^2 - s^2] + sum_all s^2 + regularization (|X|^2 + |Y|^2); scores in float32."""
    X, Y = user_factors.astype(np.float64), item_factors.astype(np.float64)
    total = np.sum((X.T @ X) * (Y.T @ Y)) + regularization * (np.sum(X * X) + np.sum(Y * Y))
    rows = np.repeat(np.arange(len(X), dtype=np.int32), np.diff(indptr))
    x, y = (np.ascontiguousarray(factors, dtype=np.float32) for factors in (user_factors, item_factors))
    for start in range(0, len(indices), 16_384):
        part = slice(start, start + 16_384)
        s = np.einsum("ij,ij->i", x[rows[part]], y[indices[part]]).astype(np.float64)
        total += np.sum((1.0 + alpha * values[part]) * (1.0 - s) ** 2 - s**2)
    return float(total)


def row_errors(
    rows: Rows, fixed_factors: np.ndarray, factors: np.ndarray, alpha: float, regularization: float
) -> np.ndarray:
    """|x - x*| / |x*| of each row, x* its exact solution with the other side as it was in that half-step.

    (Y^T Y + sum_j alpha r_j y_j y_j^T + regularization I) x* = sum_j (1 + alpha r_j) y_j
    """
    Y = fixed_factors.astype(np.float64)
    base = Y.T @ Y + regularization * np.eye(Y.shape[1])
    errors = np.empty(len(rows.rows))
    for place, row in enumerate(rows.rows):
        part = slice(rows.indptr[place], rows.indptr[place + 1])
        y, w = Y[rows.indices[part]], alpha * rows.values[part].astype(np.float64)
        exact = np.linalg.solve(base + (y.T * w) @ y, (1.0 + w) @ y)
        errors[place] = np.linalg.norm(factors[row] - exact) / np.linalg.norm(exact)
    return errors
