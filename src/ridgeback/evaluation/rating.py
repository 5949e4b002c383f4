"""Predicted values of test pairs, as the model's predict gives them, judged together."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ridgeback.data.interactions import Interactions
from ridgeback.evaluation.askers import Askers
from ridgeback.evaluation.cases import matched
from ridgeback.metrics.rating import log_loss, mae, rmse
from ridgeback.models.recommender import Recommender
from ridgeback.recommend.top_k import score_pairs

FloatArray = NDArray[np.float64]


class RatingJudge:
    """Predicts every test pair of blocks of test users.

    Parameters
    ----------
    model : Recommender
        Fitted.
    test : Interactions
    as_probability : bool
        Judge probabilities of a yes (a test value above 0) instead of ratings.
    """

    def __init__(self, model: Recommender, test: Interactions, as_probability: bool) -> None:
        self._model = model
        self._test = test
        self._items = matched(model.item_ids_, test.item_ids)
        self._as_probability = as_probability
        self._predicted = np.full(test.nnz, np.nan, dtype=np.float32)
        self.n_unknown_items = 0

    def add(self, users: NDArray[np.int64], askers: Askers) -> None:
        """Predict all test pairs of some test users."""
        indptr = self._test.user_items.indptr
        lengths = indptr[users + 1] - indptr[users]
        places = np.repeat(np.arange(len(users), dtype=np.int64), lengths)
        entries = np.arange(len(places)) + np.repeat(indptr[users] - (np.cumsum(lengths) - lengths), lengths)
        items = self._items[self._test.user_items.indices[entries]]
        self.n_unknown_items += int(np.count_nonzero((items < 0) | (self._model._item_counts[items] == 0)))
        self._predicted[entries] = self._predict(places, items, askers)

    def _predict(self, places: NDArray[np.int64], items: NDArray[np.int32], askers: Askers) -> NDArray[np.float32]:
        """The model's prediction; mean and known biases alone where user or item is unknown."""
        model = self._model
        is_known = items >= 0
        if self._as_probability:
            shares = np.where(is_known, model._popularity()[items], np.float32(0))
            if model.link != "probability":
                return shares
        scores = np.full(len(items), model.mean_, dtype=np.float32)
        if askers.biases is not None:
            scores += askers.biases[places]
        scores[is_known] = score_pairs(
            askers.factors,
            model.item_factors_,
            places[is_known],
            items[is_known],
            user_biases=askers.biases,
            item_biases=model.item_biases_,
            mean=model.mean_,
            n_threads=model._thread_count(),
        )
        values = model._on_data_scale(scores, clip=True)
        return np.where(askers.is_fallback[places], shares, values) if self._as_probability else values

    def metrics(self) -> dict[str, float]:
        """The metrics over all pairs predicted."""
        actual = self._test.user_items.values()
        if self._as_probability:
            return {"log_loss": log_loss(actual > 0, self._predicted)}
        return {"rmse": rmse(actual, self._predicted), "mae": mae(actual, self._predicted)}

    def by_user(self, users: NDArray[np.int64]) -> dict[str, FloatArray]:
        """The metrics over each of some users' own pairs, shape (len(users),)."""
        actual = self._test.user_items.values().astype(np.float64)
        predicted = self._predicted.astype(np.float64)
        if self._as_probability:
            correct = np.where(actual > 0, predicted, 1.0 - predicted)
            margin = np.finfo(np.float64).eps
            return {"log_loss": self._means(-np.log(np.clip(correct, margin, 1.0 - margin)))[users]}
        errors = actual - predicted
        return {"rmse": np.sqrt(self._means(errors**2))[users], "mae": self._means(np.abs(errors))[users]}

    def _means(self, values: FloatArray) -> FloatArray:
        """Mean over each test user's pairs, shape (n_test_users,)."""
        counts = self._test.user_items.counts()
        sums = np.bincount(self._test.user_items.row_of_entry(), weights=values, minlength=len(counts))
        return np.asarray(sums / np.maximum(counts, 1))
