"""Baselines that score items by the items of a user's history: EASE, and cosine neighbours. Small data only.

They stand beside a report's model to show what a simple model reaches; they are fitted anew for every report and are
not meant to be served.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ridgeback.data.csr import Csr
from ridgeback.data.interactions import Interactions
from ridgeback.errors import UnsupportedError
from ridgeback.models.askers import Askers
from ridgeback.models.baselines import Popularity
from ridgeback.recommend.item_filter import ItemFilter
from ridgeback.recommend.lists import Lists, RowLists, TopK
from ridgeback.recommend.reranking import OFF, Reranking
from ridgeback.recommend.scoring_arrays import Floats

MOST_ITEMS_EASE = 2_000  # a dense inverse of 32 MB, in half a second
MOST_STEPS = 1_000_000_000  # pairs of items of one user, and neighbours of users' items: some ten seconds
N_NEIGHBORS = 100
NOISE_MULTIPLE = 2.5  # EASE's regularization over what chance alone makes
_AT_ONCE = 1 << 22  # numbers of a block: 32 MB


def users_a_block(n_items: int) -> int:
    """How many users are judged together, such that their scores for all items are a block."""
    return max(1, _AT_ONCE // max(1, n_items))


class ItemModel(Popularity):
    """Scores are ``sum over the user's items j of weight[j, i]``; users without history get popularity."""

    family = "item model"

    def _scores_of(self, seen: RowLists, users: NDArray[np.int64]) -> Floats:
        """Scores of some of the users with these histories for all items, shape (len(users), n_items)."""
        raise NotImplementedError

    def _all_scores(self, seen: RowLists, fallback: NDArray[np.bool_]) -> Floats:
        """Scores of users for all items; those of the last users are kept, who are asked for several times."""
        kept = self.__dict__.get("_kept_scores")
        if kept is None or kept[0] is not seen:
            scores = np.tile(self._popularity(), (len(fallback), 1))
            known = np.flatnonzero(~fallback)
            scores[known] = self._scores_of(seen, known)
            kept = self._kept_scores = (seen, scores)
        return kept[1]

    def _best(
        self,
        askers: Askers,
        users: Sequence[Any],
        k: int,
        filter_: ItemFilter,
        as_: str,
        reranking: Reranking = OFF,
    ) -> TopK:
        """The best items of users who have seen these items."""
        if askers.seen is None:
            raise UnsupportedError(
                f"{type(self).__name__} scores by the users' histories; it is judged with them alone."
            )
        scores = self._all_scores(askers.seen, askers.is_fallback)
        candidates, excluded = filter_.candidate_lists(users), filter_.excluded_lists(users, askers.seen)
        is_open = np.zeros(scores.shape, dtype=bool)
        is_open[:, slice(None) if filter_.items is None else filter_.items] = candidates is None
        for lists, opens in ((candidates, True), (excluded, False)):
            if lists is not None:
                rows = np.repeat(np.arange(len(scores)), np.diff(lists.indptr))
                is_open[rows, lists.indices[lists.indptr[0] : lists.indptr[-1]]] = opens
        return _first(np.where(is_open, scores, np.float32(-np.inf)), k)

    def _score_rows(self, askers: Askers, users: NDArray[Any], items: NDArray[Any]) -> Floats:
        """Scores of pairs (place of a user, item row)."""
        assert askers.seen is not None
        found: Floats = self._all_scores(askers.seen, askers.is_fallback)[users, items]
        return found

    def _count_higher(self, askers: Askers, scores: Floats, counts: NDArray[np.int32]) -> NDArray[np.int32]:
        """How many of the items that somebody has score above each given score."""
        assert askers.seen is not None
        every, eligible = self._all_scores(askers.seen, askers.is_fallback), self._eligible_rows()
        ends = np.cumsum(counts)
        higher = np.empty(len(scores), dtype=np.int32)
        for place, ascending in enumerate(np.sort(every if eligible is None else every[:, eligible], axis=1)):
            own = slice(ends[place] - counts[place], ends[place])
            higher[own] = len(ascending) - np.searchsorted(ascending, scores[own], side="right")
        return higher


