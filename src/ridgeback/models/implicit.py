"""Implicit ALS: what was met is wanted, everything else a little less; Hu et al. 2008 and Rendle et al. 2022."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from ridgeback.data.interactions import Interactions
from ridgeback.errors import ParameterError
from ridgeback.models import checks, directions, neighborhood
from ridgeback.models.acceleration import Acceleration
from ridgeback.models.alternation import SideName
from ridgeback.models.defaults import NEIGHBOR_WEIGHT, DataShape, hu_regularization, ials_regularization, resolve
from ridgeback.models.explaining import Shares
from ridgeback.models.frequencies import frequency_scales, mean_weight
from ridgeback.models.least_squares import LeastSquaresModel
from ridgeback.models.neighborhood import Neighborhood
from ridgeback.models.row_solver import Side
from ridgeback.models.training import ListedPairs, refuse_nothing, training_interactions
from ridgeback.solvers.problem import Float32Array, Float64Array, RowProblem
from ridgeback.solvers.starting_values import starting_values

if TYPE_CHECKING:
    from ridgeback.data.csr import Csr
    from ridgeback.recommend.neighbor_term import NeighborTerm


class ImplicitALS(LeastSquaresModel):
    """Implicit alternating least squares.

    With confidence c and score s = x_u . y_i, ``loss="ials"`` minimises (Rendle et al. 2022)::

        sum_observed w (1 - s)^2  +  unobserved_weight * sum_all s^2  +  sum_rows ridge_row |x_row|^2

    and ``loss="hu"`` (Hu, Koren, Volinsky 2008), with ``c = 1 + alpha r`` and preference 1 for what was met::

        sum_all c (p - s)^2  +  sum_rows ridge_row |x_row|^2

    Observed pairs are in both sums of "ials". There is no factor 1/2. ``w = f * confidence`` with
    ``f = n_u^-a n_i^-b`` rescaled to mean 1 over the interactions (`weight_exponents` a, b), and
    ``ridge_row = regularization * frequency ** frequency_exponent``.

    Parameters
    ----------
    n_factors : int, default=64
        Numbers that describe a user or an item.
    loss : {"ials", "hu"}, default="ials"
        Weight the zeros by a number of their own (Rendle et al.), or count them as 1 (Hu et al.).
    regularization : float, optional
        None: the measured default, as for every None here (`parameters_` shows what the fit used): the one that keeps
        out most of what chance alone makes, a function of the data's shape (`docs/weights.md`).
    unobserved_weight : float, optional
        Weight of all pairs in "ials"; None is ``0.7 * sqrt(density)``. An error with "hu".
    alpha : float, optional
        In "hu" the slope of the confidence ``1 + alpha r``; None is ``1 / (0.7 * sqrt(density) * median r)``. In "ials"
        None means confidence 1, a number ``alpha r``.
    frequency_exponent : float, optional
        0 is the plain ridge, 1 scales it with the row's frequency (Zhou et al. 2008).
    frequency_counts : {"all", "observed"}, default="all"
        In "ials" whether the frequency is ``count + unobserved_weight * n_columns`` (Rendle) or the count (Spark).
        "hu" always counts neighbours.
    weight_exponents : (float, float), optional
        Exponents (user, item) of the activity that weights shrink with; larger ones keep popular items from drowning
        the rest.
    n_neighbors : int, default=0
        Above 0 adds to each score what the items of the user's history say of their neighbours: items that the same
        users have, so many of them an item (200 is plenty). See `docs/neighbours.md`.
    neighbor_weight : float, optional
        Weight of that term: at 1 it spreads the scores of a user as much as the factors do. Given with n_neighbors=0 it
        is an error.
    non_negative : bool, default=False
        Factors >= 0.
    n_iterations : int, default=16
        Times that both sides are solved.
    solver : {"auto", "exact", "cg"}, default="auto"
        "auto" is conjugate gradient in the Gramian's eigenbasis; the final user half-step is exact always.
    n_cg_steps : int or "auto", default="auto"
        Conjugate-gradient steps a row and half-step. "auto" takes as many as pay: after its first step a row stops
        where the next promises to take less off the loss, for each of its neighbours, than .01 of what a whole
        half-step took the last time.
    acceleration : {"nesterov"}, optional
        Go on past where an iteration left the items, by a growing share of their last step, and take that back where
        the loss would rise. Far fewer iterations to the same loss on data that converge slowly, for a spare copy of
        both sides' factors.
    init : {"normal", "standard_normal", "uniform"}, (user_factors, item_factors), or a fitted model
        Drawn with standard deviation ``init_scale / sqrt(n_factors)`` ("normal"), with 1, or uniformly from
        ``[0, init_scale / sqrt(n_factors))``; or as declared; or matched by id from a model.
    init_scale : float, default=0.1
        How far from zero the factors start.
    orientation : {"auto", "principal", "start"}, default="auto"
        The axes of the fitted factors: principal ones, except where non-negative or declared factors give the axes a
        meaning.
    tolerance : float, optional
        Stop when an iteration lowers the loss by less than this share.
    random_state : int, Generator or None, default=0
        Seed of the start.
    n_threads : int, optional
        None: the CPUs this process may use.

    Notes
    -----
    A half-step costs O(nnz k) a conjugate-gradient step, or O(nnz k^2 + n k^3) exactly. An explicit zero means "no
    interaction" and is left out; negative values are refused.

    References
    ----------
    Y. Hu, Y. Koren, C. Volinsky, "Collaborative filtering for implicit feedback datasets", ICDM 2008.
    S. Rendle, W. Krichene, L. Zhang, Y. Koren, "Revisiting the performance of iALS", RecSys 2022.

    Examples
    --------
    >>> import ridgeback as rb
    >>> data = rb.Interactions.from_arrays(["ann", "ann", "bob", "cid"], ["tea", "milk", "tea", "milk"])
    >>> model = rb.ImplicitALS(n_factors=2, n_iterations=3).fit(data)
    >>> model.recommend("bob", k=1)[0].item
    'milk'
    """

    link = "preference"
    family = "implicit"

    def __init__(
        self,
        n_factors: int = 64,
        loss: Literal["ials", "hu"] = "ials",
        regularization: float | None = None,
        unobserved_weight: float | None = None,
        alpha: float | None = None,
        frequency_exponent: float | None = None,
        frequency_counts: Literal["all", "observed"] = "all",
        weight_exponents: tuple[float, float] | None = None,
        n_neighbors: int = 0,
        neighbor_weight: float | None = None,
        non_negative: bool = False,
        n_iterations: int = 16,
        solver: Literal["auto", "exact", "cg"] = "auto",
        n_cg_steps: int | Literal["auto"] = "auto",
        acceleration: Acceleration | None = None,
        init: Any = "normal",
        init_scale: float = 0.1,
        orientation: Literal["auto", "principal", "start"] = "auto",
        tolerance: float | None = None,
        random_state: Any = 0,
        n_threads: int | None = None,
    ) -> None:
        self.n_factors = n_factors
        self.loss = loss
        self.regularization = regularization
        self.unobserved_weight = unobserved_weight
        self.alpha = alpha
        self.frequency_exponent = frequency_exponent
        self.frequency_counts = frequency_counts
        self.weight_exponents = weight_exponents
        self.n_neighbors = n_neighbors
        self.neighbor_weight = neighbor_weight
        self.non_negative = non_negative
        self.n_iterations = n_iterations
        self.solver = solver
        self.n_cg_steps = n_cg_steps
        self.acceleration = acceleration
        self.init = init
        self.init_scale = init_scale
        self.orientation = orientation
        self.tolerance = tolerance
        self.random_state = random_state
        self.n_threads = n_threads

    def _training_data(self, data: Any, name: str = "data") -> Interactions:
        return training_interactions(data, "ImplicitALS", drops_zeros=True, refuses_negatives=True, name=name)

    def _resolve(self, shape: DataShape) -> dict[str, Any]:
        owner = "ImplicitALS"
        loss = checks.check_choice(owner, "loss", self.loss, ("ials", "hu"))
        if loss == "hu" and self.unobserved_weight is not None:
            raise ParameterError(
                "The 'unobserved_weight' parameter of ImplicitALS must be None with loss='hu', where every unobserved "
                f"pair has confidence 1. Got {self.unobserved_weight!r} instead; use loss='ials'."
            )
        parameters = resolve(loss, self._common_parameters(), shape)
        parameters["n_neighbors"] = checks.check_count(owner, "n_neighbors", self.n_neighbors)
        parameters["neighbor_weight"] = self._resolved_neighbor_weight(parameters["n_neighbors"])
        names = ("frequency_exponent", *(("unobserved_weight",) if loss == "ials" else ()))
        for name in names:
            parameters[name] = checks.check_number(owner, name, parameters[name])
        if parameters["alpha"] is not None:
            parameters["alpha"] = checks.check_number(owner, "alpha", parameters["alpha"], is_open=True)
        counts = checks.check_choice(owner, "frequency_counts", self.frequency_counts, ("all", "observed"))
        if parameters["regularization"] is None and loss == "hu":
            parameters["regularization"] = hu_regularization(
                shape, parameters["alpha"], parameters["frequency_exponent"]
            )
        elif parameters["regularization"] is None:
            parameters["regularization"] = ials_regularization(
                shape,
                parameters["unobserved_weight"],
                parameters["frequency_exponent"],
                counts_all=counts == "all",
            )
        parameters["regularization"] = checks.check_number(owner, "regularization", parameters["regularization"])
        if self.acceleration is not None:
            checks.check_choice(owner, "acceleration", self.acceleration, ("nesterov",))
            if self.non_negative:
                raise ParameterError(
                    "The 'acceleration' parameter of ImplicitALS must be None with non_negative=True: longer steps "
                    f"would make factors negative. Got {self.acceleration!r} instead."
                )
        parameters["weight_exponents"] = _checked_exponents(parameters["weight_exponents"])
        parameters.update(self._resolve_solver(automatic="cg"))
        return parameters

    def _resolved_neighbor_weight(self, n_neighbors: int) -> float | None:
        if n_neighbors:
            weight = NEIGHBOR_WEIGHT if self.neighbor_weight is None else self.neighbor_weight
            return checks.check_number("ImplicitALS", "neighbor_weight", weight)
        if self.neighbor_weight is not None:
            raise ParameterError(
                "The 'neighbor_weight' parameter of ImplicitALS must be None with n_neighbors=0, where there is no "
                f"neighbourhood term to weigh. Got {self.neighbor_weight!r} instead; pass n_neighbors=200 as well."
            )
        return None

    def _prepare(self, data: Interactions, cancel: npt.NDArray[np.uint8]) -> None:
        p = self.parameters_
        if p["n_neighbors"]:
            self._neighborhood = neighborhood.build(data.user_items, p["n_neighbors"], p["n_threads"], cancel)

    def _complete(self) -> None:
        if self._neighborhood is not None:
            self._neighborhood = self._scaled_neighborhood(self.user_factors_, self.item_factors_)

    def _advice_near_zero(self, problems: dict[SideName, RowProblem]) -> str:
        p = self.parameters_
        if p["regularization"] == 0 or p["n_iterations"] == 0:
            return super()._advice_near_zero(problems)
        return directions.advice_near_zero(
            problems["users"], problems["items"], p["regularization"], p["n_factors"], p["n_threads"]
        )

    def starting_values(self, data: Any, n: int | None = None) -> Float64Array:
        """The singular values by which factors leave zero on this data: those at most 1 cannot, whatever the start.

        Parameters
        ----------
        data : Interactions, or a CSR matrix of shape (n_users, n_items)
            Nothing is fitted to it.
        n : int, optional
            How many; None: n_factors.

        Returns
        -------
        float64 array, descending
            Fewer than `n` where there are fewer users or items. They are proportional to 1 / regularization, and well
            below the number above 1 survive in the end.

        Raises
        ------
        DataError, ParameterError
            What `fit` would refuse.

        Notes
        -----
        Subspace iteration: about the time of 17 half-steps by one conjugate-gradient step.
        """
        interactions = self._training_data(data)
        refuse_nothing(interactions, data, "ImplicitALS")
        probe = self.clone()
        probe.parameters_ = probe._resolve(DataShape.of(interactions))
        probe._fit_user_counts = interactions.user_items.counts()
        probe._fit_item_counts = interactions.user_items.column_counts()
        probe._freeze(interactions)
        p = probe.parameters_
        if p["regularization"] == 0:
            raise ParameterError(
                "The 'regularization' parameter of ImplicitALS must be above 0 for starting_values: without it every "
                "direction leaves zero. Got 0."
            )
        by_user = ListedPairs(interactions.user_items, interactions.weights)
        problems = probe._row_problem("users", by_user), probe._row_problem("items", by_user.transpose())
        wanted = p["n_factors"] if n is None else checks.check_count("starting_values", "n", n, low=1)
        return starting_values(*problems, wanted, p["n_threads"])

    def _neighbors_at(self, users: Side, items: Side, histories: Csr) -> NeighborTerm | None:
        scaled = self._scaled_neighborhood(users.factors, items.factors)
        return None if scaled is None else scaled.term(histories)

    def _scaled_neighborhood(self, users: Float32Array, items: Float32Array) -> Neighborhood | None:
        if self._neighborhood is None or self._seen is None:
            return None
        p = self.parameters_
        return self._neighborhood.scaled(p["neighbor_weight"], users, items, self._seen, p["n_threads"])

    def _shares(self, history: ListedPairs, item_row: int) -> Shares:
        shares = super()._shares(history, item_row)
        if self._neighborhood is None or history.rows.nnz == 0:
            return shares
        added = self._neighborhood.shares(history.rows.indices, item_row)
        return Shares(shares.score + float(added.sum()), shares.contributions + added, shares.rest)

    def _freeze(self, data: Interactions) -> None:
        super()._freeze(data)
        exponents = self.parameters_["weight_exponents"]
        self._weight_scale = mean_weight(data.user_items, self._fit_user_counts, self._fit_item_counts, exponents)

    def _row_problem(self, side: SideName, pairs: ListedPairs) -> RowProblem:
        p = self.parameters_
        own, other = (0, 1) if side == "users" else (1, 0)
        exponents = p["weight_exponents"]
        counts = pairs.rows.counts()
        is_hu = p["loss"] == "hu"
        unobserved_weight = 1.0 if is_hu else p["unobserved_weight"]

        counts_all = not is_hu and p["frequency_counts"] == "all"
        frequency = counts + (unobserved_weight * pairs.rows.n_columns if counts_all else 0.0)
        ridges = p["regularization"] * frequency ** p["frequency_exponent"]

        confidences: Float32Array | None = None
        slope = 1.0
        if p["alpha"] is not None:
            slope, confidences = p["alpha"], pairs.rows.data
        if pairs.weights is not None:
            confidences = pairs.weights if confidences is None else confidences * pairs.weights
        row_scales = None
        if exponents != (0.0, 0.0):
            row_scales = slope * frequency_scales(counts, exponents[own]) / self._weight_scale
        elif slope != 1.0:
            row_scales = np.full(len(counts), slope)
        return RowProblem(
            rows=pairs.rows,
            ridges=ridges,
            pull="one_plus_weight" if is_hu else "weight",
            confidences=confidences,
            row_scales=row_scales,
            column_scales=self._column_scales(side, exponents[other]) if exponents[other] else None,
            unobserved_weight=unobserved_weight,
        )

    def _column_scales(self, side: SideName, exponent: float) -> Float64Array:
        """Frequency scales of the other side's rows; those of the items are kept for new users."""
        if side == "items":
            return frequency_scales(self._fit_user_counts, exponent)
        kept = self.__dict__.get("_kept_item_scales")
        if kept is None or kept[0] is not self._fit_item_counts:
            scales = frequency_scales(self._fit_item_counts, exponent)
            kept = self._kept_item_scales = (self._fit_item_counts, scales)
        return kept[1]


def _checked_exponents(exponents: Any) -> tuple[float, float]:
    if not isinstance(exponents, (tuple, list)) or len(exponents) != 2:
        raise checks.fail("ImplicitALS", "weight_exponents", "two numbers (user, item)", exponents)
    user, item = (checks.check_number("ImplicitALS", "weight_exponents", value) for value in exponents)
    return user, item
