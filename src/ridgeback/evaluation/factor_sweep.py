"""What a sweep over n_factors found: errors in training and held out, seconds, bytes, and where more stops helping."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from ridgeback.charts.escaping import escaped
from ridgeback.charts.lines import Panel, Series, line_chart
from ridgeback.charts.page import details, page, plain_table, written
from ridgeback.evaluation.bootstrap import Interval
from ridgeback.evaluation.knee import Knee, find_knee
from ridgeback.evaluation.report import interval_text
from ridgeback.metrics.names import is_higher_better

_WORSE = 0.01  # by less than this share of the best, held-out values differ by what another split would give


@dataclass(frozen=True)
class SweepRow:
    """One fit.

    Attributes
    ----------
    n_factors : int
    train, held_out : float
        The sweep's `train_metric` on what was fitted to, and its `metric` on what was held out.
    elapsed_s : float
        Of the fit.
    factor_bytes : int
        Of the factors and biases of both sides; ids and histories take the same for any number of factors.
    interval : Interval or None
        Where `held_out` lies for most draws of other users; None where it is no figure of users.
    live_rank : int or None
        Factors that say something at the end of the fit (`live_rank_` of the model).
    forecast_s : float or None
        What the fit was expected to take.
    is_warm : bool
        Whether it started from the fit with fewer factors.
    """

    n_factors: int
    train: float
    held_out: float
    elapsed_s: float
    factor_bytes: int
    interval: Interval | None = None
    live_rank: int | None = None
    forecast_s: float | None = None
    is_warm: bool = False


@dataclass(frozen=True, repr=False)
class FactorSweep:
    """The result of `ridgeback.sweep_factors`.

    Attributes
    ----------
    model : str
        The call that makes the model, n_factors apart.
    metric : str
        What is measured on the held-out part.
    train_metric : str
        What is measured on the training part: the same where it is an error of values, the fit's own loss where lists
        are judged.
    rows : tuple of SweepRow
        Ascending by n_factors.
    n_train, n_test : int
        Pairs fitted to and held out.
    default : int or None
        The model's own default of n_factors.
    differences : tuple of Interval or None
        Of each row's held-out value minus the best one's, on the same draws of users; empty where nothing was drawn.
    level : float
        Of the intervals.
    n_startable : int or None
        How many factors can leave zero at this regularization, of as many as the largest row has; None: not counted.
    """

    model: str
    metric: str
    train_metric: str
    rows: tuple[SweepRow, ...]
    n_train: int
    n_test: int
    default: int | None = None
    differences: tuple[Interval | None, ...] = ()
    level: float = 0.95
    n_startable: int | None = None

    @property
    def best(self) -> SweepRow:
        """The row with the best held-out value; of equal ones that with the fewest factors."""
        sign = -1.0 if is_higher_better(self.metric) else 1.0
        return min(self.rows, key=lambda row: math.inf if math.isnan(row.held_out) else sign * row.held_out)

    @property
    def knee(self) -> SweepRow | None:
        """The smallest number of factors that is as good as the best, for all that the held-out part can tell.

        The first row whose difference to the best has an interval that contains 0, or that loses at most .5 % of the
        best. None where nothing could be measured.
        """
        found = self._knee()
        return None if found is None else found.row

    @property
    def knee_reason(self) -> str:
        """Why the knee is where it is, in words."""
        found = self._knee()
        return f"no held-out {self.metric} could be measured" if found is None else found.reason

    def _knee(self) -> Knee | None:
        return find_knee(self.rows, self.best, self.differences, self.level)

    @property
    def overfits_from(self) -> int | None:
        """The overfit point: the first number of factors beyond the best whose held-out value is clearly worse.

        By more than 1 % of the best, while the training part is described better by at least a thousandth. None where
        there is none: the largest number was the best, or more of them are no better and not clearly worse.
        """
        best = self.best
        return next(
            (
                row.n_factors
                for row in self.rows
                if row.n_factors > best.n_factors
                and row.train < best.train - 1e-3 * abs(best.train)
                and abs(row.held_out - best.held_out) > _WORSE * abs(best.held_out)
            ),
            None,
        )

    def same_as(self, row: SweepRow) -> int | None:
        """A smaller number of factors, of those tried, that holds all of this row's that say something; None: none."""
        if row.live_rank is None:
            return None
        return next((one.n_factors for one in self.rows if row.live_rank <= one.n_factors < row.n_factors), None)

    def notes(self) -> list[str]:
        """What limits the number of factors, beside the data: how many can leave zero, how many live."""
        found = []
        most = self.rows[-1].n_factors
        if self.n_startable is not None and self.n_startable < most:
            found.append(
                f"At most about {self.n_startable} of {most} factors can leave zero at this regularization: beyond "
                "that, more of them change nothing, and a lower regularization would."
            )
        full = next((row for row in self.rows if row.live_rank is not None and row.live_rank < row.n_factors), None)
        if full is not None:
            found.append(
                f"Of {full.n_factors} factors {full.live_rank} say something (live rank); the others are no different "
                "from zero and cost seconds and memory alone."
            )
        return found

    def summary(self) -> str:
        """What was found, in a few sentences."""
        best = self.best.n_factors
        if not math.isfinite(self.best.held_out):
            found = f"no held-out {self.metric} could be measured."
        elif best == self.rows[-1].n_factors:
            same = self.same_as(self.best)
            found = f"n_factors={best}, the most that was tried, is the best" + (
                ": more may still help." if same is None else f", with no more live factors than {same} could hold."
            )
        elif self.overfits_from is None:
            found = f"n_factors={best} is the best; more are no better."
        else:
            found = (
                f"n_factors={best} is the best; from {self.overfits_from} on training still improves and the held-out "
                f"{self.metric} is more than 1 % worse: overfit."
            )
        head = f"{self.model}, fitted on {self.n_train:,} pairs, judged on {self.n_test:,}: "
        return head + found + self._of_knee() + self._of_default()

    def _of_knee(self) -> str:
        """The suggestion; where it is the best itself, in a word."""
        found = self._knee()
        if found is None or len(self.rows) == 1:
            return ""
        if found.row is self.best:
            return f" It is the knee too: {found.reason}."
        return f" Knee: n_factors={found.row.n_factors} ({found.reason})."

    def _of_default(self) -> str:
        """What the default would have been, where the best is at least twice or at most half of it."""
        best, default = self.best.n_factors, self.default
        if default is None or default / 2 < best < 2 * default:
            return ""
        tried = [row.held_out for row in self.rows if row.n_factors == default]
        value = f"held-out {self.metric} {tried[0]:.4f}" if tried else "not tried here"
        return f" The default is n_factors={default} ({value})."

    def columns(self) -> list[str]:
        """The heads of `cells`; those for which no row has anything are left out."""
        return [
            "n_factors",
            f"train {self.train_metric}",
            f"held-out {self.metric}",
            *([f"{100 * self.level:g} %"] * self._has_intervals),
            *(["to the best"] * bool(self.differences)),
            *(["live"] * self._has_live_ranks),
            "seconds",
            "MB of factors",
            "",
        ]

    def values(self) -> list[list[Any]]:
        """The table: numbers, intervals as text, and words on the rows where something happens."""
        intervals: tuple[Interval | None, ...] = self.differences or (None,) * len(self.rows)
        return [
            [
                row.n_factors,
                row.train,
                row.held_out,
                *([interval_text(row.interval)] * self._has_intervals),
                *([_difference_text(difference, row is self.best)] * bool(self.differences)),
                *([row.live_rank] * self._has_live_ranks),
                row.elapsed_s,
                row.factor_bytes / 1e6,
                "; ".join(self._marks(row)),
            ]
            for row, difference in zip(self.rows, intervals, strict=True)
        ]

    def cells(self) -> list[list[str]]:
        """The table as text."""
        places = {"n_factors": "d", f"train {self.train_metric}": ",.4f", f"held-out {self.metric}": ".4f"}
        places |= {"seconds": ".2f", "MB of factors": ",.2f"}
        return [
            [
                "" if value is None else format(value, places.get(name, ""))
                for name, value in zip(self.columns(), row, strict=True)
            ]
            for row in self.values()
        ]

    def _marks(self, row: SweepRow) -> list[str]:
        """What is to be said of one row."""
        best, knee, overfits_from = self.best, self.knee, self.overfits_from
        beyond = next((one for one in self.rows if one.n_factors > best.n_factors), None)
        same = self.same_as(row)
        marks = {
            "best": row is best,
            "knee": row is knee and knee is not best,
            "overfit from here on": row.n_factors == overfits_from,
            "no better from here on": row is beyond and row.n_factors != overfits_from,
            f"no more live than of {same}": same is not None,
            "warm start": row.is_warm,
        }
        return [words for words, is_so in marks.items() if is_so]

    @property
    def _has_intervals(self) -> bool:
        return any(row.interval is not None for row in self.rows)

    @property
    def _has_live_ranks(self) -> bool:
        return any(row.live_rank is not None for row in self.rows)

    def __repr__(self) -> str:
        tried = ", ".join(str(row.n_factors) for row in self.rows)
        return f"FactorSweep({tried} factors; best {self.best.n_factors} with {self.metric} {self.best.held_out:.4f})"

    def __str__(self) -> str:
        table = [self.columns(), *self.cells()]
        widths = [max(len(row[j]) for row in table) for j in range(len(table[0]))]
        lines = [
            "  ".join(cell.rjust(width) for cell, width in zip(row[:-1], widths, strict=False)) + f"  {row[-1]}"
            for row in table
        ]
        notes = ["", *self.notes()] if self.notes() else []
        return "\n".join([self.summary(), "", *(line.rstrip() for line in lines), *notes])

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON; what is not finite becomes None."""
        found = asdict(self) | {
            "best": self.best.n_factors,
            "overfits_from": self.overfits_from,
            "knee": None if self.knee is None else self.knee.n_factors,
            "knee_reason": self.knee_reason,
            "notes": self.notes(),
        }
        found["rows"] = [_finite(asdict(row)) for row in self.rows]
        return found

    def to_json(self, path: str | os.PathLike[str] | None = None) -> str:
        """Return the sweep as JSON, written to `path` where one is given."""
        return written(json.dumps(self.to_dict(), indent=2, ensure_ascii=False), path)

    def to_html(self, path: str | os.PathLike[str] | None = None) -> str:
        """Return one page that needs nothing else, with curves and a table; written to `path` where one is given."""
        return written(page("How many factors", f"<h1>How many factors</h1>{self._repr_html_()}"), path)

    def _repr_html_(self) -> str:
        words = "".join(f"<p>{escaped(sentence)}</p>" for sentence in (self.summary(), *self.notes()))
        return f"{words}{self._chart()}" + details(
            "The same as a table", plain_table("By number of factors", [*self.columns()[:-1], "mark"], self.cells())
        )

    def _chart(self) -> str:
        """The curves of the rows that have figures."""
        rows = [row for row in self.rows if math.isfinite(row.held_out) and math.isfinite(row.train)]
        if not rows:
            return ""
        held_out = Series("held out", [row.held_out for row in rows], intervals=[row.interval for row in rows])
        train = Series("train", [row.train for row in rows], is_dashed=True)
        if self.train_metric == self.metric:
            panels = [Panel(self.metric, [held_out, train])]
        else:
            panels = [Panel(f"held-out {self.metric}", [held_out]), Panel(f"training {self.train_metric}", [train])]
        best, knee = self.best, self.knee
        marks = []
        words = f"best: {best.n_factors}"
        if knee is not None and knee is not best:
            words += f", knee: {knee.n_factors}"
            marks.append((float(knee.n_factors), ""))
        words += "" if self.overfits_from is None else f", overfit from {self.overfits_from} on"
        return line_chart(
            f"Held-out {self.metric} and training {self.train_metric} by number of factors",
            "n_factors",
            [float(row.n_factors) for row in rows],
            panels,
            [*marks, (float(best.n_factors), words)],
        )


def _difference_text(interval: Interval | None, is_best: bool) -> str:
    return "" if interval is None or is_best else f"{interval.low:+.4f} .. {interval.high:+.4f}"


def _finite(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: None if isinstance(v, float) and not math.isfinite(v) else v for name, v in row.items()}
