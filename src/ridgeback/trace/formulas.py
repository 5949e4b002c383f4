"""The arithmetic of one number of a trace in words: each formula with its numbers put in, as lines of plain text."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from ridgeback.solvers.problem import Float64Array
from ridgeback.trace.reading import BIASES, FACTORS, Names, Reading, solved_side

MOST_TERMS = 8  # of a sum that are written out
MOST_ENTRIES = 3  # rows of a system whose every entry is written out
MOST_FACTORS = 6  # of a vector that are written out
OTHER = {"users": "items", "items": "users"}
_SYMBOLS = {"users": ("x", "y"), "items": ("y", "x")}  # of a side's rows, and of the other side's


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
    lines = [f"score{pair_name} = {_added([*constants, products([x, y])])} = {number(total)}"]
    prediction = total
    if reading.header["link"] == "probability":
        prediction = sigmoid(total)
        lines.append(f"probability = 1 / (1 + exp({number(-total)})) = {number(prediction)}")
    return lines + _held_against(reading, user, item, total, prediction)


def system(reading: Reading, step: Mapping[str, Any], row: Mapping[str, Any]) -> list[str]:
    """How one row was solved: A, b and x, or the gradient and the step, every number put in."""
    method = step["method"]
    work = _Work(reading, step, row)
    if method in ("gradient", "adagrad"):
        return [*work.opening("gradient step"), *work.gradient_lines(), *work.descent_lines()]
    if method == "newton":
        return [*work.opening("the optimum, by Newton steps"), *work.newton_lines()]
    lines = work.opening("the bound's minimum" if method == "majorize" else f"A {work.x} = b")
    if method == "majorize":
        lines += work.bound_lines()
    return [*lines, *work.matrix_lines(), *work.solution_lines(), *work.quality_lines()]


def compact_system(row: Mapping[str, Any]) -> list[str]:
    """One row's system and solution, in four digits, part by part."""
    own, _ = _SYMBOLS[row["side"]]

    def short(values: Any) -> str:
        return matrix(values, digits=4) if np.ndim(values) == 2 else vector(values, digits=4)

    if row["step_size"] is not None:
        halved = "" if not row["n_halvings"] else f" halved {row['n_halvings']} times"
        step = f"step size {number(row['step_size'])}{halved}"
        return [f"gradient {short(row['gradient'])}", step, f"{own} = {short(row['x'])}"]
    if row["b"] is None:
        return [f"optimum {own} = {short(row['x'])}"]
    solution = f"{own} = A⁻¹ b" if not row["is_singular"] else f"{own} = A⁺ b"
    return [f"A = {short(row['A'])}", f"b = {short(row['b'])}", f"{solution} = {short(row['x'])}"]


