"""The tutorial's inputs, and a line of the table that sets what it prints beside what is right.

A widely read walk through ALS starts from these matrices. Many of the numbers that it prints do not follow from them;
every "right" number of the examples is computed when they run.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ridgeback.solvers.problem import Float64Array

RATINGS = np.array([[4.0, 2.0], [3.0, 5.0]])
USER_FACTORS = np.array([[0.5, 0.2], [0.3, 0.1]])
ITEM_FACTORS = np.array([[0.2, 0.4], [0.1, 0.3]])


def line(what: str, printed: Any, right: Any, why: str) -> dict[str, Any]:
    """One line of the table: matrices as float64 arrays, numbers as floats."""
    values = [np.asarray(value, dtype=np.float64) for value in (printed, right)]
    printed, right = (float(value) if value.ndim == 0 else value for value in values)
    return {"what": what, "printed": printed, "right": right, "why": why}


def mean_squared_error(users: Float64Array, items: Float64Array, ratings: Float64Array = RATINGS) -> float:
    """Mean of ``(rating - x.y)^2`` over the rated pairs."""
    return float(np.nanmean((ratings - users @ items.T) ** 2))


def recommendations(trace: Any, listed: npt.NDArray[np.bool_]) -> list[dict[str, Any]]:
    """The pairs that nobody has, by the last predictions, best first.

    Parameters
    ----------
    trace : Trace
    listed : bool array, shape (n_users, n_items)
    """
    header, last = trace.header, trace.steps[-1]
    scores = last["predictions"] if last["scores"] is None else last["scores"]
    found = [
        {
            "user": header["users"]["ids"][user],
            "item": header["items"]["ids"][item],
            "score": float(scores[user, item]),
            "prediction": float(last["predictions"][user, item]),
        }
        for user, item in np.argwhere(~listed)
    ]
    return sorted(found, key=lambda one: -one["score"])
