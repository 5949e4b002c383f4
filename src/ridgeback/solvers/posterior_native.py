"""The native draws, with the signatures of `ridgeback.solvers.posterior_reference`: threads, ctrl-C."""

from __future__ import annotations

from typing import Any

import numpy as np

from ridgeback import _native
from ridgeback.solvers.native import CancelFlag
from ridgeback.solvers.posterior import Information, RowPrior, Stream
from ridgeback.solvers.problem import Float32Array, Float64Array, RowProblem


def draw_rows(
    problem: RowProblem,
    fixed_factors: Float32Array,
    fixed_biases: Float32Array,
    factors: Float32Array,
    biases: Float32Array,
    prior: RowPrior,
    stream: Stream | None,
    *,
    n_threads: int = 1,
    cancel: CancelFlag | None = None,
) -> bool:
    """Draw every row of one side in place, as `posterior_reference.draw_rows`.

    Raises
    ------
    FloatingPointError
        If a row's matrix is not positive definite: a number overflowed.
    """
    n_failed, is_complete = _native.draw_rows(
        **_arguments(problem, fixed_factors, fixed_biases, prior),
        shifts=prior.shifts,
        factors=factors,
        biases=biases,
        has_noise=stream is not None,
        seed=0 if stream is None else stream.seed,
        stream=0 if stream is None else stream.number,
        shares_noise=stream is not None and stream.is_shared,
        n_threads=n_threads,
        cancel=cancel,
    )
    _check(n_failed)
    return bool(is_complete)


def inform_rows(
    problem: RowProblem,
    fixed_factors: Float32Array,
    fixed_biases: Float32Array,
    prior: RowPrior,
    stream: Stream,
    *,
    n_threads: int = 1,
    cancel: CancelFlag | None = None,
) -> Information:
    """What every row says of its shift, as `posterior_reference.inform_rows`; O(n size^2) memory.

    Look at `cancel` afterwards: once it is non-zero, rows at the end are missing.
    """
    n_rows, size = problem.rows.n_rows, len(prior.mean)
    information = Information(np.empty((n_rows, size, size), dtype=np.float32), np.empty((n_rows, size)))
    n_failed, _ = _native.inform_rows(
        **_arguments(problem, fixed_factors, fixed_biases, prior),
        root=np.asarray(np.linalg.cholesky(prior.precision), dtype=np.float64),
        M=information.M,
        h=information.h,
        seed=stream.seed,
        stream=stream.number,
        n_threads=n_threads,
        cancel=cancel,
    )
    _check(n_failed)
    return information


def squared_errors(
    problem: RowProblem,
    fixed_factors: Float32Array,
    fixed_biases: Float32Array,
    factors: Float32Array,
    biases: Float32Array,
    *,
    n_threads: int = 1,
    cancel: CancelFlag | None = None,
) -> Float64Array:
    """The squared errors of every row, as `posterior_reference.squared_errors`; look at `cancel` afterwards."""
    errors = np.zeros(problem.rows.n_rows)
    _native.square_rows(
        **_pairs(problem, fixed_factors, fixed_biases),
        factors=factors,
        biases=biases,
        errors=errors,
        n_threads=n_threads,
        cancel=cancel,
    )
    return errors


def _arguments(
    problem: RowProblem, fixed_factors: Float32Array, fixed_biases: Float32Array, prior: RowPrior
) -> dict[str, Any]:
    return {
        **_pairs(problem, fixed_factors, fixed_biases),
        "precision": np.ascontiguousarray(prior.precision),
        "mean": np.ascontiguousarray(prior.mean),
    }


def _pairs(problem: RowProblem, fixed_factors: Float32Array, fixed_biases: Float32Array) -> dict[str, Any]:
    return {
        "indptr": problem.rows.indptr,
        "indices": problem.rows.indices,
        "targets": problem.targets,
        "confidences": problem.confidences,
        "row_scales": np.ones(problem.rows.n_rows) if problem.row_scales is None else problem.row_scales,
        "column_scales": problem.column_scales,
        "fixed_factors": fixed_factors,
        "fixed_biases": fixed_biases,
    }


def _check(n_failed: int) -> None:
    if n_failed:
        raise FloatingPointError(f"{n_failed} rows have no positive definite matrix: a number overflowed")
