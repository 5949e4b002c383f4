"""The search itself: draw a setting, look whether it is worth fitting, fit it under watch, remember what came of it."""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ridgeback.data.fit_cost import DataSize
from ridgeback.data.interactions import Interactions
from ridgeback.errors import RidgebackError, RidgebackWarning
from ridgeback.evaluation.judging import evaluate
from ridgeback.evaluation.report import Report
from ridgeback.metrics import names
from ridgeback.metrics.names import is_higher_better
from ridgeback.models.defaults import DataShape
from ridgeback.models.factor_model import FactorModel
from ridgeback.models.interrupts import SecondInterrupt
from ridgeback.tuning import spaces
from ridgeback.tuning.clock import Clock
from ridgeback.tuning.forecasting import Forecast, Work
from ridgeback.tuning.optuna_study import Store, importances, new_study
from ridgeback.tuning.outlook import mean_seconds, time_text
from ridgeback.tuning.pruning import GivenUp, OnStep, Watch
from ridgeback.tuning.ranks import LiveRanks, ends_near_zero
from ridgeback.tuning.study import TunedTrial

PATIENCE = 3  # iterations without a better value that end a fit
_LEAST_ITERATIONS = 3  # that there must be time for
_MOST_CUT = 30  # settings in a row that are not worth fitting, after which nothing new is left

OnTrial = Callable[[TunedTrial], object]
OnMessage = Callable[[str], object]


