"""Find the parameters of a model that serve held-out data best, within a time."""

from __future__ import annotations

import inspect
import math
import os
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ridgeback.data import split
from ridgeback.data.given import as_interactions
from ridgeback.data.interactions import Interactions
from ridgeback.errors import ParameterError
from ridgeback.metrics.names import is_higher_better
from ridgeback.models.defaults import DataShape
from ridgeback.models.factor_model import FactorModel
from ridgeback.models.training import refuse_nothing
from ridgeback.models.validation import Validation, check_metric
from ridgeback.tuning import spaces
from ridgeback.tuning.clock import Clock
from ridgeback.tuning.comparing import compare_with_untuned
from ridgeback.tuning.identity import identity
from ridgeback.tuning.optuna_study import Store, quiet_optuna
from ridgeback.tuning.pruning import OnStep
from ridgeback.tuning.search import OnMessage, OnTrial, Search
from ridgeback.tuning.study import TunedTrial, Tuning

DEFAULT_MINUTES = 5.0
MOST_USERS = 20_000  # of the validation part: more make every iteration slower and the choice hardly surer
_ENOUGH = 0.75  # of its iterations: a final fit that the clock ends before is dropped for the search's model


def tune(
    model: Any,
    train: Any,
    validation: Any = None,
    *,
    metric: str | None = None,
    minutes: float | None = None,
    n_trials: int | None = None,
    storage: str | os.PathLike[str] | None = None,
    search: Iterable[str] | None = None,
    fixed: Iterable[str] = (),
    validation_fraction: float = 0.2,
    random_state: int = 0,
    refit: bool = True,
    output: str | os.PathLike[str] | None = None,
    include_history: bool = True,
    on_trial: OnTrial | None = None,
    on_step: OnStep | None = None,
    on_message: OnMessage | None = None,
) -> Tuning:
    """Search the parameters of a model, judged on held-out interactions, and fit the best to everything.

    The first setting is the untuned model, so that the best is never below it on the validation part. Settings are
    drawn around the measured defaults by Optuna's TPE; a fit is measured after every iteration, keeps its best one, and
    is given up where it is worse than most were after as many.

    Parameters
    ----------
    model : ImplicitALS, ExplicitALS or LogisticMF, the class or one with parameters
        A parameter that it states, other than the signature's default, stays as it is; to keep one that is the
        default, name it in `fixed`.
    train : Interactions, or CSR matrix whose rows are users
    validation : Interactions, or CSR matrix, optional
        What settings are judged on. None: a `validation_fraction` of each user's pairs of `train`. Never give the part
        that the final figures will be of.
    metric : str, optional
        Such as ``"ndcg@20"`` or ``"rmse"``; None: rmse for ExplicitALS, ndcg@10 for the others.
    minutes : float, optional
        Time for everything, the final fit and reading `storage` too; kept to within one half-step. None: no limit where
        there is `n_trials`, else 5.
    n_trials : int, optional
        Settings to try in this call.
    storage : path, optional
        An SQLite file that keeps the study: where it exists, the search goes on.
    search : iterable of str, optional
        Names of the parameters to search, the others staying as they are.
    fixed : iterable of str, optional
        Names of parameters that stay as they are, such as ``["n_neighbors"]``: a default that is stated cannot be told
        from one that is not.
    validation_fraction : float, default=0.2
    random_state : int, default=0
        Seeds the split and the draws; the model has its own.
    refit : bool, default=True
        Fit the best setting to `train` and `validation` together at the end.
    output : path, optional
        Model file: the best model so far, replaced in one step whenever there is a better one, and at the end by the
        final fit.
    include_history : bool, default=True
        Of that file; see `save`.
    on_trial : callable, optional
        Called with each `TunedTrial` when it is there.
    on_step : callable, optional
        Called with the trial's number and each record of its fit; the final fit has number -1.
    on_message : callable, optional
        Called with sentences of what was found in `storage`, what the untuned model reached, how long all will take,
        and each new best.

    Returns
    -------
    Tuning
        ``.best_params``, ``.best_value``, ``.model``, ``.trials``, ``.importances``; prints as a table.

    Raises
    ------
    ParameterError
        If the model cannot be tuned, an argument cannot be used, or `storage` holds the study of something else.
    DataError
        If nothing can be learned from `train`, or nothing of `validation` can be judged.
    MissingDependencyError
        Without Optuna.

    Notes
    -----
    Ctrl-C ends the search; the best setting so far is then fitted to everything and returned, with
    ``stopped_by == "interrupted"``. A second ctrl-C leaves the final fit out. A process that is killed loses the
    setting that it was at; called again with the same `storage`, the search goes on. More than 20,000 users with
    held-out pairs are judged by a sample of so many. Memory is that of two models.

    Examples
    --------
    >>> import ridgeback as rb
    >>> from ridgeback.data.synthetic import low_rank_ratings
    >>> ratings = low_rank_ratings(100, 60, n_factors=2, density=0.3, random_state=1)
    >>> study = rb.tune(rb.ExplicitALS(n_iterations=5), ratings, n_trials=12)
    >>> len(study.trials), study.best_value < study.untuned_value
    (12, True)
    """
    began = time.perf_counter()
    base = _unfitted(model)
    seed = _checked_seed(random_state)
    searched = check_arguments(base, metric, search, fixed, minutes, n_trials)
    metric = base.default_metric if metric is None else metric
    parts = _parts(base, train, validation, validation_fraction, seed)
    Validation.of(base, parts.train, parts.validation, metric)  # refuses a metric that does not suit
    shape = DataShape.of(parts.train)
    chosen = spaces.dimensions(base, shape, searched)
    if minutes is None and n_trials is None:
        minutes = DEFAULT_MINUTES
    clock = Clock(math.inf if minutes is None else 60.0 * minutes, _began=began)
    with quiet_optuna():
        store = None
        if storage is not None:
            store = Store(
                storage, identity(base, metric, parts.train, parts.validation, chosen), is_higher_better(metric)
            )
        saver = None if output is None else _saver(output, include_history)
        run = Search(
            base, parts.train, parts.validation, DataShape.of(parts.whole), metric, chosen, clock,
            seed, store, searched, refit, on_trial, on_step, on_message, saver,
        )  # fmt: skip
        try:
            run.announce(n_trials)
            stopped_by = run.run(n_trials)
        except KeyboardInterrupt:
            stopped_by = "interrupted"
        best = run.best
        if best is None:  # ctrl-C before the untuned model was fitted: there is nothing to return
            raise KeyboardInterrupt
        ending = _Ending(run.best_model, False, 0.0, ())
        if refit and not run.is_hurried:
            ending = _refitted(run, best, parts.whole)
        if ending.is_interrupted:
            stopped_by = "interrupted"
        if ending.is_refitted and ending.model is not None and saver is not None:
            saver(ending.model)
        comparison, why_not = compare_with_untuned(run, stopped_by)
        more = (why_not,) if why_not else ()
        return Tuning(
            untuned=repr(base),
            metric=metric,
            trials=tuple(run.trials),
            best_params=run.final_parameters(best),
            model=ending.model,
            is_refitted=ending.is_refitted,
            stopped_by=stopped_by,
            importances=run.importances(),
            comparison=comparison,
            n_train=parts.train.nnz,
            n_validation=parts.n_validation,
            n_all=parts.whole.nnz,
            elapsed_s=clock.elapsed,
            refit_s=ending.elapsed_s,
            notes=(*parts.notes, *_notes(run, stopped_by), *ending.notes, *more),
            n_known=run.n_known,
        )


