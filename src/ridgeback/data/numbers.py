"""Numbers and timestamps out of columns of Python and NumPy values."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import numpy.typing as npt

from ridgeback.errors import DataError

FLOAT32_MAX = float(np.finfo(np.float32).max)
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.timezone.utc)

Flags = npt.NDArray[np.bool_]


def as_float32(column: Any, name: str) -> tuple[npt.NDArray[np.float32], Flags]:
    """A column as float32, and which of its elements are no finite number in float32's range.

    Numbers written as text are read; None, NaN, infinities and anything else are flagged.
    """
    array = _one_dimensional(column, name)
    if array.dtype.kind not in "iufb":
        array = np.fromiter((_float_or_nan(value) for value in array.tolist()), dtype=np.float64, count=len(array))
    with np.errstate(over="ignore"):
        values = np.ascontiguousarray(array, dtype=np.float32)
    return values, ~np.isfinite(values)


def as_timestamps(column: Any, name: str) -> tuple[npt.NDArray[np.int64], Flags]:
    """A column as int64, and which of its elements are no point in time.

    Whole numbers stay as given; dates and datetimes become microseconds since 1970 UTC (without a zone they are taken
    as UTC).

    Raises
    ------
    DataError
        When numbers and dates are mixed, since they could not be compared.
    """
    array = _one_dimensional(column, name)
    if array.dtype.kind in "iu":
        return np.ascontiguousarray(array, dtype=np.int64), _exceeds_int64(array)
    if array.dtype.kind == "M":
        micros = array.astype("datetime64[us]")
        return np.ascontiguousarray(micros.view(np.int64)), np.isnat(micros)
    if array.dtype.kind == "f":
        is_bad = ~(np.isfinite(array) & (np.abs(array) < 2.0**63) & (np.trunc(array) == array))
        return np.where(is_bad, 0, array).astype(np.int64), is_bad
    return _timestamps_of_objects(array, name)


def micros_of(moment: dt.date) -> int:
    """Microseconds since 1970 UTC; without a zone the moment is taken as UTC."""
    if not isinstance(moment, dt.datetime):
        moment = dt.datetime(moment.year, moment.month, moment.day)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=dt.timezone.utc)
    return (moment - _EPOCH) // dt.timedelta(microseconds=1)


def _one_dimensional(column: Any, name: str) -> npt.NDArray[Any]:
    """The column as an array of one dimension."""
    if hasattr(column, "to_numpy"):
        column = column.to_numpy()
    array = np.asarray(column)
    if array.dtype.kind == "U" and not isinstance(column, np.ndarray):  # mixed lists would all become text
        array = np.array(column, dtype=object)
    if array.ndim != 1:
        raise DataError(f"{name} must be one-dimensional, one element an interaction; got shape {array.shape}.")
    return array


def _float_or_nan(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        return float("nan")


def _exceeds_int64(array: npt.NDArray[Any]) -> Flags:
    if array.dtype.kind == "u" and array.dtype.itemsize == 8:
        return np.asarray(array > np.uint64(2**63 - 1))
    return np.zeros(len(array), dtype=np.bool_)


def _timestamps_of_objects(array: npt.NDArray[Any], name: str) -> tuple[npt.NDArray[np.int64], Flags]:
    """Element by element: Python dates, whole numbers, text of either."""
    times = np.zeros(len(array), dtype=np.int64)
    is_bad = np.zeros(len(array), dtype=np.bool_)
    first_of_kind: dict[str, int] = {}
    for row, value in enumerate(array.tolist()):
        read = _timestamp(value)
        if read is None:
            is_bad[row] = True
            continue
        kind, times[row] = read
        first_of_kind.setdefault(kind, row)
    if len(first_of_kind) == 2:
        number, date = first_of_kind["number"], first_of_kind["date"]
        raise DataError(
            f"{name} mixes numbers and dates, which cannot be compared: row {number} is {array[number]!r}, "
            f"row {date} is {array[date]!r}; convert the column to one of them."
        )
    return times, is_bad


def _timestamp(value: Any) -> tuple[str, int] | None:
    """("number" or "date", int64) of one value, or None when it is no point in time."""
    if isinstance(value, str):
        text = value.strip()
        try:
            value = int(text)
        except ValueError:
            try:
                value = dt.datetime.fromisoformat(text[:-1] + "+00:00" if text.endswith(("Z", "z")) else text)
            except ValueError:
                return None
    if isinstance(value, np.datetime64):
        return None if np.isnat(value) else ("date", int(value.astype("datetime64[us]").astype(np.int64)))
    if isinstance(value, dt.date):
        return None if value != value else ("date", micros_of(value))
    if isinstance(value, (bool, np.bool_)):
        return None
    try:
        number = int(value)
        return ("number", number) if number == value and -(2**63) <= number < 2**63 else None
    except (TypeError, ValueError, OverflowError):
        return None
