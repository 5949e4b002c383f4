"""Lines of formulas and grids of numbers on a page: every column is shown, in groups where they do not fit."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text

from ridgeback.trace.terminal.layout import Page, grid, n_fitting
from ridgeback.trace.written import Grid


def tell_lines(page: Page, lines: Sequence[str | Grid], indent: int = 2) -> None:
    """The first line as it is, the others `indent` further in."""
    for n, line in enumerate(lines):
        if isinstance(line, Grid):
            tell_grid(page, line, indent)
        else:
            page.say(line, indent=indent if n else 0)


def tell_grid(page: Page, numbers: Grid, indent: int) -> None:
    """A matrix with names on rows and columns; columns that do not fit stand below, under the same names."""
    texts = numbers.texts()
    label = max(len(name) for name in numbers.names)
    widths = [max(len(head), *(len(row[j]) for row in texts)) for j, head in enumerate(numbers.heads)]
    start, n_columns = 0, len(numbers.heads)
    while start < n_columns:
        end = start + n_fitting(widths[start:], page.width - indent - label - 1)
        more = "" if start == 0 else ", continued"
        page.block([Text(f"{' ' * indent}{numbers.title}{more}", style="italic")])
        rows = [[Text(" " * indent), *(Text(head, style="bold") for head in numbers.heads[start:end])]]
        for name, row in zip(numbers.names, texts, strict=True):
            rows.append([Text(" " * indent + name, style="bold"), *map(Text, row[start:end])])
        page.block(grid(rows, [False] + [True] * (end - start)))
        start = end
