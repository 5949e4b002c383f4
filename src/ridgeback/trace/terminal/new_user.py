"""The trace of a new user: what was given, the system that it makes, the factors, and every item's score."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from rich.text import Text

from ridgeback.plain_text import number_text
from ridgeback.trace import formulas
from ridgeback.trace.reading import Reading
from ridgeback.trace.terminal.layout import Page, beside, grid
from ridgeback.trace.terminal.matrices import energy_shares, factor_heads, matrix

COUNTED = {"squared": "weight w", "ials": "weight w", "hu": "confidence 1 + w", "logistic": "confidence c"}


def tell_new_user(page: Page, reading: Reading, step: Mapping[str, Any], n_rows: int) -> None:
    """Given values, weights, A and b, factors, scores (and probabilities), for every item."""
    header = reading.header
    page.heading(header["title"] or f"{header['model']}: a new user", "one more row to solve, the items stay fixed")
    fit, score = formulas.objective(header)
    page.term("minimises", f"{fit}, over the user's row")
    page.term("score", score)
    page.blank()
    places = _given_first(reading, step)
    shares = energy_shares(reading, step["item_factors"])
    heads = factor_heads(step["item_factors"].shape[1], shares)
    items = matrix("items × factors", reading.items, places, step["item_factors"], heads, page.width, n_rows=n_rows)
    page.block(beside([items, _given(reading, places[:n_rows])], page.width))
    for row in step["rows"]:
        page.heading("the row", "A and b from the items that count, x from A and b")
        first, *lines = formulas.system(reading, step, row)
        page.say(first)
        for line in lines:
            page.say(line, indent=2)
    page.heading("scores", "of every item, best first")
    _tell_scores(page, reading, step, n_rows)


def _given(reading: Reading, places: list[int]) -> list[Text]:
    """What is known of each item, and how much it counts."""
    loss = reading.header["loss"]
    unlisted = float(reading.header["unobserved_weight"])
    target = "less the mean" if reading.header["mean"] else "target"
    rows = [[Text(head, style="bold") for head in ("item", "given", target, COUNTED[loss])]]
    for place in places:
        pair = reading.pair(0, place)
        if pair is None:
            cells = [".", "0" if unlisted else "-", formulas.number(unlisted) if unlisted else "-"]
        else:
            given = "." if pair.is_implied else formulas.number(pair.value)
            cells = [given, formulas.number(pair.target), formulas.number(pair.weight + (loss == "hu"))]
        rows.append([Text(reading.items[place]), *(Text(cell) for cell in cells)])
    return [Text("preferences and weights", style="italic"), *grid(rows, [False, True, True, True])]


def _given_first(reading: Reading, step: Mapping[str, Any]) -> list[int]:
    """The items that were given, then the others by score."""
    given = [item for item in sorted(reading.listed_items(0)) if not reading.pair(0, item).is_implied]  # type: ignore[union-attr]
    others = [int(item) for item in np.argsort(-step["predictions"][0], kind="stable") if int(item) not in set(given)]
    return given + others


def _tell_scores(page: Page, reading: Reading, step: Mapping[str, Any], n_rows: int) -> None:
    ranked = [int(item) for item in np.argsort(-step["predictions"][0], kind="stable")]
    for item in ranked[:n_rows]:
        for line in formulas.score(reading, step, 0, item)[: 2 if step["scores"] is not None else 1]:
            page.say(line)
    if len(ranked) > n_rows:
        last = ranked[-1]
        page.say(
            f"... {len(ranked) - n_rows} more items, down to {reading.items[last]} with "
            f"{number_text(step['predictions'][0, last])}",
            "dim",
        )
