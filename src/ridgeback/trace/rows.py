"""The rows of one half-step: what each was solved from, in float64, and how far from it the fit's own numbers are."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, overload

import numpy as np
import numpy.typing as npt

from ridgeback.errors import TraceMismatchError
from ridgeback.solvers import logistic_reference, reference
from ridgeback.solvers.logistic_reference import LogisticRow, logistic_row
from ridgeback.solvers.matrices import one_blas_thread
from ridgeback.solvers.problem import Float64Array, RowProblem

# An exact half-step's stored float32 row is its float64 solution to this share of the row's norm; or, since float32 is
# worth about 1e-7 of the row times the condition number, it solves the system to this share of its terms' norms.
LARGEST_GAP = 1e-5


class Numbers(NamedTuple):
    """One side as a step left it, in float64: factors (n, k), and biases (n,) or None."""

    factors: Float64Array
    biases: Float64Array | None

    def row(self, place: int) -> Float64Array:
        """One row's unknown ``[x, own bias]``."""
        x = self.factors[place]
        return x if self.biases is None else np.append(x, self.biases[place])


@dataclass(frozen=True)
class Method:
    """How a half-step moves its rows.

    Attributes
    ----------
    name : {"exact", "cg", "non_negative", "majorize", "gradient", "adagrad", "newton"}
    n_steps, least_gain : int and float
        When conjugate gradient stops.
    step_size : float or None
        Of gradient and adagrad.
    stored : dtype
        What the fit keeps factors in; gradient steps are rounded to it before their loss is looked at.
    squares : float64 array or None
        AdaGrad's sums of squared gradients of all rows, as they stand.
    """

    name: str
    n_steps: int = 0
    least_gain: float = 0.0
    step_size: float | None = None
    stored: npt.DTypeLike = np.float32
    squares: Float64Array | None = None

    @property
    def is_exact(self) -> bool:
        """Whether the stored row must be the float64 solution, up to rounding."""
        return self.name in ("exact", "majorize", "newton")

    @property
    def is_logistic(self) -> bool:
        """Whether the rows minimise cross-entropy."""
        return self.name in ("majorize", "gradient", "adagrad", "newton")


@dataclass(frozen=True)
class Labels:
    """Names of one side's recorded rows: ids, and titles or None."""

    ids: list[Any]
    titles: list[str | None] | None

    def title(self, place: int) -> str | None:
        """The title of one row, where it has one."""
        return None if self.titles is None else self.titles[place]


