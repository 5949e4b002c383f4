"""What a row's system is made of besides its factors: the ridges with their counts, and the targets without biases."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ridgeback.solvers.problem import Float64Array
from ridgeback.trace.reading import Names, Reading
from ridgeback.trace.written import as_factor, number


def ridge_lines(reading: Reading, row: Mapping[str, Any], others: Names, unobserved: float) -> Iterator[str]:
    """How the ridges of one row come about, where they are not the regularization itself.

    Parameters
    ----------
    reading : Reading
    row : dict
    others : Names
        Of the fixed side.
    unobserved : float
        Weight of all pairs.
    """
    p = reading.header["parameters"]
    exponent, n, base = p.get("frequency_exponent") or 0, len(row["neighbours"]), float(len(row["neighbours"]))
    words, numbers = "n^nu", f"{n}^{number(exponent)}"
    if unobserved and p.get("frequency_counts") == "all" and reading.header["loss"] == "ials":
        base += unobserved * others.n_in_model
        words = f"(n + unobserved_weight × {others.word}s)^nu"
        numbers = f"({n} + {number(unobserved)} × {others.n_in_model})^{number(exponent)}"
    named = [("ridge", "regularization", row["ridge"])]
    if row["bias_ridge"] is not None:
        named.append(("bias ridge", "bias_regularization", row["bias_ridge"]))
    for name, parameter, ridge in named:
        value = p.get(parameter)
        if not ridge or value is None or (not exponent and len(named) == 1):
            continue
        if not exponent:
            yield f"{name} = {parameter} = {number(ridge)}"
        elif math.isclose(value * base**exponent, ridge, rel_tol=1e-6):
            yield f"{name} = {parameter} × {words} = {number(value)} × {numbers} = {number(ridge)}"
        else:
            yield f"{name} = {number(ridge)}"


def target_lines(
    reading: Reading, row: Mapping[str, Any], others: Names, places: Sequence[int], offsets: Float64Array, most: int
) -> Iterator[str]:
    """What is left of each rating for the product: less the mean and the other side's bias; none without either."""
    mean = float(reading.header["mean"])
    if reading.family != "explicit" or not (mean or offsets.any()):
        return
    with_bias = row["bias_ridge"] is not None
    bias = f" - bias of the {others.word}" if with_bias else ""
    yield f"t = rating - mean{bias}, the mean being {number(mean)}; the own bias is solved for with the factors"
    for n, place in enumerate(places[:most]):
        target, offset = float(row["targets"][n]), float(offsets[n])
        less = f" - {as_factor(offset)}" if with_bias else ""
        yield f"t({others[place]}) = {number(target + mean + offset)} - {as_factor(mean)}{less} = {number(target)}"
    if len(places) > most:
        yield f"... {len(places) - most} more {others.word}s"
