"""Attributes of users or items as a sparse table: one-hot categories, standardised numbers.

Categories become a table a column, each value a vector that its rows share; all numbers together are one table, each
number less its mean and over its standard deviation.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from typing import Any

import numpy as np

from ridgeback.data.csr import Csr
from ridgeback.data.ids import Ids
from ridgeback.errors import DataError
from ridgeback.solvers.shared_vectors import SharedTable

_COLLECTIONS = (list, tuple, set, frozenset, np.ndarray)


def attribute_tables(attributes: Any, ids: Ids, name: str) -> list[SharedTable]:
    """The attributes of the rows of an id table.

    Parameters
    ----------
    attributes : mapping id -> values, frame, or path of a CSV file
        Values: one value, a tuple or list of them (a column each), or a mapping name -> value. Of a frame or file the
        first column holds the ids. A value is a number, a category (text, bool), or a set of categories.
    ids : Ids
    name : str
        The parameter, for messages.

    Returns
    -------
    list of SharedTable

    Raises
    ------
    DataError
        If there is nothing to learn from, ids come twice, or a column mixes numbers and text or holds an infinite one.

    Notes
    -----
    Ids that `ids` does not have are passed over, and a row without attributes, like a missing value (None, NaN, empty
    text), shares nothing. A column of one value only says nothing and is left out.
    """
    keys, columns = _read(attributes, name)
    if not keys or not columns:
        raise DataError(f"{name} is empty: give at least one id with a value, or leave it out.")
    rows = ids.match(Ids.from_sequence(keys, name))
    if (rows < 0).all():
        raise DataError(
            f"{name} knows none of the {len(ids)} ids of the data: it has {keys[0]!r}, the data {ids[0]!r}. Its first "
            "column, or its keys, must be the ids."
        )
    numbers: list[tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]] = []
    tables = []
    for column, values in columns.items():
        known = [(int(row), value) for row, value in zip(rows, values, strict=True) if row >= 0 and _is_there(value)]
        if known and all(_is_number(value) for _, value in known):
            numbers += _standardised(known, f"{name}: column {column!r}")
        elif known:
            tables += _one_hot(known, len(ids), f"{name}: column {column!r}")
    if numbers:
        places = np.concatenate([np.full(len(r), c, dtype=np.int32) for c, (r, _) in enumerate(numbers)])
        at, scaled = np.concatenate([r for r, _ in numbers]), np.concatenate([v for _, v in numbers])
        tables.append(_table(at, places, scaled, (len(ids), len(numbers))))
    if not tables:
        raise DataError(f"{name} has no column of more than one value: nothing can be learned from it. Leave it out.")
    return tables


def _read(attributes: Any, name: str) -> tuple[list[Any], dict[str, list[Any]]]:
    """Ids, and each column's values in their order."""
    if isinstance(attributes, (str, os.PathLike)):
        return _frame(_file(attributes, name), name)
    if isinstance(attributes, Mapping):
        return _mapping(attributes, name)
    if hasattr(attributes, "columns"):
        return _frame(attributes, name)
    raise DataError(
        f"{name} must be a mapping id -> values, a frame of pandas, polars or pyarrow whose first column holds the "
        f"ids, or the path of a CSV file; got {type(attributes).__name__}."
    )


def _mapping(attributes: Mapping[Any, Any], name: str) -> tuple[list[Any], dict[str, list[Any]]]:
    keys, parts = list(attributes), [_named(values) for values in attributes.values()]
    columns: dict[str, list[Any]] = {column: [] for part in parts for column in part}
    lengths = {len(part) for values, part in zip(attributes.values(), parts, strict=True) if _is_row(values)}
    if len(lengths) > 1:
        raise DataError(
            f"{name}: values of different length, {min(lengths)} and {max(lengths)}: a list is one value a column. "
            "Use a mapping name -> value for what not all have, or a set for several categories."
        )
    for part in parts:
        for column, values in columns.items():
            values.append(part.get(column))
    return keys, columns


