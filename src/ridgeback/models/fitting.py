"""The fit loop of every model: alternate, report after each half-step, stop for one of five reasons.

::

    start with X, Y
    for iteration = 1 ... n_iterations:
        users:  for every user u, solve for x_u with Y fixed
        items:  for every item i, solve for y_i with X fixed
        stop if converged, if validation no longer improves, or if a callback says so
    rotate to the principal axes
    users:  once more, exactly
"""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, TypeAlias

from ridgeback.errors import ObjectiveRoseError, RidgebackWarning
from ridgeback.models.alternation import Alternation, Interrupted
from ridgeback.models.row_solver import RowSolver, Side
from ridgeback.objective import Objective
from ridgeback.solvers.problem import Float64Array

StoppedBy: TypeAlias = Literal["n_iterations", "tolerance", "early_stopping", "callback", "interrupted"]
Record: TypeAlias = dict[str, Any]


_LARGEST_LOSS = 1e30  # beyond it squares of single values leave float32's range of 3e38


@dataclass(frozen=True)
class Plan:
    """When to stop, and how to finish.

    Attributes
    ----------
    n_iterations : int
    tolerance : float or None
        Stop when an iteration lowers the loss by less than this share.
    patience : int or None
        Stop after this many iterations without a better validation value.
    is_principal : bool
        Whether the factors end in the principal axes.
    final_solver : RowSolver
    final_depends_on_start : bool
        Whether the final half-step must start from zero, as fold-in does.
    advice_near_zero : callable
        What to do where the factors ended near zero.
    """

    n_iterations: int
    tolerance: float | None
    patience: int | None
    is_principal: bool
    final_solver: RowSolver
    final_depends_on_start: bool
    advice_near_zero: Callable[[], str] = lambda: "Lower the regularization."


class Tracer(Protocol):
    """A reader of records that also hears of what is no half-step."""

    def __call__(self, record: Record) -> None:
        """A half-step has ended."""
        ...

    def rotated(self, rotation: Float64Array) -> None:
        """Both sides were turned from the axes of the start to the principal ones."""
        ...

    def restored(self) -> None:
        """The items went back to those of the best iteration."""
        ...


@dataclass
class Reporter:
    """Makes one record a half-step and hands it to everybody who reads them; holds the loss to its promise."""

    measures: Callable[[Objective], dict[str, float | None]]
    readers: list[Callable[[Record], Any]]
    zero_loss: float  # of a model that says nothing; float32 sums are exact to about 1e-7 of it
    large_parameters: list[str] = field(default_factory=list)  # what to blame where the loss leaves float32's range
    tracer: Tracer | None = None
    history: list[Record] = field(default_factory=list)
    began: float = field(default_factory=time.perf_counter)
    _previous: float | None = None

    def emit(
        self,
        iteration: int,
        side: str,
        loss: Objective,
        *,
        may_not_raise: bool = False,
        validation: float | None = None,
    ) -> bool:
        """Record a half-step; True when a reader wants the fit to end."""
        self._check(iteration, side, loss, may_not_raise)
        record: Record = {
            "iteration": iteration,
            "side": side,
            "loss": loss.total,
            "observed_loss": loss.observed,
            "unobserved_loss": loss.unobserved,
            "regularization_loss": loss.regularization,
            **self.measures(loss),
            "elapsed_s": time.perf_counter() - self.began,
            "validation": validation,
        }
        if loss.is_rounded:
            record["is_rounded"] = True
        self.history.append(record)
        if self.tracer is not None:
            self.tracer(record)
        answers = [reader(record) for reader in self.readers]  # every one reads every record
        return any(answers)

    def forget_previous(self) -> None:
        """The next loss is of other factors: do not compare."""
        self._previous = None

    def _check(self, iteration: int, side: str, loss: Objective, may_not_raise: bool) -> None:
        if not math.isfinite(loss.total) or loss.magnitude > _LARGEST_LOSS:
            blamed = ", ".join(self.large_parameters)
            raise ObjectiveRoseError(
                f"The loss is {loss.total:.3g} after the half-step '{side}' of iteration {iteration}: "
                + (
                    f"{blamed} is beyond what float32 factors can follow. Lower it."
                    if blamed
                    else "values or weights are too large for float32. Scale the values down (divide them by their "
                    "mean)."
                )
            )
        previous, self._previous = self._previous, loss.total
        if not may_not_raise or previous is None:
            return
        allowed = 1e-6 * max(loss.magnitude, self.zero_loss)
        if loss.total > previous + allowed:
            raise ObjectiveRoseError(
                f"The loss rose from {previous:.9g} to {loss.total:.9g} in the half-step '{side}' of iteration "
                f"{iteration}; an exact half-step cannot raise it by more than {allowed:.3g}. Raise the "
                "regularization, or scale the values down; if that does not help, please report it."
            )


