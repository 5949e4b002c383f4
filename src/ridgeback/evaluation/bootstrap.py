"""How far an average would move with other users: the bootstrap over users, for single figures and for differences."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ridgeback.errors import ParameterError
from ridgeback.evaluation.deciles import OVER_PAIRS, ROOTS, UserSums

FloatArray = NDArray[np.float64]

_COUNTS_AT_ONCE = 1 << 21  # numbers of one block of resamples: 16 MB


class Interval(NamedTuple):
    """Where a figure lies in the middle share of all resamples."""

    low: float
    high: float


@dataclass(frozen=True)
class Resampling:
    """How intervals are made.

    Attributes
    ----------
    level : float, default=0.95
        Share of the resamples within an interval.
    n_resamples : int, default=1000
        0: no intervals.
    random_state : int, default=0
    """

    level: float = 0.95
    n_resamples: int = 1000
    random_state: int = 0

    def __post_init__(self) -> None:
        if isinstance(self.level, bool) or not isinstance(self.level, (int, float)) or not 0 < self.level < 1:
            raise ParameterError(f"The 'level' parameter must be a number in (0, 1). Got {self.level!r} instead.")
        for name, least in (("n_resamples", 0), ("random_state", 0)):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < least:
                raise ParameterError(
                    f"The '{name}' parameter must be an int of at least {least}. Got {value!r} instead."
                )

    def interval(self, resampled: FloatArray) -> Interval | None:
        """The middle share of a figure's resamples; None where some of them are no number."""
        if len(resampled) == 0 or np.isnan(resampled).any():
            return None
        low, high = np.quantile(resampled, [(1 - self.level) / 2, (1 + self.level) / 2])
        return Interval(float(low), float(high))


@dataclass(frozen=True)
class Figure:
    """A figure over users, as a ratio of sums.

    Attributes
    ----------
    numerators, denominators : ndarray of float64, shape (n_users,)
        A mean over users has denominators of 1, 0 where a user has no value; a mean over pairs their numbers of pairs.
    is_root : bool
        Whether the figure is the square root of the ratio.
    """

    numerators: FloatArray
    denominators: FloatArray
    is_root: bool = False

    @property
    def value(self) -> float:
        """The figure itself; NaN where nobody has a value."""
        total = float(self.denominators.sum())
        ratio = float(self.numerators.sum()) / total if total else float("nan")
        return float(np.sqrt(ratio)) if self.is_root else ratio


def figures_of_users(by_user: dict[str, FloatArray], pairs: UserSums | None) -> dict[str, Figure]:
    """Every figure that is made of users: means of their values (NaN: none), and means over their pairs."""
    figures = {
        name: Figure(np.nan_to_num(values), (~np.isnan(values)).astype(np.float64))
        for name, values in by_user.items()
        if name not in OVER_PAIRS
    }
    if pairs is not None:
        figures |= {name: Figure(sums, pairs.n_pairs, name in ROOTS) for name, sums in pairs.sums.items()}
    return figures


def resampled(figures: dict[str, Figure], resampling: Resampling) -> dict[str, FloatArray]:
    """Every figure for each draw of users, shape (n_resamples,); figures over as many users are of the same draws."""
    found: dict[str, FloatArray] = {}
    for n_users in {len(figure.numerators) for figure in figures.values()}:
        named = {name: figure for name, figure in figures.items() if len(figure.numerators) == n_users}
        table = resample(
            np.column_stack([figure.numerators for figure in named.values()]),
            np.column_stack([figure.denominators for figure in named.values()]),
            resampling,
        )
        for (name, figure), column in zip(named.items(), table.T, strict=True):
            found[name] = np.sqrt(column) if figure.is_root else column
    return found


def resample(numerators: FloatArray, denominators: FloatArray, resampling: Resampling) -> FloatArray:
    """Draw the users again, with replacement, and compute every figure anew.

    Parameters
    ----------
    numerators, denominators : ndarray of float64, shape (n_users, n_figures)
        A figure is ``sum over users of numerator / sum of denominator``: a mean over users has denominators of 1
        (0 where a user has no value), a mean over pairs has the numbers of pairs.
    resampling : Resampling

    Returns
    -------
    ndarray of float64, shape (n_resamples, n_figures)
        All figures of one row are of the same users, so that differences between columns are paired. The same seed and
        number of users draw the same users.

    Notes
    -----
    Blocks of resamples as counts of users times the table: O(n_resamples * n_users * n_figures) time in BLAS, 16 MB (or
    one row of counts, where that is more) beside the tables.

    References
    ----------
    B. Efron, R. J. Tibshirani, "An Introduction to the Bootstrap", Chapman & Hall 1993, sections 13.3 (percentile
    intervals); users are drawn because a user's pairs depend on each other.
    """
    n_users, n_figures = numerators.shape
    figures = np.full((resampling.n_resamples, n_figures), np.nan)
    if n_users < 2:
        return figures
    kinds, kind_of = np.unique(denominators, axis=1, return_inverse=True)
    rng = np.random.default_rng(resampling.random_state)
    together = np.concatenate([numerators, kinds], axis=1)
    block = max(1, _COUNTS_AT_ONCE // n_users)
    for begin in range(0, resampling.n_resamples, block):
        n = min(block, resampling.n_resamples - begin)
        counts = np.empty((n, n_users))
        for row in counts:
            row[:] = np.bincount(rng.integers(n_users, size=n_users, dtype=np.int32), minlength=n_users)
        sums = counts @ together
        divisors = sums[:, n_figures:][:, kind_of.ravel()]
        np.divide(sums[:, :n_figures], divisors, out=figures[begin : begin + n], where=divisors > 0)
    return figures
