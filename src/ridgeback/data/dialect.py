"""How a text file is written: its separator, whether it quotes, whether its first line names the columns."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from ridgeback.errors import DataError, ParameterError

SEPARATORS = ("::", "\t", ";", "|", ",")
_N_LINES = 50


@dataclass(frozen=True)
class Dialect:
    """How rows are written, and the first one.

    `names` are the columns' names, or None where there is no header; `n_cells` is the number of cells in a row.
    """

    separator: str
    has_quotes: bool
    names: tuple[str, ...] | None
    n_cells: int

    @property
    def has_header(self) -> bool:
        """Whether the first row names the columns."""
        return self.names is not None


def find_dialect(
    head: bytes, source: str, separator: str | None, header: bool | None, wants_names: bool, is_whole: bool
) -> Dialect:
    """Look at the beginning of a file.

    Parameters
    ----------
    head : bytes
        UTF-8, some lines; the last may be cut.
    source : str
        What messages call the file.
    separator : str, optional
        Given, it is taken as it is.
    header : bool, optional
        Given, it is taken as it is; else there is a header when no cell of the first row is a number and the second row
        has one, or columns are asked for by name.
    wants_names : bool
        Whether columns are asked for by name.
    is_whole : bool
        Whether `head` is the whole file.
    """
    lines = [line for line in head.decode("utf-8", "replace").splitlines() if line]
    if not lines:
        raise DataError(f"{source} is empty; expected rows of user, item and more.")
    if not is_whole and len(lines) > 1:
        lines.pop()
    lines = lines[:_N_LINES]
    if head[8:9] == b"{" and b'"ridgeback' in head[:4096]:
        raise DataError(
            f"{source} is a Ridgeback model, not a table. Give the table of interactions here; what a model holds is "
            "shown by rb.load(path), or the command ridgeback inspect."
        )
    if "\x00" in lines[0]:
        raise DataError(
            f"{source} is not a text file: its first line holds null bytes. Check what it is (try: file {source})."
        )
    if "�" in lines[0] and not _is_utf8_line(head):
        raise DataError(
            f"the first line of {source} is not UTF-8; pass encoding='latin-1', 'cp949' or what it is written in."
        )
    separator = _checked(separator) if separator is not None else _guess_separator(lines, source)
    has_quotes = _has_quotes(lines, separator)
    rows = [_split(line, separator, has_quotes) for line in lines[:2]]
    if header is None:
        header = wants_names or _looks_like_header(rows)
    names = tuple(cell.strip() for cell in rows[0]) if header else None
    return Dialect(separator, has_quotes, names, len(rows[0]))


def _is_utf8_line(head: bytes) -> bool:
    """Whether the first line is UTF-8 (a replacement character may really be there)."""
    try:
        head.splitlines()[0].decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _checked(separator: str) -> str:
    if not isinstance(separator, str) or not separator or set(separator) & set('\n\r"'):
        raise ParameterError(
            "The 'separator' parameter must be text without quotes and line ends, such as ',' or '::'. "
            f"Got {separator!r} instead."
        )
    return separator


def _guess_separator(lines: Sequence[str], source: str) -> str:
    """The separator that cuts most lines into as many cells as the first."""
    best, best_share = None, 0.0
    for separator in SEPARATORS:
        counts = Counter(len(_split(line, separator, separator in ",;")) for line in lines)
        n_first = len(_split(lines[0], separator, separator in ",;"))
        share = counts[n_first] / len(lines)
        if n_first > 1 and share > best_share:
            best, best_share = separator, share
    if best is None:
        tried = ", ".join(map(repr, SEPARATORS))
        raise DataError(
            f"the first line of {source} has none of the separators {tried}: {lines[0][:80]!r}. "
            "Pass separator=... with what stands between the columns."
        )
    return best


def _has_quotes(lines: Sequence[str], separator: str) -> bool:
    """Comma and semicolon files quote; others do where every cell that begins with a quote also ends with one."""
    if separator in (",", ";"):
        return True
    quoted = [cell for line in lines for cell in line.split(separator) if cell.startswith('"')]
    return bool(quoted) and all(len(cell) > 1 and cell.endswith('"') for cell in quoted)


def _split(line: str, separator: str, has_quotes: bool) -> list[str]:
    """The cells of one line."""
    if not has_quotes:
        return line.split(separator)
    if len(separator) == 1:
        try:
            return next(iter(csv.reader([line], delimiter=separator)), [""])
        except csv.Error:
            return line.split(separator)
    return [cell[1:-1] if len(cell) > 1 and cell[0] == cell[-1] == '"' else cell for cell in line.split(separator)]


def _looks_like_header(rows: Sequence[Sequence[str]]) -> bool:
    """No number in the first row, and one in the second or a usual name in the first."""
    if any(_is_number(cell) for cell in rows[0]):
        return False
    if len(rows) > 1 and any(_is_number(cell) for cell in rows[1]):
        return True
    words = ("user", "item", "movie", "artist", "product", "track", "book", "rating", "timestamp", "title")
    return any(cell.strip().lower().startswith(words) for cell in rows[0])


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True
