"""Tables in text files: CSV, TSV and whatever else separates cells.

The rows are cut and understood by native code of our own, fed block by block: it names the line of every bad row, reads
any separator, line end and encoding, and keeps no more of the file in memory than a block.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ridgeback.data.bad_rows import RowPlaces
from ridgeback.data.byte_source import utf8_blocks
from ridgeback.data.columns import ColumnRequest, choose_columns
from ridgeback.data.dialect import Dialect, find_dialect
from ridgeback.data.event_table import AS_CELLS, EventTable, ReadOptions
from ridgeback.data.interactions import Interactions
from ridgeback.data.titles import Titles

_HEAD_BYTES = 2**16


def read_text_interactions(
    path: Path,
    request: ColumnRequest,
    options: ReadOptions,
    separator: str | None,
    header: bool | None,
    encoding: str,
) -> Interactions:
    """Interactions from a text file."""
    blocks = utf8_blocks(path, encoding)
    head, dialect = _open(blocks, path, separator, header, request.names_columns())
    columns = choose_columns(request.asked(), ("user", "item"), dialect.names, dialect.n_cells, str(path))
    table = EventTable(columns, options, RowPlaces(str(path), has_lines=True), AS_CELLS)
    _fill(table, head, blocks, dialect)
    report: dict[str, Any] = {
        "format": "text",
        "separator": dialect.separator,
        "has_header": dialect.has_header,
        "encoding": encoding,
    }
    return table.to_interactions(report)


def read_text_titles(
    path: Path,
    asked: dict[str, str | int | None],
    separator: str | None,
    header: bool | None,
    encoding: str,
) -> Titles:
    """Titles from a text file."""
    blocks = utf8_blocks(path, encoding)
    wants_names = ColumnRequest(asked["item"], asked["title"]).names_columns()
    head, dialect = _open(blocks, path, separator, header, wants_names)
    columns = choose_columns(dict(asked), ("item", "title"), dialect.names, dialect.n_cells, str(path))
    table = EventTable(columns, ReadOptions(), RowPlaces(str(path), has_lines=True), AS_CELLS)
    _fill(table, head, blocks, dialect)
    return table.to_titles()


def _open(
    blocks: Iterator[bytes], path: Path, separator: str | None, header: bool | None, wants_names: bool
) -> tuple[bytes, Dialect]:
    """The first block and what it says about the rest."""
    head = next(blocks, b"")
    sample = head[:_HEAD_BYTES]
    return head, find_dialect(sample, str(path), separator, header, wants_names, len(sample) == len(head))


def _fill(table: EventTable, head: bytes, blocks: Iterator[bytes], dialect: Dialect) -> None:
    """Feed the file to the table."""
    table.set_dialect(dialect.separator, dialect.has_quotes, dialect.n_cells, dialect.has_header)
    table.add_text(head, is_last=False)
    for block in blocks:
        table.add_text(block, is_last=False)
    table.add_text(b"", is_last=True)
