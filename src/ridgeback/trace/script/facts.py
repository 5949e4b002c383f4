"""What a script must know of a trace before it is written: names, pairs as matrices, and the settings that count."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from ridgeback.solvers.problem import Float64Array
from ridgeback.trace.script.literals import names_of

SIDES = ("users", "items")


@dataclass(frozen=True)
class Facts:
    """The header and the steps of a trace, as the writers of a script look at them."""

    header: Mapping[str, Any]
    steps: list[dict[str, Any]]

    @property
    def family(self) -> str:
        """explicit, implicit or logistic."""
        return str(self.header["family"])

    @property
    def loss(self) -> str:
        """squared, ials, hu or logistic."""
        return str(self.header["loss"])

    @property
    def kind(self) -> str:
        """whole, watched or fold-in."""
        return str(self.header["kind"])

    @property
    def has_biases(self) -> bool:
        """Whether every row's unknown ends in its bias."""
        return self.steps[0]["item_biases"] is not None

    @property
    def has_gram(self) -> bool:
        """Whether all pairs count."""
        return bool(self.header["unobserved_weight"])

    @property
    def is_complete(self) -> bool:
        """Whether all rows of both sides are there, so that Gramians can be computed."""
        return self.kind != "watched" and len(self.names["items"]) == self.header["items"]["n"]

    @cached_property
    def names(self) -> dict[str, list[str]]:
        """Names of the recorded rows of each side."""
        return {side: names_of(self.header[side]["ids"], self.header[side]["titles"]) for side in SIDES}

    @cached_property
    def places(self) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """User and item of every listed pair."""
        pairs = self.header["pairs"]
        return np.asarray(pairs["user"], dtype=np.int64), np.asarray(pairs["item"], dtype=np.int64)

    def column(self, name: str) -> Float64Array:
        """One of the header's columns about the listed pairs."""
        return np.asarray(self.header["pairs"][name], dtype=np.float64)

    def over_pairs(self, values: Float64Array, elsewhere: float = np.nan) -> Float64Array:
        """A value for every pair, (n_users, n_items)."""
        filled = np.full(tuple(len(self.names[side]) for side in SIDES), elsewhere)
        filled[self.places] = values
        return filled

    @cached_property
    def is_implied(self) -> npt.NDArray[np.bool_]:
        """Which listed pairs LogisticMF added itself."""
        return np.asarray(self.header["pairs"]["is_implied"], dtype=bool)

    def counts(self, side: str) -> npt.NDArray[np.int64]:
        """Stored pairs of every row."""
        return np.bincount(self.places[SIDES.index(side)][~self.is_implied], minlength=len(self.names[side]))

    def numbers(self, value: Any) -> Float64Array:
        """A part of the record as a float64 array."""
        return np.asarray(value, dtype=np.float64)

    def ridges(self, side: str, name: str = "ridges") -> Float64Array | None:
        """The recorded ridges of a side that is solved."""
        value = self.header[side][name]
        return None if value is None else self.numbers(value)

    def unknowns(self, step: Mapping[str, Any], side: str) -> Float64Array:
        """Rows ``[x, own bias]`` of one side after a step."""
        factors, biases = self.numbers(step[f"{side[:-1]}_factors"]), step[f"{side[:-1]}_biases"]
        return factors if biases is None else np.hstack([factors, self.numbers(biases)[:, None]])


@dataclass(frozen=True)
class Settings:
    """What the settings make of the data, and which of them have a say in it.

    Attributes
    ----------
    values : dict
        Name to number, of those that count.
    weights : {"ones", "alpha", "given"}
        Where the listed pairs' weights come from.
    has_ridges : bool
        Whether the ridges follow from the settings; else they are given.
    has_mean : bool
        Whether the mean is that of the ratings.
    """

    values: dict[str, float]
    weights: str
    has_ridges: bool
    has_mean: bool


def settings_of(facts: Facts) -> Settings:
    """Try what the settings say against the recorded ridges and weights; what does not follow from them is given."""
    p = facts.header["parameters"]
    values: dict[str, float] = {}
    weights, used = _weights(facts, p)
    values.update(used)
    exponent = float(p["frequency_exponent"])
    has_exponent = _matters(lambda nu: _all_ridges(facts, p, nu), exponent)
    is_plain = _agree(_all_ridges(facts, p, exponent), _all_ridges(facts, p, 0.0))
    has_ridges = _follows_ridges(facts, p) and (has_exponent or is_plain)
    if facts.loss == "ials" and facts.has_gram:
        values["unobserved_weight"] = float(facts.header["unobserved_weight"])
    if has_ridges:
        values["regularization"] = float(p["regularization"])
        if facts.has_biases:
            values["bias_regularization"] = float(p["bias_regularization"])
        if has_exponent:
            values["frequency_exponent"] = float(p["frequency_exponent"])
    return Settings(values, weights, has_ridges, _follows_mean(facts))


