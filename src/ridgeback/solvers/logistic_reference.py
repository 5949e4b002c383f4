"""Logistic matrix factorisation in NumPy float64: the readable twin of `ridgeback.solvers.logistic_native`.

A row (a user, or an item) has listed pairs j. The target p_j is 1 for a yes and 0 for a no, c_j is the confidence, y_j
are the other side's factors and b_j its bias. The row's unknown is ``u = [x, own bias]`` and its columns are
``z_j = [y_j, 1]`` (without biases ``u = x``, ``z_j = y_j``, ``b_j = 0``). Its share of the loss is a plain sum, without
1/2 and without a mean::

    loss(u) = sum_j c_j * cross_entropy(p_j, s_j) + u^T R u,    s_j = z_j . u + b_j,    R = diag(ridge, .., bias ridge)

Each function takes one step of every row of one side in place, with the other side fixed. Rows without pairs become
zero.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ridgeback.solvers.problem import FactorArray, Float64Array, HalfStep, RowProblem
from ridgeback.solvers.reference import solve_symmetric

MAX_HALVINGS = 40
MAX_NEWTON_STEPS = 100  # where something is not regularised; ten times as many where an optimum must exist
GRADIENT_TOLERANCE = 1e-10
LOSS_ROUNDING = 1e-13
LARGEST = 1e38  # an optimum beyond float32, in which factors are stored, is none


def softplus(x: Float64Array) -> Float64Array:
    """log(1 + exp(x)), never overflowing."""
    return np.maximum(x, 0.0) + np.log1p(np.exp(-np.abs(x)))


def sigmoid(x: Float64Array) -> Float64Array:
    """1 / (1 + exp(-x)), exact to rounding in both tails."""
    small = np.exp(-np.abs(x))
    return np.where(x >= 0, 1.0, small) / (1.0 + small)


def majorizing_weight(s: Float64Array) -> Float64Array:
    """tanh(s/2) / (4 s), 1/8 at s = 0: curvature of the quadratic that touches cross-entropy at s from above."""
    is_small = np.abs(s) < 1e-2
    safe = np.where(is_small, 1.0, s)
    series = 1 / 8 - s**2 / 96 + s**4 / 960 - 17 * s**6 / 161280
    return np.where(is_small, series, np.tanh(safe / 2) / (4 * safe))


@dataclass(frozen=True)
class LogisticRow:
    """One row's problem.

    `columns` (n, size) are the z_j, `offsets` (n) the b_j, `signs` (n) +1 for a yes and -1 for a no, `confidences` (n)
    the c_j, and `ridges` (size) the diagonal of R.
    """

    columns: Float64Array
    offsets: Float64Array
    signs: Float64Array
    confidences: Float64Array
    ridges: Float64Array

    def scores(self, u: Float64Array) -> Float64Array:
        """s_j = z_j . u + b_j."""
        scores: Float64Array = self.columns @ u + self.offsets
        return scores

    def cross_entropy(self, u: Float64Array) -> float:
        """sum_j c_j cross_entropy(p_j, s_j)."""
        return float(self.confidences @ softplus(-self.signs * self.scores(u)))

    def loss(self, u: Float64Array) -> float:
        """The row's share of the loss."""
        return self.cross_entropy(u) + float(self.ridges @ u**2)

    def surprises(self, u: Float64Array) -> Float64Array:
        """c_j (p_j - probability_j): what each pair still pulls."""
        return self.confidences * self.signs * sigmoid(-self.signs * self.scores(u))

    def gradient(self, u: Float64Array) -> Float64Array:
        """2 R u - sum_j c_j (p_j - probability_j) z_j."""
        gradient: Float64Array = 2 * self.ridges * u - self.columns.T @ self.surprises(u)
        return gradient

    def gradient_scale(self, u: Float64Array) -> float:
        """The sum of the norms of the gradient's terms."""
        pulls = np.abs(self.surprises(u)) @ np.linalg.norm(self.columns, axis=1)
        return float(pulls + np.linalg.norm(2 * self.ridges * u))

    def half_hessian(self, u: Float64Array) -> Float64Array:
        """sum_j c_j probability_j (1 - probability_j) / 2 * z_j z_j^T + R."""
        probability = sigmoid(self.scores(u))
        return self.weighted_gram(self.confidences * probability * (1 - probability) / 2)

    def weighted_gram(self, weights: Float64Array) -> Float64Array:
        """sum_j weight_j z_j z_j^T + R."""
        weighted: Float64Array = self.columns.T @ (weights[:, None] * self.columns)
        return weighted + np.diag(self.ridges)