class _Work:
    """One row of one step with the numbers that its formulas need."""

    def __init__(self, reading: Reading, step: Mapping[str, Any], row: Mapping[str, Any]) -> None:
        self.reading, self.step, self.row = reading, step, row
        side = solved_side(step) or row["side"]
        self.own: Names = reading.names(side)
        self.others: Names = reading.names(OTHER[side])
        fixed = step[FACTORS[OTHER[side]]]
        self.neighbours = [int(place) for place in row["neighbours"]]
        self.columns: Float64Array = fixed[self.neighbours]
        self.x, self.y = _SYMBOLS[side]
        self.size = len(row["x"])
        if row["bias_ridge"] is not None:
            self.columns = np.hstack([self.columns, np.ones((len(self.columns), 1))])
        biases = step[BIASES[OTHER[side]]]
        self.offsets = np.zeros(len(self.neighbours)) if biases is None else biases[self.neighbours]
        self.ridges = np.full(self.size, float(row["ridge"]))
        if row["bias_ridge"] is not None:
            self.ridges[-1] = row["bias_ridge"]
        self.gram = step["gram"]
        self.unobserved = float(reading.header["unobserved_weight"]) if self.gram is not None else 0.0

    def opening(self, what: str) -> list[str]:
        n = len(self.neighbours)
        word = self.others.word
        names = [self.others[place] for place in self.neighbours[:MOST_TERMS]]
        more = f", ... {n - MOST_TERMS} more" if n > MOST_TERMS else ""
        name = self.own[int(self.row["row"])]
        return [f"{name}: {what}, from {n} {word}{'' if n == 1 else 's'}: {', '.join(names)}{more}"]

    def matrix_lines(self) -> list[str]:
        """A and b entry by entry, or as a whole where they are large."""
        A, b = self.row["A"], self.row["b"]
        weight = "" if bool(np.all(self.row["weights"] == 1)) else "w "
        parts = [f"sum of {weight}{self.y} {self.y}ᵀ"]
        if self.unobserved:
            parts.append("gram" if self.unobserved == 1 else f"{number(self.unobserved)} × gram")
        if self.ridges.any():
            is_one = bool(np.ptp(self.ridges) == 0)
            parts.append(f"{number(self.ridges[0])} I" if is_one else "ridges")
        lines = [f"A = {' + '.join(parts)},  b = sum of {self._pull_word(weight)}{self.y}"]
        if self.size > MOST_ENTRIES:
            return [*lines, f"A = {matrix(A, MOST_ENTRIES)}", f"b = {vector(b)}"]
        for i in range(self.size):
            for j in range(i, self.size):
                terms = [products([self.row["weights"], self.columns[:, i], self.columns[:, j]])]
                if self.unobserved and max(i, j) < len(self.gram):
                    weighted = "" if self.unobserved == 1 else f"{number(self.unobserved)} × "
                    terms.append(f"{weighted}{_factor(self.gram[i, j]) if weighted else number(self.gram[i, j])}")
                if i == j and self.ridges[i]:
                    terms.append(number(self.ridges[i]))
                lines.append(f"A[{self._axis(i)},{self._axis(j)}] = {_added(terms)} = {number(A[i, j])}")
        for i in range(self.size):
            pulled = products([self.row["pulls"], self.columns[:, i]])
            lines.append(f"b[{self._axis(i)}] = {pulled} = {number(b[i])}")
        return lines

    def solution_lines(self) -> list[str]:
        """x, by the inverse of A."""
        A, b, x = self.row["A"], self.row["b"], self.row["x"]
        method = self.step["method"]
        if method == "non_negative":
            return [f"{self.x} = {vector(x)}: the least of the loss with no factor below 0"]
        inverse = np.linalg.pinv(A, hermitian=True) if self.row["is_singular"] else np.linalg.inv(A)
        if not np.allclose(inverse @ b, x, rtol=1e-6, atol=1e-9 * max(1.0, float(np.abs(x).max()))):
            return [
                f"{self.x} = {vector(x)}"
                + (" (A is singular: the step of least norm)" if self.row["is_singular"] else "")
            ]
        name = "A⁺" if self.row["is_singular"] else "A⁻¹"
        lines = [f"{name} = {matrix(inverse, MOST_ENTRIES)}"]
        if self.row["is_singular"]:
            lines.insert(0, f"A is singular: many {self.x} solve A {self.x} = b; the one of least norm is taken")
        for i in range(min(self.size, MOST_FACTORS if self.size <= MOST_ENTRIES else MOST_ENTRIES)):
            lines.append(f"{self.x}[{self._axis(i)}] = {products([inverse[i], b])} = {number(x[i])}")
        if self.size > MOST_ENTRIES:
            lines.append(f"{self.x} = {vector(x)}")
        return lines

    def quality_lines(self) -> list[str]:
        """How good the solution is, and what the fit stored of it."""
        row = self.row
        facts = [] if row["residual"] is None else [f"|A {self.x} - b| = {row['residual']:.2g}"]
        if row["condition"] is not None and math.isfinite(row["condition"]):
            facts.append(f"condition {row['condition']:.3g}")
        if row["n_steps"] is not None:
            facts.append(f"{row['n_steps']} conjugate-gradient steps lead to {vector(row['after'])}")
            facts.append(f"|A {self.x} - b| there {row['step_residual']:.2g}")
        elif self.reading.header["precision"] == "single" and row["distance"] is not None:
            facts.append(f"stored in float32, {row['distance']:.1g} of |{self.x}| away")
        if row["kkt_residual"] is not None:
            facts.append(f"largest gradient that could still lower the loss {row['kkt_residual']:.2g}")
        return [", ".join(facts)] if facts else []

    def bound_lines(self) -> list[str]:
        """The weights and pulls of the quadratic that touches the loss at the scores before."""
        scores = self._scores_before()
        lines = [
            "the bound touches the loss at s, the score before: w = c tanh(s/2) / (4 s),  pull = c (2p - 1) / 4 - w b"
        ]
        for n, place in enumerate(self.neighbours[:MOST_TERMS]):
            c, s, p = (float(values[n]) for values in (self.row["confidences"], scores, self.row["targets"]))
            w, pull = float(self.row["weights"][n]), float(self.row["pulls"][n])
            lines.append(
                f"{self.others[place]}: s = {number(s)}, p = {number(p)}, c = {number(c)}; "
                f"w = {number(w)}, pull = {number(pull)}"
            )
        return lines + _more(len(self.neighbours) - MOST_TERMS, self.others.word)

    def gradient_lines(self, at: str = "before") -> list[str]:
        """The gradient of the summed loss, entry by entry."""
        gradient, x = self.row["gradient"], self.row[at]
        scores = self.columns @ x + self.offsets
        surprises = np.array([sigmoid(float(s)) for s in scores]) - self.row["targets"]
        ridge = f"2 ridge {self.x} + " if self.ridges.any() else ""
        lines = [f"g = {ridge}sum of c (probability - p) {self.y}, at {self.x} before"]
        for n, place in enumerate(self.neighbours[:MOST_TERMS]):
            p = float(self.row["targets"][n])
            lines.append(
                f"{self.others[place]}: score {number(scores[n])}, probability {number(surprises[n] + p)}, "
                f"less p = {number(p)}: {number(surprises[n])}"
            )
        lines += _more(len(self.neighbours) - MOST_TERMS, self.others.word)
        if self.size > MOST_FACTORS:
            return [*lines, f"g = {vector(gradient)}"]
        for i in range(self.size):
            terms = [f"2 × {number(self.ridges[i])} × {_factor(x[i])}"] if self.ridges[i] else []
            terms.append(products([self.row["confidences"], surprises, self.columns[:, i]]))
            lines.append(f"g[{self._axis(i)}] = {_added(terms)} = {number(gradient[i])}")
        return lines

    def descent_lines(self) -> list[str]:
        """The step down the gradient."""
        row = self.row
        size = float(row["step_size"]) / 2 ** int(row["n_halvings"])
        halved = f", halved {row['n_halvings']} times since the loss would have risen" if row["n_halvings"] else ""
        rule = f"{self.x} = {self.x} before - step size × g"
        if row["squares"] is not None:
            rule += " / root of the sum of all squares of g so far"
        lines = [f"{rule}; step size {number(row['step_size'])}{halved}"]
        if self.size > MOST_FACTORS:
            return [*lines, f"{self.x} = {vector(row['x'])}"]
        for i in range(self.size):
            root = "" if row["squares"] is None else f" / {number(math.sqrt(row['squares'][i]))}"
            step = f"{number(size)} × {_factor(row['gradient'][i])}{root}"
            lines.append(f"{self.x}[{self._axis(i)}] = {number(row['before'][i])} - {step} = {number(row['x'][i])}")
        return lines

    def newton_lines(self) -> list[str]:
        """The optimum of the row's own loss."""
        row = self.row
        return [
            f"{self.x} = {vector(row['x'])}",
            f"gradient there: {vector(row['gradient'])}",
            f"A = half the Hessian there = {matrix(row['A'], MOST_ENTRIES)}",
        ]

    def _scores_before(self) -> Float64Array:
        scores: Float64Array = self.columns @ self.row["before"] + self.offsets
        return scores

    def _axis(self, i: int) -> str:
        return "bias" if self.row["bias_ridge"] is not None and i == self.size - 1 else str(i + 1)

    def _pull_word(self, weight: str) -> str:
        if self.reading.family == "explicit":
            return f"{weight}t "
        return {"hu": "(1 + w) ", "ials": weight, "logistic": "pull "}[self.reading.header["loss"]]


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
            return [f"an unlisted pair: it adds {number(unobserved)} × {_factor(total)}² = {number(term)} to the loss"]
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
    lines = [f"difference = {word} {number(target)} - {_factor(total)} = {number(difference)}"]
    if loss == "hu":
        term = (1 + w) * difference**2 - total**2
        formula = f"(1 + {number(w)}) × {_factor(difference)}² - {_factor(total)}²"
    else:
        term = w * difference**2
        formula = f"{number(w)} × {_factor(difference)}²"
    lines.append(f"term of the loss = {formula} = {number(term)}")
    if unobserved:
        lines.append(
            f"and of all pairs' part {number(unobserved)} × {_factor(total)}² = {number(unobserved * total**2)}"
        )
    return lines


