"""The half-steps of LogisticMF, as the fit loop, fold-in and partial_fit call them."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from ridgeback.models.row_solver import Side
from ridgeback.solvers import logistic_native
from ridgeback.solvers.problem import Float64Array, HalfStep, RowProblem
from ridgeback.trace.rows import Method


@dataclass(frozen=True)
class Majorize:
    """One step a row to the minimum of the quadratic that touches its loss from above (Jaakkola & Jordan 2000)."""

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
        """Take the step."""
        return logistic_native.majorize(
            problem, fixed.factors, fixed.biases, own.factors, own.biases, n_threads=n_threads, cancel=cancel
        )

    def method(self, problem: RowProblem) -> Method:
        """By majorisation."""
        return Method("majorize")


@dataclass(frozen=True)
class Gradient:
    """One step a row down the gradient of the sum loss, halved until the loss does not rise."""

    step_size: float
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
        """Take the step."""
        return logistic_native.gradient_step(
            problem,
            fixed.factors,
            fixed.biases,
            own.factors,
            own.biases,
            step_size=self.step_size,
            n_threads=n_threads,
            cancel=cancel,
        )

    def method(self, problem: RowProblem) -> Method:
        """Down the gradient."""
        return Method("gradient", step_size=self.step_size)


@dataclass(frozen=True)
class AdaGrad:
    """As `Gradient`, with each number's own step size; remembers its squared gradients (Johnson 2014).

    One object serves one fit: `squares` holds the sums of both sides, told apart by the rows that they belong to.
    """

    step_size: float
    uses_eigenbasis: bool = False
    may_not_raise: bool = True
    squares: dict[int, Float64Array] = field(default_factory=dict)

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
        """Take the step, and remember its gradients."""
        n_rows, n_factors = own.factors.shape
        side = id(problem.rows)
        if side not in self.squares:
            self.squares[side] = np.zeros((n_rows, n_factors + problem.has_biases))
        return logistic_native.adagrad_step(
            problem,
            fixed.factors,
            fixed.biases,
            own.factors,
            own.biases,
            self.squares[side],
            step_size=self.step_size,
            n_threads=n_threads,
            cancel=cancel,
        )

    def method(self, problem: RowProblem) -> Method:
        """By AdaGrad, with its sums as they stand."""
        return Method("adagrad", step_size=self.step_size, squares=self.squares[id(problem.rows)])


@dataclass(frozen=True)
class Newton:
    """Every row to its optimum, in float64 and from zero; a row that has none stays and counts as singular."""

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
        """Find the optima."""
        return logistic_native.newton(
            problem, fixed.factors, fixed.biases, own.factors, own.biases, n_threads=n_threads, cancel=cancel
        )

    def method(self, problem: RowProblem) -> Method:
        """To the optimum."""
        return Method("newton")