def logistic_row(
    problem: RowProblem, row: int, fixed_factors: FactorArray, fixed_biases: FactorArray | None
) -> LogisticRow:
    """Gather one row's problem."""
    assert problem.targets is not None
    entries = slice(int(problem.rows.indptr[row]), int(problem.rows.indptr[row + 1]))
    neighbours = problem.rows.indices[entries]
    columns = fixed_factors[neighbours].astype(np.float64)
    ridges = np.full(columns.shape[1], problem.ridges[row])
    if problem.bias_ridges is not None:
        columns = np.hstack([columns, np.ones((len(neighbours), 1))])
        ridges = np.append(ridges, problem.bias_ridges[row])
    offsets = np.zeros(len(neighbours)) if fixed_biases is None else fixed_biases[neighbours].astype(np.float64)
    signs = np.where(problem.targets[entries] > 0.5, 1.0, -1.0)
    confidences = np.ones(len(neighbours)) if problem.confidences is None else problem.confidences[entries]
    return LogisticRow(columns, offsets, signs, confidences.astype(np.float64), ridges)


def cross_entropy(
    problem: RowProblem,
    fixed_factors: FactorArray,
    fixed_biases: FactorArray | None,
    factors: FactorArray,
    biases: FactorArray | None,
    *,
    n_threads: int = 1,
    cancel: npt.NDArray[np.uint8] | None = None,
) -> float:
    """sum over the listed pairs of c * cross-entropy, the regulariser left out."""
    return sum(
        logistic_row(problem, row, fixed_factors, fixed_biases).cross_entropy(_unknown(factors, biases, row))
        for row in range(problem.rows.n_rows)
    )


def majorize(
    problem: RowProblem,
    fixed_factors: FactorArray,
    fixed_biases: FactorArray | None,
    factors: FactorArray,
    biases: FactorArray | None,
    *,
    n_threads: int = 1,
    cancel: npt.NDArray[np.uint8] | None = None,
) -> HalfStep:
    """Minimise, row by row, the quadratic that touches the loss at the current scores from above (Jaakkola & Jordan).

    Parameters
    ----------
    problem : RowProblem
        ``targets`` are 0 or 1; ``confidences``, ``ridges`` and ``bias_ridges`` count, nothing else.
    fixed_factors : array, shape (n_columns, k)
    fixed_biases : array, shape (n_columns,), or None
    factors, biases : arrays, shape (n_rows, k) and (n_rows,)
        The current rows; overwritten.
    n_threads, cancel
        For the native twin; here one thread, to the end.

    Returns
    -------
    HalfStep
        The loss is the rows' own after the step: cross-entropy and their ridges.

    Notes
    -----
    With ``w_j = c_j tanh(s_j/2) / (4 s_j)`` this is the ridge regression ``A u = sum_j (c_j (2 p_j - 1) / 4 - w_j b_j)
    z_j``, ``A = sum_j w_j z_j z_j^T + R``. Taking A times the current u off both sides leaves minus half the gradient
    on the right; it is solved in that form, so that rounding shrinks with the step. The loss cannot rise.
    O(nnz k^2 + n_rows k^3).
    """

    def step(row: LogisticRow, u: Float64Array, r: int) -> Float64Array:
        A = row.weighted_gram(row.confidences * majorizing_weight(row.scores(u)))
        return u + solve_symmetric(A, -row.gradient(u) / 2)[0]

    return _half_step(problem, fixed_factors, fixed_biases, factors, biases, step)


def gradient_step(
    problem: RowProblem,
    fixed_factors: FactorArray,
    fixed_biases: FactorArray | None,
    factors: FactorArray,
    biases: FactorArray | None,
    *,
    step_size: float,
    n_threads: int = 1,
    cancel: npt.NDArray[np.uint8] | None = None,
) -> HalfStep:
    """One step down the gradient a row, ``u - step_size * gradient``, halved until the row's loss does not rise.

    The gradient is that of the plain SUM over the row's pairs, not of their mean. After forty halvings the row stays
    as it was. Parameters and returns as in `majorize`. O(nnz k).
    """

    def step(row: LogisticRow, u: Float64Array, r: int) -> Float64Array:
        return descend(row, u, -step_size * row.gradient(u), factors.dtype)[0]

    return _half_step(problem, fixed_factors, fixed_biases, factors, biases, step)


