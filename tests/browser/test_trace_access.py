"""The page for everybody: axe-core, keyboard alone, dark mode, reduced motion, a phone's width, and paper."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import ridgeback as rb

OpenPage = Callable[..., Any]
PHONE = {"width": 390, "height": 844}

TRACES: dict[str, Callable[[], str]] = {
    "explicit": lambda: rb.examples.explicit_2x2(regularization=0.1).to_html(),
    "logistic": lambda: rb.examples.implicit_2x2("logistic").to_html(),
    "new user": lambda: rb.examples.new_user_2x2("hu").to_html(),
    "two": lambda: rb.examples.implicit_2x2("hu").to_html(other=rb.examples.implicit_2x2("ials")),
}


def complaints(page: Any) -> str:
    """What axe-core finds, everything opened; "" where that is nothing."""
    from axe_playwright_python.sync_playwright import Axe

    page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
    result = Axe().run(page, options={"resultTypes": ["violations"]})
    return str(result.generate_report()) if result.violations_count else ""


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", TRACES)
def test_axe_finds_nothing(open_page: OpenPage, name: str, scheme: str) -> None:
    wide = {"width": 1280, "height": 900}
    page = open_page(TRACES[name](), "#step=2&cell=item_factors,0,1", color_scheme=scheme, viewport=wide)
    assert complaints(page) == ""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_in_other_cells_and_on_a_phone(open_page: OpenPage, scheme: str) -> None:
    page = open_page(TRACES["explicit"](), "#step=1", color_scheme=scheme, viewport=PHONE)
    for cell in ("predictions,0,0", "terms,1,0", "item_factors,0,0"):
        page.evaluate(f"location.hash = '#step=1&cell={cell}'")
        page.wait_for_function("document.querySelector('.verdict')")
        assert complaints(page) == ""


@pytest.mark.parametrize("name", TRACES)
def test_a_phone_scrolls_downwards_only(open_page: OpenPage, name: str) -> None:
    page = open_page(TRACES[name](), "#step=2&cell=user_factors,0,1", viewport=PHONE)
    page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


def test_keyboard_alone_reaches_everything(open_page: OpenPage) -> None:
    page = open_page(TRACES["explicit"](), "#step=1&cell=user_factors,0,0")
    reached = set()
    for _ in range(60):
        page.keyboard.press("Tab")
        name = page.evaluate(
            """() => {
                const { activeElement: at } = document;
                const grid = at.closest("table[role=grid]");
                return (grid ?? at).getAttribute("aria-label") ?? at.textContent.trim() ?? at.tagName;
            }"""
        )
        outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert outline != "none" or page.evaluate("document.activeElement === document.body"), name
        reached.add(name)
    wanted = {"First step", "Play", "Step", "Last step", "Ratings", "User factors", "Item factors", "Predicted ratings"}
    wanted |= {"Differences", "Terms of the loss", "Loss", "Close the arithmetic", "In full precision"}
    wanted |= {"Check every number", "The numbers as a table", "All parameters", "How to read this page, and its keys"}
    assert wanted <= reached


def test_reduced_motion_is_respected(open_page: OpenPage) -> None:
    still = open_page(TRACES["explicit"](), reduced_motion="reduce")
    moving = open_page(TRACES["explicit"](), reduced_motion="no-preference")
    duration = "getComputedStyle(document.querySelector('.grid td[tabindex]')).transitionDuration"
    assert still.evaluate(duration) == "0s"
    assert moving.evaluate(duration) != "0s"
    running = "document.getAnimations().length"
    still.get_by_role("button", name="Step forward").click()
    assert still.evaluate(running) == 0


def test_dark_mode_follows_the_system(open_page: OpenPage) -> None:
    colour = "getComputedStyle(document.querySelector('.ridgeback-trace')).backgroundColor"
    light, dark = (
        open_page(TRACES["explicit"](), color_scheme=scheme).evaluate(colour) for scheme in ("light", "dark")
    )
    assert sum(map(int, light[4:-1].split(","))) > 700
    assert sum(map(int, dark[4:-1].split(","))) < 120


def test_paper_shows_everything_and_no_controls(open_page: OpenPage) -> None:
    page = open_page(TRACES["explicit"](), "#step=1&cell=user_factors,0,0")
    assert page.get_by_role("slider", name="Step").is_visible()
    page.emulate_media(media="print")
    assert not page.get_by_role("slider", name="Step").is_visible()
    assert not page.get_by_role("button", name="Play").is_visible()
    assert page.locator(".where").is_visible()
    page.wait_for_function("[...document.querySelectorAll('details')].every((each) => each.open)")
    assert page.get_by_role("table", name="Loss after every step").is_visible()
    assert page.locator(".panel .verdict").is_visible()
    assert page.locator(".panel").evaluate("element => getComputedStyle(element).position") == "static"
    assert len(page.pdf()) > 10_000
    page.emulate_media(media="screen")
    page.wait_for_function("[...document.querySelectorAll('details')].every((each) => !each.open)")
