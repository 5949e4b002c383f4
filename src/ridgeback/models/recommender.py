"""What every fitted model answers from its arrays alone."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ridgeback.errors import UnsupportedError
from ridgeback.models.askers import Askers
from ridgeback.models.nearest import Nearest
from ridgeback.models.score_spread import score_spread
from ridgeback.recommend.all_users import AllRecommendations
from ridgeback.recommend.id_rows import is_one, rows_of
from ridgeback.recommend.item_filter import ItemFilter
from ridgeback.recommend.lists import Lists, RowLists, TopK
from ridgeback.recommend.percentiles import count_higher, percentiles_of
from ridgeback.recommend.popularity import penalties
from ridgeback.recommend.recommendations import Recommendations
from ridgeback.recommend.reranking import OFF, Reranking, reranked_items
from ridgeback.recommend.scoring import Scoring
from ridgeback.recommend.scoring_arrays import Floats, Rows
from ridgeback.recommend.top_k import best_items, scores_of

if TYPE_CHECKING:
    pass


class Recommender(Nearest):
    """Recommendations of a fitted model.

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
        popularity_penalty: float = 0.0,
        diversity: float = 0.0,
        n_candidates: int | None = None,
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
        popularity_penalty : float, default=0
            Order the list by ``score - popularity_penalty * spread * z``: z is the log of how many users have the item,
            with mean 0 and standard deviation 1 over the items; the spread is the standard deviation of the model's
            scores within a user. At 1 one weighs as much as the other.
        diversity : float from 0 to 1, default=0
            Choose item after item by ``(1 - diversity) * relevance - diversity * highest cosine to an item chosen``
            (maximal marginal relevance), relevance being 1 for the user's best item and 0 for the last candidate.
        n_candidates : int, optional
            The best items that a diverse list is chosen from. None: ten for each of the `k` places.

        Returns
        -------
        Recommendations, or a list of them for several users
            Never padded: fewer than `k` where fewer items are eligible. Equal scores in row order. A known user
            without history gets ``.fallback`` "popularity" (the share of users who have the item) or "mean" (the
            mean plus the item's bias), which no `popularity_penalty` changes. With a penalty or diversity ``.scores``
            stay the model's own, and ``.ranking_scores`` are what the list is ordered by.

        Raises
        ------
        UnknownIdError
            If a user or a candidate is unknown.
        HistoryMissingError
            If the model was saved without its history, and `exclude_seen` is true or it has a neighbourhood term.
        UnsupportedError
            If the model has no factors, which `diversity` needs, or no probabilities.
        """
        self._check_fitted()
        reranking = self._reranking(popularity_penalty, diversity, n_candidates, k)
        rows = rows_of(self.user_ids_, user, "user").ravel()
        askers = self._askers(rows, Lists.chosen(self._history(exclude_seen), rows) if exclude_seen else None)
        labels = [self.user_ids_[row] for row in rows.tolist()]
        found = self._recommend_to(askers, labels, k, candidates, exclude, as_, reranking)
        return found[0] if is_one(user) else found

    def recommend_all(
        self,
        k: int = 10,
        exclude_seen: bool = True,
        candidates: Any = None,
        exclude: Any = None,
        as_: str = "score",
        popularity_penalty: float = 0.0,
        diversity: float = 0.0,
        n_candidates: int | None = None,
    ) -> AllRecommendations:
        """Recommend to every user, block by block in bounded memory.

        Parameters
        ----------
        k, exclude_seen, candidates, exclude, as_, popularity_penalty, diversity, n_candidates
            As in `recommend`.

        Returns
        -------
        AllRecommendations
            Iterates over blocks (users, items, scores, counts): ids and scores flat, user after user, counts one a
            user. ``.to_parquet(path)`` and ``.to_csv(path)`` write a file. With a penalty or diversity a block also has
            ``.ranking_scores``, and a file the column ranking_score.
        """
        self._check_fitted()
        self._check_as(as_)
        reranking = self._reranking(popularity_penalty, diversity, n_candidates, k)
        seen = self._history(exclude_seen) if exclude_seen else None
        filter_ = ItemFilter.resolve(self.item_ids_, self._eligible_rows(), candidates, exclude)
        has_own = filter_.own_candidates is not None or filter_.own_exclude is not None

        def best(begin: int, end: int) -> TopK:
            users = [self.user_ids_[row] for row in range(begin, end)] if has_own else range(begin, end)
            rows = np.arange(begin, end, dtype=np.int32)
            askers = self._askers(rows, None if seen is None else Lists.run(seen, begin, end))
            return self._best(askers, users, k, filter_, as_, reranking)

        best(0, 0)  # refuses a wrong k now instead of at the first block
        looked_at = reranking.pool_size(k)
        return AllRecommendations(
            best, self.user_ids_, self.item_ids_, self.titles_, looked_at, is_reranked=reranking.is_on
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

    def _askers(self, rows: Rows, seen: RowLists | None) -> Askers:
        """Some of the users that the model was fitted to."""
        biases = None if self.user_biases_ is None else self.user_biases_[rows]
        is_fallback = self._user_counts[rows] == 0
        return Askers(self.user_factors_[rows], biases, seen, is_fallback, self._neighbor_term(rows))

    def _recommend_to(
        self,
        askers: Askers,
        users: Sequence[Any],
        k: int,
        candidates: Any,
        exclude: Any,
        as_: str,
        reranking: Reranking,
    ) -> list[Recommendations]:
        """Recommendations for users, with their labels, that may come from outside the model."""
        self._check_as(as_)
        filter_ = ItemFilter.resolve(self.item_ids_, self._eligible_rows(), candidates, exclude)
        found = self._best(askers, users, k, filter_, as_, reranking)
        return [
            Recommendations(
                user,
                self.item_ids_,
                found.items[own],
                found.scores[own],
                self.titles_,
                self._fallback() if is_fallback else None,
                None if found.ranking_scores is None else found.ranking_scores[own],
            )
            for user, own, is_fallback in zip(users, found.places(), askers.is_fallback.tolist(), strict=True)
        ]

    def _best(
        self, askers: Askers, users: Sequence[Any], k: int, filter_: ItemFilter, as_: str, reranking: Reranking = OFF
    ) -> TopK:
        """The best items of some users, by the model or by its fallback."""
        lost = self._penalties(reranking)
        candidates, excluded = filter_.candidate_lists(users), filter_.excluded_lists(users, askers.seen)

        def ask(places: npt.NDArray[np.intp] | None, is_fallback: bool) -> TopK:
            own, left_out = candidates, excluded
            if places is not None:
                own = None if own is None else Lists.chosen(own, places)
                left_out = None if left_out is None else Lists.chosen(left_out, places)
            scoring = self._scoring_for(askers, places, is_fallback)
            chosen: dict[str, Any] = {"items": filter_.items, "candidates": own, "exclude": left_out}
            found = self._ordered(scoring, k, reranking, None if is_fallback else lost, chosen)
            if as_ == "percentile":
                return replace(found, scores=self._percentiles(scoring, found))
            if as_ == "probability" and not is_fallback:
                return replace(found, scores=self._probabilities(found.scores))
            return found

        if not askers.is_fallback.any():
            return ask(None, False)
        by_model, by_fallback = np.flatnonzero(~askers.is_fallback), np.flatnonzero(askers.is_fallback)
        parts = [(by_model, ask(by_model, False)), (by_fallback, ask(by_fallback, True))]
        return TopK.interleaved(parts, len(askers.is_fallback))

    def _ordered(
        self, scoring: Scoring, k: int, reranking: Reranking, lost: Floats | None, chosen: dict[str, Any]
    ) -> TopK:
        """The best of the chosen items, in the order of their scores or in another."""
        n_threads = self._thread_count()
        if not reranking.is_on:
            return best_items(scoring, k=k, n_threads=n_threads, **chosen)
        return reranked_items(
            scoring, reranking, k=k, penalties=lost, directions=self.item_factors_, n_threads=n_threads, **chosen
        )

    def _percentiles(self, scoring: Scoring, found: TopK) -> Floats:
        """Where scores stand among the users' scores of all items that somebody has."""
        in_order, order = found.by_score()
        shares = np.empty_like(found.scores)
        shares[order] = percentiles_of(scoring, in_order, items=self._eligible_rows(), n_threads=self._thread_count())
        return shares

    def _reranking(self, popularity_penalty: Any, diversity: Any, n_candidates: Any, k: Any) -> Reranking:
        """How lists are to be ordered, checked."""
        reranking = Reranking.of(popularity_penalty, diversity, n_candidates, k)
        if reranking.diversity:
            self._check_factors("diversity")
        return reranking

    def _penalties(self, reranking: Reranking) -> Floats | None:
        """What each item loses for its popularity; None where nothing is asked of them."""
        if not reranking.popularity_penalty:
            return None
        return penalties(reranking.popularity_penalty, score_spread(self), self._item_counts)

    def _scoring_for(self, askers: Askers, places: npt.NDArray[np.intp] | None, is_fallback: bool) -> Scoring:
        """What scores of some of the users are made of: the model's terms, or its fallback's."""
        factors, biases, neighbors = (
            (askers.factors, askers.biases, askers.neighbors) if places is None else askers.vectors(places)
        )
        if not is_fallback:
            return self._scoring(factors, biases, neighbors)
        nothing, of_nothing = factors[:, :0], self.item_factors_[:, :0]
        if self._fallback() == "popularity":
            return Scoring(nothing, of_nothing, item_biases=self._popularity())
        return Scoring(nothing, of_nothing, item_biases=self.item_biases_, mean=self.mean_)

    def _score_rows(self, askers: Askers, users: npt.NDArray[Any], items: npt.NDArray[Any]) -> Floats:
        """Scores of pairs (place of a user, item row), as `_best` ranks by them."""
        scores = np.empty(len(users), dtype=np.float32)
        for is_fallback in (False, True):
            mine = askers.is_fallback[users] == is_fallback
            if mine.any():
                scoring = self._scoring_for(askers, None, is_fallback)
                scores[mine] = scores_of(scoring, users[mine], items[mine], n_threads=self._thread_count())
        return scores

    def _count_higher(self, askers: Askers, scores: Floats, counts: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
        """How many of the items that somebody has score above each given score; they descend, user after user."""
        higher = np.empty(len(scores), dtype=np.int32)
        for is_fallback in (False, True):
            mine = askers.is_fallback == is_fallback
            if mine.any():
                of_mine = np.repeat(mine, counts)
                higher[of_mine] = count_higher(
                    self._scoring_for(askers, np.flatnonzero(mine), is_fallback),
                    scores[of_mine],
                    counts[mine],
                    items=self._eligible_rows(),
                    n_threads=self._thread_count(),
                )
        return higher
