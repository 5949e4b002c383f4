"""The first block of a script: data, settings and starting matrices, and nothing that follows from them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ridgeback.trace.script.facts import SIDES, Facts, Settings, counts_all
from ridgeback.trace.script.literals import assigned, literal, matrix


def given(facts: Facts, settings: Settings, n_cg_steps: int) -> str:
    """The block of a whole trace, or of one new user."""
    users, items = facts.names["users"], facts.names["items"]
    parts = [assigned("users", users) + assigned("items", items), *_data(facts, settings)]
    if facts.header["unobserved_weight"] and counts_all(facts) and not facts.is_complete and settings.has_ridges:
        parts.append(
            "# Items in the model; only some are shown here.\n" + assigned("n_items", facts.header["items"]["n"])
        )
    parts.append("".join(assigned(name, value) for name, value in settings.values.items()))
    if not settings.has_ridges:
        parts += list(_ridges(facts))
    if facts.family == "explicit" and facts.has_biases and not settings.has_mean:
        parts.append(
            "# The mean of all ratings that the model was fitted to.\n" + assigned("mean", facts.header["mean"])
        )
    return "\n".join(part for part in [*parts, *_solver_settings(facts, n_cg_steps), *_start(facts)] if part)


def _data(facts: Facts, settings: Settings) -> Iterator[str]:
    """The data matrix, as much of it as the model looks at, and weights that do not follow from it."""
    users, items = facts.names["users"], facts.names["items"]
    if facts.family == "explicit":
        yield "# Ratings: rows are users, columns are items, nan is a pair that nobody rated.\n" + matrix(
            "ratings", facts.over_pairs(facts.column("value")), users, items
        )
    elif facts.family == "logistic":
        yield from _answers(facts, settings)
    elif settings.weights == "alpha":
        yield "# How often each user met each item; 0 is never.\n" + matrix(
            "counts", facts.over_pairs(facts.column("value"), 0.0), users, items
        )
    elif settings.weights == "ones":
        yield "# Which items each user met: rows are users, columns are items.\n" + matrix(
            "preferences", facts.over_pairs(np.ones(len(facts.places[0])), 0.0), users, items
        )
    if settings.weights == "given":
        yield "# Weight of each listed pair; nan where nothing is listed.\n" + matrix(
            "pair_weights", facts.over_pairs(facts.column("weight")), users, items
        )


def _answers(facts: Facts, settings: Settings) -> Iterator[str]:
    """Yeses and noes, or the values behind them, and the noes that nobody stored."""
    users, items = facts.names["users"], facts.names["items"]
    stored = facts.column("value") if settings.weights == "alpha" else facts.column("target")
    shown = facts.over_pairs(np.where(facts.is_implied, np.nan, stored))
    if settings.weights == "alpha":
        yield "# How often each user met each item: more than 0 is a yes, 0 a no, nan is not stored.\n" + matrix(
            "counts", shown, users, items
        )
    else:
        yield "# What each user said of each item: 1 is yes, 0 is no, nan is not stored.\n" + matrix(
            "answers", shown, users, items
        )
    if facts.is_implied.any() and not takes_all_noes(facts):
        places = zip(*(part[facts.is_implied] for part in facts.places), strict=True)
        noes = [literal([users[u], items[i]]).replace("[", "(", 1)[:-1] + ")" for u, i in places]
        yield (
            "# Noes that nobody stored, drawn when the fit began.\n"
            + "implied_noes = [\n    "
            + ",\n    ".join(noes)
            + ",\n]\n"
        )


def takes_all_noes(facts: Facts) -> bool:
    """Whether every pair that is not stored is a no."""
    return len(facts.places[0]) == len(facts.names["users"]) * len(facts.names["items"])


def _ridges(facts: Facts) -> Iterator[str]:
    """Ridges that do not follow from settings."""
    for side in SIDES:
        for name in ("ridges", "bias_ridges"):
            values = facts.ridges(side, name)
            if values is not None:
                yield assigned(f"{side[:-1]}_{name}", values.tolist())


def _solver_settings(facts: Facts, n_cg_steps: int) -> Iterator[str]:
    """What the solver was told, where some row felt it."""
    steps = [step for step in facts.steps if step["method"] in ("gradient", "adagrad")]
    if steps:
        yield assigned("step_size", facts.header["parameters"]["step_size"])
    if n_cg_steps:
        yield assigned("n_cg_steps", n_cg_steps)


def _start(facts: Facts) -> Iterator[str]:
    """Where the factors begin; in a fold-in the fixed items."""
    first = facts.steps[0]
    sides = SIDES if facts.kind == "whole" else ("items",)
    for side in sides:
        what = "begin" if facts.kind == "whole" else "stand"
        yield f"# Where the factors of the {side} {what}: a row each.\n" + matrix(
            f"{side[:-1]}_factors", facts.numbers(first[f"{side[:-1]}_factors"]), facts.names[side], None
        )
        biases = first[f"{side[:-1]}_biases"]
        if biases is not None and np.any(biases):
            yield assigned(f"{side[:-1]}_biases", facts.numbers(biases).tolist())
    if facts.kind == "fold-in" and facts.has_gram and not facts.is_complete:
        yield "# Y^T Y over all items of the model.\n" + assigned("item_gram", symmetric(facts, first["gram"]))


def symmetric(facts: Facts, gram: object) -> list[list[float]]:
    """A Gramian whose two triangles are equal to the last bit, so that the script can hold it to that."""
    whole = facts.numbers(gram)
    return [[float(value) for value in row] for row in (whole + whole.T) / 2]
