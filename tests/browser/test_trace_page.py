"""The trace page as readers use it: steps, cells, the address, two traces, and what hostile names cannot do."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import ridgeback as rb
from ridgeback.trace.html import page as page_of
from ridgeback.trace.notebook import frame

OpenPage = Callable[..., Any]


@pytest.fixture(scope="module")
def explicit() -> rb.Trace:
    return rb.examples.explicit_2x2(regularization=0.1)


@pytest.fixture(scope="module")
def explicit_page(explicit: rb.Trace) -> str:
    return explicit.to_html()


def step_of(page: Any) -> int:
    return int(page.get_by_role("slider", name="Step").first.input_value())


def cell(page: Any, matrix: str, row: int, column: int) -> Any:
    return page.locator(f".matrix.{matrix} tbody tr").nth(row).locator("td[tabindex]").nth(column)


def number_in(element: Any) -> float:
    return float(element.locator(".v").inner_text().replace("\u2212", "-"))


def address_of(page: Any) -> str:
    return str(page.evaluate("location.hash"))


def test_every_matrix_is_a_table_with_headers(open_page: OpenPage, explicit: rb.Trace, explicit_page: str) -> None:
    page = open_page(explicit_page, "#step=1")
    for name in ("user_factors", "item_factors", "predictions", "differences", "terms"):
        shown = [[number_in(cell(page, name, row, column)) for column in range(2)] for row in range(2)]
        np.testing.assert_allclose(shown, explicit.steps[1][name], atol=5.1e-4)
    assert page.locator(".matrix.user_factors tbody th").all_inner_texts() == ["user 1", "user 2"]
    heads = page.locator(".matrix.user_factors thead th").all_inner_texts()
    assert [head.splitlines()[0] for head in heads] == ["factor 1", "factor 2"]
    assert heads[1].splitlines()[1] == "83 % energy"
    assert page.get_by_role("heading", level=1).inner_text() == explicit.header["title"]


def test_changed_cells_carry_a_mark_and_the_value_before(open_page: OpenPage, explicit_page: str) -> None:
    page = open_page(explicit_page, "#step=1")
    assert cell(page, "user_factors", 0, 0).locator(".was").inner_text() == "0.500"
    mark = "element => getComputedStyle(element.querySelector('.was'), '::before').content"
    assert "▲" in cell(page, "user_factors", 0, 0).evaluate(mark)
    assert "▼" in cell(page, "differences", 0, 0).evaluate(mark)
    assert cell(page, "item_factors", 0, 0).locator(".was").inner_text() == ""


def test_the_slider_moves_by_keys(open_page: OpenPage, explicit_page: str) -> None:
    page = open_page(explicit_page)
    slider = page.get_by_role("slider", name="Step")
    slider.focus()
    for key, step in (("ArrowRight", 1), ("ArrowRight", 2), ("ArrowLeft", 1), ("End", 7), ("Home", 0)):
        slider.press(key)
        assert step_of(page) == step
    assert page.locator(".where").inner_text().startswith("Step 0")
    page.get_by_role("spinbutton", name="Step").fill("5")
    page.keyboard.press("Enter")
    assert step_of(page) == 5
    assert page.locator("[aria-live]").inner_text().startswith("Step 5, iteration 3, users, loss ")
    page.get_by_role("spinbutton", name="Step").fill("99")
    page.keyboard.press("Enter")
    assert step_of(page) == 7


def test_keys_work_before_anything_has_the_focus(open_page: OpenPage, explicit_page: str) -> None:
    page = open_page(explicit_page)
    page.keyboard.press("ArrowRight")
    assert step_of(page) == 1
    page.keyboard.press("End")
    assert step_of(page) == 7


def test_a_matrix_is_walked_by_keys_and_has_one_tab_stop(open_page: OpenPage, explicit_page: str) -> None:
    page = open_page(explicit_page, "#step=1")
    assert page.locator(".matrix.predictions td[tabindex='0']").count() == 1
    cell(page, "predictions", 0, 0).focus()
    for key, place in (("ArrowRight", (0, 1)), ("ArrowDown", (1, 1)), ("Home", (1, 0)), ("Control+Home", (0, 0))):
        page.keyboard.press(key)
        assert cell(page, "predictions", *place).evaluate("element => element === document.activeElement")
    page.keyboard.press("PageDown")
    assert step_of(page) == 2
    page.keyboard.press("Enter")
    assert page.locator(".panel h2").inner_text() == "Predicted rating of user 1 for item 1"
    page.keyboard.press("Enter")
    assert page.locator(".panel h2").evaluate("element => element === document.activeElement")
    page.keyboard.press("Escape")
    assert cell(page, "predictions", 0, 0).evaluate("element => element === document.activeElement")
    page.keyboard.press("Escape")
    assert page.locator(".panel h2").inner_text() == "Arithmetic"


def test_the_address_holds_step_and_cell(open_page: OpenPage, explicit_page: str) -> None:
    page = open_page(explicit_page, "#step=3&cell=user_factors,0,1")
    assert step_of(page) == 3
    assert page.locator(".panel h2").inner_text() == "Factor 2 of user 1"
    cell(page, "terms", 1, 0).click()
    assert address_of(page) == "#step=3&cell=terms,1,0"
    page.get_by_role("button", name="Step forward").click()
    assert address_of(page) == "#step=4&cell=terms,1,0"
    page.evaluate("location.hash = '#step=2&cell=item_factors,1,1'")
    page.wait_for_function("document.querySelector('.panel h2').textContent === 'Factor 2 of item 2'")
    assert step_of(page) == 2


@pytest.mark.parametrize(
    "address", ["#step=-1", "#step=x&cell=nothing,0,0", "#cell=terms,9,9", "#step=999&cell=,,", "#%"]
)
def test_a_wrong_address_does_no_harm(open_page: OpenPage, explicit_page: str, address: str) -> None:
    page = open_page(explicit_page, address)
    assert step_of(page) in (0, 7)
    assert page.locator(".panel h2").inner_text() == "Arithmetic"


def test_what_made_a_cell_is_outlined(open_page: OpenPage, explicit_page: str) -> None:
    page = open_page(explicit_page, "#step=1&cell=predictions,1,0")
    lit = {
        name: page.locator(f".matrix.{name} td.lit").count()
        for name in ("ratings", "user_factors", "item_factors", "terms")
    }
    assert lit == {"ratings": 1, "user_factors": 2, "item_factors": 2, "terms": 0}
    assert cell(page, "user_factors", 1, 0).evaluate("element => element.classList.contains('lit')")
    cell(page, "user_factors", 0, 0).click()
    assert page.locator(".matrix.item_factors td.lit").count() == 4
    assert page.locator(".matrix.ratings td.lit").count() == 2


def test_the_chart_goes_to_a_step_and_has_a_table(open_page: OpenPage, explicit: rb.Trace, explicit_page: str) -> None:
    page = open_page(explicit_page)
    page.locator(".chart [data-step='4'] .point").click()
    assert step_of(page) == 4
    assert page.locator(".drawing > svg > title").text_content().startswith("Loss over 8 steps: from 51.0471 to ")
    page.get_by_text("The numbers as a table").click()
    rows = page.locator(".chart tbody tr")
    assert rows.count() == len(explicit.steps)
    loss = float(rows.nth(2).locator("td").first.inner_text())
    assert loss == pytest.approx(explicit.steps[2]["loss"], abs=1e-6)
    rows.nth(2).get_by_role("button").click()
    assert step_of(page) == 2


def test_digits_on_demand(open_page: OpenPage, explicit: rb.Trace, explicit_page: str) -> None:
    page = open_page(explicit_page, "#step=1")
    page.get_by_label("Digits shown").select_option("full")
    shown = cell(page, "user_factors", 0, 0).locator(".v").inner_text()
    assert float(shown) == explicit.steps[1]["user_factors"][0, 0]


def test_play_walks_to_the_end_and_stops(open_page: OpenPage, explicit_page: str) -> None:
    page = open_page(explicit_page, "#step=5")
    page.clock.install()
    page.get_by_role("slider", name="Step").press("Space")
    assert page.get_by_role("button", name="Stop").is_visible()
    page.clock.run_for(10_000)
    assert step_of(page) == 7
    assert page.get_by_role("button", name="Play").is_visible()


def test_two_traces_move_together(open_page: OpenPage, explicit: rb.Trace) -> None:
    page = open_page(explicit.to_html(other=rb.examples.explicit_2x2()), viewport={"width": 1400, "height": 900})
    sliders = page.get_by_role("slider", name="Step")
    assert sliders.count() == 2
    first, second = (page.locator(".ridgeback-trace").nth(at).bounding_box() for at in range(2))
    assert second["x"] >= first["x"] + first["width"]
    sliders.nth(1).focus()
    sliders.nth(1).press("ArrowRight")
    assert [sliders.nth(at).input_value() for at in range(2)] == ["1", "1"]
    cell(page.locator(".ridgeback-trace").nth(0), "user_factors", 0, 0).click()
    assert page.locator(".panel h2").all_inner_texts() == ["Factor 1 of user 1"] * 2
    assert page.locator(".panel .value").all_inner_texts() == ["2.673", "20.000"]


def test_a_link_to_a_cell_brings_it_into_sight(open_page: OpenPage) -> None:
    trace = rb.Trace()
    rb.ExplicitALS(n_factors=2, n_iterations=1).fit(small_data(50, 20, 400), trace=trace)
    page = open_page(trace.to_html(), "#step=1&cell=terms,45,0", viewport={"width": 1200, "height": 700})
    place = page.locator(".matrix.terms td.chosen").bounding_box()
    assert 100 < place["y"] < 700


def test_a_widget_shows_its_record_and_follows_it(open_page: OpenPage, explicit: rb.Trace, explicit_page: str) -> None:
    page = open_page(explicit_page)
    titles = page.evaluate(
        """async ([first, second]) => {
            const { default: widget } = await import("ridgeback-trace");
            const el = document.body.appendChild(document.createElement("div"));
            const listeners = new Map();
            let record = first;
            const model = {
                get: () => record,
                on: (name, listener) => listeners.set(name, listener),
                off: (name) => listeners.delete(name),
            };
            const titles = [];
            const end = widget.render({ model, el });
            titles.push(el.querySelector(".title").textContent);
            record = second;
            listeners.get("change:record")();
            titles.push(el.querySelector(".title").textContent);
            end();
            titles.push(el.textContent, String(listeners.size));
            return titles;
        }""",
        [explicit.to_json(), rb.examples.new_user_2x2().to_json()],
    )
    assert titles == [explicit.header["title"], rb.examples.new_user_2x2().header["title"], "", "0"]


def test_a_frame_shows_the_page(open_page: OpenPage, explicit: rb.Trace) -> None:
    page = open_page(f'<!doctype html><p class="ridgeback-trace">A notebook</p>{frame(explicit)}')
    inside = page.frame_locator("iframe")
    inside.get_by_role("button", name="Step forward").click()
    assert inside.locator(".where").inner_text() == "Step 1 · iteration 1, users"


def test_names_are_never_markup(open_page: OpenPage) -> None:
    hostile = "</script><img src=x onerror='document.title=\"owned\"'><!--"
    users, items = [hostile, hostile, "b"], ["<b>&amp;", "w" * 300, "<b>&amp;"]
    trace = rb.Trace()
    rb.ExplicitALS(n_factors=2, n_iterations=1).fit(
        rb.Interactions.from_arrays(users, items, ratings=[5, 3, 1]), trace=trace
    )
    trace.header["title"] = hostile
    page = open_page(trace.to_html(), "#step=1&cell=user_factors,0,0", viewport={"width": 390, "height": 800})
    names = page.locator(".matrix.user_factors tbody th").all_inner_texts()
    assert hostile in names
    assert page.locator("img").count() == 0
    assert page.title() == hostile
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_an_example_shows_its_tables(open_page: OpenPage, explicit: rb.Trace, explicit_page: str) -> None:
    page = open_page(explicit_page)
    rows = page.locator(".story table.plain").first.locator("> tbody > tr")
    example = explicit.header["example"]
    assert rows.locator("> th").all_inner_texts() == [line["what"] for line in example["comparison"]]
    assert "12.744525" in rows.nth(1).inner_text()
    for remark in example["remarks"]:
        assert page.get_by_text(remark).is_visible()
    assert page.get_by_role("table", name="What to recommend").locator("tbody tr").count() == 1


def test_a_new_user_goes_from_preference_to_preference(open_page: OpenPage) -> None:
    trace = rb.examples.new_user_2x2("hu")
    page = open_page(trace.to_html())
    rows = page.get_by_role("table", name="Every item, best first").locator("tbody tr")
    assert [re.sub(r"\s+", " ", text) for text in rows.all_inner_texts()] == [
        "item 1 1.000 1.000 1.000 2.000 0.644",
        "item 2 · · · · 0.410",
    ]
    assert page.locator(".panel h2").inner_text() == "Factor 1 of new user"
    assert "0.1475" in page.locator(".panel").inner_text()


def small_data(n_users: int, n_items: int, n_pairs: int) -> rb.Interactions:
    rng = np.random.default_rng(0)
    pairs = np.unique(rng.integers(0, n_users * n_items, n_pairs))
    users, items = pairs // n_items, pairs % n_items
    return rb.Interactions.from_arrays(users, items, ratings=rng.integers(1, 6, len(pairs)))


def test_watched_rows_show_their_pairs(open_page: OpenPage) -> None:
    data = small_data(200, 120, 3000)
    trace = rb.Trace(watch_users=[3], watch_items=[7])
    rb.ImplicitALS(n_factors=3, n_iterations=2).fit(data, trace=trace)
    page = open_page(trace.to_html(), "#step=1")
    assert page.locator(".matrix.predictions").count() == 0
    solved = trace.steps[1]["rows"][0]
    rows = page.locator(".story tbody tr")
    assert rows.count() == len(solved["neighbours"])
    page.get_by_role("button", name="See how it was solved").click()
    assert page.locator(".verdict").get_attribute("data-equal") == "true"


def test_large_matrices_are_windowed_and_say_so(open_page: OpenPage) -> None:
    trace = rb.Trace()
    rb.ExplicitALS(n_factors=2, n_iterations=1).fit(small_data(100, 100, 2000), trace=trace)
    page = open_page(trace.to_html(), "#step=1&cell=predictions,90,80")
    assert page.locator(".matrix.predictions td.chosen").count() == 1
    cut = page.locator(".matrix.predictions .cut").text_content()
    assert re.search(r"users \d+ to \d+ of 100, items \d+ to \d+ of 100", cut)
    page.get_by_role("button", name="Earlier users").click()
    page.get_by_role("button", name="Earlier users").click()
    page.get_by_role("button", name="Earlier users").click()
    assert "users 1 to 40 of 100" in page.locator(".matrix.predictions .cut").text_content()


def test_a_step_writes_only_what_differs(open_page: OpenPage, explicit: rb.Trace) -> None:
    page = open_page(page_of(explicit))
    watch = """() => {
        window.written = new Set();
        new MutationObserver((changes) => changes.forEach(({target}) => {
            const matrix = target.parentElement?.closest('.matrix');
            if (matrix) window.written.add(matrix.className);
        })).observe(document.body, {subtree: true, characterData: true});
    }"""
    page.evaluate(watch)
    page.get_by_role("button", name="Step forward").click()
    page.get_by_role("button", name="Step forward").click()
    page.evaluate("window.written.clear()")
    page.get_by_role("button", name="Last step").click()
    written = page.evaluate("[...window.written]")
    assert "matrix predictions" in written
    assert "matrix ratings" not in written
