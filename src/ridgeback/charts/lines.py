"""Lines over one axis, in panels with scales of their own below each other; series differ in shape and dashes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ridgeback.charts.escaping import escaped
from ridgeback.charts.svg import Axis, line, number, polyline, svg, text, tick_text

_WIDTH, _PANEL = 640.0, 240.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 76.0, 96.0, 28.0, 52.0
_GAP = 44.0


@dataclass(frozen=True)
class Series:
    """One line: its name stands at its right end.

    Attributes
    ----------
    name : str
    values : sequence of float
        Aligned with the chart's places.
    is_dashed : bool
        Dashed with hollow points, instead of solid with filled ones.
    intervals : sequence of (low, high) or None
        Upright bars, aligned with the values; a None among them draws nothing.
    """

    name: str
    values: Sequence[float]
    is_dashed: bool = False
    intervals: Sequence[tuple[float, float] | None] = ()


@dataclass(frozen=True)
class Panel:
    """Series that share a scale.

    Attributes
    ----------
    title : str
        What the scale measures.
    series : sequence of Series
    """

    title: str
    series: Sequence[Series]


def line_chart(
    name: str, x_name: str, places: Sequence[float], panels: Sequence[Panel], marks: Sequence[tuple[float, str]] = ()
) -> str:
    """Return the chart as SVG.

    Parameters
    ----------
    name : str
        What is shown, in one sentence.
    x_name : str
        What the common axis measures.
    places : sequence of float, ascending, above 0
        On a logarithmic axis, each labelled.
    panels : sequence of Panel
    marks : sequence of (place, words), default=()
        Upright lines through all panels, with words, where there are any, at their top.
    """
    x = Axis(places[0], places[-1], _LEFT + 12, _WIDTH - _RIGHT, base=2)
    height = _TOP + len(panels) * (_PANEL + _GAP) - _GAP + _BOTTOM
    parts = []
    for place, words in marks:
        at = x.place(place)
        parts.append(line(at, _TOP - 6, at, height - _BOTTOM, 'stroke-dasharray="2 3"'))
        if words:
            parts.append(text(words, at, _TOP - 12, "end" if at > _WIDTH / 2 else "start"))
    for i, panel in enumerate(panels):
        top = _TOP + i * (_PANEL + _GAP)
        parts += _panel(panel, x, places, top + 22, top + _PANEL)
    parts.append(text(x_name, (x.begin + x.end) / 2, height - 8, "middle"))
    return svg(name, _WIDTH, height, parts, least=480)


def _panel(panel: Panel, x: Axis, places: Sequence[float], top: float, bottom: float) -> list[str]:
    values = [value for series in panel.series for value in series.values]
    values += [end for series in panel.series for interval in series.intervals if interval for end in interval]
    low, high = min(values), max(values)
    margin = (high - low) * 0.08 or abs(high) * 0.1 or 1.0
    y = Axis(low - margin, high + margin, bottom, top)
    parts = [
        line(_LEFT, bottom, x.end, bottom),
        line(_LEFT, bottom, _LEFT, top),
        text(panel.title, 0, top - 8),
    ]
    for tick in y.ticks():
        parts.append(line(_LEFT - 5, y.place(tick), _LEFT, y.place(tick)))
        parts.append(text(tick_text(tick), _LEFT - 9, y.place(tick) + 4, "end"))
    for place in places:
        parts.append(line(x.place(place), bottom, x.place(place), bottom + 5))
        parts.append(text(tick_text(place), x.place(place), bottom + 20, "middle"))
    for series in panel.series:
        points = [(x.place(place), y.place(value)) for place, value in zip(places, series.values, strict=True)]
        parts.append(polyline(points, 'stroke-dasharray="6 4"' if series.is_dashed else ""))
        parts += [
            line(at, y.place(interval[0]), at, y.place(interval[1]))
            for (at, _), interval in zip(points, series.intervals, strict=False)
            if interval
        ]
        parts += [
            _point(*point, series, place, value)
            for point, place, value in zip(points, places, series.values, strict=True)
        ]
    parts += _end_labels(panel.series, x.end, y)
    return parts


def _point(x: float, y: float, series: Series, place: float, value: float) -> str:
    look = 'fill="none" stroke="currentColor" stroke-width="1.5"' if series.is_dashed else ""
    what = escaped(f"{series.name} at {tick_text(place)}: {value:.6g}")
    return f'<circle cx="{number(x)}" cy="{number(y)}" r="4" {look}><title>{what}</title></circle>'


def _end_labels(series: Sequence[Series], right: float, y: Axis) -> list[str]:
    """Names at the lines' right ends, pushed apart where they would overlap."""
    labels, last = [], -1e9
    for one in sorted(series, key=lambda s: y.place(s.values[-1])):
        last = max(y.place(one.values[-1]) + 4, last + 16)
        labels.append(text(one.name, right + 12, last))
    return labels
