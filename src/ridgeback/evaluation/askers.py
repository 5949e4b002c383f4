"""Where the vectors of test users come from: the model's training, or a history folded in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ridgeback.data.csr import Csr
from ridgeback.data.ids import Ids
from ridgeback.data.interactions import Interactions
from ridgeback.errors import UnsupportedError
from ridgeback.evaluation.cases import IdPairs, matched
from ridgeback.models.askers import Askers
from ridgeback.models.bayesian import BayesianALS
from ridgeback.models.factor_model import FactorModel
from ridgeback.models.recommender import Recommender
from ridgeback.recommend.lists import Lists

FloatArray = NDArray[np.float32]
Rows = NDArray[np.int64]


@dataclass(frozen=True)
class JudgedAskers(Askers):
    """Some test users as a model sees them.

    Attributes
    ----------
    seen : Csr, shape (n, n_items)
        Items that they do not get again, in the model's rows.
    """

    seen: Csr

    def chosen(self, mask: NDArray[np.bool_]) -> JudgedAskers:
        """Those for whom the mask, shape (n,), is true."""
        if mask.all():
            return self
        places = np.flatnonzero(mask)
        factors, biases, neighbors = self.vectors(places)
        return JudgedAskers(factors, biases, self.seen.take(places), self.is_fallback[mask], neighbors)


class AskerSource(Protocol):
    """Hands out test users, by their rows in the test part."""

    def take(self, users: Rows) -> JudgedAskers:
        """The given test users."""
        ...


class TrainedAskers:
    """Users as the model was trained on them.

    Parameters
    ----------
    model : Recommender
        Fitted.
    seen : IdPairs
        What they had before.
    user_ids : Ids
        The test part's users.
    """

    def __init__(self, model: Recommender, seen: IdPairs, user_ids: Ids) -> None:
        self._model = model
        self._rows = matched(model.user_ids_, user_ids)
        self._seen = seen
        self._seen_rows = matched(seen.user_ids, user_ids)
        self._seen_items = matched(model.item_ids_, seen.item_ids)

    def take(self, users: Rows) -> JudgedAskers:
        """The given test users."""
        model, rows = self._model, self._rows[users]
        is_known = rows >= 0
        return JudgedAskers(
            factors=np.where(is_known[:, None], model.user_factors_[rows], np.float32(0)),
            biases=None if model.user_biases_ is None else np.where(is_known, model.user_biases_[rows], np.float32(0)),
            seen=in_model_rows(self._seen.pairs, self._seen_rows[users], self._seen_items, len(model.item_ids_)),
            is_fallback=~is_known | (model._user_counts[rows] == 0),
            neighbors=model._neighbor_term(np.maximum(rows, 0)),
        )


class FoldedAskers:
    """Users whom the model meets with a history and without having been trained on them.

    Parameters
    ----------
    model : Recommender
        Fitted. A model without factors has nothing to fold in; its users get the bias that their history asks for.
    history : Interactions
    user_ids : Ids
        The test part's users.

    Raises
    ------
    UnsupportedError
        If the model has factors and cannot fold in.
    """

    def __init__(self, model: Recommender, history: Interactions, user_ids: Ids) -> None:
        if not isinstance(model, (FactorModel, BayesianALS)) and model.item_factors_.shape[1]:
            raise UnsupportedError(
                f"{type(model).__name__} cannot fold in new users, so it cannot be judged with a history. "
                "Leave history out, or use ImplicitALS, ExplicitALS or LogisticMF."
            )
        self._model = model
        self._history = history
        self._rows = matched(history.user_ids, user_ids)
        self._seen_items = matched(model.item_ids_, history.item_ids)

    def take(self, users: Rows) -> JudgedAskers:
        """The given test users."""
        model, rows = self._model, self._rows[users]
        n, n_factors = len(users), model.item_factors_.shape[1]
        factors = np.zeros((n, n_factors), dtype=np.float32)
        biases = None if model.user_biases_ is None else np.zeros(n, dtype=np.float32)
        is_fallback = np.ones(n, dtype=bool)
        counted = [np.empty(0, dtype=np.int32)] * n  # what of each history counts, in the model's rows
        places = np.flatnonzero(rows >= 0)
        own = _rows_of(self._history, rows[places])
        if isinstance(model, (FactorModel, BayesianALS)):
            for place, folded in zip(places, model.fold_in_many(own) if own.nnz else [], strict=own.nnz > 0):
                factors[place] = folded.factors
                is_fallback[place] = folded.fallback is not None
                counted[place] = folded.items
                if biases is not None:
                    biases[place] = folded.bias
        else:
            is_fallback[:] = False
            if biases is not None:
                biases[places] = _ridge_biases(model, own, self._seen_items)
        seen = in_model_rows(self._history.user_items, rows, self._seen_items, len(model.item_ids_))
        neighborhood = model._neighborhood
        neighbors = None if neighborhood is None else neighborhood.term(Lists.of(counted))
        return JudgedAskers(factors, biases, seen, is_fallback, neighbors)


def in_model_rows(pairs: Csr, rows: NDArray[np.int32], columns: NDArray[np.int32], n_items: int) -> Csr:
    """Some rows (-1: an empty one) of a matrix, its columns renamed to a model's item rows (-1: left out)."""
    chosen = pairs.with_data(None).take(np.where(rows >= 0, rows, 0)) if pairs.n_rows else None
    if chosen is None:
        return Csr(np.zeros(len(rows) + 1, dtype=np.int64), np.empty(0, dtype=np.int32), None, (len(rows), n_items))
    places, items = chosen.row_of_entry(), columns[chosen.indices]
    kept = (items >= 0) & (rows[places] >= 0)
    return Csr.from_pairs(places[kept], items[kept], None, (len(rows), n_items))


def _ridge_biases(model: Recommender, history: Interactions, items: NDArray[np.int32]) -> FloatArray:
    """``sum w (r - mean - b_i) / (regularization + sum w)`` over the known items of each user, shape (n,)."""
    columns = items[history.user_items.indices]
    kept = columns >= 0
    users = history.user_items.row_of_entry()[kept]
    values = history.user_items.values()[kept].astype(np.float64)
    weights = np.ones(len(values)) if history.weights is None else history.weights[kept].astype(np.float64)
    item_biases = 0.0 if model.item_biases_ is None else model.item_biases_[columns[kept]].astype(np.float64)
    pulls = np.bincount(users, weights * (values - model.mean_ - item_biases), history.n_users)
    ridges = np.bincount(users, weights, history.n_users) + float(model.parameters_.get("regularization", 0.0))
    biases: FloatArray = np.divide(pulls, ridges, out=np.zeros(history.n_users), where=ridges > 0).astype(np.float32)
    return biases


def _rows_of(data: Interactions, rows: NDArray[np.int32]) -> Interactions:
    """Some users of interactions, with their weights."""
    weights = None if data.weights is None else data.user_items.with_data(data.weights).take(rows).data
    return Interactions(
        data.user_items.take(rows),
        data.user_ids.take(rows),
        data.item_ids,
        weights=weights,
        duplicates=data.duplicates,
        has_ratings=data.has_ratings,
    )
