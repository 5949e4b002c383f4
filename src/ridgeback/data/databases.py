"""Interactions from a query on any DB-API connection."""

from __future__ import annotations

from contextlib import closing
from typing import Any

from ridgeback.data.bad_rows import RowPlaces
from ridgeback.data.columns import ColumnRequest, choose_columns
from ridgeback.data.event_table import EventTable, ReadOptions
from ridgeback.data.interactions import Interactions
from ridgeback.data.typed import typed_column
from ridgeback.errors import DataError, ParameterError

_BLOCK_ROWS = 50_000


def read_connection(query: str, connection: Any, request: ColumnRequest, options: ReadOptions) -> Interactions:
    """Run the query and read its rows in blocks.

    Raises
    ------
    ParameterError
        When the connection has no `cursor()`.
    DataError
        When the query fails, returns no rows, or a column of ids holds both ints and text.
    """
    if not callable(getattr(connection, "cursor", None)):
        raise ParameterError(
            "The 'connection' parameter must be a DB-API connection, such as sqlite3.connect(path); "
            f"{type(connection).__name__} has no cursor(). With SQLAlchemy pass connection.connection."
        )
    with closing(connection.cursor()) as cursor:
        try:
            cursor.execute(query)
        except Exception as error:  # each driver has its own classes
            raise DataError(f"the query failed: {type(error).__name__}: {error}") from error
        if cursor.description is None:
            raise DataError("the query returns no rows; it must be a SELECT.")
        names = [str(column[0]) for column in cursor.description]
        columns = choose_columns(request.asked(), ("user", "item"), names, len(names), "query")
        table = EventTable(columns, options, RowPlaces("query"))
        _fill(table, cursor)
    return table.to_interactions({"format": "database", "query": query})


def _fill(table: EventTable, cursor: Any) -> None:
    """All rows of the cursor, block by block."""
    parts = list(table.columns.positions.items())
    kinds: dict[str, str] = {}
    n_rows = 0
    while rows := cursor.fetchmany(_BLOCK_ROWS):
        typed = []
        for part, position in parts:
            name = table.columns.names[part]
            column = typed_column([row[position] for row in rows], part, name)
            if part in ("user", "item") and (column[3] is None or not column[3].all()):
                first = kinds.setdefault(part, column[0])
                if first != column[0]:
                    raise DataError(
                        f"query: {name} holds both ints and text: rows from {n_rows} on are {column[0]}, those before "
                        f"{first}; convert it in the query, e.g. cast({name} as text)."
                    )
            typed.append(column)
        table.add_columns(typed)
        n_rows += len(rows)
