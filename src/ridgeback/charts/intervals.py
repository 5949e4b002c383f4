"""Figures as points with their intervals, one a row, on one scale."""

from __future__ import annotations

import math
from collections.abc import Sequence

from ridgeback.charts.escaping import escaped
from ridgeback.charts.svg import FONT_SIZE, Axis, line, number, shortened, svg, text, tick_text

_WIDTH, _ROW = 760.0, 26.0
_NAMES, _VALUES = 250.0, 72.0  # columns left and right of the points
_CELLS = 34
_SCALE = 26.0

Row = tuple[str, float, tuple[float, float] | None]


def interval_chart(name: str, rows: Sequence[Row], from_zero: bool = True) -> str:
    """Return the chart as SVG.

    Parameters
    ----------
    name : str
        What is shown, in one sentence.
    rows : sequence of (name, value, (low, high) or None)
        A value that is NaN has no point.
    from_zero : bool, default=True
        Let the scale begin (or end) at zero, so that lengths can be compared; otherwise at what is shown.
    """
    shown = [v for _, value, ends in rows for v in (value, *(ends or ())) if not math.isnan(v)]
    low, high = min(shown, default=0.0), max(shown, default=1.0)
    if from_zero:
        low, high = min(low, 0.0), max(high, 0.0)
    margin = (high - low) * 0.04 or abs(high) * 0.1 or 1.0
    x = Axis(low - (margin if low else 0), high + (margin if high else 0), _NAMES + 12, _WIDTH - _VALUES - 12)
    bottom = 8 + _ROW * len(rows)
    parts = [line(x.begin, bottom, x.end, bottom)]
    for tick in x.ticks():
        at = x.place(tick)
        parts.append(line(at, 6, at, bottom, 'stroke-dasharray="2 4" opacity=".5"'))
        parts.append(text(tick_text(tick), at, bottom + 18, "middle"))
    parts += [_row(words, value, ends, 8 + (place + 0.5) * _ROW, x) for place, (words, value, ends) in enumerate(rows)]
    return svg(name, _WIDTH, bottom + _SCALE, parts, least=560)


def _row(words: str, value: float, ends: tuple[float, float] | None, middle: float, x: Axis) -> str:
    """Name, interval, point and value."""
    base = middle + FONT_SIZE / 3
    if math.isnan(value):
        return f"<g>{text(shortened(words, _CELLS), _NAMES, base, 'end')}{text('-', _WIDTH, base, 'end')}</g>"
    said = f"{words}: {value:.4f}" + ("" if ends is None else f", between {ends[0]:.4f} and {ends[1]:.4f}")
    whisker = ""
    if ends is not None:
        left, right = x.place(ends[0]), x.place(ends[1])
        whisker = line(left, middle, right, middle, 'stroke-width="2"')
        whisker += line(left, middle - 5, left, middle + 5) + line(right, middle - 5, right, middle + 5)
    point = f'<circle cx="{number(x.place(value))}" cy="{number(middle)}" r="4.5"/>'
    return (
        f"<g><title>{escaped(said)}</title>{text(shortened(words, _CELLS), _NAMES, base, 'end')}{whisker}{point}"
        f"{text(f'{value:.4f}', _WIDTH, base, 'end')}</g>"
    )
