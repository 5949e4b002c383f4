"""What a search found: every setting that was tried, the best beside the untuned one, and which parameters mattered."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ridgeback.charts.page import written

if TYPE_CHECKING:
    from ridgeback.evaluation.comparison import Comparison

STATES = {
    "complete": "fitted to its end",
    "pruned": "given up: worse than most after as many iterations",
    "near zero": "not fitted: nothing could leave zero",
    "too slow": "not fitted: longer than the time left",
    "out of time": "ended by the clock",
    "failed": "failed",
}
_MOST_ROWS = 10
_HEADS = {  # of columns: a row must fit into 120 characters
    "n_factors": "factors",
    "regularization": "reg",
    "bias_regularization": "bias reg",
    "unobserved_weight": "unobs",
    "frequency_exponent": "freq exp",
    "weight_exponents": "weight exps",
    "n_neighbors": "neighb",
    "neighbor_weight": "neighb w",
}


@dataclass(frozen=True)
class TunedTrial:
    """One setting.

    Attributes
    ----------
    number : int
        From 0, the untuned model.
    state : str
        One of "complete", "pruned", "near zero", "too slow", "out of time", "failed".
    value : float or None
        The metric on the validation part; None where the fit did not end.
    parameters : dict
        As fitted to the training part.
    n_iterations : int
        The best number of iterations; 0 where none ran.
    elapsed_s : float
        Of the fit with its measurements.
    forecast_s : float or None
        What was expected, before the fit, of as many iterations as it ran.
    live_rank : int or None
        Factors that said something in the end.
    values : dict of int to float
        The metric after each iteration.
    is_untuned : bool
    reason : str
        Why it failed.
    """

    number: int
    state: str
    value: float | None
    parameters: dict[str, Any]
    n_iterations: int = 0
    elapsed_s: float = 0.0
    forecast_s: float | None = None
    live_rank: int | None = None
    values: dict[int, float] = field(default_factory=dict)
    is_untuned: bool = False
    reason: str = ""

    @classmethod
    def of(cls, trial: Any) -> TunedTrial:
        """Read a finished trial of Optuna."""
        kept = trial.user_attrs
        state = kept.get("state", "failed")
        found = {name: tuple(v) if isinstance(v, list) else v for name, v in kept.get("parameters", {}).items()}
        return cls(
            number=trial.number,
            state=state,
            value=trial.value if state == "complete" else None,
            parameters=found,
            n_iterations=kept.get("n_iterations", 0),
            elapsed_s=kept.get("elapsed_s", 0.0),
            forecast_s=kept.get("forecast_s"),
            live_rank=kept.get("live_rank"),
            values=dict(trial.intermediate_values),
            is_untuned=bool(kept.get("is_untuned")),
            reason=kept.get("reason", ""),
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {
            **vars(self),
            "parameters": dict(self.parameters),
            "values": {str(n): v for n, v in self.values.items()},
        }


@dataclass(frozen=True, repr=False)
class Tuning:
    """The result of `ridgeback.tune`.

    Attributes
    ----------
    untuned : str
        The call that makes the model that was tuned.
    metric : str
        What was measured on the validation part.
    trials : tuple of TunedTrial
        In the order in which they were tried, those of earlier runs with the same storage first.
    best_params : dict
        Parameters of the final fit: the best setting's, on the size of all the data.
    model : FactorModel or None
        Fitted to all the data with `best_params`; or to the training part where `is_refitted` is False. None where
        that was asked for and the best setting was fitted by an earlier run.
    is_refitted : bool
    stopped_by : {"minutes", "n_trials", "interrupted", "nothing new"}
    importances : dict of str to float
        By parameter, descending, adding up to 1: how much it told the best quarter of the settings from the others.
        Empty where too few were fitted.
    comparison : Comparison or None
        The best setting's model beside the untuned one on the validation part, paired by user; None where one of them
        was fitted by an earlier run. The best was chosen on this part, so the difference flatters it.
    n_train, n_validation, n_all : int
        Pairs of the training part, of the validation part, and of both together.
    elapsed_s, refit_s : float
        Of this run, and of its final fit.
    notes : tuple of str
        What a reader of the figures should know.
    n_known : int
        Settings that `storage` held before this call.
    """

    untuned: str
    metric: str
    trials: tuple[TunedTrial, ...]
    best_params: Mapping[str, Any]
    model: Any
    is_refitted: bool
    stopped_by: str
    importances: Mapping[str, float]
    comparison: Comparison | None
    n_train: int
    n_validation: int
    n_all: int
    elapsed_s: float
    refit_s: float
    notes: tuple[str, ...] = ()
    n_known: int = 0

    @property
    def best_trial(self) -> TunedTrial:
        """The setting with the best value; the first of equal ones."""
        from ridgeback.metrics.names import is_higher_better

        sign = -1.0 if is_higher_better(self.metric) else 1.0
        ended = [trial for trial in self.trials if trial.value is not None]
        return min(ended, key=lambda trial: (sign * (trial.value or 0.0), trial.number))

    @property
    def best_value(self) -> float:
        """The best setting's metric on the validation part."""
        return float(self.best_trial.value or 0.0)

    @property
    def untuned_trial(self) -> TunedTrial:
        """The model as it was given."""
        return next(trial for trial in self.trials if trial.is_untuned and trial.value is not None)

    @property
    def untuned_value(self) -> float:
        """The untuned model's metric on the validation part."""
        return float(self.untuned_trial.value or 0.0)

    def summary(self) -> str:
        """What was found, in three sentences."""
        counts = {state: sum(trial.state == state for trial in self.trials) for state in STATES}
        others = ", ".join(f"{n} {state}" for state, n in counts.items() if n and state != "complete")
        tried = f"{counts['complete']} settings fitted" + (f" ({others})" if others else "")
        best, untuned = self.best_trial, self.untuned_value
        found = (
            f"the untuned model is the best, with {self.metric} {untuned:.4f}."
            if best.is_untuned
            else f"the best has {self.metric} {self.best_value:.4f}, the untuned model {untuned:.4f} "
            f"({_share(self.best_value, untuned)})."
        )
        return f"{self.untuned}: {tried} in {self.elapsed_s:.0f} s; {found} {self._of_model()}"

    def _of_model(self) -> str:
        if self.is_refitted:
            return f"The model was then fitted to all {self.n_all:,} pairs in {self.refit_s:.1f} s."
        if self.model is None:
            return "No model was fitted to all the data."
        return f"The model is that of the search, fitted to the {self.n_train:,} training pairs alone."

    def columns(self) -> list[str]:
        """The heads of `cells`."""
        return ["trial", self.metric, *(_HEADS.get(name, name) for name in self._varied()), "iters", "seconds", ""]

    def cells(self, n: int = _MOST_ROWS) -> list[list[str]]:
        """The best settings as text, and the untuned one wherever it stands."""
        from ridgeback.metrics.names import is_higher_better

        sign = -1.0 if is_higher_better(self.metric) else 1.0
        ended = sorted(
            (trial for trial in self.trials if trial.value is not None), key=lambda t: (sign * (t.value or 0), t.number)
        )
        shown = ended[:n]
        shown += [trial for trial in ended[n:] if trial.is_untuned]
        return [self._row(trial) for trial in shown]

    def _row(self, trial: TunedTrial) -> list[str]:
        marks = [word for word, is_it in (("untuned", trial.is_untuned), ("best", trial is self.best_trial)) if is_it]
        return [
            str(trial.number),
            f"{trial.value:.4f}",
            *(_text(trial.parameters.get(name), 3) for name in self._varied()),
            str(trial.n_iterations),
            f"{trial.elapsed_s:.2f}",
            ", ".join(marks),
        ]

    def _varied(self) -> list[str]:
        """The parameters that changed, those that mattered most first."""
        names = list(dict.fromkeys(name for trial in self.trials for name in trial.parameters))
        if len(self.trials) > 1:
            names = [name for name in names if len({str(t.parameters.get(name)) for t in self.trials}) > 1]
        return sorted(names, key=lambda name: -self.importances.get(name, 0.0))

    def rescaled(self) -> str | None:
        """Why the final fit has other parameters than the best row, in a sentence; None where it has not."""
        row = self.best_trial.parameters
        changed = [
            f"{name} {_text(row[name])} became {_text(value)}"
            for name, value in self.best_params.items()
            if name in row and row[name] != value
        ]
        if not changed:
            return None
        return (
            f"For all the data {', '.join(changed)}: the search multiplies the defaults, which follow the data's size; "
            "the table is of the smaller training part."
        )

    def mattered(self) -> str:
        """Which parameters mattered, in a sentence."""
        if not self.importances:
            return "Too few settings were fitted to say which parameters mattered."
        shares = ", ".join(f"{name} {share:.0%}" for name, share in self.importances.items() if share >= 0.005)
        return f"What told the best quarter of the settings from the others: {shares}."

    def forecasts(self) -> str | None:
        """How far off the forecasts were, in a sentence; None where fewer than five fits ended."""
        ended = [t for t in self.trials if t.state == "complete" and t.forecast_s and t.elapsed_s and t.values]
        if len(ended) < 5:
            return None
        ratios = sorted(t.elapsed_s / (t.forecast_s or 1.0) for t in ended)
        n_within = sum(0.5 <= ratio <= 2 for ratio in ratios)
        middle = ratios[len(ratios) // 2]
        return (
            f"Forecasts: {n_within} of {len(ratios)} settings took between half and twice what was forecast before; "
            f"the median setting took {middle:.2g} times its forecast."
        )

    def spent(self) -> str:
        """Where the time of this call went, in a sentence."""
        fits_s = sum(trial.elapsed_s for trial in self.trials[self.n_known :])
        rest_s = max(0.0, self.elapsed_s - fits_s - self.refit_s)
        return (
            f"Of {self.elapsed_s:.1f} s, settings took {fits_s:.1f} s (measuring after each iteration included) and "
            f"the fit to everything {self.refit_s:.1f} s; cutting the data, drawing settings, saving and comparing the "
            f"best with the untuned model took {rest_s:.1f} s."
        )

    def difference(self) -> str | None:
        """The best beside the untuned model on the validation part, with the paired interval; None where unknown."""
        if self.comparison is None or self.best_trial.is_untuned:
            return None
        words = self.comparison.sentence(self.metric)
        return f"Best against untuned, on the part that chose it: {words}."

    def __repr__(self) -> str:
        return (
            f"Tuning({len(self.trials)} settings; best {self.metric} {self.best_value:.4f}, untuned "
            f"{self.untuned_value:.4f})"
        )

    def __str__(self) -> str:
        table = [self.columns(), *self.cells()]
        widths = [max(len(row[j]) for row in table) for j in range(len(table[0]))]
        lines = [
            "  ".join(cell.rjust(width) for cell, width in zip(row[:-1], widths, strict=False)) + f"  {row[-1]}"
            for row in table
        ]
        more = [
            line
            for line in (
                self.rescaled(),
                self.difference(),
                self.mattered(),
                self.forecasts(),
                self.spent(),
                *self.notes,
            )
            if line
        ]
        return "\n".join([self.summary(), "", *(line.rstrip() for line in lines), "", *more])

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON; what is not finite becomes None."""
        row = None
        if self.comparison is not None and not self.best_trial.is_untuned:
            row = dict(self.comparison[self.metric])
        found: dict[str, Any] = _plain(
            {
                "model": self.untuned,
                "metric": self.metric,
                "best_params": dict(self.best_params),
                "best_value": self.best_value,
                "untuned_value": self.untuned_value,
                "best_trial": self.best_trial.number,
                "difference": row,
                "importances": dict(self.importances),
                "stopped_by": self.stopped_by,
                "is_refitted": self.is_refitted,
                "n_train": self.n_train,
                "n_validation": self.n_validation,
                "elapsed_s": self.elapsed_s,
                "refit_s": self.refit_s,
                "notes": list(self.notes),
                "trials": [trial.to_dict() for trial in self.trials],
            }
        )
        return found

    def to_json(self, path: str | os.PathLike[str] | None = None) -> str:
        """Return the result as JSON, written to `path` where one is given."""
        return written(json.dumps(self.to_dict(), indent=2, ensure_ascii=False), path)

    def to_html(self, path: str | os.PathLike[str] | None = None) -> str:
        """Return one page that needs nothing else, with a curve, bars and tables; written to `path` where given."""
        from ridgeback.charts.page import page
        from ridgeback.tuning.study_html import body

        return written(page(f"Tuning of {self.untuned}", f"<h1>Tuning</h1>{body(self)}"), path)

    def _repr_html_(self) -> str:
        from ridgeback.tuning.study_html import body

        return body(self)


def _share(value: float, of: float) -> str:
    """By how much one value differs from another, in percent."""
    return f"{(value / of - 1):+.1%}".replace("%", " %") if of else "untuned: 0"


def _text(value: Any, digits: int = 4) -> str:
    if isinstance(value, tuple):
        return ",".join(_text(part, digits) for part in value)
    return "-" if value is None else f"{value:.{digits}g}" if isinstance(value, float) else str(value)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(name): _plain(part) for name, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(part) for part in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
