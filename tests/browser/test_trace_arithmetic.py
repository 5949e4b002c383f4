"""The page does every number again: all agree in every kind of trace, and none does where a number was changed."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import ridgeback as rb
from ridgeback.examples.twins import by_hand
from ridgeback.trace.html import page as page_of

OpenPage = Callable[..., Any]

EXAMPLES: dict[str, Callable[[], rb.Trace]] = {
    "explicit": rb.examples.explicit_2x2,
    "explicit, regularized": lambda: rb.examples.explicit_2x2(regularization=0.1),
    "explicit, one factor": lambda: rb.examples.explicit_2x2(n_factors=1),
    **{f"implicit, {loss}": lambda loss=loss: rb.examples.implicit_2x2(loss) for loss in ("logistic", "hu", "ials")},
    **{
        f"new user, {loss}": lambda loss=loss: rb.examples.new_user_2x2(loss)
        for loss in ("hu", "ials", "logistic", "explicit")
    },
}

MODELS: dict[str, Any] = {
    "cg": rb.ExplicitALS(3, n_iterations=2),
    "exact with biases": rb.ExplicitALS(3, n_iterations=2, solver="exact"),
    "singular": rb.ExplicitALS(6, n_iterations=2, solver="exact", biases=False, regularization=0.0),
    "non-negative": rb.ExplicitALS(3, n_iterations=2, non_negative=True),
    "non-negative implicit": rb.ImplicitALS(3, n_iterations=2, non_negative=True),
    "ials": rb.ImplicitALS(3, n_iterations=2),
    "hu": rb.ImplicitALS(3, n_iterations=2, loss="hu", solver="exact"),
    "accelerated": rb.ImplicitALS(3, n_iterations=3, acceleration="nesterov"),
    "majorize": rb.LogisticMF(3, n_iterations=2),
    "majorize without an optimum": rb.LogisticMF(3, n_iterations=2, biases=False, regularization=0.0),
    "gradient": rb.LogisticMF(3, n_iterations=2, solver="gradient", step_size=5.0),
    "adagrad": rb.LogisticMF(3, n_iterations=2, solver="adagrad"),
}


def data(n_users: int = 12, n_items: int = 8) -> rb.Interactions:
    rng = np.random.default_rng(3)
    pairs = rng.permutation(n_users * n_items)[: n_users * n_items // 2]
    users, items = pairs // n_items, pairs % n_items
    return rb.Interactions.from_arrays(users, items, ratings=rng.integers(1, 6, len(pairs)))


def fitted(model: Any, **keywords: Any) -> rb.Trace:
    trace = keywords.pop("trace", None) or rb.Trace()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", rb.RidgebackWarning)  # models that cannot converge are among these on purpose
        model.fit(keywords.pop("data", None) or data(), trace=trace, **keywords)
    return trace


def verified(page: Any) -> str:
    page.get_by_role("button", name="Check every number").click()
    page.wait_for_selector(".tally.right, .tally.wrong")
    return str(page.locator(".tally").inner_text())


def tallies(page: Any, traces: dict[str, rb.Trace]) -> dict[str, Any]:
    """What the page's module finds in each trace: how many numbers it computed, and the headings of what differs."""
    return {
        name: page.evaluate(
            """async (record) => {
                const { verify } = await import("ridgeback-trace");
                const { n, nothing, failures } = verify(JSON.parse(record));
                return { n, nothing, failures: failures.map(({ step, heading }) => `step ${step}: ${heading}`) };
            }""",
            trace.to_json(),
        )
        for name, trace in traces.items()
    }


def test_every_number_of_every_example_agrees(open_page: OpenPage) -> None:
    traces = {name: make() for name, make in EXAMPLES.items()}
    for name, tally in tallies(open_page(traces["explicit"].to_html()), traces).items():
        steps = traces[name].steps
        shown = ("user_factors", "item_factors", "predictions", "differences", "terms")
        least = sum(int(np.isfinite(step[key]).sum()) for step in steps for key in shown)
        assert tally["failures"] == [], name
        assert tally["n"] + tally["nothing"] > least
        assert tally["nothing"] == steps[0]["item_factors"].size + (
            steps[0]["user_factors"].size if len(steps) > 1 else 0
        )


