"""The best items of many users, on arrays: scoring, filtering and selection in one native pass."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ridgeback import _native
from ridgeback.errors import ParameterError
from ridgeback.recommend.lists import RowLists, TopK
from ridgeback.recommend.scoring import Scoring
from ridgeback.recommend.scoring_arrays import Floats, eligible_rows, matrix, row_numbers, vector

Cancel = npt.NDArray[np.uint8]

_PLACES_PER_CALL = 1 << 24  # (users x k) filled by one native call: bounds the memory of unused places


def top_k(
    user_factors: Floats,
    item_factors: Floats,
    *,
    k: int,
    items: npt.ArrayLike | None = None,
    candidates: RowLists | None = None,
    exclude: RowLists | None = None,
    n_threads: int = 1,
    cancel: Cancel | None = None,
    **terms: Any,
) -> TopK:
    """Find every user's `k` items of highest ``((mean + b_u) + b_i) + x_u . y_i``, plus what `neighbors` add.

    Parameters
    ----------
    user_factors, item_factors, **terms
        What a score is made of: the attributes of `ridgeback.recommend.scoring.Scoring`.
    k : int, >= 0
        Items wanted for each user.
    items : ascending int32 array, or None
        The eligible item rows; None: all.
    candidates : lists of rows, or None
        Own eligible rows for every user, instead of `items`.
    exclude : lists of rows, or None
        Ascending item rows that a user does not get, aligned with `user_factors`.
    n_threads : int
    cancel : uint8 array of length 1, or None
        Set to non-zero by another thread to stop early.

    Returns
    -------
    TopK
        Unpacks to (items, scores, counts). Equal scores stand in ascending row order; a list is never padded: it has
        fewer than `k` items where fewer are eligible. NaN and minus infinity are never returned.

    Raises
    ------
    ParameterError
        If k is negative or the shapes do not fit.
    KeyboardInterrupt
        If `cancel` was set.

    Notes
    -----
    Exact, with the same bits for any number of threads. O(n_users * n_items * n_factors) time; beside the result the
    memory is a few MB a thread.

    Examples
    --------
    >>> import numpy as np
    >>> from ridgeback.recommend import top_k
    >>> users = np.array([[1.0, 0.0], [0.0, 1.0]], dtype=np.float32)
    >>> items = np.array([[0.5, 0.1], [0.2, 0.9], [0.5, 0.4]], dtype=np.float32)
    >>> found = top_k(users, items, k=2)
    >>> found.items
    array([0, 2, 1, 2], dtype=int32)
    >>> found.counts
    array([2, 2], dtype=int32)
    """
    return best_items(
        Scoring(user_factors, item_factors, **terms),
        k=k,
        items=items,
        candidates=candidates,
        exclude=exclude,
        n_threads=n_threads,
        cancel=cancel,
    )


def best_items(
    scoring: Scoring,
    *,
    k: int,
    items: npt.ArrayLike | None = None,
    candidates: RowLists | None = None,
    exclude: RowLists | None = None,
    n_threads: int = 1,
    cancel: Cancel | None = None,
) -> TopK:
    """Find every user's best items: `top_k` of a `Scoring`."""
    n_users = scoring.n_users
    if candidates is not None:
        if items is not None:
            raise ParameterError("The parameters 'items' and 'candidates' exclude each other. Give one of them.")
        longest = int(np.diff(candidates.indptr).max(initial=0))
        return _in_runs(
            n_users,
            _keep(k, longest),
            lambda begin, end, out: _native.top_k_of_candidates(
                *scoring.to_native(begin, end),
                candidates.indptr[begin : end + 1],
                candidates.indices,
                *_run_or_none(exclude, begin, end, n_users),
                out[0],
                out[1],
                out[2],
                n_threads,
                cancel,
            ),
        )
    rows = eligible_rows(items, scoring.n_items)
    return _in_runs(
        n_users,
        _keep(k, scoring.n_items if rows is None else len(rows)),
        lambda begin, end, out: _native.top_k(
            *scoring.to_native(begin, end),
            rows,
            *_run_or_none(exclude, begin, end, n_users),
            None,
            -np.inf,
            np.inf,
            out[0],
            out[1],
            out[2],
            n_threads,
            cancel,
        ),
    )


