"""From scores to probabilities: isotonic regression and Platt's sigmoid, fitted to scores and answers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

Float64s = npt.NDArray[np.float64]

_MOST_STEPS = 100


@dataclass(frozen=True)
class IsotonicMap:
    """The best rising function: constant within blocks of scores, straight lines between them, flat beyond the ends.

    Attributes
    ----------
    scores : float64 array, shape (n,)
        The ends of the blocks, strictly ascending.
    probabilities : float64 array, shape (n,)
        There; never falling.
    """

    scores: Float64s = field(repr=False)
    probabilities: Float64s = field(repr=False)

    def __call__(self, scores: npt.ArrayLike) -> Float64s:
        """Probabilities of scores."""
        return np.interp(np.asarray(scores, dtype=np.float64), self.scores, self.probabilities)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, IsotonicMap) and all(
            np.array_equal(one, two)
            for one, two in ((self.scores, other.scores), (self.probabilities, other.probabilities))
        )

    __hash__ = None  # type: ignore[assignment]


@dataclass(frozen=True)
class PlattMap:
    """``sigmoid(slope * score + intercept)``, slope never below 0."""

    slope: float
    intercept: float

    def __call__(self, scores: npt.ArrayLike) -> Float64s:
        """Probabilities of scores."""
        return sigmoid(self.slope * np.asarray(scores, dtype=np.float64) + self.intercept)


ProbabilityMap = IsotonicMap | PlattMap


def isotonic(scores: npt.ArrayLike, is_yes: npt.ArrayLike, weights: npt.ArrayLike | None = None) -> IsotonicMap:
    """Fit the rising function of the scores with the least ``sum w (yes - p)^2``, by pooling adjacent violators.

    Parameters
    ----------
    scores : array-like of float, shape (n,)
    is_yes : array-like of bool or float, shape (n,)
    weights : array-like of float, shape (n,), optional

    Returns
    -------
    IsotonicMap

    References
    ----------
    M. Ayer et al., "An empirical distribution function for sampling with incomplete information", Annals of
    Mathematical Statistics 26, 1955. B. Zadrozny, C. Elkan, "Transforming classifier scores into accurate multiclass
    probability estimates", KDD 2002.
    """
    scores = np.asarray(scores, dtype=np.float64)
    weights = np.ones(len(scores)) if weights is None else np.asarray(weights, dtype=np.float64)
    order = np.argsort(scores, kind="stable")
    scores, weights = scores[order], weights[order]
    sums = weights * np.asarray(is_yes, dtype=np.float64)[order]
    begins = np.flatnonzero(np.concatenate([[True], scores[1:] > scores[:-1]]))
    edges = scores[begins]
    begins = _pooled(np.add.reduceat(sums, begins), np.add.reduceat(weights, begins))
    ends = np.append(begins[1:], len(edges)) - 1
    sizes = np.diff(np.concatenate([[0], np.searchsorted(scores, edges[ends], side="right")]))
    starts = np.cumsum(sizes) - sizes
    means = np.add.reduceat(sums, starts) / np.add.reduceat(weights, starts)
    is_wide = begins < ends
    places = np.repeat(np.arange(len(begins)), 1 + is_wide)
    is_end = np.concatenate([[False], places[1:] == places[:-1]])
    return IsotonicMap(
        np.where(is_end, edges[ends[places]], edges[begins[places]]), np.maximum.accumulate(means)[places]
    )


def platt(scores: npt.ArrayLike, is_yes: npt.ArrayLike, weights: npt.ArrayLike | None = None) -> PlattMap:
    """Fit ``p = sigmoid(a s + b)`` by Newton's method, with Platt's targets instead of 0 and 1.

    A yes counts as (n_yes + 1) / (n_yes + 2) and a no as 1 / (n_no + 2), n being sums of weights, so that there is an
    optimum even where a threshold separates yeses from noes.

    Parameters and reference data as in `isotonic`.

    Returns
    -------
    PlattMap
        With slope 0 where yeses do not score higher than noes.

    References
    ----------
    J. Platt, "Probabilistic outputs for support vector machines and comparisons to regularized likelihood methods",
    1999. H.-T. Lin, C.-J. Lin, R. C. Weng, "A note on Platt's probabilistic outputs", Machine Learning 68, 2007.
    """
    scores = np.asarray(scores, dtype=np.float64)
    yes = np.asarray(is_yes, dtype=bool)
    weights = np.ones(len(scores)) if weights is None else np.asarray(weights, dtype=np.float64)
    n_yes, n_no = float(weights[yes].sum()), float(weights[~yes].sum())
    targets = np.where(yes, (n_yes + 1) / (n_yes + 2), 1 / (n_no + 2))
    base = float(np.average(targets, weights=weights))
    center, scale = float(scores.mean()), float(scores.std()) or 1.0
    a, b = _logistic_line((scores - center) / scale, targets, weights, np.log(base / (1 - base)))
    if a <= 0:
        return PlattMap(0.0, float(np.log(base / (1 - base))))
    return PlattMap(a / scale, b - a * center / scale)


def sigmoid(x: Float64s) -> Float64s:
    """``1 / (1 + exp(-x))``, without overflow."""
    shrunk = np.exp(-np.abs(x))
    return np.asarray(np.where(x >= 0, 1.0, shrunk) / (1.0 + shrunk))


def _pooled(sums: Float64s, weights: Float64s) -> npt.NDArray[np.int64]:
    """Where the blocks begin after pooling neighbours whose means do not rise.

    All runs of falling means are pooled at once, round by round, as long as that removes a tenth of the blocks; what is
    left is walked through with a stack.
    """
    begins = np.arange(len(sums))
    while len(begins) > 1:
        means = sums / weights
        rises = np.concatenate([[True], means[1:] > means[:-1]])
        if rises.all():
            return begins
        n_before, first = len(begins), np.flatnonzero(rises)
        begins, sums, weights = begins[first], np.add.reduceat(sums, first), np.add.reduceat(weights, first)
        if len(begins) > 0.9 * n_before:
            break
    stack: list[tuple[int, float, float]] = []
    for begin, total, weight in zip(begins.tolist(), sums.tolist(), weights.tolist(), strict=True):
        while stack and stack[-1][1] * weight >= total * stack[-1][2]:
            begin, total, weight = stack[-1][0], stack[-1][1] + total, stack[-1][2] + weight
            stack.pop()
        stack.append((begin, total, weight))
    return np.array([begin for begin, *_ in stack], dtype=np.int64)


def _logistic_line(x: Float64s, targets: Float64s, weights: Float64s, start: Any) -> tuple[float, float]:
    """Slope and intercept of the least weighted cross-entropy, by Newton steps halved until it falls."""
    line = np.array([0.0, float(start)])
    columns = np.column_stack([x, np.ones(len(x))])

    def loss(at: Float64s) -> float:
        s = columns @ at
        return float(weights @ (np.logaddexp(0.0, s) - targets * s))

    current = loss(line)
    for _ in range(_MOST_STEPS):
        p = sigmoid(columns @ line)
        gradient = columns.T @ (weights * (p - targets))
        hessian = (columns * (weights * p * (1 - p))[:, None]).T @ columns + 1e-12 * np.eye(2) * weights.sum()
        step = np.linalg.solve(hessian, gradient)
        while (new := loss(line - step)) > current and np.abs(step).max() > 1e-12:
            step /= 2
        line, current = line - step, min(new, current)
        if np.abs(step).max() <= 1e-10 * max(1.0, float(np.abs(line).max())):
            break
    return float(line[0]), float(line[1])
