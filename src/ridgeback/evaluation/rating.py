"""Predicted values of test pairs, as the model's predict gives them, judged together."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ridgeback.data.interactions import Interactions
from ridgeback.errors import DataError
from ridgeback.evaluation.askers import JudgedAskers
from ridgeback.evaluation.cases import matched
from ridgeback.evaluation.deciles import ROOTS, ItemTotals, UserSums
from ridgeback.metrics.calibration import calibration_error
from ridgeback.metrics.rating import log_loss, mae, rmse
from ridgeback.models.recommender import Recommender
from ridgeback.recommend.top_k import scores_of

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
        self._activity = np.zeros(test.n_users, dtype=np.int64)
        self.n_unknown_items = 0

    def add(self, users: NDArray[np.int64], askers: JudgedAskers) -> None:
        """Predict all test pairs of some test users."""
        indptr = self._test.user_items.indptr
        lengths = indptr[users + 1] - indptr[users]
        places = np.repeat(np.arange(len(users), dtype=np.int64), lengths)
        entries = np.arange(len(places)) + np.repeat(indptr[users] - (np.cumsum(lengths) - lengths), lengths)
        items = self._items[self._test.user_items.indices[entries]]
        self.n_unknown_items += int(np.count_nonzero((items < 0) | (self._model._item_counts[items] == 0)))
        self._predicted[entries] = self._predict(places, items, askers)
        self._activity[users] = askers.seen.counts()

    def _predict(
        self, places: NDArray[np.int64], items: NDArray[np.int32], askers: JudgedAskers
    ) -> NDArray[np.float32]:
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
        scoring = model._scoring(askers.factors, askers.biases)
        n_threads = model._thread_count()
        scores[is_known] = scores_of(scoring, places[is_known], items[is_known], n_threads=n_threads)
        values = model._on_data_scale(scores, clip=True)
        return np.where(askers.is_fallback[places], shares, values) if self._as_probability else values

    def metrics(self) -> dict[str, float]:
        """The metrics over all pairs predicted."""
        actual = self._test.user_items.values()
        n_bad = int(np.count_nonzero(~np.isfinite(self._predicted)))
        if n_bad:
            raise DataError(
                f"{type(self._model).__name__} predicts NaN or infinity for {n_bad:,} of {self._test.nnz:,} test "
                "pairs. Fit again with more regularization, or look for absurd values in the data."
            )
        if self._as_probability:
            found = {"log_loss": log_loss(actual > 0, self._predicted)}
            if not (actual > 0).all():
                found["calibration_error"] = calibration_error(actual > 0, self._predicted)
            return found
        return {"rmse": rmse(actual, self._predicted), "mae": mae(actual, self._predicted)}

    def by_user(self, users: NDArray[np.int64]) -> dict[str, FloatArray]:
        """The metrics over each of some users' own pairs, shape (len(users),)."""
        sums = self.user_sums()
        rows = sums.users.match(self._test.user_ids.take(users))
        means = {name: values[rows] / sums.n_pairs[rows] for name, values in sums.sums.items()}
        return {name: np.sqrt(values) if name in ROOTS else values for name, values in means.items()}

    def user_sums(self) -> UserSums:
        """What the figures of any group of users are made of."""
        matrix = self._test.user_items
        asked = np.flatnonzero(matrix.counts() > 0)
        sums = {
            name: _sums(matrix.row_of_entry(), values, matrix.n_rows)[asked] for name, values in self._losses().items()
        }
        users = self._test.user_ids.take(asked)
        return UserSums(users, self._activity[asked], matrix.counts()[asked].astype(np.float64), sums)

    def add_to(self, items: ItemTotals) -> ItemTotals:
        """The items' totals with those of predicted values."""
        rows = self._items[self._test.user_items.indices]
        known, n_items = rows >= 0, len(items.popularity)
        sums = {name: _sums(rows[known], loss[known], n_items) for name, loss in self._losses().items()}
        n_pairs = np.bincount(rows[known], minlength=n_items).astype(np.float64)
        return replace(items, n_pairs=n_pairs, sums=sums)

    def _losses(self) -> dict[str, FloatArray]:
        """What each test pair adds, by metric, shape (test.nnz,)."""
        actual = self._test.user_items.values().astype(np.float64)
        predicted = self._predicted.astype(np.float64)
        if self._as_probability:
            correct = np.where(actual > 0, predicted, 1.0 - predicted)
            margin = np.finfo(np.float64).eps
            return {"log_loss": -np.log(np.clip(correct, margin, 1.0 - margin))}
        errors = actual - predicted
        return {"rmse": errors**2, "mae": np.abs(errors)}


def _sums(places: NDArray[np.int32], values: FloatArray, n: int) -> FloatArray:
    """Values added up by place, shape (n,)."""
    sums: FloatArray = np.bincount(places, values, n).astype(np.float64)
    return sums