def similar(
    query_factors: Floats,
    factors: Floats,
    *,
    k: int,
    items: npt.ArrayLike | None = None,
    exclude: RowLists | None = None,
    row_biases: Floats | None = None,
    n_threads: int = 1,
    cancel: Cancel | None = None,
) -> TopK:
    """Find the `k` rows of `factors` with the highest cosine, x . y / (|x| |y|), to each query row.

    Parameters
    ----------
    query_factors : float32 array of shape (n_queries, n_factors)
    factors : float32 array of shape (n_rows, n_factors)
    row_biases : float32 array of shape (n_rows,), or None
        Added to the cosines.
    k, items, exclude, n_threads, cancel
        As in `top_k`.

    Returns
    -------
    TopK
        Scores within [-1, 1] where nothing is added. Rows of zeros have no direction: they are left out, and such a
        query finds nothing.
    """
    queries, rows_ = matrix(query_factors, "query_factors"), matrix(factors, "factors")
    query_scales, scales = inverse_norms(queries, n_threads=n_threads), inverse_norms(rows_, n_threads=n_threads)
    directions = queries * query_scales[:, None]
    offsets = np.where(query_scales > 0, np.float32(0), np.float32(-np.inf)).astype(np.float32)
    eligible, biases = eligible_rows(items, len(rows_)), vector(row_biases, len(rows_), "row_biases")
    bounds = (-1.0, 1.0) if biases is None else (-np.inf, np.inf)
    return _in_runs(
        len(queries),
        _keep(k, len(rows_) if eligible is None else len(eligible)),
        lambda begin, end, out: _native.top_k(
            directions[begin:end],
            rows_,
            offsets[begin:end],
            biases,
            0.0,
            None,
            eligible,
            *_run_or_none(exclude, begin, end, len(queries)),
            scales,
            *bounds,
            out[0],
            out[1],
            out[2],
            n_threads,
            cancel,
        ),
    )


def score_pairs(
    user_factors: Floats,
    item_factors: Floats,
    users: npt.ArrayLike,
    items: npt.ArrayLike,
    *,
    n_threads: int = 1,
    cancel: Cancel | None = None,
    **terms: Any,
) -> Floats:
    """Score the pairs (users[i], items[i]) of rows, with the same bits as `top_k` gives.

    Parameters
    ----------
    user_factors, item_factors, n_threads, cancel, **terms
        As in `top_k`.
    users, items : int arrays of one length
        Rows of `user_factors` and `item_factors`.

    Returns
    -------
    float32 array
    """
    return scores_of(Scoring(user_factors, item_factors, **terms), users, items, n_threads=n_threads, cancel=cancel)


def scores_of(
    scoring: Scoring, users: npt.ArrayLike, items: npt.ArrayLike, *, n_threads: int = 1, cancel: Cancel | None = None
) -> Floats:
    """Score pairs of rows: `score_pairs` of a `Scoring`."""
    user_rows, item_rows = row_numbers(users, "users"), row_numbers(items, "items")
    scores = np.empty(len(user_rows), dtype=np.float32)
    try:
        is_complete = _native.score_pairs(*scoring.to_native(), user_rows, item_rows, scores, n_threads, cancel)
    except ValueError as error:
        raise ParameterError(f"The pairs cannot be scored: {error}.") from None
    if not is_complete:
        raise KeyboardInterrupt
    return scores


def inverse_norms(factors: Floats, *, n_threads: int = 1) -> Floats:
    """Compute 1 / length of every row, summed in float64; 0 where the row is zero.

    Parameters
    ----------
    factors : float32 array of shape (n_rows, n_factors)

    Returns
    -------
    float32 array of shape (n_rows,)
    """
    scales = np.empty(len(factors), dtype=np.float32)
    _native.inverse_norms(factors, scales, n_threads, None)
    return scales


def _in_runs(n_users: int, keep: int, fill: Any) -> TopK:
    """Call fill(begin, end, (rows, scores, counts)) for runs of users, and close the gaps of short lists."""
    users_per_call = max(1, _PLACES_PER_CALL // max(1, keep))
    parts = []
    for begin in range(0, max(1, n_users), users_per_call):
        end = min(begin + users_per_call, n_users)
        rows = np.empty((end - begin, keep), dtype=np.int32)
        scores = np.empty((end - begin, keep), dtype=np.float32)
        counts = np.empty(end - begin, dtype=np.int32)
        try:
            is_complete = fill(begin, end, (rows, scores, counts))
        except ValueError as error:
            raise ParameterError(f"The best items cannot be found: {error}.") from None
        if not is_complete:
            raise KeyboardInterrupt
        if counts.min(initial=keep) < keep:
            is_filled = np.arange(keep) < counts[:, None]
            parts.append(TopK(rows[is_filled], scores[is_filled], counts))
        else:
            parts.append(TopK(rows.ravel(), scores.ravel(), counts))
    if len(parts) == 1:
        return parts[0]
    return TopK(
        np.concatenate([part.items for part in parts]),
        np.concatenate([part.scores for part in parts]),
        np.concatenate([part.counts for part in parts]),
    )


def _run_or_none(lists: RowLists | None, begin: int, end: int, n_users: int) -> tuple[Any, Any]:
    """indptr and indices of the users begin .. end - 1, or two Nones."""
    if lists is None:
        return None, None
    if len(lists.indptr) != n_users + 1:
        raise ParameterError(
            f"The parameter 'exclude' must have {n_users} rows, one a user. Got {len(lists.indptr) - 1}."
        )
    return lists.indptr[begin : end + 1], lists.indices


def _keep(k: int, n_eligible: int) -> int:
    """Places a user needs."""
    return min(list_length(k), n_eligible)


def list_length(k: Any) -> int:
    """The number of items wanted, checked."""
    if isinstance(k, bool) or not isinstance(k, (int, np.integer)) or k < 0:
        raise ParameterError(f"The parameter 'k' must be an int >= 0: the number of items wanted. Got {k!r} instead.")
    return int(k)
