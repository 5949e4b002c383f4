"""The trace of a new user: what was given, the system that it makes, the factors, and every item's score."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from rich.text import Text

from ridgeback.plain_text import number_text
from ridgeback.trace import formulas
from ridgeback.trace.reading import Reading
from ridgeback.trace.systems import gram_lines, system
from ridgeback.trace.terminal.arithmetic import tell_lines
from ridgeback.trace.terminal.layout import Page, beside, grid
from ridgeback.trace.terminal.matrices import energy_shares, factor_heads, matrix
from ridgeback.trace.written import Detail, number

COUNTED = {"squared": "weight w", "ials": "weight w", "hu": "confidence 1 + w", "logistic": "confidence c"}


def tell_new_user(page: Page, reading: Reading, step: Mapping[str, Any], detail: Detail) -> None:
    """Given values, weights, A and b, factors, scores (and probabilities), for every item."""
    header, n_rows = reading.header, detail.n_rows
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
        shared = gram_lines(reading, step, detail)
        if shared:
            tell_lines(page, shared)
            page.blank()
        tell_lines(page, system(reading, step, row, detail))
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
            cells = [".", "0" if unlisted else "-", number(unlisted) if unlisted else "-"]
        else:
            given = "." if pair.is_implied else number(pair.value)
            cells = [given, number(pair.target), number(pair.weight + (loss == "hu"))]
        rows.append([Text(reading.items[place]), *(Text(cell) for cell in cells)])
    return [Text("preferences and weights", style="italic"), *grid(rows, [False, True, True, True])]


def _given_first(reading: Reading, step: Mapping[str, Any]) -> list[int]:
    """The items that were given, then the others by score."""
    given = sorted(_given_items(reading))
    others = [int(item) for item in np.argsort(-step["predictions"][0], kind="stable") if int(item) not in set(given)]
    return given + others


def _given_items(reading: Reading) -> set[int]:
    """The items that the new user has."""
    pairs = {item: reading.pair(0, item) for item in reading.listed_items(0)}
    return {item for item, pair in pairs.items() if pair is not None and not pair.is_implied}


def _tell_scores(page: Page, reading: Reading, step: Mapping[str, Any], n_rows: int) -> None:
    """What to recommend, best first; then what the user has already."""
    given = _given_items(reading)
    ranked = [int(item) for item in np.argsort(-step["predictions"][0], kind="stable")]
    page.heading("what to recommend", "items that this user does not have, best first")
    unknown = [item for item in ranked if item not in given]
    if not unknown:
        page.say("nothing: this user has every item")
    _tell_items(page, reading, step, unknown, n_rows)
    if given:
        page.heading("what this user has", "marked, since it is not recommended")
        _tell_items(page, reading, step, [item for item in ranked if item in given], n_rows, " (has it)")


def _tell_items(
    page: Page, reading: Reading, step: Mapping[str, Any], items: list[int], n_rows: int, mark: str = ""
) -> None:
    """The scores of items, the first ones in full."""
    is_chance = step["scores"] is not None
    for item in items[:n_rows]:
        first, *lines = formulas.score(reading, step, 0, item)[: 2 if is_chance else 1]
        page.say(f"{first}{mark}{_outside(reading, step, item)}")
        for line in lines:
            page.say(line)
    if len(items) > n_rows:
        last = items[-1]
        page.say(
            f"... {len(items) - n_rows} more items, down to {reading.items[last]} with "
            f"{number_text(step['predictions'][0, last])}",
            "dim",
        )


def _outside(reading: Reading, step: Mapping[str, Any], item: int) -> str:
    """That predict would clip a rating to the range of those that the model was fitted on."""
    span = reading.header.get("rating_range")
    if span is None or span[0] <= step["predictions"][0, item] <= span[1]:
        return ""
    return f" (unclipped; predict clips to {number(span[0])}..{number(span[1])})"
