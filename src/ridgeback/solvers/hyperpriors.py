"""Draws of what is above the rows: a side's normal prior from its rows, and the precision of the ratings.

The hyperprior of every normal prior is the normal-Wishart of Salakhutdinov & Mnih 2008::

    precision ~ Wishart(I, size),      mean ~ N(0, (2 precision)^-1)

Targets are in units of the ratings' standard deviation, so these constants mean the same for every scale of ratings.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from ridgeback.solvers.matrices import gram, one_blas_thread
from ridgeback.solvers.posterior import RowPrior
from ridgeback.solvers.problem import Float32Array, Float64Array

_MEAN_WEIGHT = 2.0  # the hyperprior of the mean counts as much as this many rows


def first_prior(size: int) -> RowPrior:
    """The expected normal-Wishart: mean 0, precision size * I."""
    return RowPrior(np.zeros(size), size * np.eye(size))


def draw_prior(rows: Float32Array, rng: np.random.Generator, n_threads: int = 1) -> RowPrior:
    """A normal prior given the rows (n, size) that were drawn from it: Salakhutdinov & Mnih 2008, equation 14.

    ::

        precision ~ Wishart(W, size + n),   W^-1 = I + sum_r (x_r - m)(x_r - m)^T + 2 n / (2 + n) m m^T
        mean ~ N(n m / (2 + n), ((2 + n) precision)^-1),    m the mean of the rows
    """
    n, size = rows.shape
    mean = rows.mean(axis=0, dtype=np.float64) if n else np.zeros(size)
    with one_blas_thread():
        spread = gram(np.ascontiguousarray(rows - mean.astype(np.float32)), n_threads=n_threads)
        inverse_scale = np.eye(size) + spread + _MEAN_WEIGHT * n / (_MEAN_WEIGHT + n) * np.outer(mean, mean)
        root = np.linalg.cholesky(np.linalg.inv(inverse_scale))
        bartlett = np.tril(rng.standard_normal((size, size)), -1)
        bartlett[np.diag_indices(size)] = np.sqrt(rng.chisquare(size + n - np.arange(size)))
        turned = root @ bartlett
        precision = turned @ turned.T
        noise = np.linalg.solve(np.linalg.cholesky((_MEAN_WEIGHT + n) * precision).T, rng.standard_normal(size))
    return RowPrior(n * mean / (_MEAN_WEIGHT + n) + noise, precision)


def draw_noise_precision(squared_error: float, n: int, rng: np.random.Generator) -> float:
    """The precision beta of n ratings with this sum of squared errors: gamma, prior shape and rate 1."""
    return float(rng.gamma(1 + n / 2) / (1 + squared_error / 2))


_SHAPES = np.geomspace(0.5, 500, 61)  # degrees of freedom that a side's weights may have; flat over their logarithms


def draw_weights(
    squared_errors: Float64Array, counts: npt.NDArray[np.int64], freedom: float, rng: np.random.Generator
) -> Float64Array:
    """How precise each row's ratings are, as factors of beta: gamma, prior shape and rate freedom / 2.

    Parameters
    ----------
    squared_errors : float64 array, shape (n_rows,)
        ``sum_j w_j (t_j - s_j)^2`` of each row, in units of the noise.
    counts : int64 array, shape (n_rows,)
    freedom : float
        The smaller, the more rows differ; with many degrees of freedom all weights are near 1.

    Returns
    -------
    float64 array, shape (n_rows,)

    References
    ----------
    B. Lakshminarayanan, G. Bouchard, C. Archambeau, "Robust Bayesian matrix factorisation", AISTATS 2011.
    """
    return np.asarray(rng.gamma((freedom + counts) / 2) / ((freedom + squared_errors) / 2))


def draw_freedom(weights: Float64Array, rng: np.random.Generator) -> float:
    """The degrees of freedom of a side's weights (n_rows,), from a grid."""
    half = _SHAPES / 2
    log_gamma = np.array([math.lgamma(one) for one in half])
    each = float(np.mean(np.log(weights) - weights)) if len(weights) else -1.0
    likelihood = len(weights) * (half * np.log(half) - log_gamma + half * each)
    shares = np.exp(likelihood - likelihood.max())
    return float(rng.choice(_SHAPES, p=shares / shares.sum()))
