"""What becomes of the factors of a fit: how many can leave zero at a regularization, how many are alive at its end."""

from __future__ import annotations

import math

import numpy as np

from ridgeback.models.row_solver import Side
from ridgeback.solvers.matrices import gram, one_blas_thread
from ridgeback.solvers.problem import Float64Array, RowProblem
from ridgeback.solvers.starting_values import starting_values

_ALIVE = 1e-3  # of the largest singular value


def live_rank(users: Side, items: Side, user_ridges: Float64Array, item_ridges: Float64Array, n_threads: int) -> int:
    """Singular values of ``R_u^1/2 X Y^T R_i^1/2`` above a thousandth of the largest: factors that say something.

    Parameters
    ----------
    users, items : Side
    user_ridges, item_ridges : float64 arrays
        Each row's ridge; where a side has none at all, every row counts 1.
    n_threads : int

    Notes
    -----
    From the k x k Gramians of both sides, O((n_users + n_items) k^2).
    """
    of_users, of_items = (
        gram(side.factors.astype(np.float32, copy=False), ridges if ridges.any() else None, n_threads)
        for side, ridges in ((users, user_ridges), (items, item_ridges))
    )
    with one_blas_thread():
        values, vectors = np.linalg.eigh(of_users)
        half = vectors * np.sqrt(values.clip(min=0))
        squares = np.linalg.eigvalsh(half.T @ of_items @ half)
    largest = float(squares.max(initial=0.0))
    return int(np.count_nonzero(squares > _ALIVE**2 * largest)) if largest > 0 else 0


def advice_near_zero(
    users: RowProblem, items: RowProblem, regularization: float, n_factors: int, n_threads: int
) -> str:
    """Why a fit of ImplicitALS ended near zero, and which regularization would let it leave."""
    values = starting_values(users, items, n_factors, n_threads)
    n_startable = int(np.count_nonzero(values > 1))
    largest = float(values[0])
    if n_startable == 0:
        return (
            f"No factor can leave zero at regularization={regularization:.3g}: the largest singular value of the pulls "
            f"over the ridges is {largest:.3g}, and one above 1 is needed. Choose a regularization below "
            f"{_rounded_down(regularization * largest):.2g}; at {_rounded_down(regularization * largest / 4):.2g} it "
            "would be 4."
        )
    return (
        f"Only {n_startable} of {n_factors} factors can leave zero at regularization={regularization:.3g}, the largest "
        f"singular value being {largest:.3g}, and those little above 1 take many iterations. Choose a regularization "
        f"of about {_rounded_down(regularization * largest / 4):.2g}."
    )


def _rounded_down(value: float) -> float:
    """Two digits, never more than the value."""
    unit = 10.0 ** (math.floor(math.log10(value)) - 1)
    return math.floor(value / unit) * unit
