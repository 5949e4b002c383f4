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
from ridgeback.metrics.names import is_higher_better

_WORSE = 0.01  # by less than this share of the best, held-out values differ by what another split would give
_COLUMNS = ("n_factors", "train {train}", "held-out {held_out}", "seconds", "MB of factors", "")


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
    """

    n_factors: int
    train: float
    held_out: float
    elapsed_s: float
    factor_bytes: int


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
    """

    model: str
    metric: str
    train_metric: str
    rows: tuple[SweepRow, ...]
    n_train: int
    n_test: int
    default: int | None = None

    @property
    def best(self) -> SweepRow:
        """The row with the best held-out value; of equal ones that with the fewest factors."""
        sign = -1.0 if is_higher_better(self.metric) else 1.0
        return min(self.rows, key=lambda row: sign * row.held_out)

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

    def summary(self) -> str:
        """What was found, in a sentence."""
        best = self.best.n_factors
        if best == self.rows[-1].n_factors:
            found = f"n_factors={best}, the most that was tried, is the best: more may still help."
        elif self.overfits_from is None:
            found = f"n_factors={best} is the best; more are no better."
        else:
            found = (
                f"n_factors={best} is the best; from {self.overfits_from} on training still improves and the held-out "
                f"{self.metric} is more than 1 % worse: overfit."
            )
        return f"{self.model}, fitted on {self.n_train:,} pairs, judged on {self.n_test:,}: {found}{self._of_default()}"

    def _of_default(self) -> str:
        """What the default would have been, where the best is at least twice or at most half of it."""
        best, default = self.best.n_factors, self.default
        if default is None or default / 2 < best < 2 * default:
            return ""
        tried = [row.held_out for row in self.rows if row.n_factors == default]
        value = f"held-out {self.metric} {tried[0]:.4f}" if tried else "not tried here"
        return f" The default is n_factors={default} ({value})."

    def columns(self) -> list[str]:
        """The heads of `cells`."""
        return [name.format(train=self.train_metric, held_out=self.metric) for name in _COLUMNS]

    def cells(self) -> list[list[str]]:
        """The table as text, with a word on the row where the held-out part is best and where overfit begins."""
        best, overfits_from = self.best.n_factors, self.overfits_from
        beyond = next((row.n_factors for row in self.rows if row.n_factors > best), None)
        marks = {best: "best", beyond: "no better from here on", overfits_from: "overfit from here on"}
        return [
            [
                str(row.n_factors),
                f"{row.train:,.4f}",
                f"{row.held_out:.4f}",
                f"{row.elapsed_s:.2f}",
                f"{row.factor_bytes / 1e6:,.2f}",
                marks.get(row.n_factors, ""),
            ]
            for row in self.rows
        ]

    def __repr__(self) -> str:
        tried = ", ".join(str(row.n_factors) for row in self.rows)
        return f"FactorSweep({tried} factors; best {self.best.n_factors} with {self.metric} {self.best.held_out:.4f})"

    def __str__(self) -> str:
        table = [self.columns(), *self.cells()]
        widths = [max(len(row[j]) for row in table) for j in range(len(_COLUMNS))]
        lines = [
            "  ".join(cell.rjust(width) for cell, width in zip(row[:-1], widths, strict=False)) + f"  {row[-1]}"
            for row in table
        ]
        return "\n".join([self.summary(), "", *(line.rstrip() for line in lines)])

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON; what is not finite becomes None."""
        found = asdict(self) | {"best": self.best.n_factors, "overfits_from": self.overfits_from}
        found["rows"] = [_finite(asdict(row)) for row in self.rows]
        return found

    def to_json(self, path: str | os.PathLike[str] | None = None) -> str:
        """Return the sweep as JSON, written to `path` where one is given."""
        return written(json.dumps(self.to_dict(), indent=2, ensure_ascii=False), path)

    def to_html(self, path: str | os.PathLike[str] | None = None) -> str:
        """Return one page that needs nothing else, with curves and a table; written to `path` where one is given."""
        return written(page("How many factors", f"<h1>How many factors</h1>{self._repr_html_()}"), path)

    def _repr_html_(self) -> str:
        held_out = Series("held out", [row.held_out for row in self.rows])
        train = Series("train", [row.train for row in self.rows], is_dashed=True)
        if self.train_metric == self.metric:
            panels = [Panel(self.metric, [held_out, train])]
        else:
            panels = [Panel(f"held-out {self.metric}", [held_out]), Panel(f"training {self.train_metric}", [train])]
        later = "" if self.overfits_from is None else f", overfit from {self.overfits_from} on"
        words = f"best: {self.best.n_factors}{later}"
        chart = line_chart(
            f"Held-out {self.metric} and training {self.train_metric} by number of factors",
            "n_factors",
            [float(row.n_factors) for row in self.rows],
            panels,
            [(float(self.best.n_factors), words)],
        )
        return f"<p>{escaped(self.summary())}</p>{chart}" + details(
            "The same as a table", plain_table("By number of factors", [*self.columns()[:-1], "mark"], self.cells())
        )


def _finite(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: None if isinstance(v, float) and not math.isfinite(v) else v for name, v in row.items()}
