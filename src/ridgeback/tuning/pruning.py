"""When a fit is given up before its end: a reader of its half-steps that asks Optuna's pruner and the clock.

A fit is measured after every iteration. One whose best value so far is worse than the median of the others after as
many iterations is not worth ending.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from ridgeback.metrics.names import is_higher_better
from ridgeback.tuning.clock import Clock

N_FIRST = 5  # fits that run to their end before any is pruned
N_WARMUP = 3  # iterations before any is pruned: some settings start slowly

OnStep = Callable[[int, dict[str, Any]], object]


class GivenUp(Exception):
    """A fit ends without a model; the state says why."""

    def __init__(self, state: str) -> None:
        super().__init__(state)
        self.state = state


def median_pruner() -> Any:
    """Optuna's pruner."""
    import optuna

    return optuna.pruners.MedianPruner(n_startup_trials=N_FIRST, n_warmup_steps=N_WARMUP)


class Watch:
    """A callback of one fit.

    Parameters
    ----------
    trial : optuna.Trial
    metric : str
    clock : Clock
    best : float or None
        The best value so far; None: this fit is the first, and is kept whatever it reached when the time is up.
    may_prune : bool
    on_step : callable or None
        Called with the trial's number and each record.
    """

    reads_factors = False  # of the model: the record says all

    def __init__(
        self, trial: Any, metric: str, clock: Clock, best: float | None, may_prune: bool, on_step: OnStep | None
    ) -> None:
        self.values: dict[int, float] = {}
        self.n_iterations = 0
        self._trial, self._metric, self._clock, self._best = trial, metric, clock, best
        self._may_prune, self._on_step = may_prune, on_step

    def __call__(self, model: Any, record: dict[str, Any]) -> bool:
        """Read a half-step.

        Returns
        -------
        bool
            True where the time is up and what there is is worth ending the fit for.

        Raises
        ------
        GivenUp
            To end the fit without.
        """
        if self._on_step is not None:
            self._on_step(self._trial.number, record)
        if record["side"] == "final users":
            return False
        value = record["validation"]
        if value is not None:
            self._measured(record["iteration"], value)
        if self._clock.left > 0:
            return False
        if self._best is None or self._is_better_than(self._best):
            return True
        raise GivenUp("out of time")

    @property
    def best_iteration(self) -> int:
        """The iteration with the best value; the first of equal ones, 0 before any."""
        sign = -1 if is_higher_better(self._metric) else 1
        return min(self.values, key=lambda n: (sign * self.values[n], n), default=0)

    def _measured(self, iteration: int, value: float) -> None:
        if not math.isfinite(value):
            raise GivenUp("failed")
        self.n_iterations = iteration
        self.values[iteration] = value
        self._trial.report(value, iteration)
        if self._may_prune and self._trial.should_prune():
            raise GivenUp("pruned")

    def _is_better_than(self, other: float) -> bool:
        if not self.values:
            return False
        best = self.values[self.best_iteration]
        return best > other if is_higher_better(self._metric) else best < other
