"""Bayesian ALS: ratings, predicted by the mean over a chain of samples, with intervals."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable
from typing import Any, NoReturn

import numpy as np

from ridgeback.cpus import available_cpus
from ridgeback.data.ids import Ids
from ridgeback.data.interactions import Interactions
from ridgeback.errors import ParameterError, UnsupportedError
from ridgeback.models import checks, initialization, posterior_folding
from ridgeback.models.alternation import SideName
from ridgeback.models.attributes import attribute_tables
from ridgeback.models.defaults import DataShape
from ridgeback.models.folding import FoldedItem
from ridgeback.models.intervals import PredictionInterval
from ridgeback.models.posterior_folding import SampledUser
from ridgeback.models.posterior_intervals import intervals_of_pairs
from ridgeback.models.recommender import Recommender
from ridgeback.models.samples import Samples
from ridgeback.models.sampling import Plan, Sampler
from ridgeback.models.training import refuse_nothing, training_interactions
from ridgeback.models.validation import Validation
from ridgeback.recommend.id_rows import rows_of
from ridgeback.solvers.shared_vectors import SharedTable


class BayesianALS(Recommender):
    """Bayesian matrix factorisation of ratings: rows drawn from the normal equations of alternating least squares.

    ::

        rating ~ N(mean + b_u + b_i + x_u . y_i, 1 / (beta w_u w_i))
        [x_u, b_u] ~ N(mu + s_u, Lambda^-1),   s_u = sum of shared vectors: of the user's items, of their attributes

    and alike for items. Everything, hyperparameters too, is drawn again in each of ``n_burn_in + n_samples * thinning``
    sweeps; predictions are means over all sweeps behind the burn-in. There is no regularization to tune.

    Parameters
    ----------
    n_factors : int, default=20
    n_samples : int, default=40
        Samples kept, from which intervals and new users come.
    n_burn_in : int, default=40
        Sweeps at the start that count for nothing.
    thinning : int, default=4
        Of so many sweeps behind them one is kept as a sample; the mean is over all of them.
    user_sets : bool, default=False
        The items that a user rated say something of the user: a vector an item, added up over the square root of their
        number.
    item_sets : bool, default=False
        The same for the users who rated an item.
    user_attributes, item_attributes : mapping id -> values, frame, or path of a CSV file, optional
        Values are numbers or categories; of a frame or file the first column holds the ids.
    row_noise : bool, default=True
        Users and items differ in how far ratings lie from their predictions. False: one precision for all.
    random_state : int, Generator or None, default=0
    n_threads : int, optional
        None: the CPUs this process may use. Any number gives the same bits.

    Attributes
    ----------
    user_factors_, item_factors_ : float32 arrays, shape (n, w), w <= 4 * n_factors
        Of the posterior mean of ``x_u . y_i``, which is of a higher rank than any sample; in principal axes.
    user_biases_, item_biases_ : float32 arrays
        Posterior means.
    history_ : list of dict
        One record a sweep, side "sweep": ``loss`` is sum w (rating - score)^2 of this one draw, ``validation`` the
        metric of the mean so far, ``noise`` the standard deviation of a usual rating around its score.
    n_iterations_ : int
        Sweeps that ran.
    stopped_by_ : {"n_iterations", "early_stopping", "callback", "interrupted"}

    Notes
    -----
    A sweep costs O(nnz k^2 + n k^3) time, with sets or attributes some nnz k more for the steps of conjugate gradient.
    Kept samples take ``4 n_samples (k + 1)`` bytes a row, as much again with sets; a sweep with sets or attributes
    ``4 (k + 1)^2`` a row of one side. Noise is counter-based, keyed by (seed, sweep, side, row).

    References
    ----------
    Salakhutdinov, R. and Mnih, A. (2008). Bayesian probabilistic matrix factorization using Markov chain Monte Carlo.
    ICML. Rendle, S., Zhang, L. and Koren, Y. (2019). On the difficulty of evaluating baselines. Rendle, S. (2013).
    Scaling factorization machines to relational data. VLDB. Lakshminarayanan, B., Bouchard, G. and Archambeau, C.
    (2011). Robust Bayesian matrix factorisation. AISTATS.

    Examples
    --------
    >>> import ridgeback as rb
    >>> data = rb.Interactions.from_arrays(["ann", "ann", "bob"], ["tea", "milk", "tea"], ratings=[5, 1, 4])
    >>> model = rb.BayesianALS(n_factors=2).fit(data)
    >>> model.predict("bob", "milk") < model.predict("bob", "tea")
    True
    >>> interval = model.predict_interval("bob", "milk", level=0.9)
    >>> interval.low <= interval.mean <= interval.high
    True
    """

    link = "rating"
    family = "bayesian"
    default_metric = "rmse"

    history_: list[dict[str, Any]]
    n_iterations_: int
    stopped_by_: str
    _samples: Samples
    _weight_scale: float

    def __init__(
        self,
        n_factors: int = 20,
        n_samples: int = 40,
        n_burn_in: int = 40,
        thinning: int = 4,
        user_sets: bool = False,
        item_sets: bool = False,
        user_attributes: Any = None,
        item_attributes: Any = None,
        row_noise: bool = True,
        random_state: Any = 0,
        n_threads: int | None = None,
    ) -> None:
        self.n_factors = n_factors
        self.n_samples = n_samples
        self.n_burn_in = n_burn_in
        self.thinning = thinning
        self.user_sets = user_sets
        self.item_sets = item_sets
        self.user_attributes = user_attributes
        self.item_attributes = item_attributes
        self.row_noise = row_noise
        self.random_state = random_state
        self.n_threads = n_threads

    def fit(
        self,
        data: Any,
        validation: Any = None,
        metric: str | None = None,
        patience: int | None = None,
        trace: Any = None,
        callbacks: Iterable[Callable[[Any, dict[str, Any]], Any]] = (),
        progress: bool = False,
    ) -> BayesianALS:
        """Run the chain; see `ridgeback.models.gibbs` for a sweep.

        Parameters
        ----------
        data : Interactions, or a CSR matrix of shape (n_users, n_items)
        validation : Interactions, optional
            Held-out pairs on which the mean so far is measured after every sweep.
        metric : str, optional
            "rmse" by default, "mae", or a ranking metric such as "ndcg@10".
        patience : int, optional
            Stop after this many sweeps behind the burn-in without a better value.
        trace : None
            Refused: a chain has no half-steps that lower a loss.
        callbacks : iterable of callables
            Each is called as ``callback(model, record)`` after every sweep; a true return value ends the fit.
        progress : bool, default=False
            Show progress on standard error.

        Returns
        -------
        self

        Raises
        ------
        DataError
            When data or attributes cannot be learned from, before any work is done.
        ParameterError
            When a parameter cannot be used.
        KeyboardInterrupt
            After ctrl-C; the model is fitted and usable, with the samples that were drawn by then.
        """
        if trace is not None:
            raise UnsupportedError(
                "BayesianALS has no trace: a chain draws rows at random, with no loss that falls from step to step. "
                "Use ExplicitALS, or read history_."
            )
        interactions = self._training_data(data)
        refuse_nothing(interactions, data, "BayesianALS")
        parameters = self._resolve(DataShape(interactions.n_users, interactions.n_items, interactions.nnz))
        plan = Plan(
            parameters["n_factors"],
            parameters["n_samples"],
            parameters["n_burn_in"],
            parameters["thinning"],
            patience if patience is None else checks.check_count("BayesianALS", "patience", patience, low=1),
        )
        tables: dict[SideName, list[SharedTable]] = {
            "users": self._attribute_tables("user_attributes", interactions.user_ids),
            "items": self._attribute_tables("item_attributes", interactions.item_ids),
        }
        held_out = self._held_out(interactions, validation, metric, patience)
        readers = checks.check_callbacks("BayesianALS", callbacks)
        seed = int(initialization.generators(self.random_state, "BayesianALS")[0].integers(2**63))
        self._forget_fit()
        try:
            self.parameters_ = parameters
            self._remember(interactions)
            values = interactions.user_items.values()
            self._rating_range = (float(values.min()), float(values.max()))
            Sampler(self, interactions, plan, tables, seed).run(held_out, readers, progress)
        except BaseException:
            if "stopped_by_" not in self.__dict__:  # set last: an interrupted fit that has it is usable
                self._forget_fit()
            raise
        if self.stopped_by_ == "interrupted":
            raise KeyboardInterrupt
        return self

    def predict_interval(self, user: Any, item: Any, level: float = 0.9) -> PredictionInterval:
        """Between what a rating lies with the given probability: the noise of a single rating is in it.

        Parameters
        ----------
        user, item : id, or array of ids
            They broadcast as in NumPy.
        level : float, default=0.9
            Above 0 and below 1.

        Returns
        -------
        PredictionInterval
            ``.mean`` is what `predict` gives, ``.low`` and ``.high`` are quantiles of the mixture of all samples'
            normal distributions around it, within the range of the training ratings.
        """
        means = np.asarray(self.score(user, item), dtype=np.float64)
        users = np.broadcast_to(rows_of(self.user_ids_, user, "user"), means.shape).ravel()
        items = np.broadcast_to(rows_of(self.item_ids_, item, "item"), means.shape).ravel()
        weights = self._samples.users.weights
        return intervals_of_pairs(
            self,
            lambda at: self._samples.users.rows[users[at]],
            (lambda at: weights[users[at]]) if weights is not None else None,
            items,
            means.ravel(),
            self._user_counts[users] == 0,
            level,
            means.shape,
        )

    def fold_in(self, items: Any, ratings: Any = None, weights: Any = None) -> SampledUser:
        """A new user: drawn once against every kept sample, and the mean of these draws.

        Parameters
        ----------
        items : ids, or a mapping id -> rating
            Unknown ids are listed in ``.unknown_items``.
        ratings : sequence of float
        weights : sequence of float, optional

        Returns
        -------
        SampledUser

        Notes
        -----
        Approximate: the items' samples stay as the training data left them, and the user's noise is taken for the
        usual one. A training user folded in gets nearly, not exactly, the scores that the fit gave them. Attributes of
        new users are not asked for.
        """
        self._check_fitted()
        return posterior_folding.fold_in(self, items, ratings, weights)

    def fold_in_many(self, histories: Any) -> list[SampledUser]:
        """Fold in many users at once; histories as in `ImplicitALS.fold_in_many`. Each as `fold_in` alone gives."""
        self._check_fitted()
        return posterior_folding.fold_in_many(self, histories)

    def fold_in_item(self, users: Any, ratings: Any = None, weights: Any = None) -> FoldedItem:
        """A new item, drawn once against every kept sample: as `fold_in`.

        Parameters
        ----------
        users : ids, or a mapping id -> rating
        ratings, weights : sequences of float
        """
        self._check_fitted()
        return posterior_folding.fold_in_item(self, users, ratings, weights)

    def explain(self, user: Any, item: Any) -> NoReturn:
        """Refused: a posterior mean is no sum over one history."""
        raise UnsupportedError(
            "BayesianALS has no explain: its scores are means over samples, each with systems of its own, not sums "
            "over a user's history. Use ExplicitALS for reasons, and predict_interval for how sure a prediction is."
        )

    def partial_fit(self, events: Any, refresh_users: bool = False) -> NoReturn:
        """Refused: new events change every sample."""
        raise UnsupportedError(
            "BayesianALS has no partial_fit: new events change the posterior that every kept sample was drawn from. "
            "Call fit on all the data, or fold_in for a new user."
        )

    def forget(self, user: Any) -> BayesianALS:
        """Remove a user: rows in every sample, history and id. Items stay as fitted.

        Raises
        ------
        UnknownIdError
        """
        self._check_fitted()
        from ridgeback.models.updating import without_user

        row = int(rows_of(self.user_ids_, user, "user"))
        changed = copy.copy(self)
        without_user(changed, row)
        changed._samples = self._samples.without_user(row)
        changed.__dict__.pop("_kept_maps", None)
        self.__dict__.pop("_kept_maps", None)
        self.__dict__.update(changed.__dict__)
        return self

    @property
    def n_sweeps(self) -> int:
        """Sweeps that a fit runs."""
        return int(self.n_burn_in) + int(self.n_samples) * int(self.thinning)

    def _training_data(self, data: Any, name: str = "data") -> Interactions:
        return training_interactions(data, "BayesianALS", drops_zeros=False, refuses_negatives=False, name=name)

    def _resolve(self, shape: DataShape) -> dict[str, Any]:
        """Every parameter, checked, as the fit uses it."""
        owner, parameters = "BayesianALS", self.get_params()
        for name, low in (("n_factors", 1), ("n_samples", 1), ("n_burn_in", 0), ("thinning", 1)):
            parameters[name] = checks.check_count(owner, name, getattr(self, name), low=low)
        for name in ("user_sets", "item_sets", "row_noise"):
            parameters[name] = checks.check_flag(owner, name, getattr(self, name))
        parameters["n_threads"] = (
            available_cpus()
            if self.n_threads is None
            else checks.check_count(owner, "n_threads", self.n_threads, low=1)
        )
        for name in ("user_attributes", "item_attributes"):
            parameters[name] = getattr(self, name) is not None
        if isinstance(self.random_state, np.random.Generator):
            parameters["random_state"] = "Generator"
        _check_memory(shape, parameters)
        return parameters

    def _attribute_tables(self, name: str, ids: Ids) -> list[SharedTable]:
        attributes = getattr(self, name)
        return [] if attributes is None else attribute_tables(attributes, ids, name)

    def _held_out(self, data: Interactions, validation: Any, metric: Any, patience: Any) -> Validation | None:
        if validation is None:
            if metric is not None or patience is not None:
                raise ParameterError("fit(metric=, patience=) needs validation=: pass the interactions to measure on.")
            return None
        return Validation.of(self, data, validation, metric or self.default_metric)

    def _forget_fit(self) -> None:
        known = self._parameter_names()
        for name in [name for name in self.__dict__ if name not in known]:
            del self.__dict__[name]


def _check_memory(shape: DataShape, parameters: dict[str, Any]) -> None:
    """Refuse samples that cannot fit into this machine's memory, before anything is allocated."""
    size, n_rows = parameters["n_factors"] + 1, shape.n_users + shape.n_items
    n_sets = 1 + (parameters["user_sets"] or parameters["item_sets"])
    kept = 4 * parameters["n_samples"] * size * n_rows * n_sets
    largest = 4 * size * size * max(shape.n_users, shape.n_items) if n_sets > 1 else 0
    needed, available = kept + largest + 48 * size * n_rows, checks.memory_bytes()
    if available is not None and needed > available:
        raise ParameterError(
            f"The 'n_factors' and 'n_samples' parameters of BayesianALS must leave its samples within memory: "
            f"{parameters['n_samples']} samples of {parameters['n_factors']} factors for {n_rows:,} users and items "
            f"need {needed / 1e9:,.1f} GB, this machine has {available / 1e9:,.1f} GB. Choose fewer of either."
        )
