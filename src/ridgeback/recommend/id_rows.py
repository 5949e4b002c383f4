"""From ids as the caller gave them, one or many, to rows; errors say what the id was meant to be."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ridgeback.data.ids import Ids


def is_one(value: Any) -> bool:
    """Whether the value is one id, not a collection of them."""
    if isinstance(value, np.ndarray):
        return value.ndim == 0
    return isinstance(value, (str, bytes)) or not hasattr(value, "__iter__")


def rows_of(ids: Ids, values: Any, what: str) -> npt.NDArray[np.int32]:
    """Rows of one id (shape ()) or of a collection of ids (its shape).

    Raises
    ------
    UnknownIdError
        For the first id that is unknown; the message begins with `what` and names the closest ones.
    """
    if is_one(values):
        value = values.item() if isinstance(values, np.ndarray) else values
        return np.array(ids.row(value, what), dtype=np.int32)
    array = _as_array(values)
    rows = ids.rows(array.ravel())
    check_known(ids, array.ravel(), rows, what)
    return rows.reshape(array.shape)


def check_known(ids: Ids, values: Any, rows: npt.NDArray[np.int32], what: str) -> None:
    """Raise for the first of `values` that has no row."""
    unknown = np.flatnonzero(rows < 0)
    if len(unknown) == 0:
        return
    value = values[int(unknown[0])]
    ids.row(value.item() if isinstance(value, np.generic) else value, what)


def _as_array(values: Any) -> npt.NDArray[Any]:
    """A collection of ids as an array in which every id keeps its own type."""
    if isinstance(values, np.ndarray):
        return values
    if hasattr(values, "to_numpy"):
        return np.asarray(values.to_numpy())
    return np.array(values if isinstance(values, (list, tuple)) else list(values), dtype=object)
