"""Held-out interactions, measured during a fit on the same semantics as recommend and predict."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ridgeback.data.csr import Csr
from ridgeback.data.given import as_interactions
from ridgeback.data.ids import Ids
from ridgeback.data.interactions import Interactions
from ridgeback.errors import DataError, ParameterError
from ridgeback.metrics import names
from ridgeback.metrics.ranking import contains, ranking_metric
from ridgeback.metrics.rating import log_loss, mae, rmse
from ridgeback.models.row_solver import Side
from ridgeback.recommend.scoring import Scoring
from ridgeback.recommend.top_k import best_items, scores_of

if TYPE_CHECKING:
    from ridgeback.models.bayesian import BayesianALS
    from ridgeback.models.factor_model import FactorModel

_LINK_OF_RATING_METRIC = {"rmse": "rating", "mae": "rating", "log_loss": "probability"}


def check_metric(model: FactorModel | BayesianALS, metric: str) -> None:
    """Refuse what cannot be measured during a fit of the model.

    Raises
    ------
    ParameterError
    """
    name, _ = names.parse(metric)
    if name in names.REPORTED_ONLY:
        raise ParameterError(
            f"The 'metric' parameter of fit cannot be {metric!r}, which rb.evaluate alone measures. "
            "Use a metric such as 'ndcg@10' or 'rmse'."
        )
    link = _LINK_OF_RATING_METRIC.get(name)
    if link is not None and link != model.link:
        raise ParameterError(
            f"The 'metric' parameter of fit must suit {type(model).__name__}, which predicts a {model.link}. "
            f"Got {metric!r} instead; use a ranking metric such as 'ndcg@10'."
        )


@dataclass(frozen=True)
class Validation:
    """Measures one metric on held-out pairs of known users and items.

    Attributes
    ----------
    users : int64 array, shape (n,)
        Rows, in training, of the users who are measured.
    pairs : Csr, shape (n, n_items)
        Their held-out pairs, values kept.
    seen : Csr, shape (n, n_items)
        What they had in training: never recommended.
    eligible : int32 array
        Items that somebody has.
    """

    model: FactorModel | BayesianALS
    metric: str
    users: npt.NDArray[np.int64]
    pairs: Csr
    seen: Csr
    eligible: npt.NDArray[np.int32]
    item_counts: npt.NDArray[np.int64]
    n_users: int

    @classmethod
    def of(cls, model: FactorModel | BayesianALS, train: Interactions, validation: Any, metric: str) -> Validation:
        """Match the validation data to the training data by id; what counts is what `evaluate` judges.

        Pairs whose user or item has no row in training are left out.

        Raises
        ------
        ParameterError
            When there is no such metric, or it does not apply to the model.
        DataError
            When no held-out pair has a known user and item.
        """
        check_metric(model, metric)
        k = names.parse(metric)[1]
        held_out = as_interactions(validation)
        rows = _matched(train.user_ids, held_out.user_ids)[held_out.user_items.row_of_entry()]
        columns = _matched(train.item_ids, held_out.item_ids)[held_out.user_items.indices]
        values = held_out.user_items.values()
        counts = (rows >= 0) & (columns >= 0)
        if held_out.weights is not None:
            counts &= held_out.weights > 0
        if k is not None:  # relevant, to users whom training saw, and not had before
            counts &= (values > 0) & (train.user_items.counts()[rows] > 0)
            counts[counts] = ~contains(train.user_items, rows[counts], columns[counts])
        if not counts.any():
            raise DataError(
                f"validation has no pair to measure {metric} on among its {held_out.nnz} pairs: it needs users and "
                "items of the training data" + ("" if k is None else ", in pairs that training does not have") + ". "
                "Split one table with rb.split, or check that ids are spelt alike."
            )
        users, own_rows = np.unique(rows[counts], return_inverse=True)
        pairs = Csr.from_pairs(own_rows, columns[counts], values[counts], (len(users), train.n_items))
        item_counts = train.user_items.column_counts()
        return cls(
            model,
            metric,
            users.astype(np.int64),
            pairs,
            train.user_items.take(users),
            np.flatnonzero(item_counts > 0).astype(np.int32),
            item_counts,
            int(np.count_nonzero(train.user_items.counts())),
        )

    def measure(self, users: Side, items: Side, cancel: npt.NDArray[np.uint8]) -> float:
        """The metric of these factors.

        Raises
        ------
        KeyboardInterrupt
            When `cancel` became non-zero.
        """
        name, k = names.parse(self.metric)
        own = users.take(self.users)
        n_threads = self.model.parameters_["n_threads"]
        scoring = Scoring(own.factors, items.factors, own.biases, items.biases, self.model.mean_)
        if k is not None:
            found = best_items(
                replace(scoring, neighbors=self.model._neighbors_at(users, items, self.seen)),
                k=k,
                items=self.eligible,
                exclude=self.seen,
                n_threads=n_threads,
                cancel=cancel,
            )
            return ranking_metric(
                self.metric, found.items, found.counts, self.pairs, item_counts=self.item_counts, n_users=self.n_users
            )
        users_of, items_of = self.pairs.row_of_entry(), self.pairs.indices
        scores = scores_of(scoring, users_of, items_of, n_threads=n_threads, cancel=cancel)
        predicted = self.model._on_data_scale(scores, clip=True)
        if name == "log_loss":
            return log_loss(self.pairs.values() > 0, predicted)
        return (rmse if name == "rmse" else mae)(self.pairs.values(), predicted)

    def is_better(self, value: float, than: float) -> bool:
        """Whether one value of the metric is better than another."""
        return value > than if names.is_higher_better(self.metric) else value < than


def _matched(train: Ids, other: Ids) -> npt.NDArray[np.int32]:
    """Row in `train` of each id of `other`, -1 where unknown."""
    if other is train:
        return np.arange(len(train), dtype=np.int32)
    return train.match(other)
