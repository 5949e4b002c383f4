"""What an evaluation found: metrics beside baselines, by user, and as text, JSON and HTML."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ridgeback.charts.page import written
from ridgeback.data.ids import Ids
from ridgeback.evaluation.bootstrap import Interval, Resampling
from ridgeback.evaluation.comparison import Comparison, compare_reports, reranking_words, sentence
from ridgeback.evaluation.deciles import OVER_PAIRS, UserSums, by_activity

FloatArray = NDArray[np.float64]

REASONS = {
    "unknown_users": "not in training (or without a history)",
    "without_relevant_items": "without relevant items",
    "without_candidates": "without a list of candidates",
}


@dataclass(frozen=True)
class Report:
    """The result of `ridgeback.evaluate`.

    Attributes
    ----------
    model : str
        The call that makes the model.
    parameters : dict
        Every parameter as the fit used it.
    protocol : dict
        What was ranked, for whom, what was relevant, list lengths; ``"split"``: name, parameters, seed and counts of
        the split that made the parts, None where it was none of `ridgeback.split`; ``"parts"``: users, pairs and
        fingerprint of each.
    metrics : dict of str to float
        ``metrics["ndcg@10"]``; means over the judged users. coverage and gini are one figure for all; rmse, mae,
        log_loss and calibration_error are over all test pairs.
    by_user : dict of str to ndarray of float64, shape (n_users,)
        The same by user, aligned with `users`, where there is one.
    users : Ids
        The users judged by ranking.
    activity : ndarray of int64, shape (n_users,)
        How many items each of them had before.
    pair_sums : UserSums, optional
        What rmse, mae and log_loss are made of, by user, unknown users included.
    item_deciles : tuple of dict
        Each tenth of the items by popularity, the least popular first: ``low`` and ``high`` (training users who have
        such an item), ``n_items``, ``n_relevant``, ``metrics`` (``recall@k`` of these items, ``exposure@k``: their
        share of all places, and the figures over pairs).
    exclusions : dict of str to int
        Test users left out of the ranking, by reason.
    baselines, baselines_by_user : dict of str to dict
        The same figures of the baselines.
    intervals : dict of str to Interval
        ``intervals["ndcg@10"].low`` and ``.high``: where the figure lies for 95 % of the draws of other users
        (bootstrap). Figures that are one for all users have none.
    baseline_intervals : dict of str to dict
        The same of the baselines.
    differences : dict of str to dict
        By baseline and metric: the interval of the model's figure minus the baseline's, on the same draws of users.
    resampling : Resampling
        Level of the intervals, number of draws, seed.
    notes : tuple of str
        What a reader of the figures should know.
    elapsed_s : float
    """

    model: str
    parameters: Mapping[str, Any]
    protocol: Mapping[str, Any]
    metrics: dict[str, float]
    by_user: dict[str, FloatArray]
    users: Ids
    activity: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    pair_sums: UserSums | None = None
    item_deciles: tuple[dict[str, Any], ...] = ()
    exclusions: dict[str, int] = field(default_factory=dict)
    baselines: dict[str, dict[str, float]] = field(default_factory=dict)
    baselines_by_user: dict[str, dict[str, FloatArray]] = field(default_factory=dict)
    intervals: dict[str, Interval] = field(default_factory=dict)
    baseline_intervals: dict[str, dict[str, Interval]] = field(default_factory=dict)
    differences: dict[str, dict[str, Interval]] = field(default_factory=dict)
    resampling: Resampling = field(default_factory=Resampling)
    notes: tuple[str, ...] = ()
    elapsed_s: float = 0.0

    @property
    def excluded(self) -> int:
        """Number of test users left out of the ranking; the reasons are in `exclusions`."""
        return sum(self.exclusions.values())

    @property
    def n_users(self) -> int:
        """Number of users judged by ranking."""
        return len(self.users)

    @property
    def user_deciles(self) -> list[dict[str, Any]]:
        """Each tenth of the judged users by activity, the least active first.

        ``low`` and ``high`` (items they had before), ``n_users``, ``metrics``. Users as active as each other are in one
        group, so that groups may differ in size and be fewer.
        """
        own = {name: values for name, values in self.by_user.items() if name not in OVER_PAIRS}
        return by_activity(self.activity, own, self.pair_sums)

    def rows(self) -> list[dict[str, Any]]:
        """The table of figures: one dict a metric, with the model's value and each baseline's (None: not judged)."""
        return [
            {"metric": name, "model": value, **{other: found.get(name) for other, found in self.baselines.items()}}
            for name, value in self.metrics.items()
        ]

    def compare(
        self, other: Report, level: float | None = None, n_resamples: int | None = None, random_state: int | None = None
    ) -> Comparison:
        """Differences to another report on the users that both judged, with paired bootstrap intervals.

        Parameters
        ----------
        other : Report
        level, n_resamples, random_state : optional
            As in `evaluate`; None: as this report has them.

        Returns
        -------
        Comparison
            ``.sentence("ndcg@10")``: "ndcg@10: better by 0.0040, 95 % between 0.0010 and 0.0070".

        Raises
        ------
        DataError
            If no user was judged in both.
        """
        own = self.resampling
        how = Resampling(
            own.level if level is None else level,
            own.n_resamples if n_resamples is None else n_resamples,
            own.random_state if random_state is None else random_state,
        )
        return compare_reports(self, other, how)

    def verdicts(self) -> list[str]:
        """How the model stands against each baseline, a sentence each, on the first list length and on values."""
        first = f"ndcg@{self.protocol['k'][0]}"
        found = []
        for name, intervals in self.differences.items():
            if name == self.model.partition("(")[0]:
                continue
            for metric in (first, *sorted(OVER_PAIRS)):
                if metric in intervals and metric in self.metrics:
                    difference = self.metrics[metric] - self.baselines[name][metric]
                    words = sentence(metric, difference, intervals[metric], self.resampling.level)
                    found.append(f"against {name}: {words}")
        return found

    def to_dict(self, include_users: bool = False) -> dict[str, Any]:
        """The report as plain values; NaN becomes None.

        Parameters
        ----------
        include_users : bool, default=False
            Add the ids of the judged users and each metric by user.
        """
        found: dict[str, Any] = {
            "model": self.model,
            "parameters": {name: _plain(value) for name, value in self.parameters.items()},
            "protocol": _plain(self.protocol),
            "summary": self.summary(),
            "n_users": self.n_users,
            "excluded": self.excluded,
            "exclusions": dict(self.exclusions),
            "metrics": _plain(self.metrics),
            "baselines": _plain(self.baselines),
            "level": self.resampling.level,
            "n_resamples": self.resampling.n_resamples,
            "intervals": _plain(self.intervals),
            "baseline_intervals": _plain(self.baseline_intervals),
            "differences": _plain(self.differences),
            "verdicts": self.verdicts(),
            "user_deciles": _plain(self.user_deciles),
            "item_deciles": _plain(self.item_deciles),
            "notes": list(self.notes),
            "elapsed_s": self.elapsed_s,
        }
        if include_users:
            found["users"] = list(self.users)
            found["by_user"] = {name: _plain(values.tolist()) for name, values in self.by_user.items()}
        return found

    def to_json(self, path: str | os.PathLike[str] | None = None, include_users: bool = False) -> str:
        """Write the report as JSON.

        Parameters
        ----------
        path : path, optional
            Where to write; None: nowhere.
        include_users : bool, default=False
            Add the ids of the judged users and each metric by user.

        Returns
        -------
        str
            The text itself.
        """
        return written(json.dumps(self.to_dict(include_users), indent=2, ensure_ascii=False), path)

    def to_html(self, path: str | os.PathLike[str] | None = None) -> str:
        """Write the report as one page that needs nothing else: no script, no network.

        Parameters
        ----------
        path : path, optional
            Where to write; None: nowhere.

        Returns
        -------
        str
            The text itself.
        """
        from ridgeback.evaluation.report_html import render

        return written(render(self), path)

    def summary(self) -> str:
        """Who was judged and how, in one sentence."""
        excluded = ", ".join(f"{n:,} {REASONS.get(reason, reason)}" for reason, n in self.exclusions.items() if n)
        order = reranking_words(self.protocol)
        return (
            f"{self.n_users:,} users judged ({self.protocol['asked']}), ranking {self.protocol['ranked']}; relevant: "
            f"{self.protocol['relevant']}; {self.excluded:,} users left out{f' ({excluded})' if excluded else ''}."
            f"{f' Lists {order}; the baselines stand by score.' if order else ''}"
        )

    def __str__(self) -> str:
        lines = [self.summary(), f"model: {self.model}", ""]
        share = f"{100 * self.resampling.level:g} %" if self.intervals else ""
        column = "reranked" if self.protocol.get("reranking") else "model"
        lines.append(f"{'':<20}{column:>10}{share:>20}" + "".join(f"{name:>14}" for name in self.baselines))
        for row in self.rows():
            interval = interval_text(self.intervals.get(row["metric"]))
            others = "".join(f"{figure(row[name]):>14}" for name in self.baselines)
            lines.append(f"{row['metric']:<20}{figure(row['model']):>10}{interval:>20}{others}")
        for more in (self.verdicts(), self.notes):
            lines += ["", *more] if more else []
        return "\n".join(lines)


def interval_text(interval: Interval | None) -> str:
    """An interval for reading; nothing where there is none."""
    return "" if interval is None else f"{interval.low:.4f} .. {interval.high:.4f}"


def figure(value: float | None) -> str:
    """A metric for reading: four decimals, a dash where there is none."""
    return "-" if value is None or math.isnan(value) else f"{value:.4f}"


def _plain(value: Any) -> Any:
    """A value that JSON can hold."""
    if isinstance(value, Mapping):
        return {str(name): _plain(part) for name, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(part) for part in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if value is None or isinstance(value, (str, int, bool)) else repr(value)
