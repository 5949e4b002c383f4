"""Vectors that many rows share, drawn together with the rows themselves integrated out.

A row's prior mean is shifted by the vectors of its sets and attributes::

    shift_r = sum over tables t of sum_j F^t_rj z^t_j,        z^t_j ~ N(mean_t, precision_t^-1)

Each table F is sparse: the members of a row's set with ``F_rj = 1 / sqrt(size)`` (Rendle, Zhang & Koren 2019), or
attributes. Given what each row says of its shift (`Information`: M_r and a perturbed h_r), all vectors of all tables
together are normal, and one draw solves::

    (diag(precision) + F^T M F) Z = precision mean + noise + F^T h

by conjugate gradient, whose every step passes over F twice: linear in the interactions (block structure: Rendle 2013;
noise-injected systems: Simm et al. 2017, "Macau").
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from ridgeback import _native
from ridgeback.data.csr import Csr
from ridgeback.solvers.matrices import one_blas_thread
from ridgeback.solvers.native import CancelFlag
from ridgeback.solvers.posterior import Information, RowPrior
from ridgeback.solvers.problem import Float64Array

_ENOUGH = 1e-4  # a residual this small against the right side is solved


@dataclass(frozen=True)
class SharedTable:
    """Which vectors each row shares: ``F = diag(row_scales) rows``.

    Attributes
    ----------
    rows, columns : Csr, shapes (n_rows, n_vectors) and (n_vectors, n_rows)
        One matrix both ways; values None: 1.
    row_scales : float64 array, shape (n_rows,), or None
        None: 1.
    """

    rows: Csr
    columns: Csr
    row_scales: Float64Array | None = None

    @classmethod
    def of_sets(cls, rows: Csr, columns: Csr) -> SharedTable:
        """Each row's neighbours as a set: ``F_rj = 1 / sqrt(size)``."""
        return cls(rows.with_data(None), columns.with_data(None), 1 / np.sqrt(np.maximum(rows.counts(), 1)))

    @property
    def n_vectors(self) -> int:
        """How many vectors there are."""
        return self.rows.n_columns

    def shifts(self, vectors: Float64Array, n_threads: int = 1, cancel: CancelFlag | None = None) -> Float64Array:
        """``F Z``, shape (n_rows, size)."""
        sums = np.empty((self.rows.n_rows, vectors.shape[1]))
        _native.sum_rows(self.rows.indptr, self.rows.indices, self.rows.data, vectors, sums, n_threads, cancel)
        return sums if self.row_scales is None else np.multiply(sums, self.row_scales[:, None], out=sums)

    def gathered(self, rows: Float64Array, n_threads: int = 1, cancel: CancelFlag | None = None) -> Float64Array:
        """``F^T rows``, shape (n_vectors, size)."""
        if self.row_scales is not None:
            rows = rows * self.row_scales[:, None]
        sums = np.empty((self.n_vectors, rows.shape[1]))
        _native.sum_rows(self.columns.indptr, self.columns.indices, self.columns.data, rows, sums, n_threads, cancel)
        return sums

    def squared(self, row_weights: Float64Array) -> Float64Array:
        """``sum_r row_weights_r F_rj^2`` of every vector, shape (n_vectors,)."""
        if self.row_scales is not None:
            row_weights = row_weights * self.row_scales**2
        values = None if self.rows.data is None else self.rows.data.astype(np.float64) ** 2
        weights = row_weights[self.rows.row_of_entry()]
        if values is not None:
            weights = weights * values
        return np.bincount(self.rows.indices, weights, self.n_vectors).astype(np.float64)


