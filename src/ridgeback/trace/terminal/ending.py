"""What comes after the steps: the losses, the factors, the recommendations, and what a worked example says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from rich.text import Text

from ridgeback.plain_text import cell_text, number_text, printable
from ridgeback.trace.formulas import matrix as matrix_text
from ridgeback.trace.formulas import number, vector
from ridgeback.trace.reading import Reading
from ridgeback.trace.terminal.layout import Block, Page, grid
from ridgeback.trace.terminal.matrices import energy_shares, largest_items

PARTS = (("observed_loss", "█"), ("unobserved_loss", "▒"), ("regularization_loss", "░"))
LONGEST_BAR = 24
MOST_LINES, N_FIRST, N_LAST = 20, 12, 5
N_TOP_ITEMS = 3


def tell_losses(page: Page, steps: Sequence[Mapping[str, Any]]) -> None:
    """The loss and its parts after every half-step, with bars."""
    steps = [step for step in steps if step["side"] != "rotation"]
    columns = [name for name in ("loss", *(part for part, _ in PARTS), "mse", "cross_entropy", "validation")
               if any(step[name] for step in steps)]  # fmt: skip
    if "loss" in columns and sum(part in columns for part, _ in PARTS) == 1:
        columns = [name for name in columns if name not in dict(PARTS)]
    page.heading("loss after every half-step")
    largest = max(abs(step["loss"]) for step in steps)
    has_bars = largest > 0 and all(step[part] >= 0 for step in steps for part, _ in PARTS)
    heads = ["step", "", *(name.replace("_loss", "").replace("mse", "MSE").replace("_", "-") for name in columns)]
    rows = [[Text(head, style="bold") for head in heads] + [Text()]]
    shown = list(range(len(steps)))
    if len(steps) > MOST_LINES:
        shown = [*range(N_FIRST), *range(len(steps) - N_LAST, len(steps))]
    for place in shown:
        if place and place - 1 not in shown:
            rows.append(
                [Text(f"... {len(steps) - len(shown)} more half-steps", style="dim"), *(Text() for _ in rows[0][1:])]
            )
        step = steps[place]
        bar = _bar(step, largest) if has_bars else Text()
        name = "start" if step["side"] == "start" else f"{step['iteration']} {step['side']}"
        rows.append([Text(str(step["index"])), Text(name), *(Text(cell_text(step[c])) for c in columns), bar])
    block = grid(rows, [False, False, *([True] * len(columns)), False])
    if any(line.cell_len > page.width for line in block):
        block = grid([row[:-1] for row in rows], [False, False, *([True] * len(columns))])
        has_bars = False
    page.block(block)
    if has_bars and len(columns) > 1:
        names = ((symbol, part.replace("_loss", "")) for part, symbol in PARTS if part in columns)
        page.say("  ".join(f"{symbol} {name}" for symbol, name in names), "dim")


def _bar(step: Mapping[str, Any], largest: float) -> Text:
    bar, done, length = Text(), 0, 0.0
    for part, symbol in PARTS:
        length += LONGEST_BAR * step[part] / largest
        n = round(length) - done
        bar.append(symbol * n)
        done += n
    return bar


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
    cells = [[Text(cell, style="bold" if n == 0 else "") for cell in row] for n, row in enumerate(rows)]
    page.block(grid(cells, [False] * len(rows[0])))
    _left_out(page, factors.shape[1] - n_rows, "factor")


def tell_recommendations(page: Page, reading: Reading, step: Mapping[str, Any], n_rows: int) -> None:
    """The pairs that nobody listed, best first within each user."""
    if step["predictions"] is None or (reading.header["example"] or {}).get("recommendations"):
        return
    scores = step["predictions"] if step["scores"] is None else step["scores"]
    found = []
    for user in range(len(reading.users)):
        items = [i for i in range(len(reading.items)) if (p := reading.pair(user, i)) is None or p.is_implied]
        ranked = sorted(items, key=lambda i: -scores[user, i])
        found += [(user, i, float(scores[user, i]), float(step["predictions"][user, i])) for i in ranked]
    page.heading("recommendation", "unknown pairs, best first")
    if not found:
        page.say("every pair is known: nothing is left to recommend")
        return
    is_chance = step["scores"] is not None
    rows = [[Text(head, style="bold") for head in ("user", "item", "score", *(["probability"] if is_chance else []))]]
    for user, i, score, prediction in found[: 2 * n_rows]:
        chance = [Text(number_text(prediction))] if is_chance else []
        rows.append([Text(reading.users[user]), Text(reading.items[i]), Text(number_text(score)), *chance])
    page.block(grid(rows, [False, False, True, *([True] if is_chance else [])]))
    _left_out(page, len(found) - 2 * n_rows, "pair")


def tell_example(page: Page, example: Mapping[str, Any] | None) -> None:
    """What a worked example says beside its numbers."""
    if example is None:
        return
    if example["recommendations"]:
        page.heading("recommendation", "best first")
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