@dataclass
class Search:
    """Everything that a search knows.

    Attributes
    ----------
    model : FactorModel
        As given; never fitted itself.
    train, validation : Interactions
        What settings are fitted to and judged on.
    whole_shape : DataShape
        Of the data of the final fit.
    metric : str
    dimensions : tuple of Dimension
    clock : Clock
    store : Store or None
    searched : tuple of str or None
        Of the parameters to search.
    best_model : FactorModel or None
        Fitted by the best trial so far, where this run fitted it.
    untuned_report : Report or None
        Of the untuned model on the validation part, where this run fitted it.
    comparing_s : float
        What that took.
    is_hurried : bool
        Whether ctrl-C came a second time while a fit was ending.
    """

    model: FactorModel
    train: Interactions
    validation: Interactions
    whole_shape: DataShape
    metric: str
    dimensions: tuple[spaces.Dimension, ...]
    clock: Clock
    seed: int
    store: Store | None = None
    searched: tuple[str, ...] | None = None
    may_refit: bool = True
    on_trial: OnTrial | None = None
    on_step: OnStep | None = None
    on_message: OnMessage | None = None
    on_best: Callable[[FactorModel], object] | None = None
    best_model: FactorModel | None = None
    untuned_report: Report | None = None
    comparing_s: float = 0.0
    is_hurried: bool = False
    trials: list[TunedTrial] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.shape = DataShape.of(self.train)
        self.forecast = Forecast(DataSize.of(self.train), self.train.weights is not None)
        self._ranks = LiveRanks()
        counts = self.train.user_items.counts()
        self._n_meetings = int(np.sum(counts.astype(np.int64) ** 2))
        self._n_measured = int(np.count_nonzero(self.validation.user_items.counts()))
        known = [] if self.store is None else self.store.trials()
        self.n_known, self._has_outlook = len(known), False
        self._n_trials: int | None = None
        self.study = new_study(is_higher_better(self.metric), self.seed, known)
        for trial in self.study.get_trials(deepcopy=False):
            self._remember(trial)
        if not any(trial.is_untuned and trial.value is not None for trial in self.trials):
            point = spaces.untuned_point(self.model, self.dimensions)
            self.study.enqueue_trial(point, user_attrs={"is_untuned": True})
            if self.may_refit and math.isfinite(self.clock.seconds):
                expected = self.refit_seconds(self.model, self.model.n_iterations)
                self.clock.kept = min(expected, 0.4 * self.clock.seconds)
        for point in spaces.guesses(self.model, self.dimensions):
            self.study.enqueue_trial(point, skip_if_exists=True)

    @property
    def best(self) -> TunedTrial | None:
        """The best trial so far."""
        sign = -1.0 if is_higher_better(self.metric) else 1.0
        ended = [trial for trial in self.trials if trial.value is not None]
        return min(ended, key=lambda trial: (sign * (trial.value or 0.0), trial.number), default=None)

    def announce(self, n_trials: int | None) -> None:
        """Say what was found in the file, and what is about to be done."""
        if self.on_message is None:
            return
        self._n_trials = n_trials
        if self.store is not None and self.n_known:
            self.on_message(f"{self.n_known} settings found in {self.store.path}: the search goes on")
        parts = [f"{self.clock.seconds / 60:g} minutes"] if math.isfinite(self.clock.seconds) else []
        parts += [f"{n_trials} {'more ' if self.n_known else ''}settings"] if n_trials is not None else []
        fit_s = self.forecast.seconds(self.model, Work(int(self.model.n_iterations), 0, self._n_meetings))
        self.on_message(
            f"searching for {' or '.join(parts)}; a fit of the untuned model takes about {time_text(fit_s)}, and how "
            "long measuring takes, so all together, is known after the first setting"
        )

    def run(self, n_trials: int | None) -> str:
        """Try settings until something ends it; returns what did.

        Raises
        ------
        RidgebackError
            If the untuned model cannot be fitted.
        KeyboardInterrupt
        """
        n_done, n_cut = 0, 0
        while n_trials is None or n_done < n_trials:
            if self.best is not None and not self._has_time():
                return "minutes"
            state = self._try()
            n_done += 1
            n_cut = n_cut + 1 if state in ("near zero", "too slow") else 0
            if n_cut >= _MOST_CUT:
                return "minutes" if state == "too slow" else "nothing new"
        return "n_trials"

    def importances(self) -> dict[str, float]:
        """By parameter; see `optuna_study.importances`."""
        values = [v for trial in self.trials for v in (trial.value, *trial.values.values()) if v is not None]
        if not values:
            return {}
        worst = (min if is_higher_better(self.metric) else max)(values)
        parameter = {dimension.name: dimension.parameter for dimension in self.dimensions}
        found: dict[str, float] = {}
        for name, share in importances(self.study, worst).items():
            if name in parameter:
                found[parameter[name]] = found.get(parameter[name], 0.0) + share
        return dict(sorted(found.items(), key=lambda item: -item[1]))

    def final_parameters(self, trial: TunedTrial) -> dict[str, Any]:
        """The parameters of a trial, on the size of all the data."""
        point = self.study.get_trials(deepcopy=False)[trial.number].params
        found = spaces.parameters(self.model, point, self.whole_shape)
        if "n_factors" in trial.parameters:
            found["n_factors"] = trial.parameters["n_factors"]
        return {**found, "n_iterations": trial.n_iterations}

    def refit_seconds(self, model: FactorModel, n_iterations: int) -> float:
        """Of a final fit of a model."""
        shape = self.whole_shape
        size = DataSize(shape.n_users, shape.n_items, shape.n_interactions)
        return self.forecast.for_size(size).seconds(model, Work(n_iterations, 0, self._n_meetings))

    def judged(self, model: FactorModel) -> Report:
        """A fitted model on the validation part."""
        length = names.parse(self.metric)[1] or 10
        return evaluate(model, self.train, self.validation, k=length, baselines=False, n_resamples=0)

    def _work(self, n_iterations: int) -> Work:
        return Work(n_iterations, self._n_measured, self._n_meetings)

    def _has_time(self) -> bool:
        """Whether the best setting but one could be tried before the end."""
        fastest = self.model.clone().set_params(**self._smallest())
        return self.clock.left > self.forecast.seconds(fastest, self._work(_LEAST_ITERATIONS))

    def _smallest(self) -> dict[str, Any]:
        low = next((dimension.low for dimension in self.dimensions if dimension.name == "n_factors"), None)
        return {} if low is None else {"n_factors": int(low)}

    def _try(self) -> str:
        """One trial; returns its state."""
        trial = self.study.ask()
        is_untuned = bool(trial.user_attrs.get("is_untuned"))
        point = spaces.draw(self.model, self.dimensions, trial)
        model = self.model.clone()
        setting = spaces.parameters(model, point, self.shape) if is_untuned else self._setting(point)
        trial.set_user_attr("parameters", {n: v for n, v in setting.items() if n != "n_iterations"})
        if not is_untuned:  # which is fitted as it was given
            model.set_params(**setting)
        fitted: FactorModel | None = None
        try:
            state = "" if is_untuned else self._not_worth_it(model, point)
            if not state:
                state, fitted = self._fit(trial, model, is_untuned)
        except (RidgebackError, MemoryError, np.linalg.LinAlgError) as error:
            if is_untuned:
                raise
            state = "failed"
            trial.set_user_attr("reason", str(error) or type(error).__name__)
        self._end(trial, state, fitted)
        return state

    def _setting(self, point: spaces.Point) -> dict[str, Any]:
        """The parameters of a point, without factors that would not live."""
        found = spaces.parameters(self.model, point, self.shape)
        most = self._ranks.most_factors(point.get("regularization_multiple", 1.0))
        if "n_factors" in found and most is not None:
            found["n_factors"] = min(found["n_factors"], spaces.on_grid(most))
        return {**found, "n_iterations": spaces.most_iterations(self.model, self.searched)}

    def _expected_iterations(self, model: FactorModel) -> int:
        """How many iterations a fit will run, by those that ended."""
        ran = [len(trial.values) for trial in self.trials if trial.state == "complete" and not trial.is_untuned]
        return min(int(model.n_iterations), math.ceil(float(np.median(ran)))) if ran else int(model.n_iterations)

    def _not_worth_it(self, model: FactorModel, point: spaces.Point) -> str:
        """The state of a setting that is not fitted; empty for one that is."""
        if self.clock.left < self.forecast.seconds(model, self._work(_LEAST_ITERATIONS)):
            return "too slow"
        kept = self.clock.kept
        if self.may_refit and math.isfinite(self.clock.seconds):
            kept = max(kept, self.refit_seconds(model, self._expected_iterations(model)))
        if self.clock.left_in_all - kept < self.forecast.seconds(model, self._work(_LEAST_ITERATIONS)):
            return "too slow"
        if point.get("regularization_multiple", 1.0) > 1.0 and ends_near_zero(model, self.train):
            return "near zero"
        return ""

    def _fit(self, trial: Any, model: FactorModel, is_untuned: bool) -> tuple[str, FactorModel | None]:
        """Fit a setting; its state, and the model where there is one."""
        best = self.best
        watch = Watch(
            trial,
            self.metric,
            self.clock,
            None if best is None else best.value,
            not is_untuned,
            self.on_step,
        )
        began = time.perf_counter()
        state = "complete"
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", RidgebackWarning)
                model.fit(
                    self.train,
                    validation=self.validation,
                    metric=self.metric,
                    patience=None if is_untuned else PATIENCE,
                    callbacks=(watch,),
                )
        except GivenUp as reason:
            state = reason.state
        except SecondInterrupt:
            self.is_hurried = True
            raise
        elapsed = time.perf_counter() - began
        work = self._work(watch.n_iterations)
        trial.set_user_attr("forecast_s", self.forecast.seconds(model, work))
        trial.set_user_attr("elapsed_s", elapsed)
        self.forecast.learn(model, work, elapsed)
        if state != "complete":
            trial.set_user_attr("n_iterations", watch.best_iteration)
            return state, None
        n_iterations = model.n_iterations_ if is_untuned else watch.best_iteration
        trial.set_user_attr("n_iterations", max(1, n_iterations))
        trial.set_user_attr("live_rank", model.live_rank_)
        return state, model

    def _end(self, trial: Any, state: str, fitted: FactorModel | None) -> None:
        """Tell the study, the file and whoever listens."""
        from optuna.trial import TrialState

        value = None if fitted is None else fitted.history_[-1]["validation"]
        if value is not None and not math.isfinite(value):
            state, fitted = "failed", None
            trial.set_user_attr("reason", f"{self.metric} is {value}")
        trial.set_user_attr("state", state)
        before = self.best
        if fitted is not None:
            self.study.tell(trial, value)
        else:
            self.study.tell(trial, state=TrialState.FAIL if state == "failed" else TrialState.PRUNED)
        frozen = self.study.get_trials(deepcopy=False)[trial.number]
        if self.store is not None:
            self.store.add(frozen)
        found = self._remember(frozen)
        if fitted is not None and found.is_untuned:
            self._judge_untuned(fitted)
        if fitted is not None and self.best is found:
            self.best_model = fitted
            self._keep_time(fitted, found.n_iterations)
            if self.on_best is not None:
                self.on_best(fitted)
        elif before is not self.best:
            self.best_model = None
        if self.on_message is not None and found.value is not None:
            self._tell(found, self.on_message)
        if self.on_trial is not None:
            self.on_trial(found)

    def _tell(self, trial: TunedTrial, say: OnMessage) -> None:
        """Say what the untuned model and each new best reached; once, how long all will take."""
        if trial.is_untuned or self.best is trial:
            name = ", the untuned model" if trial.is_untuned else ", the best so far"
            say(f"setting {trial.number}{name}: {self.metric} {trial.value:.4f} in {time_text(trial.elapsed_s)}")
        if self._has_outlook:
            return
        self._has_outlook = True
        work = self._work(max(1, trial.n_iterations))
        mean_s = mean_seconds(self.model, self.dimensions, self.shape, self.forecast, work)
        end_s = self.comparing_s + (self.refit_seconds(self.model, trial.n_iterations) if self.may_refit else 0.0)
        about = f"a setting takes about {time_text(mean_s)} on average, measuring included"
        if self._n_trials is None:
            say(f"{about}; there is time for some {max(0, int((self.clock.left_in_all - end_s) / mean_s)):,}")
        else:
            total = self.clock.elapsed + (self._n_trials - 1) * mean_s + end_s
            say(f"{about}; about {time_text(min(total, self.clock.seconds))} in all, the final fit included")

    def _judge_untuned(self, model: FactorModel) -> None:
        """Judge it, while it is there, for the comparison at the end."""
        began = time.perf_counter()
        self.untuned_report = self.judged(model)
        self.comparing_s = time.perf_counter() - began

    def _keep_time(self, model: FactorModel, n_iterations: int) -> None:
        """Keep the time of the final fit of the best setting, and of its comparison with the untuned model."""
        refit_s = 1.2 * self.refit_seconds(model, n_iterations) if self.may_refit else 0.0
        self.clock.kept = refit_s + 1.5 * self.comparing_s  # of two hundred neighbours it takes longer

    def _remember(self, frozen: Any) -> TunedTrial:
        """Learn from a finished trial, of this run or of an earlier one."""
        found = TunedTrial.of(frozen)
        self.trials.append(found)
        if found.state == "complete":
            n_factors = found.parameters.get("n_factors", self.model.n_factors)
            self._ranks.learn(frozen.params.get("regularization_multiple", 1.0), n_factors, found.live_rank)
        return found