def _is_row(values: Any) -> bool:
    return isinstance(values, (list, tuple, np.ndarray))


def _named(values: Any) -> dict[str, Any]:
    """One id's values by column."""
    if isinstance(values, Mapping):
        return {str(column): value for column, value in values.items()}
    return {str(place): value for place, value in enumerate(values if _is_row(values) else [values])}


def _frame(frame: Any, name: str) -> tuple[list[Any], dict[str, list[Any]]]:
    labels = list(getattr(frame, "column_names", frame.columns))
    if len(labels) < 2:
        raise DataError(f"{name} needs a column of ids and one of values at least; it has {len(labels)} columns.")
    columns = {str(label): _as_list(frame[label]) for label in labels[1:]}
    return _as_list(frame[labels[0]]), columns


def _as_list(column: Any) -> list[Any]:
    for method in ("to_pylist", "to_list", "tolist"):
        if hasattr(column, method):
            return list(getattr(column, method)())
    return list(column)


def _file(path: Any, name: str) -> Any:
    """A CSV file's columns, ids as text."""
    import duckdb

    try:
        with duckdb.connect() as connection:
            found = connection.execute("SELECT * FROM read_csv(?, header = true)", [os.fsdecode(path)])
            labels = [part[0] for part in found.description or []]
            rows = found.fetchall()
    except duckdb.Error as error:
        raise DataError(f"{name}: {os.fsdecode(path)} cannot be read as CSV: {error}") from None
    return _Columns({label: [row[place] for row in rows] for place, label in enumerate(labels)})


class _Columns(dict[str, list[Any]]):
    """Columns by name, as a frame shows them."""

    @property
    def columns(self) -> list[str]:
        return list(self)


def _is_there(value: Any) -> bool:
    if isinstance(value, _COLLECTIONS):
        return len(value) > 0
    return value is not None and value != "" and not (isinstance(value, (float, np.floating)) and math.isnan(value))


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, (bool, np.bool_))


def _standardised(known: list[tuple[int, Any]], what: str) -> list[tuple[Any, Any]]:
    """Rows and standardised values of a column of numbers; nothing where all are equal."""
    rows = np.array([row for row, _ in known], dtype=np.int32)
    values = np.array([float(value) for _, value in known])
    if not np.isfinite(values).all():
        raise DataError(f"{what} holds an infinite number; give a finite one, or None where it is missing.")
    largest = float(np.abs(values).max())
    values = values / largest if largest > 0 else values  # squares of large numbers would overflow
    deviation = values.std()
    if deviation <= 1e-12:
        return []
    return [(rows, (values - values.mean()) / deviation)]


def _one_hot(known: list[tuple[int, Any]], n_rows: int, what: str) -> list[SharedTable]:
    """A vector a category; of several categories each counts 1 / sqrt(how many). Nothing where there is but one."""
    rows, members, weights = [], [], []
    for row, value in known:
        several = list(dict.fromkeys(value)) if isinstance(value, _COLLECTIONS) else [value]
        several = [one for one in several if _is_there(one)]
        if any(_is_number(one) for one in several):
            raise DataError(
                f"{what} mixes numbers and text, such as {several[0]!r}; make it all of one kind (str(...) makes a "
                "number a category), or None where it is missing."
            )
        rows += [row] * len(several)
        members += [str(one) for one in several]
        weights += [1 / math.sqrt(len(several))] * len(several)
    names, places = np.unique(np.array(members, dtype=object), return_inverse=True)
    if len(names) < 2 and len(set(rows)) == n_rows:
        return []
    return [_table(np.array(rows), places, np.array(weights), (n_rows, len(names)))]


def _table(rows: Any, columns: Any, values: Any, shape: tuple[int, int]) -> SharedTable:
    matrix = Csr.from_pairs(
        np.asarray(rows, dtype=np.int32), np.asarray(columns, dtype=np.int32), values.astype(np.float32), shape
    )
    return SharedTable(matrix, matrix.transpose())
