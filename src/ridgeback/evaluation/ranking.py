"""Ranked lists as the model would serve them, judged block by block."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ridgeback.data.csr import Csr
from ridgeback.data.interactions import Interactions
from ridgeback.errors import DataError
from ridgeback.evaluation.askers import JudgedAskers
from ridgeback.evaluation.cases import CandidateLists, Cases, matched
from ridgeback.evaluation.deciles import ItemTotals
from ridgeback.evaluation.standing import auc
from ridgeback.metrics.exposure import gini, popularity_bias
from ridgeback.metrics.names import EXPOSURE, RANKING, SIMILARITY
from ridgeback.metrics.ranking import PER_USER, JudgedLists, contains, judge, mean_over_users, novelty
from ridgeback.metrics.similarity import intra_list_similarity
from ridgeback.models.recommender import Recommender
from ridgeback.recommend.item_filter import ItemFilter
from ridgeback.recommend.lists import Lists, RowLists
from ridgeback.recommend.reranking import OFF, Reranking

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


@dataclass(frozen=True)
class _ListedItems(ItemFilter):
    """Each user's candidates as rows that are already known."""

    lists: Lists | None = None

    def candidate_lists(self, users: object) -> Lists | None:
        """The given lists."""
        return self.lists

    def excluded_lists(self, users: object, seen: RowLists | None) -> RowLists | None:
        """The seen items, as they are."""
        return seen