def draw_shared(
    tables: Sequence[SharedTable],
    priors: Sequence[RowPrior],
    information: Information,
    start: Sequence[Float64Array],
    rng: np.random.Generator,
    *,
    n_steps: int,
    n_threads: int = 1,
    cancel: CancelFlag | None = None,
) -> list[Float64Array]:
    """All vectors of all tables in one draw, by `n_steps` of conjugate gradient from `start`.

    Parameters
    ----------
    tables, priors, start : sequences, one entry a table
        The sparse tables, the normal priors of their vectors, and vectors (n_vectors, size) to start from.
    information : Information
        From `inform_rows`, of the rows at shift 0.
    rng : Generator
        Of the priors' noise.
    n_steps : int
        Fewer, where the residual falls below 1e-4 of the right side.

    Returns
    -------
    list of float64 arrays, shape (n_vectors, size) each
    """
    parts, end = [], 0
    for table, prior in zip(tables, priors, strict=True):
        parts.append(_Part(slice(end, end + table.n_vectors), table, prior))
        end += table.n_vectors
    right = np.empty((end, information.h.shape[1]))
    with one_blas_thread():
        for part in parts:
            prior = part.prior
            noise = rng.standard_normal(right[part.place].shape) @ np.linalg.cholesky(prior.precision).T
            right[part.place] = noise + prior.precision @ prior.mean
            right[part.place] += part.table.gathered(information.h, n_threads, cancel)

    def applied(vectors: Float64Array) -> Float64Array:
        """``(diag(precision) + F^T M F) vectors``."""
        shifts, products = np.zeros_like(information.h), np.empty_like(information.h)
        for part in parts:
            shifts += part.table.shifts(vectors[part.place], n_threads, cancel)
        _native.multiply_rows(information.M, shifts, products, n_threads, cancel)
        result = np.empty_like(vectors)
        for part in parts:
            result[part.place] = vectors[part.place] @ part.prior.precision
            result[part.place] += part.table.gathered(products, n_threads, cancel)
        return result

    with one_blas_thread():
        precondition = _preconditioner(parts, information)
        solved = _conjugate_gradient(applied, precondition, right, np.concatenate(list(start)), n_steps, cancel)
    return [solved[part.place] for part in parts]


@dataclass(frozen=True)
class _Part:
    """One table, its vectors' prior, and their place among all vectors."""

    place: slice
    table: SharedTable
    prior: RowPrior


_Linear: TypeAlias = Callable[[Float64Array], Float64Array]


def _preconditioner(parts: Sequence[_Part], information: Information) -> _Linear:
    """The inverse of every vector's own block of the matrix, each row's M taken for the mean of all rows'.

    In the basis of a table in which precision is the identity and that mean is diagonal, the block is diagonal.
    """
    is_informed = (information.M[:, -1, -1] != 0).astype(np.float64)
    mean = information.M.sum(axis=0, dtype=np.float64) / max(1.0, is_informed.sum())
    bases = []
    for part in parts:
        inverse = np.linalg.inv(np.linalg.cholesky(part.prior.precision))
        values, vectors = np.linalg.eigh(inverse @ mean @ inverse.T)
        scales = 1 / (1 + np.maximum(values, 0) * part.table.squared(is_informed)[:, None])
        bases.append((part.place, inverse.T @ vectors, scales))

    def precondition(residual: Float64Array) -> Float64Array:
        result = np.empty_like(residual)
        for place, basis, scales in bases:
            result[place] = ((residual[place] @ basis) * scales) @ basis.T
        return result

    return precondition


def _conjugate_gradient(
    applied: _Linear,
    precondition: _Linear,
    right: Float64Array,
    x: Float64Array,
    n_steps: int,
    cancel: CancelFlag | None,
) -> Float64Array:
    """Steps from x towards the solution of ``applied(x) = right``; all vectors are one unknown."""
    residual = right - applied(x)
    direction = z = precondition(residual)
    size = float(np.sum(residual * z))
    enough = _ENOUGH**2 * float(np.sum(right * precondition(right)))
    for _ in range(n_steps):
        if size <= enough or (cancel is not None and cancel[0]):
            break
        image = applied(direction)
        step = size / float(np.sum(direction * image))
        x = x + step * direction
        residual = residual - step * image
        z = precondition(residual)
        previous, size = size, float(np.sum(residual * z))
        direction = z + size / previous * direction
    return x
