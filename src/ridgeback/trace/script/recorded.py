"""The second block of a script: the numbers of the record, each of which the script computes and compares."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ridgeback.solvers.problem import Float64Array
from ridgeback.trace.script.facts import SIDES, Facts

LOSSES = ("loss", "observed_loss", "unobserved_loss", "regularization_loss", "mse", "rmse", "cross_entropy")
OF_A_ROW = ("targets", "confidences", "weights", "pulls", "A", "b", "x", "gradient", "squares")
OF_PAIRS = ("scores", "predictions", "differences", "terms")
SOLVED = {"users": "users", "items": "items", "final users": "users", "fold-in": "users"}
OTHER = {"users": "items", "items": "users"}


def recorded(facts: Facts, is_replayed: bool) -> dict[str, Any]:
    """The block of a whole trace, or of one new user.

    Parameters
    ----------
    facts : Facts
    is_replayed : bool
        Whether the script walks from the start by itself; else each step begins from the recorded numbers before it.
    """
    block = _of_data(facts)
    state = {side: facts.unknowns(facts.steps[0], side) for side in SIDES}
    if facts.kind == "fold-in":
        state["users"] = np.zeros_like(state["users"])
    steps = []
    for step in facts.steps:
        part = head(step)
        if facts.kind != "fold-in":
            part["iteration"] = int(step["iteration"])
        if not (step["side"] == "rotation" and goes_back(facts)):
            part |= {name: float(step[name]) for name in LOSSES if _counts(facts, step, name)}
        if step["side"] == "start":
            part |= {f"{side[:-1]}_unknowns": state[side].tolist() for side in SIDES}
        elif step["side"] == "rotation":
            part |= _rotation(facts, step, state)
        else:
            part |= _half_step(facts, step, state, is_replayed)
        steps.append(part | _of_pairs(facts, step))
    if facts.kind == "fold-in" and not (facts.has_gram and facts.is_complete):
        items = facts.unknowns(facts.steps[0], "items")
        block["item_sums"] = np.abs(items).sum(axis=0).tolist()
    return {**block, "steps": steps}


def goes_back(facts: Facts) -> bool:
    """Whether the items went back to an earlier iteration."""
    return any("best iteration" in str(step["note"]) for step in facts.steps)


def head(step: Mapping[str, Any]) -> dict[str, Any]:
    """What kind of step it is."""
    return {"side": step["side"]} | ({} if step["method"] is None else {"method": step["method"]})


def row_of(facts: Facts, row: Mapping[str, Any], is_replayed: bool) -> dict[str, Any]:
    """One solved row, as much of it as the method has."""
    part: dict[str, Any] = {"name": facts.names[row["side"]][row["row"]]}
    for name in OF_A_ROW:
        if name == "x" and row["kkt_residual"] is not None and row["is_singular"]:
            continue  # one of many minima
        if row[name] is not None and not (name == "weights" and row["pulls"] is None):
            part[name] = facts.numbers(row[name]).tolist()
    for name in ("n_halvings",) + (("n_steps",) if is_replayed else ()):
        if row[name] is not None:
            part[name] = int(row[name])
    before, after = facts.numbers(row["before"]), facts.numbers(row["after"])
    if not is_replayed or row["n_steps"] is not None:
        part["after"] = after.tolist()
    return part | {"change": (after - before).tolist()}


def _of_data(facts: Facts) -> dict[str, Any]:
    """What the settings make of the data."""
    pairs = facts.header["pairs"]
    block: dict[str, Any] = (
        {"mean": float(facts.header["mean"])} if facts.has_biases and facts.family == "explicit" else {}
    )
    block["pairs"] = {
        name: facts.column(name).tolist() for name in ("target", "weight", "pull") if pairs[name] is not None
    }
    for side in SIDES:
        for name in ("ridges", "bias_ridges"):
            values = facts.ridges(side, name)
            if values is not None:
                block[f"{side[:-1]}_{name}"] = values.tolist()
    return block


def _counts(facts: Facts, step: Mapping[str, Any], name: str) -> bool:
    """Whether the model has this part of the loss."""
    return step[name] is not None and (name != "unobserved_loss" or facts.has_gram)


def _rotation(facts: Facts, step: Mapping[str, Any], state: dict[str, Float64Array]) -> dict[str, Any]:
    rotation = facts.numbers(step["rotation"])
    part: dict[str, Any] = {"rotation": np.where(np.abs(rotation) < 1e-10, 0.0, rotation).tolist()}
    k = len(rotation)
    for side in SIDES:
        state[side] = facts.unknowns(step, side)
        part[f"{side[:-1]}_factors"] = state[side][:, :k].tolist()
    return part


def _half_step(
    facts: Facts, step: Mapping[str, Any], state: dict[str, Float64Array], is_replayed: bool
) -> dict[str, Any]:
    """The Gramian and the rows; the fixed side too, where it is not as the step before left it."""
    side = SOLVED[step["side"]]
    part: dict[str, Any] = {}
    fixed = facts.unknowns(step, OTHER[side])
    if not is_replayed and not np.array_equal(fixed, state[OTHER[side]]):
        part["fixed_unknowns"] = fixed.tolist()
        state[OTHER[side]] = fixed
    if step["gram"] is not None and facts.is_complete:
        part["gram"] = facts.numbers(step["gram"]).tolist()
    state[side] = facts.unknowns(step, side)
    return part | {"rows": [row_of(facts, row, is_replayed) for row in step["rows"]]}


def _of_pairs(facts: Facts, step: Mapping[str, Any]) -> dict[str, Any]:
    """Scores and predictions of all pairs, differences and terms of the listed ones."""
    if step["predictions"] is None:
        return {}
    part = {name: facts.numbers(step[name]).tolist() for name in ("scores", "predictions") if step[name] is not None}
    return part | {name: facts.numbers(step[name])[facts.places].tolist() for name in ("differences", "terms")}
