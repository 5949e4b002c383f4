"""Factors, biases and rows as the native code takes them: contiguous, of one shape, checked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ridgeback.errors import ParameterError

if TYPE_CHECKING:
    from ridgeback.recommend.neighbor_term import NeighborTerm

Floats = npt.NDArray[np.float32]
Rows = npt.NDArray[np.int32]
ScoringArrays = tuple[Floats, Floats, Floats | None, Floats | None, float, "NeighborTerm | None"]
NativeArrays = tuple[Floats, Floats, Floats | None, Floats | None, float, Any]


def scoring_arrays(
    user_factors: Any,
    item_factors: Any,
    user_biases: Any,
    item_biases: Any,
    mean: float,
    neighbors: NeighborTerm | None,
) -> ScoringArrays:
    """The arrays, shapes checked."""
    x, y = matrix(user_factors, "user_factors"), matrix(item_factors, "item_factors")
    if x.shape[1] != y.shape[1]:
        raise ParameterError(
            f"The parameters 'user_factors' {x.shape} and 'item_factors' {y.shape} must have equally many columns."
        )
    if neighbors is not None and not len(x) == len(neighbors.scales) == len(neighbors.histories.indptr) - 1:
        raise ParameterError(
            f"The parameter 'neighbors' must have a history and a scale for each of {len(x)} users. Got "
            f"{len(neighbors.histories.indptr) - 1} and {len(neighbors.scales)}."
        )
    biases = vector(user_biases, len(x), "user_biases"), vector(item_biases, len(y), "item_biases")
    return x, y, *biases, float(mean), neighbors


def users_between(arrays: ScoringArrays, begin: int, end: int) -> NativeArrays:
    """The arrays of the users begin .. end - 1 as the native code takes them."""
    x, y, user_biases, item_biases, mean, neighbors = arrays
    own = None if user_biases is None else user_biases[begin:end]
    return (
        x[begin:end],
        y,
        own,
        item_biases,
        mean,
        None if neighbors is None else neighbors.between(begin, end).to_native(),
    )


def all_users(arrays: ScoringArrays) -> NativeArrays:
    """The arrays of all users as the native code takes them."""
    return *arrays[:5], None if arrays[5] is None else arrays[5].to_native()


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
