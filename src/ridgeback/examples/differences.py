"""Explicit or implicit: the same small data read by four losses, line by line."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ridgeback.examples.tutorial import ITEM_FACTORS, USER_FACTORS
from ridgeback.examples.twins import trace_matrix
from ridgeback.models.explicit import ExplicitALS
from ridgeback.models.implicit import ImplicitALS
from ridgeback.models.logistic import LogisticMF
from ridgeback.solvers.problem import Float64Array
from ridgeback.trace import Trace

VALUES = np.array([[3.0, np.nan], [1.0, 2.0]])
COLUMNS = ("explicit", "hu", "ials", "logistic")


@dataclass(frozen=True)
class Line:
    """One line of the comparison.

    Attributes
    ----------
    what : str
    told : dict of column to text
    differs : dict of column to bool
        Whether it says something else than the explicit column.
    """

    what: str
    told: dict[str, str]

    @property
    def differs(self) -> dict[str, bool]:
        """Per column, whether it says something else than the explicit one."""
        return {column: text != self.told["explicit"] for column, text in self.told.items()}


@dataclass(frozen=True)
class Differences:
    """The lines, and the traces that their numbers come from.

    Attributes
    ----------
    lines : tuple of Line
    traces : dict of column to Trace
    """

    lines: tuple[Line, ...]
    traces: dict[str, Trace]

    def to_markdown(self) -> str:
        """A table; what differs from the explicit column is bold."""
        rows = [["", *COLUMNS], ["---"] * (len(COLUMNS) + 1)]
        for line in self.lines:
            cells = [f"**{line.told[c]}**" if line.differs[c] else line.told[c] for c in COLUMNS]
            rows.append([line.what, *cells])
        return "\n".join(f"| {' | '.join(row)} |" for row in rows)

    def __str__(self) -> str:
        parts = []
        for line in self.lines:
            parts.append(line.what)
            parts += [f"  {'*' if line.differs[c] else ' '} {c:<9} {line.told[c]}" for c in COLUMNS]
        return "\n".join([*parts, "", "* differs from the explicit line"])


def differences(regularization: float = 0.1) -> Differences:
    """Read one matrix of values as ratings and as implicit data: what counts, as what, how much, and what comes out.

    The values are [[3, .], [1, 2]], a dot where nothing is known: as ratings, or as how often; the start is that of the
    other examples. Confidences are alpha r with alpha 1, unobserved_weight is .1, the ridge plain, and LogisticMF takes
    the pair that nobody has for a no and moves by majorisation.

    Parameters
    ----------
    regularization : float, > 0, default=0.1

    Returns
    -------
    Differences

    Examples
    --------
    >>> from ridgeback.examples import differences
    >>> print(differences().lines[1].told["hu"])
    1, the preference
    """
    shared: dict[str, Any] = {
        "regularization": regularization,
        "frequency_exponent": 0.0,
        "n_iterations": 1,
        "init": (USER_FACTORS, ITEM_FACTORS),
    }
    even = (0.0, 0.0)
    models = {
        "explicit": ExplicitALS(2, biases=False, **shared),
        "hu": ImplicitALS(2, loss="hu", alpha=1.0, weight_exponents=even, **shared),
        "ials": ImplicitALS(2, alpha=1.0, unobserved_weight=0.1, weight_exponents=even, **shared),
        "logistic": LogisticMF(2, alpha=1.0, biases=False, n_negatives="all", **shared),
    }
    traces = {column: trace_matrix(model, VALUES) for column, model in models.items()}
    return Differences(tuple(_lines(traces)), traces)


def _lines(traces: dict[str, Trace]) -> list[Line]:
    first = {column: trace.steps[1]["rows"][0] for column, trace in traces.items()}
    starts = {column: trace.steps[0] for column, trace in traces.items()}
    return [
        Line(
            "which pairs count",
            {
                "explicit": "the 3 that are rated",
                "hu": "all 4",
                "ials": "all 4, the 3 listed ones twice",
                "logistic": "all 4, the missing one as a no",
            },
        ),
        Line(
            "target t of user 1, item 1",
            {
                "explicit": "3, the rating",
                "hu": "1, the preference",
                "ials": "1, the preference",
                "logistic": "1, a yes",
            },
        ),
        Line(
            "weight of that pair",
            {
                "explicit": "1",
                "hu": "confidence 1 + 3 = 4",
                "ials": "3, and 0.1 towards 0",
                "logistic": "confidence 3",
            },
        ),
        Line(
            "weight of user 1, item 2, which is missing",
            {"explicit": "0", "hu": "1, target 0", "ials": "0.1, target 0", "logistic": "1, target 0"},
        ),
        Line("link", {c: "probability = 1 / (1 + exp(-x.y))" if c == "logistic" else "x.y itself" for c in COLUMNS}),
        Line(
            "loss, without the ridge",
            {
                "explicit": "sum of (t - s)^2 over rated pairs",
                "hu": "sum of c (p - s)^2 over all pairs",
                "ials": "sum of w (1 - s)^2 over listed pairs + 0.1 sum of s^2 over all",
                "logistic": "sum of c times the cross-entropy of p and the probability",
            },
        ),
        Line("first prediction of user 1, item 1", {c: f"{starts[c]['predictions'][0, 0]:.6f}" for c in COLUMNS}),
        Line("its term of the loss", {c: _term(traces[c], starts[c]) for c in COLUMNS}),
        Line("A of user 1", {c: _matrix(first[c]["A"]) for c in COLUMNS}),
        Line("b of user 1", {c: _matrix(first[c]["b"]) for c in COLUMNS}),
        Line(
            "update",
            {c: "A x = b of a bound that touches the loss" if c == "logistic" else "x solves A x = b" for c in COLUMNS},
        ),
        Line("new factors of user 1", {c: _matrix(first[c]["x"]) for c in COLUMNS}),
        Line(
            "loss before and after that half-step",
            {c: f"{traces[c].steps[0]['loss']:.6f}, {traces[c].steps[1]['loss']:.6f}" for c in COLUMNS},
        ),
        Line(
            "after one iteration, user 1, item 2",
            {c: f"{traces[c].steps[-1]['predictions'][0, 1]:.6f}" for c in COLUMNS},
        ),
        Line(
            "read as",
            {
                "explicit": "the rating that user 1 would give",
                "hu": "a preference: good for ranking only",
                "ials": "a preference: good for ranking only",
                "logistic": "the probability of a yes",
            },
        ),
    ]


def _term(trace: Trace, step: dict[str, Any]) -> str:
    """The share of the loss that user 1 and item 1 have, its all-pairs part included."""
    term, score = float(step["terms"][0, 0]), float(step["predictions"][0, 0])
    all_pairs = trace.header["unobserved_weight"] * score**2
    return f"{term + all_pairs:.6f}"


def _matrix(matrix: Float64Array) -> str:
    if matrix.ndim == 1:
        return "[" + ", ".join(f"{value:.6g}" for value in matrix) + "]"
    return "[" + ", ".join(_matrix(row) for row in matrix) + "]"
