"""What every fitted model answers from its arrays alone."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ridgeback.errors import UnsupportedError
from ridgeback.models.scorer import Scorer
from ridgeback.recommend.all_users import AllRecommendations
from ridgeback.recommend.factors import FactorDescription, describe_factors
from ridgeback.recommend.id_rows import is_one, rows_of
from ridgeback.recommend.item_filter import ItemFilter
from ridgeback.recommend.percentiles import count_higher, percentiles
from ridgeback.recommend.recommendations import Recommendations, SimilarItems, SimilarUsers
from ridgeback.recommend.scoring_arrays import Floats
from ridgeback.recommend.top_k import Lists, RowLists, TopK, score_pairs, similar, top_k

if TYPE_CHECKING:
    from ridgeback.data.ids import Ids
    from ridgeback.recommend.neighbor_term import NeighborTerm


class Recommender(Scorer):
    """Recommendations and neighbours of a fitted model.

    A subclass says what its scores mean (`link`) and fits the arrays of `Fitted`.
    """

    def recommend(
        self,
        user: Any,
        k: int = 10,
        exclude_seen: bool = True,
        candidates: Any = None,
        exclude: Any = None,
        as_: str = "score",
    ) -> Any:
        """Recommend the `k` items of highest score to a user, or to each of several.

        Parameters
        ----------
        user : id, or list or array of ids
        k : int, default=10
        exclude_seen : bool, default=True
            Leave out the items of the user's own history.
        candidates : ids, or mapping user -> ids, optional
            The only items considered; unknown ids raise. Without it these are the items that somebody has.
        exclude : ids, or mapping user -> ids, optional
            Items left out; unknown ids are passed over.
        as_ : {"score", "percentile", "probability"}, default="score"
            What `.score` holds: the raw score; 100 * the share of the items somebody has whose score for this user is
            no higher, whatever is filtered; or a chance: after `calibrate` that of being among the events that were
            held out of the user for it, in LogisticMF without it the model's own chance of a yes.

        Returns
        -------
        Recommendations, or a list of them for several users
            Never padded: fewer than `k` where fewer items are eligible. Equal scores in row order. A known user
            without history gets ``.fallback`` "popularity" (the share of users who have the item) or "mean" (the
            mean plus the item's bias).

        Raises
        ------
        UnknownIdError
            If a user or a candidate is unknown.
        HistoryMissingError
            If the model was saved without its history, and `exclude_seen` is true or it has a neighbourhood term.
        """
        self._check_fitted()
        rows = rows_of(self.user_ids_, user, "user").ravel()
        found = self._recommend_vectors(
            self.user_factors_[rows],
            None if self.user_biases_ is None else self.user_biases_[rows],
            [self.user_ids_[row] for row in rows.tolist()],
            Lists.chosen(self._history(exclude_seen), rows) if exclude_seen else None,
            self._user_counts[rows] == 0,
            k,
            exclude_seen,
            candidates,
            exclude,
            as_,
            self._neighbor_term(rows),
        )
        return found[0] if is_one(user) else found

    def recommend_all(
        self,
        k: int = 10,
        exclude_seen: bool = True,
        candidates: Any = None,
        exclude: Any = None,
        as_: str = "score",
    ) -> AllRecommendations:
        """Recommend to every user, block by block in bounded memory.

        Parameters
        ----------
        k, exclude_seen, candidates, exclude, as_
            As in `recommend`.

        Returns
        -------
        AllRecommendations
            Iterates over blocks (users, items, scores, counts): ids and scores flat, user after user, counts one a
            user. ``.to_parquet(path)`` and ``.to_csv(path)`` write a file.
        """
        self._check_fitted()
        self._check_as(as_)
        seen = self._history(exclude_seen) if exclude_seen else None
        filter_ = ItemFilter.resolve(self.item_ids_, self._eligible_rows(), candidates, exclude)
        has_own = filter_.own_candidates is not None or filter_.own_exclude is not None

        def best(begin: int, end: int) -> TopK:
            users = [self.user_ids_[row] for row in range(begin, end)] if has_own else range(begin, end)
            return self._best(
                self.user_factors_[begin:end],
                None if self.user_biases_ is None else self.user_biases_[begin:end],
                users,
                None if seen is None else Lists.run(seen, begin, end),
                self._user_counts[begin:end] == 0,
                k,
                filter_,
                as_,
                self._neighbor_term(np.arange(begin, end, dtype=np.int32)),
            )

        best(0, 0)  # refuses a wrong k now instead of at the first block
        return AllRecommendations(best, self.user_ids_, self.item_ids_, self.titles_, k)

    def similar_items(self, item: Any, k: int = 10) -> Any:
        """Find the `k` items whose factors point most nearly the way of this item's: by cosine, itself left out.

        Parameters
        ----------
        item : id, or list or array of ids
        k : int, default=10

        Returns
        -------
        SimilarItems, or a list of them for several items
        """
        rows, found = self._neighbours(item, self.item_ids_, "item", self.item_factors_, k)
        lists = [
            SimilarItems(self.item_ids_[row], self.item_ids_, items, scores, self.titles_)
            for row, (items, scores) in zip(rows.tolist(), found.split(), strict=True)
        ]
        return lists[0] if is_one(item) else lists

    def similar_users(self, user: Any, k: int = 10) -> Any:
        """Find the `k` users whose factors point most nearly the way of this user's: by cosine, itself left out.

        Parameters
        ----------
        user : id, or list or array of ids
        k : int, default=10

        Returns
        -------
        SimilarUsers, or a list of them for several users
        """
        rows, found = self._neighbours(user, self.user_ids_, "user", self.user_factors_, k)
        lists = [
            SimilarUsers(self.user_ids_[row], self.user_ids_, users, scores)
            for row, (users, scores) in zip(rows.tolist(), found.split(), strict=True)
        ]
        return lists[0] if is_one(user) else lists

    def describe_factors(self, n: int = 5) -> list[FactorDescription]:
        """Describe every factor: its share of the energy, its top and bottom items and its strongest users.

        A factor whose two ends are about equally far from zero is marked as standing either way round, and neighbours
        of about one energy as exchangeable: there another seed may give another picture of the same model.

        Parameters
        ----------
        n : int, default=5
            Items at either end, and users.

        Returns
        -------
        list of FactorDescription
        """
        self._check_factors("describe_factors")
        return describe_factors(
            self.user_factors_, self.item_factors_, self.user_ids_, self.item_ids_, self.titles_, n=n
        )

    def predict_interval(self, user: Any, item: Any, level: float = 0.9) -> Any:
        """Refused but by `BayesianALS`: an interval needs more than one best value."""
        raise UnsupportedError(
            f"{type(self).__name__} predicts one value, no interval. Use predict, or BayesianALS, which samples."
        )

    def starting_values(self, data: Any, n: int | None = None) -> Any:
        """How factors leave zero; only ImplicitALS can say."""
        raise UnsupportedError(
            f"{type(self).__name__} has no starting_values: they are of models whose factors start from zero without "
            "biases. Use ImplicitALS."
        )

    def save(self, path: str | bytes | os.PathLike[str], include_history: bool = True) -> None:
        """Write the model to one file, atomically.

        Parameters
        ----------
        path : path
        include_history : bool, default=True
            Keep the users' interactions, which `exclude_seen`, `explain` and `partial_fit` need. They are personal
            data: False leaves them out.
        """
        self._check_fitted()
        from ridgeback.models.persistence import save

        save(self, path, include_history=include_history)

    def _recommend_vectors(
        self,
        factors: Floats,
        user_biases: Floats | None,
        users: Sequence[Any],
        seen: RowLists | None,
        fallback: npt.NDArray[np.bool_],
        k: int,
        exclude_seen: bool,
        candidates: Any,
        exclude: Any,
        as_: str,
        neighbors: NeighborTerm | None = None,
    ) -> list[Recommendations]:
        """Recommendations for user vectors, labels and histories that may come from outside the model."""
        self._check_as(as_)
        filter_ = ItemFilter.resolve(self.item_ids_, self._eligible_rows(), candidates, exclude)
        seen = seen if exclude_seen else None
        found = self._best(factors, user_biases, users, seen, fallback, k, filter_, as_, neighbors)
        return [
            Recommendations(
                user, self.item_ids_, items, scores, self.titles_, self._fallback() if is_fallback else None
            )
            for user, (items, scores), is_fallback in zip(users, found.split(), fallback.tolist(), strict=True)
        ]

    def _best(
        self,
        factors: Floats,
        user_biases: Floats | None,
        users: Sequence[Any],
        seen: RowLists | None,
        fallback: npt.NDArray[np.bool_],
        k: int,
        filter_: ItemFilter,
        as_: str,
        neighbors: NeighborTerm | None = None,
    ) -> TopK:
        """The best items of user vectors, by the model or by its fallback."""
        candidates, excluded = filter_.candidate_lists(users), filter_.excluded_lists(users, seen)

        def ask(users_asked: npt.NDArray[np.intp] | None, is_fallback: bool) -> TopK:
            x, biases = factors, user_biases
            own, left_out, term = candidates, excluded, neighbors
            if users_asked is not None:
                x, biases = x[users_asked], None if biases is None else biases[users_asked]
                own = None if own is None else Lists.chosen(own, users_asked)
                left_out = None if left_out is None else Lists.chosen(left_out, users_asked)
                term = None if term is None else term.chosen(users_asked)
            x, y, scoring = self._terms(x, biases, is_fallback, term)
            found = top_k(x, y, k=k, items=filter_.items, candidates=own, exclude=left_out, **scoring)
            if as_ == "percentile":
                return TopK(found.items, percentiles(x, y, found, items=self._eligible_rows(), **scoring), found.counts)
            if as_ == "probability" and not is_fallback:
                return TopK(found.items, self._probabilities(found.scores), found.counts)
            return found

        if not fallback.any():
            return ask(None, False)
        by_model, by_fallback = np.flatnonzero(~fallback), np.flatnonzero(fallback)
        parts = [(by_model, ask(by_model, False)), (by_fallback, ask(by_fallback, True))]
        return TopK.interleaved(parts, len(fallback))

    def _terms(
        self, factors: Floats, user_biases: Floats | None, is_fallback: bool, neighbors: NeighborTerm | None
    ) -> tuple[Floats, Floats, dict[str, Any]]:
        """User vectors, item vectors and the other terms of the score: the model's, or its fallback's."""
        x, y, offsets, mean = factors, self.item_factors_, self.item_biases_, self.mean_
        if is_fallback:
            x, y, user_biases, neighbors = x[:, :0], y[:, :0], None, None
            if self._fallback() == "popularity":
                offsets, mean = self._popularity(), 0.0
        return (
            x,
            y,
            {
                "user_biases": user_biases,
                "item_biases": offsets,
                "mean": mean,
                "neighbors": neighbors,
                "n_threads": self._thread_count(),
            },
        )

    def _score_rows(
        self,
        factors: Floats,
        user_biases: Floats | None,
        seen: RowLists,
        fallback: npt.NDArray[np.bool_],
        users: npt.NDArray[Any],
        items: npt.NDArray[Any],
        neighbors: NeighborTerm | None = None,
    ) -> Floats:
        """Scores of pairs (place of a user vector, item row), as `_best` ranks by them."""
        scores = np.empty(len(users), dtype=np.float32)
        for is_fallback in (False, True):
            mine = fallback[users] == is_fallback
            if mine.any():
                x, y, scoring = self._terms(factors, user_biases, is_fallback, neighbors)
                scores[mine] = score_pairs(x, y, users[mine], items[mine], **scoring)
        return scores

    def _count_higher(
        self,
        factors: Floats,
        user_biases: Floats | None,
        seen: RowLists,
        fallback: npt.NDArray[np.bool_],
        scores: Floats,
        counts: npt.NDArray[np.int32],
        neighbors: NeighborTerm | None = None,
    ) -> npt.NDArray[np.int32]:
        """How many of the items that somebody has score above each given score; they descend, user after user."""
        higher = np.empty(len(scores), dtype=np.int32)
        for is_fallback in (False, True):
            mine = fallback == is_fallback
            if mine.any():
                of_mine = np.repeat(mine, counts)
                biases = None if user_biases is None else user_biases[mine]
                term = None if neighbors is None else neighbors.chosen(np.flatnonzero(mine))
                x, y, scoring = self._terms(factors[mine], biases, is_fallback, term)
                higher[of_mine] = count_higher(
                    x, y, scores[of_mine], counts[mine], items=self._eligible_rows(), **scoring
                )
        return higher

    def _neighbours(self, asked: Any, ids: Ids, what: str, factors: Floats, k: int) -> tuple[npt.NDArray[Any], TopK]:
        """Rows of the ids asked for, and the nearest others of each."""
        self._check_factors(f"similar_{what}s")
        rows = rows_of(ids, asked, what).ravel()
        itself = Lists(np.arange(len(rows) + 1, dtype=np.int64), rows.astype(np.int32))
        return rows, similar(factors[rows], factors, k=k, exclude=itself, n_threads=self._thread_count())

    def _check_factors(self, method: str) -> None:
        self._check_fitted()
        if self.item_factors_.shape[1] == 0:
            raise UnsupportedError(
                f"{type(self).__name__} has no factors, which {method} needs. "
                "Use ImplicitALS, ExplicitALS or LogisticMF."
            )
