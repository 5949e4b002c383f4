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
from ridgeback.errors import DataError

if TYPE_CHECKING:
    import duckdb

_HEAD_BYTES = 2**16
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
        names = _load(connection, source, item, separator, header, encoding)
        connection.execute("SET enable_external_access = false")
        connection.execute("SET lock_configuration = true")
        table = connection.table("catalogue")
        position = choose_columns({"item": item}, ("item",), names, len(table.columns), str(source)).positions["item"]
        column = table.columns[position].replace('"', '""')
        try:
            values = table.filter(condition).project(f'"{column}" AS item').filter("item IS NOT NULL").fetchnumpy()
        except duckdb.Error as error:
            raise DataError(
                f"the condition {condition!r} cannot be used: {_first_line(error)}. "
                f"The columns are {', '.join(table.columns)}."
            ) from error
    return Ids.factorize(values["item"])[1]


def _load(
    connection: duckdb.DuckDBPyConnection,
    path: Path,
    item: Column,
    separator: str | None,
    header: bool | None,
    encoding: str,
) -> tuple[str, ...] | None:
    """Load the file as the table ``catalogue`` with typed columns; their names, or None where there is no header."""
    import duckdb

    reader = _TABLES.get(path.suffix.lower())
    try:
        if reader is not None:
            connection.execute(f"CREATE TABLE catalogue AS SELECT * FROM {reader}(?)", [str(path)])
            return tuple(connection.table("catalogue").columns)
        return _load_text(connection, path, item, separator, header, encoding)
    except duckdb.Error as error:
        raise DataError(f"{path} cannot be read as a table: {_first_line(error)}.") from error


def _load_text(
    connection: duckdb.DuckDBPyConnection,
    path: Path,
    item: Column,
    separator: str | None,
    header: bool | None,
    encoding: str,
) -> tuple[str, ...] | None:
    """A text file of any separator and encoding, through a copy in UTF-8."""
    with tempfile.TemporaryDirectory(prefix="ridgeback-") as folder:
        copy = Path(folder, "catalogue.txt")
        head = b""
        with copy.open("wb") as file:
            for block in utf8_blocks(path, encoding):
                head = head or block[:_HEAD_BYTES]
                file.write(block)
        wants_names = isinstance(item, str) and not item.isdecimal()
        is_whole = len(head) == copy.stat().st_size
        dialect = find_dialect(head, str(path), separator, header, wants_names, is_whole)
        connection.execute(
            "CREATE TABLE catalogue AS SELECT * FROM read_csv(?, delim = ?, header = ?, quote = ?)",
            [str(copy), dialect.separator, dialect.has_header, '"' if dialect.has_quotes else ""],
        )
    return dialect.names


def _first_line(error: Exception) -> str:
    """The sentence of a database error, without the excerpt below it."""
    return str(error).strip().partition("\n")[0].rstrip(".!")
