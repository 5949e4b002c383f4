"""Gramians, their eigenbasis, and rotations of factor matrices: the same bits for any number of threads."""

from __future__ import annotations

import functools
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import numpy.typing as npt
import threadpoolctl

from ridgeback import _native
from ridgeback.solvers.problem import Float32Array, Float64Array

_BLOCK = 2048  # rows turned in float64 at a time: they stay in the cache and add nothing to the memory of a fit


def aligned(n_rows: int, n_factors: int) -> Float32Array:
    """An empty float32 matrix that begins on a 64-byte line: elsewhere every vector that kernels load takes two."""
    size = n_rows * n_factors
    numbers = np.empty(size + 16, dtype=np.float32)
    begin = -(numbers.__array_interface__["data"][0] // 4) % 16
    return numbers[begin : begin + size].reshape(n_rows, n_factors)


def gram(
    factors: Float32Array,
    row_weights: Float64Array | None = None,
    n_threads: int = 1,
    cancel: npt.NDArray[np.uint8] | None = None,
) -> Float64Array:
    """``X^T diag(row_weights) X`` in float64, shape (k, k), added up in the order of the rows.

    Parameters
    ----------
    factors : float32 array, shape (n, k)
    row_weights : float64 array, shape (n,), optional
        Left out: 1.
    n_threads : int
    cancel : uint8 array of length 1, optional
        Once it is non-zero the sum ends early and is no Gramian: look at it afterwards.

    Notes
    -----
    O(n k^2) time, O(n_threads k^2) memory.
    """
    n_factors = factors.shape[1]
    result = np.zeros((n_factors, n_factors))
    _native.gram(factors, row_weights, result, n_threads, cancel)
    return result


def squared_norms(factors: Float32Array, row_weights: Float64Array, n_threads: int = 1) -> float:
    """``sum_r row_weights_r |x_r|^2`` in float64; factors (n, k), row_weights (n,)."""
    return _native.squared_norms(factors, row_weights, n_threads)


def halve(factors: Float32Array, n_threads: int = 1) -> tuple[npt.NDArray[np.uint16], float]:
    """``factors / unit`` in half precision, and the unit: the bits, shape (n, k up to a multiple of 16), zeros behind.

    The unit is a power of two that puts the largest magnitude between 2^14 and 2^15, far from both ends of the range:
    numbers down to 2^-28 of the largest are off by at most 2^-11 of themselves.
    """
    n_rows, n_factors = factors.shape
    n_padded = -(-n_factors // 16) * 16
    halves = aligned(n_rows, n_padded // 2).view(np.uint16)
    return halves, _native.halve(factors, halves, n_threads)


def rotate(factors: Float32Array, rotation: Float64Array, n_threads: int = 1) -> None:
    """``factors <- factors @ rotation``, in place; `rotation` has shape (k, k)."""
    _native.rotate(factors, np.ascontiguousarray(rotation), n_threads)


_BLAS_LOCK = threading.RLock()


@functools.cache
def _blas() -> threadpoolctl.ThreadpoolController:
    return threadpoolctl.ThreadpoolController()


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Hold BLAS to one thread, whose sums are the same on any machine, and which does not crowd out our own threads.

    One thread holds it at a time, since two at once would restore each other's limit; that thread may hold it again.
    """
    with _BLAS_LOCK, _blas().limit(limits=1, user_api="blas"):
        yield


def eigenbasis(matrix: Float64Array) -> tuple[Float64Array, Float64Array]:
    """Eigenvalues (k,) in descending order and eigenvectors (k, k), as columns, of a symmetric matrix.

    The one LAPACK call of a fit; BLAS is held to one thread, since its own threads would change the last bits.
    """
    with one_blas_thread():
        values, vectors = np.linalg.eigh(matrix)
    return np.ascontiguousarray(values[::-1]), np.ascontiguousarray(vectors[:, ::-1])


def product(left: Float64Array, right: Float64Array) -> Float64Array:
    """``left @ right`` (k, k) on one BLAS thread: a second one would go on waiting for work on a core of ours."""
    with one_blas_thread():
        return np.asarray(left @ right)


def principal_axes(item_factors: Float32Array, n_threads: int = 1) -> Float64Array:
    """The rotation to the principal axes of ``Y^T Y``, energies descending, shape (k, k).

    Each factor's sign makes its item entry of largest magnitude positive (the first of equals), so that two fits that
    found the same factors show the same numbers.
    """
    _, vectors = eigenbasis(gram(item_factors, n_threads=n_threads))
    largest = np.zeros(vectors.shape[1])
    with one_blas_thread():
        for begin in range(0, len(item_factors), _BLOCK):
            block = item_factors[begin : begin + _BLOCK].astype(np.float64) @ vectors
            rows = np.abs(block).argmax(axis=0)
            values = block[rows, np.arange(block.shape[1])]
            largest = np.where(np.abs(values) > np.abs(largest), values, largest)
    return np.where(largest < 0, -vectors, vectors)
