"""Explicit ALS: ratings, with joint user and item biases."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import numpy as np

from ridgeback.data.interactions import Interactions
from ridgeback.models import checks
from ridgeback.models.alternation import SideName
from ridgeback.models.defaults import DataShape, resolve
from ridgeback.models.least_squares import LeastSquaresModel
from ridgeback.models.training import ListedPairs, training_interactions
from ridgeback.objective import Objective
from ridgeback.solvers.problem import Float32Array, RowProblem


class ExplicitALS(LeastSquaresModel):
    """Explicit alternating least squares with joint biases.

    Minimises, with score ``s = mean + b_u + b_i + x_u . y_i``::

        sum_observed w (rating - s)^2
            + sum_rows regularization * n_row^nu * |x_row|^2 + bias_regularization * n_row^nu * b_row^2

    over the users' and the items' rows; nu is `frequency_exponent`, n_row the number of ratings of the row. Each
    row's bias is solved in the same ridge as its factors, not fixed beforehand. There is no factor 1/2.

    Parameters
    ----------
    n_factors : int, default=32
    regularization, bias_regularization : float, optional
        None: the measured defaults (`parameters_` shows what the fit used).
    frequency_exponent : float, default=1.0
        1 is weighted-lambda regularisation (Zhou et al. 2008), 0 the plain ridge.
    biases : bool, default=True
        False: no biases and no mean, so that scores are ``x_u . y_i``.
    non_negative : bool, default=False
        Factors >= 0; the biases stay free.
    n_iterations : int, default=15
    solver : {"auto", "exact", "cg"}, default="auto"
        "auto" is exact.
    n_cg_steps : int or "auto", default="auto"
    init : {"normal", "standard_normal", "uniform"}, (user_factors, item_factors), or a fitted model
    init_scale : float, default=0.1
    orientation : {"auto", "principal", "start"}, default="auto"
    tolerance : float, optional
    random_state : int, Generator or None, default=0
    n_threads : int, optional
        These as in `ImplicitALS`.

    Notes
    -----
    A half-step costs O(nnz k^2 + n k^3) exactly, O(nnz k) a conjugate-gradient step. An explicit zero is a rating of
    0. Predictions are clipped to the range of the training ratings unless asked otherwise.

    References
    ----------
    Y. Zhou, D. Wilkinson, R. Schreiber, R. Pan, "Large-scale parallel collaborative filtering for the Netflix prize",
    AAIM 2008. Y. Koren, R. Bell, C. Volinsky, "Matrix factorization techniques for recommender systems", 2009.

    Examples
    --------
    >>> import ridgeback as rb
    >>> data = rb.Interactions.from_arrays(["ann", "ann", "bob"], ["tea", "milk", "tea"], ratings=[5, 1, 4])
    >>> model = rb.ExplicitALS(n_factors=2).fit(data)
    >>> model.predict("bob", "milk") < model.predict("bob", "tea")
    True
    """

    link = "rating"
    family = "explicit"
    default_metric = "rmse"

    def __init__(
        self,
        n_factors: int = 32,
        regularization: float | None = None,
        bias_regularization: float | None = None,
        frequency_exponent: float = 1.0,
        biases: bool = True,
        non_negative: bool = False,
        n_iterations: int = 15,
        solver: Literal["auto", "exact", "cg"] = "auto",
        n_cg_steps: int | Literal["auto"] = "auto",
        init: Any = "normal",
        init_scale: float = 0.1,
        orientation: Literal["auto", "principal", "start"] = "auto",
        tolerance: float | None = None,
        random_state: Any = 0,
        n_threads: int | None = None,
    ) -> None:
        self.n_factors = n_factors
        self.regularization = regularization
        self.bias_regularization = bias_regularization
        self.frequency_exponent = frequency_exponent
        self.biases = biases
        self.non_negative = non_negative
        self.n_iterations = n_iterations
        self.solver = solver
        self.n_cg_steps = n_cg_steps
        self.init = init
        self.init_scale = init_scale
        self.orientation = orientation
        self.tolerance = tolerance
        self.random_state = random_state
        self.n_threads = n_threads

    def _training_data(self, data: Any, name: str = "data") -> Interactions:
        return training_interactions(data, "ExplicitALS", drops_zeros=False, refuses_negatives=False, name=name)

    def _resolve(self, shape: DataShape) -> dict[str, Any]:
        owner = "ExplicitALS"
        parameters = resolve("explicit", self._common_parameters(), shape)
        for name in ("regularization", "bias_regularization", "frequency_exponent"):
            parameters[name] = checks.check_number(owner, name, parameters[name])
        parameters["biases"] = checks.check_flag(owner, "biases", self.biases)
        parameters.update(self._resolve_solver(automatic="exact"))
        return parameters

    def _remember(self, data: Interactions) -> None:
        kept = self.__dict__.get("_rating_range")
        super()._remember(data)
        values = data.user_items.values()
        low, high = (np.inf, -np.inf) if kept is None else kept
        self._rating_range = (float(values.min(initial=low)), float(values.max(initial=high)))

    def _freeze(self, data: Interactions) -> None:
        super()._freeze(data)
        if self._has_biases:
            self.mean_ = _mean(data.user_items.values(), data.weights)

    def _row_problem(self, side: SideName, pairs: ListedPairs) -> RowProblem:
        p = self.parameters_
        scale = pairs.rows.counts().astype(np.float64) ** p["frequency_exponent"]
        return RowProblem(
            rows=pairs.rows,
            ridges=p["regularization"] * scale,
            pull="target",
            targets=pairs.rows.values(),
            target_offset=self.mean_,
            confidences=pairs.weights,
            bias_ridges=p["bias_regularization"] * scale if p["biases"] else None,
        )

    def _measures(self, pairs: ListedPairs, problem: RowProblem) -> Callable[[Objective], dict[str, float | None]]:
        total = pairs.rows.nnz if pairs.weights is None else float(np.sum(pairs.weights, dtype=np.float64))
        return lambda loss: {"rmse": float(np.sqrt(max(0.0, loss.observed) / total)), "cross_entropy": None}


def _mean(values: Float32Array, weights: Float32Array | None) -> float:
    """Weighted mean in float64."""
    if weights is None:
        return float(np.mean(values, dtype=np.float64))
    return float(np.einsum("i,i->", values, weights, dtype=np.float64) / np.sum(weights, dtype=np.float64))