class RankingJudge:
    """Ranks items for blocks of test users and keeps every metric of every judged user.

    Parameters
    ----------
    model : Recommender
        Fitted.
    test : Interactions
    cases : Cases
    lengths : tuple of int
        List lengths, ascending.
    candidates : CandidateLists, optional
        Left out: the items that somebody has.
    reranking : Reranking
        How lists are ordered.
    directions : ndarray of float32, shape (n_items, n_factors), optional
        Vectors of length 1 that say how alike items are; left out: it is not judged.
    """

    def __init__(
        self,
        model: Recommender,
        test: Interactions,
        cases: Cases,
        lengths: tuple[int, ...],
        candidates: CandidateLists | None,
        reranking: Reranking = OFF,
        directions: NDArray[np.float32] | None = None,
    ) -> None:
        self._model = model
        self._reranking = reranking
        self._directions = directions
        self._lengths = lengths
        self._n_items = len(model.item_ids_)
        self._user_ids = test.user_ids
        self._relevant = test.user_items.with_data(None).keep(cases.is_relevant)
        self._test_items = matched(model.item_ids_, test.item_ids)
        self._candidates = candidates
        self._candidate_rows = None if candidates is None else candidates.item_rows(model.item_ids_)
        self._everybody = ItemFilter(model.item_ids_, model._eligible_rows(), np.empty(0, dtype=np.int32))
        self._is_eligible = np.zeros(self._n_items, dtype=bool)
        self._is_eligible[slice(None) if self._everybody.items is None else self._everybody.items] = candidates is None
        self._shown = {k: np.zeros(self._n_items, dtype=np.int64) for k in lengths}
        self._hits = {k: np.zeros(self._n_items, dtype=np.int64) for k in lengths}
        self._n_relevant = np.zeros(self._n_items, dtype=np.int64)
        self._by_user: dict[str, list[FloatArray]] = {}
        self._activity: list[IntArray] = []
        self.n_unreachable = 0
        self.n_short = dict.fromkeys(lengths, 0)

    def add(self, users: NDArray[np.int64], askers: JudgedAskers) -> None:
        """Rank and judge some test users."""
        relevant, n_relevant = self._relevant_of(users)
        ranked = self._ranked_of(users, relevant)
        found = self._model._best(
            askers, range(len(users)), self._lengths[-1], self._filter(ranked), "score", self._reranking
        )
        self._check_lengths(users, askers, ranked, found.counts)
        reachable = self._is_eligible[relevant.indices]
        self.n_unreachable += int(n_relevant.sum() - np.count_nonzero(reachable))
        lists = judge(found.items, found.counts, relevant, n_relevant)
        n_users = int(np.count_nonzero(self._model._user_counts))
        for k in self._lengths:
            for name, metric in PER_USER.items():
                self._by_user.setdefault(f"{name}@{k}", []).append(metric(lists, k))
            surprise = novelty(lists, k, self._model._item_counts, n_users)
            self._by_user.setdefault(f"novelty@{k}", []).append(surprise)
            lift = popularity_bias(lists, k, self._model._item_counts, askers.seen)
            self._by_user.setdefault(f"popularity_bias@{k}", []).append(lift)
            if self._directions is not None:
                alike = intra_list_similarity(lists, k, self._directions)
                self._by_user.setdefault(f"list_similarity@{k}", []).append(alike)
            self._count_items(lists, k)
        self._n_relevant += np.bincount(relevant.indices, minlength=self._n_items)
        self._activity.append(askers.seen.counts())
        areas = auc(self._model, askers, relevant, n_relevant, self._is_eligible, ranked)
        self._by_user.setdefault("auc", []).append(areas)

    def by_user(self) -> dict[str, FloatArray]:
        """Each metric of the users added, in their order."""
        return {name: np.concatenate(blocks) for name, blocks in self._by_user.items()}

    def metrics(self) -> dict[str, float]:
        """Each metric, averaged over the users added."""
        means = {name: mean_over_users(values) for name, values in self.by_user().items()}
        n_eligible = int(np.count_nonzero(self._is_eligible))
        for k, shown in self._shown.items():
            means[f"coverage@{k}"] = float(np.count_nonzero(shown)) / n_eligible if n_eligible else float("nan")
            means[f"gini@{k}"] = gini(shown[self._is_eligible])
        names = (*RANKING, *EXPOSURE, *(() if self._directions is None else SIMILARITY))
        named = {f"{name}@{k}": means[f"{name}@{k}"] for k in self._lengths for name in names}
        return {**named, "auc": means["auc"]}

    def activity(self) -> IntArray:
        """How many items each of the users added had before, in their order."""
        return np.concatenate(self._activity) if self._activity else np.empty(0, dtype=np.int64)

    def items(self) -> ItemTotals:
        """What became of each item."""
        return ItemTotals(self._model._item_counts, self._is_eligible, self._n_relevant, self._hits, self._shown)

    def _count_items(self, lists: JudgedLists, k: int) -> None:
        """Add the first k items of some lists to the items' totals."""
        is_shown = lists.ranks <= k
        self._shown[k] += np.bincount(lists.items[is_shown], minlength=self._n_items)
        self._hits[k] += np.bincount(lists.items[is_shown & lists.is_hit], minlength=self._n_items)

    def _check_lengths(
        self, users: IntArray, askers: JudgedAskers, ranked: Csr | None, n_listed: NDArray[np.int32]
    ) -> None:
        """Refuse lists that lost items to scores that are not numbers; count those that had too few to rank."""
        seen = askers.seen
        if ranked is None:
            n_rankable = np.count_nonzero(self._is_eligible) - seen.keep(self._is_eligible[seen.indices]).counts()
        else:
            n_rankable = ranked.keep(~contains(seen, ranked.row_of_entry(), ranked.indices)).counts()
        lost = np.flatnonzero(n_listed < np.minimum(n_rankable, self._lengths[-1]))
        if len(lost):
            raise DataError(
                f"{type(self._model).__name__} has scores that are NaN or infinite: the lists of {len(lost):,} of "
                f"{len(users):,} users lack items for it, first user {self._user_ids[int(users[lost[0]])]!r}. They "
                "would lower every average; fit again with more regularization, or look for absurd values in the data."
            )
        for k in self._lengths:
            self.n_short[k] += int(np.count_nonzero(n_rankable < k))

    def _relevant_of(self, users: NDArray[np.int64]) -> tuple[Csr, NDArray[np.int64]]:
        """Relevant items in the model's rows, and how many there are with those it does not know."""
        chosen = self._relevant.take(users)
        items = self._test_items[chosen.indices]
        kept = items >= 0
        pairs = Csr.from_pairs(chosen.row_of_entry()[kept], items[kept], None, (len(users), self._n_items))
        return pairs.with_data(None), chosen.counts()

    def _ranked_of(self, users: NDArray[np.int64], relevant: Csr) -> Csr | None:
        """Each user's relevant items and candidates, each once; None where everything is ranked."""
        if self._candidates is None or self._candidate_rows is None:
            return None
        places, rows = self._candidates.pairs(users, self._candidate_rows)
        together = Csr.from_pairs(
            np.concatenate([relevant.row_of_entry(), places]),
            np.concatenate([relevant.indices, rows]),
            None,
            relevant.shape,
        )
        self._is_eligible[together.indices] = True
        return together

    def _filter(self, ranked: Csr | None) -> ItemFilter:
        """What may be ranked, as recommend takes it."""
        if ranked is None:
            return self._everybody
        lists = Lists(ranked.indptr, ranked.indices)
        return _ListedItems(self._everybody.item_ids, None, self._everybody.never, lists=lists)
