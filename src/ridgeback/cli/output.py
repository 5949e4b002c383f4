"""What a command writes on stdout: tables on a terminal, plain text when piped, one document with --json."""

from __future__ import annotations

import json
import math
import shlex
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ridgeback.plain_text import cell_text, is_number, may_colour, printable


class Output:
    """The one place that writes results.

    Prose and tables are for people and vanish with ``--json``; `finish` then writes the payload. So a command reads
    straight through: it prints as it goes and hands everything over at its end.

    Parameters
    ----------
    is_json : bool
        Write one JSON document instead of text.
    """

    def __init__(self, is_json: bool = False) -> None:
        self.is_json = is_json
        self.is_terminal = sys.stdout.isatty()

    def say(self, text: str = "") -> None:
        """Write a line of prose."""
        if not self.is_json:
            print(printable(text, keep_newlines=True), flush=True)

    def heading(self, text: str) -> None:
        """Write a line that opens a part of a longer report."""
        if self.is_json:
            return
        if self.is_terminal:
            from rich.text import Text

            self._console().print(Text(f"\n{printable(text)}", style="bold"))
        else:
            self.say(f"\n{text}")

    def table(self, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
        """Write a table; columns of numbers stand on the right."""
        if self.is_json:
            return
        cells = list(rows)
        is_right = [_are_numbers([row[j] for row in cells]) for j in range(len(columns))]
        texts = [[cell_text(value) for value in row] for row in cells]
        if self.is_terminal:
            self._rich_table(columns, texts, is_right)
        else:
            for line in plain_table(columns, texts, is_right):
                print(line)
            sys.stdout.flush()

    def pairs(self, pairs: Mapping[str, Any]) -> None:
        """Write names and values, one pair a line."""
        self.table_without_head([(name, value_text(value)) for name, value in pairs.items()])

    def table_without_head(self, rows: Sequence[Sequence[str]]) -> None:
        """Write rows of text aligned under each other."""
        if self.is_json or not rows:
            return
        for line in plain_table(None, [[printable(cell) for cell in row] for row in rows], [False] * len(rows[0])):
            print(line)
        sys.stdout.flush()

    def finish(self, payload: Mapping[str, Any], next_commands: Sequence[Sequence[str]] = ()) -> None:
        """End the command: the JSON document, or the line that names what to run next.

        Parameters
        ----------
        payload : mapping
            What --json writes.
        next_commands : sequence of sequences of str
            The arguments of each command worth running next, without the leading ``ridgeback``.
        """
        commands = [shlex.join(["ridgeback", *arguments]) for arguments in next_commands]
        if self.is_json:
            print(to_json({**payload, "next": commands}), flush=True)
            return
        for number, command in enumerate(commands):
            print(("\nnext: " if number == 0 else "      ") + printable(command), flush=True)

    def _console(self) -> Any:
        from rich.console import Console

        colour = {"color_system": None} if not may_colour(sys.stdout) else {}
        return Console(file=sys.stdout, highlight=False, markup=False, emoji=False, soft_wrap=False, **colour)  # type: ignore[arg-type]

    def _rich_table(self, columns: Sequence[str], texts: list[list[str]], is_right: list[bool]) -> None:
        from rich import box
        from rich.table import Table
        from rich.text import Text

        table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, header_style="bold")
        for name, right in zip(columns, is_right, strict=True):
            table.add_column(Text(name), justify="right" if right else "left", no_wrap=right, overflow="fold")
        for row in texts:
            table.add_row(*(Text(cell) for cell in row))
        self._console().print(table)


def plain_table(columns: Sequence[str] | None, texts: list[list[str]], is_right: Sequence[bool]) -> list[str]:
    """Lines of a table aligned by the cells that characters take on a terminal (Korean takes two)."""
    from rich.cells import cell_len

    rows = ([list(columns)] if columns is not None else []) + texts
    widths = [max((cell_len(row[j]) for row in rows), default=0) for j in range(len(is_right))]
    lines = []
    for row in rows:
        cells = []
        for text, width, right in zip(row, widths, is_right, strict=True):
            space = " " * (width - cell_len(text))
            cells.append(space + text if right else text + space)
        lines.append("  ".join(cells).rstrip())
    return lines


def value_text(value: Any) -> str:
    """A value as a list of names and values shows it: numbers to six digits, so that none is rounded away."""
    return f"{value:.6g}" if isinstance(value, float) else cell_text(value)


def size_text(n_bytes: int) -> str:
    """A size as people say it: 12.3 MB."""
    if n_bytes < 1000:
        return f"{n_bytes} bytes"
    size = float(n_bytes)
    for unit in ("kB", "MB"):
        size /= 1000
        if size < 1000:
            return f"{size:.1f} {unit}"
    return f"{size / 1000:.2f} GB"


def to_json(value: Any) -> str:
    """JSON as the standard has it: no NaN (null instead), numbers and arrays of NumPy as numbers and lists."""
    is_utf8 = (getattr(sys.stdout, "encoding", None) or "utf-8").lower().replace("-", "") == "utf8"
    return json.dumps(_plain(value), ensure_ascii=not is_utf8, allow_nan=False, indent=2)


def _plain(value: Any) -> Any:
    """Only what JSON knows."""
    if value is None or isinstance(value, (bool, int, str)):
        return value.encode("utf-8", "replace").decode("utf-8") if isinstance(value, str) else value
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if hasattr(value, "tolist"):  # numpy scalars and arrays
        return _plain(value.tolist())
    if isinstance(value, (Sequence, set, frozenset, Iterable)):
        return [_plain(item) for item in value]
    return str(value)


def _are_numbers(values: Sequence[Any]) -> bool:
    """Whether a column holds numbers, apart from what is missing or left out."""
    stated = [value for value in values if value is not None and value != "..."]
    return bool(stated) and all(is_number(value) for value in stated)
