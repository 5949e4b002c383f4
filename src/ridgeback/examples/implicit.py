"""Implicit data on a 2 x 2 matrix: logistic by gradient as the tutorial has it, and Hu's and Rendle's ALS beside it."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from ridgeback.errors import ParameterError
from ridgeback.examples.tutorial import ITEM_FACTORS, USER_FACTORS, line, recommendations
from ridgeback.examples.twins import as_matrix, trace_matrix
from ridgeback.models.factor_model import FactorModel
from ridgeback.models.implicit import ImplicitALS
from ridgeback.models.logistic import LogisticMF
from ridgeback.solvers.logistic_reference import sigmoid
from ridgeback.solvers.problem import Float64Array
from ridgeback.trace import Trace

ALL_YES = np.array([[1.0, 1.0], [1.0, 1.0]])
PREFERENCES = np.array([[1.0, 0.0], [1.0, 1.0]])
FROM_THREE = 'a fit of "1 .; 1 1", where only the three pairs are listed, with the same parameters'
TITLES = {
    "logistic": "Logistic factorisation by gradient descent, all four pairs a yes",
    "hu": "Implicit ALS as Hu, Koren and Volinsky have it",
    "ials": "Implicit ALS as Rendle, Krichene, Zhang and Koren have it",
}


def implicit_2x2(
    loss: Literal["logistic", "hu", "ials"] = "logistic",
    regularization: float | None = None,
    step_size: float = 1.0,
    n_iterations: int = 3,
) -> Trace:
    """Implicit data on a 2 x 2 matrix, from the tutorial's factors, in float64.

    Parameters
    ----------
    loss : {"logistic", "hu", "ials"}, default="logistic"
        "logistic": sigmoid, cross-entropy and alternating gradient steps on four pairs of confidence 1, as the tutorial
        does it. "hu" (alpha 1) and "ials" (unobserved_weight .1): alternating least squares on [[1, 0], [1, 1]].
    regularization : float, >= 0, optional
        None: 0 for "logistic", 0.1 for the others. Plain ridge, no rotation.
    step_size : float, > 0, default=1.0
        "logistic" only: a multiple of the gradient of the summed loss.
    n_iterations : int, >= 0, default=3

    Returns
    -------
    Trace
        ``header["example"]`` sets what the tutorial prints beside what is right.

    Examples
    --------
    >>> from ridgeback.examples import implicit_2x2
    >>> [round(step["cross_entropy"], 6) for step in implicit_2x2().steps[:3]]
    [0.638711, 0.576809, 0.402387]
    """
    if loss not in TITLES:
        raise ParameterError(f"The parameter 'loss' must be 'logistic', 'hu' or 'ials'. Got {loss!r} instead.")
    data = ALL_YES if loss == "logistic" else PREFERENCES
    model = _model(loss, regularization, step_size, n_iterations)
    trace = trace_matrix(model, data)
    trace.header["title"] = TITLES[loss]
    trace.header["example"] = {
        "name": "implicit_2x2",
        "comparison": _comparison() if loss == "logistic" else [],
        "recommendations": _recommendations(trace, loss, model),
        "recommended_from": FROM_THREE if loss == "logistic" else None,
        "remarks": _remarks(trace, loss, trace.header["parameters"]["regularization"]),
    }
    return trace


def _model(loss: str, regularization: float | None, step_size: float, n_iterations: int) -> FactorModel:
    start = (USER_FACTORS, ITEM_FACTORS)
    if loss == "logistic":
        return LogisticMF(
            2,
            regularization=0.0 if regularization is None else regularization,
            biases=False,
            solver="gradient",
            step_size=step_size,
            n_iterations=n_iterations,
            init=start,
        )
    return ImplicitALS(
        2,
        loss=loss,  # type: ignore[arg-type]
        regularization=0.1 if regularization is None else regularization,
        alpha=1.0 if loss == "hu" else None,
        unobserved_weight=0.1 if loss == "ials" else None,
        frequency_exponent=0.0,
        weight_exponents=(0.0, 0.0),
        n_iterations=n_iterations,
        init=start,
    )


def _recommendations(trace: Trace, loss: str, model: FactorModel) -> list[dict[str, Any]]:
    """User 1's other item: of the fit itself, or where all four pairs are a yes of one without that pair."""
    listed = PREFERENCES > 0
    if loss != "logistic":
        return recommendations(trace, listed)
    return recommendations(trace_matrix(model.clone().set_params(n_negatives=0), np.where(listed, 1.0, np.nan)), listed)


def cross_entropy(users: Float64Array, items: Float64Array) -> float:
    """Mean cross-entropy where every pair is a yes."""
    return float(np.mean(np.logaddexp(0.0, -users @ items.T)))


def _comparison() -> list[dict[str, Any]]:
    """What the tutorial prints, what its own numbers give, and what is right."""
    users, items = USER_FACTORS, ITEM_FACTORS
    probabilities = sigmoid(users @ items.T)
    printed = as_matrix("printed", [[0.6, 0.5], [0.5, 0.5]])
    printed_users, printed_items = np.array([[0.4, 0.1], [0.2, 0.05]]), np.array([[0.15, 0.35], [0.05, 0.25]])
    gradient = (probabilities - 1) @ items
    raised_users = users - gradient
    raised_items = items - (sigmoid(raised_users @ items.T) - 1).T @ raised_users
    return [
        line("first predictions", printed, probabilities, "the sigmoid of the sum of products, to more than one digit"),
        line("differences", [[-0.4, -0.5], [-0.5, -0.5]], probabilities - 1, "probability less target"),
        line(
            "cross-entropy",
            0.6,
            cross_entropy(users, items),
            f"its own rounded predictions give {-np.mean(np.log(printed)):.6f}; .6 is right to one digit",
        ),
        line(
            "user factors after the update",
            printed_users,
            raised_users,
            "every entry of the gradient is negative, so a step down the gradient raises the factors; the printed ones "
            f"shrink and raise the cross-entropy to {cross_entropy(printed_users, items):.4f}",
        ),
        line(
            "predictions of the fourth step, from its own users",
            [[0.5, 0.6], [0.5, 0.5]],
            sigmoid(printed_users @ items.T),
            "the item factors are read transposed, as in the explicit half",
        ),
        line(
            "item factors after the update",
            printed_items,
            raised_items,
            f"with the printed ones the cross-entropy is {cross_entropy(printed_users, printed_items):.4f}: "
            "it has risen twice",
        ),
    ]


def _remarks(trace: Trace, loss: str, regularization: float) -> list[str]:
    if loss != "logistic":
        zeros = "confidence 1" if loss == "hu" else f"weight {trace.header['unobserved_weight']:g}"
        return [
            f"The pair that nobody listed counts too: it pulls its score towards 0 with {zeros}. Without that, and "
            "without regularization, ones alone would be met exactly and mean nothing.",
            "A score is a preference, not a probability: nothing keeps it within 0 and 1.",
        ]
    remarks = [
        "This update is gradient descent, not least squares: each row takes one step down its gradient. A step that "
        "raised the loss would be halved. The loss is a sum, so step size 1 multiplies the gradient of the sum.",
        "A confidence says how much a pair counts. It is neither the preference (yes or no) nor the probability (what "
        "the model says).",
    ]
    if regularization == 0:
        remarks.append(
            "With nothing but yeses and no regularization there is no optimum: the factors grow for ever while the "
            "loss falls towards 0 (squared loss on ones alone stops exactly, at scores of 1). Pairs that nobody has, "
            "or regularization, are what makes implicit data a problem at all. The last half-step, which seeks each "
            "user's optimum, therefore leaves the users as they are."
        )
    return remarks
