"""Intervals that hold a rating with a given probability: quantiles of mixtures of normals."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from ridgeback.solvers.problem import Float64Array

_N_HALVINGS = 32  # of a search over some twenty deviations: to 1e-8 of one
_BLOCK = 4096  # mixtures at a time: bounded memory


@dataclass(frozen=True)
class PredictionInterval:
    """What a rating is expected to be, and between what it lies with the probability asked for.

    Attributes
    ----------
    mean, low, high : float, or float32 array of the shape asked for
    level : float
    """

    mean: Any
    low: Any
    high: Any
    level: float


def mixture_quantiles(means: Float64Array, deviations: Float64Array, share: float) -> Float64Array:
    """The value below which a mixture of normals has this share of its mass.

    Parameters
    ----------
    means : float64 array, shape (n, n_samples)
        Of n mixtures of equal weights.
    deviations : float64 array, shape (n_samples,) or (n, n_samples)
    share : float
        Between 0 and 1.

    Returns
    -------
    float64 array, shape (n,)
    """
    quantiles = np.empty(len(means))
    for begin in range(0, len(means), _BLOCK):
        block = means[begin : begin + _BLOCK]
        own = np.broadcast_to(deviations, means.shape)[begin : begin + _BLOCK]
        low, high = (block - 9 * own).min(axis=1), (block + 9 * own).max(axis=1)  # 1e-18 of a normal lies beyond
        for _ in range(_N_HALVINGS):
            middle = (low + high) / 2
            is_below = _normal_cdf((middle[:, None] - block) / own).mean(axis=1) < share
            low, high = np.where(is_below, middle, low), np.where(is_below, high, middle)
        quantiles[begin : begin + _BLOCK] = (low + high) / 2
    return quantiles


def _normal_cdf(z: Float64Array) -> Float64Array:
    """The share of a standard normal below z, to 1e-7 (Abramowitz & Stegun 1964, formula 7.1.26)."""
    x = np.abs(z) / math.sqrt(2)
    t = 1 / (1 + 0.3275911 * x)
    tail = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))))
    tail *= 0.5 * np.exp(-x * x)
    return np.where(z < 0, tail, 1 - tail)
