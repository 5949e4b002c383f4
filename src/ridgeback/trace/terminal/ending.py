"""What comes after the steps: the losses, the factors, the recommendations, and what a worked example says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from rich.text import Text

from ridgeback.plain_text import cell_text, number_text, printable
from ridgeback.trace.reading import Reading
from ridgeback.trace.terminal.layout import Block, Page, grid, wrapped
from ridgeback.trace.terminal.matrices import energy_shares, largest_items
from ridgeback.trace.written import matrix as matrix_text
from ridgeback.trace.written import number, vector

PARTS = (
    ("observed_loss", "listed pairs", "█"),
    ("unobserved_loss", "all pairs", "▒"),
    ("regularization_loss", "regularization", "░"),
)
_HEADS = {**{part: name for part, name, _ in PARTS}, "mse": "MSE", "cross_entropy": "cross-entropy"}
SHORTEST_BAR, LONGEST_BAR = 8, 24
MOST_LINES, N_FIRST, N_LAST = 20, 12, 5
N_TOP_ITEMS = 3
NARROWEST_LIST = 10


def tell_losses(page: Page, steps: Sequence[Mapping[str, Any]]) -> None:
    """The loss and its parts after every step, with bars; the rotation, which changes none of them, among them."""
    parts = [part for part, _, _ in PARTS]
    columns = [name for name in ("loss", *parts, "mse", "cross_entropy", "validation")
               if any(step[name] for step in steps)]  # fmt: skip
    if "loss" in columns and sum(part in columns for part in parts) == 1:
        columns = [name for name in columns if name not in parts]
    page.heading("loss after every step")
    heads = ["step", "", *(_HEADS.get(name, name) for name in columns)]
    rows = [[Text(head, style="bold") for head in heads]]
    shown = list(range(len(steps)))
    if len(steps) > MOST_LINES:
        shown = [*range(N_FIRST), *range(len(steps) - N_LAST, len(steps))]
    for place in shown:
        step = steps[place]
        name = step["side"] if step["side"] in ("start", "rotation") else f"{step['iteration']} {step['side']}"
        rows.append([Text(str(step["index"])), Text(name), *(Text(cell_text(step[c])) for c in columns)])
    block = grid(rows, [False, False, *([True] * len(columns))])
    used = _add_bars(block, [steps[place] for place in shown], page.width)
    if len(shown) < len(steps):
        block.insert(N_FIRST + 1, Text(f"... {len(steps) - len(shown)} more steps", style="dim"))
    page.block(block)
    if len(used) > 1:
        page.say(", ".join(f"{symbol} {name}" for name, symbol in used), "dim")


def _add_bars(block: Block, steps: Sequence[Mapping[str, Any]], width: int) -> list[tuple[str, str]]:
    """Draw each step's loss as a bar of its parts, where there is room and no part is negative; the parts drawn."""
    room = min(LONGEST_BAR, width - max(line.cell_len for line in block) - 2)
    largest = max(step["loss"] for step in steps)
    if room < SHORTEST_BAR or largest <= 0 or any(step[part] < 0 for step in steps for part, _, _ in PARTS):
        return []
    for line, step in zip(block[1:], steps, strict=True):
        done, length = 0, 0.0
        line.append("  ")
        for part, _, symbol in PARTS:
            length += room * step[part] / largest
            line.append(symbol * (round(length) - done))
            done = round(length)
    return [(name, symbol) for part, name, symbol in PARTS if any(step[part] for step in steps)]


def tell_factors(page: Page, reading: Reading, step: Mapping[str, Any], n_rows: int) -> None:
    """Each factor's share of the energy and its largest items; of a watched trace those that it holds."""
    factors = step["item_factors"]
    shares = energy_shares(reading, factors)
    if reading.is_whole:
        page.heading("factors", "energy: the sum of a factor's squares over the items")
    else:
        page.heading("factors", "by the items that this trace holds")
    rows = [["factor", "share of energy", "largest items"]]
    for factor in range(min(n_rows, factors.shape[1])):
        share = "-" if shares is None else f"{shares[factor]:.1%}".replace("%", " %")
        rows.append([f"f{factor + 1}", share, largest_items(reading, factors, factor, N_TOP_ITEMS)])
    if shares is None:
        rows = [[factor, items] for factor, _, items in rows]
    room = max(NARROWEST_LIST, page.width - sum(max(len(row[c]) for row in rows) + 2 for c in range(len(rows[0]) - 1)))
    cells = []
    for n, (*first, items) in enumerate(rows):
        for m, line in enumerate(wrapped(items, room, 0)):
            parts = [*([""] * len(first) if m else first), line]
            cells.append([Text(part, style="bold" if n == 0 else "") for part in parts])
    page.block(grid(cells, [False] * len(rows[0])))
    _left_out(page, factors.shape[1] - n_rows, "factor")


