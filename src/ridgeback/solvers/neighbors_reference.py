"""The neighbourhood term in plain NumPy, dense and slow: what the native code is checked against."""

from __future__ import annotations

import numpy as np

from ridgeback.data.csr import Csr
from ridgeback.solvers.problem import Float64Array


def item_neighbors(user_items: Csr, n_neighbors: int, *, item_exponent: float, user_exponent: float) -> Float64Array:
    """``D_i^-e R^T D_u^-f R D_i^-e`` without its diagonal, shape (n_items, n_items); zero where a row keeps nothing."""
    R = np.zeros(user_items.shape)
    R[user_items.row_of_entry(), user_items.indices] = 1.0
    user_weights = np.maximum(R.sum(axis=1), 1.0) ** -user_exponent
    item_weights = np.maximum(R.sum(axis=0), 1.0) ** -item_exponent
    S = (R * item_weights).T @ (user_weights[:, None] * (R * item_weights))
    np.fill_diagonal(S, 0.0)
    for row in S:
        row[np.argsort(-row, kind="stable")[n_neighbors:]] = 0.0
    return np.asarray(S)


def neighbor_scores(S: Float64Array, histories: Csr, user_scales: Float64Array) -> Float64Array:
    """``user_scales[u] * sum over j in history(u) of S_ji``, shape (n_users, n_items)."""
    R = np.zeros(histories.shape)
    R[histories.row_of_entry(), histories.indices] = 1.0
    return np.asarray(user_scales[:, None] * (R @ S))