class Rows(Sequence[dict[str, Any]]):
    """The solved rows of one half-step, each worked out when it is looked at: A and b take k^2 numbers a row.

    Parameters
    ----------
    side : {"users", "items"}
    labels : Labels
        Of the solved side.
    places : int array, shape (n_rows,)
        Where each row of `problem` stands in the solved side's table.
    problem : RowProblem
        The recorded rows; its columns are places in the other side's table.
    fixed : Numbers
        The other side during the step.
    before, after : Numbers
        The solved side.
    gram : float64 array, shape (k, k), or None
        Of the fixed side over all its rows.
    method : Method
    mean : float
    squares : (before, after), or None
        AdaGrad's sums of squared gradients of these rows.
    """

    def __init__(
        self,
        side: str,
        labels: Labels,
        places: npt.NDArray[np.int64],
        problem: RowProblem,
        fixed: Numbers,
        before: Numbers,
        after: Numbers,
        gram: Float64Array | None,
        method: Method,
        mean: float,
        squares: tuple[Float64Array, Float64Array] | None = None,
    ) -> None:
        self._side = side
        self._labels = labels
        self._places = places
        self._problem = problem
        self._fixed = fixed
        self._before = before
        self._after = after
        self._gram = gram
        self._method = method
        self._mean = mean
        self._squares = squares
        self._solved = np.flatnonzero(problem.rows.counts() > 0)

    def __len__(self) -> int:
        return len(self._solved)

    @overload
    def __getitem__(self, place: int) -> dict[str, Any]: ...
    @overload
    def __getitem__(self, place: slice) -> list[dict[str, Any]]: ...
    def __getitem__(self, place: int | slice) -> dict[str, Any] | list[dict[str, Any]]:
        if isinstance(place, slice):
            return [self._row(int(r)) for r in self._solved[place]]
        return self._row(int(self._solved[place]))

    def check(self) -> None:
        """Hold what the fit stored against the float64 solution, where the half-step was to be exact.

        Raises
        ------
        TraceMismatchError
        """
        if self._method.is_exact:
            for row in self:
                _check(row)

    def _row(self, r: int) -> dict[str, Any]:
        problem, place = self._problem, int(self._places[r])
        neighbours, _ = problem.rows.row(r)
        before, after = self._before.row(place), self._after.row(place)
        with one_blas_thread():
            work = self._logistic(r, before) if self._method.is_logistic else self._least_squares(r, before, after)
            x, A, b = work["x"], work["A"], work["b"]
            scores = self._mean + self._columns(neighbours) @ after + self._fixed_biases(neighbours)
            norm = float(np.linalg.norm(x))
            return {
                "side": self._side,
                "row": place,
                "id": self._labels.ids[place],
                "title": self._labels.title(place),
                "neighbours": neighbours.tolist(),
                **work,
                "ridge": float(problem.ridges[r]),
                "bias_ridge": None if problem.bias_ridges is None else float(problem.bias_ridges[r]),
                "before": before,
                "after": after,
                "residual": None if A is None or b is None else float(np.linalg.norm(A @ x - b)),
                "condition": None if A is None else condition(A),
                "distance": float(np.linalg.norm(after - x)) / norm if norm > 0 else None,
                **self._told(r, scores),
            }

    def _columns(self, neighbours: npt.NDArray[np.int32]) -> Float64Array:
        columns = self._fixed.factors[neighbours]
        return columns if self._problem.bias_ridges is None else np.hstack([columns, np.ones((len(columns), 1))])

    def _fixed_biases(self, neighbours: npt.NDArray[np.int32]) -> Float64Array | float:
        return 0.0 if self._fixed.biases is None else self._fixed.biases[neighbours]

    def _least_squares(self, r: int, before: Float64Array, after: Float64Array) -> dict[str, Any]:
        """The row's system and its solution (numerics: one row problem serves every model)."""
        problem, fixed = self._problem, self._fixed
        system = reference.row_system(problem, r, fixed.factors, fixed.biases, self._gram)
        A, b = system.A, system.b
        x, is_singular = reference.solve_symmetric(A, b)
        name, is_cg = self._method.name, self._method.name == "cg"
        if name == "non_negative":
            x = self._constrained(r, before)
        return {
            "confidences": None,
            "targets": targets_of(problem, r, fixed.biases),
            "weights": system.weights,
            "pulls": system.pulls,
            "A": A,
            "b": b,
            "x": x,
            "is_singular": bool(is_singular),
            "n_steps": self._n_cg_steps(r, before) if is_cg else None,
            "step_residual": float(np.linalg.norm(A @ after - b)) if is_cg else None,
            "kkt_residual": kkt_residual(A, b, after, fixed.factors.shape[1]) if name == "non_negative" else None,
            **dict.fromkeys(("gradient", "step_size", "n_halvings", "squares")),
        }

    def _constrained(self, r: int, before: Float64Array) -> Float64Array:
        """The row's solution with factors >= 0."""
        k = self._fixed.factors.shape[1]
        own = Numbers(before[None, :k].copy(), before[k:].copy() if len(before) > k else None)
        one = self._problem.take(np.array([r], dtype=np.int64))
        reference.solve_non_negative(one, *self._fixed, own.factors, own.biases, self._gram)
        return own.row(0)

    def _n_cg_steps(self, r: int, before: Float64Array) -> int:
        """How many steps the row takes, by the readable twin."""
        k = self._fixed.factors.shape[1]
        values, vectors = self._eigenbasis
        start = np.concatenate([before[:k] @ vectors, before[k:]])
        one = self._problem.take(np.array([r], dtype=np.int64))
        own = Numbers(start[None, :k].copy(), start[k:].copy() if len(start) > k else None)
        result = reference.solve_cg(
            one,
            self._turned,
            self._fixed.biases,
            own.factors,
            own.biases,
            values,
            n_steps=self._method.n_steps,
            least_gain=self._method.least_gain,
        )
        return result.n_step_pairs // max(1, one.rows.nnz)

    @functools.cached_property
    def _eigenbasis(self) -> tuple[Float64Array | None, Float64Array]:
        if self._gram is None:
            return None, np.eye(self._fixed.factors.shape[1])
        values, vectors = np.linalg.eigh(self._gram)
        return np.where(values > 1e-12 * values[-1], values, 0.0), vectors

    @functools.cached_property
    def _turned(self) -> Float64Array:
        turned: Float64Array = self._fixed.factors @ self._eigenbasis[1]
        return turned

    def _logistic(self, r: int, before: Float64Array) -> dict[str, Any]:
        """One majorised, gradient or Newton step of the row."""
        row = logistic_row(self._problem, r, self._fixed.factors, self._fixed.biases)
        targets = (row.signs > 0).astype(np.float64)
        told: dict[str, Any] = {
            "confidences": row.confidences,
            "targets": targets,
            "weights": row.confidences,
            "pulls": None,
            "A": None,
            "b": None,
            "is_singular": False,
            **dict.fromkeys(("n_steps", "step_residual", "kkt_residual", "step_size", "n_halvings", "squares")),
            "gradient": row.gradient(before),
        }
        if self._method.name == "majorize":
            return told | _majorized(row, before, targets)
        if self._method.name == "newton":
            optimum = logistic_reference.minimize(row)
            x = before if optimum is None else optimum
            return told | {"x": x, "A": row.half_hessian(x), "gradient": row.gradient(x)}
        return told | self._descended(row, r, before)

    def _descended(self, row: LogisticRow, r: int, before: Float64Array) -> dict[str, Any]:
        """The gradient step, its halvings, and where it led."""
        gradient, step_size = row.gradient(before), self._method.step_size
        assert step_size is not None
        step, squares = -step_size * gradient, None
        if self._squares is not None:
            squares = self._squares[1][r]
            root = np.sqrt(squares)
            step = -step_size * np.divide(gradient, root, out=np.zeros_like(gradient), where=root > 0)
        x, n_halvings = logistic_reference.descend(row, before, step, self._method.stored)
        return {"x": x, "step_size": step_size, "n_halvings": n_halvings, "squares": squares}

    def _told(self, r: int, scores: Float64Array) -> dict[str, Any]:
        """What the row says of each neighbour after the step."""
        weights, targets = pair_numbers(self._problem, r)
        return {"scores": scores, **tell(self._problem, self._method.is_logistic, scores, weights, targets, self._mean)}


