"""Where more factors stop being worth their cost: the smallest number that is as good as the best, and why it is."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from ridgeback.evaluation.bootstrap import Interval

if TYPE_CHECKING:
    from ridgeback.evaluation.factor_sweep import SweepRow

SMALL_LOSS = 0.005  # share of the best held-out value that is worth fewer factors, however sure the difference is


class Knee(NamedTuple):
    """A row of a sweep, and why it is the one."""

    row: SweepRow
    reason: str


def find_knee(
    rows: Sequence[SweepRow], best: SweepRow, differences: Sequence[Interval | None], level: float
) -> Knee | None:
    """The first row whose difference to the best may be 0, or that loses at most `SMALL_LOSS` of the best.

    Parameters
    ----------
    rows : sequence of SweepRow
        Ascending by n_factors.
    best : SweepRow
        One of them.
    differences : sequence of Interval or None
        Of each row's held-out value minus the best's, aligned with the rows; empty where there are none.
    level : float
        Of these intervals.

    Returns
    -------
    Knee or None
        None where the best held-out value is no number.
    """
    if not math.isfinite(best.held_out):
        return None
    intervals: Sequence[Interval | None] = differences or [None] * len(rows)
    for row, interval in zip(rows, intervals, strict=True):
        reason = _of_best(rows, best) if row is best else _as_good(row.held_out, best.held_out, interval, level)
        if reason:
            return Knee(row, reason)
    return None


def _of_best(rows: Sequence[SweepRow], best: SweepRow) -> str:
    if len(rows) == 1:
        return "nothing else was tried"
    return "no smaller number was tried" if best is rows[0] else "every smaller number is clearly worse"


def _as_good(value: float, best: float, interval: Interval | None, level: float) -> str:
    """Why one held-out value is as good as the best; empty where it is not."""
    difference = value - best
    if interval is not None and interval.low <= 0 <= interval.high:
        return (
            f"no clear difference to the best: {difference:+.4f}, {100 * level:g} % between {interval.low:+.4f} and "
            f"{interval.high:+.4f}"
        )
    if abs(difference) <= SMALL_LOSS * abs(best):
        share = abs(difference / best) if best else 0.0
        return f"{100 * share:.2g} % behind the best, where {100 * SMALL_LOSS:g} % is not worth more factors"
    return ""
