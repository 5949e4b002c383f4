"""The two simple models that every report compares with."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NoReturn, TypeVar

import numpy as np
import numpy.typing as npt

from ridgeback.data.interactions import Interactions
from ridgeback.errors import ParameterError, UnsupportedError
from ridgeback.models import checks
from ridgeback.models.defaults import DataShape, resolve
from ridgeback.models.recommender import Recommender
from ridgeback.models.training import refuse_nothing, training_interactions

Baseline = TypeVar("Baseline", bound="_Baseline")

_MAX_SWEEPS = 200
_TOLERANCE = 1e-7  # the largest change of a bias in a sweep at which the alternation ends


def _refused(method: str, reason: str) -> Callable[..., NoReturn]:
    """A method that a baseline does not have, and why."""

    def refuse(self: Recommender, *arguments: Any, **keywords: Any) -> NoReturn:
        raise UnsupportedError(f"{type(self).__name__} has no {method}: {reason}.")

    refuse.__name__ = method
    refuse.__doc__ = f"Refused: {reason}."
    return refuse


_NO_FACTORS = "it has no factors that a history could give; use ImplicitALS, ExplicitALS or LogisticMF"
_COUNTS_ANEW = "a baseline is counted in no time; call fit on all the data"


class _Baseline(Recommender):
    """A model without factors: its scores are the mean and biases."""

    fold_in = _refused("fold_in", _NO_FACTORS)
    fold_in_many = _refused("fold_in_many", _NO_FACTORS)
    fold_in_item = _refused("fold_in_item", _NO_FACTORS)
    explain = _refused(
        "explain",
        "its scores are averages, not sums over a user's own history; use ImplicitALS, ExplicitALS or LogisticMF",
    )
    partial_fit = _refused("partial_fit", _COUNTS_ANEW)
    forget = _refused("forget", "a baseline is counted in no time; call fit on the data without the user")

    def fit(
        self: Baseline,
        data: Any,
        validation: Any = None,
        metric: str | None = None,
        patience: int | None = None,
        trace: Any = None,
        callbacks: Iterable[Callable[[Any, Any], Any]] = (),
        progress: bool = False,
    ) -> Baseline:
        """Count, in one step; takes the arguments of every model's fit.

        Parameters
        ----------
        data : Interactions, or a CSR matrix whose rows are users
        validation, metric, patience, callbacks, progress
            Accepted and without effect: there is no iteration to measure, to report or to stop.
        trace : None
            Traces are not part of this version.

        Returns
        -------
        self

        Raises
        ------
        DataError
            If there is nothing to count, or a value is NaN or infinite.
        ParameterError
            If a parameter cannot be used, or a callback cannot be called.
        """
        if trace is not None:
            raise UnsupportedError("fit(trace=) is not part of this version; a baseline has no steps to trace either.")
        checks.check_callbacks(type(self).__name__, callbacks)
        self._count(_usable(data, type(self).__name__))
        return self

    def _count(self, interactions: Interactions) -> None:
        """Set everything that is learned."""
        raise NotImplementedError

    def _set(self, interactions: Interactions) -> None:
        """Set what both have in common: the data remembered, factors of no columns, no biases."""
        self._remember(interactions)
        self.__dict__.pop("calibration_", None)
        self.user_factors_ = np.zeros((interactions.n_users, 0), dtype=np.float32)
        self.item_factors_ = np.zeros((interactions.n_items, 0), dtype=np.float32)
        self.user_biases_ = None
        self.item_biases_ = None
        self.mean_ = 0.0


class Popularity(_Baseline):
    """Recommends to everyone what most users have.

    The score is the share of users who have the item: ``count_i / n_users``.

    Examples
    --------
    >>> import ridgeback as rb
    >>> data = rb.Interactions.from_arrays(["ann", "bob", "bob"], ["tea", "tea", "milk"])
    >>> model = rb.Popularity().fit(data)
    >>> model.score("ann", "milk")
    0.5
    """

    link = "preference"
    family = "popularity"

    def __init__(self) -> None:
        pass

    def _count(self, interactions: Interactions) -> None:
        self._set(interactions)
        self.item_biases_ = self._popularity()
        self.parameters_ = {}


class BiasBaseline(_Baseline):
    """Predicts a rating from the mean, the user's bias and the item's bias.

    ::

        minimise  sum w (r - mean - b_u - b_i)^2  +  regularization * (sum b_u^2 + sum b_i^2)

    with the weighted mean of the ratings fixed, one user sweep and one item sweep after the other until nothing moves.

    Parameters
    ----------
    regularization : float, >= 0, optional
        How strongly biases are drawn to 0, in units of ratings: a user with this many ratings keeps half of their
        deviation. None: 3.

    References
    ----------
    Koren, Y. (2010). Factor in the neighbors: scalable and accurate collaborative filtering. TKDD 4(1), section 2.1.

    Examples
    --------
    >>> import ridgeback as rb
    >>> data = rb.Interactions.from_arrays([1, 1, 2], [10, 20, 10], ratings=[5, 3, 4])
    >>> model = rb.BiasBaseline(regularization=1.0).fit(data)
    >>> model.mean_, round(model.predict(2, 20), 3)
    (4.0, 3.286)
    """

    link = "rating"
    family = "bias"

    def __init__(self, regularization: float | None = None) -> None:
        self.regularization = regularization

    def _count(self, interactions: Interactions) -> None:
        parameters = resolve("bias", self.get_params(), DataShape(*interactions.shape, interactions.nnz))
        regularization = parameters["regularization"]
        if isinstance(regularization, (bool, str)) or not np.isfinite(regularization) or regularization < 0:
            raise ParameterError(
                "The parameter 'regularization' of BiasBaseline must be a finite number >= 0, or None for the default. "
                f"Got {regularization!r} instead."
            )
        self._set(interactions)
        user_items = interactions.user_items
        ratings = user_items.values().astype(np.float64)
        weights = None if interactions.weights is None else interactions.weights.astype(np.float64)
        self.mean_ = float(np.average(ratings, weights=weights))
        users, items = user_items.row_of_entry(), user_items.indices
        user_biases, item_biases = _joint_biases(
            users, items, ratings - self.mean_, weights, interactions.shape, float(regularization)
        )
        self.user_biases_, self.item_biases_ = user_biases.astype(np.float32), item_biases.astype(np.float32)
        self._rating_range = (float(ratings.min()), float(ratings.max()))
        self.parameters_ = parameters


def _joint_biases(
    users: npt.NDArray[np.int32],
    items: npt.NDArray[np.int32],
    targets: npt.NDArray[np.float64],
    weights: npt.NDArray[np.float64] | None,
    shape: tuple[int, int],
    regularization: float,
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Ridge biases of both sides, alternated until the largest change is below the tolerance."""
    n_users, n_items = shape
    user_weights = np.bincount(users, weights, n_users).astype(np.float64) + regularization
    item_weights = np.bincount(items, weights, n_items).astype(np.float64) + regularization
    pulls = targets if weights is None else weights * targets
    user_pulls, item_pulls = np.bincount(users, pulls, n_users), np.bincount(items, pulls, n_items)
    user_biases, item_biases = np.zeros(n_users), np.zeros(n_items)
    for _ in range(_MAX_SWEEPS):
        others = item_biases[items] if weights is None else weights * item_biases[items]
        new = _ratio(user_pulls - np.bincount(users, others, n_users), user_weights)
        change = float(np.abs(new - user_biases).max(initial=0))
        user_biases = new
        others = user_biases[users] if weights is None else weights * user_biases[users]
        new = _ratio(item_pulls - np.bincount(items, others, n_items), item_weights)
        change = max(change, float(np.abs(new - item_biases).max(initial=0)))
        item_biases = new
        if change < _TOLERANCE:
            break
    return user_biases, item_biases


def _ratio(pulls: npt.NDArray[Any], weights: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """pulls / weights, 0 where there is no weight: a row without ratings has no bias."""
    ratio = np.zeros_like(weights)
    np.divide(pulls, weights, out=ratio, where=weights > 0)
    return ratio


def _usable(data: Any, model_name: str) -> Interactions:
    """The interactions that count, at least one."""
    interactions = training_interactions(data, model_name, drops_zeros=False, refuses_negatives=False)
    refuse_nothing(interactions, data, model_name)
    return interactions
