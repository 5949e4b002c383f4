"""The best setting beside the untuned model on the validation part, user by user."""

from __future__ import annotations

import warnings

from ridgeback.errors import RidgebackError, RidgebackWarning
from ridgeback.evaluation.bootstrap import Resampling
from ridgeback.evaluation.comparison import Comparison
from ridgeback.models.factor_model import FactorModel
from ridgeback.tuning.search import Search
from ridgeback.tuning.study import TunedTrial


def compare_with_untuned(run: Search, stopped_by: str) -> tuple[Comparison | None, str]:
    """Compare them; what an earlier call fitted is fitted once more where there is time.

    Parameters
    ----------
    run : Search
    stopped_by : str

    Returns
    -------
    tuple of (Comparison or None, str)
        And why there is none, in a sentence; empty where there is nothing to compare.
    """
    best = run.best
    if best is None or best.is_untuned or run.is_hurried:
        return None, ""
    untuned = next(trial for trial in run.trials if trial.is_untuned and trial.value is not None)
    is_kept = run.best_model is not None and run.untuned_report is not None
    needed = run.comparing_s if is_kept else _seconds_again(run, best, untuned)
    if run.clock.left_in_all < needed or (stopped_by == "interrupted" and not is_kept):
        return None, _missing(run)
    try:
        ours = run.best_model or _fitted(run, best)
        theirs = run.untuned_report or run.judged(_fitted(run, untuned))
        found = run.judged(ours).compare(theirs, n_resamples=Resampling().n_resamples)
    except (KeyboardInterrupt, RidgebackError):
        return None, _missing(run)
    return (found if any(row["metric"] == run.metric for row in found.rows) else None), ""


def _seconds_again(run: Search, best: TunedTrial, untuned: TunedTrial) -> float:
    """Fits took so long with a measurement after every iteration; judging three times is not longer than that."""
    fits = (0.0 if run.best_model is not None else best.elapsed_s) + (0.0 if run.untuned_report else untuned.elapsed_s)
    return 1.5 * fits + run.comparing_s


def _fitted(run: Search, trial: TunedTrial) -> FactorModel:
    """The model of a setting, on the training part, as the search had it."""
    model = run.model.clone()
    if not trial.is_untuned:  # which is fitted as it was given
        model.set_params(**trial.parameters)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RidgebackWarning)
        return model.set_params(n_iterations=trial.n_iterations).fit(run.train)


def _missing(run: Search) -> str:
    """Why there is no comparison, and how to get one."""
    which = [
        name
        for name, is_there in (("the best setting", run.best_model), ("the untuned model", run.untuned_report))
        if is_there is None
    ]
    why = f"{' and '.join(which)} {'were' if len(which) > 1 else 'was'} fitted by an earlier call and " if which else ""
    return (
        f"The best and the untuned model were not compared user by user: {why}there was no time for it. "
        "Compare their evaluations on a test part, or go on with more time."
    )
