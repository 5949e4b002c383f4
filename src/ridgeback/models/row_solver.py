"""How a half-step is solved: one object for each way, all called alike by the fit loop, fold-in and partial_fit."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import numpy.typing as npt

from ridgeback.solvers import native
from ridgeback.solvers.matrices import aligned
from ridgeback.solvers.problem import Float32Array, Float64Array, HalfStep, Precision, RowProblem
from ridgeback.trace.rows import Method

# Chosen by objective and row error after equal work: `benchmarks/cg_steps.py` prints the table.
WORTHWHILE = 0.01
MOST_STEPS = 8

# Factors that take more bytes are gathered from a copy in half precision: beyond a core's own cache gathering is what
# takes the time. `benchmarks/halves.py` prints what is won by size and how far rows are off, less than 1e-3.
HALVES_BEYOND_BYTES = 3 << 20


def gathers_halves(fixed: Side) -> bool:
    """Whether conjugate gradient gathers from a copy in half precision."""
    return fixed.factors.nbytes > HALVES_BEYOND_BYTES and native.has_halves()


@dataclass
class Side:
    """Factors (n, k) and biases (n,) or None of one side."""

    factors: Float32Array
    biases: Float32Array | None

    def copy(self) -> Side:
        """A side of its own."""
        factors = aligned(*self.factors.shape)
        factors[...] = self.factors
        return Side(factors, None if self.biases is None else self.biases.copy())

    def zeros_like(self, n_rows: int) -> Side:
        """A side of `n_rows` zero rows with as many factors."""
        n_factors = self.factors.shape[1]
        if n_rows == 1:  # a single row gains less from its place than finding it takes
            factors = np.zeros((1, n_factors), dtype=np.float32)
        else:
            factors = aligned(n_rows, n_factors)
            factors[...] = 0
        return Side(factors, None if self.biases is None else np.zeros(n_rows, dtype=np.float32))

    def clear(self, rows: npt.NDArray[np.bool_]) -> None:
        """Set rows, given as a mask, to zero."""
        self.factors[rows] = 0
        if self.biases is not None:
            self.biases[rows] = 0

    def take(self, rows: npt.NDArray[np.int64]) -> Side:
        """Copies of some rows."""
        return Side(self.factors[rows], None if self.biases is None else self.biases[rows])


class RowSolver(Protocol):
    """Solves all rows of one side in place."""

    @property
    def uses_eigenbasis(self) -> bool:
        """Whether both sides must be rotated so that the fixed side's Gramian, where it counts, is diagonal."""
        ...

    @property
    def may_not_raise(self) -> bool:
        """Whether a loss that rises is an error."""
        ...

    def solve(
        self,
        problem: RowProblem,
        fixed: Side,
        own: Side,
        gram: Float64Array | None,
        *,
        n_threads: int,
        cancel: npt.NDArray[np.uint8] | None,
    ) -> HalfStep:
        """Solve; `gram` is the fixed side's Gramian (k, k), or None where no all-pairs term counts."""
        ...

    def method(self, problem: RowProblem) -> Method:
        """How the last half-step over this problem's rows moved them."""
        ...


@dataclass(frozen=True)
class Exact:
    """Form A and b, factorise.

    In single precision in the eigenbasis of the fixed side's Gramian, where rows with few neighbours cost less; in
    double precision in the axes that the factors stand in, as fold-in does it.
    """

    precision: Precision = "single"
    may_not_raise: bool = True

    @property
    def uses_eigenbasis(self) -> bool:
        """Rotate for single precision only."""
        return self.precision == "single"

    def solve(
        self,
        problem: RowProblem,
        fixed: Side,
        own: Side,
        gram: Float64Array | None,
        *,
        n_threads: int,
        cancel: npt.NDArray[np.uint8] | None,
    ) -> HalfStep:
        """Solve every row exactly."""
        return native.solve_exact(
            problem,
            fixed.factors,
            fixed.biases,
            own.factors,
            own.biases,
            gram,
            precision=self.precision,
            n_threads=n_threads,
            cancel=cancel,
        )

    def method(self, problem: RowProblem) -> Method:
        """Exact."""
        return Method("exact")


@dataclass(frozen=True)
class ConjugateGradient:
    """A few steps a row, in the eigenbasis of the fixed side's Gramian where there is an all-pairs term.

    After its first step a row stops where the next promises at most `least_gain` for each of its neighbours.
    """

    n_steps: int
    least_gain: float = 0.0
    uses_eigenbasis: bool = True
    may_not_raise: bool = False

    def solve(
        self,
        problem: RowProblem,
        fixed: Side,
        own: Side,
        gram: Float64Array | None,
        *,
        n_threads: int,
        cancel: npt.NDArray[np.uint8] | None,
    ) -> HalfStep:
        """Take at most `n_steps` steps a row; `gram` must be diagonal."""
        return native.solve_cg(
            problem,
            fixed.factors,
            fixed.biases,
            own.factors,
            own.biases,
            None if gram is None else np.diag(gram).copy(),
            n_steps=self.n_steps,
            least_gain=self.least_gain,
            gathers_halves=gathers_halves(fixed),
            n_threads=n_threads,
            cancel=cancel,
        )

    def method(self, problem: RowProblem) -> Method:
        """Conjugate gradient, and when it stops."""
        return Method("cg", n_steps=self.n_steps, least_gain=self.least_gain)


@dataclass(frozen=True)
class AdaptiveConjugateGradient:
    """As many steps a row as pay: fewer where a row hardly moves any more, and where neighbours make steps dear.

    What the last half-steps took off the loss, the larger of both sides, says how far the alternation still moves; a
    step that promises less than `worthwhile` times that, by neighbour, is left out. The first half-step of a side takes
    `n_first_steps`.
    """

    n_first_steps: int
    worthwhile: float = WORTHWHILE
    uses_eigenbasis: bool = True
    may_not_raise: bool = False
    gains: dict[int, float] = field(default_factory=dict)
    taken: dict[int, ConjugateGradient] = field(default_factory=dict)

    def solve(
        self,
        problem: RowProblem,
        fixed: Side,
        own: Side,
        gram: Float64Array | None,
        *,
        n_threads: int,
        cancel: npt.NDArray[np.uint8] | None,
    ) -> HalfStep:
        """Take the steps, and remember what they gained."""
        side = id(problem.rows)
        steps = ConjugateGradient(self.n_first_steps)
        if side in self.gains:
            moved = max(self.gains.values())
            steps = ConjugateGradient(MOST_STEPS, self.worthwhile * moved / max(1, problem.rows.nnz))
        result = steps.solve(problem, fixed, own, gram, n_threads=n_threads, cancel=cancel)
        self.gains[side], self.taken[side] = result.gain, steps
        return result

    def method(self, problem: RowProblem) -> Method:
        """Conjugate gradient, as it was taken the last time."""
        return self.taken[id(problem.rows)].method(problem)


@dataclass(frozen=True)
class NonNegative:
    """Coordinate descent with factors >= 0."""

    uses_eigenbasis: bool = False
    may_not_raise: bool = True

    def solve(
        self,
        problem: RowProblem,
        fixed: Side,
        own: Side,
        gram: Float64Array | None,
        *,
        n_threads: int,
        cancel: npt.NDArray[np.uint8] | None,
    ) -> HalfStep:
        """Solve every row under the constraint."""
        return native.solve_non_negative(
            problem, fixed.factors, fixed.biases, own.factors, own.biases, gram, n_threads=n_threads, cancel=cancel
        )

    def method(self, problem: RowProblem) -> Method:
        """Under the constraint."""
        return Method("non_negative")