class Ease(ItemModel):
    """EASE: the closed form of a linear autoencoder whose diagonal is zero.

    ``minimise |X - X B|^2 + regularization |B|^2  with diag(B) = 0``: ``B = I - P / diag(P)``,
    ``P = (X^T X + regularization I)^-1``, X the 0/1 matrix of who has what.

    Parameters
    ----------
    regularization : float, optional
        None: ``2.5 (sqrt(n_u) + sqrt(n_i))^2``, n_u and n_i being the mean interactions of a user and of an item: 2.5
        times the largest eigenvalue that chance alone would give X^T X, within .3 % of the best on six sets
        (`benchmarks/quality/ease_regularization.py`).

    References
    ----------
    H. Steck, "Embarrassingly shallow autoencoders for sparse data", WWW 2019, equations 5 to 8.
    """

    def __init__(self, regularization: float | None = None) -> None:
        self.regularization = regularization

    def _count(self, interactions: Interactions) -> None:
        super()._count(interactions)
        regularization = self.regularization
        if regularization is None:
            regularization = ease_regularization(interactions)
        has_fewer_users = interactions.n_users < interactions.n_items
        self._by_users = _EaseByUsers(interactions, regularization) if has_fewer_users else None
        if self._by_users is None:
            inverse = _regularized_inverse(together(interactions), interactions.n_items, regularization)
            weights = inverse / -np.diag(inverse)
            np.fill_diagonal(weights, 0.0)
            self._weights = weights.astype(np.float32)

    def _scores_of(self, seen: RowLists, users: NDArray[np.int64]) -> Floats:
        histories = [seen.indices[seen.indptr[user] : seen.indptr[user + 1]] for user in users]
        if self._by_users is not None:
            return self._by_users.scores(histories)
        scores = np.empty((len(users), len(self._weights)), dtype=np.float32)
        for place, items in enumerate(histories):
            np.sum(self._weights[items], axis=0, out=scores[place])
        return scores


def ease_regularization(data: Interactions, multiple: float = NOISE_MULTIPLE) -> float:
    """A multiple of about the largest eigenvalue of ``X^T X`` that chance alone makes."""
    of_user, of_item = data.nnz / max(1, data.n_users), data.nnz / max(1, data.n_items)
    return float(multiple * (np.sqrt(of_user) + np.sqrt(of_item)) ** 2)


class _EaseByUsers:
    """The same scores from an inverse of the users' size, for data with fewer users than items.

    With ``Z = (X X^T + regularization I)^-1 X`` and z the diagonal of ``X^T Z``, Woodbury's identity makes
    ``P = (I - X^T Z) / regularization``, so a history h, a row of 0 and 1, scores ``(h X^T Z - h * z) / (1 - z)``.
    """

    def __init__(self, interactions: Interactions, regularization: float) -> None:
        pairs = met(interactions.user_items, interactions.item_users)
        inverse = _regularized_inverse(pairs, interactions.n_users, regularization)
        self._users_of = interactions.item_users.with_data(None)
        self._z = np.empty(interactions.n_items, dtype=np.float32)
        self._Z = np.empty((interactions.n_items, interactions.n_users), dtype=np.float32)  # an item a row
        for item in range(interactions.n_items):
            users, _ = self._users_of.row(item)
            column = inverse[users].sum(axis=0)
            z = column[users].sum()
            self._Z[item], self._z[item] = column / (1 - z), z / (1 - z)

    def scores(self, histories: list[NDArray[np.int32]]) -> Floats:
        """Scores of histories, each a list of item rows, for all items."""
        n_users = self._Z.shape[1]
        shared = np.empty((len(histories), n_users), dtype=np.float32)  # items in common with each user
        for place, items in enumerate(histories):
            shared[place] = np.bincount(self._users_of.take(items).indices, minlength=n_users)
        scores: Floats = shared @ self._Z.T
        for place, items in enumerate(histories):
            scores[place, items] -= self._z[items]
        return scores


def _regularized_inverse(
    pairs: Iterator[tuple[int, int, NDArray[np.int64]]], n: int, regularization: float
) -> NDArray[np.float64]:
    """``(C + regularization I)^-1`` of counts of pairs, given as runs of rows."""
    gram = np.empty((n, n))
    for begin, end, counts in pairs:
        gram[begin:end] = counts
    gram[np.diag_indices_from(gram)] += regularization
    return np.asarray(np.linalg.inv(gram), dtype=np.float64)


