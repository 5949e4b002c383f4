"""Where a score stands among the user's scores of all items: counted natively, item by item, without a matrix."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from ridgeback import _native
from ridgeback.errors import ParameterError
from ridgeback.recommend.scoring_arrays import Floats, Rows, all_users, eligible_rows, scoring_arrays
from ridgeback.recommend.top_k import Cancel, TopK

if TYPE_CHECKING:
    from ridgeback.recommend.neighbor_term import NeighborTerm


def percentiles(
    user_factors: Floats,
    item_factors: Floats,
    found: TopK,
    *,
    items: npt.ArrayLike | None = None,
    user_biases: Floats | None = None,
    item_biases: Floats | None = None,
    mean: float = 0.0,
    neighbors: NeighborTerm | None = None,
    n_threads: int = 1,
    cancel: Cancel | None = None,
) -> Floats:
    """Compute ``100 * share of the items whose score for the user is no higher`` for every score that was found.

    Parameters
    ----------
    user_factors, item_factors, user_biases, item_biases, mean, neighbors, n_threads, cancel
        As in `top_k`.
    found : TopK
        What `top_k` found for these users; its scores descend within each user.
    items : ascending int32 array, or None
        The items that are counted, whatever `found` was chosen from; None: all.

    Returns
    -------
    float32 array, aligned with ``found.scores``
        From 0 (a score below that of every item counted, or no item to count) to 100 (no item's score is higher).
        Scores are compared bit by bit as float32, so equal ones have equal percentiles.

    Raises
    ------
    ParameterError
        If the shapes do not fit, or the scores of a user do not descend.
    KeyboardInterrupt
        If `cancel` was set.

    Notes
    -----
    Every score is computed once more, by the same kernel, and compared with the user's lowest one in vector registers:
    O(n_users * n_items * n_factors) time, a few MB a thread.

    Examples
    --------
    >>> import numpy as np
    >>> from ridgeback.recommend import percentiles, top_k
    >>> users, items = np.ones((1, 1), np.float32), np.array([[0.5], [0.1], [0.5], [0.9]], np.float32)
    >>> percentiles(users, items, top_k(users, items, k=3))
    array([100.,  75.,  75.], dtype=float32)
    """
    higher = count_higher(
        user_factors,
        item_factors,
        found.scores,
        found.counts,
        items=items,
        user_biases=user_biases,
        item_biases=item_biases,
        mean=mean,
        neighbors=neighbors,
        n_threads=n_threads,
        cancel=cancel,
    )
    rows = eligible_rows(items, len(item_factors))
    n_counted = len(item_factors) if rows is None else len(rows)
    return (100.0 * (n_counted - higher.astype(np.float64)) / max(1, n_counted)).astype(np.float32)


def count_higher(
    user_factors: Floats,
    item_factors: Floats,
    scores: Floats,
    counts: Rows,
    *,
    items: npt.ArrayLike | None = None,
    user_biases: Floats | None = None,
    item_biases: Floats | None = None,
    mean: float = 0.0,
    neighbors: NeighborTerm | None = None,
    n_threads: int = 1,
    cancel: Cancel | None = None,
) -> Rows:
    """Count the items whose score for the user is above each of the given scores.

    Parameters
    ----------
    user_factors, item_factors, items, user_biases, item_biases, mean, neighbors, n_threads, cancel
        As in `percentiles`.
    scores : float32 array
        User after user, descending within each.
    counts : int32 array, shape (n_users,)
        How many of them each user has.

    Returns
    -------
    int32 array, aligned with `scores`
    """
    arrays = scoring_arrays(user_factors, item_factors, user_biases, item_biases, mean, neighbors)
    rows = eligible_rows(items, len(arrays[1]))
    indptr = np.zeros(len(counts) + 1, dtype=np.int64)
    np.cumsum(counts, out=indptr[1:])
    higher = np.empty(len(scores), dtype=np.int32)
    try:
        is_complete = _native.count_higher(*all_users(arrays), rows, indptr, scores, higher, n_threads, cancel)
    except ValueError as error:
        raise ParameterError(f"The percentiles cannot be counted: {error}.") from None
    if not is_complete:
        raise KeyboardInterrupt
    return higher
