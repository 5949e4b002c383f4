"""What points the same way: similar items and users, and what each factor stands for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ridgeback.errors import UnsupportedError
from ridgeback.models.score_spread import cosine_spread
from ridgeback.models.scorer import Scorer
from ridgeback.recommend.factors import FactorDescription, describe_factors
from ridgeback.recommend.id_rows import is_one, rows_of
from ridgeback.recommend.lists import Lists, RowLists, TopK
from ridgeback.recommend.popularity import penalties
from ridgeback.recommend.recommendations import SimilarItems, SimilarUsers
from ridgeback.recommend.reranking import OFF, Reranking, reranked_similar
from ridgeback.recommend.scoring_arrays import Floats
from ridgeback.recommend.top_k import similar

if TYPE_CHECKING:
    from ridgeback.data.ids import Ids


class Nearest(Scorer):
    """Neighbours by cosine, and descriptions of factors."""

    def similar_items(
        self,
        item: Any,
        k: int = 10,
        popularity_penalty: float = 0.0,
        diversity: float = 0.0,
        n_candidates: int | None = None,
    ) -> Any:
        """Find the `k` items whose factors point most nearly the way of this item's: by cosine, itself left out.

        Parameters
        ----------
        item : id, or list or array of ids
        k : int, default=10
        popularity_penalty, diversity, n_candidates
            Another order than that of the cosines, as in `recommend`; ``.score`` stays the cosine.

        Returns
        -------
        SimilarItems, or a list of them for several items
        """
        self._check_factors("similar_items")
        reranking = Reranking.of(popularity_penalty, diversity, n_candidates, k)
        rows, found = self._neighbours(item, self.item_ids_, "item", self.item_factors_, k, reranking)
        lists = [
            self._similar_list(self.item_ids_[row], found, own)
            for row, own in zip(rows.tolist(), found.places(), strict=True)
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
        self._check_factors("similar_users")
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

    def _neighbours(
        self, asked: Any, ids: Ids, what: str, factors: Floats, k: int, reranking: Reranking = OFF
    ) -> tuple[npt.NDArray[Any], TopK]:
        """Rows of the ids asked for, and the nearest others of each."""
        rows = rows_of(ids, asked, what).ravel()
        itself = Lists(np.arange(len(rows) + 1, dtype=np.int64), rows.astype(np.int32))
        return rows, self._nearest(factors[rows], factors, k, reranking, itself)

    def _nearest(
        self, queries: Floats, factors: Floats, k: int, reranking: Reranking = OFF, exclude: RowLists | None = None
    ) -> TopK:
        """The nearest rows of some vectors; of items where they are in another order than that of the cosines."""
        n_threads = self._thread_count()
        if not reranking.is_on:
            return similar(queries, factors, k=k, exclude=exclude, n_threads=n_threads)
        penalty, lost = reranking.popularity_penalty, None
        if penalty:
            lost = penalties(penalty, cosine_spread(self), self._item_counts)
        return reranked_similar(queries, factors, reranking, k=k, penalties=lost, exclude=exclude, n_threads=n_threads)

    def _similar_list(self, item: Any, found: TopK, own: slice) -> SimilarItems:
        """One of the lists that were found."""
        ranking = None if found.ranking_scores is None else found.ranking_scores[own]
        return SimilarItems(item, self.item_ids_, found.items[own], found.scores[own], self.titles_, ranking)

    def _check_factors(self, method: str) -> None:
        self._check_fitted()
        if self.item_factors_.shape[1] == 0:
            raise UnsupportedError(
                f"{type(self).__name__} has no factors, which {method} needs. "
                "Use ImplicitALS, ExplicitALS or LogisticMF."
            )