def products(factors: Sequence[Any]) -> str:
    """A sum of products written out, ``0.5 × 0.2 + 0.2 × 0.4``; of many terms the largest, and the rest together.

    Of three factors the first is left out where it is 1 everywhere.
    """
    columns = [np.asarray(factor, dtype=np.float64) for factor in factors]
    values = np.prod(columns, axis=0)
    if len(columns) > 2 and bool(np.all(columns[0] == 1)):
        columns = columns[1:]
    shown = range(len(values))
    if len(values) > MOST_TERMS:
        shown = sorted(np.argsort(-np.abs(values), kind="stable")[:MOST_TERMS].tolist())  # type: ignore[assignment]
    terms = [" × ".join([number(columns[0][n]), *(_factor(column[n]) for column in columns[1:])]) for n in shown]
    if len(values) > MOST_TERMS:
        rest = float(values.sum() - values[list(shown)].sum())
        terms.append(f"{number(rest)} (... {len(values) - MOST_TERMS} more)")
    return _added(terms) if terms else "0"


def _added(terms: Iterable[str]) -> str:
    """Terms as a sum; one that begins with a minus is subtracted."""
    text = ""
    for term in terms:
        if not text:
            text = term
        elif term.startswith("-"):
            text += f" - {term[1:]}"
        else:
            text += f" + {term}"
    return text


