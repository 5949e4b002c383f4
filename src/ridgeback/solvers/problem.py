"""The row problem that every model is built on, and what a half-step over its rows reports.

With the other side's factors ``y_j`` fixed, row ``r`` with neighbours ``j`` minimises a sum of squares whose normal
equations are::

    (sum_j w_j y_j y_j^T + unobserved_weight * G + ridge_r * I) x = sum_j c_j y_j,      G = Y^T Y over all columns

``w_j = row_scale_r * column_scale_j * confidence_rj`` is the curvature weight and ``c_j`` the pull. With bias ridges
the unknown is ``[x, bias]``, the columns are ``[y_j, 1]`` and the other side's biases leave the targets. There is no
factor 1/2 anywhere: a loss is the plain sum of squares plus ``ridge_r * |x|^2`` for every row of both sides.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from ridgeback.data.csr import Csr

Float32Array: TypeAlias = npt.NDArray[np.float32]
Float64Array: TypeAlias = npt.NDArray[np.float64]
FactorArray: TypeAlias = npt.NDArray[np.float32] | npt.NDArray[np.float64]
Pull: TypeAlias = Literal["weight", "one_plus_weight", "target"]
Precision: TypeAlias = Literal["single", "double"]

PULLS: tuple[Pull, ...] = ("weight", "one_plus_weight", "target")  # in the order of the native enumeration


@dataclass(frozen=True)
class RowProblem:
    """All rows of one half-step, with their neighbours, weights and ridges.

    Attributes
    ----------
    rows : Csr, shape (n_rows, n_columns)
        Row r's neighbours; its own `data` is not read.
    ridges : float64 array, shape (n_rows,)
        ``regularization * frequency ** frequency_exponent`` of each row.
    pull : {"weight", "one_plus_weight", "target"}
        ``c = w`` (iALS, Rendle et al. 2022), ``c = 1 + w`` (Hu et al. 2008), or
        ``c = w * (target - target_offset - column_bias)``.
    targets, confidences : float32 array of length nnz, or None
        Aligned with the rows' entries; a missing confidence is 1.
    target_offset : float
        Taken from every target, in float64: values serve as targets without a copy less their mean.
    row_scales, column_scales : float64 array, shape (n_rows,) and (n_columns,), or None
        Factors of the weight; missing ones are 1.
    bias_ridges : float64 array, shape (n_rows,), or None
        The ridge of each row's own bias; None for a model without biases.
    unobserved_weight : float
        Weight of the all-pairs term; 0 where only listed pairs count.
    """

    rows: Csr
    ridges: Float64Array
    pull: Pull
    targets: Float32Array | None = None
    confidences: Float32Array | None = None
    row_scales: Float64Array | None = None
    column_scales: Float64Array | None = None
    bias_ridges: Float64Array | None = None
    unobserved_weight: float = 0.0
    target_offset: float = 0.0

    @property
    def has_biases(self) -> bool:
        """Whether each row's unknown ends in its own bias."""
        return self.bias_ridges is not None

    def weighted(self, row_scales: Float64Array, column_scales: Float64Array | None) -> RowProblem:
        """The same problem with other factors of its weights."""
        return replace(self, row_scales=row_scales, column_scales=column_scales)

    def take(self, rows: npt.NDArray[np.int64]) -> RowProblem:
        """The same problem for some rows only, in the given order."""

        def per_row(values: Float64Array | None) -> Float64Array | None:
            return None if values is None else values[rows]

        def per_entry(values: Float32Array | None) -> Float32Array | None:
            return None if values is None else self.rows.with_data(values).take(rows).values()

        return replace(
            self,
            rows=self.rows.take(rows),
            ridges=self.ridges[rows],
            targets=per_entry(self.targets),
            confidences=per_entry(self.confidences),
            row_scales=per_row(self.row_scales),
            bias_ridges=per_row(self.bias_ridges),
        )


@dataclass(frozen=True)
class HalfStep:
    """What a half-step reports.

    Attributes
    ----------
    loss : float
        Sum over the rows of ``constant - b.x - r.x`` with ``r = b - A x``: the observed part, the all-pairs part and
        the solved side's regulariser, exact for any x, converged or not. The other side's regulariser is not in it.
    n_singular : int
        Rows whose system was singular and that got the minimum-norm solution.
    is_complete : bool
        False where the half-step was stopped; rows already solved stay solved.
    n_unbounded : int
        Rows of a logistic problem that have no finite optimum; they stay as they were.
    n_step_pairs : int
        Neighbours of every conjugate-gradient step together: what the steps cost.
    gain : float
        What these steps took off the loss.
    is_rounded : bool
        Whether the listed pairs' part is that of the fixed factors rounded to half precision, about 1e-4 from theirs.
    """

    loss: float
    n_singular: int = 0
    is_complete: bool = True
    n_unbounded: int = 0
    n_step_pairs: int = 0
    gain: float = 0.0
    is_rounded: bool = False
