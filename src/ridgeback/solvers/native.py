"""The native row solvers, with the signatures of `ridgeback.solvers.reference`: float32 factors, threads, ctrl-C."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from ridgeback import _native
from ridgeback.solvers import reference
from ridgeback.solvers.matrices import gram as gram_of
from ridgeback.solvers.matrices import halve, one_blas_thread
from ridgeback.solvers.problem import PULLS, Float32Array, Float64Array, HalfStep, Precision, RowProblem

CancelFlag: TypeAlias = npt.NDArray[np.uint8]


def solve_exact(
    problem: RowProblem,
    fixed_factors: Float32Array,
    fixed_biases: Float32Array | None,
    factors: Float32Array,
    biases: Float32Array | None,
    gram: Float64Array | None = None,
    *,
    precision: Precision = "single",
    n_threads: int = 1,
    cancel: CancelFlag | None = None,
) -> HalfStep:
    """Solve every row exactly, as `reference.solve_exact`.

    With ``precision="double"`` a row is assembled and solved in float64 from the float32 factors; only the stored
    result is float32. In single precision a row whose pivots vanish is solved again in float64; a row that is singular
    there too gets the minimum-norm solution. Where `gram` is diagonal or no all-pairs term counts, single precision
    solves rows that are shorter than their unknown as `reference.solve_dual`.
    """
    gram = _gram(problem, fixed_factors, gram, n_threads)
    unsolved = np.zeros(problem.rows.n_rows, dtype=np.uint8)
    loss, n_unsolved, is_complete, *_ = _solve(
        "exact", problem, fixed_factors, fixed_biases, factors, biases, gram, 0, precision, unsolved, n_threads, cancel
    )
    if n_unsolved:
        loss += _minimum_norm(problem, fixed_factors, fixed_biases, factors, biases, gram, np.flatnonzero(unsolved))
    return HalfStep(loss, n_unsolved, is_complete)


def has_halves() -> bool:
    """Whether the instruction set widens half precision; the baseline would spend more on it than gathering takes."""
    return _native.instruction_set() != "baseline"


def solve_cg(
    problem: RowProblem,
    fixed_factors: Float32Array,
    fixed_biases: Float32Array | None,
    factors: Float32Array,
    biases: Float32Array | None,
    gram_diagonal: Float64Array | None = None,
    *,
    n_steps: int,
    least_gain: float = 0.0,
    gathers_halves: bool = False,
    n_threads: int = 1,
    cancel: CancelFlag | None = None,
) -> HalfStep:
    """A few conjugate-gradient steps a row in the Gramian's eigenbasis, as `reference.solve_cg`.

    With `gathers_halves` the listed pairs' part is that of the fixed factors rounded to half precision, the loss too.
    """
    loss, _, is_complete, n_step_pairs, gain = _solve(
        "cg",
        problem,
        fixed_factors,
        fixed_biases,
        factors,
        biases,
        gram_diagonal,
        n_steps,
        "single",
        None,
        n_threads,
        cancel,
        least_gain,
        halve(fixed_factors, n_threads) if gathers_halves else (None, 1.0),
    )
    return HalfStep(loss, 0, is_complete, n_step_pairs=n_step_pairs, gain=gain, is_rounded=gathers_halves)


def solve_non_negative(
    problem: RowProblem,
    fixed_factors: Float32Array,
    fixed_biases: Float32Array | None,
    factors: Float32Array,
    biases: Float32Array | None,
    gram: Float64Array | None = None,
    *,
    n_threads: int = 1,
    cancel: CancelFlag | None = None,
) -> HalfStep:
    """Solve every row with non-negative factors, as `reference.solve_non_negative`."""
    gram = _gram(problem, fixed_factors, gram, n_threads)
    loss, _, is_complete, *_ = _solve(
        "non_negative",
        problem,
        fixed_factors,
        fixed_biases,
        factors,
        biases,
        gram,
        0,
        "double",
        None,
        n_threads,
        cancel,
    )
    return HalfStep(loss, 0, is_complete)


def pair_loss(
    problem: RowProblem,
    fixed_factors: Float32Array,
    fixed_biases: Float32Array | None,
    factors: Float32Array,
    biases: Float32Array | None,
    *,
    n_threads: int = 1,
) -> float:
    """Sum over the listed pairs of ``constant - 2 c s + w s^2`` at given factors, as `reference.pair_loss`."""
    return _solve(
        "none", problem, fixed_factors, fixed_biases, factors, biases, None, 0, "single", None, n_threads, None
    )[0]


def _gram(
    problem: RowProblem, fixed_factors: Float32Array, gram: Float64Array | None, n_threads: int
) -> Float64Array | None:
    if gram is None and problem.unobserved_weight != 0:
        return gram_of(fixed_factors, n_threads=n_threads)
    return gram


def _solve(
    solver: str,
    problem: RowProblem,
    fixed_factors: Float32Array,
    fixed_biases: Float32Array | None,
    factors: Float32Array,
    biases: Float32Array | None,
    gram: Float64Array | None,
    n_cg_steps: int,
    precision: Precision,
    unsolved: npt.NDArray[np.uint8] | None,
    n_threads: int,
    cancel: CancelFlag | None,
    least_gain: float = 0.0,
    halved: tuple[npt.NDArray[np.uint16] | None, float] = (None, 1.0),
) -> tuple[float, int, bool, int, float]:
    return _native.solve_rows(
        solver=solver,
        indptr=problem.rows.indptr,
        indices=problem.rows.indices,
        targets=problem.targets,
        confidences=problem.confidences,
        row_scales=problem.row_scales,
        column_scales=problem.column_scales,
        ridges=problem.ridges,
        bias_ridges=problem.bias_ridges,
        unobserved_weight=problem.unobserved_weight,
        pull=PULLS.index(problem.pull),
        target_offset=problem.target_offset,
        fixed_factors=fixed_factors,
        halves=halved[0],
        unit=halved[1],
        fixed_biases=fixed_biases,
        gram=None if gram is None else np.ascontiguousarray(gram).reshape(-1),
        factors=factors,
        biases=biases,
        n_cg_steps=n_cg_steps,
        least_gain=least_gain,
        is_double=precision == "double",
        unsolved=unsolved,
        n_threads=n_threads,
        cancel=cancel,
    )


def _minimum_norm(
    problem: RowProblem,
    fixed_factors: Float32Array,
    fixed_biases: Float32Array | None,
    factors: Float32Array,
    biases: Float32Array | None,
    gram: Float64Array | None,
    rows: npt.NDArray[np.int64],
) -> float:
    """Singular rows by the reference solver; returns their loss."""
    part = factors[rows]
    part_biases = None if biases is None else biases[rows]
    with one_blas_thread():
        result = reference.solve_exact(problem.take(rows), fixed_factors, fixed_biases, part, part_biases, gram)
    factors[rows] = part
    if biases is not None:
        biases[rows] = part_biases
    return result.loss
