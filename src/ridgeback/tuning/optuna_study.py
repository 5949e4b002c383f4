"""Optuna's study: what draws the settings, kept in memory, and its copy in an SQLite file, trial by trial.

Only finished trials reach the file, each in one transaction, so that a killed process leaves a study that goes on.
"""

from __future__ import annotations

import json
import os
import sqlite3
import warnings
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from ridgeback.errors import MissingDependencyError, ParameterError, RidgebackError
from ridgeback.tuning.identity import difference
from ridgeback.tuning.pruning import median_pruner

_NAME = "ridgeback"
_IDENTITY = "ridgeback"  # the study's attribute that says what it is of
_MAGIC = b"SQLite format 3\0"
_N_RANDOM = 8  # trials before draws follow what was seen
_TOP = 0.25  # of the trials: what mattered is what tells them from the others
_LEAST_TRIALS = 8  # that say anything about it


@contextmanager
def quiet_optuna() -> Iterator[None]:
    """Keep Optuna from writing to standard error.

    Raises
    ------
    MissingDependencyError
    """
    try:
        import optuna
        import optuna.importance  # a second where scikit-learn is there: not at the end, when time is short
    except ImportError as error:
        raise MissingDependencyError(
            "tune searches with Optuna, which is not installed; install it with: pip install optuna"
        ) from error
    level = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        yield
    finally:
        optuna.logging.set_verbosity(level)


def new_study(is_higher_better: bool, seed: int, known: list[Any]) -> Any:
    """A study in memory that knows these trials.

    Parameters
    ----------
    is_higher_better : bool
    seed : int
    known : list of optuna.trial.FrozenTrial
    """
    import optuna

    study = optuna.create_study(
        direction="maximize" if is_higher_better else "minimize",
        sampler=optuna.samplers.TPESampler(
            seed=(seed + len(known)) % 2**32, multivariate=True, n_startup_trials=_N_RANDOM
        ),  # a study that goes on must not draw the same again
        pruner=median_pruner(),
    )
    study.add_trials(known)
    return study


def importances(study: Any, worst: float) -> dict[str, float]:
    """How much each dimension told the best quarter of the trials from the others: shares that add up to 1 (PED-ANOVA).

    Parameters
    ----------
    study : optuna.Study
    worst : float
        What stands for a trial without a value.

    Returns
    -------
    dict
        Descending; empty where there are too few trials.

    References
    ----------
    S. Watanabe, A. Bansal, F. Hutter, "PED-ANOVA: efficiently quantifying hyperparameter importance in arbitrary
    subspaces", IJCAI 2023.
    """
    import optuna

    finished = [t for t in study.get_trials(deepcopy=False) if t.params and t.user_attrs.get("state") in _JUDGED]
    if len(finished) < _LEAST_TRIALS:
        return {}
    judged = optuna.create_study(direction=study.direction)
    judged.add_trials(
        [
            optuna.trial.create_trial(
                params=t.params, distributions=t.distributions, value=worst if t.value is None else t.value
            )
            for t in finished
        ]
    )
    evaluator = optuna.importance.PedAnovaImportanceEvaluator(target_quantile=_TOP)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found: dict[str, float] = optuna.importance.get_param_importances(judged, evaluator=evaluator)
    return found


_JUDGED = ("complete", "pruned", "near zero")


class Store:
    """Trials in an SQLite file.

    Parameters
    ----------
    path : str or path
    identity : mapping of str to str
        What the study is of; a file of another study is refused.
    is_higher_better : bool

    Raises
    ------
    ParameterError
        If the file cannot hold the study, or holds another one.
    """

    def __init__(self, path: str | os.PathLike[str], identity: Mapping[str, str], is_higher_better: bool) -> None:
        import optuna

        self.path = _checked(path)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                storage = optuna.storages.RDBStorage(_url(self.path))
                self._study = optuna.create_study(
                    study_name=_NAME,
                    storage=storage,
                    direction="maximize" if is_higher_better else "minimize",
                    load_if_exists=True,
                )
        except Exception as error:  # of SQLAlchemy, Alembic or Optuna, by what is wrong with the file
            reason = str(error).splitlines()[0]
            raise ParameterError(
                f"The 'storage' parameter of tune must name a file that Optuna can keep a study in. {self.path}: "
                f"{reason}. Choose another path."
            ) from error
        stored = self._study.user_attrs.get(_IDENTITY)
        if stored is None:
            if self._study.get_trials(deepcopy=False):
                raise ParameterError(
                    f"The 'storage' parameter of tune names {self.path}, which holds a study of something else. "
                    "Choose another path."
                )
            self._study.set_user_attr(_IDENTITY, json.dumps(dict(identity)))
        else:
            self._refuse_another(json.loads(stored), identity)

    def trials(self) -> list[Any]:
        """The finished trials, in the order in which they were added."""
        return [trial for trial in self._study.get_trials() if trial.state.is_finished()]

    def add(self, trial: Any) -> None:
        """Add a finished trial.

        Raises
        ------
        RidgebackError
            If the file cannot be written; the trials before are in it.
        """
        try:
            self._study.add_trial(trial)
        except Exception as error:  # of SQLAlchemy or Optuna
            reason = str(error.__cause__ or error).splitlines()[0]
            raise RidgebackError(
                f"{self.path} cannot take another trial: {reason}. Those before are in it: free the disk, or call tune "
                "again with another storage."
            ) from error

    def _refuse_another(self, stored: Mapping[str, str], identity: Mapping[str, str]) -> None:
        words = difference(dict(stored), dict(identity))
        if words:
            raise ParameterError(
                f"The 'storage' parameter of tune names {self.path}, whose study {words}. "
                "Choose another path to begin anew, or call tune as it was called then to go on."
            )


def _checked(path: Any) -> Path:
    """The path of a file that is missing, empty, or a database of Optuna's."""
    if not isinstance(path, (str, os.PathLike)) or not os.fspath(path):
        raise ParameterError(
            f"The 'storage' parameter of tune must be the path of an SQLite file, or None. Got {path!r} instead."
        )
    place = Path(os.fsdecode(path))
    if place.is_dir():
        raise ParameterError(f"The 'storage' parameter of tune must name a file. {place} is a directory.")
    if not place.parent.is_dir():
        raise ParameterError(
            f"The 'storage' parameter of tune names {place}, and there is no directory {place.parent}. Make it first."
        )
    if not place.exists() or place.stat().st_size == 0:
        return place
    with place.open("rb") as file:
        if file.read(len(_MAGIC)) != _MAGIC:
            raise ParameterError(
                f"The 'storage' parameter of tune names {place}, which is no SQLite file. Choose another path."
            )
    try:
        with closing(sqlite3.connect(f"{place.resolve().as_uri()}?mode=ro", uri=True)) as database:
            tables = {name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    except sqlite3.DatabaseError as error:
        raise ParameterError(
            f"The 'storage' parameter of tune names {place}, a damaged SQLite file: {error}. Choose another path."
        ) from error
    if tables and not {"studies", "trials", "version_info"} <= tables:
        raise ParameterError(
            f"The 'storage' parameter of tune names {place}, an SQLite database of something else. Choose another path."
        )
    return place


def _url(path: Path) -> str:
    """SQLAlchemy's address of a file, whatever characters its name has."""
    import sqlalchemy

    return str(sqlalchemy.URL.create("sqlite", database=str(path)).render_as_string(hide_password=False))
