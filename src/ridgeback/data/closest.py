"""The known ids that look most like an unknown one: a search of bounded cost, for error messages."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ridgeback import _native
from ridgeback.data.labels import INT64, Labels
from ridgeback.data.text import Text

_MAX_COMPARED = 1_000_000
"""Ids looked at, at most: some 50 ms."""


def closest_rows(values: Labels, label: int | str, n: int, is_sorted: bool) -> list[int]:
    """Rows of up to n ids, nearest first: ints by their difference, text by its edit distance.

    Parameters
    ----------
    values : ndarray of int64, or Text
        The ids.
    label : int or str
        The unknown one; converted where the ids are of the other type.
    n : int
    is_sorted : bool
        Whether the ids ascend. Then the search looks at the ids around the place of the unknown one, else at the
        first million.
    """
    if isinstance(values, Text):
        return _closest_text(values, str(label), n, is_sorted)
    number = label if isinstance(label, int) else _leading_int(label)
    return [] if number is None else _closest_ints(values, number, n, is_sorted)


def _closest_text(values: Text, text: str, n: int, is_sorted: bool) -> list[int]:
    """Rows of the ids with the smallest edit distance, at most half the length of the text."""
    begin, end = 0, min(len(values), _MAX_COMPARED)
    if len(values) > _MAX_COMPARED and is_sorted:
        begin = min(max(_place(values, text) - _MAX_COMPARED // 2, 0), len(values) - _MAX_COMPARED)
        end = begin + _MAX_COMPARED
    query = np.frombuffer(text.encode("utf-8", "surrogatepass"), np.uint8)
    rows: list[int] = _native.closest_text(values.offsets, values.data, begin, end, query, n).tolist()
    return rows


def _closest_ints(values: npt.NDArray[np.int64], number: int, n: int, is_sorted: bool) -> list[int]:
    """Rows of the nearest numbers."""
    wanted = min(max(number, INT64.min), INT64.max)
    if is_sorted:
        place = int(np.searchsorted(values, np.int64(wanted)))
        near = list(range(max(place - n, 0), min(place + n, len(values))))
    else:
        distances = np.abs(values[:_MAX_COMPARED].astype(np.float64) - float(wanted))
        near = np.argpartition(distances, min(n, len(distances) - 1))[: n + 1].tolist() if len(distances) else []
    return sorted(near, key=lambda row: abs(int(values[row]) - number))[:n]


def _leading_int(text: str) -> int | None:
    """The number that a text begins with, however it is spelled."""
    words = text.split()
    try:
        return int(words[0][:40]) if words else None
    except ValueError:
        return None


def _place(values: Text, text: str) -> int:
    """Where in an ascending text this one would stand."""
    wanted = text.encode("utf-8", "surrogatepass")
    low, high = 0, len(values)
    while low < high:
        middle = (low + high) // 2
        raw = values.data[values.offsets[middle] : values.offsets[middle + 1]].tobytes()
        low, high = (middle + 1, high) if raw < wanted else (low, middle)
    return low