@dataclass(frozen=True)
class Ending:
    """How a fit ended."""

    n_iterations: int
    stopped_by: StoppedBy
    is_final: bool


def fit(
    state: Alternation, plan: Plan, reporter: Reporter, measure: Callable[[Side], float] | None, is_better: Any
) -> Ending:
    """Alternate until done, rotate, and solve the users once more.

    Parameters
    ----------
    state : Alternation
    plan : Plan
    reporter : Reporter
    measure : callable or None
        Validation metric of the users that it is given, on the current items.
    is_better : callable
        Whether one validation value is better than another.
    """
    best = _Best(plan.patience, is_better)
    try:
        n_iterations, stopped_by = _alternate(state, plan, reporter, measure, best)
    except (Interrupted, KeyboardInterrupt):
        n_iterations, stopped_by = _completed(reporter), "interrupted"
    if best.items is not None and best.is_behind:
        state.restore_items(best.items)
        reporter.forget_previous()
        if reporter.tracer is not None:
            reporter.tracer.restored()
    if plan.is_principal:
        rotation = state.to_principal_axes()
        if reporter.tracer is not None:
            reporter.tracer.rotated(rotation)
    else:
        state.to_start_axes()
    if stopped_by == "interrupted":
        return Ending(n_iterations, "interrupted", False)
    is_final = False
    try:
        loss = state.final_users(plan.final_solver, plan.final_depends_on_start)
        is_final = True
        value = measure(state.sides["users"]) if measure is not None else None
        may_not_raise = plan.final_solver.may_not_raise
        reporter.emit(n_iterations, "final users", loss, may_not_raise=may_not_raise, validation=value)
    except (Interrupted, KeyboardInterrupt):
        return Ending(n_iterations, "interrupted", is_final)
    if reporter.zero_loss and abs(loss.total - reporter.zero_loss) <= 1e-3 * reporter.zero_loss:
        warnings.warn(
            f"The factors ended near zero: the loss {loss.total:.6g} is that of a model that says nothing "
            f"({reporter.zero_loss:.6g}), so recommendations would be arbitrary. {plan.advice_near_zero()}",
            RidgebackWarning,
            stacklevel=4,
        )
    if state.n_singular:
        warnings.warn(
            f"{state.n_singular} row systems were singular and got the minimum-norm solution; "
            "set regularization above 0 to make every row's solution unique.",
            RidgebackWarning,
            stacklevel=4,
        )
    if state.n_unbounded:
        warnings.warn(
            f"{state.n_unbounded} users have no finite optimum: a regularization is 0 and their yeses and noes can be "
            "separated. They stay as the last iteration left them; set the regularization above 0.",
            RidgebackWarning,
            stacklevel=4,
        )
    return Ending(n_iterations, "interrupted" if state.cancel[0] else stopped_by, True)


def _alternate(
    state: Alternation,
    plan: Plan,
    reporter: Reporter,
    measure: Callable[[Side], float] | None,
    best: _Best,
) -> tuple[int, StoppedBy]:
    may_not_raise = state.solver.may_not_raise
    loss = state.start()
    if reporter.emit(0, "start", loss):
        return 0, "callback"
    for iteration in range(1, plan.n_iterations + 1):
        before = loss.total
        if reporter.emit(iteration, "users", state.half_step("users"), may_not_raise=may_not_raise):
            return iteration - 1, "callback"
        loss = state.half_step("items")
        value = None if measure is None else measure(state.peek_users())
        has_waited_enough = value is not None and best.has_waited_enough(value, state)
        if reporter.emit(iteration, "items", loss, may_not_raise=may_not_raise, validation=value):
            return iteration, "callback"
        if has_waited_enough:
            return iteration, "early_stopping"
        if plan.tolerance is not None and before - loss.total < plan.tolerance * abs(before):
            return iteration, "tolerance"
    return plan.n_iterations, "n_iterations"


def _completed(reporter: Reporter) -> int:
    return max((record["iteration"] for record in reporter.history if record["side"] == "items"), default=0)


class _Best:
    """The best iteration so far and its item factors, where patience asks for them."""

    def __init__(self, patience: int | None, is_better: Callable[[float, float], bool]) -> None:
        self.patience = patience
        self.is_better = is_better
        self.value = math.nan
        self.items: Side | None = None
        self.n_waited = 0

    @property
    def is_behind(self) -> bool:
        """Whether the current items are not the best ones."""
        return self.n_waited > 0

    def has_waited_enough(self, value: float, state: Alternation) -> bool:
        if self.patience is None:
            return False
        if self.items is None or self.is_better(value, self.value):
            self.value, self.items, self.n_waited = value, state.in_start_axes("items"), 0
        else:
            self.n_waited += 1
        return self.n_waited >= self.patience
