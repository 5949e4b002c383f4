"""The state of a fit: both sides, the axes they stand in, and the loss after every half-step, free of cost."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from ridgeback.models.acceleration import Nesterov
from ridgeback.models.row_solver import RowSolver, Side
from ridgeback.objective import Objective
from ridgeback.solvers import native
from ridgeback.solvers.matrices import eigenbasis, gram, principal_axes, product, rotate, squared_norms
from ridgeback.solvers.problem import Float64Array, RowProblem
from ridgeback.trace.rows import Method

SideName: TypeAlias = Literal["users", "items"]
OTHER: dict[SideName, SideName] = {"users": "items", "items": "users"}

ObservedLoss: TypeAlias = Callable[[RowProblem, Side, Side, int], float]


class Interrupted(Exception):
    """A half-step was cut short; the rows that were solved stay solved."""


def squared_loss(problem: RowProblem, fixed: Side, own: Side, n_threads: int) -> float:
    """Sum over the listed pairs of ``constant - 2 c s + w s^2``: a pass over the interactions, no row is solved."""
    return native.pair_loss(problem, fixed.factors, fixed.biases, own.factors, own.biases, n_threads=n_threads)


def zero_loss(problem: RowProblem, observed_loss: ObservedLoss, n_threads: int) -> float:
    """The loss of a model that says nothing: without factors, and with biases of zero."""
    n_rows, n_columns = problem.rows.shape
    fixed, own = (
        Side(np.zeros((n, 0), dtype=np.float32), np.zeros(n, dtype=np.float32) if problem.has_biases else None)
        for n in (n_columns, n_rows)
    )
    return observed_loss(problem, fixed, own, n_threads)


def ridge_penalty(problem: RowProblem, side: Side, n_threads: int) -> float:
    """``sum_r ridge_r |x_r|^2`` of one side, biases included, in float64."""
    total = squared_norms(side.factors, problem.ridges, n_threads)
    if problem.bias_ridges is not None and side.biases is not None:
        total += squared_norms(side.biases[:, None], problem.bias_ridges, n_threads)
    return total


class Alternation:
    """Both sides of a fit, stepped one after the other.

    Parameters
    ----------
    problems : dict of side name to RowProblem
    sides : dict of side name to Side
        Updated in place.
    solver : RowSolver
    observed_loss : callable
        Objective over the listed pairs at given factors, for the starting values.
    n_threads : int
    cancel : uint8 array of length 1
        Becomes non-zero on ctrl-C.
    acceleration : Nesterov, optional
        Lengthens the items' steps; needs a spare copy of both sides.
    """

    def __init__(
        self,
        problems: dict[SideName, RowProblem],
        sides: dict[SideName, Side],
        solver: RowSolver,
        observed_loss: ObservedLoss,
        n_threads: int,
        cancel: npt.NDArray[np.uint8],
        acceleration: Nesterov | None = None,
    ) -> None:
        self.problems = problems
        self.sides = sides
        self.solver = solver
        self.observed_loss = observed_loss
        self.n_threads = n_threads
        self.cancel = cancel
        self.acceleration = acceleration
        self.n_singular = 0
        self.n_unbounded = 0
        self.rotation: Float64Array | None = None  # from the axes of the start to today's; None while they are the same
        self._grams: dict[SideName, Float64Array | None] = {"users": None, "items": None}
        self._penalties: dict[SideName, float | None] = {"users": None, "items": None}
        self._next_users: tuple[Side, Objective] | None = None
        self._loss = math.inf  # after the last half-step
        self._last_solver = solver
        self._spares: dict[SideName, Side] = {}  # with acceleration: the items of an iteration ago, users to go back to

    @property
    def unobserved_weight(self) -> float:
        """Weight of the all-pairs term."""
        return self.problems["users"].unobserved_weight

    def start(self) -> Objective:
        """The loss of the starting values."""
        observed = self.observed_loss(self.problems["users"], self.sides["items"], self.sides["users"], self.n_threads)
        unobserved = self._unobserved(self._gram("users"), self._gram("items")) if self.unobserved_weight else 0.0
        return Objective(observed, unobserved, self._penalty("users") + self._penalty("items"))

    def half_step(self, name: SideName) -> Objective:
        """Solve all rows of one side.

        Raises
        ------
        Interrupted
            When ctrl-C came; solved rows stay solved.
        """
        self._hear()
        if name == "users" and self._next_users is not None and self.acceleration is None:
            users, known = self._next_users
            self._replace(name, users)
            self._penalty(name)  # in these axes, as where nobody looked ahead
            return known
        loss: Objective | None = None
        if name == "users" and self.acceleration is not None:
            loss = self._users_of_longer_step(self.acceleration)
        if loss is None:
            self._face(name)
            loss = self._solve(name, self.sides[name], self.solver)
        self._loss = loss.total
        return loss

    def _users_of_longer_step(self, acceleration: Nesterov) -> Objective | None:
        """Let the items go on and solve the users; None, and all as it was, where the loss would rise."""
        items, share = self.sides["items"], np.float32(acceleration.share)
        before = self._spares.pop("items", None)
        self._spares["items"] = items.copy()
        if before is None or share == 0:
            acceleration.go_on()
            return None
        self._spares["users"] = self.sides["users"].copy()
        items.factors += share * (items.factors - before.factors)
        self._replace("items", items)
        self._face("users")
        loss = self._solve("users", self.sides["users"], self.solver)
        users = self._spares.pop("users")
        if loss.total <= self._loss:
            acceleration.go_on()
            return loss
        acceleration.start_anew()
        self._replace("users", users)
        self._replace("items", self._spares["items"].copy())
        return None

    def peek_users(self) -> Side:
        """The users as the next half-step would leave them; without acceleration that half-step then costs nothing."""
        if self._next_users is None:
            self._face("users")
            users = self.sides["users"].copy()
            self._next_users = (users, self._solve("users", users, self.solver))
        return self._next_users[0]

    def final_users(self, solver: RowSolver, depends_on_start: bool) -> Objective:
        """The last half-step: every user exactly, from zero where the solver cares where it starts."""
        users = self.sides["users"]
        own = users.zeros_like(len(users.factors)) if depends_on_start else users
        loss = self._solve("users", own, solver)
        if own is not users:
            self._replace("users", own)
        return loss

    def restore_items(self, items: Side) -> None:
        """Go back to item factors that were kept in the axes of the start."""
        self.to_start_axes()
        self._replace("items", items)

    def in_start_axes(self, name: SideName) -> Side:
        """A copy of one side in the axes of the start."""
        side = self.sides[name].copy()
        if self.rotation is not None:
            rotate(side.factors, self.rotation.T, self.n_threads)
        return side

    def to_start_axes(self) -> None:
        """Turn both sides back to the axes of the start."""
        self._spares.clear()
        if self.rotation is not None:
            self._rotate(np.ascontiguousarray(self.rotation.T))
            self.rotation = None

    def to_principal_axes(self) -> Float64Array:
        """Turn both sides to the principal axes of the items' Gramian, energies descending; from those of the start."""
        self._spares.clear()
        vectors = self._principal_axes()
        self._rotate(vectors)
        turned = vectors if self.rotation is None else product(self.rotation, vectors)
        self.rotation = None
        return turned

    def method(self, side: str) -> Method:
        """How the last half-step of this side moved its rows."""
        return self._last_solver.method(self.problems["items" if side == "items" else "users"])

    def _face(self, name: SideName) -> None:
        """Turn both sides to the axes that the solver wants for solving one of them."""
        if not (self.solver.uses_eigenbasis and self.unobserved_weight):
            return
        values, vectors = eigenbasis(self._gram(OTHER[name]))
        if self.solver.may_not_raise and not self._has_every_direction(name, values):
            return  # exact rows are then formed in the axes that the factors stand in
        self._hear()  # a rotation that has begun ends
        # Of directions that the fixed side does not have only rounding is left; without a ridge it would be divided by.
        values = np.where(values > 1e-12 * values[0], values, 0.0)
        self._rotate(vectors)
        self.rotation = vectors if self.rotation is None else product(self.rotation, vectors)
        self._grams[OTHER[name]] = np.diag(values)

    def _has_every_direction(self, name: SideName, values: Float64Array) -> bool:
        """Whether Gramian and ridge hold every direction well above the rounding of float32 factors."""
        ridge = float(self.problems[name].ridges.min(initial=np.inf))
        smallest, largest = (self.unobserved_weight * float(values[i]) + ridge for i in (-1, 0))
        return smallest > 1e-6 * largest

    def _solve(self, name: SideName, own: Side, solver: RowSolver) -> Objective:
        """Solve one side into `own`; the parts of the loss with `own` in its place."""
        problem, other = self.problems[name], OTHER[name]
        self._last_solver = solver
        fixed_gram = self._gram(other) if self.unobserved_weight else None
        result = solver.solve(problem, self.sides[other], own, fixed_gram, n_threads=self.n_threads, cancel=self.cancel)
        if own is self.sides[name]:
            self._replace(name, own)
        if not result.is_complete:
            raise Interrupted
        self.n_singular += result.n_singular
        self.n_unbounded += result.n_unbounded
        is_current = own is self.sides[name]
        unobserved = 0.0
        if fixed_gram is not None:
            own_gram = self._gram(name) if is_current else self._form_gram(own)
            unobserved = self._unobserved(fixed_gram, own_gram)
        penalty = self._penalty(name) if is_current else self._form_penalty(problem, own)
        observed = self._observed_part(name, own, result.loss - penalty - unobserved)
        return Objective(observed, unobserved, penalty + self._penalty(other), result.is_rounded)

    def _replace(self, name: SideName, side: Side) -> None:
        """Put a side in place and forget what was derived from the one before."""
        self.sides[name] = side
        self._grams[name] = None
        self._penalties[name] = None
        self._next_users = None

    def _rotate(self, vectors: Float64Array) -> None:
        for side in (*self.sides.values(), *self._spares.values()):
            rotate(side.factors, vectors, self.n_threads)
        self._grams = {"users": None, "items": None}
        self._next_users = None

    def _gram(self, name: SideName) -> Float64Array:
        kept = self._grams[name]
        if kept is None:
            kept = self._grams[name] = self._form_gram(self.sides[name])
        return kept

    def _principal_axes(self) -> Float64Array:
        return principal_axes(self.sides["items"].factors, self.n_threads)

    def _form_gram(self, side: Side) -> Float64Array:
        formed = gram(side.factors, n_threads=self.n_threads, cancel=self.cancel)
        self._hear()
        return formed

    def _hear(self) -> None:
        """End the half-step where ctrl-C came."""
        if self.cancel[0]:
            raise Interrupted

    def _penalty(self, name: SideName) -> float:
        kept = self._penalties[name]
        if kept is None:
            kept = self._penalties[name] = self._form_penalty(self.problems[name], self.sides[name])
        return kept

    def _observed_part(self, name: SideName, own: Side, known: float) -> float:
        """The listed pairs' part of the loss with `own` in its place; what the solver's own residuals leave of it."""
        return known

    def _form_penalty(self, problem: RowProblem, side: Side) -> float:
        return ridge_penalty(problem, side, self.n_threads)

    def _unobserved(self, user_gram: Float64Array, item_gram: Float64Array) -> float:
        """``unobserved_weight * sum over all pairs of s^2 = unobserved_weight * trace(X^T X Y^T Y)``."""
        return self.unobserved_weight * float(np.sum(user_gram * item_gram))
