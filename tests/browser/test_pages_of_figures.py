"""The pages of calibrations, explanations, sweeps and reports: accessible, light and dark, wide and on a phone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import ridgeback as rb


@pytest.fixture(scope="module")
def pages() -> dict[str, str]:
    rng = np.random.default_rng(0)
    users, items = np.nonzero(rng.random((60, 40)) < 0.3)
    data = rb.Interactions.from_arrays(users, items, ratings=rng.integers(1, 6, len(users)))
    train, test = rb.split.random(data)
    implicit = rb.ImplicitALS(n_factors=3).fit(train)
    explicit = rb.ExplicitALS(n_factors=3).fit(train)
    return {
        "calibration": implicit.calibrate(test).to_html(),
        "reliability": implicit.reliability(test).to_html(),
        "explanation": explicit.explain(0, 3).to_html(),
        "sweep of ratings": rb.sweep_factors(rb.ExplicitALS, train, test, n_factors=(1, 2, 4)).to_html(),
        "sweep of lists": rb.sweep_factors(rb.ImplicitALS, train, test, n_factors=(1, 2, 4)).to_html(),
        "report": rb.evaluate(explicit, train, test).to_html(),
    }


@pytest.mark.parametrize(("scheme", "width"), [("light", 1100), ("dark", 360)])
def test_axe_finds_nothing_and_nothing_runs_over(
    open_page: Callable[..., Any], pages: dict[str, str], scheme: str, width: int
) -> None:
    from axe_playwright_python.sync_playwright import Axe

    for name, text in pages.items():
        page = open_page(text, selector="main", color_scheme=scheme, viewport={"width": width, "height": 800})
        page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
        result = Axe().run(page)
        assert result.violations_count == 0, (name, result.generate_report())
        assert page.evaluate("document.documentElement.scrollWidth") <= width, name


def test_figures_are_drawn_and_fold_out_by_keyboard(open_page: Callable[..., Any], pages: dict[str, str]) -> None:
    page = open_page(pages["explanation"], selector="main", viewport={"width": 1100, "height": 800})
    bars = page.locator("rect")
    assert bars.count() > 3
    widths = [bars.nth(place).bounding_box()["width"] for place in range(bars.count())]
    assert max(widths) > 100
    table = page.locator("details table")
    assert not table.is_visible()
    page.locator("summary").focus()
    page.keyboard.press("Enter")
    assert table.is_visible()
    text = [line.strip() for line in table.inner_text().splitlines() if line.strip()]
    figures = [float(line.split("\t")[-1]) for line in text[2:] if "\t" in line and line.split("\t")[-1][0] in "+-"]
    assert sum(figures[:-1]) == pytest.approx(figures[-1], abs=1e-9)
