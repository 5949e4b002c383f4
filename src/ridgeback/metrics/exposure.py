"""Whom a recommender shows: how unevenly places go to items, and how popular they are beside what users picked."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ridgeback.data.csr import Csr
from ridgeback.metrics.ranking import JudgedLists

FloatArray = NDArray[np.float64]


def gini(exposures: NDArray[Any]) -> float:
    """Gini coefficient of exposure: ``sum_i (2 i - n - 1) e_i / (n sum e)``, items ascending by exposure e, i from 1.

    Parameters
    ----------
    exposures : ndarray, shape (n_items,)
        In how many lists each eligible item stands; at least 0.

    Returns
    -------
    float
        0 where all items are shown equally often, near 1 where one item has every place; NaN where nothing is shown.

    References
    ----------
    D. Fleder, K. Hosanagar, "Blockbuster culture's next rise or fall: the impact of recommender systems on sales
    diversity", Management Science 55(5), 2009, section 4.

    Examples
    --------
    >>> from ridgeback.metrics.exposure import gini
    >>> gini([5, 5, 5, 5]), gini([0, 0, 0, 8])
    (0.0, 0.75)
    """
    ascending = np.sort(np.asarray(exposures, dtype=np.float64))
    n, total = len(ascending), float(ascending.sum())
    if total == 0:
        return float("nan")
    return float(((2.0 * np.arange(1, n + 1) - n - 1) * ascending).sum() / (n * total))


def popularity_bias(lists: JudgedLists, k: int, item_counts: NDArray[np.integer[Any]], histories: Csr) -> FloatArray:
    """Popularity lift: the first k items' mean popularity over that of the user's own history, minus 1.

    Parameters
    ----------
    lists : JudgedLists
    k : int
        List length.
    item_counts : ndarray of int, shape (n_items,)
        How many training users have each item.
    histories : Csr, shape (n_users, n_items)
        What the users had before.

    Returns
    -------
    ndarray of float64, shape (n_users,)
        0 where the list is as popular as what the user picked, 1 where it is twice as popular. NaN for an empty list, a
        user without relevant items, or a history of items that nobody has.

    References
    ----------
    H. Abdollahpouri, M. Mansoury, R. Burke, B. Mobasher, "The unfairness of popularity bias in recommendation",
    RMSE workshop at RecSys 2019, section 3 (group average popularity; here user by user).
    """
    counts = np.asarray(item_counts, dtype=np.float64)
    listed = _mean(lists.per_user(counts[lists.items], k), lists.per_user(np.ones(len(lists.items)), k))
    sums: FloatArray = np.bincount(histories.row_of_entry(), counts[histories.indices], lists.n_users).astype(
        np.float64
    )
    picked = _mean(sums, histories.counts().astype(np.float64))
    picked[(picked == 0) | (lists.n_relevant == 0)] = np.nan
    lift: FloatArray = listed / picked - 1.0
    return lift


def _mean(sums: FloatArray, counts: FloatArray) -> FloatArray:
    """Sums over counts; NaN where there is nothing."""
    means: FloatArray = np.divide(sums, counts, out=np.full(len(sums), np.nan), where=counts > 0)
    return means
