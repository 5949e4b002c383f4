"""How alike the items of one list are."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ridgeback.metrics.ranking import JudgedLists

FloatArray = NDArray[np.float64]

_NUMBERS_AT_ONCE = 1 << 22  # of the lists' vectors: 32 MB


def intra_list_similarity(lists: JudgedLists, k: int, directions: NDArray[Any]) -> FloatArray:
    """Mean cosine of all pairs among the first k items: ``(|sum d_i|^2 - sum |d_i|^2) / (n (n - 1))``.

    Parameters
    ----------
    lists : JudgedLists
    k : int
        List length.
    directions : ndarray of float, shape (n_items, n_factors)
        Vectors of length 1; zeros are unlike everything.

    Returns
    -------
    ndarray of float64, shape (n_users,)
        From -1 to 1, the lower the more diverse. NaN for fewer than two items and for a user without relevant items.

    References
    ----------
    C.-N. Ziegler, S. M. McNee, J. A. Konstan, G. Lausen, "Improving recommendation lists through topic
    diversification", WWW 2005, section 3.2.1 (there a sum, here the mean).
    """
    kept = lists.ranks <= k
    users, items = lists.users[kept], lists.items[kept]
    n_listed = np.bincount(users, minlength=lists.n_users)
    starts = np.concatenate([[0], np.cumsum(n_listed)])
    sums = np.full(lists.n_users, np.nan)
    asked = np.flatnonzero((n_listed > 1) & (lists.n_relevant > 0))
    n_at_once = max(1, _NUMBERS_AT_ONCE // max(1, min(k, directions.shape[0]) * directions.shape[1]))
    for begin in range(0, len(asked), n_at_once):
        own = asked[begin : begin + n_at_once]
        places = np.arange(n_listed[own].sum()) + np.repeat(starts[own] - _before(n_listed[own]), n_listed[own])
        vectors = directions[items[places]].astype(np.float64)
        totals = np.add.reduceat(vectors, _before(n_listed[own]), axis=0)
        alone = np.add.reduceat((vectors**2).sum(axis=1), _before(n_listed[own]))
        sums[own] = (totals**2).sum(axis=1) - alone
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(sums / (n_listed * (n_listed - 1.0)), dtype=np.float64)


def _before(counts: NDArray[np.integer[Any]]) -> NDArray[np.int64]:
    """How many entries there are before each list's own."""
    starts: NDArray[np.int64] = (np.cumsum(counts) - counts).astype(np.int64)
    return starts
