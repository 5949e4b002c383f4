"""New users and new items: the same row problem, with the fitted other side fixed, solved in float64."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import numpy.typing as npt

from ridgeback.data.interactions import Interactions
from ridgeback.errors import DataError, UnsupportedError
from ridgeback.models.alternation import SideName
from ridgeback.models.askers import Askers
from ridgeback.models.histories import Histories, histories_of, histories_of_table, taken_apart
from ridgeback.models.row_solver import Side
from ridgeback.models.training import ListedPairs
from ridgeback.recommend.id_rows import rows_of
from ridgeback.recommend.recommendations import Recommendations, SimilarItems
from ridgeback.recommend.reranking import Reranking
from ridgeback.recommend.scoring import Scoring
from ridgeback.recommend.top_k import scores_of
from ridgeback.solvers.matrices import gram
from ridgeback.solvers.problem import Float32Array, HalfStep

if TYPE_CHECKING:
    from ridgeback.models.bayesian import BayesianALS
    from ridgeback.models.row_model import RowModel
    from ridgeback.recommend.explanation import Explanation
    from ridgeback.recommend.neighbor_term import NeighborTerm
    from ridgeback.trace import Trace


def fold_in(model: RowModel, items: Any, ratings: Any, weights: Any) -> FoldedUser:
    """One new user; see `RowModel.fold_in`."""
    return _folded_users(model, histories_of(model, [(items, ratings, weights)], "items"))[0]


def fold_in_many(model: RowModel, histories: Any) -> list[FoldedUser]:
    """Many new users; see `RowModel.fold_in_many`."""
    if isinstance(histories, Interactions):
        return _folded_users(model, histories_of_table(model, histories))
    if isinstance(histories, (str, bytes, Mapping)) or not hasattr(histories, "__iter__"):
        raise DataError(
            f"histories must be Interactions or a sequence of histories; got {type(histories).__name__}. "
            "For one user call fold_in."
        )
    return _folded_users(model, histories_of(model, [taken_apart(history) for history in histories], "items"))


def fold_in_item(model: RowModel, users: Any, ratings: Any, weights: Any) -> FoldedItem:
    """One new item; see `RowModel.fold_in_item`."""
    histories = histories_of(model, [(users, ratings, weights)], "users")
    side = _solve(model, "items", histories.pairs)
    bias = 0.0 if side.biases is None else float(side.biases[0])
    return FoldedItem(model, side.factors[0], bias, histories.unknown[0])


def solve_rows(model: RowModel, side: SideName, listed: ListedPairs, own: Side) -> HalfStep:
    """Solve rows of one side into `own`, in float64, with the fitted other side fixed."""
    problem = model._row_problem(side, listed)
    if side == "users":
        fixed = Side(model.item_factors_, model.item_biases_)
        fixed_gram = model._item_gram() if problem.unobserved_weight else None
    else:
        fixed = Side(model.user_factors_, model.user_biases_)
        fixed_gram = gram(model.user_factors_, n_threads=model._thread_count()) if problem.unobserved_weight else None
    return model._final_solver().solve(problem, fixed, own, fixed_gram, n_threads=model._thread_count(), cancel=None)


def _solve(model: RowModel, side: SideName, pairs: ListedPairs) -> Side:
    like = Side(model.item_factors_, model.item_biases_)
    own = like.zeros_like(pairs.rows.n_rows)
    result = solve_rows(model, side, model._listed(pairs, side), own)
    if result.n_unbounded:
        raise UnsupportedError(
            f"{result.n_unbounded} of {pairs.rows.n_rows} histories have no finite factors: a regularization of this "
            f"{type(model).__name__} is 0, and their yeses and noes can be separated. Fit with regularization and "
            "bias_regularization above 0."
        )
    return own


def _folded_users(model: RowModel, histories: Histories) -> list[FoldedUser]:
    pairs = histories.pairs
    side = _solve(model, "users", pairs)
    is_one = pairs.rows.n_rows == 1
    is_empty = [pairs.rows.nnz == 0] if is_one else (pairs.rows.counts() == 0).tolist()
    return [
        FoldedUser(
            model,
            side.factors[row],
            0.0 if side.biases is None else float(side.biases[row]),
            histories.unknown[row],
            model._fallback() if is_empty[row] else None,
            pairs if is_one else pairs.take(np.array([row], dtype=np.int64)),
        )
        for row in range(len(histories.unknown))
    ]


class FoldedUser:
    """A new user: factors, and what the model says to them.

    Attributes
    ----------
    factors : float32 array, shape (n_factors,)
    bias : float
        0 for a model without biases.
    unknown_items : list
        Ids of the history that the model does not know; they had no influence.
    fallback : "popularity", "mean" or None
        What recommend answers by where nothing of the history is known.
    """

    def __init__(
        self,
        model: RowModel | BayesianALS,
        factors: Float32Array,
        bias: float,
        unknown_items: list[Any],
        fallback: str | None,
        history: ListedPairs,
    ) -> None:
        self._model = model
        self.factors = factors
        self.bias = bias
        self.unknown_items = unknown_items
        self.fallback = fallback
        self._history = history

    def __repr__(self) -> str:
        unknown = f", {len(self.unknown_items)} unknown" if self.unknown_items else ""
        return f"FoldedUser({self._history.rows.nnz} items{unknown})"

    @property
    def items(self) -> npt.NDArray[np.int32]:
        """Rows of the items that the factors come from, ascending."""
        return self._history.rows.indices

    def score(self, item: Any) -> Any:
        """Raw score of one item (a float) or of several (an array)."""
        rows = rows_of(self._model.item_ids_, item, "item")
        scoring = self._model._scoring(self.factors[None, :], self._biases(), self._neighbors())
        scores = scores_of(scoring, np.zeros(rows.size, dtype=np.int32), rows.ravel()).reshape(rows.shape)
        return float(scores[()]) if scores.ndim == 0 else scores

    def predict(self, item: Any, clip: bool = True) -> Any:
        """Prediction on the scale of the data, as `model.predict`."""
        scores = self.score(item)
        values = self._model._on_data_scale(np.asarray(scores, dtype=np.float32), clip)
        return float(values[()]) if isinstance(scores, float) else values

    def probability(self, item: Any) -> Any:
        """The chance of a yes, as `model.probability`."""
        self._model._check_as("probability")
        scores = self.score(item)
        values = self._model._probabilities(np.asarray(scores, dtype=np.float32))
        return float(values[()]) if isinstance(scores, float) else values

    def recommend(
        self,
        k: int = 10,
        exclude_seen: bool = True,
        candidates: Any = None,
        exclude: Any = None,
        as_: str = "score",
        popularity_penalty: float = 0.0,
        diversity: float = 0.0,
        n_candidates: int | None = None,
    ) -> Recommendations:
        """Recommend items; those of the history are left out by default. Keywords as `model.recommend`."""
        reranking = self._model._reranking(popularity_penalty, diversity, n_candidates, k)
        askers = Askers(
            self.factors[None, :],
            self._biases(),
            self._history.rows if exclude_seen else None,
            np.array([self.fallback is not None]),
            self._neighbors(),
        )
        return self._model._recommend_to(askers, [None], k, candidates, exclude, as_, reranking)[0]

    def explain(self, item: Any) -> Explanation:
        """Why this item scores as it does, from the given history."""
        from ridgeback.models.explaining import explain_history

        row = int(rows_of(self._model.item_ids_, item, "item"))
        return explain_history(cast("RowModel", self._model), None, self._history, row)

    def trace(self) -> Trace:
        """How this user came about: preferences to weights to A and b to factors to scores, for every item.

        Returns
        -------
        Trace
            Of one step, "fold-in".

        Raises
        ------
        UnsupportedError
            When nothing of the history is known: then no row was solved.
        """
        from ridgeback.models.tracing import fold_in_trace

        if self.fallback is not None:
            raise UnsupportedError(
                f"There is no row to trace: nothing of the history is known, so recommend answers by {self.fallback}."
            )
        return fold_in_trace(cast("RowModel", self._model), self._history, Side(self.factors[None, :], self._biases()))

    def _biases(self) -> Float32Array | None:
        return None if self._model.item_biases_ is None else np.array([self.bias], dtype=np.float32)

    def _neighbors(self) -> NeighborTerm | None:
        """What the neighbours of the given items add to scores."""
        neighborhood = self._model._neighborhood
        return None if neighborhood is None else neighborhood.term(self._history.rows)


class FoldedItem:
    """A new item: factors, and whom it suits. It is nobody's neighbour: scores are those of the factors alone.

    Attributes
    ----------
    factors : float32 array, shape (n_factors,)
    bias : float
    unknown_users : list
        Ids that the model does not know; they had no influence.
    """

    def __init__(
        self, model: RowModel | BayesianALS, factors: Float32Array, bias: float, unknown_users: list[Any]
    ) -> None:
        self._model = model
        self.factors = factors
        self.bias = bias
        self.unknown_users = unknown_users

    def __repr__(self) -> str:
        return f"FoldedItem({len(self.unknown_users)} unknown users)"

    def score(self, user: Any) -> Any:
        """Raw score for one user (a float) or for several (an array)."""
        rows = rows_of(self._model.user_ids_, user, "user")
        scoring = Scoring(
            self._model.user_factors_,
            self.factors[None, :],
            self._model.user_biases_,
            None if self._model.item_biases_ is None else np.array([self.bias], dtype=np.float32),
            self._model.mean_,
        )
        scores = scores_of(scoring, rows.ravel(), np.zeros(rows.size, dtype=np.int32)).reshape(rows.shape)
        return float(scores[()]) if scores.ndim == 0 else scores

    def predict(self, user: Any, clip: bool = True) -> Any:
        """Prediction on the scale of the data, as `model.predict`."""
        scores = self.score(user)
        values = self._model._on_data_scale(np.asarray(scores, dtype=np.float32), clip)
        return float(values[()]) if isinstance(scores, float) else values

    def similar_items(
        self, k: int = 10, popularity_penalty: float = 0.0, diversity: float = 0.0, n_candidates: int | None = None
    ) -> SimilarItems:
        """The `k` known items whose factors point most nearly the same way. Keywords as `model.similar_items`."""
        reranking = Reranking.of(popularity_penalty, diversity, n_candidates, k)
        found = self._model._nearest(self.factors[None, :], self._model.item_factors_, k, reranking)
        return self._model._similar_list(None, found, slice(None))