def adagrad_step(
    problem: RowProblem,
    fixed_factors: FactorArray,
    fixed_biases: FactorArray | None,
    factors: FactorArray,
    biases: FactorArray | None,
    squares: Float64Array,
    *,
    step_size: float,
    n_threads: int = 1,
    cancel: npt.NDArray[np.uint8] | None = None,
) -> HalfStep:
    """As `gradient_step`, each number's step divided by the root of the sum of its squared gradients so far.

    `squares`, float64 of shape (n_rows, k) or with biases (n_rows, k + 1), holds those sums: zeros at first, updated
    here, kept by the caller over the whole fit. Source: Johnson 2014, section 3.
    """

    def step(row: LogisticRow, u: Float64Array, r: int) -> Float64Array:
        gradient = row.gradient(u)
        squares[r] += gradient**2
        scale = np.sqrt(squares[r])
        scaled = np.divide(gradient, scale, out=np.zeros_like(u), where=scale > 0)
        return descend(row, u, -step_size * scaled, factors.dtype)[0]

    return _half_step(problem, fixed_factors, fixed_biases, factors, biases, step)


def newton(
    problem: RowProblem,
    fixed_factors: FactorArray,
    fixed_biases: FactorArray | None,
    factors: FactorArray,
    biases: FactorArray | None,
    *,
    n_threads: int = 1,
    cancel: npt.NDArray[np.uint8] | None = None,
) -> HalfStep:
    """Put every row at its optimum, by Newton steps from zero that are halved until the loss falls.

    A row without a finite optimum (something is not regularised, and its yeses and noes can be separated) stays as it
    was and is counted in `n_unbounded`. Parameters and returns as in `majorize`.
    """
    n_unbounded = 0

    def step(row: LogisticRow, u: Float64Array, r: int) -> Float64Array:
        nonlocal n_unbounded
        optimum = minimize(row)
        n_unbounded += optimum is None
        return u if optimum is None else optimum

    result = _half_step(problem, fixed_factors, fixed_biases, factors, biases, step)
    return HalfStep(result.loss, n_unbounded=n_unbounded)


def minimize(row: LogisticRow, tolerance: float = GRADIENT_TOLERANCE) -> Float64Array | None:
    """The row's optimum, to a gradient of `tolerance` of the sum of its terms' norms; None where none is finite.

    Near the optimum a step gains less than the loss's own rounding: there it is enough that the loss does not rise.
    """
    with np.errstate(over="ignore", invalid="ignore"):  # where there is no optimum, u runs away until the steps end
        return _newton_steps(row, tolerance)


def _newton_steps(row: LogisticRow, tolerance: float) -> Float64Array | None:
    u = np.zeros(len(row.ridges))
    loss = row.loss(u)
    n_steps = MAX_NEWTON_STEPS if (row.ridges == 0).any() else 10 * MAX_NEWTON_STEPS
    for _ in range(n_steps):
        gradient = row.gradient(u)
        if np.linalg.norm(gradient) <= tolerance * row.gradient_scale(u):
            return u if np.linalg.norm(u) <= LARGEST else None
        step, _ = solve_symmetric(row.half_hessian(u), -gradient / 2)
        for _ in range(MAX_HALVINGS):
            lower = row.loss(u + step)
            if lower <= loss * (1 + LOSS_ROUNDING):
                break
            step = step / 2
        u, loss = u + step, lower
    return None


def descend(row: LogisticRow, u: Float64Array, step: Float64Array, stored: npt.DTypeLike) -> tuple[Float64Array, int]:
    """u + step as it will be stored, halved until the loss does not rise, and the halvings.

    u itself, and one more than the most halvings, where they do not help.
    """
    before = row.loss(u)
    for n_halvings in range(MAX_HALVINGS + 1):
        candidate = (u + step).astype(stored).astype(np.float64)
        if row.loss(candidate) <= before:
            return candidate, n_halvings
        step = step / 2
    return u, MAX_HALVINGS + 1


def _half_step(
    problem: RowProblem,
    fixed_factors: FactorArray,
    fixed_biases: FactorArray | None,
    factors: FactorArray,
    biases: FactorArray | None,
    step: Callable[[LogisticRow, Float64Array, int], Float64Array],
) -> HalfStep:
    """Put step(row, u, r) in the place of every row's u, and sum the losses after it."""
    loss = 0.0
    for r in range(problem.rows.n_rows):
        row = logistic_row(problem, r, fixed_factors, fixed_biases)
        u = step(row, _unknown(factors, biases, r), r) if len(row.signs) else np.zeros(len(row.ridges))
        factors[r] = u[: factors.shape[1]]
        if biases is not None:
            biases[r] = u[-1]
        loss += row.loss(_unknown(factors, biases, r))
    return HalfStep(loss)


def _unknown(factors: FactorArray, biases: FactorArray | None, r: int) -> Float64Array:
    """u = [x, own bias] of row r."""
    return (factors[r] if biases is None else np.append(factors[r], biases[r])).astype(np.float64)
