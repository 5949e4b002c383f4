"""Typed tables by way of DuckDB: Parquet, a query over files, and any Arrow stream.

DuckDB hands its rows on as an Arrow stream while it reads, so that no more than some batches are in memory.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ridgeback.data.bad_rows import RowPlaces
from ridgeback.data.columns import ChosenColumns, ColumnRequest, choose_columns
from ridgeback.data.event_table import AS_CELLS, AS_TEXT, TAGGED, EventTable, ReadOptions
from ridgeback.data.interactions import Interactions
from ridgeback.data.titles import Titles
from ridgeback.errors import DataError

if TYPE_CHECKING:
    import duckdb

_SMALL_INTS = {"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER"}
_BIG_INTS = {"UBIGINT", "HUGEINT", "UHUGEINT"}
_FLOATS = {"FLOAT", "DOUBLE"}


@contextmanager
def database() -> Iterator[duckdb.DuckDBPyConnection]:
    """A database in memory that neither fetches extensions nor looks at the caller's variables."""
    import duckdb

    with duckdb.connect(":memory:") as connection:
        connection.execute("SET autoinstall_known_extensions = false")
        connection.execute("SET python_enable_replacements = false")
        connection.execute("SET enable_progress_bar = false")
        connection.execute("SET TimeZone = 'UTC'") if _has_time_zones(connection) else None
        yield connection


def read_parquet(path: Path, request: ColumnRequest, options: ReadOptions) -> Interactions:
    """Interactions from a Parquet file."""
    with database() as connection:
        relation = run(lambda: connection.read_parquet(literal_path(path)), str(path))
        return interactions_of(relation, request, options, RowPlaces(str(path)), {"format": "parquet"})


def read_query(query: str, request: ColumnRequest, options: ReadOptions) -> Interactions:
    """Interactions from what a query over files returns."""
    with database() as connection:
        relation = run(lambda: connection.sql(query), "the query")
        if relation is None:
            raise DataError("the query returns no rows; it must be a SELECT.")
        return interactions_of(relation, request, options, RowPlaces("query"), {"format": "query", "query": query})


def read_stream(frame: Any, request: ColumnRequest, options: ReadOptions, source: str) -> Interactions:
    """Interactions from an object that offers `__arrow_c_stream__`."""
    with database() as connection:
        run(lambda: connection.register("ridgeback_frame", _StreamOnly(frame)), source)
        relation = run(lambda: connection.table("ridgeback_frame"), source)
        return interactions_of(relation, request, options, RowPlaces(source), {"format": "frame"})


def read_parquet_titles(path: Path, asked: dict[str, str | int | None]) -> Titles:
    """Titles from a Parquet file."""
    with database() as connection:
        relation = run(lambda: connection.read_parquet(literal_path(path)), str(path))
        return titles_of(relation, asked, RowPlaces(str(path)))


def interactions_of(
    relation: duckdb.DuckDBPyRelation,
    request: ColumnRequest,
    options: ReadOptions,
    places: RowPlaces,
    report: dict[str, Any],
) -> Interactions:
    """Read the columns of events from a relation."""
    columns = choose_columns(request.asked(), ("user", "item"), relation.columns, len(relation.columns), places.source)
    return _fill(relation, columns, options, places).to_interactions(report)


def titles_of(relation: duckdb.DuckDBPyRelation, asked: dict[str, str | int | None], places: RowPlaces) -> Titles:
    """Read the columns of titles from a relation."""
    columns = choose_columns(dict(asked), ("item", "title"), relation.columns, len(relation.columns), places.source)
    return _fill(relation, columns, ReadOptions(), places).to_titles()


def _fill(relation: Any, columns: ChosenColumns, options: ReadOptions, places: RowPlaces) -> EventTable:
    """A table with all rows of the relation."""
    types = [str(kind) for kind in relation.types]
    styles: dict[str, int] = {}
    expressions: list[str] = []
    for part, position in columns.positions.items():
        quoted = '"' + relation.columns[position].replace('"', '""') + '"'
        expression, styles[part] = _expression(part, quoted, types[position], columns.names[part], places.source)
        expressions.append(f"{expression} AS c{len(expressions)}")
    table = EventTable(columns, options, places, styles)
    projected = run(lambda: relation.project(", ".join(expressions)), places.source)
    run(lambda: table.add_stream(projected.__arrow_c_stream__()), places.source)
    return table


