r"""Ranking metrics with binary relevance: functions on arrays.

`judge` marks the hits of ranked lists once; every metric is a function of the marks. A user without relevant items
cannot be judged: the metrics are NaN there, and `mean_over_users` leaves them out.

References
----------
C. D. Manning, P. Raghavan, H. Schütze, "Introduction to Information Retrieval", Cambridge University Press 2008,
sections 8.3 and 8.4 (precision, recall, average precision, normalised discounted cumulative gain).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ridgeback.data.csr import Csr
from ridgeback.errors import ParameterError
from ridgeback.metrics.names import REPORTED_ONLY, parse

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class JudgedLists:
    """Ranked lists with their hits marked, user after user.

    Attributes
    ----------
    items : ndarray of int32, shape (n_listed,)
        The listed item rows, best first, user after user.
    users : ndarray of int64, shape (n_listed,)
        Whose list each entry is in.
    ranks : ndarray of int64, shape (n_listed,)
        Rank of each entry in its list, from 1.
    is_hit : ndarray of bool, shape (n_listed,)
        Whether the item is relevant to the user.
    hits_so_far : ndarray of int64, shape (n_listed,)
        Hits in the list up to and including the entry.
    n_relevant : ndarray of int64, shape (n_users,)
        How many items are relevant to each user, listed or not.
    """

    items: NDArray[np.int32]
    users: NDArray[np.int64]
    ranks: NDArray[np.int64]
    is_hit: NDArray[np.bool_]
    hits_so_far: NDArray[np.int64]
    n_relevant: NDArray[np.int64]

    @property
    def n_users(self) -> int:
        """Number of lists."""
        return len(self.n_relevant)

    def per_user(self, entries: NDArray[Any], k: int) -> FloatArray:
        """Sum a value per entry over the first k entries of each list, shape (n_users,)."""
        kept = self.ranks <= k
        return np.bincount(self.users[kept], weights=entries[kept], minlength=self.n_users).astype(np.float64)

    def divide(self, sums: FloatArray, divisor: NDArray[Any] | float) -> FloatArray:
        """Divide per user; NaN for a user without relevant items."""
        quotient = np.full(self.n_users, np.nan)
        np.divide(sums, divisor, out=quotient, where=self.n_relevant > 0)
        return quotient


def judge(
    items: NDArray[np.integer[Any]],
    counts: NDArray[np.integer[Any]],
    relevant: Csr,
    n_relevant: NDArray[np.integer[Any]] | None = None,
) -> JudgedLists:
    """Mark which entries of ranked lists are relevant.

    Parameters
    ----------
    items : ndarray of int, shape (n_listed,)
        Item rows, best first, user after user; no item twice in a list.
    counts : ndarray of int, shape (n_users,)
        Length of each user's list; lists may be shorter than k and may be empty.
    relevant : Csr, shape (n_users, n_items)
        The relevant items of each user: every stored entry, whatever its value.
    n_relevant : ndarray of int, shape (n_users,), optional
        Number of relevant items where some of them have no column in `relevant`. Default: the stored entries.

    Returns
    -------
    JudgedLists

    Raises
    ------
    ParameterError
        If the shapes do not fit.

    Notes
    -----
    Time O(n_listed log n_relevant), memory about 50 bytes a listed entry.
    """
    if len(counts) != relevant.n_rows or int(np.sum(counts)) != len(items):
        raise ParameterError(
            f"The lists must be one a user: got {len(counts)} counts that sum to {int(np.sum(counts))} for "
            f"{relevant.n_rows} users and {len(items)} items."
        )
    counts = np.asarray(counts, dtype=np.int64)
    users = np.repeat(np.arange(len(counts), dtype=np.int64), counts)
    starts = np.cumsum(counts) - counts
    is_hit = contains(relevant, users, items)
    hits = np.cumsum(is_hit)
    before = np.concatenate([[0], hits])[starts]
    return JudgedLists(
        items=np.asarray(items, dtype=np.int32),
        users=users,
        ranks=np.arange(1, len(items) + 1, dtype=np.int64) - starts[users],
        is_hit=is_hit,
        hits_so_far=hits - before[users],
        n_relevant=np.asarray(relevant.counts() if n_relevant is None else n_relevant, dtype=np.int64),
    )


def contains(pairs: Csr, rows: NDArray[np.integer[Any]], columns: NDArray[np.integer[Any]]) -> NDArray[np.bool_]:
    """Say for each (row, column) whether it is stored in `pairs`, whose columns ascend in each row."""
    if pairs.nnz == 0:
        return np.zeros(len(columns), dtype=bool)
    stored_rows = np.repeat(np.arange(pairs.n_rows, dtype=np.int64), pairs.counts())
    stored = stored_rows * pairs.n_columns + pairs.indices
    wanted = np.asarray(rows, dtype=np.int64) * pairs.n_columns + np.asarray(columns, dtype=np.int64)
    places = np.minimum(np.searchsorted(stored, wanted), len(stored) - 1)
    return np.asarray(stored[places] == wanted, dtype=bool)


def recall(lists: JudgedLists, k: int) -> FloatArray:
    """Share of the user's relevant items found in the first k: ``hits / n_relevant`` (Manning et al., 8.3).

    Parameters
    ----------
    lists : JudgedLists
    k : int
        List length.

    Returns
    -------
    ndarray of float64, shape (n_users,)
        In [0, 1]; at most k / n_relevant, so below 1 for users with more than k relevant items: see `recall_capped`.
    """
    return lists.divide(lists.per_user(lists.is_hit, k), lists.n_relevant)


def recall_capped(lists: JudgedLists, k: int) -> FloatArray:
    """Share of what k places could have held: ``hits / min(k, n_relevant)``.

    The "recall" of Liang et al., "Variational Autoencoders for Collaborative Filtering", WWW 2018, section 4.2.
    """
    return lists.divide(lists.per_user(lists.is_hit, k), np.minimum(k, lists.n_relevant))


def precision(lists: JudgedLists, k: int) -> FloatArray:
    """Share of the k places that hold a relevant item: ``hits / k``, also where the list is shorter than k.

    Manning et al., section 8.4 ("precision at k"). The divisor is k alone, never min(k, n_relevant).
    """
    return lists.divide(lists.per_user(lists.is_hit, k), float(k))


def hit_rate(lists: JudgedLists, k: int) -> FloatArray:
    """Return 1 for a user with at least one relevant item in the first k, else 0.

    He et al., "Neural Collaborative Filtering", WWW 2017, section 4.1 (HR@k); with one relevant item it equals recall.
    """
    return lists.divide((lists.per_user(lists.is_hit, k) > 0).astype(np.float64), 1.0)


def ndcg(lists: JudgedLists, k: int) -> FloatArray:
    """Normalised discounted cumulative gain with binary gain.

    ``sum over hits in the first k of 1 / log2(1 + rank)``, divided by its value for the best possible list, which has
    relevant items in its first min(k, n_relevant) places.

    References
    ----------
    K. Järvelin, J. Kekäläinen, "Cumulated gain-based evaluation of IR techniques", TOIS 20(4), 2002, with the discount
    log2(1 + rank) of Manning et al., equation 8.9.
    """
    gains = 1.0 / np.log2(1.0 + lists.ranks)
    ideals = np.concatenate([[0.0], np.cumsum(1.0 / np.log2(np.arange(2.0, k + 2.0)))])
    return lists.divide(lists.per_user(gains * lists.is_hit, k), ideals[np.minimum(k, lists.n_relevant)])


def average_precision(lists: JudgedLists, k: int) -> FloatArray:
    """Average precision: ``sum over hits in the first k of precision at that rank``, over min(k, n_relevant).

    Its mean over users is MAP (Manning et al., section 8.4); dividing by min(k, n_relevant) lets a perfect list of
    length k reach 1.
    """
    precisions = lists.hits_so_far / lists.ranks
    return lists.divide(lists.per_user(precisions * lists.is_hit, k), np.minimum(k, lists.n_relevant))


def reciprocal_rank(lists: JudgedLists, k: int) -> FloatArray:
    """Reciprocal of the rank of the first hit, 0 where the first k hold none; its mean over users is MRR.

    E. M. Voorhees, "The TREC-8 Question Answering Track Report", TREC 1999, section 3.
    """
    first = lists.is_hit & (lists.hits_so_far == 1)
    return lists.divide(lists.per_user(first / lists.ranks, k), 1.0)


def novelty(lists: JudgedLists, k: int, item_counts: NDArray[np.integer[Any]], n_users: int) -> FloatArray:
    """Mean self-information of the first k items: ``mean of -log2(share of users who have the item)``, in bits.

    An item nobody has counts as one that a single user has. NaN for an empty list.

    Parameters
    ----------
    lists : JudgedLists
    k : int
        List length.
    item_counts : ndarray of int, shape (n_items,)
        How many training users have each item.
    n_users : int
        How many training users have any item.

    References
    ----------
    T. Zhou et al., "Solving the apparent diversity-accuracy dilemma of recommender systems", PNAS 107(10), 2010
    ("surprisal"); P. Castells, N. J. Hurley, S. Vargas, "Novelty and Diversity in Recommender Systems", in:
    Recommender Systems Handbook, 2nd edition, Springer 2015 ("mean self-information").
    """
    surprisals = np.log2(max(n_users, 1)) - np.log2(np.maximum(item_counts, 1))
    n_listed = lists.per_user(np.ones(len(lists.items)), k)
    sums = lists.per_user(surprisals[lists.items], k)
    values = np.full(lists.n_users, np.nan)
    np.divide(sums, n_listed, out=values, where=(n_listed > 0) & (lists.n_relevant > 0))
    return values


def coverage(lists: JudgedLists, k: int, n_eligible: int) -> float:
    """Share of the eligible items that appear in the first k of at least one user's list.

    Parameters
    ----------
    lists : JudgedLists
        The lists of all users; those without relevant items do not count.
    k : int
        List length.
    n_eligible : int
        How many items could have been recommended.

    References
    ----------
    M. Ge, C. Delgado-Battenfeld, D. Jannach, "Beyond accuracy: evaluating recommender systems by coverage and
    serendipity", RecSys 2010, section 3.1 ("catalog coverage").
    """
    shown = lists.items[(lists.ranks <= k) & (lists.n_relevant > 0)[lists.users]]
    return len(np.unique(shown)) / n_eligible if n_eligible else float("nan")


def mean_over_users(values: FloatArray) -> float:
    """Average over the users who can be judged (those whose value is not NaN); NaN when there is none."""
    judged = values[~np.isnan(values)]
    return float(judged.mean()) if len(judged) else float("nan")


PER_USER: dict[str, Callable[[JudgedLists, int], FloatArray]] = {
    "recall": recall,
    "recall_capped": recall_capped,
    "precision": precision,
    "ndcg": ndcg,
    "map": average_precision,
    "mrr": reciprocal_rank,
    "hit_rate": hit_rate,
}


def ranking_metric(
    metric: str,
    items: NDArray[np.integer[Any]],
    counts: NDArray[np.integer[Any]],
    relevant: Csr,
    *,
    item_counts: NDArray[np.integer[Any]] | None = None,
    n_users: int | None = None,
) -> float:
    """Judge ranked lists by one metric, averaged over the users who have relevant items.

    Parameters
    ----------
    metric : str
        As ``"ndcg@10"``.
    items, counts, relevant
        As in `judge`.
    item_counts : ndarray of int, shape (n_items,), optional
        How many training users have each item; needed by novelty and coverage (an item somebody has is eligible).
    n_users : int, optional
        How many training users have any item; needed by novelty.

    Returns
    -------
    float
        NaN when no user has a relevant item.

    Raises
    ------
    ParameterError
        If the metric is unknown, is not a ranking metric, or needs counts that were not given.
    """
    name, k = parse(metric)
    if name in REPORTED_ONLY:
        raise ParameterError(f"{metric!r} is measured by evaluate alone: take one such as 'ndcg@10'.")
    if k is None:
        raise ParameterError(f"{metric!r} judges ratings, not ranked lists: take one such as 'ndcg@10'.")
    lists = judge(items, counts, relevant)
    if name in PER_USER:
        return mean_over_users(PER_USER[name](lists, k))
    if item_counts is None or (name == "novelty" and n_users is None):
        raise ParameterError(f"{metric!r} needs the training counts: give 'item_counts' (and 'n_users' for novelty).")
    if name == "novelty":
        return mean_over_users(novelty(lists, k, item_counts, n_users or 0))
    return coverage(lists, k, int(np.count_nonzero(item_counts)))
