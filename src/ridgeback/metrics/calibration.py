"""Whether probabilities keep their word: functions on arrays, one entry a pair."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ridgeback.errors import ParameterError

FloatArray = NDArray[np.float64]

EQUAL = ("pairs", "width", "yeses")


class ReliabilityBin(NamedTuple):
    """Pairs of about the same probability, together.

    Attributes
    ----------
    low, high : float
        The smallest and the largest probability among them.
    probability : float
        Their mean probability: what was promised.
    share : float
        The share of yeses among them: what came true.
    n_pairs : float
        How many they are, weights summed.
    """

    low: float
    high: float
    probability: float
    share: float
    n_pairs: float


def reliability(
    is_yes: ArrayLike,
    probability: ArrayLike,
    weights: ArrayLike | None = None,
    n_bins: int = 10,
    equal: str = "pairs",
) -> list[ReliabilityBin]:
    """Sort pairs into bins by their probability and set what was promised beside what came true.

    Parameters
    ----------
    is_yes : array-like of bool, shape (n_pairs,)
    probability : array-like of float, shape (n_pairs,)
        Predicted probability of a yes, in [0, 1].
    weights : array-like of float, shape (n_pairs,), optional
        How many pairs each stands for; above 0. None: 1.
    n_bins : int, >= 1, default=10
    equal : {"pairs", "width", "yeses"}, default="pairs"
        What the bins have equally much of: pairs, width on the scale of probabilities, or expected yeses (the sum of
        the probabilities), which spreads them out where a yes is rare. Pairs of one probability stay together, so
        that there may be fewer bins.

    Returns
    -------
    list of ReliabilityBin
        Ascending by probability; none is empty.

    Raises
    ------
    ParameterError
        If the shapes differ, there is no pair, a probability is outside [0, 1] or a weight not above 0.

    References
    ----------
    A. Niculescu-Mizil, R. Caruana, "Predicting good probabilities with supervised learning", ICML 2005, section 4.
    """
    yes, p, w = _checked(is_yes, probability, weights)
    if isinstance(n_bins, bool) or not isinstance(n_bins, (int, np.integer)) or n_bins < 1:
        raise ParameterError(f"The 'n_bins' parameter must be a whole number of at least 1. Got {n_bins!r} instead.")
    if equal not in EQUAL:
        raise ParameterError(
            f"The 'equal' parameter must be one of {', '.join(map(repr, EQUAL))}. Got {equal!r} instead."
        )
    order = np.argsort(p, kind="stable")
    yes, p, w = yes[order], p[order], w[order]
    bins = np.minimum((_positions(p, w, equal) * n_bins).astype(np.int64), n_bins - 1)
    begins = np.flatnonzero(np.concatenate([[True], bins[1:] != bins[:-1]]))
    ends = np.append(begins[1:], len(p)) - 1
    n_pairs = np.add.reduceat(w, begins)
    promised, came = np.add.reduceat(w * p, begins) / n_pairs, np.add.reduceat(w * yes, begins) / n_pairs
    return [
        ReliabilityBin(float(p[begin]), float(p[end]), *map(float, values))
        for begin, end, *values in zip(begins, ends, promised, came, n_pairs, strict=True)
    ]


def calibration_error(
    is_yes: ArrayLike,
    probability: ArrayLike,
    weights: ArrayLike | None = None,
    n_bins: int = 10,
    equal: str = "pairs",
) -> float:
    """Expected calibration error: the mean over the pairs of ``|mean probability - share of yeses|`` of their bin.

    Parameters and errors as in `reliability`.

    Returns
    -------
    float
        From 0 to 1; lower is better. It says nothing of how well pairs are told apart: the share of all yeses, promised
        for every pair, has 0. Where a yes is rare it is small in any case; look at the bins too.

    References
    ----------
    C. Guo, G. Pleiss, Y. Sun, K. Q. Weinberger, "On calibration of modern neural networks", ICML 2017, equation 3
    (there with bins of equal width).

    Examples
    --------
    >>> from ridgeback.metrics import calibration_error
    >>> calibration_error([True, False, True, True], [0.25, 0.25, 0.75, 0.75], n_bins=2)
    0.25
    """
    return error_of(reliability(is_yes, probability, weights, n_bins, equal))


def error_of(bins: list[ReliabilityBin]) -> float:
    """The expected calibration error of bins that `reliability` made."""
    total = sum(one.n_pairs for one in bins)
    return sum(one.n_pairs * abs(one.probability - one.share) for one in bins) / total


def _positions(p: FloatArray, w: FloatArray, equal: str) -> FloatArray:
    """Where in [0, 1] the bins see each of the ascending probabilities; equal ones at one place."""
    if equal == "width":
        return p
    mass = w if equal == "pairs" else w * p
    total = mass.sum()
    if total == 0:
        return np.zeros(len(p))
    middle = np.cumsum(mass) - mass / 2
    first = np.flatnonzero(np.concatenate([[True], p[1:] > p[:-1]]))
    last = np.append(first[1:], len(p)) - 1
    places = np.repeat((middle[first] + middle[last]) / 2, last - first + 1)
    return np.asarray(places / total, dtype=np.float64)


def _checked(
    is_yes: ArrayLike, probability: ArrayLike, weights: ArrayLike | None
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """All three as float64 of one length, or what does not fit."""
    yes: NDArray[Any] = np.asarray(is_yes, dtype=bool).astype(np.float64)
    p = np.asarray(probability, dtype=np.float64)
    w = np.ones(len(p)) if weights is None and p.ndim == 1 else np.asarray(weights, dtype=np.float64)
    if yes.ndim != 1 or not yes.shape == p.shape == w.shape:
        raise ParameterError(
            "'is_yes', 'probability' and 'weights' must be one value a pair. "
            f"Got shapes {yes.shape}, {p.shape} and {w.shape}."
        )
    if len(p) == 0:
        raise ParameterError("There is no pair to judge: 'is_yes' is empty.")
    if not (p.min() >= 0 and p.max() <= 1):
        raise ParameterError(f"Probabilities must lie in [0, 1]. Got {p.min():g} to {p.max():g} instead.")
    if not (w.min() > 0 and np.isfinite(w).all()):
        raise ParameterError(f"Weights must be finite and above 0. Got {w.min():g} to {w.max():g} instead.")
    return yes, p, w
