"""Pages and charts: well-formed, named, escaped, in nobody's colours, and to scale."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest

from ridgeback.charts.bars import signed_bars, text_bars
from ridgeback.charts.intervals import interval_chart
from ridgeback.charts.lines import Panel, Series, line_chart
from ridgeback.charts.page import details, page, plain_table, written
from ridgeback.charts.reliability import reliability_diagram
from ridgeback.charts.svg import Axis, shortened

HOSTILE = "<script>alert('&\"')</script>\u202e\x00\ud800"
SVG = "{http://www.w3.org/2000/svg}"


def parsed(chart: str) -> ET.Element:
    """The chart as a tree; fails where it is not well-formed, or has something that does not belong into a page."""
    for foreign in ("<script", " id=", "http://", "url("):
        assert foreign not in chart.replace('xmlns="http://www.w3.org/2000/svg"', ""), foreign
    root = ET.fromstring(chart)
    if root.tag == "div":  # it scrolls where there is no room
        assert (root.get("role"), root.get("tabindex")) == ("region", "0")
        (root,) = root
    assert root.get("role") == "img"
    assert root.find(f"{SVG}title").text == root.get("aria-label")
    return root


def test_bars_tell_signs_apart_without_colour() -> None:
    root = parsed(
        signed_bars("Why", [("up", 2.0), ("down", -1.0), ("nothing", 0.0), (HOSTILE.replace("\x00", ""), 1.0)])
    )
    bars = root.findall(f".//{SVG}rect")
    widths = [float(bar.get("width")) for bar in bars]
    assert widths[0] == pytest.approx(2 * widths[1], abs=0.02)
    assert widths[2] == 0
    assert [bar.get("fill") for bar in bars] == [None, "none", None, None]
    ends = [float(bar.get("x")) + float(bar.get("width")) for bar in bars]
    assert float(bars[0].get("x")) == pytest.approx(ends[1], abs=0.02)  # zero is where one ends and the other begins
    words = [element.text for element in root.iter(f"{SVG}text")]
    assert words[:4] == ["up", "+2.0000", "down", "-1.0000"]


def test_control_characters_do_not_break_a_chart() -> None:
    parsed(signed_bars(HOSTILE, [(HOSTILE, 1.0)]))
    parsed(reliability_diagram(HOSTILE, [(0.1, 0.2, 1.0)]))
    parsed(interval_chart(HOSTILE, [(HOSTILE, 1.0, (0.5, 2.0))]))


@pytest.mark.parametrize("values", [[], [0.0], [1.0], [-1.0], [1e-300, -1e300], [5.0, 0.001, -0.001]])
def test_any_values_make_a_chart(values: list[float]) -> None:
    parsed(signed_bars("Why", [("x", value) for value in values]))
    bars = text_bars(values, 20)
    assert len({len(bar) for bar in bars}) <= 1
    assert len({bar.index("|") for bar in bars}) <= 1
    for value, bar in zip(values, bars, strict=True):
        assert ("+" in bar) == (value > 0)
        assert ("-" in bar) == (value < 0)


def test_values_without_a_bar() -> None:
    assert text_bars([100.0, 1.0, None], 4) == ["|++++", "|+   ", "|    "]
    assert text_bars([None, 1.0, None], 4) == ["|    ", "|++++", "|    "]
    root = parsed(signed_bars("Why", [("large", 100.0), ("small", 1.0)], without_bar=[0]))
    (bar,) = root.findall(f".//{SVG}rect")
    assert float(bar.get("width")) > 300


def test_text_bars_are_to_scale() -> None:
    assert text_bars([2.0, 1.0, -1.0, 0.0], 30) == [
        f"{'':10}|{'+' * 20}",
        f"{'':10}|{'+' * 10}{'':10}",
        f"{'-' * 10}|{'':20}",
        f"{'':10}|{'':20}",
    ]


@pytest.mark.parametrize("is_log", [False, True])
@pytest.mark.parametrize("points", [[(0.0, 0.0, 1.0)], [(1.0, 1.0, 1.0)], [(0.001, 0.0, 0.9), (0.5, 0.4, 0.1)], []])
def test_reliability_diagrams(points: list[tuple[float, float, float]], is_log: bool) -> None:
    root = parsed(reliability_diagram("How well", points, is_log=is_log))
    assert len(root.findall(f".//{SVG}circle")) == len(points)
    for circle in root.findall(f".//{SVG}circle"):
        assert 0 <= float(circle.get("cx")) <= 460
        assert 0 <= float(circle.get("cy")) <= 440


def test_lines_are_told_apart_without_colour() -> None:
    up, down = Series(HOSTILE, [1.0, 2.0, 4.0]), Series("down", [4.0, 2.0, 3.99], is_dashed=True)
    root = parsed(line_chart(HOSTILE, "x", [2.0, 4.0, 8.0], [Panel(HOSTILE, [up, down])], [(4.0, HOSTILE)]))
    lines = root.findall(f"{SVG}polyline")
    assert [line.get("stroke-dasharray") for line in lines] == [None, "6 4"]
    points = root.findall(f"{SVG}circle")
    assert [point.get("fill") for point in points] == [None] * 3 + ["none"] * 3
    heights = [float(point.get("cy")) for point in points]
    assert heights[2] == heights[3] < heights[1] == heights[4] < heights[0]  # equal values stand equally high
    names = [t for t in root.findall(f"{SVG}text") if t.text == "down" or "script" in t.text]
    ends = [float(t.get("y")) for t in names if float(t.get("x")) > 500]
    assert abs(ends[0] - ends[1]) >= 16


@pytest.mark.parametrize("values", [[1.0], [0.0, 0.0], [-5.0, 5.0], [1e-300, 1e300]])
def test_any_values_make_lines(values: list[float]) -> None:
    places = [2.0**i for i in range(len(values))]
    root = parsed(line_chart("name", "x", places, [Panel("one", [Series("a", values)])]))
    for point in root.findall(f"{SVG}circle"):
        assert 0 <= float(point.get("cx")) <= 640
        assert 0 <= float(point.get("cy")) <= 320


def test_axes_have_round_ticks() -> None:
    assert Axis(0.0, 1.0, 0, 100).ticks() == pytest.approx([0, 0.2, 0.4, 0.6, 0.8, 1.0])
    assert Axis(0.83, 0.97, 0, 100).ticks() == pytest.approx([0.85, 0.9, 0.95])
    assert Axis(8, 64, 0, 100, base=2).ticks() == [8, 16, 32, 64]
    assert Axis(0.0005, 0.3, 0, 100, base=10).ticks() == pytest.approx([0.001, 0.01, 0.1])
    assert Axis(5.0, 5.0, 0, 100).place(5.0) == 50
    assert Axis(8, 64, 0, 90, base=2).place(16) == pytest.approx(30)
    assert Axis(0, 1, 10, 20).place(7) == 20


def test_words_are_cut_by_the_cells_they_take() -> None:
    assert shortened("Toy Story", 9) == "Toy Story"
    assert shortened("Toy Story 2", 9) == "Toy Stor…"
    assert shortened("시네마 천국", 11) == "시네마 천국"
    assert shortened("시네마 천국", 8) == "시네마…"


def test_pages_escape_and_name() -> None:
    text = page(HOSTILE, plain_table(HOSTILE, ["a", HOSTILE], [[HOSTILE, "1"]]) + details(HOSTILE, "<p>x</p>"))
    assert "<script" not in text
    text.encode()
    assert text.count("<caption>") == 1
    assert 'lang="en"' in text
    assert "color-scheme: light dark" in text


def test_written(tmp_path) -> None:
    assert written("기생충", None) == "기생충"
    assert written("기생충", tmp_path / "x.html") == "기생충"
    assert (tmp_path / "x.html").read_text(encoding="utf-8") == "기생충\n"


def test_intervals_are_to_scale_and_said_in_words() -> None:
    rows = [("one", 0.2, (0.1, 0.4)), ("two", 0.4, None), ("none", float("nan"), None)]
    root = parsed(interval_chart("Figures", rows))
    one, two = (float(circle.get("cx")) for circle in root.iter(f"{SVG}circle"))
    whisker = next(each for each in root.iter(f"{SVG}line") if each.get("stroke-width") == "2")
    left, right = float(whisker.get("x1")), float(whisker.get("x2"))
    assert right == pytest.approx(two, abs=0.02)
    assert one - left == pytest.approx((two - one) / 2, abs=0.02)
    titles = [element.text for element in root.iter(f"{SVG}title")]
    assert titles[1:] == ["one: 0.2000, between 0.1000 and 0.4000", "two: 0.4000"]
    assert [element.text for element in root.iter(f"{SVG}text")][-2:] == ["none", "-"]


@pytest.mark.parametrize("values", [[], [0.0], [1.0], [-1.0], [1e-300, -1e300], [float("nan")], [0.3, 0.3]])
@pytest.mark.parametrize("from_zero", [True, False])
def test_any_values_make_a_chart_of_intervals(values: list[float], from_zero: bool) -> None:
    parsed(interval_chart("Figures", [("x", value, (value, value)) for value in values], from_zero))
