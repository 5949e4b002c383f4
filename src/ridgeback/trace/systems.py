"""The arithmetic of one solved row in words: A, b and x, or the gradient and the step, with their numbers put in."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from ridgeback.solvers.problem import Float64Array
from ridgeback.trace.reading import BIASES, FACTORS, Names, Reading, solved_side
from ridgeback.trace.weighing import ridge_lines, target_lines
from ridgeback.trace.written import Detail, Grid, added, as_factor, matrix, number, products, sigmoid, vector

MOST_ENTRIES = 5  # unknowns of a system whose every entry is written out as its sum
MOST_UNKNOWNS = 16  # of a system that is shown whole
MOST_GRAM = 6  # factors of a Gramian that is shown whole
OTHER = {"users": "items", "items": "users"}
_SYMBOLS = {"users": ("x", "y"), "items": ("y", "x")}  # of a side's rows, and of the other side's
Lines = list[str | Grid]


def system(
    reading: Reading,
    step: Mapping[str, Any],
    row: Mapping[str, Any],
    detail: Detail | None = None,
    is_brief: bool = False,
) -> Lines:
    """How one row was solved: A, b and x, or the gradient and the step, every number put in.

    Parameters
    ----------
    reading : Reading
    step, row : dict
    detail : Detail, optional
    is_brief : bool
        A, b and x themselves without the sums that they come from.
    """
    method = step["method"]
    work = _Work(reading, step, row, detail or Detail())
    if method in ("gradient", "adagrad"):
        return [*work.opening("gradient step"), *work.gradient_lines(), *work.descent_lines()]
    if method == "newton":
        return [*work.opening("the optimum, by Newton steps"), *work.newton_lines()]
    lines = work.opening("the bound's minimum" if method == "majorize" else f"A {work.x} = b")
    if is_brief:
        return [*lines, work.formula(), *work.whole(), *work.quality_lines()]
    if method == "majorize":
        lines += work.bound_lines()
    return [*lines, *work.matrix_lines(), *work.whole(), *work.solution_lines(), *work.quality_lines()]


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


def gram_lines(reading: Reading, step: Mapping[str, Any], detail: Detail) -> Lines:
    """The Gramian of the fixed side, whole up to six factors, and where its entries come from; empty without one."""
    gram, side = step["gram"], solved_side(step)
    if gram is None or side is None:
        return []
    others, fixed = reading.names(OTHER[side]), step[FACTORS[OTHER[side]]]
    y, k = _SYMBOLS[side][1], len(gram)
    weight = float(reading.header["unobserved_weight"])
    times = "unobserved_weight × gram" if weight != 1 else "gram"
    own = reading.names(side).word
    lines: Lines = [
        f"gram = sum over all {others.n_in_model:,} {others.word}s of {y} {y}ᵀ; the A of every {own} has {times} in "
        "it, the part of all pairs"
    ]
    if k <= MOST_GRAM:
        axes = [f"f{i + 1}" for i in range(k)]
        lines.append(Grid("gram", axes, axes, gram))
    else:
        source = _record(detail, step, '["gram"]')
        lines.append(f"gram is {k} × {k}: {source}")
    is_complete = len(fixed) == others.n_in_model
    for j in range(min(k, 2)):
        product = f"{y}1²" if j == 0 else f"{y}1 {y}2"
        written = f"{products([fixed[:, 0], fixed[:, j]], detail.n_terms)} = " if is_complete else ""
        lines.append(f"gram[1,{j + 1}] = sum over all {others.word}s of {product} = {written}{number(gram[0, j])}")
    return lines


def _record(detail: Detail, step: Mapping[str, Any], what: str) -> str:
    return detail.record.format(f"trace.steps[{step['index']}]{what}")


class _Work:
    """One row of one step with the numbers that its formulas need."""

    def __init__(self, reading: Reading, step: Mapping[str, Any], row: Mapping[str, Any], detail: Detail) -> None:
        self.reading, self.step, self.row, self.detail = reading, step, row, detail
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
        self.n_terms = detail.n_terms
        self.n_sums = self.size if self.size <= MOST_ENTRIES else min(self.size, detail.n_rows)

    def opening(self, what: str) -> Lines:
        """Whose row it is, and what it is solved from."""
        n = len(self.neighbours)
        word = self.others.word
        names = [self.others[place] for place in self.neighbours[: self.n_terms]]
        more = f", ... {n - self.n_terms} more" if n > self.n_terms else ""
        name = self.own[int(self.row["row"])]
        if not name.startswith((f"{self.own.word} ", "new ")):
            name = f"{self.own.word} {name}"
        return [f"{name}: {what}, from {n} {word}{'' if n == 1 else 's'}: {', '.join(names)}{more}"]

    def formula(self) -> str:
        """A and b as sums."""
        parts = [f"sum of {self._weight}{self.y} {self.y}ᵀ"]
        if self.unobserved:
            parts.append("gram" if self.unobserved == 1 else f"{number(self.unobserved)} × gram")
        if self.ridges.any():
            is_one = bool(np.ptp(self.ridges) == 0)
            parts.append(f"{number(self.ridges[0])} I" if is_one else "ridges")
        return f"A = {' + '.join(parts)},  b = sum of {self._pull_word(self._weight)}{self.y}"

    def matrix_lines(self) -> Lines:
        """A and b entry by entry, each the sum that it is; of large ones the first entries."""
        A, b = self.row["A"], self.row["b"]
        lines: Lines = [self.formula(), *ridge_lines(self.reading, self.row, self.others, self.unobserved)]
        lines += target_lines(self.reading, self.row, self.others, self.neighbours, self.offsets, self.n_terms)
        entries = [(i, j) for i in range(self.size) for j in range(i, self.size)]
        shown = entries if self.size <= MOST_ENTRIES else entries[: self.detail.n_rows]
        for i, j in shown:
            terms = [products([self.row["weights"], self.columns[:, i], self.columns[:, j]], self.n_terms)]
            if self.unobserved and max(i, j) < len(self.gram):
                terms.append(self._gram_term(i, j))
            if i == j and self.ridges[i]:
                name = "bias ridge" if self._axis(i) == "bias" else "ridge"
                terms.append(f"{number(self.ridges[i])} ({name})")
            lines.append(f"A[{self._axis(i)},{self._axis(j)}] = {added(terms)} = {number(A[i, j])}")
        lines += self._more(len(entries) - len(shown), "sums of A", len(entries))
        for i in range(self.n_sums):
            pulled = products([self.row["pulls"], self.columns[:, i]], self.n_terms)
            lines.append(f"b[{self._axis(i)}] = {pulled} = {number(b[i])}")
        return lines + self._more(self.size - self.n_sums, "sums of b", self.size)

    def whole(self) -> Lines:
        """A, b and x beside each other; of a system too large for that b and x, and where A is to be had."""
        A, b, x = self.row["A"], self.row["b"], self.row["x"]
        axes = [self._head(i) for i in range(self.size)]
        if self.size <= max(MOST_UNKNOWNS, self.detail.n_rows):
            return [Grid(f"A, b and {self.x}", axes, [*axes, "b", self.x], np.column_stack([A, b, x]))]
        return [
            f"A is {self.size} × {self.size}: {self.detail.rows.format(self.size)} shows it whole; its numbers: "
            f"{self._source('A')}",
            f"b = {vector(b, self.size)}",
            f"{self.x} = {vector(x, self.size)}",
        ]

    def solution_lines(self) -> Lines:
        """x, by the inverse of A."""
        A, b, x = self.row["A"], self.row["b"], self.row["x"]
        if self.step["method"] == "non_negative":
            return [f"{self.x} = {vector(x, self.size)}: the least of the loss with no factor below 0"]
        is_singular = self.row["is_singular"]
        inverse = np.linalg.pinv(A, hermitian=True) if is_singular else np.linalg.inv(A)
        if not np.allclose(inverse @ b, x, rtol=1e-6, atol=1e-9 * max(1.0, float(np.abs(x).max()))):
            return [f"{self.x} = {vector(x, self.size)}{' (A is singular: the step of least norm)' * is_singular}"]
        lines: Lines = []
        if is_singular:
            lines.append(f"A is singular: many {self.x} solve A {self.x} = b; the one of least norm is taken")
        lines += self._inverse("A⁺" if is_singular else "A⁻¹", inverse)
        for i in range(self.n_sums):
            lines.append(f"{self.x}[{self._axis(i)}] = {products([inverse[i], b], self.n_terms)} = {number(x[i])}")
        return lines + self._more(self.size - self.n_sums, f"sums of {self.x}", self.size)

    def _inverse(self, name: str, inverse: Float64Array) -> Lines:
        if self.size <= 3:
            return [f"{name} = {matrix(inverse)}"]
        if self.size > max(MOST_UNKNOWNS, self.detail.n_rows):
            return [f"{self.x} = {name} b"]
        axes = [self._head(i) for i in range(self.size)]
        return [Grid(name, axes, axes, inverse)]

    def quality_lines(self) -> Lines:
        """How good the solution is, and what the fit stored of it."""
        row = self.row
        facts = [] if row["residual"] is None else [f"|A {self.x} - b| = {row['residual']:.2g}"]
        if row["condition"] is not None and math.isfinite(row["condition"]):
            facts.append(f"condition {row['condition']:.3g}")
        if row["n_steps"] is not None:
            facts.append(f"{row['n_steps']} conjugate-gradient steps lead to {vector(row['after'], self.size)}")
            facts.append(f"|A {self.x} - b| there {row['step_residual']:.2g}")
        elif self.reading.header["precision"] == "single" and row["distance"] is not None:
            facts.append(f"stored in float32, {row['distance']:.1g} of |{self.x}| away")
        if row["kkt_residual"] is not None:
            facts.append(f"largest gradient that could still lower the loss {row['kkt_residual']:.2g}")
        return [", ".join(facts)] if facts else []

    def bound_lines(self) -> Lines:
        """The weights and pulls of the quadratic that touches the loss at the scores before."""
        scores = self.columns @ self.row["before"] + self.offsets
        lines: Lines = [
            "the bound touches the loss at s, the score before: w = c tanh(s/2) / (4 s),  pull = c (2p - 1) / 4 - w b"
        ]
        for n, place in enumerate(self.neighbours[: self.n_terms]):
            c, s, p = (float(values[n]) for values in (self.row["confidences"], scores, self.row["targets"]))
            w, pull = float(self.row["weights"][n]), float(self.row["pulls"][n])
            lines.append(
                f"{self.others[place]}: s = {number(s)}, p = {number(p)}, c = {number(c)}; "
                f"w = {number(w)}, pull = {number(pull)}"
            )
        n = len(self.neighbours)
        lines += self._more(n - self.n_terms, f"{self.others.word}s", n)
        return lines + list(ridge_lines(self.reading, self.row, self.others, 0.0))

    def gradient_lines(self, at: str = "before") -> Lines:
        """The gradient of the summed loss, entry by entry."""
        gradient, x = self.row["gradient"], self.row[at]
        scores = self.columns @ x + self.offsets
        surprises = np.array([sigmoid(float(s)) for s in scores]) - self.row["targets"]
        ridge = f"2 ridge {self.x} + " if self.ridges.any() else ""
        lines: Lines = [f"g = {ridge}sum of c (probability - p) {self.y}, at {self.x} before"]
        for n, place in enumerate(self.neighbours[: self.n_terms]):
            p = float(self.row["targets"][n])
            lines.append(
                f"{self.others[place]}: score {number(scores[n])}, probability {number(surprises[n] + p)}, "
                f"less p = {number(p)}: {number(surprises[n])}"
            )
        n = len(self.neighbours)
        lines += self._more(n - self.n_terms, f"{self.others.word}s", n)
        for i in range(self.n_sums):
            terms = [f"2 × {number(self.ridges[i])} × {as_factor(x[i])}"] if self.ridges[i] else []
            terms.append(products([self.row["confidences"], surprises, self.columns[:, i]], self.n_terms))
            lines.append(f"g[{self._axis(i)}] = {added(terms)} = {number(gradient[i])}")
        if self.size > self.n_sums:
            lines += [
                *self._more(self.size - self.n_sums, "sums of g", self.size),
                f"g = {vector(gradient, self.size)}",
            ]
        return lines

    def descent_lines(self) -> Lines:
        """The step down the gradient."""
        row = self.row
        size = float(row["step_size"]) / 2 ** int(row["n_halvings"])
        halved = f", halved {row['n_halvings']} times since the loss would have risen" if row["n_halvings"] else ""
        rule = f"{self.x} = {self.x} before - step size × g"
        if row["squares"] is not None:
            rule += " / root of the sum of all squares of g so far"
        lines: Lines = [f"{rule}; step size {number(row['step_size'])}{halved}"]
        for i in range(self.n_sums):
            root = "" if row["squares"] is None else f" / {number(math.sqrt(row['squares'][i]))}"
            step = f"{number(size)} × {as_factor(row['gradient'][i])}{root}"
            lines.append(f"{self.x}[{self._axis(i)}] = {number(row['before'][i])} - {step} = {number(row['x'][i])}")
        if self.size > self.n_sums:
            lines.append(f"{self.x} = {vector(row['x'], self.size)}")
        return lines

    def newton_lines(self) -> Lines:
        """The optimum of the row's own loss."""
        A, axes = self.row["A"], [self._head(i) for i in range(self.size)]
        lines: Lines = [
            f"{self.x} = {vector(self.row['x'], self.size)}",
            f"gradient there: {vector(self.row['gradient'], self.size)}",
        ]
        if self.size <= 3:
            return [*lines, f"A = half the Hessian there = {matrix(A)}"]
        if self.size <= max(MOST_UNKNOWNS, self.detail.n_rows):
            return [*lines, Grid("A = half the Hessian there", axes, axes, A)]
        return [*lines, f"A = half the Hessian there, {self.size} × {self.size}: {self._source('A')}"]

    @property
    def _weight(self) -> str:
        return "" if bool(np.all(self.row["weights"] == 1)) else "w "

    def _gram_term(self, i: int, j: int) -> str:
        entry = f"gram[{i + 1},{j + 1}]"
        if self.unobserved == 1:
            return f"{number(self.gram[i, j])} ({entry})"
        return f"{number(self.unobserved)} × {as_factor(self.gram[i, j])} (unobserved_weight × {entry})"

    def _source(self, name: str) -> str:
        """Where the numbers themselves are."""
        places = [int(row["row"]) for row in self.step["rows"]]
        place = places.index(int(self.row["row"]))
        return _record(self.detail, self.step, f'["rows"][{place}]["{name}"]')

    def _axis(self, i: int) -> str:
        return "bias" if self._head(i) == "bias" else str(i + 1)

    def _head(self, i: int) -> str:
        return "bias" if self.row["bias_ridge"] is not None and i == self.size - 1 else f"f{i + 1}"

    def _pull_word(self, weight: str) -> str:
        if self.reading.family == "explicit":
            return f"{weight}t "
        return {"hu": "(1 + w) ", "ials": weight, "logistic": "pull "}[self.reading.header["loss"]]

    def _more(self, n: int, what: str, n_all: int) -> Lines:
        """What was left out, and how to have it."""
        return [f"... {n} more {what} (all with {self.detail.rows.format(n_all)})"] if n > 0 else []


__all__ = ["Detail", "Grid", "compact_system", "gram_lines", "system"]
