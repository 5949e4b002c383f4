"""Metrics of predicted values: functions on arrays, one value a test pair."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ridgeback.errors import ParameterError


def rmse(actual: ArrayLike, predicted: ArrayLike) -> float:
    """Root mean squared error, ``sqrt(mean (actual - predicted)^2)``, over all pairs alike.

    Parameters
    ----------
    actual, predicted : array-like of float, shape (n_pairs,)

    Returns
    -------
    float
        In the unit of the ratings; lower is better.

    Raises
    ------
    ParameterError
        If the shapes differ or there is no pair.

    References
    ----------
    J. L. Herlocker et al., "Evaluating collaborative filtering recommender systems", TOIS 22(1), 2004, section 4.2.1.
    """
    actual, predicted = _pairs(actual, predicted)
    return float(np.sqrt(np.mean(np.square(actual - predicted))))


def mae(actual: ArrayLike, predicted: ArrayLike) -> float:
    """Mean absolute error, ``mean |actual - predicted|``, over all pairs alike.

    Parameters, result, errors and reference as in `rmse`.
    """
    actual, predicted = _pairs(actual, predicted)
    return float(np.mean(np.abs(actual - predicted)))


def log_loss(is_yes: ArrayLike, probability: ArrayLike) -> float:
    """Mean cross-entropy in nats, ``mean -[p log q + (1 - p) log(1 - q)]``, p the answer (0 or 1), q the probability.

    Probabilities are kept 2^-52 away from 0 and 1, so that one sure mistake costs 36 nats and not infinity.

    Parameters
    ----------
    is_yes : array-like of bool, shape (n_pairs,)
    probability : array-like of float, shape (n_pairs,)
        Predicted probability of yes, in [0, 1].

    Returns
    -------
    float
        At least 0; lower is better. log(2) = 0.693 is what saying 0.5 always gets.

    Raises
    ------
    ParameterError
        If the shapes differ, there is no pair, or a probability is outside [0, 1].

    References
    ----------
    C. M. Bishop, "Pattern Recognition and Machine Learning", Springer 2006, equation 4.90.
    """
    yes, probability = _pairs(np.asarray(is_yes, dtype=bool), probability)
    if probability.min() < 0 or probability.max() > 1:
        raise ParameterError(
            f"Probabilities must lie in [0, 1]. Got {probability.min():g} to {probability.max():g} instead."
        )
    margin = np.finfo(np.float64).eps
    correct = np.where(yes > 0, probability, 1.0 - probability)
    return float(-np.mean(np.log(np.clip(correct, margin, 1.0 - margin))))


def _pairs(actual: ArrayLike, predicted: ArrayLike) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return both as float64 arrays of one length, or say what does not fit."""
    actual = np.asarray(actual, dtype=np.float64)
    predicted = np.asarray(predicted, dtype=np.float64)
    if actual.shape != predicted.shape or actual.ndim != 1:
        raise ParameterError(
            f"'actual' and 'predicted' must be one value a pair. Got shapes {actual.shape} and {predicted.shape}."
        )
    if len(actual) == 0:
        raise ParameterError("There is no pair to judge: 'actual' is empty.")
    for name, values in (("actual", actual), ("predicted", predicted)):
        n_bad = len(values) - int(np.count_nonzero(np.isfinite(values)))
        if n_bad:
            raise ParameterError(
                f"{n_bad} of {len(values)} values of '{name}' are NaN or infinite, which no average can hold. Leave "
                "these pairs out and say how many they were, or repair what made them."
            )
    return actual, predicted
