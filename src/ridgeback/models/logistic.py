"""Logistic matrix factorisation: the probability that a user says yes to an item."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import numpy as np

from ridgeback.data.interactions import Interactions
from ridgeback.errors import ParameterError, UnsupportedError
from ridgeback.models import checks
from ridgeback.models.alternation import ObservedLoss, SideName
from ridgeback.models.defaults import DataShape, resolve
from ridgeback.models.explaining import Shares
from ridgeback.models.factor_model import FactorModel
from ridgeback.models.implied_noes import is_implied, stored_counts, with_noes
from ridgeback.models.logistic_steps import AdaGrad, Gradient, Majorize, Newton
from ridgeback.models.row_solver import RowSolver, Side
from ridgeback.models.training import ListedPairs, training_interactions
from ridgeback.objective import Objective
from ridgeback.solvers import logistic_native
from ridgeback.solvers.logistic_reference import logistic_row, minimize
from ridgeback.solvers.matrices import one_blas_thread
from ridgeback.solvers.problem import Float32Array, RowProblem

SOLVERS = ("majorize", "gradient", "adagrad")
BYTES_PER_PAIR = 40  # both orientations: column, value, target, weight and confidence


class LogisticMF(FactorModel):
    """Logistic matrix factorisation with joint biases.

    With score ``s = b_u + b_i + x_u . y_i`` and probability ``sigmoid(s)`` it minimises::

        sum_listed c * cross_entropy(p, sigmoid(s))
            + sum_rows regularization * n_row^nu * |x_row|^2 + bias_regularization * n_row^nu * b_row^2

    over the users' and the items' rows: a sum, without 1/2. The listed pairs are the stored ones, where a value above
    zero is a yes (p = 1) and an explicit zero an observed no (p = 0), and implied noes: `n_negatives` pairs a user that
    nobody stored. nu is `frequency_exponent`; n_row counts stored pairs only.

    Parameters
    ----------
    n_factors : int, default=32
    regularization, bias_regularization : float, optional
        None: the measured default, ``0.4 * (sqrt(pairs / users) + sqrt(pairs / items))``, for each (`parameters_`
        shows what the fit used).
    frequency_exponent : float, default=0.0
        0 is the plain ridge, 1 scales it with the number of the row's stored pairs.
    biases : bool, default=True
    alpha : float, optional
        None: every pair has confidence 1. A number: a yes of value r has confidence ``alpha * r``, a no has 1. Weights
        of the data scale the confidence.
    n_negatives : int, "all" or "auto", default="auto"
        Implied noes: a number a user, drawn once a fit from the items that somebody has, each equally likely; "all"
        pairs that are not stored (every zero has its own weight, so this costs n_users * n_items * k^2); 0 for none.
        "auto" is "all" while n_users * n_items <= 1,000,000, and beyond that ten for each pair of the mean history, at
        most 300. What a user draws depends on the user's own items and the seed, not on the row, so that fold-in draws
        the same.
    solver : {"majorize", "gradient", "adagrad"}, default="majorize"
        How a half-step moves each row: to the minimum of a quadratic that bounds its loss from above, by one gradient
        step, or by one AdaGrad step. The final user half-step and fold-in find each row's optimum by Newton steps.
    step_size : float, default=1.0
        "gradient" and "adagrad": a multiple of the gradient of the SUM loss; halved for a row whose loss would rise.
    n_iterations : int, default=30
    init : {"normal", "standard_normal", "uniform"}, (user_factors, item_factors), or a fitted model
    init_scale : float, default=0.1
    orientation : {"auto", "principal", "start"}, default="auto"
    tolerance : float, optional
    random_state : int, Generator or None, default=0
        Also seeds the implied noes; their own seed is ``parameters_["negatives_seed"]``.
    n_threads : int, optional
        These as in `ImplicitALS`.

    Notes
    -----
    A half-step costs O(n k^2 + n_rows k^3) for n listed pairs with "majorize", O(n k) with the others; each listed pair
    takes 24 to 40 bytes. The loss never rises. Where a ridge is 0 and a row's yeses and noes can be separated, the row
    has no finite optimum: fit keeps it as it is and warns, fold-in refuses it.

    References
    ----------
    C. Johnson, "Logistic matrix factorization for implicit feedback data", NIPS workshop 2014.
    T. Jaakkola, M. Jordan, "Bayesian parameter estimation via variational methods", Statistics and Computing 2000.

    Examples
    --------
    >>> import ridgeback as rb
    >>> data = rb.Interactions.from_arrays(["ann", "ann", "bob", "cid"], ["tea", "milk", "tea", "rum"])
    >>> model = rb.LogisticMF(n_factors=2, regularization=0.1, bias_regularization=0.1).fit(data)
    >>> model.predict("bob", "milk") > model.predict("bob", "rum")
    True
    """

    link = "probability"
    family = "logistic"

    def __init__(
        self,
        n_factors: int = 32,
        regularization: float | None = None,
        bias_regularization: float | None = None,
        frequency_exponent: float = 0.0,
        biases: bool = True,
        alpha: float | None = None,
        n_negatives: int | Literal["all", "auto"] = "auto",
        solver: Literal["majorize", "gradient", "adagrad"] = "majorize",
        step_size: float = 1.0,
        n_iterations: int = 30,
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
        self.alpha = alpha
        self.n_negatives = n_negatives
        self.solver = solver
        self.step_size = step_size
        self.n_iterations = n_iterations
        self.init = init
        self.init_scale = init_scale
        self.orientation = orientation
        self.tolerance = tolerance
        self.random_state = random_state
        self.n_threads = n_threads

    # What the fit loop asks ----------------------------------------------------------------------------------------

    def _training_data(self, data: Any, name: str = "data") -> Interactions:
        checked = training_interactions(data, "LogisticMF", drops_zeros=False, refuses_negatives=True, name=name)
        if name == "events" and self._samples_noes:
            rows = self.item_ids_.match(checked.item_ids)
            is_new = (rows < 0) | (self._fit_item_counts[rows] == 0)
            self._check_new_rows(0, int(np.count_nonzero(is_new & (checked.user_items.column_counts() > 0))))
        return checked

    def _resolve(self, shape: DataShape) -> dict[str, Any]:
        owner = "LogisticMF"
        parameters = self._common_parameters()
        parameters["n_negatives"] = self._checked_negatives()
        parameters = resolve("logistic", parameters, shape)
        for name in ("regularization", "bias_regularization", "frequency_exponent"):
            parameters[name] = checks.check_number(owner, name, parameters[name])
        parameters["biases"] = checks.check_flag(owner, "biases", self.biases)
        if self.alpha is not None:
            parameters["alpha"] = checks.check_number(owner, "alpha", self.alpha, is_open=True)
        parameters["solver"] = checks.check_choice(owner, "solver", self.solver, SOLVERS)
        parameters["step_size"] = checks.check_number(owner, "step_size", self.step_size, is_open=True)
        _check_memory(shape, parameters["n_negatives"])
        return parameters

    def _checked_negatives(self) -> int | str | None:
        """`n_negatives` as given; None for "auto", which the table of defaults resolves."""
        if isinstance(self.n_negatives, str) and self.n_negatives in ("all", "auto"):
            return None if self.n_negatives == "auto" else self.n_negatives
        if isinstance(self.n_negatives, (bool, np.bool_)) or not isinstance(self.n_negatives, (int, np.integer)):
            raise checks.fail("LogisticMF", "n_negatives", "a whole number, 'all' or 'auto'", self.n_negatives)
        return checks.check_count("LogisticMF", "n_negatives", self.n_negatives)

    def _freeze(self, data: Interactions) -> None:
        super()._freeze(data)
        self.parameters_["negatives_seed"] = _negatives_seed(self.random_state)

    def _listed(self, pairs: ListedPairs, side: SideName = "users") -> ListedPairs:
        n_negatives, n_columns = self.parameters_["n_negatives"], pairs.rows.n_columns
        if n_negatives == 0:
            return pairs
        if side == "items":
            columns = np.flatnonzero(self._user_counts > 0)
        elif n_negatives == "all":
            columns = np.arange(n_columns)
        else:
            columns = np.flatnonzero(self._fit_item_counts > 0)
        n = n_columns if n_negatives == "all" else int(n_negatives)
        return with_noes(pairs, columns.astype(np.int32), n, self.parameters_["negatives_seed"], self._thread_count())

    def _row_problem(self, side: SideName, pairs: ListedPairs) -> RowProblem:
        p = self.parameters_
        scale = np.maximum(stored_counts(pairs), 1).astype(np.float64) ** p["frequency_exponent"]
        return RowProblem(
            rows=pairs.rows,
            ridges=p["regularization"] * scale,
            pull="target",
            targets=(pairs.rows.values() > 0).astype(np.float32),
            confidences=self._confidences(pairs),
            bias_ridges=p["bias_regularization"] * scale if p["biases"] else None,
        )

    def _confidences(self, pairs: ListedPairs) -> Float32Array | None:
        """``alpha * r`` of a yes where alpha is given, else 1; times the weight."""
        alpha = self.parameters_["alpha"]
        if alpha is None:
            return pairs.weights
        values = pairs.rows.values()
        confidences: Float32Array = np.where(values > 0, np.float32(alpha) * values, np.float32(1))
        return confidences if pairs.weights is None else confidences * pairs.weights

    def _row_solver(self) -> RowSolver:
        p = self.parameters_
        if p["solver"] == "majorize":
            return Majorize()
        return Gradient(p["step_size"]) if p["solver"] == "gradient" else AdaGrad(p["step_size"])

    def _final_solver(self) -> RowSolver:
        return Newton()

    def _observed_loss(self) -> ObservedLoss:
        return _cross_entropy

    def _measures(self, pairs: ListedPairs, problem: RowProblem) -> Callable[[Objective], dict[str, float | None]]:
        total = _total_confidence(problem)
        return lambda loss: {"rmse": None, "cross_entropy": loss.observed / total}

    # Where implied noes or missing regularisation set limits ----------------------------------------------------------

    def fold_in_item(self, users: Any, ratings: Any = None, weights: Any = None) -> Any:
        """The factors of a new item, with the fitted users fixed; for n_negatives "all" or 0 only.

        Parameters and returns as `FactorModel.fold_in_item`.

        Raises
        ------
        UnsupportedError
            When the model was fitted with a number of negatives a user.
        """
        self._check_fitted()
        if self._samples_noes:
            raise UnsupportedError(
                "fold_in_item is not defined for a LogisticMF with a number of negatives a user "
                f"(n_negatives={self.parameters_['n_negatives']}): a new item was not among the items they were drawn "
                "from, so it would have yeses only. Fit with n_negatives='all' or 0, or fit again with the item."
            )
        return super().fold_in_item(users, ratings, weights)

    def _check_new_rows(self, n_users: int, n_items: int) -> None:
        if n_items and self._samples_noes:
            raise UnsupportedError(
                "partial_fit cannot add items to a LogisticMF with a number of negatives a user "
                f"(n_negatives={self.parameters_['n_negatives']}): {n_items} items of the events were not among those "
                "that negatives were drawn from. Leave their events out, or fit again with them."
            )

    @property
    def _samples_noes(self) -> bool:
        return self.parameters_["n_negatives"] not in ("all", 0)

    def _shares(self, history: ListedPairs, item_row: int) -> Shares:
        """At the optimum ``x.y_i + b_u`` is the sum of ``c_j (p_j - probability_j) z_j . R^-1 z_i / 2``, z = [y, 1]."""
        p = self.parameters_
        for name in ("regularization", *(("bias_regularization",) if p["biases"] else ())):
            if p[name] == 0:
                raise UnsupportedError(
                    f"explain divides by the regularisation, and this LogisticMF was fitted with {name}=0. "
                    f"Fit with {name} above 0."
                )
        listed = self._listed(history)
        if listed.rows.nnz == 0:
            return Shares(0.0, np.zeros(0))
        row = logistic_row(self._row_problem("users", listed), 0, self.item_factors_, self.item_biases_)
        with one_blas_thread():
            optimum = minimize(row)
            if optimum is None:
                raise UnsupportedError(
                    "explain needs the optimum of the user's row, and the regularization is too small, or too far from "
                    "the bias_regularization, to find it in float64. Fit with both of one size, above 1e-6."
                )
            optimum += np.linalg.solve(row.half_hessian(optimum), -row.gradient(optimum) / 2)  # down to rounding
        target = self.item_factors_[item_row].astype(np.float64)
        if p["biases"]:
            target = np.append(target, 1.0)
        shares = row.surprises(optimum) * (row.columns @ (target / (2 * row.ridges)))
        is_rest = is_implied(listed)
        return Shares(float(optimum @ target), shares[~is_rest], float(shares[is_rest].sum()))


def _check_memory(shape: DataShape, n_negatives: int | str) -> None:
    """Refuse a list of pairs that cannot fit into this machine's memory."""
    n_noes = shape.n_items if n_negatives == "all" else min(int(n_negatives), shape.n_items)
    n_pairs = shape.n_interactions + shape.n_users * n_noes
    needed, available = BYTES_PER_PAIR * n_pairs, checks.memory_bytes()
    if available is not None and needed > available:
        raise ParameterError(
            f"The 'n_negatives' parameter of LogisticMF must leave the listed pairs within memory: {n_negatives!r} "
            f"lists up to {n_pairs:,} pairs and needs {needed / 1e9:,.1f} GB, this machine has "
            f"{available / 1e9:,.1f} GB. Choose fewer negatives a user."
        )


def _cross_entropy(problem: RowProblem, fixed: Side, own: Side, n_threads: int) -> float:
    return logistic_native.cross_entropy(
        problem, fixed.factors, fixed.biases, own.factors, own.biases, n_threads=n_threads
    )


def _total_confidence(problem: RowProblem) -> float:
    if problem.confidences is None:
        return float(problem.rows.nnz)
    return float(np.sum(problem.confidences, dtype=np.float64))


def _negatives_seed(random_state: Any) -> int:
    """A seed for the implied noes, apart from the streams that the factors are drawn from."""
    if isinstance(random_state, np.random.Generator):
        rng = random_state
    elif random_state is None:
        rng = np.random.default_rng()
    else:
        rng = np.random.default_rng([0x6E6F6573, int(random_state)])
    return int(rng.integers(0, 2**53))