def _majorized(row: LogisticRow, before: Float64Array, targets: Float64Array) -> dict[str, Any]:
    """The quadratic that touches the row's loss at the current scores from above, and its minimum."""
    weights = row.confidences * logistic_reference.majorizing_weight(row.scores(before))
    pulls = row.confidences * (2 * targets - 1) / 4 - weights * row.offsets
    A, b = row.weighted_gram(weights), row.columns.T @ pulls
    x, is_singular = reference.solve_symmetric(A, b)
    if is_singular:  # the step of least norm, as the fit takes it
        x = before + reference.solve_symmetric(A, -row.gradient(before) / 2)[0]
    return {"weights": weights, "pulls": pulls, "A": A, "b": b, "x": x, "is_singular": bool(is_singular)}


def targets_of(problem: RowProblem, r: int, fixed_biases: Float64Array | None) -> Float64Array:
    """What the products x.y of one row are to be: 1, or the rating less mean and the other side's bias."""
    neighbours, _ = problem.rows.row(r)
    if problem.pull != "target":
        return np.ones(len(neighbours))
    assert problem.targets is not None
    entries = slice(int(problem.rows.indptr[r]), int(problem.rows.indptr[r + 1]))
    targets = problem.targets[entries].astype(np.float64) - problem.target_offset
    return targets if fixed_biases is None else targets - fixed_biases[neighbours]


def pair_numbers(problem: RowProblem, r: int) -> tuple[Float64Array, Float64Array]:
    """Weights and targets (on the scale of scores less the mean) of one row's pairs."""
    weights, _, _ = reference.pair_weights(problem, r, None)
    return weights, targets_of(problem, r, None)


def tell(
    problem: RowProblem,
    is_logistic: bool,
    scores: Float64Array,
    weights: Float64Array,
    targets: Float64Array,
    mean: float,
) -> dict[str, Float64Array]:
    """Predictions, differences and terms of the loss of pairs at given scores; all of one shape.

    `weights` are the curvature weights, in a logistic problem the confidences; `targets` are less the mean.
    """
    if is_logistic:
        predictions = logistic_reference.sigmoid(scores)
        terms = weights * logistic_reference.softplus(np.where(targets > 0.5, -scores, scores))
        return {"predictions": predictions, "differences": predictions - targets, "terms": terms}
    differences = targets - (scores - mean)
    terms = weights * differences**2
    if problem.pull == "one_plus_weight":
        terms = (1 + weights) * differences**2 - scores**2
    return {"predictions": scores, "differences": differences, "terms": terms}


def condition(A: Float64Array) -> float | None:
    """Largest over smallest eigenvalue of a symmetric matrix; None where it is singular."""
    values = np.linalg.eigvalsh(A)
    if not values[0] > 1e-12 * values[-1]:
        return None
    return float(values[-1] / values[0])


def kkt_residual(A: Float64Array, b: Float64Array, x: Float64Array, n_factors: int) -> float:
    """How far x is from the minimum with factors >= 0: the largest gradient entry that could still lower the loss."""
    gradient = A @ x - b
    is_bound = (np.arange(len(x)) < n_factors) & (x <= 0)
    return float(np.where(is_bound, np.maximum(-gradient, 0), np.abs(gradient)).max(initial=0.0))


def _check(row: dict[str, Any]) -> None:
    """The promise of an exact half-step: stored and exact row agree, or the stored one solves the system."""
    x, after, A = row["x"], row["after"], row["A"]
    gap, norm = float(np.linalg.norm(after - x)), float(np.linalg.norm(x))
    if gap <= LARGEST_GAP * norm:
        return
    size = float(np.linalg.norm(A, 2)) * norm + float(np.linalg.norm(A @ x))
    if float(np.linalg.norm(A @ (after - x))) <= LARGEST_GAP * size:
        return
    raise TraceMismatchError(
        f"{row['side']} {row['id']!r}: the fit stored a row that is {gap / max(norm, 1e-300):.3g} of its norm away "
        f"from the float64 solution of its system (condition {row['condition']}), and does not solve the system to "
        f"{LARGEST_GAP:g} either. Please report it with the data and the parameters."
    )
