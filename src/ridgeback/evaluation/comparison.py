"""Two models beside each other, on the same users: the difference, how far it would move with others, and in words."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ridgeback.errors import DataError, MetricMissingError
from ridgeback.evaluation.bootstrap import Interval, Resampling, figures_of_users, resampled
from ridgeback.evaluation.deciles import UserSums
from ridgeback.metrics.names import EXPOSURE, SIMILARITY, is_higher_better, parse

if TYPE_CHECKING:
    from ridgeback.evaluation.report import Report

FloatArray = NDArray[np.float64]

_NOT_GOOD_OR_BAD = frozenset({*EXPOSURE, *SIMILARITY, "coverage", "novelty"})


def sentence(metric: str, difference: float, interval: Interval | None, level: float) -> str:
    """Say a difference in words.

    Parameters
    ----------
    metric : str
    difference : float
        This model's figure minus the other's.
    interval : Interval or None
        Of the difference.
    level : float
    """
    if np.isnan(difference):
        return f"{metric}: not measured for both"
    if interval is None:
        return f"{metric}: {difference:+.4f}, without an interval"
    share, (low, high) = f"{100 * level:g} %", interval
    if low <= 0 <= high:
        return f"{metric}: no clear difference ({difference:+.4f}, {share} between {low:+.4f} and {high:+.4f})"
    size, (least, most) = f"{abs(difference):.4f}", sorted((abs(low), abs(high)))
    return f"{metric}: {_direction(metric, difference)} by {size}, {share} between {least:.4f} and {most:.4f}"


def _direction(metric: str, difference: float) -> str:
    if parse(metric)[0] in _NOT_GOOD_OR_BAD:
        return "higher" if difference > 0 else "lower"
    return "better" if (difference > 0) == is_higher_better(metric) else "worse"


@dataclass(frozen=True)
class Comparison:
    """Differences of metrics between two reports.

    Attributes
    ----------
    n_users : int
        Users that both judged; metrics by user are compared on these alone.
    rows : tuple of dict
        One a metric that both have: ``metric``, ``this``, ``other``, ``difference`` (this - other), ``low`` and
        ``high`` (the difference's interval; None where the figure is one for all users), ``n_users`` (None there too).
    level : float
        Of the intervals.
    notes : tuple of str
    """

    n_users: int
    rows: tuple[dict[str, Any], ...]
    level: float = 0.95
    notes: tuple[str, ...] = ()

    def __getitem__(self, metric: str) -> dict[str, Any]:
        for row in self.rows:
            if row["metric"] == metric:
                return row
        names = [row["metric"] for row in self.rows]
        near = difflib.get_close_matches(str(metric), names, n=1)
        meant = f"; did you mean '{near[0]}'?" if near else "."
        raise MetricMissingError(f"Both reports have {', '.join(names)}. Got {metric!r} instead{meant}")

    def sentence(self, metric: str) -> str:
        """One metric in words, as "ndcg@10: better by 0.0040, 95 % between 0.0010 and 0.0070".

        Raises
        ------
        MetricMissingError
            If the reports do not both have the metric; also a `KeyError`.
        """
        row = self[metric]
        interval = None if row["low"] is None else Interval(row["low"], row["high"])
        return sentence(metric, row["difference"], interval, self.level)

    @property
    def sentences(self) -> tuple[str, ...]:
        """Every metric with an interval in words."""
        return tuple(self.sentence(row["metric"]) for row in self.rows if row["low"] is not None)

    def __str__(self) -> str:
        share = f"{100 * self.level:g} % interval"
        lines = [
            f"{self.n_users:,} users judged in both",
            "",
            f"{'':<20}{'this':>10}{'other':>10}{'difference':>12}{share:>24}",
        ]
        for row in self.rows:
            interval = "" if row["low"] is None else f"{row['low']:+.4f} to {row['high']:+.4f}"
            figures = f"{row['this']:>10.4f}{row['other']:>10.4f}{row['difference']:>+12.4f}{interval:>24}"
            lines.append(f"{row['metric']:<20}{figures}")
        lines += ["", *self.sentences]
        return "\n".join([*lines, *(["", *self.notes] if self.notes else [])])


def compare_reports(this: Report, other: Report, resampling: Resampling | None = None) -> Comparison:
    """Compare the metrics that both reports have, on the users that both judged.

    Parameters
    ----------
    this, other : Report
    resampling : Resampling, optional
        None: that of `this`.

    Raises
    ------
    DataError
        If no user was judged in both.
    """
    how = this.resampling if resampling is None else resampling
    places = other.users.match(this.users)
    mine, theirs = np.flatnonzero(places >= 0), places[places >= 0]
    if len(mine) == 0 and (len(this.users) or len(other.users)):
        raise DataError("No user was judged in both reports: compare reports on the same test part.")
    ours, others = _on_the_same(this, other, mine, theirs)
    draws = resampled(ours, how), resampled(others, how)
    rows = []
    shared = [name for name in this.metrics if name in other.metrics and _is_one_measure(name, this, other)]
    for metric in shared:
        is_by_user = metric in ours
        interval = how.interval(draws[0][metric] - draws[1][metric]) if is_by_user else None
        values = [
            found[metric].value if is_by_user else report.metrics[metric]
            for found, report in ((ours, this), (others, other))
        ]
        rows.append(
            {
                "metric": metric,
                "this": values[0],
                "other": values[1],
                "difference": values[0] - values[1],
                "low": None if interval is None else interval.low,
                "high": None if interval is None else interval.high,
                "n_users": len(ours[metric].numerators) if is_by_user else None,
            }
        )
    return Comparison(len(mine), tuple(rows), how.level, tuple(_notes(this, other)))


def reranking_words(protocol: Mapping[str, Any]) -> str:
    """How a report's lists were reranked; empty where they stand by score."""
    order = protocol.get("reranking")
    if not order:
        return ""
    parts = [f"{name} {order[name]:g}" for name in ("popularity_penalty", "diversity") if order[name]]
    if order["n_candidates"] is not None:
        parts.append(f"n_candidates {order['n_candidates']}")
    return f"reranked with {', '.join(parts)}"


def _on_the_same(this: Report, other: Report, mine: NDArray[Any], theirs: NDArray[Any]) -> tuple[Any, Any]:
    """The figures of both over the users of both; a user whom one of them could not judge counts for neither."""
    a, b = {}, {}
    for name in (name for name in this.by_user if name in other.by_user):
        one, two = this.by_user[name][mine], other.by_user[name][theirs]
        is_both = ~(np.isnan(one) | np.isnan(two))
        a[name], b[name] = np.where(is_both, one, np.nan), np.where(is_both, two, np.nan)
    sums: tuple[UserSums | None, UserSums | None] = None, None
    if this.pair_sums is not None and other.pair_sums is not None:
        places = other.pair_sums.users.match(this.pair_sums.users)
        names = [name for name in this.pair_sums.sums if name in other.pair_sums.sums]
        sums = (
            _taken(this.pair_sums, np.flatnonzero(places >= 0), names),
            _taken(other.pair_sums, places[places >= 0], names),
        )
    return figures_of_users(a, sums[0]), figures_of_users(b, sums[1])


def _taken(sums: UserSums, rows: NDArray[Any], names: list[str]) -> UserSums:
    """Some users of the sums."""
    chosen = {name: sums.sums[name][rows] for name in names}
    return UserSums(sums.users.take(rows), sums.activity[rows], sums.n_pairs[rows], chosen)


def _is_one_measure(metric: str, this: Report, other: Report) -> bool:
    """Whether both measured it alike: how alike items are is told by the factors of the model that is judged."""
    if parse(metric)[0] not in SIMILARITY:
        return True
    factors = [report.protocol.get("similarity_by") for report in (this, other)]
    return factors[0] == factors[1]


def _notes(this: Report, other: Report) -> list[str]:
    """What makes the difference more than one of models."""
    notes = []
    unlike = [name for name in this.metrics if name in other.metrics and not _is_one_measure(name, this, other)]
    if unlike:
        notes.append(
            f"{', '.join(unlike)} left out: each report measures it by its own model's item factors, so that the "
            "difference would say nothing about the lists."
        )
    parts = [report.protocol.get("parts", {}).get("test", {}).get("fingerprint") for report in (this, other)]
    if parts[0] != parts[1]:
        notes.append("The reports are of different test parts: the users are the same, their pairs need not be.")
    for name, words in (
        ("ranked", "what is ranked"),
        ("asked", "who is asked"),
        ("relevant", "what is relevant"),
        ("reranking", "the order of lists"),
    ):
        one, two = (
            reranking_words(report.protocol) or "by score" if name == "reranking" else report.protocol.get(name)
            for report in (this, other)
        )
        if one != two:
            notes.append(f"The reports differ in {words}: {one}, and {two}.")
    return notes
