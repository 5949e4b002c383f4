"""The native logistic steps, with the signatures of `ridgeback.solvers.logistic_reference`."""

from __future__ import annotations

from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from ridgeback import _native
from ridgeback.solvers import logistic_reference
from ridgeback.solvers.problem import Float32Array, Float64Array, HalfStep, RowProblem

CancelFlag: TypeAlias = npt.NDArray[np.uint8]
Method: TypeAlias = Literal["measure", "majorize", "gradient", "adagrad", "newton"]

METHODS: tuple[Method, ...] = (
    "measure",
    "majorize",
    "gradient",
    "adagrad",
    "newton",
)  # in the order of the native ones
SINGULAR, UNBOUNDED = 1, 2  # what the native side says of a row: left for the minimum-norm solver; no finite optimum


def cross_entropy(
    problem: RowProblem,
    fixed_factors: Float32Array,
    fixed_biases: Float32Array | None,
    factors: Float32Array,
    biases: Float32Array | None,
    *,
    n_threads: int = 1,
    cancel: CancelFlag | None = None,
) -> float:
    """The listed pairs' ``sum c * cross-entropy``, as `logistic_reference.cross_entropy`."""
    unsolved = np.zeros(problem.rows.n_rows, dtype=np.uint8)
    loss, _, _ = _run(
        "measure", problem, fixed_factors, fixed_biases, factors, biases, unsolved, n_threads=n_threads, cancel=cancel
    )
    return loss


def majorize(
    problem: RowProblem,
    fixed_factors: Float32Array,
    fixed_biases: Float32Array | None,
    factors: Float32Array,
    biases: Float32Array | None,
    *,
    n_threads: int = 1,
    cancel: CancelFlag | None = None,
) -> HalfStep:
    """One majorised step a row, as `logistic_reference.majorize`.

    Rows are assembled and solved in float32, probabilities and losses are float64. A row whose pivots vanish is solved
    again in float64; one that is singular there too gets the minimum-norm step.
    """
    unsolved = np.zeros(problem.rows.n_rows, dtype=np.uint8)
    cross_entropy, penalty, is_complete = _run(
        "majorize", problem, fixed_factors, fixed_biases, factors, biases, unsolved, n_threads=n_threads, cancel=cancel
    )
    loss = cross_entropy + penalty
    singular = np.flatnonzero(unsolved == SINGULAR)
    if len(singular):
        part, part_biases = _rows_of(factors, biases, singular)
        step = logistic_reference.majorize(problem.take(singular), fixed_factors, fixed_biases, part, part_biases)
        _put_rows(factors, biases, singular, part, part_biases)
        loss += step.loss
    return HalfStep(loss, len(singular), is_complete)


def gradient_step(
    problem: RowProblem,
    fixed_factors: Float32Array,
    fixed_biases: Float32Array | None,
    factors: Float32Array,
    biases: Float32Array | None,
    *,
    step_size: float,
    n_threads: int = 1,
    cancel: CancelFlag | None = None,
) -> HalfStep:
    """One gradient step a row, as `logistic_reference.gradient_step`; in float64, stored as float32."""
    unsolved = np.zeros(problem.rows.n_rows, dtype=np.uint8)
    cross_entropy, penalty, is_complete = _run(
        "gradient",
        problem,
        fixed_factors,
        fixed_biases,
        factors,
        biases,
        unsolved,
        step_size=step_size,
        n_threads=n_threads,
        cancel=cancel,
    )
    return HalfStep(cross_entropy + penalty, 0, is_complete)


def adagrad_step(
    problem: RowProblem,
    fixed_factors: Float32Array,
    fixed_biases: Float32Array | None,
    factors: Float32Array,
    biases: Float32Array | None,
    squares: Float64Array,
    *,
    step_size: float,
    n_threads: int = 1,
    cancel: CancelFlag | None = None,
) -> HalfStep:
    """One AdaGrad step a row, as `logistic_reference.adagrad_step`; in float64, stored as float32."""
    unsolved = np.zeros(problem.rows.n_rows, dtype=np.uint8)
    cross_entropy, penalty, is_complete = _run(
        "adagrad",
        problem,
        fixed_factors,
        fixed_biases,
        factors,
        biases,
        unsolved,
        step_size=step_size,
        squares=squares,
        n_threads=n_threads,
        cancel=cancel,
    )
    return HalfStep(cross_entropy + penalty, 0, is_complete)


def newton(
    problem: RowProblem,
    fixed_factors: Float32Array,
    fixed_biases: Float32Array | None,
    factors: Float32Array,
    biases: Float32Array | None,
    *,
    n_threads: int = 1,
    cancel: CancelFlag | None = None,
) -> HalfStep:
    """Every row's optimum in float64, stored as float32, as `logistic_reference.newton`.

    A row whose Hessian is singular on the way is left to the reference, whose steps are then of minimum norm.
    """
    unsolved = np.zeros(problem.rows.n_rows, dtype=np.uint8)
    cross_entropy, penalty, is_complete = _run(
        "newton", problem, fixed_factors, fixed_biases, factors, biases, unsolved, n_threads=n_threads, cancel=cancel
    )
    loss, n_unbounded = cross_entropy + penalty, int((unsolved == UNBOUNDED).sum())
    singular = np.flatnonzero(unsolved == SINGULAR)
    if len(singular):
        part, part_biases = _rows_of(factors, biases, singular)
        step = logistic_reference.newton(problem.take(singular), fixed_factors, fixed_biases, part, part_biases)
        _put_rows(factors, biases, singular, part, part_biases)
        loss += step.loss
        n_unbounded += step.n_unbounded
    return HalfStep(loss, is_complete=is_complete, n_unbounded=n_unbounded)


def _run(
    method: Method,
    problem: RowProblem,
    fixed_factors: Float32Array,
    fixed_biases: Float32Array | None,
    factors: Float32Array,
    biases: Float32Array | None,
    unsolved: npt.NDArray[np.uint8],
    *,
    step_size: float = 0.0,
    squares: Float64Array | None = None,
    n_threads: int,
    cancel: CancelFlag | None,
) -> tuple[float, float, bool]:
    """One native pass over the rows: cross-entropy, penalty, is_complete; fills `unsolved`."""
    assert problem.targets is not None
    return _native.logistic_rows(
        method=METHODS.index(method),
        indptr=problem.rows.indptr,
        indices=problem.rows.indices,
        targets=problem.targets,
        confidences=problem.confidences,
        ridges=problem.ridges,
        bias_ridges=problem.bias_ridges,
        fixed_factors=fixed_factors,
        fixed_biases=fixed_biases,
        factors=factors,
        biases=biases,
        step_size=step_size,
        squares=squares,
        unsolved=unsolved,
        n_threads=n_threads,
        cancel=cancel,
    )


def _rows_of(
    factors: Float32Array, biases: Float32Array | None, rows: npt.NDArray[np.int64]
) -> tuple[Float32Array, Float32Array | None]:
    return factors[rows], None if biases is None else biases[rows]


def _put_rows(
    factors: Float32Array,
    biases: Float32Array | None,
    rows: npt.NDArray[np.int64],
    part: Float32Array,
    part_biases: Float32Array | None,
) -> None:
    factors[rows] = part
    if biases is not None and part_biases is not None:
        biases[rows] = part_biases