class ItemKnn(ItemModel):
    """Cosine neighbours: each item is scored by its `n_neighbors` most similar items that the user has.

    Parameters
    ----------
    n_neighbors : int, default=100
    shrinkage : float, default=10
        Added to the product of the norms, against chance meetings of rare items.

    References
    ----------
    M. Deshpande, G. Karypis, "Item-based top-N recommendation algorithms", TOIS 22(1), 2004, section 4.
    """

    def __init__(self, n_neighbors: int = N_NEIGHBORS, shrinkage: float = 10.0) -> None:
        self.n_neighbors = n_neighbors
        self.shrinkage = shrinkage

    def _count(self, interactions: Interactions) -> None:
        super()._count(interactions)
        norms = np.sqrt(np.maximum(interactions.user_items.column_counts(), 1))
        n_kept = min(self.n_neighbors, interactions.n_items)
        rows: list[NDArray[Any]] = []
        neighbors: list[NDArray[Any]] = []
        cosines: list[NDArray[Any]] = []
        for begin, end, counts in together(interactions):
            near = counts / (norms[begin:end, None] * norms + self.shrinkage)
            near[np.arange(end - begin), np.arange(begin, end)] = 0.0
            near -= 1e-12 * np.arange(interactions.n_items)  # of equal cosines the lower row, on every machine
            best = np.argpartition(near, -n_kept, axis=1)[:, -n_kept:]
            values = np.take_along_axis(near, best, axis=1)
            rows.append(np.repeat(np.arange(begin, end), n_kept)[values.ravel() > 0])
            neighbors.append(best[values > 0])
            cosines.append(values[values > 0])
        shape = (interactions.n_items, interactions.n_items)
        had, scored, values = (np.concatenate(parts) for parts in (neighbors, rows, cosines))
        self._weights = Csr.from_pairs(had, scored, values, shape)

    def _scores_of(self, seen: RowLists, users: NDArray[np.int64]) -> Floats:
        n_items, width = self._weights.n_columns, self._weights.counts()
        scores = np.empty((len(users), n_items), dtype=np.float32)
        lists = Lists.chosen(seen, users)
        steps = np.concatenate([[0], np.cumsum(width[lists.indices])])[lists.indptr]
        for begin, end in _runs(np.diff(steps), n_items):
            own = lists.indices[lists.indptr[begin] : lists.indptr[end]]
            places = np.repeat(np.arange(end - begin), np.diff(lists.indptr[begin : end + 1]))
            near = self._weights.take(own)
            flat = np.repeat(places, near.counts()) * n_items + near.indices
            sums = np.bincount(flat, near.values(), (end - begin) * n_items)
            scores[begin:end] = sums.reshape(end - begin, n_items)
        return scores


def steps_of(data: Interactions) -> int:
    """What an item model costs: pairs of items that one user has, and neighbours of all users' items."""
    counts = data.user_items.counts().astype(np.int64)
    return int((counts**2).sum()) + N_NEIGHBORS * data.nnz


def together(data: Interactions) -> Iterator[tuple[int, int, NDArray[np.int64]]]:
    """Count the users who have both items of each pair, as `met` does."""
    return met(data.item_users, data.user_items)


def met(rows: Csr, columns: Csr) -> Iterator[tuple[int, int, NDArray[np.int64]]]:
    """Count the columns that both rows of each pair have: (begin, end, counts of shape (end - begin, n_rows)).

    `columns` is the transpose. Columns are expanded to their rows, row by row, in blocks of 4 million; a column with n
    rows is n^2 steps in all.
    """
    rows, columns, n = rows.with_data(None), columns.with_data(None), rows.n_rows
    lengths = columns.counts()[rows.indices]
    steps = np.concatenate([[0], np.cumsum(lengths)])[rows.indptr]
    for begin, end in _runs(np.diff(steps), n):
        own = slice(rows.indptr[begin], rows.indptr[end])
        places = np.repeat(np.arange(end - begin), np.diff(rows.indptr[begin : end + 1]))
        flat = np.repeat(places, lengths[own]) * n + columns.take(rows.indices[own]).indices
        yield begin, end, np.bincount(flat, minlength=(end - begin) * n).reshape(end - begin, n)


def _runs(steps: NDArray[np.int64], width: int) -> Iterator[tuple[int, int]]:
    """Runs of rows (at least one) with at most so many steps, and so many numbers of so wide rows."""
    ends, begin = np.cumsum(steps), 0
    while begin < len(steps):
        done = ends[begin - 1] if begin else 0
        end = int(np.searchsorted(ends, done + _AT_ONCE, side="right"))
        end = max(begin + 1, min(end, begin + _AT_ONCE // max(1, width)))
        yield begin, end
        begin = end


def _first(scores: Floats, k: int) -> TopK:
    """The k highest of each row, equal ones by column; minus infinity is never listed."""
    n = min(k, scores.shape[1])
    if n == 0:
        return TopK(np.empty(0, np.int32), np.empty(0, np.float32), np.zeros(len(scores), np.int32))
    least = np.partition(scores, -n, axis=1)[:, -n, None]
    rows, items = np.nonzero((scores >= least) & (scores > -np.inf))
    values = scores[rows, items]
    keys: list[NDArray[Any]] = [items, -values, rows]
    order = np.lexsort(keys)
    counts = np.bincount(rows, minlength=len(scores))
    ranks = np.arange(len(rows)) - np.repeat(np.cumsum(counts) - counts, counts)
    kept = order[ranks < n]
    return TopK(items[kept].astype(np.int32), values[kept], np.minimum(counts, n).astype(np.int32))