def counts_all(facts: Facts) -> bool:
    """Whether unobserved pairs count in a row's frequency (Rendle et al.)."""
    return facts.loss == "ials" and facts.header["parameters"]["frequency_counts"] == "all"


def _solved_sides(facts: Facts) -> list[str]:
    return [side for side in SIDES if facts.ridges(side) is not None]


def _all_ridges(facts: Facts, p: Mapping[str, Any], exponent: float) -> Float64Array:
    """Ridges and bias ridges of every solved row by the settings."""
    parts = []
    for side in _solved_sides(facts):
        counts = facts.counts(side).astype(np.float64)
        if counts_all(facts):
            other = facts.header[SIDES[1 - SIDES.index(side)]]
            counts = counts + facts.header["unobserved_weight"] * other["n"]
        scale = counts**exponent
        parts.append(float(p["regularization"]) * scale)
        if facts.has_biases:
            parts.append(float(p["bias_regularization"]) * scale)
    return np.concatenate(parts)


def _follows_ridges(facts: Facts, p: Mapping[str, Any]) -> bool:
    if facts.kind == "watched":
        return False
    recorded = []
    for side in _solved_sides(facts):
        recorded += [facts.ridges(side, name) for name in ("ridges", "bias_ridges")[: 1 + facts.has_biases]]
    return _agree(
        _all_ridges(facts, p, float(p["frequency_exponent"])), np.concatenate([r for r in recorded if r is not None])
    )


def _follows_mean(facts: Facts) -> bool:
    if facts.kind != "whole" or facts.family != "explicit" or not facts.has_biases:
        return False
    mean = np.average(facts.column("value"), weights=facts.column("weight"))
    return _agree(mean, facts.header["mean"])


def _weights(facts: Facts, p: Mapping[str, Any]) -> tuple[str, dict[str, float]]:
    """Where the weights come from, and the settings in it."""
    recorded = facts.column("weight")
    alpha = None if facts.family == "explicit" else p["alpha"]
    exponents = (0.0, 0.0)
    if facts.family == "implicit":
        exponents = (float(p["weight_exponents"][0]), float(p["weight_exponents"][1]))
    used: dict[str, float] = {}
    if alpha is None:
        base = np.ones_like(recorded)
    else:
        used["alpha"] = float(alpha)
        value = facts.column("value")
        base = float(alpha) * value
        if facts.family == "logistic":
            base = np.where(value > 0, base, 1.0)
    if exponents != (0.0, 0.0) and facts.kind == "whole":
        for place, name in enumerate(("user_weight_exponent", "item_weight_exponent")):

            def moved(one: float, place: int = place) -> Float64Array:
                return _frequency_weights(facts, (one, exponents[1]) if place == 0 else (exponents[0], one))

            if _matters(moved, exponents[place]):
                used[name] = exponents[place]
        base = base * _frequency_weights(facts, exponents)
    if facts.kind == "watched" or not _agree(base, recorded):
        return ("ones" if (recorded == 1).all() else "given"), {}
    return ("ones" if alpha is None else "alpha"), used


def _frequency_weights(facts: Facts, exponents: tuple[float, float]) -> Float64Array:
    """``n_u^-a n_i^-b`` of every listed pair, with mean 1."""
    users, items = facts.places
    by_user = np.maximum(facts.counts("users"), 1) ** -exponents[0]
    by_item = np.maximum(facts.counts("items"), 1) ** -exponents[1]
    weights = by_user[users] * by_item[items]
    return np.asarray(weights / weights.mean())


def _agree(ours: Any, recorded: Any) -> bool:
    return bool(np.allclose(ours, recorded, rtol=1e-12, atol=0))


def _matters(result: Callable[[float], Float64Array], setting: float) -> bool:
    """Whether a result would be another if a setting were: one that changes nothing is not written."""
    moved = setting * 1.01 if setting else 0.01
    return not np.allclose(result(setting), result(moved), rtol=1e-6, atol=0)
