"""The reliability diagram: what was promised against what came, and the diagonal where both agree."""

from __future__ import annotations

from collections.abc import Sequence

from ridgeback.charts.svg import Axis, line, number, polyline, svg, text, tick_text

_WIDTH, _HEIGHT = 460.0, 440.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 64.0, 16.0, 16.0, 56.0
_LARGEST, _SMALLEST = 9.0, 2.5  # radii


def reliability_diagram(name: str, points: Sequence[tuple[float, float, float]], *, is_log: bool = False) -> str:
    """Return the diagram as SVG.

    Parameters
    ----------
    name : str
        What is shown, in one sentence.
    points : sequence of (mean probability, share of yeses, share of the pairs)
        One a bin. The area of a point is its share of the pairs.
    is_log : bool, default=False
        Logarithmic axes, where all chances are small.
    """
    inside = [(p, y) for p, y, _ in points]
    highest = max([v for point in inside for v in point], default=1.0) or 1.0
    lowest = min([v for point in inside for v in point if v > 0], default=highest / 10)
    base = 10 if is_log and lowest < highest else 0
    low, high = (lowest / 1.3, min(1.0, highest * 1.3)) if base else (0.0, min(1.0, highest * 1.08))
    x = Axis(low, high, _LEFT, _WIDTH - _RIGHT, base)
    y = Axis(low, high, _HEIGHT - _BOTTOM, _TOP, base)
    middle = number((y.begin + y.end) / 2)
    parts = [
        line(x.begin, y.begin, x.end, y.begin),
        line(x.begin, y.begin, x.begin, y.end),
        line(x.begin, y.begin, x.end, y.end, 'stroke-dasharray="5 4" opacity=".7"'),
        text("promised (mean probability)", (x.begin + x.end) / 2, _HEIGHT - 10, "middle"),
        text("came true (share of yeses)", 0, 0, "middle", f'transform="translate(14 {middle}) rotate(-90)"'),
    ]
    for tick in x.ticks():
        parts.append(line(x.place(tick), y.begin, x.place(tick), y.begin + 5))
        parts.append(text(tick_text(tick), x.place(tick), y.begin + 20, "middle"))
        parts.append(line(x.begin - 5, y.place(tick), x.begin, y.place(tick)))
        parts.append(text(tick_text(tick), x.begin - 9, y.place(tick) + 4, "end"))
    parts.append(polyline((x.place(p), y.place(v)) for p, v in inside))
    most = max((share for *_, share in points), default=1.0)
    for promised, came, share in points:
        radius = max(_SMALLEST, _LARGEST * (share / most) ** 0.5)
        what = f"promised {promised:.4g}, came true {came:.4g}, {share:.1%} of the pairs"
        parts.append(
            f'<circle cx="{number(x.place(promised))}" cy="{number(y.place(came))}" r="{number(radius)}">'
            f"<title>{what}</title></circle>"
        )
    return svg(name, _WIDTH, _HEIGHT, parts)
