"""Bars of signed numbers: to the right and filled above zero, to the left and hollow below it."""

from __future__ import annotations

from collections.abc import Sequence

from ridgeback.charts.escaping import escaped
from ridgeback.charts.svg import FONT_SIZE, line, number, shortened, svg, text

_WIDTH, _ROW = 760.0, 24.0
_NAMES, _VALUES = 270.0, 72.0  # columns left and right of the bars
_CELLS = 38
ABOVE, BELOW = "+", "-"


def signed_bars(name: str, rows: Sequence[tuple[str, float]]) -> str:
    """Return the bars as SVG, one a row, with their names on the left and values on the right.

    Parameters
    ----------
    name : str
        What is shown, in one sentence.
    rows : sequence of (name, value)
    """
    low, high = min([0.0, *(value for _, value in rows)]), max([0.0, *(value for _, value in rows)])
    left, right = _NAMES + 8, _WIDTH - _VALUES - 8
    scale = (right - left) / (high - low) if high > low else 0.0
    zero = left - low * scale
    height = _ROW * len(rows) + 12
    parts = []
    for place, (words, value) in enumerate(rows):
        top = 6 + place * _ROW
        base, length = top + _ROW / 2 + FONT_SIZE / 3, abs(value) * scale
        begin = zero - length if value < 0 else zero
        look = 'fill="none" stroke="currentColor" stroke-width="1.5"' if value < 0 else ""
        parts.append(
            f"<g><title>{escaped(words)}: {value:+.4f}</title>"
            + text(shortened(words, _CELLS), _NAMES, base, "end")
            + f'<rect x="{number(begin)}" y="{number(top + 4)}" width="{number(length)}" '
            f'height="{number(_ROW - 8)}" {look}/>' + text(f"{value:+.4f}", _WIDTH, base, "end") + "</g>"
        )
    return svg(name, _WIDTH, height, [*parts, line(zero, 4, zero, height - 4)])


def text_bars(values: Sequence[float], cells: int = 24) -> list[str]:
    """Return one bar a value for a terminal, all of one width, zero at one place: ``---|`` below it, ``|+++`` above.

    Parameters
    ----------
    values : sequence of float
    cells : int, default=24
        For the longest bars of both sides together.
    """
    low, high = min([0.0, *values]), max([0.0, *values])
    span = high - low
    before = round(cells * -low / span) if span else 0
    if low < 0:
        before = min(max(before, 1), cells - 1 if high > 0 else cells)
    after = cells - before
    bars = []
    for value in values:
        room, extent = (before, low) if value < 0 else (after, high)
        n = round(room * value / extent) if value else 0
        n = max(n, 1) if value else n
        bar = (BELOW if value < 0 else ABOVE) * n
        bars.append(f"{bar:>{before}}|{'':{after}}" if value < 0 else f"{'':{before}}|{bar:{after}}")
    return bars
