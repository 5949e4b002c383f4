"""The losses in plain NumPy over whole matrices: the oracle that every solver and every fit is tested against.

Everything here materialises users x items, so it is for small data only. There is no factor 1/2 anywhere: a loss is
the plain sum of squares (or of cross-entropies) plus ``ridge * |x|^2`` for every row of both sides.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Matrix: TypeAlias = npt.NDArray[np.float64]
Vector: TypeAlias = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Objective:
    """The parts of a loss; ``total = observed + unobserved + regularization``.

    `is_rounded`: the observed part is that of factors rounded to half precision, about 1e-4 from the factors' own.
    """

    observed: float
    unobserved: float
    regularization: float
    is_rounded: bool = False

    @property
    def total(self) -> float:
        """What a fit minimises."""
        return self.observed + self.unobserved + self.regularization

    @property
    def magnitude(self) -> float:
        """Sum of the parts' absolute values: the scale of rounding."""
        return abs(self.observed) + abs(self.unobserved) + abs(self.regularization)


def scores(
    user_factors: Matrix,
    item_factors: Matrix,
    user_biases: Vector | None = None,
    item_biases: Vector | None = None,
    mean: float = 0.0,
) -> Matrix:
    """``mean + b_u + b_i + x_u . y_i`` of all pairs, shape (n_users, n_items)."""
    product: Matrix = np.asarray(user_factors, dtype=np.float64) @ np.asarray(item_factors, dtype=np.float64).T + mean
    if user_biases is not None:
        product = product + np.asarray(user_biases, dtype=np.float64)[:, None]
    if item_biases is not None:
        product = product + np.asarray(item_biases, dtype=np.float64)[None, :]
    return product


def penalty(factors: Matrix, ridges: Vector, biases: Vector | None = None, bias_ridges: Vector | None = None) -> float:
    """``sum_r ridge_r |x_r|^2 (+ bias_ridge_r b_r^2)`` of one side."""
    total = float(ridges @ (np.asarray(factors, dtype=np.float64) ** 2).sum(axis=1))
    if biases is not None and bias_ridges is not None:
        total += float(bias_ridges @ np.asarray(biases, dtype=np.float64) ** 2)
    return total


def frequency_ridges(regularization: float, frequency: Vector, frequency_exponent: float) -> Vector:
    """``regularization * frequency ** frequency_exponent`` of each row (Zhou et al. 2008, section 3.1)."""
    ridges: Vector = regularization * np.asarray(frequency, dtype=np.float64) ** frequency_exponent
    return ridges


def explicit(ratings: Matrix, weights: Matrix, predicted: Matrix, regularization: float) -> Objective:
    """``sum w (r - s)^2``; weights are 0 where nothing was rated (Zhou et al. 2008, equation 2)."""
    rated = weights > 0
    return Objective(float((weights[rated] * (ratings[rated] - predicted[rated]) ** 2).sum()), 0.0, regularization)


def hu(
    extra_confidence: Matrix, is_observed: npt.NDArray[np.bool_], predicted: Matrix, regularization: float
) -> Objective:
    """``sum_all c (p - s)^2`` with ``c = 1 + extra`` where observed and 1 elsewhere (Hu et al. 2008, equation 3).

    Reported in two parts: ``sum_all s^2`` and what the observed pairs add to it, ``(1 + e)(1 - s)^2 - s^2``.
    """
    observed = (1 + extra_confidence) * (1 - predicted) ** 2 - predicted**2
    return Objective(float(observed[is_observed].sum()), float((predicted**2).sum()), regularization)


def ials(
    confidence: Matrix,
    is_observed: npt.NDArray[np.bool_],
    predicted: Matrix,
    unobserved_weight: float,
    regularization: float,
) -> Objective:
    """``sum_observed w (1 - s)^2 + unobserved_weight sum_all s^2`` (Rendle et al. 2022, equation 3)."""
    observed = confidence * (1 - predicted) ** 2
    return Objective(
        float(observed[is_observed].sum()), unobserved_weight * float((predicted**2).sum()), regularization
    )


def logistic(targets: Matrix, confidence: Matrix, predicted: Matrix, regularization: float) -> Objective:
    """``sum_listed c * cross-entropy(p, sigmoid(s))``; confidence is 0 for pairs that are not listed (Johnson 2014)."""
    listed = confidence > 0
    signed = np.where(targets > 0, -predicted, predicted)
    return Objective(float((confidence * np.logaddexp(0.0, signed))[listed].sum()), 0.0, regularization)