def test_every_number_of_every_kind_of_fit_agrees(open_page: OpenPage) -> None:
    traces = {}
    for name, model in MODELS.items():
        traces[name] = fitted(model)
        traces[f"{name}, by hand"] = fitted(by_hand(model))
    traces["back to the best"] = fitted(
        rb.ExplicitALS(4, n_iterations=8, regularization=1e-4, solver="exact"), validation=data(), patience=1
    )
    traces["watched"] = fitted(rb.ImplicitALS(4, n_iterations=2), trace=rb.Trace(watch_users=[3], watch_items=[2, 5]))
    traces["new user"] = rb.ExplicitALS(3, n_iterations=2).fit(data()).fold_in({1: 4, 3: 2}).trace()
    found = tallies(open_page(traces["ials"].to_html()), traces)
    assert {name: tally["failures"] for name, tally in found.items() if tally["failures"]} == {}
    assert all(tally["n"] > tally["nothing"] for name, tally in found.items() if name not in ("watched", "new user"))


def test_the_button_checks_every_number(open_page: OpenPage) -> None:
    trace = rb.examples.implicit_2x2("logistic")
    page = open_page(trace.to_html())
    tally = tallies(page, {"logistic": trace})["logistic"]
    assert verified(page).startswith(f"✓ {tally['n']} numbers done again, and every one is the recorded one.")


def test_every_kind_of_cell_shows_that_it_agrees(open_page: OpenPage) -> None:
    page = open_page(rb.examples.explicit_2x2(regularization=0.1).to_html(), "#step=2")
    matrices = ("ratings", "user_factors", "item_factors", "predictions", "differences", "terms", "loss")
    for matrix in matrices:
        for cell in page.locator(f".matrix.{matrix} td[tabindex]").all():
            cell.click()
            assert page.locator(".verdict").get_attribute("data-equal") == "true"
            assert page.locator(".verdict p").first.inner_text().startswith("✓")
    page.get_by_text("In full precision").click()
    assert page.get_by_role("table", name="Computed here, beside the record").is_visible()


def test_a_singular_system_says_so(open_page: OpenPage) -> None:
    page = open_page(fitted(by_hand(MODELS["singular"])).to_html(), "#step=1&cell=user_factors,0,0")
    assert "A is singular" in page.locator(".panel").inner_text()
    assert page.locator(".verdict").get_attribute("data-equal") == "true"
    page.get_by_text("In full precision").click()
    assert "✓ A x = b" in page.locator(".verdict").inner_text()


class Changed:
    """A trace of which one number was changed after it was written."""

    def __init__(self, text: str) -> None:
        self.text = text

    def to_json(self) -> str:
        return self.text


def test_a_changed_number_shows(open_page: OpenPage) -> None:
    text = rb.examples.explicit_2x2(regularization=0.1).to_json()
    assert text.count("2.6732673267326716") > 1
    page = open_page(page_of(Changed(text.replace("2.6732673267326716", "2.6732673367326716", 1))), "#step=1")
    assert verified(page).startswith("✗")
    page.locator(".failures button").first.click()
    assert page.locator(".verdict").get_attribute("data-equal") == "false"
    assert page.locator(".verdict p").first.inner_text().startswith("✗")


# Not recomputed: counts, times, settings; values of which only the sign or nothing enters; and bounds of rounding.
NOT_RECOMPUTED = {"elapsed_s", "index", "iteration", "n_steps", "row", "neighbours", "residual", "condition"}


def numbers_of(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The paths of all numbers that are no rounding dust."""
    if isinstance(value, float):
        if value == 0 or abs(value) > 1e-6:
            yield path
    elif isinstance(value, dict):
        for name, part in value.items():
            if name not in NOT_RECOMPUTED:
                yield from numbers_of(part, (*path, name))
    elif isinstance(value, list):
        for at, part in enumerate(value):
            yield from numbers_of(part, (*path, at))


@pytest.mark.parametrize("name", ["explicit, regularized", "implicit, hu", "implicit, logistic", "new user, ials"])
def test_any_changed_number_shows(open_page: OpenPage, name: str) -> None:
    trace = EXAMPLES[name]()
    record = json.loads(trace.to_json())
    pairs = {key: record["pairs"][key] for key in ("target", "weight", "pull")}
    paths = [("steps", *path) for path in numbers_of(record["steps"])]
    paths += [("pairs", *path) for path in numbers_of(pairs)]
    page = open_page(trace.to_html())
    unnoticed = page.evaluate(
        """async ([record, paths]) => {
            const { verify } = await import("ridgeback-trace");
            return paths.filter((path) => {
                const changed = structuredClone(record);
                const place = path.slice(0, -1).reduce((part, name) => part[name], changed);
                const last = path.at(-1);
                place[last] = place[last] === 0 ? 0.01 : place[last] * 1.01;
                return verify(changed).failures.length === 0;
            });
        }""",
        [record, paths],
    )
    assert len(paths) > 30
    assert unnoticed == []
