"""What a fit minimises and what a score is, in words, and one pair's score with its numbers put in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ridgeback.trace.reading import Reading
from ridgeback.trace.written import added, as_factor, number, products, sigmoid


def score(reading: Reading, step: Mapping[str, Any], user: int, item: int) -> list[str]:
    """How the score of one pair comes about, what it is held against, and what it adds to the loss.

    Parameters
    ----------
    reading : Reading
    step : dict
    user, item : int
        Places in the header's tables.
    """
    x, y = step["user_factors"][user], step["item_factors"][item]
    pair_name = f"({reading.users[user]}, {reading.items[item]})"
    constants, total = _constants(reading, step, user, item)
    total += float(x @ y)
    lines = [f"score{pair_name} = {added([*constants, products([x, y])])} = {number(total)}"]
    prediction = total
    if reading.header["link"] == "probability":
        prediction = sigmoid(total)
        lines.append(f"probability = 1 / (1 + exp({number(-total)})) = {number(prediction)}")
    return lines + _held_against(reading, user, item, total, prediction)


def _constants(reading: Reading, step: Mapping[str, Any], user: int, item: int) -> tuple[list[str], float]:
    """Mean and biases of a score: written, and their sum."""
    named = [("mean", float(reading.header["mean"]))]
    if step["user_biases"] is not None:
        named.append((f"bias of {reading.users[user]}", float(step["user_biases"][user])))
        named.append((f"bias of {reading.items[item]}", float(step["item_biases"][item])))
    shown = [(name, value) for name, value in named if name != "mean" or value]
    return [f"{number(value)} ({name})" for name, value in shown], sum(value for _, value in shown)


def _held_against(reading: Reading, user: int, item: int, total: float, prediction: float) -> list[str]:
    """Difference and term of the loss of a pair."""
    pair, loss = reading.pair(user, item), reading.header["loss"]
    unobserved = float(reading.header["unobserved_weight"])
    if pair is None:
        if unobserved:
            term = unobserved * total**2
            return [
                f"an unlisted pair: it adds {number(unobserved)} × {as_factor(total)}² = {number(term)} to the loss"
            ]
        return ["this pair is unknown: it adds nothing to the loss"]
    w = pair.weight
    if loss == "logistic":
        term = w * float(np.logaddexp(0.0, -total if pair.target > 0.5 else total))
        chance = number(prediction) if pair.target > 0.5 else f"1 - {number(prediction)}"
        implied = " (a no that nobody stored)" if pair.is_implied else ""
        return [
            f"difference = probability - {number(pair.target)}{implied} = {number(prediction - pair.target)}",
            f"term of the loss = {number(w)} × -ln({chance}) = {number(term)}",
        ]
    target = pair.target + float(reading.header["mean"])
    word = "rating" if loss == "squared" else "target"
    difference = target - total
    lines = [f"difference = {word} {number(target)} - {as_factor(total)} = {number(difference)}"]
    if loss == "hu":
        term = (1 + w) * difference**2 - total**2
        formula = f"(1 + {number(w)}) × {as_factor(difference)}² - {as_factor(total)}²"
    else:
        term = w * difference**2
        formula = f"{number(w)} × {as_factor(difference)}²"
    lines.append(f"term of the loss = {formula} = {number(term)}")
    if unobserved:
        lines.append(
            f"and of all pairs' part {number(unobserved)} × {as_factor(total)}² = {number(unobserved * total**2)}"
        )
    return lines


def objective(header: Mapping[str, Any]) -> list[str]:
    """What the fit minimises, and what a score is, with the parameters put in."""
    p = header["parameters"]
    zeros = number(header["unobserved_weight"])
    fit = {
        "squared": "sum over rated pairs of (rating - score)²",
        "ials": f"sum over listed pairs of w (1 - score)² + {zeros} × sum over all pairs of score²",
        "hu": "sum over all pairs of confidence × (preference - score)²",
        "logistic": "sum over listed pairs of confidence × cross-entropy(p, probability)",
    }[header["loss"]]
    ridge = f"{number(p['regularization'])} × (sum of squares of all factors)"
    exponent = p.get("frequency_exponent") or 0
    if exponent:
        ridge = f"{number(p['regularization'])} × (sum of count^{number(exponent)} × squares of a row's factors)"
    weights = header["pairs"]["weight"]
    if header["loss"] in ("squared", "ials", "hu") and len(weights) and np.ptp(weights) == 0:
        same = number(weights[0])
        fit = fit.replace("of w (", "of (" if same == "1" else f"of {same} (")
    has_biases = bool(p.get("biases"))
    constants = ["mean"] if header["mean"] else []
    constants += ["bias of the user", "bias of the item"] if has_biases else []
    product = "product of the two rows, factor by factor"
    lines = [fit + (f" + {ridge}" if p["regularization"] else ""), " + ".join([*constants, product])]
    if header["loss"] == "hu":
        lines[0] += "; a listed pair has preference 1 and confidence 1 + w, any other 0 and 1"
    if header["link"] == "probability":
        lines[1] += "; probability = 1 / (1 + exp(-score))"
    return lines
