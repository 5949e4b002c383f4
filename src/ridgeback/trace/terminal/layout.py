"""Blocks of styled lines: grids, blocks beside each other, and the page that writes them."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Sequence
from typing import Any

from rich.cells import cell_len, chop_cells
from rich.console import Console
from rich.text import Text

from ridgeback.plain_text import is_terminal, may_colour

GAP = 3
NARROWEST = 30
PIPED_WIDTH = 100
TERM_WIDTH = 11
_ASCII = str.maketrans({"×": "x", "·": ".", "▲": "^", "▼": "v", "→": ">", "█": "#", "▒": "=", "░": "-", "…": "~",
                        "²": "^2", "⁻": "^-", "¹": "1", "⁺": "^+", "ᵀ": "^T", "ν": "nu"})  # fmt: skip

Block = list[Text]


class Page:
    """Where blocks go: coloured on a terminal that wants it, plain text elsewhere; nothing wider than the terminal.

    Parameters
    ----------
    file : text stream, optional
        None: standard output.
    width : int, optional
        None: that of the terminal; 100 where there is none.
    """

    def __init__(self, file: Any = None, width: int | None = None) -> None:
        self._file = sys.stdout if file is None else file
        self.width = max(NARROWEST, _width_of(self._file) if width is None else width)
        self._console = None
        if may_colour(self._file):
            self._console = Console(file=self._file, width=self.width, highlight=False, markup=False, emoji=False)
        self._is_ascii = not _can_write("×▲▼█▒░→·…²⁻¹⁺ᵀ", self._file)

    def heading(self, text: str, more: str = "") -> None:
        """Open a part: a blank line, a bold line, and on it, or below, what is less important."""
        self.blank()
        if cell_len(text) + GAP + cell_len(more) <= self.width:
            self._write(Text.assemble((text, "bold"), (" " * GAP + more if more else "", "dim")))
            return
        self.say(text, "bold")
        self.say(more, "dim")

    def say(self, text: str, style: str = "", indent: int = 0, hang: int = 4) -> None:
        """Prose, wrapped to the width; lines after the first stand `hang` further in."""
        for n, line in enumerate(wrapped(text, self.width - indent, hang)):
            self._write(Text(" " * (indent + (hang if n else 0)) + line, style=style))

    def term(self, word: str, text: str) -> None:
        """A word and what it means, the lines of which stand under each other."""
        for n, line in enumerate(wrapped(text, self.width - TERM_WIDTH, 0)):
            self._write(Text(f"{'' if n else word:<{TERM_WIDTH}}{line}"))

    def block(self, block: Block) -> None:
        """A block as it is; a line that is wider than the page goes on below."""
        for line in block:
            self._write(line)

    def blank(self) -> None:
        """An empty line."""
        self._write(Text())

    def _write(self, line: Text) -> None:
        if self._is_ascii:
            line = _translated(line)
        if self._console is not None:
            self._console.print(line, overflow="fold", soft_wrap=False)
        else:
            for part in chop_cells(line.plain.rstrip(), self.width) or [""]:
                print(part, file=self._file)


def grid(rows: Sequence[Sequence[Text]], is_right: Sequence[bool], gap: int = 2) -> Block:
    """Rows of cells aligned under each other, by the cells that characters take on a terminal."""
    widths = [max((row[column].cell_len for row in rows), default=0) for column in range(len(is_right))]
    block = []
    for row in rows:
        line = Text()
        for column, (cell, width, right) in enumerate(zip(row, widths, is_right, strict=True)):
            space = Text(" " * (width - cell.cell_len))
            line.append_text(Text(" " * gap if column else ""))
            line.append_text(space + cell if right else cell + space)
        block.append(line)
    return block


def beside(blocks: Sequence[Block], width: int) -> Block:
    """Blocks next to each other while they fit into the width, the others below."""
    out: Block = []
    row: list[Block] = []
    for block in blocks:
        if row and sum(_width(one) + GAP for one in row) + _width(block) > width:
            out += [*_joined(row), Text()]
            row = []
        row.append(block)
    return out + _joined(row)


def wrapped(text: str, width: int, hang: int) -> list[str]:
    """Lines of at most `width` cells, those after the first `hang` shorter; a word that is longer is broken."""
    lines, line, room = [], "", width
    for word in text.split():
        while cell_len(line) + bool(line) + cell_len(word) > room:
            if line:
                lines.append(line)
                line = ""
            else:
                n = next(n for n in range(len(word), 0, -1) if cell_len(word[:n]) <= room)
                lines.append(word[:n])
                word = word[n:]
            room = width - hang
        line = f"{line} {word}" if line else word
    return [*lines, line] if line or not lines else lines


def _joined(blocks: Sequence[Block]) -> Block:
    height = max((len(block) for block in blocks), default=0)
    lines = []
    for n in range(height):
        line = Text()
        for place, block in enumerate(blocks):
            cell = block[n] if n < len(block) else Text()
            line.append_text(cell)
            if place < len(blocks) - 1:
                line.append(" " * (_width(block) - cell.cell_len + GAP))
        lines.append(line)
    return lines


def _width(block: Block) -> int:
    return max((line.cell_len for line in block), default=0)


def n_fitting(widths: Sequence[int], room: int, gap: int = 2) -> int:
    """How many columns of these widths fit, at least one."""
    used = 0
    for n, width in enumerate(widths):
        used += width + gap
        if used > room:
            return max(1, n)
    return len(widths)


def _width_of(file: Any) -> int:
    """Columns of the terminal behind a stream; what COLUMNS says, or 100, where there is none."""
    if not is_terminal(file):
        asked = os.environ.get("COLUMNS", "")
        return int(asked) if asked.isdecimal() and int(asked) > 0 else PIPED_WIDTH
    return shutil.get_terminal_size((80, 24)).columns


def _can_write(characters: str, file: Any) -> bool:
    try:
        characters.encode(getattr(file, "encoding", None) or "utf-8")
    except (LookupError, UnicodeEncodeError):
        return False
    return True


def _translated(line: Text) -> Text:
    """The line in ASCII, piece by piece so that styles stay."""
    return Text.assemble(
        *((part.plain.translate(_ASCII), part.style) for part in line.split(" ", include_separator=True))
    )
