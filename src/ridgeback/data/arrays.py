"""Interactions from columns held in memory."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ridgeback.data.bad_rows import RowPlaces
from ridgeback.data.columns import ChosenColumns
from ridgeback.data.event_table import EventTable, ReadOptions
from ridgeback.data.interactions import Interactions
from ridgeback.data.typed import typed_column
from ridgeback.errors import DataError


def interactions_from_columns(
    values: Mapping[str, Any],
    columns: ChosenColumns,
    options: ReadOptions,
    source: str,
    report: Mapping[str, Any] | None = None,
) -> Interactions:
    """Read columns, one element a row.

    Parameters
    ----------
    values : mapping of part to array or sequence
        Columns of the same length, in the order of `columns`.
    columns : ChosenColumns
        What messages and the report call them.
    options : ReadOptions
        What to do about bad rows, duplicates and kinds of events.
    source : str
        What messages call the table.
    report : mapping, optional
        Further entries of the report.
    """
    table = EventTable(columns, options, RowPlaces(source))
    lengths = {columns.names[part]: len(column) for part, column in values.items() if hasattr(column, "__len__")}
    if len(set(lengths.values())) > 1:
        listed = ", ".join(f"{name} {length}" for name, length in lengths.items())
        raise DataError(f"columns differ in length: {listed}; one element of each per interaction is needed.")
    table.add_columns([typed_column(values[part], part, columns.names[part]) for part in columns.positions])
    return table.to_interactions(report or {}, may_be_empty=True)
