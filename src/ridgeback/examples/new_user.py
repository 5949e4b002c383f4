"""A new user among two known items: preferences to weights to A and b to factors to scores."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from ridgeback.errors import ParameterError
from ridgeback.examples.tutorial import line
from ridgeback.examples.twins import by_hand, fold_in_by_hand, trace_matrix
from ridgeback.models.explicit import ExplicitALS
from ridgeback.models.factor_model import FactorModel
from ridgeback.models.implicit import ImplicitALS
from ridgeback.models.logistic import LogisticMF
from ridgeback.solvers.logistic_reference import sigmoid
from ridgeback.trace import Trace

ITEMS = np.array([[0.15, 0.35], [0.05, 0.25]])
PREFERENCES = np.array([1.0, 0.0])
RATING = 4.0
LOSSES = ("hu", "ials", "logistic", "explicit")


def new_user_2x2(
    loss: Literal["hu", "ials", "logistic", "explicit"] = "hu", regularization: float = 0.1, count: float = 1.0
) -> Trace:
    """A new user who has the first of two items, with the tutorial's item factors, in float64.

    Parameters
    ----------
    loss : {"hu", "ials", "logistic", "explicit"}, default="hu"
        "hu": alpha 1. "ials": unobserved_weight .1. "logistic": the second item is a no. "explicit": a rating of 4.
    regularization : float, >= 0, default=0.1
        Plain ridge.
    count : float, > 0, default=1.0
        How often the user had the first item: confidence ``1 + count`` in "hu"; with a count other than 1 alpha is 1 in
        "ials" and "logistic" too, so that the confidence is the count. Not for "explicit".

    Returns
    -------
    Trace
        Of one step, "fold-in".

    Raises
    ------
    UnsupportedError
        Logistic without regularization: such a row has no finite solution.

    Examples
    --------
    >>> from ridgeback.examples import new_user_2x2
    >>> new_user_2x2().steps[0]["user_factors"].round(6)
    array([[0.863931, 1.468683]])
    """
    if loss not in LOSSES:
        raise ParameterError(
            f"The parameter 'loss' must be one of {', '.join(map(repr, LOSSES))}. Got {loss!r} instead."
        )
    if not (isinstance(count, (int, float)) and 0 < count < np.inf) or (loss == "explicit" and count != 1):
        raise ParameterError(
            "The parameter 'count' must be a finite number above 0, and 1 where ratings are explicit. "
            f"Got {count!r} instead."
        )
    model = _model(loss, regularization, None if count == 1 else 1.0)
    value = RATING if loss == "explicit" else count
    twin = by_hand(model)
    shown = np.array([[value, np.nan if loss == "explicit" else 0.0]])
    trace_matrix(twin, shown)
    items = ["item 1", "item 2"] if loss == "logistic" else ["item 1"]
    trace = fold_in_by_hand(twin, items, [value, 0.0][: len(items)])
    trace.header["title"] = "A new user among two items"
    trace.header["example"] = {
        "name": "new_user_2x2",
        "comparison": _comparison(trace) if count == 1 and loss != "explicit" else [],
        "recommendations": [one for one in _ranked(trace) if one["item"] != "item 1"],
        "recommended_from": None,
        "remarks": _remarks(trace, loss, count),
    }
    return trace


def _model(loss: str, regularization: float, alpha: float | None) -> FactorModel:
    settings: dict[str, Any] = {
        "regularization": regularization,
        "frequency_exponent": 0.0,
        "n_iterations": 0,
        "init": (np.zeros((1, 2)), ITEMS),
    }
    if loss == "explicit":
        return ExplicitALS(2, biases=False, **settings)
    if loss == "logistic":
        return LogisticMF(2, biases=False, alpha=alpha, n_negatives=0, **settings)
    if loss == "hu":
        return ImplicitALS(2, loss="hu", alpha=1.0, weight_exponents=(0.0, 0.0), **settings)
    return ImplicitALS(2, alpha=alpha, unobserved_weight=0.1, weight_exponents=(0.0, 0.0), **settings)


def _comparison(trace: Trace) -> list[dict[str, Any]]:
    """``dot([1, 0], V.T)`` and what it is taken for."""
    product = PREFERENCES @ ITEMS.T
    three_items = np.vstack([ITEMS, [0.3, 0.1]])
    try:
        told = str(np.array([1.0, 0.0, 0.0]) @ three_items.T)
    except ValueError as error:
        told = f"{type(error).__name__}: {error}"
    return [
        line(
            "scores of the new user",
            [0.2, 0.05],
            trace.steps[0]["predictions"][0],
            f"printed as dot([1, 0], V.T), which gives {product.tolist()}: merely the first factor of each item. It "
            "multiplies a vector over items with one over factors, and runs only since both have two entries; with "
            f"three items it cannot run at all ({told})",
        )
    ]


def _remarks(trace: Trace, loss: str, count: float) -> list[str]:
    step = trace.steps[0]
    row = step["rows"][0]
    remarks = [
        "A new user is one more row: solve for its factors with the items fixed, then multiply these with every item's."
    ]
    if loss == "logistic":
        remarks.append("The row has a finite solution only with regularization: both pairs could be met ever better.")
    else:
        remarks.append(f"Its factors are {row['x'].round(6).tolist()}: the solution of A x = b.")
    if count != 1:
        weight = float((row["weights"] if row["confidences"] is None else row["confidences"])[0])
        counted = f"confidence 1 + {count:g} = {1 + weight:g}" if loss == "hu" else f"confidence {weight:g}"
        remarks.append(f"A count of {count:g} is no rating: it says how sure the yes is ({counted}).")
    if loss in ("hu", "ials"):
        squeezed = sigmoid(step["predictions"][0]).round(6).tolist()
        remarks.append(
            f"The tutorial puts a sigmoid around such scores, which gives {squeezed}. Scores are preferences fitted "
            "to 0 and 1 by least squares, and the sigmoid of one is no probability. Only a logistic model, or "
            "calibration, gives that."
        )
    return remarks


def _ranked(trace: Trace) -> list[dict[str, Any]]:
    """Every item, best first."""
    step = trace.steps[0]
    scores = step["predictions"] if step["scores"] is None else step["scores"]
    found = [
        {"user": None, "item": item, "score": float(score), "prediction": float(prediction)}
        for item, score, prediction in zip(trace.header["items"]["ids"], scores[0], step["predictions"][0], strict=True)
    ]
    return sorted(found, key=lambda one: -one["score"])