def _expression(part: str, column: str, kind: str, name: str, source: str) -> tuple[str, int]:
    """What to select for a part, as int64, float64 or text, and how ids that are text are meant."""
    kind = kind.upper()
    is_whole_decimal = kind.startswith("DECIMAL") and kind.endswith(",0)")
    is_date = kind == "DATE" or kind.startswith("TIMESTAMP")
    as_text = f"CAST({column} AS VARCHAR)"
    if kind == "JSON":
        return _json_expression(part, column)
    if kind == "VARCHAR" or kind.startswith("ENUM"):
        return as_text, AS_TEXT
    if part in ("event", "title"):
        return as_text, AS_TEXT
    if part in ("user", "item"):
        if kind in _SMALL_INTS or kind == '"NULL"':
            return f"CAST({column} AS BIGINT)", AS_TEXT
        if kind in _BIG_INTS or is_whole_decimal:
            return as_text, AS_CELLS
        if kind == "TIMESTAMP WITH TIME ZONE":
            return f"CAST({column} AT TIME ZONE 'UTC' AS VARCHAR) || '+00:00'", AS_TEXT
        if is_date or kind == "UUID":
            return as_text, AS_TEXT
        advice = (
            f"cast({name} as bigint)" if kind in _FLOATS or kind.startswith("DECIMAL") else f"cast({name} as varchar)"
        )
        raise DataError(
            f"{source}: {name} is of type {kind}, but ids must be ints, text, dates or UUIDs; "
            f"convert the column, in SQL with {advice}."
        )
    if part == "timestamp":
        if is_date:
            moment = f"CAST({column} AS TIMESTAMP)" if kind in ("DATE", "TIMESTAMP_NS") else column
            return f"CASE WHEN isfinite({moment}) THEN epoch_us({moment}) END", AS_TEXT
        if kind in _SMALL_INTS or kind == '"NULL"':
            return f"CAST({column} AS BIGINT)", AS_TEXT
        if kind in _BIG_INTS or is_whole_decimal:
            return as_text, AS_TEXT
    if kind in _SMALL_INTS | _BIG_INTS | _FLOATS | {"BOOLEAN", '"NULL"'} or kind.startswith("DECIMAL"):
        return f"CAST({column} AS DOUBLE)", AS_TEXT
    wanted = "numbers or dates" if part == "timestamp" else "numbers"
    raise DataError(
        f"{source}: {name} is of type {kind}, but the {part} column must hold {wanted}; pick another column."
    )


def _json_expression(part: str, column: str) -> tuple[str, int]:
    """JSON keeps numbers and strings apart: an id gets a letter in front that says which it was."""
    text = f"({column} ->> '$')"
    if part not in ("user", "item"):
        return f"CASE WHEN json_type({column}) <> 'NULL' THEN {text} END", AS_TEXT
    tagged = (
        f"CASE json_type({column}) WHEN 'NULL' THEN NULL WHEN 'VARCHAR' THEN 's' || {text} "
        f"WHEN 'UBIGINT' THEN 'i' || {text} WHEN 'BIGINT' THEN 'i' || {text} "
        f"ELSE if(regexp_full_match({text}, '-?[0-9]+'), 'i', 'x') || {text} END"
    )
    return tagged, TAGGED


class _StreamOnly:
    """A frame without anything but its Arrow stream, so that DuckDB needs no further package for it."""

    def __init__(self, frame: Any) -> None:
        self._frame = frame

    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
        return self._frame.__arrow_c_stream__(requested_schema)


def _has_time_zones(connection: Any) -> bool:
    """Whether the extension that knows time zones is part of this build."""
    found = connection.execute("SELECT loaded FROM duckdb_extensions() WHERE extension_name = 'icu'").fetchone()
    return bool(found and found[0])


def run(action: Any, source: str) -> Any:
    """Do it; what the database complains of becomes DataError."""
    import duckdb

    try:
        return action()
    except duckdb.InterruptException as error:
        raise KeyboardInterrupt from error
    except duckdb.Error as error:
        raise DataError(f"cannot read {source}: {_first_lines(str(error))}") from error
    except RuntimeError as error:  # met while the rows stream in
        if "interrupted" in str(error).lower():
            raise KeyboardInterrupt from error
        raise DataError(f"cannot read {source}: {_first_lines(str(error))}") from error


def _first_lines(message: str, n_lines: int = 4) -> str:
    return " ".join(line.strip() for line in message.splitlines() if line.strip())[: n_lines * 120]


def literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def literal_path(path: Path) -> str:
    """The path with the characters escaped that would make it a pattern."""
    return "".join(f"[{c}]" if c in "[*?" else c for c in str(path))
