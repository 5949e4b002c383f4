"""Numbers, vectors, matrices and sums of products as plain text: what every formula of a trace is written with."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ridgeback.solvers.problem import Float64Array

MOST_TERMS = 8  # of a sum that are written out
MOST_FACTORS = 6  # of a vector that are written out


@dataclass(frozen=True)
class Grid:
    """Numbers to stand below each other: `values` has a row for each of `names` and a column for each of `heads`."""

    title: str
    names: Sequence[str]
    heads: Sequence[str]
    values: Float64Array

    def texts(self) -> list[list[str]]:
        """Every number in six digits, column by column without the noise of rounding."""
        columns = [[number(value) for value in _without_noise(column)] for column in self.values.T]
        return [list(row) for row in zip(*columns, strict=True)]


@dataclass(frozen=True)
class Detail:
    """How much is written out, and what the reader types for more.

    Attributes
    ----------
    n_rows : int
        Rows of a matrix, components of a long vector, sums of a large system.
    step, all_steps, rows, row, record : str
        The words that ask for one step, all steps, more rows, a row's arithmetic, and the numbers themselves.
    """

    n_rows: int = 10
    step: str = "show(step={})"
    all_steps: str = "show(step='all')"
    rows: str = "show(rows={})"
    row: str = "show(user=...) or show(item=...)"
    record: str = "{}"

    @property
    def n_terms(self) -> int:
        """Terms of a sum to write out: more where more rows than by default are asked for."""
        return self.n_rows if self.n_rows > Detail.n_rows else MOST_TERMS


def in_commands(n_rows: int) -> Detail:
    """What a reader types on the command line."""
    return Detail(n_rows, "--step {}", "--all-steps", "--rows {}", "--show-user ID or --show-item ID",
                  "--json-out FILE; in Python {}")  # fmt: skip


def products(factors: Sequence[Any], most: int = MOST_TERMS) -> str:
    """A sum of products written out, ``0.5 × 0.2 + 0.2 × 0.4``; of many terms the largest, and the rest together.

    Of three factors the first is left out where it is 1 everywhere.
    """
    columns = [np.asarray(given, dtype=np.float64) for given in factors]
    values = np.prod(columns, axis=0)
    if len(columns) > 2 and bool(np.all(columns[0] == 1)):
        columns = columns[1:]
    shown = range(len(values))
    if len(values) > most:
        shown = sorted(np.argsort(-np.abs(values), kind="stable")[:most].tolist())  # type: ignore[assignment]
    terms = [" × ".join([number(columns[0][n]), *(as_factor(column[n]) for column in columns[1:])]) for n in shown]
    if len(values) > most:
        rest = float(values.sum() - values[list(shown)].sum())
        terms.append(f"{number(rest)} (... {len(values) - most} more)")
    return added(terms) if terms else "0"


def added(terms: Iterable[str]) -> str:
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


def as_factor(value: Any) -> str:
    """A number as a factor: in parentheses where it is negative."""
    text = number(value)
    return f"({text})" if text.startswith("-") else text


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
