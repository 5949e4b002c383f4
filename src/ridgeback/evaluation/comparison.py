"""Two reports beside each other, on the users that both judged."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ridgeback.errors import DataError

if TYPE_CHECKING:
    from ridgeback.evaluation.report import Report


@dataclass(frozen=True)
class Comparison:
    """Differences of metrics between two reports.

    Attributes
    ----------
    n_users : int
        Users that both judged; metrics by user are compared on these alone.
    rows : tuple of dict
        One a metric that both have: ``metric``, ``this``, ``other``, ``difference`` (this - other), ``n_users`` (None
        where the figure is one for all pairs or users).
    """

    n_users: int
    rows: tuple[dict[str, Any], ...]

    def __getitem__(self, metric: str) -> dict[str, Any]:
        for row in self.rows:
            if row["metric"] == metric:
                return row
        raise KeyError(metric)

    def __str__(self) -> str:
        lines = [f"{self.n_users:,} users judged in both", "", f"{'':<18}{'this':>12}{'other':>12}{'difference':>12}"]
        lines += [
            f"{row['metric']:<18}{row['this']:>12.4f}{row['other']:>12.4f}{row['difference']:>+12.4f}"
            for row in self.rows
        ]
        return "\n".join(lines)


def compare_reports(this: Report, other: Report) -> Comparison:
    """Compare the metrics that both reports have.

    Raises
    ------
    DataError
        If no user was judged in both.
    """
    places = other.users.match(this.users)
    mine, theirs = np.flatnonzero(places >= 0), places[places >= 0]
    if len(mine) == 0 and (len(this.users) or len(other.users)):
        raise DataError("No user was judged in both reports: compare reports on the same test part.")
    rows = []
    for metric in (name for name in this.metrics if name in other.metrics):
        is_over_users = metric in this.by_user and metric in other.by_user and "@" in metric
        if is_over_users:
            a, b = this.by_user[metric][mine], other.by_user[metric][theirs]
            both = ~(np.isnan(a) | np.isnan(b))
            values = (float(a[both].mean()), float(b[both].mean())) if both.any() else (float("nan"), float("nan"))
        else:
            values = (this.metrics[metric], other.metrics[metric])
        rows.append(
            {
                "metric": metric,
                "this": values[0],
                "other": values[1],
                "difference": values[0] - values[1],
                "n_users": len(mine) if is_over_users else None,
            }
        )
    return Comparison(len(mine), tuple(rows))