def check_arguments(
    model: FactorModel,
    metric: str | None,
    search: Iterable[str] | None,
    fixed: Iterable[str],
    minutes: float | None,
    n_trials: int | None,
) -> tuple[str, ...] | None:
    """Refuse what can be refused before there is data; as in `tune`.

    Returns
    -------
    tuple of str or None
        Names of the parameters to search, None for all that the model does not state.

    Raises
    ------
    ParameterError
    """
    _check_budget(minutes, n_trials)
    if metric is not None:
        check_metric(model, metric)
    return spaces.searched_names(model, search, fixed)


@dataclass(frozen=True)
class _Parts:
    """What is fitted to, judged on, and both together."""

    train: Interactions
    validation: Interactions
    whole: Interactions
    n_validation: int
    notes: tuple[str, ...]


@dataclass(frozen=True)
class _Ending:
    """The final fit."""

    model: FactorModel | None
    is_refitted: bool
    elapsed_s: float
    notes: tuple[str, ...]
    is_interrupted: bool = False


def _unfitted(model: Any) -> FactorModel:
    """The model to clone: made of a class, or as given."""
    if inspect.isclass(model) and issubclass(model, FactorModel):
        model = model()
    if not isinstance(model, FactorModel):
        given = model if inspect.isclass(model) else type(model)
        advice = (
            "BayesianALS draws its own ridges; more factors and samples only make it better and slower"
            if given.__name__ == "BayesianALS"
            else "it has nothing to tune"
        )
        raise ParameterError(
            "The 'model' parameter of tune must be ImplicitALS, ExplicitALS or LogisticMF, the class or one with "
            f"parameters. Got {given.__name__} instead: {advice}."
        )
    if not isinstance(model.init, str):
        raise ParameterError(
            "The 'init' parameter of the model must be a way of drawing the start, such as 'normal', since a given "
            "start has one number of factors. Leave init out to tune."
        )
    return model.clone()


