"""Columns of Python and NumPy values as the few kinds that a table of events takes."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import numpy.typing as npt

from ridgeback.data.labels import as_labels
from ridgeback.data.text import Text
from ridgeback.errors import DataError

TypedColumn = tuple[str, npt.NDArray[Any], npt.NDArray[Any] | None, npt.NDArray[np.uint8] | None]
"""("int" or "float", values, None, missing) or ("text", offsets, bytes, missing); missing: one flag a row, or None."""


def typed_column(values: Any, part: str, name: str) -> TypedColumn:
    """One column.

    Ids stay ints or text (dates and UUIDs become their text); other values become int64, float64 or, where they are of
    several kinds, their text, which is read like the cells of a file.

    Parameters
    ----------
    values : array, sequence, pandas Series or Text
        One element a row; None, NaN, NaT and pandas' NA are missing.
    part : str
        "user", "item", "rating", "weight", "timestamp" or "event".
    name : str
        What the caller calls the column.

    Raises
    ------
    DataError
        When ids are of a kind that cannot be kept.
    """
    if isinstance(values, Text):
        return "text", values.offsets, values.data, None
    if hasattr(values, "to_numpy"):
        values = values.to_numpy()
    if isinstance(values, np.ndarray):
        if values.ndim != 1:
            raise DataError(f"{name} must be one-dimensional, one element an interaction; got shape {values.shape}.")
        if values.dtype.kind not in "OUT":
            return _from_numbers(values, part, name)
        values = values.tolist()
    elif isinstance(values, (str, bytes, dict)) or not hasattr(values, "__len__"):
        raise DataError(f"{name} must be a list or an array, one element an interaction; got {type(values).__name__}.")
    return _from_objects(list(values), part, name)


def is_none(value: Any) -> bool:
    """None, and pandas' NA and NaT."""
    return value is None or type(value).__name__ in ("NAType", "NaTType")


def is_missing(value: Any) -> bool:
    """The same or NaN or NaT: no id."""
    return is_none(value) or bool(isinstance(value, (float, np.floating, np.datetime64)) and value != value)


def _from_numbers(array: npt.NDArray[Any], part: str, name: str) -> TypedColumn:
    """A column from an array of ints, floats, bools or datetimes."""
    is_id = part in ("user", "item")
    if array.dtype.kind == "M":
        flags = np.isnat(array)
        if is_id:
            return _spread(array, flags, name)
        if part == "timestamp":
            micros = array.astype("datetime64[us]").view(np.int64)
            return "int", np.ascontiguousarray(micros), None, flags.view(np.uint8) if flags.any() else None
    if is_id:
        return _of_labels(as_labels(array, name))
    if array.dtype.kind == "u" and array.dtype.itemsize == 8 and array.size and array.max() > np.uint64(2**63 - 1):
        return "float", np.ascontiguousarray(array, dtype=np.float64), None, None
    if array.dtype.kind in "iub":
        return "int", np.ascontiguousarray(array, dtype=np.int64), None, None
    if array.dtype.kind == "f":
        return "float", np.ascontiguousarray(array, dtype=np.float64), None, None
    raise DataError(f"{name} must be numbers or dates; got dtype {array.dtype}.")


def _from_objects(values: list[Any], part: str, name: str) -> TypedColumn:
    """A column from Python objects."""
    is_id = part in ("user", "item")
    flags = np.fromiter(map(is_missing if is_id else is_none, values), dtype=np.bool_, count=len(values))
    if part == "event":
        return _text([str(value) for value in values], flags)
    if is_id:
        return _spread(values, flags, name)
    kinds = {type(value) for value, missing in zip(values, flags.tolist(), strict=True) if not missing}
    has_flags = flags.view(np.uint8) if flags.any() else None
    if all(issubclass(kind, (int, np.integer, np.bool_)) for kind in kinds):
        try:
            return (
                "int",
                np.array([0 if m else int(v) for v, m in zip(values, flags, strict=True)], np.int64),
                None,
                has_flags,
            )
        except OverflowError:
            return _text([str(value) for value in values], flags)
    if part != "timestamp" and not any(issubclass(kind, (str, dt.date)) for kind in kinds):
        try:
            return (
                "float",
                np.array([np.nan if m else float(v) for v, m in zip(values, flags, strict=True)]),
                None,
                has_flags,
            )
        except (TypeError, ValueError, OverflowError):
            pass  # what is no number stays as its text, to be shown
    return _text([_spell(value) for value in values], flags)


def _spell(value: Any) -> str:
    """A value as a cell of a text file would hold it."""
    if isinstance(value, np.datetime64):
        return str(value.astype("datetime64[us]"))
    return str(value)


def _spread(values: Any, flags: npt.NDArray[np.bool_], name: str) -> TypedColumn:
    """Ids of which some are missing: the labels of the others, put in their places."""
    if not flags.any():
        return _of_labels(as_labels(values, name))
    rows = np.flatnonzero(~flags)
    known = values[rows] if isinstance(values, np.ndarray) else [values[row] for row in rows.tolist()]
    labels = as_labels(known, name) if len(rows) else np.zeros(0, dtype=np.int64)
    missing = flags.view(np.uint8)
    if isinstance(labels, Text):
        lengths = np.zeros(len(flags), dtype=np.int64)
        lengths[rows] = np.diff(labels.offsets)
        offsets = np.zeros(len(flags) + 1, dtype=np.int64)
        np.cumsum(lengths, out=offsets[1:])
        return "text", offsets, labels.data, missing
    numbers = np.zeros(len(flags), dtype=np.int64)
    numbers[rows] = labels
    return "int", numbers, None, missing


def _of_labels(labels: npt.NDArray[np.int64] | Text) -> TypedColumn:
    if isinstance(labels, Text):
        return "text", labels.offsets, labels.data, None
    return "int", labels, None, None


def _text(strings: list[str], flags: npt.NDArray[np.bool_]) -> TypedColumn:
    text = Text.from_strings(strings)
    return "text", text.offsets, text.data, flags.view(np.uint8) if flags.any() else None
