"""The reader of half-steps: what it reports, and when it ends a fit."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import optuna
import pytest

from ridgeback.tuning.clock import Clock
from ridgeback.tuning.optuna_study import new_study, quiet_optuna
from ridgeback.tuning.pruning import N_FIRST, GivenUp, Watch


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    with quiet_optuna():
        yield


def record(iteration: int, validation: float | None, side: str = "items") -> dict[str, Any]:
    return {"iteration": iteration, "side": side, "validation": validation}


def watch(study: Any, clock: Clock | None = None, best: float | None = None, metric: str = "ndcg@10") -> Watch:
    return Watch(study.ask(), metric, clock or Clock(), best, True, None)


def test_a_fit_worse_than_the_median_is_given_up() -> None:
    study = new_study(True, 0, [])
    for _ in range(N_FIRST):
        one = watch(study)
        for iteration in range(1, 8):
            assert not one(None, record(iteration, None, "users"))
            assert not one(None, record(iteration, 0.1 * iteration))
        study.tell(one._trial, 0.7)
    good, bad = watch(study), watch(study)
    for iteration in range(1, 8):
        good(None, record(iteration, 0.11 * iteration))
    assert good.best_iteration == good.n_iterations == 7
    bad(None, record(1, 0.01))
    bad(None, record(2, 0.01))
    with pytest.raises(GivenUp, match="pruned"):
        bad(None, record(3, 0.01))
    assert bad._trial.study.trials[bad._trial.number].intermediate_values == {1: 0.01, 2: 0.01, 3: 0.01}


def test_lower_errors_are_better() -> None:
    one = watch(new_study(False, 0, []), metric="rmse")
    for iteration, value in enumerate([1.0, 0.8, 0.8, 0.9], 1):
        one(None, record(iteration, value))
    assert one.best_iteration == 2


def test_the_clock_ends_a_fit_unless_it_is_the_best() -> None:
    study = new_study(True, 0, [])
    late = Clock(0.0)
    with pytest.raises(GivenUp, match="out of time"):
        watch(study, late, best=0.5)(None, record(1, 0.4))
    assert watch(study, late, best=0.5)(None, record(1, 0.6))
    assert watch(study, late, best=None)(None, record(0, None, "start"))
    assert not watch(study, late, best=0.5)(None, record(9, 0.1, "final users"))


def test_what_is_no_number_fails() -> None:
    with pytest.raises(GivenUp, match="failed"):
        watch(new_study(True, 0, []))(None, record(1, float("nan")))


def test_a_clock_keeps_time_for_the_end() -> None:
    clock = Clock(10.0, kept=9.99)
    time.sleep(0.02)
    assert clock.left < 0 < clock.left_in_all < 10


def test_draws_go_on_from_where_they_were() -> None:
    def drawn(study: Any) -> float:
        return float(study.ask().suggest_float("x", 0, 1))

    known = [
        optuna.trial.create_trial(
            params={"x": 0.5}, distributions={"x": optuna.distributions.FloatDistribution(0, 1)}, value=1.0
        )
    ]
    assert drawn(new_study(True, 3, [])) == drawn(new_study(True, 3, []))
    assert drawn(new_study(True, 3, known)) != drawn(new_study(True, 3, []))
