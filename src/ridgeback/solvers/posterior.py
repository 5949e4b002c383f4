"""Rows drawn from their posterior, and what rows say of the vectors that they share: the arguments of both twins.

A row problem with weights ``w`` (the noise's precision is in them) and pulls ``c = w t``, and a prior
``N(m_r, precision^-1)`` of the row, has the posterior::

    N(P^-1 p, P^-1),    P = precision + sum_j w_j y_j y_j^T,    p = precision m_r + sum_j c_j y_j

with ``y_j = [factors_j, 1]``: every row's last unknown is its own bias. ``m_r = mean + shift_r``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ridgeback.solvers.problem import Float32Array, Float64Array


@dataclass(frozen=True)
class RowPrior:
    """The normal prior of every row of one side, ``N(mean + shift_r, precision^-1)``.

    Attributes
    ----------
    mean : float64 array, shape (size,)
        size = n_factors + 1.
    precision : float64 array, shape (size, size)
        Positive definite.
    shifts : float32 array, shape (n_rows, size), or None
        None: 0.
    """

    mean: Float64Array
    precision: Float64Array
    shifts: Float32Array | None = None


@dataclass(frozen=True)
class Stream:
    """Where noise comes from: each number is a function of (seed, number, row, place) alone.

    Attributes
    ----------
    seed, number : int
        64 bits each. Two draws that must not share noise differ in `number`.
    is_shared : bool
        Every row takes the noise of row 0, so that what a row draws does not depend on its place.
    """

    seed: int
    number: int
    is_shared: bool = False


@dataclass(frozen=True)
class Information:
    """What every row says of a shift s of its prior's mean, the row itself integrated out: exp(-s^T M s / 2 + s^T h).

    Attributes
    ----------
    M : float32 array, shape (n_rows, size, size)
        ``precision - precision P^-1 precision``; 0 for a row without neighbours.
    h : float64 array, shape (n_rows, size)
        Perturbed: h ~ N(expected h, M), so that solving for s with it is drawing s.
    """

    M: npt.NDArray[np.float32]
    h: Float64Array
