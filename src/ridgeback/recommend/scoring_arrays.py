"""Factors, biases and rows as the native code takes them: contiguous, of one shape, checked."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ridgeback.errors import ParameterError

Floats = npt.NDArray[np.float32]
Rows = npt.NDArray[np.int32]


def eligible_rows(items: npt.ArrayLike | None, n_items: int) -> Rows | None:
    """The eligible rows, checked to ascend."""
    if items is None:
        return None
    rows = row_numbers(items, "items")
    if len(rows) and (rows[0] < 0 or rows[-1] >= n_items or not bool(np.all(rows[1:] > rows[:-1]))):
        raise ParameterError(
            f"The parameter 'items' must be ascending rows within 0..{n_items - 1}, each once. Use numpy.unique on it."
        )
    return rows


def row_numbers(values: npt.ArrayLike, name: str) -> Rows:
    """The values as int32, checked to be one-dimensional ints."""
    array = np.asarray(values)
    if array.ndim != 1 or (array.size and array.dtype.kind not in "iu"):
        raise ParameterError(
            f"The parameter {name!r} must be a 1-D array of int rows. Got shape {array.shape} of {array.dtype} instead."
        )
    return np.ascontiguousarray(array, dtype=np.int32)


def matrix(values: Any, name: str) -> Floats:
    """The values as a contiguous float32 matrix."""
    array = np.asarray(values)
    if array.ndim != 2:
        raise ParameterError(f"The parameter {name!r} must be a 2-D array. Got shape {array.shape} instead.")
    return np.ascontiguousarray(array, dtype=np.float32)


def vector(values: Any, length: int, name: str) -> Floats | None:
    """The values as a float32 vector of this length, or None."""
    if values is None:
        return None
    array = np.ascontiguousarray(values, dtype=np.float32)
    if array.shape != (length,):
        raise ParameterError(f"The parameter {name!r} must have shape ({length},). Got {array.shape} instead.")
    return array