def tell_recommendations(page: Page, reading: Reading, step: Mapping[str, Any], n_rows: int) -> None:
    """The pairs that nobody listed, best first within each user; of users and items that have any pair at all."""
    if step["predictions"] is None or (reading.header["example"] or {}).get("recommendations"):
        return
    page.heading("recommendation", "unknown pairs, best first")
    places = range(len(reading.users)), range(len(reading.items))
    is_listed: npt.NDArray[np.bool_] = np.isfinite(reading.table("value", *places))
    if is_listed.all():
        page.say("every pair is known: nothing is left to recommend")
        return
    scores = step["predictions"] if step["scores"] is None else step["scores"]
    has_any: dict[str, npt.NDArray[np.bool_]] = {
        "users": np.asarray(is_listed.any(axis=1)),
        "items": np.asarray(is_listed.any(axis=0)),
    }
    eligible = ~is_listed & has_any["users"][:, None] & has_any["items"]
    found = [
        (user, int(item))
        for user in range(len(scores))
        for item in np.argsort(-scores[user], kind="stable")
        if eligible[user, item]
    ]
    is_chance = step["scores"] is not None
    rows = [[Text(head, style="bold") for head in ("user", "item", "score", *(["probability"] if is_chance else []))]]
    for user, item in found[: 2 * n_rows]:
        numbers = [scores[user, item], *([step["predictions"][user, item]] if is_chance else [])]
        names = [reading.users[user], reading.items[item]]
        rows.append([*map(Text, names), *(Text(number_text(value)) for value in numbers)])
    if found:
        page.block(grid(rows, [False, False, *([True] * (1 + is_chance))]))
    _left_out(page, len(found) - 2 * n_rows, "pair")
    empty = [reading.names(side)[int(place)] for side, has in has_any.items() for place in np.flatnonzero(~has)]
    if empty:
        more = f" and {len(empty) - n_rows} more" if len(empty) > n_rows else ""
        page.say(f"left out, since they have no pair to learn from: {', '.join(empty[:n_rows])}{more}")


def tell_example(page: Page, example: Mapping[str, Any] | None) -> None:
    """What a worked example says beside its numbers."""
    if example is None:
        return
    if example["recommendations"]:
        source = example.get("recommended_from")
        page.heading("recommendation", "best first" + (f", from {printable(source)}" if source else ""))
        page.block(_ranked(example["recommendations"]))
    if example["comparison"]:
        page.heading("what the tutorial prints, and what is right")
        for line in example["comparison"]:
            page.say(printable(line["what"]), "bold")
            page.term("  printed", _value(line["printed"]))
            page.term("  right", _value(line["right"]))
            page.term("  why", printable(line["why"]))
    if example["remarks"]:
        page.heading("remarks")
        for remark in example["remarks"]:
            page.say(f"- {printable(remark)}", hang=2)


def _ranked(recommendations: Sequence[Mapping[str, Any]]) -> Block:
    is_chance = any(line["prediction"] != line["score"] for line in recommendations)
    heads = ["user", "item", "score", *(["probability"] if is_chance else [])]
    rows = [[Text(head, style="bold") for head in heads]]
    for line in recommendations:
        numbers = [line["score"], *([line["prediction"]] if is_chance else [])]
        user = "new user" if line["user"] is None else printable(str(line["user"]))
        rows.append([Text(user), Text(printable(str(line["item"]))), *(Text(number_text(n)) for n in numbers)])
    return grid(rows, [False, False, *([True] * (len(heads) - 2))])


def _value(value: Any) -> str:
    array = np.asarray(value)
    if array.ndim == 0:
        return number(array) if array.dtype.kind in "if" else printable(str(value))
    return matrix_text(array) if array.ndim == 2 else vector(array)


def _left_out(page: Page, n: int, word: str) -> None:
    if n > 0:
        page.say(f"... {n} more {word}{'' if n == 1 else 's'}", "dim")
