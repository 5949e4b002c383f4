"""The parts that every chart is made of: the frame with its name, text, lines, and axes with round numbers on them.

Charts name no colour: they are drawn in the colour of the text around them, so that they are legible on light and dark
pages, in notebooks and on paper; what differs is told apart by shape, dashes and words. No element has an id, so that
any number of charts can stand on one page.
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

from ridgeback.charts.escaping import escaped

FONT_SIZE = 13


def svg(name: str, width: float, height: float, parts: Iterable[str], least: float = 0) -> str:
    """Return a chart with a name that screen readers read and pointers show.

    Parameters
    ----------
    name : str
        What the chart shows, in one sentence; escaped here.
    width, height : float
        The drawing's own units; the chart shrinks to the width that is there.
    parts : iterable of str
        SVG elements.
    least : float, default=0
        The width in pixels below which it does not shrink but scrolls, so that its words stay legible.
    """
    label = escaped(name)
    style = f"width:100%;min-width:{number(least)}px;max-width:{number(width)}px;height:auto"
    drawing = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {number(width)} {number(height)}" role="img" '
        f'aria-label="{label}" style="{style}" fill="currentColor" font-family="system-ui, sans-serif" '
        f'font-size="{FONT_SIZE}"><title>{label}</title>{"".join(parts)}</svg>'
    )
    if not least:
        return drawing
    return f'<div role="region" tabindex="0" aria-label="{label}" style="overflow-x:auto">{drawing}</div>'


def text(words: str, x: float, y: float, anchor: str = "start", extra: str = "") -> str:
    """Return words at a place; anchor is start, middle or end."""
    return f'<text x="{number(x)}" y="{number(y)}" text-anchor="{anchor}"{_spaced(extra)}>{escaped(words)}</text>'


def line(x1: float, y1: float, x2: float, y2: float, extra: str = "") -> str:
    """Return a line in the colour of the text."""
    ends = f'x1="{number(x1)}" y1="{number(y1)}" x2="{number(x2)}" y2="{number(y2)}"'
    return f'<line {ends} stroke="currentColor"{_spaced(extra)}/>'


def polyline(points: Iterable[tuple[float, float]], extra: str = "") -> str:
    """Return a line through points."""
    places = " ".join(f"{number(x)},{number(y)}" for x, y in points)
    return f'<polyline points="{places}" fill="none" stroke="currentColor" stroke-width="1.5"{_spaced(extra)}/>'


def number(value: float) -> str:
    """A coordinate, to a hundredth."""
    return f"{value:.2f}".rstrip("0").rstrip(".")


def shortened(words: str, cells: int) -> str:
    """The words cut to so many cells of text, wide characters taking two, with an ellipsis where they were cut."""
    taken = 0
    for place, character in enumerate(words):
        taken += 2 if unicodedata.east_asian_width(character) in "WF" else 1
        if taken > cells:
            return words[: max(0, place - 1)].rstrip() + "…"
    return words


@dataclass(frozen=True)
class Axis:
    """A scale from values to places along one side of a chart.

    Attributes
    ----------
    low, high : float
        The values at its ends; positive where `base` is given.
    begin, end : float
        Their places.
    base : int, default=0
        Of the logarithm that places follow; 0 for none.
    """

    low: float
    high: float
    begin: float
    end: float
    base: int = 0

    def place(self, value: float) -> float:
        """Where a value stands; values outside stand at the nearer end."""
        low, high, at = (math.log(v) if self.base else v for v in (self.low, self.high, self._inside(value)))
        return self.begin + (self.end - self.begin) * ((at - low) / (high - low) if high > low else 0.5)

    def ticks(self) -> list[float]:
        """Round values from end to end: powers of the base, or steps of 1, 2 or 5 times a power of ten."""
        if self.base:
            first, last = (math.log(v, self.base) for v in (self.low, self.high))
            powers = range(math.ceil(first - 1e-9), math.floor(last + 1e-9) + 1)
            return [float(self.base) ** power for power in powers] or [self.low, self.high]
        if not self.high > self.low:
            return [self.low]
        raw = (self.high - self.low) / 5
        unit = 10.0 ** math.floor(math.log10(raw))
        step = next(unit * m for m in (1, 2, 5, 10) if unit * m >= raw * (1 - 1e-9))
        return [step * i for i in range(math.ceil(self.low / step - 1e-9), math.floor(self.high / step + 1e-9) + 1)]

    def _inside(self, value: float) -> float:
        return min(max(value, self.low), self.high)


def tick_text(value: float) -> str:
    """A value on an axis: as short as it can be told."""
    return f"{value:,.0f}" if 1e4 <= abs(value) < 1e9 else f"{value:.4g}"


def _spaced(extra: str) -> str:
    return f" {extra}" if extra else ""
