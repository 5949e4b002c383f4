"""Tables in JSON Lines: one object a line (or one array of objects), read by DuckDB."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ridgeback.data.bad_rows import RowPlaces, show
from ridgeback.data.byte_source import GZIP_MAGIC, is_packed, magic_bytes, utf8_blocks
from ridgeback.data.columns import ColumnRequest
from ridgeback.data.event_table import ReadOptions
from ridgeback.data.interactions import Interactions
from ridgeback.data.queries import database, interactions_of, literal, literal_path, run, titles_of
from ridgeback.data.titles import Titles
from ridgeback.errors import DataError

_MAX_OBJECT_BYTES = 64 * 2**20
_N_LINES_FOR_KEYS = 1000


def read_json_lines(path: Path, request: ColumnRequest, options: ReadOptions) -> Interactions:
    """Interactions from a file of JSON objects."""
    with database() as connection:
        relation, places = _relation(connection, path)
        return interactions_of(relation, request, options, places, {"format": "json"})


def read_json_titles(path: Path, asked: dict[str, str | int | None]) -> Titles:
    """Titles from a file of JSON objects."""
    with database() as connection:
        relation, places = _relation(connection, path)
        return titles_of(relation, asked, places)


class _LinePlaces(RowPlaces):
    """Rows are lines; a line is looked up again only when something is wrong with it."""

    def of(self, row: int, line: int) -> str:
        return f"{self.source} line {self._line(row)[0]}"

    def objection(self, row: int) -> str | None:
        text = self._line(row)[1]
        try:
            is_object = isinstance(json.loads(text), dict)
        except ValueError:
            is_object = False
        return None if is_object else f"is not a JSON object: {show(text)}"

    def _line(self, row: int) -> tuple[int, str]:
        """Number and text of the row's line; blank lines are no rows."""
        numbered = enumerate(_lines(Path(self.source)), start=1)
        filled = ((number, line) for number, line in numbered if line.strip())
        return next(itertools.islice(filled, row, None), (0, ""))


def _relation(connection: Any, path: Path) -> tuple[Any, RowPlaces]:
    """The keys of the objects as columns, each value as the JSON it is. A line that is no object gives only nulls."""
    _check_packing(path)
    first = next((line.lstrip() for line in _lines(path) if line.strip()), "")
    if not first:
        raise DataError(f"{path} is empty; expected one JSON object a line.")
    is_array = first.startswith("[")
    keys = _keys_of_array(connection, path) if is_array else _keys_of_lines(path)
    if not keys:
        raise DataError(
            f"{path} has no JSON objects with keys in its first lines, e.g. {show(first)}; expected one a line."
        )
    layout = "format = 'array'" if is_array else "format = 'newline_delimited', ignore_errors = true"
    columns = ", ".join(f"{literal(key)}: 'JSON'" for key in keys)
    sql = (
        f"SELECT * FROM read_json({literal(literal_path(path))}, {layout}, columns = {{{columns}}}, "
        f"maximum_object_size = {_MAX_OBJECT_BYTES})"
    )
    relation = run(lambda: connection.sql(sql), str(path))
    return relation, RowPlaces(str(path)) if is_array else _LinePlaces(str(path))


def _check_packing(path: Path) -> None:
    """Read a packed file through once: not every version of DuckDB notices that one is cut off or damaged."""
    head = magic_bytes(path)
    if head.startswith(GZIP_MAGIC):
        for _ in utf8_blocks(path, "utf-8"):
            pass
    elif is_packed(head):
        raise DataError(f"{path} is packed in a way that JSON is not read from; unpack it, or pack it with gzip.")


def _keys_of_lines(path: Path) -> list[str]:
    """Keys of the first objects, in the order met."""
    keys: dict[str, None] = {}
    for line in itertools.islice(_lines(path), _N_LINES_FOR_KEYS):
        try:
            value = json.loads(line)
        except ValueError:
            continue
        if isinstance(value, dict):
            keys.update(dict.fromkeys(value))
    return list(keys)


def _keys_of_array(connection: Any, path: Path) -> list[str]:
    """Keys of the first objects of an array."""
    source = f"{literal(literal_path(path))}, format = 'array', maximum_object_size = {_MAX_OBJECT_BYTES}"
    sql = (
        f"SELECT unnest(json_keys(json)) FROM (SELECT json FROM read_json_objects({source}) LIMIT {_N_LINES_FOR_KEYS})"
    )
    return list(dict.fromkeys(key for (key,) in run(lambda: connection.sql(sql).fetchall(), str(path))))


def _lines(path: Path) -> Iterator[str]:
    """Lines of the unpacked text, without their ends."""
    rest = b""
    for block in utf8_blocks(path, "utf-8"):
        *whole, rest = (rest + block).split(b"\n")
        yield from (line.decode("utf-8", "replace") for line in whole)
    yield rest.decode("utf-8", "replace")
