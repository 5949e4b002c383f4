"""The blocks of a watched trace: each watched row's step from its stored neighbours, weights and Gramian."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ridgeback.errors import ParameterError
from ridgeback.solvers.problem import Float64Array
from ridgeback.trace.script.facts import SIDES, Facts
from ridgeback.trace.script.given import symmetric
from ridgeback.trace.script.literals import assigned
from ridgeback.trace.script.recorded import OF_PAIRS, OTHER, SOLVED, head, row_of


def blocks(facts: Facts, weights: str) -> tuple[str, dict[str, Any]]:
    """The given block and the recorded one.

    Raises
    ------
    ParameterError
        When no watched row was ever solved.
    """
    steps = [step for step in facts.steps if step["rows"]]
    if not steps:
        raise ParameterError("None of the watched rows has a pair, so there is nothing to write a script about.")
    told, taken = _Walk(facts), []
    for step in facts.steps[1:]:
        if step["side"] == "rotation" and any(later["rows"] for later in facts.steps[step["index"] + 1 :]):
            taken.append(told.rotation(step))
        elif step["rows"]:
            taken.append(told.half_step(step))
    watched = {side: _watched(facts, side, weights) for side in SIDES}
    parts = [
        "# The watched rows: their pairs, what they pay for their length, and where they begin.",
        assigned("watched", {side: rows for side, rows in watched.items() if rows}),
        *_settings(facts),
        "# What stands still in each step: the factors of the neighbours"
        + (", and Y^T Y over all rows." if facts.has_gram else "."),
        assigned("standing", [given for given, _ in taken]),
    ]
    return "\n".join(parts), {"steps": [recorded for _, recorded in taken]}


def _settings(facts: Facts) -> list[str]:
    """What counts for every row."""
    parts = [assigned("n_factors", int(facts.header["n_factors"]))]
    if facts.family == "explicit" and facts.has_biases:
        parts.append(assigned("mean", float(facts.header["mean"])))
    if facts.loss == "ials" and facts.has_gram:
        parts.append(assigned("unobserved_weight", float(facts.header["unobserved_weight"])))
    if any(step["method"] in ("gradient", "adagrad") for step in facts.steps):
        parts.append(assigned("step_size", float(facts.header["parameters"]["step_size"])))
    return parts


def _watched(facts: Facts, side: str, weights: str) -> dict[str, Any]:
    """The rows of one side that are solved somewhere."""
    solved = {
        row["row"]: row for step in facts.steps if step["rows"] and SOLVED[step["side"]] == side for row in step["rows"]
    }
    own, other = facts.places if side == "users" else facts.places[::-1]
    ridges, bias_ridges = facts.ridges(side), facts.ridges(side, "bias_ridges")
    start = facts.unknowns(facts.steps[0], side)
    rows = {}
    for place in sorted(solved):
        entries = np.flatnonzero(own == place)
        entries = entries[np.argsort(other[entries], kind="stable")]
        row: dict[str, Any] = {"neighbours": [facts.names[OTHER[side]][j] for j in other[entries]]}
        if facts.family == "explicit":
            row["ratings"] = facts.column("value")[entries].tolist()
        elif facts.family == "logistic":
            row["answers"] = facts.column("target")[entries].tolist()
        if weights != "ones":
            row["weights"] = facts.column("weight")[entries].tolist()
        row["ridge"] = float(ridges[place]) if ridges is not None else 0.0
        if bias_ridges is not None:
            row["bias_ridge"] = float(bias_ridges[place])
        if _begins_at_start(facts, side, place, start[place]):
            row["start"] = start[place].tolist()
        rows[facts.names[side][place]] = row
    return rows


def _begins_at_start(facts: Facts, side: str, place: int, start: Float64Array) -> bool:
    """Whether the row's first step leads from its start: no rotation and no rounding came before."""
    for step in facts.steps[1:]:
        for row in step["rows"]:
            if (row["side"], row["row"]) == (side, place):
                return np.array_equal(facts.numbers(row["before"]), start)
        if step["side"] == "rotation":
            return False
    return False


class _Walk:
    """Where every row stands as the script knows it, to tell what has moved by itself."""

    def __init__(self, facts: Facts) -> None:
        self.facts = facts
        self._stands: dict[tuple[str, int], Float64Array] = {}

    def half_step(self, step: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        """What stands still in a step and what came of it."""
        facts, side = self.facts, SOLVED[step["side"]]
        names, fixed = facts.names[OTHER[side]], facts.unknowns(step, OTHER[side])
        neighbours = sorted({j for row in step["rows"] for j in row["neighbours"]})
        given: dict[str, Any] = {"unknowns": {names[j]: fixed[j].tolist() for j in neighbours}}
        if step["gram"] is not None:
            given["gram"] = symmetric(facts, step["gram"])
        moved = {row["row"]: facts.numbers(row["before"]) for row in step["rows"]}
        last = self._last(side)
        given_before = {
            facts.names[side][place]: before.tolist()
            for place, before in moved.items()
            if not np.array_equal(before, last[place])
        }
        if given_before:
            given["before"] = given_before
        self._stand(side, {row["row"]: facts.numbers(row["after"]) for row in step["rows"]})
        rows = [self._row(row) for row in step["rows"]]
        told = head(step)
        if "gram" in given:
            told["energies"] = np.diag(np.array(given["gram"])).tolist()
        return given, {**told, "rows": rows}

    def rotation(self, step: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        """The turn, and where the watched users stand after it."""
        facts = self.facts
        rotation, after = facts.numbers(step["rotation"]), facts.unknowns(step, "users")
        later = [row for one in facts.steps[step["index"] + 1 :] for row in one["rows"]]
        places = sorted({row["row"] for row in later if row["side"] == "users"})
        self._stand("users", {place: after[place] for place in places})
        return {}, {
            **head(step),
            "rotation": np.where(np.abs(rotation) < 1e-10, 0.0, rotation).tolist(),
            "users": {facts.names["users"][place]: after[place].tolist() for place in places},
        }

    def _row(self, row: Mapping[str, Any]) -> dict[str, Any]:
        told = row_of(self.facts, row, is_replayed=False)
        names = OF_PAIRS if self.facts.family == "logistic" else OF_PAIRS[1:]
        return told | {name: self.facts.numbers(row[name]).tolist() for name in names}

    def _last(self, side: str) -> dict[int, Float64Array]:
        start = self.facts.unknowns(self.facts.steps[0], side)
        return {place: self._stands.get((side, place), start[place]) for place in range(len(start))}

    def _stand(self, side: str, rows: Mapping[int, Float64Array]) -> None:
        self._stands.update({(side, place): row for place, row in rows.items()})
