"""The same ratings from different starting factors: where each path leads, and what never differs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ridgeback.errors import ParameterError
from ridgeback.examples.tutorial import ITEM_FACTORS, RATINGS, USER_FACTORS
from ridgeback.examples.twins import as_matrix, trace_matrix
from ridgeback.models.explicit import ExplicitALS
from ridgeback.solvers.problem import Float64Array
from ridgeback.trace import Trace

WITH_GAPS = np.array([[np.nan, 1.0, 1.0], [3.0, 4.0, 2.0], [5.0, np.nan, 1.0]])
KINDS: dict[str, dict[str, Any]] = {
    "standard normal (mean 0, variance 1)": {"init": "standard_normal"},
    "small normal": {"init": "normal", "init_scale": 0.1},
    "small uniform": {"init": "uniform", "init_scale": 0.1},
    "large uniform": {"init": "uniform", "init_scale": 10.0},
}
CLOSE = 1e-6


@dataclass(frozen=True)
class Path:
    """One start and where it led.

    Attributes
    ----------
    start : str
    losses : float64 array
        After every half-step, the start's first.
    n_iterations_to_end : int
        Whole iterations until the loss was within 1e-6 of this path's end.
    predictions : float64 array, shape (n_users, n_items)
    prediction_gap : float
        Largest difference of a prediction from the first path's.
    factor_gap : float
        Largest difference of a factor from the first path's, after the best rotation.
    trace : Trace
    """

    start: str
    losses: Float64Array
    n_iterations_to_end: int
    predictions: Float64Array
    prediction_gap: float
    factor_gap: float
    trace: Trace

    @property
    def end(self) -> float:
        """The last loss."""
        return float(self.losses[-1])


@dataclass(frozen=True)
class Starts:
    """Paths from different starts on one matrix of ratings.

    Attributes
    ----------
    ratings : float64 array
        NaN where a rating is missing.
    regularization : float
    paths : tuple of Path
    """

    ratings: Float64Array
    regularization: float
    paths: tuple[Path, ...]

    @property
    def differ(self) -> bool:
        """Whether the paths end in different losses."""
        ends = [path.end for path in self.paths]
        return max(ends) - min(ends) > 1e-4 * max(1.0, abs(min(ends)))

    def __str__(self) -> str:
        head = ["start", "loss at first", "after 1 iteration", "at the end", "iterations", "predictions", "factors"]
        rows = [
            [
                path.start,
                f"{path.losses[0]:.4f}",
                f"{path.losses[min(2, len(path.losses) - 1)]:.4f}",
                f"{path.end:.6f}",
                str(path.n_iterations_to_end),
                f"{path.prediction_gap:.1e}",
                f"{path.factor_gap:.1e}",
            ]
            for path in self.paths
        ]
        widths = [max(len(row[j]) for row in (head, *rows)) for j in range(len(head))]
        lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in (head, *rows)]
        notes = ["predictions, factors: largest gap to the first path's, factors after the best rotation"]
        return "\n".join([*(line.rstrip() for line in lines), "", *notes, self.verdict])

    @property
    def verdict(self) -> str:
        """What differs between the ends, and what does not."""
        if self.differ:
            return "The ends differ: with missing ratings there is more than one local optimum."
        if max(path.factor_gap for path in self.paths) > 1e-3:
            return (
                "All paths end in the same predictions, and in different factors: without regularization X M and "
                "Y M^-T say the same for every M."
            )
        return "All paths end in one optimum: the predictions are the same, the factors too up to a rotation."


def starts(
    ratings: Any = None, regularization: float = 0.1, n_factors: int = 2, n_iterations: int = 200, random_state: int = 0
) -> Starts:
    """Fit the same ratings from a standard normal start, a small normal, small and large uniforms, and declared ones.

    Parameters
    ----------
    ratings : matrix, NaN where missing, or "gaps", optional
        None: the 2 x 2 ratings of the other examples. "gaps": a 3 x 3 matrix in which two ratings are missing and
        starts end in different optima.
    regularization : float, default=0.1
        Plain ridge. Above 0 and without missing ratings every local optimum is global, so all starts end alike.
    n_factors, n_iterations, random_state : int

    Returns
    -------
    Starts

    Examples
    --------
    >>> from ridgeback.examples import starts
    >>> starts().differ, starts("gaps").differ
    (False, True)
    """
    matrix = WITH_GAPS if isinstance(ratings, str) and ratings == "gaps" else ratings
    if isinstance(matrix, str):
        raise ParameterError(f"The parameter 'ratings' must be a matrix, None or 'gaps'. Got {ratings!r} instead.")
    matrix = as_matrix("ratings", RATINGS if matrix is None else matrix, may_lack=True)
    kinds = dict(KINDS)
    if matrix.shape == RATINGS.shape and n_factors == 2:
        kinds["declared matrices"] = {"init": (USER_FACTORS, ITEM_FACTORS)}
    paths: list[Path] = []
    for name, settings in kinds.items():
        model = ExplicitALS(
            n_factors,
            regularization=regularization,
            frequency_exponent=0.0,
            biases=False,
            n_iterations=n_iterations,
            orientation="start",
            random_state=random_state,
            **settings,
        )
        paths.append(_path(name, trace_matrix(model, matrix), paths[0] if paths else None))
    return Starts(matrix, regularization, tuple(paths))


def _path(name: str, trace: Trace, first: Path | None) -> Path:
    losses = np.array([step["loss"] for step in trace.steps])
    last = trace.steps[-1]
    factors = np.vstack([last["user_factors"], last["item_factors"]])
    near = next(step["iteration"] for step in trace.steps if step["loss"] <= losses[-1] + CLOSE)
    if first is None:
        return Path(name, losses, near, last["predictions"], 0.0, 0.0, trace)
    end = first.trace.steps[-1]
    other = np.vstack([end["user_factors"], end["item_factors"]])
    return Path(
        name,
        losses,
        near,
        last["predictions"],
        float(np.abs(last["predictions"] - first.predictions).max()),
        float(np.abs(factors @ best_rotation(factors, other) - other).max()),
        trace,
    )


def best_rotation(factors: Float64Array, other: Float64Array) -> Float64Array:
    """The orthogonal matrix Q that brings ``factors @ Q`` nearest to `other` (Schönemann 1966)."""
    left, _, right = np.linalg.svd(factors.T @ other)
    return np.asarray(left @ right)
