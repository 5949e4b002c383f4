"""Explicit ALS on a 2 x 2 matrix of ratings."""

from __future__ import annotations

import itertools
import warnings
from typing import Any

import numpy as np

from ridgeback.errors import ParameterError, RidgebackWarning
from ridgeback.examples.tutorial import (
    ITEM_FACTORS,
    RATINGS,
    USER_FACTORS,
    line,
    mean_squared_error,
    recommendations,
)
from ridgeback.examples.twins import by_hand, matrix_interactions, trace_matrix
from ridgeback.models.explicit import ExplicitALS
from ridgeback.solvers.problem import Float64Array
from ridgeback.solvers.reference import solve_symmetric
from ridgeback.trace import Trace

PRINTED_USERS = np.array([[1.5, 0.5], [0.9, 0.3]])
CLOSE = 1e-6  # of the optimum: near enough to say that it is reached
MOST_ITERATIONS = 2000


def explicit_2x2(regularization: float = 0.0, n_factors: int = 2, n_iterations: int = 3) -> Trace:
    """Explicit ALS on ratings [[4, 2], [3, 5]], from the tutorial's factors, in float64.

    No biases, plain ridge, no rotation. The item that user 2 has not rated in "4 2; 3 ." is scored in the
    recommendation at the end.

    Parameters
    ----------
    regularization : float, >= 0, default=0.0
        0 reproduces the ratings in one half-step: the overfit that the tutorial warns of.
    n_factors : {1, 2}, default=2
        1 takes the first column of both matrices.
    n_iterations : int, >= 0, default=3

    Returns
    -------
    Trace
        ``header["example"]`` sets what the tutorial prints beside what is right.

    Examples
    --------
    >>> from ridgeback.examples import explicit_2x2
    >>> trace = explicit_2x2(regularization=0.1)
    >>> [round(step["loss"], 4) for step in trace.steps[:4]]
    [51.0471, 18.0003, 9.7949, 8.301]
    """
    if isinstance(n_factors, bool) or n_factors not in (1, 2):
        raise ParameterError(f"The parameter 'n_factors' must be 1 or 2. Got {n_factors!r} instead.")
    trace = _fit(RATINGS, regularization, n_factors, n_iterations)
    trace.header["title"] = "Explicit ALS on a 2 x 2 matrix of ratings"
    trace.header["example"] = {
        "name": "explicit_2x2",
        "comparison": _comparison() if n_factors == 2 else [],
        "recommendations": _recommendation(regularization, n_factors, n_iterations),
        "recommended_from": 'a fit of "4 2; 3 .", where user 2 has not rated item 2, with the same parameters',
        "remarks": _remarks(trace, regularization, n_factors),
    }
    return trace


def _fit(ratings: Float64Array, regularization: float, n_factors: int, n_iterations: int) -> Trace:
    return trace_matrix(_model(regularization, n_factors, n_iterations), ratings)


def _model(regularization: float, n_factors: int, n_iterations: int, tolerance: float | None = None) -> ExplicitALS:
    return ExplicitALS(
        n_factors,
        regularization=regularization,
        frequency_exponent=0.0,
        biases=False,
        n_iterations=n_iterations,
        init=(USER_FACTORS[:, :n_factors], ITEM_FACTORS[:, :n_factors]),
        tolerance=tolerance,
    )


def _comparison() -> list[dict[str, Any]]:
    """What the tutorial prints, what its own numbers give, and what is right."""
    first = USER_FACTORS @ ITEM_FACTORS.T
    printed_first = np.array([[0.3, 0.2], [0.2, 0.2]])
    printed_fourth = np.array([[1.1, 1.9], [0.9, 1.3]])
    printed_items = np.array([[0.3, 0.5], [0.2, 0.4]])
    exact_users = np.linalg.solve(ITEM_FACTORS.T @ ITEM_FACTORS, (RATINGS @ ITEM_FACTORS).T).T
    least_norm, _ = solve_symmetric(PRINTED_USERS.T @ PRINTED_USERS, PRINTED_USERS.T @ RATINGS)
    transposed = PRINTED_USERS @ ITEM_FACTORS
    return [
        line("first predictions", printed_first, first, "each is the sum of products of a user's and an item's row"),
        line(
            "first mean squared error",
            15.6,
            mean_squared_error(USER_FACTORS, ITEM_FACTORS),
            f"even the differences that it prints give {np.mean((RATINGS - printed_first) ** 2):.4f}",
        ),
        line(
            "user factors, called the least-squares solution",
            PRINTED_USERS,
            exact_users,
            f"the printed ones leave a mean squared error of {mean_squared_error(PRINTED_USERS, ITEM_FACTORS):.4f} and "
            "have rank one; two factors without regularization reproduce four ratings exactly",
        ),
        line(
            "predictions of the fourth step, from its own users",
            printed_fourth,
            PRINTED_USERS @ ITEM_FACTORS.T,
            f"the item factors are read transposed, which would give {_inline(transposed)}",
        ),
        line(
            "mean squared error of the fourth step",
            8.2,
            mean_squared_error(PRINTED_USERS, ITEM_FACTORS),
            f"its own printed predictions give {np.mean((RATINGS - printed_fourth) ** 2):.2f}",
        ),
        line(
            "item factors, from its own users",
            printed_items,
            least_norm.T,
            f"the printed ones leave {mean_squared_error(PRINTED_USERS, printed_items):.4f}; its users have rank one, "
            "so A is singular and the solution of least norm is the one to take: it leaves "
            f"{mean_squared_error(PRINTED_USERS, least_norm.T):.6f}",
        ),
    ]


