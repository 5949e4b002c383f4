"""Matrices with names on rows and columns, and marks on what a half-step changed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from rich.text import Text

from ridgeback.plain_text import number_text
from ridgeback.solvers.problem import Float64Array
from ridgeback.trace.reading import Names, Reading, shortened
from ridgeback.trace.terminal.layout import Block, grid, n_fitting

RAISED, LOWERED = "▲", "▼"
# Blue and orange: told apart by the colour-blind too, and each has a symbol of its own.
STYLES = {RAISED: "bold bright_blue", LOWERED: "bold dark_orange"}
LONGEST_HEAD = 12
NOISE = 1e-12  # beside the largest number of a matrix


class Heads:
    """What stands above the columns of a matrix.

    Parameters
    ----------
    names : sequence of str
    word : str
        What a column is: "factor" or "item".
    below : sequence of str, optional
        A second line.
    """

    def __init__(self, names: Sequence[str], word: str, below: Sequence[str] | None = None) -> None:
        self.names = [shortened(name, LONGEST_HEAD) for name in names]
        self.word = word
        self.below = below


def factor_heads(n_factors: int, shares: Float64Array | None) -> Heads:
    """f1, f2, ... above each factor's share of the energy."""
    below = None if shares is None else [f"{share:.0%}".replace("%", " %") for share in shares]
    return Heads([f"f{n + 1}" for n in range(n_factors)], "factor", below)


def item_heads(items: Names, places: Sequence[int]) -> Heads:
    """The names of items."""
    return Heads([items[place] for place in places], "item")


def matrix(
    title: str,
    names: Names,
    places: Sequence[int],
    values: Float64Array,
    heads: Heads,
    width: int,
    before: Float64Array | None = None,
    n_rows: int = 10,
    missing: str = ".",
) -> Block:
    """A matrix as a block of lines.

    Parameters
    ----------
    title : str
        Above it.
    names : Names
        Of its rows.
    places : sequence of int
        The rows worth showing, in their order.
    values : float64 array, shape (rows of the side, columns)
        NaN shows as `missing`.
    heads : Heads
    width : int
        Columns that do not fit are left out and counted.
    before : float64 array of the same shape, optional
        What is larger or smaller than there is marked.
    n_rows : int
        Rows to show at most.
    """
    shown = list(places[:n_rows])
    rows = [[Text(names[place], style="bold")] for place in shown]
    texts = _texts(values[shown])
    marks = [[""] * values.shape[1] for _ in shown] if before is None else _marks(values[shown], before[shown])
    label = max((row[0].cell_len for row in rows), default=0)
    has_marks = before is not None
    columns = [
        max(len(heads.names[j]), *(len(row[j]) for row in texts)) + 2 * has_marks for j in range(len(heads.names))
    ]
    n = n_fitting(columns, width - label - 2)
    for row, line, symbols in zip(rows, texts, marks, strict=True):
        row += [_cell(line[j] if line[j] != "-" else missing, symbols[j], has_marks) for j in range(n)]
    head = [[Text(), *(Text(name + "  " * has_marks, style="bold") for name in heads.names[:n])]]
    if heads.below is not None:
        head.append([Text(), *(Text(text + "  " * has_marks, style="dim") for text in heads.below[:n])])
    block = [Text(title, style="italic"), *grid([*head, *rows], [False] + [True] * n)]
    left_out = [(len(heads.names) - n, heads.word), (len(places) - len(shown), names.word)]
    words = [f"{count} more {word}{'' if count == 1 else 's'}" for count, word in left_out if count > 0]
    return [*block, Text(f"... {', '.join(words)}", style="dim")] if words else block


def _texts(values: Float64Array) -> list[list[str]]:
    """Numbers of one look: whole where all are, else with decimals; rounding noise is 0."""
    finite = values[np.isfinite(values)]
    largest = np.abs(finite).max(initial=0.0)
    if finite.size and bool((finite == np.round(finite)).all()) and largest < 1e6:
        return [[f"{number:.0f}" if np.isfinite(number) else "-" for number in row] for row in values]
    return [[number_text(0.0 if abs(number) <= NOISE * largest else float(number)) for number in row] for row in values]


def _marks(values: Float64Array, before: Float64Array) -> list[list[str]]:
    change = values - before
    noise = NOISE * np.nanmax(np.abs(np.stack([values, before])), initial=0.0)
    return [[RAISED if c > noise else LOWERED if c < -noise else "" for c in row] for row in change]


def _cell(text: str, mark: str, has_marks: bool) -> Text:
    if not has_marks:
        return Text(text)
    return Text.assemble(text, (f" {mark}" if mark else "  ", STYLES.get(mark, "")))


def energy_shares(reading: Reading, item_factors: Float64Array) -> Float64Array | None:
    """Each factor's share of the sum of squares over all items; None where not all are recorded."""
    energy = (item_factors**2).sum(axis=0)
    if len(item_factors) != reading.items.n_in_model or not energy.sum():
        return None
    shares: Float64Array = energy / energy.sum()
    return shares


def largest_items(reading: Reading, item_factors: Float64Array, factor: int, n: int) -> str:
    """The items with the largest entries of a factor, by size, with their signs."""
    column = item_factors[:, factor]
    places = np.argsort(-np.abs(column), kind="stable")[:n]
    return ", ".join(f"{reading.items[int(place)]} {column[place]:+.2f}" for place in places if column[place])