def _factor(value: Any) -> str:
    """A number as a factor: in parentheses where it is negative."""
    text = number(value)
    return f"({text})" if text.startswith("-") else text


def _more(n: int, word: str) -> list[str]:
    return [f"... {n} more {word}s"] if n > 0 else []


def number(value: Any, digits: int = 6) -> str:
    """A number with so many significant digits."""
    text = f"{float(value):.{digits}g}"
    return "0" if text == "-0" else text


def vector(values: Any, most: int = MOST_FACTORS, digits: int = 6) -> str:
    """``[1 2.2]``; of many numbers the first."""
    shown = [number(value, digits) for value in _without_noise(np.asarray(values))[:most]]
    more = f" ... {len(values) - most} more" if len(values) > most else ""
    return f"[{' '.join(shown)}{more}]"


def matrix(values: Any, most: int = MOST_FACTORS, digits: int = 6) -> str:
    """``[0.15 0.11; 0.11 0.35]``, rows separated by semicolons; of large ones the first rows and columns."""
    rows = [vector(row, most, digits)[1:-1] for row in _without_noise(np.asarray(values))[:most]]
    more = f"; ... {len(values) - most} more rows" if len(values) > most else ""
    return f"[{'; '.join(rows)}{more}]"


def _without_noise(values: Float64Array) -> Float64Array:
    """Numbers with those that are rounding beside the largest set to 0."""
    return np.where(np.abs(values) <= 1e-12 * np.abs(values).max(initial=0.0), 0.0, values)


def sigmoid(score: float) -> float:
    """The probability of a score."""
    return 1 / (1 + math.exp(-score)) if score >= 0 else math.exp(score) / (1 + math.exp(score))


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
