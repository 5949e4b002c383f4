"""What the values of interactions look like, and which models are made for such values."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ridgeback.data.csr import Csr

_SAMPLE = 100_000
_MOST_LEVELS = 21  # a scale of 0 to 10 in halves


@dataclass(frozen=True)
class Values:
    """A summary of the stored values; where all are 1 nothing is read.

    Attributes
    ----------
    n_not_finite, n_negative, n_zero : int
        Counted over all values.
    low, high : float
        Smallest and largest finite value; NaN where there is none.
    sample : ndarray of float32
        At most 100,000 finite values, evenly spread.
    """

    n_not_finite: int
    n_negative: int
    n_zero: int
    low: float
    high: float
    sample: NDArray[np.float32]

    @classmethod
    def of(cls, matrix: Csr) -> Values:
        """Summarise the values of a matrix in blocks."""
        if matrix.data is None:
            one = 1.0 if matrix.nnz else float("nan")
            return cls(0, 0, 0, one, one, np.ones(min(matrix.nnz, 1), dtype=np.float32))
        n_not_finite = n_negative = n_zero = 0
        low, high = float("inf"), float("-inf")
        for begin in range(0, matrix.nnz, 1 << 20):
            block = matrix.data[begin : begin + (1 << 20)]
            finite = block[np.isfinite(block)]
            n_not_finite += len(block) - len(finite)
            n_negative += int(np.count_nonzero(finite < 0))
            n_zero += int(np.count_nonzero(finite == 0))
            low, high = min(low, float(finite.min(initial=low))), max(high, float(finite.max(initial=high)))
        sample = matrix.data[np.linspace(0, matrix.nnz - 1, min(matrix.nnz, _SAMPLE)).astype(np.int64)]
        sample = sample[np.isfinite(sample)]
        if len(sample) == 0:
            low = high = float("nan")
        return cls(n_not_finite, n_negative, n_zero, low, high, sample)


def suited_models(values: Values, has_ratings: bool) -> tuple[tuple[str, ...], str]:
    """Name the models that such values are made for, the best first, and say why.

    Ratings have few levels or a limited range and people use the upper ones; counts begin at the commonest value and
    have a long tail; an answer is 0 or 1.

    Parameters
    ----------
    values : Values
    has_ratings : bool
        Whether the source had a column of values.

    Returns
    -------
    tuple of (tuple of str, str)
    """
    implicit = ("ImplicitALS", "LogisticMF")
    if not has_ratings:
        return implicit, "the events carry no rating: they say who picked what"
    if values.low == values.high:
        return implicit, f"every value is {values.low:g}, so they only say who picked what"
    if values.low == 0 and values.high == 1 and len(np.unique(values.sample)) == 2:
        return ("LogisticMF", "ExplicitALS"), "the values are answers, 0 for no and 1 for yes"
    if values.low < 0:
        return ("ExplicitALS",), f"values from {values.low:g} to {values.high:g} are ratings or differences, not counts"
    levels, counts = np.unique(values.sample, return_counts=True)
    middle = float(np.median(values.sample))
    is_whole = bool((levels == np.rint(levels)).all())
    piles_at_the_start = counts[levels > 0].argmax() == 0 and values.high > 5 * middle
    if piles_at_the_start or (len(levels) > _MOST_LEVELS and values.high > 5 * max(middle, 1e-30)):
        kind = "counts" if is_whole else "amounts"
        return implicit, f"values from {values.low:g} to {values.high:g} with a median of {middle:g} look like {kind}"
    number = f"{len(levels)} levels" if len(levels) <= _MOST_LEVELS else "many levels"
    return ("ExplicitALS",), f"values from {values.low:g} to {values.high:g} in {number} look like ratings"
