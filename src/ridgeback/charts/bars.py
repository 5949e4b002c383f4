"""Bars of signed numbers: to the right and filled above zero, to the left and hollow below it."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from ridgeback.charts.escaping import escaped
from ridgeback.charts.svg import FONT_SIZE, line, number, shortened, svg, text

_WIDTH, _ROW = 760.0, 24.0
_NAMES, _VALUES = 270.0, 72.0  # columns left and right of the bars
_CELLS = 38
ABOVE, BELOW = "+", "-"


def signed_bars(name: str, rows: Sequence[tuple[str, float]], without_bar: Collection[int] = ()) -> str:
    """Return the bars as SVG, one a row, with their names on the left and values on the right.

    Parameters
    ----------
    name : str
        What is shown, in one sentence.
    rows : sequence of (name, value)
    without_bar : collection of int, default=()
        Rows whose value is shown without a bar: they would dwarf the others.
    """
    drawn = [0.0, *(value for place, (_, value) in enumerate(rows) if place not in without_bar)]
    low, high = min(drawn), max(drawn)
    left, right = _NAMES + 8, _WIDTH - _VALUES - 8
    scale = (right - left) / (high - low) if high > low else 0.0
    zero = left - low * scale
    height = _ROW * len(rows) + 12
    parts = []
    for place, (words, value) in enumerate(rows):
        top = 6 + place * _ROW
        base = top + _ROW / 2 + FONT_SIZE / 3
        bar = "" if place in without_bar else _bar(zero, top + 4, value * scale)
        parts.append(
            f"<g><title>{escaped(words)}: {value:+.4f}</title>{text(shortened(words, _CELLS), _NAMES, base, 'end')}"
            f"{bar}{text(f'{value:+.4f}', _WIDTH, base, 'end')}</g>"
        )
    return svg(name, _WIDTH, height, [*parts, line(zero, 4, zero, height - 4)], least=560)


def _bar(zero: float, top: float, extent: float) -> str:
    """A bar from zero on, hollow below it."""
    look = ' fill="none" stroke="currentColor" stroke-width="1.5"' if extent < 0 else ""
    begin, width = min(zero, zero + extent), abs(extent)
    return f'<rect x="{number(begin)}" y="{number(top)}" width="{number(width)}" height="{number(_ROW - 8)}"{look}/>'


def text_bars(values: Sequence[float | None], cells: int = 24) -> list[str]:
    """Return one bar a value for a terminal, all of one width, zero at one place: ``---|`` below it, ``|+++`` above.

    Parameters
    ----------
    values : sequence of float or None
        None: no bar.
    cells : int, default=24
        For the longest bars of both sides together.
    """
    drawn = [0.0, *(value for value in values if value is not None)]
    low, high = min(drawn), max(drawn)
    before = 0 if low == 0 else cells if high == 0 else min(max(round(cells * low / (low - high)), 1), cells - 1)
    after = cells - before
    bars = []
    for value in values:
        room, extent = (before, low) if (value or 0) < 0 else (after, high)
        n = max(round(room * value / extent), 1) if value else 0
        if value is not None and value < 0:
            bars.append(f"{BELOW * n:>{before}}|{'':{after}}")
        else:
            bars.append(f"{'':{before}}|{ABOVE * n:{after}}")
    return bars
