"""Lists of items that are unlike each other: greedy re-ranking by maximal marginal relevance.

::

    next item = argmax over the pool of  (1 - diversity) * relevance(i) - diversity * max over j chosen of cos(y_i, y_j)

Relevance is the ranking score scaled within each user's pool: 1 for its best item, 0 for its last. So `diversity`
weighs the same two spans for ratings, preferences, log-odds and cosines.

References
----------
J. Carbonell, J. Goldstein, "The use of MMR, diversity-based reranking for reordering documents and producing
summaries", SIGIR 1998, with lambda = 1 - diversity.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ridgeback.recommend.lists import TopK
from ridgeback.recommend.scoring_arrays import Floats
from ridgeback.recommend.top_k import inverse_norms

_NUMBERS_AT_ONCE = 1 << 22  # of the pools' vectors: 16 MB


def most_diverse(pool: TopK, item_factors: Floats, *, k: int, diversity: float, n_threads: int = 1) -> TopK:
    """Choose `k` items of each user's pool by maximal marginal relevance.

    Parameters
    ----------
    pool : TopK
        What may be chosen, its scores descending within each user.
    item_factors : float32 array of shape (n_items, n_factors)
    k : int, >= 0
    diversity : float, 0 to 1
        0 keeps the pool's order.
    n_threads : int
        For the lengths of the vectors.

    Returns
    -------
    TopK
        In the order of the choice. ``scores`` are the values by which each item was chosen; behind the first, which
        relevance alone decides, they never rise. Of equal values the first in the pool is chosen. A vector of zeros is
        unlike everything: its cosines are 0.

    Notes
    -----
    O(n_users * pool * k * n_factors) time; beside the result the memory is some 40 MB.

    Examples
    --------
    >>> import numpy as np
    >>> from ridgeback.recommend.diversity import most_diverse
    >>> from ridgeback.recommend.top_k import TopK
    >>> items = np.array([[1, 0], [1, 0], [0, 1]], np.float32)
    >>> pool = TopK(np.array([0, 1, 2], np.int32), np.array([3, 2, 1], np.float32), np.array([3], np.int32))
    >>> most_diverse(pool, items, k=2, diversity=0.5).items
    array([0, 2], dtype=int32)
    """
    counts = np.asarray(pool.counts, dtype=np.int64)
    n_places = int(min(k, counts.max(initial=0)))
    if n_places == 0 or not len(counts):
        return TopK(pool.items[:0], pool.scores[:0], np.zeros(len(counts), dtype=np.int32))
    rows, lengths = np.unique(pool.items, return_inverse=True)
    vectors = np.ascontiguousarray(item_factors[rows])
    directions = vectors * inverse_norms(vectors, n_threads=n_threads)[:, None]
    n_at_once = int(max(1, _NUMBERS_AT_ONCE // (counts.max() * max(1, item_factors.shape[1]))))
    starts = np.concatenate([[0], np.cumsum(counts)])
    parts = []
    for begin in range(0, len(counts), n_at_once):
        end = min(begin + n_at_once, len(counts))
        own = slice(starts[begin], starts[end])
        parts.append(_chosen(lengths[own], pool.scores[own], counts[begin:end], directions, n_places, diversity))
    places, values = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    is_filled = places >= 0
    return TopK(
        pool.items[(starts[:-1, None] + places)[is_filled]],
        values[is_filled],
        is_filled.sum(axis=1).astype(np.int32),
    )


def _chosen(
    items: npt.NDArray[np.intp],
    scores: Floats,
    counts: npt.NDArray[np.int64],
    directions: Floats,
    n_places: int,
    diversity: float,
) -> tuple[npt.NDArray[np.int64], Floats]:
    """Places in each user's pool in the order of choice, -1 behind the last, and their values: (n_users, n_places)."""
    users = np.arange(len(counts))
    is_open = np.arange(counts.max(initial=0)) < counts[:, None]
    pooled = np.zeros(is_open.shape, dtype=np.intp)
    pooled[is_open] = items
    relevance = np.zeros(is_open.shape, dtype=np.float32)
    relevance[is_open] = scores
    relevance = np.float32(1 - diversity) * _scaled(relevance, counts)
    vectors = directions[pooled]
    nearest = np.zeros(is_open.shape, dtype=np.float32)  # nothing is chosen: relevance alone decides
    places = np.full((len(counts), n_places), -1, dtype=np.int64)
    values = np.zeros((len(counts), n_places), dtype=np.float32)
    for place in range(n_places):
        marginal = np.where(is_open, relevance - np.float32(diversity) * nearest, np.float32(-np.inf))
        best = marginal.argmax(axis=1)
        has_one = is_open[users, best]
        places[has_one, place] = best[has_one]
        values[has_one, place] = marginal[users, best][has_one]
        is_open[users, best] = False
        if place + 1 < n_places:
            cosines = np.einsum("upf,uf->up", vectors, vectors[users, best]).clip(-1, 1)
            nearest = cosines if place == 0 else np.maximum(nearest, cosines)
    return places, values


def _scaled(scores: Floats, counts: npt.NDArray[np.int64]) -> Floats:
    """Scores that descend in each row, the first `counts` of it: the first one as 1, the last one as 0."""
    users = np.arange(len(counts))
    low = scores[users, np.maximum(counts - 1, 0)][:, None].astype(np.float64)
    span = scores[:, :1].astype(np.float64) - low
    with np.errstate(invalid="ignore"):  # an infinite score is the best, and all others are the last beside it
        scaled = np.divide(scores - low, span, out=np.zeros(scores.shape), where=span > 0)
    return np.nan_to_num(scaled, nan=1.0).astype(np.float32)
