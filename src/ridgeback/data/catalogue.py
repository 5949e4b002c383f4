"""A condition in SQL over the file of titles: which items it names."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from ridgeback.data.byte_source import existing_file, utf8_blocks
from ridgeback.data.columns import Column, choose_columns
from ridgeback.data.dialect import find_dialect
from ridgeback.data.ids import Ids
from ridgeback.data.labels import canonical_int
from ridgeback.errors import DataError

if TYPE_CHECKING:
    import duckdb

_HEAD_BYTES = 2**16
_QUOTE = '"'
_SPELLING = "ridgeback_item_as_spelt"
_TABLES = {".parquet": "read_parquet", ".jsonl": "read_json", ".ndjson": "read_json", ".json": "read_json"}


def items_where(
    path: str | os.PathLike[str],
    condition: str,
    item: Column = None,
    separator: str | None = None,
    header: bool | None = None,
    encoding: str = "utf-8",
) -> Ids:
    """Return the items whose row in a file of titles fulfils a condition.

    Parameters
    ----------
    path : path
        A file as `read_titles` takes it; every column of it can be asked about.
    condition : str
        An SQL expression over the columns, such as ``"genres like '%Drama%' and year > 2000"``; without a header they
        are called column0, column1 and so on. It sees this table and nothing else: no other file, no network.
    item, separator, header, encoding
        As in `read_titles`.

    Returns
    -------
    Ids
        Ascending; empty where no row fulfils the condition.

    Raises
    ------
    DataError
        When the file cannot be read, or the condition is not an expression over its columns.
    """
    import duckdb

    source = existing_file(path)
    with duckdb.connect(":memory:") as connection:
        try:
            columns = _load(connection, source, item, separator, header, encoding)
        except duckdb.Error as error:
            raise DataError(f"{path} cannot be read as a table: {_first_line(error)}.") from error
        connection.execute("SET enable_external_access = false")
        connection.execute("SET lock_configuration = true")
        table = connection.table("catalogue")
        try:
            values = table.filter(condition).project(_SPELLING).filter(f"{_SPELLING} IS NOT NULL").fetchnumpy()
        except duckdb.Error as error:
            raise DataError(
                f"the condition {condition!r} cannot be used: {_first_line(error)}. "
                f"The columns are {', '.join(columns)}."
            ) from error
    return Ids.factorize(_as_ints(values[_SPELLING].tolist()))[1]


def _load(
    connection: duckdb.DuckDBPyConnection,
    path: Path,
    item: Column,
    separator: str | None,
    header: bool | None,
    encoding: str,
) -> list[str]:
    """Load the file as the table ``catalogue``: columns with types, and the ids as spelt; returns the columns."""
    reader = _TABLES.get(path.suffix.lower())
    if reader is not None:
        exact = "".join(f"[{c}]" if c in "[*?" else c for c in str(path))  # a name is no pattern
        reading = f"{reader}({_literal(exact)})"
        return _create(connection, reading, reading, item, True, path)
    with tempfile.TemporaryDirectory(prefix="ridgeback-") as folder:
        copy = Path(folder, "catalogue.txt")  # in UTF-8, whatever the file is in
        head = b""
        with copy.open("wb") as file:
            for block in utf8_blocks(path, encoding):
                head = head or block[:_HEAD_BYTES]
                file.write(block)
        wants_names = isinstance(item, str) and not item.isdecimal()
        is_whole = len(head) == copy.stat().st_size
        dialect = find_dialect(head, str(path), separator, header, wants_names, is_whole)
        settings = f"{_literal(copy)}, delim = {_literal(dialect.separator)}, header = {dialect.has_header}"
        settings += f", quote = {_literal(_QUOTE if dialect.has_quotes else '')}"
        typed, spelt = (f"read_csv({settings}, {more})" for more in ("sample_size = -1", "all_varchar = true"))
        return _create(connection, typed, spelt, item, dialect.has_header, path)


def _create(
    connection: duckdb.DuckDBPyConnection, typed: str, spelt: str, item: Column, has_header: bool, path: Path
) -> list[str]:
    """The table from two readings of one file: `typed` knows the types, `spelt` has the ids as they stand there."""
    described = connection.execute(f"DESCRIBE SELECT * FROM {typed}").fetchall()
    columns = [str(row[0]) for row in described]
    names = columns if has_header else None
    place = choose_columns({"item": item}, ("item",), names, len(columns), str(path)).positions["item"]
    casts = ", ".join(f"CAST({_quoted(row[0])} AS {row[1]}) AS {_quoted(row[0])}" for row in described)
    spelling = f"CAST({_quoted(columns[place])} AS VARCHAR) AS {_SPELLING}"
    connection.execute(f"CREATE TABLE catalogue AS SELECT {casts}, {spelling} FROM {spelt}")
    return columns


def _as_ints(spelt: list[str]) -> list[int] | list[str]:
    """Ids as ints where every one of them is the canonical decimal of one."""
    numbers = [canonical_int(text) for text in spelt]
    found = [number for number in numbers if number is not None]
    return found if len(found) == len(spelt) else spelt


def _quoted(column: str) -> str:
    return '"' + column.replace('"', '""') + '"'


def _literal(text: str | Path) -> str:
    return "'" + str(text).replace("'", "''") + "'"


def _first_line(error: Exception) -> str:
    """The sentence of a database error, without the excerpt below it."""
    return str(error).strip().partition("\n")[0].rstrip(".!")
