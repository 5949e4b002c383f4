"""How many directions can leave zero: the largest singular values of the pulls over the ridges of both sides.

Linearised around zero, one iteration multiplies a direction by s^2, with s the singular values of::

    R_u^-1/2  C  R_i^-1/2          C: the pulls c_ui, R: each row's ridge

so a direction with s <= 1 shrinks to nothing, whatever the start. Found by subspace iteration on the sparse matrix.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ridgeback import _native
from ridgeback.data.csr import Csr
from ridgeback.solvers.matrices import gram, one_blas_thread
from ridgeback.solvers.problem import Float32Array, Float64Array, RowProblem

_N_ITERATIONS = 8
_N_MORE = 10  # columns beside those asked for: the last ones converge slowly


def starting_values(users: RowProblem, items: RowProblem, n: int, n_threads: int = 1) -> Float64Array:
    """The `n` largest singular values, descending; fewer where there are not so many.

    Parameters
    ----------
    users, items : RowProblem
        The same pairs by user and by item, as a fit solves them, with pulls that need no target.
    n : int, >= 1
    n_threads : int

    Notes
    -----
    About 17 products of the pairs with n + 10 columns, and as many orthogonalisations of the smaller side; float32.
    Values come from below: the last ones may be some per cent low.
    """
    by_row, by_column = _Pulls.of(users, items.ridges), _Pulls.of(items, users.ridges)
    if by_row.matrix.n_rows < by_row.matrix.n_columns:
        by_row, by_column = by_column, by_row
    n_columns = by_row.matrix.n_columns
    basis: npt.NDArray[np.floating]
    basis = np.random.default_rng(0).standard_normal((n_columns, min(n + _N_MORE, n_columns)))
    for _ in range(_N_ITERATIONS):
        basis = by_column.times(by_row.times(_orthonormal(basis), n_threads), n_threads)
    images = by_row.times(_orthonormal(basis), n_threads)
    with one_blas_thread():
        squares = np.linalg.eigvalsh(gram(images, n_threads=n_threads))[::-1]
    return np.asarray(np.sqrt(squares.clip(min=0))[:n])


@dataclass(frozen=True)
class _Pulls:
    """``diag(left) matrix diag(right)``: the pulls of one orientation over the root of both sides' ridges."""

    matrix: Csr
    left: Float32Array
    right: Float32Array

    @classmethod
    def of(cls, problem: RowProblem, column_ridges: Float64Array) -> _Pulls:
        rows = problem.row_scales if problem.row_scales is not None else np.ones(problem.rows.n_rows)
        columns = problem.column_scales if problem.column_scales is not None else np.ones(problem.rows.n_columns)
        confidences = problem.confidences
        if problem.pull == "one_plus_weight":  # the scales are within the sum
            weights = np.repeat(rows, problem.rows.counts()) * columns[problem.rows.indices]
            confidences = (1.0 + (weights if confidences is None else weights * confidences)).astype(np.float32)
            rows, columns = np.ones(len(rows)), np.ones(len(columns))
        return cls(
            problem.rows.with_data(confidences),
            (rows * _inverse_root(problem.ridges)).astype(np.float32),
            (columns * _inverse_root(column_ridges)).astype(np.float32),
        )

    def times(self, right: npt.NDArray[np.floating], n_threads: int) -> Float32Array:
        """The product with a matrix of as many rows as this has columns."""
        scaled = np.ascontiguousarray(right * self.right[:, None], dtype=np.float32)
        out = np.empty((self.matrix.n_rows, scaled.shape[1]), dtype=np.float32)
        matrix = self.matrix
        if not _native.sparse_product(matrix.indptr, matrix.indices, matrix.data, scaled, out, n_threads):
            raise KeyboardInterrupt
        out *= self.left[:, None]
        return out


def _inverse_root(ridges: Float64Array) -> Float64Array:
    """``ridge^-1/2``, 0 where a row has none since it has nothing."""
    return np.divide(1.0, np.sqrt(ridges), out=np.zeros(len(ridges)), where=ridges > 0)


def _orthonormal(columns: npt.NDArray[np.floating]) -> Float64Array:
    with one_blas_thread():
        return np.asarray(np.linalg.qr(columns.astype(np.float64))[0])
