"""A condition in SQL over the titles' file: which items may be recommended."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ridgeback.cli.application import Failure

if TYPE_CHECKING:
    import duckdb

    from ridgeback.data import Ids


def items_where(condition: str, options: Mapping[str, Any], item_ids: Ids) -> list[int | str]:
    """The model's items whose row in the titles' file fulfils a condition.

    Parameters
    ----------
    condition : str
        An SQL expression over the columns of the file. It sees that table and nothing else: no other file, no network.
    options : mapping
        Those of `title_options`.
    item_ids : Ids
        The model's items; others are left out.

    Raises
    ------
    Failure
        If the condition is not an expression over the columns, or no item of the model fulfils it.
    """
    import duckdb

    with duckdb.connect(":memory:") as connection:
        _load(connection, options)
        connection.execute("SET enable_external_access = false")
        connection.execute("SET lock_configuration = true")
        table = connection.table("catalogue")
        column = _id_column(table.columns, options["title_id"])
        try:
            found = table.filter(condition).project('"' + column.replace('"', '""') + '"').fetchnumpy()[column]
        except duckdb.Error as error:
            raise Failure(
                f"--where {condition!r}: {_first_line(error)}; the columns are {', '.join(table.columns)}."
            ) from error
    return _known(found, item_ids, condition)


def _load(connection: duckdb.DuckDBPyConnection, options: Mapping[str, Any]) -> None:
    """The titles' file as a table with typed columns, so that ``year > 2000`` works."""
    import duckdb

    path = options["titles"]
    ending = Path(path.removesuffix(".gz")).suffix.lower()
    reader = {".parquet": "read_parquet", ".jsonl": "read_json", ".ndjson": "read_json", ".json": "read_json"}
    settings: dict[str, Any] = {}
    if ending not in reader:
        wanted = {
            "delim": options["titles_separator"],
            "header": options["titles_header"],
            "encoding": options["titles_encoding"],
        }
        settings = {name: value for name, value in wanted.items() if value is not None}
    arguments = "".join(f", {name} := ?" for name in settings)
    try:
        connection.execute(
            f"CREATE TABLE catalogue AS SELECT * FROM {reader.get(ending, 'read_csv')}(?{arguments})",
            [path, *settings.values()],
        )
    except duckdb.Error as error:
        raise Failure(f"{path} cannot be read as a table: {_first_line(error)}") from error


def _id_column(columns: list[str], wanted: int | str | None) -> str:
    """The column of item ids: by name, by position, or the one with a usual name."""
    if isinstance(wanted, int):
        if wanted < len(columns):
            return columns[wanted]
        raise Failure(f"--title-id {wanted}: the titles' file has {len(columns)} columns, numbered from 0.")
    if wanted is None:
        raise click.UsageError(
            f"--where needs --title-id, the column of item ids; the columns are {', '.join(columns)}."
        )
    for column in columns:
        if column.casefold() == wanted.casefold():
            return column
    raise Failure(f"--title-id {wanted}: there is no such column; the columns are {', '.join(columns)}.")


def _known(values: Any, item_ids: Ids, condition: str) -> list[int | str]:
    """The ids among these values that the model has."""
    from ridgeback.data import Ids

    if not len(values):
        raise Failure(f"no row of the titles' file fulfils --where {condition!r}; loosen the condition.")
    _, found = Ids.factorize(values)
    rows = item_ids.match(found)
    known = [item_ids[int(row)] for row in rows[rows >= 0]]
    if not known:
        raise Failure(
            f"{len(found)} rows of the titles' file fulfil --where {condition!r}, and the model knows none of "
            f"their items; compare the ids: {found[0]!r} in the file, {item_ids[0]!r} in the model."
        )
    return known


def _first_line(error: Exception) -> str:
    """The sentence of DuckDB's error, without the excerpt below it."""
    return str(error).strip().partition("\n")[0].rstrip(".!")
