"""From whatever a caller holds ids in to one of two forms: int64 numbers or text."""

from __future__ import annotations

import datetime
import uuid
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ridgeback.data.text import Text
from ridgeback.errors import DataError

Labels = npt.NDArray[np.int64] | Text
"""Ids as they are stored: 64-bit ints, or text."""

INT64 = np.iinfo(np.int64)
_MISSING = ("NoneType", "NaT", "NaTType", "NAType")


def as_labels(values: Any, name: str = "ids") -> Labels:
    """Ids as int64 numbers or as text, whichever they are.

    Parameters
    ----------
    values : array-like, Text, or any sequence
        Ints, strings, dates, date-times or UUIDs; one kind only. Dates and UUIDs become their text.
    name : str
        What the caller calls them, for the message.

    Raises
    ------
    DataError
        If a value is missing, a float, a bool, bytes, beyond 64 bits, or of another kind than the first.
    """
    if isinstance(values, Text):
        return values
    if isinstance(values, (list, tuple)):
        return _from_objects(values, name)
    if isinstance(values, (str, bytes, dict)) or not isinstance(values, Iterable):
        raise DataError(
            f"{name} must be a sequence of ids, such as a list or an array; got {type(values).__name__} ({values!r}); "
            "put a single id into a list."
        )
    array = _as_array(values)
    if array is None:
        return _from_objects(list(values), name)
    if array.ndim != 1:
        raise DataError(f"{name} must be one-dimensional; got shape {array.shape}.")
    return _from_array(array, name)


def as_label(value: Any) -> int | str | None:
    """One id as an int or a string; None where it cannot be an id."""
    if isinstance(value, str):
        return str(value)
    kind = _kind_of_type(type(value))
    if kind == "int":
        return int(value)
    if kind in ("date", "UUID"):
        return _spell(value)
    return None


def canonical_int(text: str) -> int | None:
    """The 64-bit int that this is the canonical decimal of: no sign for zero, no leading zeros, no spaces."""
    digits = text[1:] if text.startswith("-") else text
    if not (digits.isascii() and digits.isdigit()) or len(digits) > 19:
        return None
    number = int(text)
    return number if str(number) == text and INT64.min <= number <= INT64.max else None


def _as_array(values: Any) -> npt.NDArray[Any] | None:
    """The NumPy array of an array-like, or None for an iterable that is none."""
    if isinstance(values, np.ndarray):
        return values
    if hasattr(values, "to_numpy"):
        return np.asarray(values.to_numpy())
    return np.asarray(values) if hasattr(values, "__array__") else None


def _from_array(array: npt.NDArray[Any], name: str) -> Labels:
    """Labels from an array, by its dtype."""
    kind = array.dtype.kind
    if kind == "i":
        return np.ascontiguousarray(array, np.int64)
    if kind == "u":
        beyond = np.flatnonzero(array > INT64.max)
        if len(beyond):
            raise _beyond_64_bits(array[beyond[0]], int(beyond[0]), name)
        return np.ascontiguousarray(array, np.int64)
    if kind == "M":
        return _from_datetimes(array, name)
    if kind in "OUT":  # objects, fixed-width strings, variable-width strings
        return _from_objects(array.tolist(), name)
    place = int(np.argmax(np.isnan(array))) if kind == "f" and len(array) else 0
    raise DataError(_refusal(array.dtype.name, array[place] if len(array) else None, place, name))


def _from_datetimes(array: npt.NDArray[np.datetime64], name: str) -> Text:
    """Dates as 2026-01-31, date-times as 2026-01-31 12:30:00, with the fraction only where there is one."""
    missing = np.flatnonzero(np.isnat(array))
    if len(missing):
        raise DataError(_refusal("NaT", None, int(missing[0]), name))
    return Text.from_strings([_trim(text) for text in np.datetime_as_string(array).tolist()])


def _from_objects(values: Sequence[Any], name: str) -> Labels:
    """Labels from Python objects of one kind."""
    kinds = {_kind_of_type(cls) for cls in set(map(type, values))}
    if kinds <= {"text"}:
        return Text.from_strings(values)
    if kinds == {"int"}:
        try:
            return np.fromiter(values, np.int64, len(values))
        except OverflowError:
            place = next(i for i, v in enumerate(values) if not INT64.min <= int(v) <= INT64.max)
            raise _beyond_64_bits(values[place], place, name) from None
    if kinds == {"date"} or kinds == {"UUID"}:
        spelled = [_spell(value) for value in values]
        if "NaT" in spelled:
            raise DataError(_refusal("NaT", None, spelled.index("NaT"), name))
        return Text.from_strings(spelled)
    raise _objection(values, name)


def _kind_of_type(cls: type) -> str | None:
    """int, text, date, UUID, or None for what cannot be an id."""
    if issubclass(cls, (bool, np.bool_, np.timedelta64)):
        return None
    if issubclass(cls, str):
        return "text"
    if issubclass(cls, (int, np.integer)):
        return "int"
    if issubclass(cls, (datetime.date, np.datetime64)) and cls.__name__ not in _MISSING:
        return "date"
    return "UUID" if issubclass(cls, uuid.UUID) else None


def _spell(value: Any) -> str:
    """The text of a date, a date-time or a UUID."""
    if isinstance(value, np.datetime64):
        return _trim(str(np.datetime_as_string(value)))
    return _trim(str(value)) if isinstance(value, datetime.datetime) and value.tzinfo is None else str(value)


def _trim(moment: str) -> str:
    """A date-time with a space in the middle and no zeros at the end of its fraction."""
    moment = moment if moment == "NaT" else moment.replace("T", " ")
    return moment.rstrip("0").rstrip(".") if "." in moment else moment


def _objection(values: Sequence[Any], name: str) -> DataError:
    """What is wrong with the first value that does not belong."""
    first = _kind_of_type(type(values[0]))
    for place, value in enumerate(values):
        kind = _kind_of_type(type(value))
        if kind is None:
            return DataError(_refusal(type(value).__name__, value, place, name))
        if kind != first:
            return DataError(
                f"{name} must be of one kind; got {first} at position 0 ({values[0]!r}) and {kind} at position {place} "
                f"({value!r}); convert all of them to text, for example with str()."
            )
    raise AssertionError("no objection")  # pragma: no cover


def _refusal(type_name: str, value: Any, place: int, name: str) -> str:
    """Why a type cannot be an id, and what to do."""
    where = f" at position {place}" if value is not None or type_name in _MISSING else ""
    shown = "" if value is None else f" ({value!r})"
    accepted = f"{name} must be ints, text, dates or UUIDs; got {type_name}{shown}{where}"
    if type_name in _MISSING or (isinstance(value, (float, np.floating)) and np.isnan(value)):
        return f"{name} must not be missing; got {type_name}{where}; leave such rows out."
    if type_name.startswith("float"):
        return f"{accepted}; if these are whole numbers convert them with .astype('int64'), else with .astype(str)."
    if type_name.startswith("bytes"):
        return f"{accepted}; decode them, for example with .decode('utf-8')."
    return f"{accepted}; convert them to text with str()."


def _beyond_64_bits(value: Any, place: int, name: str) -> DataError:
    """The error for an int that int64 cannot hold."""
    return DataError(
        f"{name} that are ints must fit 64 bits ({INT64.min} to {INT64.max}); got {value} at position {place}; "
        "convert all of them to text, for example with str()."
    )