def _remarks(trace: Trace, regularization: float, n_factors: int) -> list[str]:
    steps = trace.steps
    best, losses = optimum(RATINGS, regularization, n_factors), _losses(regularization, n_factors)
    remarks = []
    if regularization == 0 and n_factors == 2 and len(steps) > 2:
        remarks.append(
            f"After the first half-step the mean squared error is {abs(steps[1]['mse']):.6f}: four numbers fit four "
            "ratings. That is the overfit that the tutorial warns of; an unrated pair would be predicted by "
            f"extrapolating factors as large as {np.abs(steps[1]['user_factors']).max():.0f}."
        )
    else:
        reached = next((i for i, loss in enumerate(losses) if loss <= best + CLOSE), None)
        near = f"not within {CLOSE:g} of it after {len(losses) - 1} iterations"
        if reached is not None:
            near = f"within {CLOSE:g} of it after {reached} iteration{'' if reached == 1 else 's'}"
        remarks.append(
            f"No factors of this rank have a loss below {best:.6f}: per singular value s of the ratings that is "
            "min(regularization, s)^2 + 2 regularization max(s - regularization, 0) for those within the rank, and s^2 "
            f"beyond it. The fit is {near}."
        )
    rises = [after for before, after in itertools.pairwise(steps) if after["mse"] > before["mse"] + 1e-9]
    if rises:
        side = rises[0]
        remarks.append(
            f"In step {side['index']} the loss falls and the mean squared error rises to {side['mse']:.6f}: what falls "
            "is the loss, errors and regularization together."
        )
    remarks.append(_stopping(losses))
    return remarks


def _stopping(losses: list[float]) -> str:
    """Which tolerance on what."""
    counts = {share: _n_iterations(losses, share) for share in (1e-2, 1e-4, 1e-6)}
    words = ", ".join(f"{share:g} after {count}" for share, count in counts.items() if count)
    return (
        "Stop when? tolerance=t ends the fit when an iteration lowers the loss by less than the share t of what it was "
        f"before: here {words} iterations."
    )


def _n_iterations(losses: list[float], tolerance: float) -> int | None:
    """Iterations until one of them lowers the loss by less than this share."""
    drops = ((before - after, before) for before, after in itertools.pairwise(losses))
    return next((i for i, (drop, before) in enumerate(drops, start=1) if drop < tolerance * abs(before)), None)


def _losses(regularization: float, n_factors: int) -> list[float]:
    """The loss at the start and after each iteration of a long fit."""
    fitted = by_hand(_model(regularization, n_factors, MOST_ITERATIONS, tolerance=1e-13))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RidgebackWarning)
        fitted.fit(matrix_interactions(RATINGS))
    return [record["loss"] for record in fitted.history_ if record["side"] in ("start", "items")]


def optimum(ratings: Float64Array, regularization: float, n_factors: int) -> float:
    """The least loss of any factors of this rank on a full matrix, plain ridge.

    Notes
    -----
    ``|R - X Y^T|^2 + reg (|X|^2 + |Y|^2)`` is least where X Y^T keeps the leading singular vectors and shrinks each
    singular value s to max(s - reg, 0). Source: Srebro, Rennie & Jaakkola 2004 (the trace norm as a sum of squares).
    """
    singular = np.linalg.svd(ratings, compute_uv=False)
    kept, left = singular[:n_factors], singular[n_factors:]
    within = np.minimum(regularization, kept) ** 2 + 2 * regularization * np.maximum(kept - regularization, 0)
    return float(within.sum() + (left**2).sum())


def _recommendation(regularization: float, n_factors: int, n_iterations: int) -> list[dict[str, Any]]:
    """What user 2 would give the item that is missing in "4 2; 3 ."."""
    ratings = RATINGS.copy()
    ratings[1, 1] = np.nan
    return recommendations(_fit(ratings, regularization, n_factors, n_iterations), ~np.isnan(ratings))


def _inline(matrix: Float64Array) -> str:
    return "[" + ", ".join("[" + ", ".join(f"{value:g}" for value in row) + "]" for row in matrix.round(6)) + "]"