def _check_budget(minutes: Any, n_trials: Any) -> None:
    is_number = isinstance(minutes, (int, float, np.number)) and not isinstance(minutes, bool)
    if minutes is not None and not (is_number and math.isfinite(minutes) and minutes > 0):
        raise ParameterError(
            f"The 'minutes' parameter of tune must be a finite number above 0, or None. Got {minutes!r} instead."
        )
    is_count = isinstance(n_trials, (int, np.integer)) and not isinstance(n_trials, bool)
    if n_trials is not None and not (is_count and n_trials >= 1):
        raise ParameterError(
            f"The 'n_trials' parameter of tune must be a whole number of at least 1, or None. Got {n_trials!r} instead."
        )


def _checked_seed(random_state: Any) -> int:
    if isinstance(random_state, bool) or not isinstance(random_state, (int, np.integer)) or random_state < 0:
        raise ParameterError(
            f"The 'random_state' parameter of tune must be an int of at least 0. Got {random_state!r} instead."
        )
    return int(random_state)


def _parts(model: FactorModel, train: Any, validation: Any, fraction: float, seed: int) -> _Parts:
    """Cut the data, or put what was given together."""
    data = model._training_data(train)
    refuse_nothing(data, train, type(model).__name__)
    if validation is None:
        whole = data
        data, held_out = split.random_per_user(whole, test_fraction=fraction, random_state=seed)
    else:
        held_out = as_interactions(validation)
        whole = data.merge(model._training_data(held_out, "validation"))[0] if held_out.nnz else data
    judged, notes = _sampled(held_out, seed)
    return _Parts(data, judged, whole, held_out.nnz, notes)


def _sampled(held_out: Interactions, seed: int) -> tuple[Interactions, tuple[str, ...]]:
    """The pairs of at most so many users."""
    counts = held_out.user_items.counts()
    users = np.flatnonzero(counts)
    if len(users) <= MOST_USERS:
        return held_out, ()
    is_kept = np.zeros(held_out.n_users, dtype=bool)
    is_kept[np.random.default_rng(seed).choice(users, MOST_USERS, replace=False)] = True
    note = f"Settings were judged on {MOST_USERS:,} of {len(users):,} users with held-out pairs, drawn by chance."
    return held_out.subset(np.repeat(is_kept, counts)), (note,)


def _saver(output: Any, include_history: bool) -> Callable[[FactorModel], None]:
    """What writes a model file, in one step."""

    def save(model: FactorModel) -> None:
        model.save(output, include_history=include_history)

    return save


def _refitted(run: Search, best: TunedTrial, whole: Interactions) -> _Ending:
    """Fit the best setting to everything; where the clock or ctrl-C ends that too early, the search's model stays."""
    parameters = run.final_parameters(best)
    model = run.model.clone()  # the untuned one as it was given, not as its parameters are shown
    model.set_params(**({"n_iterations": parameters["n_iterations"]} if best.is_untuned else parameters))
    clock, n_iterations = run.clock, int(parameters["n_iterations"])
    final_s = run.refit_seconds(model, 0)

    def stop(fitting: Any, record: dict[str, Any]) -> bool:
        if run.on_step is not None:
            run.on_step(-1, record)
        return clock.left_in_all < final_s

    stop.reads_factors = False  # type: ignore[attr-defined]
    began = time.perf_counter()
    if run.best_model is not None and clock.left_in_all < 0.5 * run.refit_seconds(model, n_iterations):
        return _Ending(run.best_model, False, 0.0, ("There was no time left to fit the best setting to all the data.",))
    try:
        model.fit(whole, callbacks=(stop,))
    except KeyboardInterrupt:
        return _Ending(run.best_model, False, 0.0, ("The fit to all the data was interrupted.",), True)
    elapsed = time.perf_counter() - began
    if model.n_iterations_ == n_iterations:
        return _Ending(model, True, elapsed, ())
    if model.n_iterations_ < _ENOUGH * n_iterations and run.best_model is not None:
        words = f"The clock ended the fit to all the data after {model.n_iterations_} of {n_iterations} iterations"
        return _Ending(run.best_model, False, elapsed, (f"{words}: the search's model is kept.",))
    words = f"The clock ended the final fit after {model.n_iterations_} of {n_iterations} iterations."
    return _Ending(model, True, elapsed, (words,))


def _notes(run: Search, stopped_by: str) -> list[str]:
    """What a reader should know of the search."""
    notes = []
    if stopped_by == "interrupted":
        notes.append("The search was interrupted.")
    untuned = next(trial for trial in run.trials if trial.is_untuned and trial.value is not None)
    if untuned.n_iterations < run.model.n_iterations:
        notes.append(
            f"The time was over after {untuned.n_iterations} iterations of the untuned model, before anything else "
            "could be tried: allow more."
        )
    return notes
