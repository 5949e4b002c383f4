"""Where a score stands among the user's scores of all items: counted natively, item by item, without a matrix."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ridgeback import _native
from ridgeback.errors import ParameterError
from ridgeback.recommend.lists import TopK
from ridgeback.recommend.scoring import Scoring
from ridgeback.recommend.scoring_arrays import Floats, Rows, eligible_rows
from ridgeback.recommend.top_k import Cancel


def percentiles(
    user_factors: Floats,
    item_factors: Floats,
    found: TopK,
    *,
    items: npt.ArrayLike | None = None,
    n_threads: int = 1,
    cancel: Cancel | None = None,
    **terms: Any,
) -> Floats:
    """Compute ``100 * share of the items whose score for the user is no higher`` for every score that was found.

    Parameters
    ----------
    user_factors, item_factors, n_threads, cancel, **terms
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
    scoring = Scoring(user_factors, item_factors, **terms)
    return percentiles_of(scoring, found, items=items, n_threads=n_threads, cancel=cancel)


def percentiles_of(
    scoring: Scoring,
    found: TopK,
    *,
    items: npt.ArrayLike | None = None,
    n_threads: int = 1,
    cancel: Cancel | None = None,
) -> Floats:
    """Where the scores that were found stand: `percentiles` of a `Scoring`."""
    higher = count_higher(scoring, found.scores, found.counts, items=items, n_threads=n_threads, cancel=cancel)
    rows = eligible_rows(items, scoring.n_items)
    n_counted = scoring.n_items if rows is None else len(rows)
    return (100.0 * (n_counted - higher.astype(np.float64)) / max(1, n_counted)).astype(np.float32)


def count_higher(
    scoring: Scoring,
    scores: Floats,
    counts: Rows,
    *,
    items: npt.ArrayLike | None = None,
    n_threads: int = 1,
    cancel: Cancel | None = None,
) -> Rows:
    """Count the items whose score for the user is above each of the given scores.

    Parameters
    ----------
    scoring : Scoring
    items, n_threads, cancel
        As in `percentiles`.
    scores : float32 array
        User after user, descending within each.
    counts : int32 array, shape (n_users,)
        How many of them each user has.

    Returns
    -------
    int32 array, aligned with `scores`
    """
    rows = eligible_rows(items, scoring.n_items)
    indptr = np.zeros(len(counts) + 1, dtype=np.int64)
    np.cumsum(counts, out=indptr[1:])
    higher = np.empty(len(scores), dtype=np.int32)
    try:
        is_complete = _native.count_higher(*scoring.to_native(), rows, indptr, scores, higher, n_threads, cancel)
    except ValueError as error:
        raise ParameterError(f"The percentiles cannot be counted: {error}.") from None
    if not is_complete:
        raise KeyboardInterrupt
    return higher
