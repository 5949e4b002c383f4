"""The posterior mean of the products ``x_u . y_i``, as factors of bounded width.

The mean over sweeps of rank-k products is of a rank that grows with every sweep, but nearly all of it lies in few
directions: what the sweeps have in common adds up, what they do not have in common averages out. So each sweep's
product is added to the mean so far and the sum is cut back to its `width` largest singular values.
"""

from __future__ import annotations

import math

import numpy as np

from ridgeback.models.row_solver import Side
from ridgeback.solvers.matrices import gram, one_blas_thread
from ridgeback.solvers.problem import Float32Array, Float64Array

_SMALLEST = 1e-10  # of the largest eigenvalue of a Gramian: below it only float32's rounding is left


class PosteriorMean:
    """A running mean of products and biases.

    Parameters
    ----------
    n_users, n_items : int
    width : int
        Columns of the factors kept.
    n_threads : int

    Attributes
    ----------
    user_factors, item_factors : float32 arrays, shapes (n_users, w) and (n_items, w), w <= width
        The columns are the principal axes of the items, energies descending.
    user_biases, item_biases : float64 arrays
    n_added : int

    Notes
    -----
    Adding costs O((n_users + n_items) (width + k)^2).
    """

    def __init__(self, n_users: int, n_items: int, width: int, n_threads: int = 1) -> None:
        self.user_factors: Float32Array = np.zeros((n_users, 0), dtype=np.float32)
        self.item_factors: Float32Array = np.zeros((n_items, 0), dtype=np.float32)
        self.user_biases: Float64Array = np.zeros(n_users)
        self.item_biases: Float64Array = np.zeros(n_items)
        self.n_added = 0
        self._width = min(width, n_users, n_items)
        self._n_threads = n_threads

    def add(
        self,
        user_factors: Float32Array,
        user_biases: Float32Array,
        item_factors: Float32Array,
        item_biases: Float32Array,
    ) -> None:
        """Add one sweep: factors (n_users, k) and (n_items, k), biases (n_users,) and (n_items,)."""
        self.n_added += 1
        new = 1.0 / self.n_added
        self.user_biases += new * (user_biases - self.user_biases)
        self.item_biases += new * (item_biases - self.item_biases)
        old_root, new_root = np.float32(math.sqrt(1.0 - new)), np.float32(math.sqrt(new))
        users = np.hstack([old_root * self.user_factors, new_root * user_factors])
        items = np.hstack([old_root * self.item_factors, new_root * item_factors])
        with one_blas_thread():
            to_users, to_items = _principal(
                gram(users, n_threads=self._n_threads), gram(items, n_threads=self._n_threads), self._width
            )
            self.user_factors = users @ to_users.astype(np.float32)
            self.item_factors = items @ to_items.astype(np.float32)

    def served(self, scale: float = 1.0) -> tuple[Side, Side]:
        """Users, in units of `scale`, and items: copies, each factor's item entry of largest magnitude positive."""
        width = self.item_factors.shape[1]
        largest = self.item_factors[np.abs(self.item_factors).argmax(axis=0), np.arange(width)] if width else 0
        signs = np.where(np.asarray(largest) < 0, np.float32(-1), np.float32(1))
        unit = np.float32(scale)
        return (
            Side(self.user_factors * (signs * unit), (self.user_biases * scale).astype(np.float32)),
            Side(self.item_factors * signs, (self.item_biases * scale).astype(np.float32)),
        )


def _principal(user_gram: Float64Array, item_gram: Float64Array, width: int) -> tuple[Float64Array, Float64Array]:
    """Maps S, T (k, w) such that ``(X S)(Y T)^T`` is the best approximation of ``X Y^T`` of rank w <= width.

    From the Gramians alone: with ``X^T X = E g E^T`` is ``Q = X E g^-1/2`` orthonormal and ``X = Q g^1/2 E^T``, so the
    singular values of ``X Y^T`` are those of a small matrix; the scales are shared so that both sides' Gramians become
    equal and diagonal.
    """
    (user_root, user_inverse), (item_root, item_inverse) = _roots(user_gram), _roots(item_gram)
    left, values, right = np.linalg.svd(user_root @ item_root.T, full_matrices=False)
    n_kept = min(width, int(np.count_nonzero(values > 0)))
    scales = np.sqrt(values[:n_kept])
    return user_inverse @ (left[:, :n_kept] * scales), item_inverse @ (right[:n_kept].T * scales)


def _roots(gramian: Float64Array) -> tuple[Float64Array, Float64Array]:
    """R with ``R^T R`` the Gramian, and its pseudo-inverse."""
    values, vectors = np.linalg.eigh(gramian)
    is_kept = values > _SMALLEST * max(values[-1], 0.0)
    roots, vectors = np.sqrt(values[is_kept]), vectors[:, is_kept]
    return (vectors * roots).T, vectors / roots
