"""Which items the same users have: the largest entries a row of a normalised item-item product, built natively.

::

    S = D_i^-e  R^T D_u^-f R  D_i^-e ,    diagonal zero,    R binary, D the interaction counts

The product itself never exists: each row is summed in an array of its own, and what is kept of it is written down.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ridgeback import _native
from ridgeback.data.csr import Csr

_ENTRIES_PER_CALL = 1 << 24  # places that one native call fills: bounds the memory of unused ones
MOST_ADDITIONS = 1 << 36  # that a matrix may take: about eight minutes of one thread


def item_neighbors(
    user_items: Csr,
    n_neighbors: int,
    *,
    item_exponent: float,
    user_exponent: float,
    n_threads: int = 1,
    cancel: npt.NDArray[np.uint8] | None = None,
) -> Csr:
    """Keep the `n_neighbors` largest entries a row of the normalised item-item product.

    Parameters
    ----------
    user_items : Csr, shape (n_users, n_items)
        Who has what; values are not read.
    n_neighbors : int, >= 1
        Entries kept of a row: the largest, of equals those of the first items.
    item_exponent, user_exponent : float
        e and f.
    n_threads : int
    cancel : uint8 array of length 1, or None

    Returns
    -------
    Csr, shape (n_items, n_items)
        Row j holds the neighbours of item j, ascending, with positive values.

    Raises
    ------
    KeyboardInterrupt
        If `cancel` was set.

    Notes
    -----
    ``sum_u n_u^2`` additions. Where these are more than `MOST_ADDITIONS`, the most active users stand with an even
    share of their items (`with_fewer_items`). Memory beside the result: one transposed copy of the pairs and 8 bytes
    an item and thread. The same bits for any number of threads: one thread sums a row, in the order of its users.
    """
    counts = user_items.column_counts()
    used = with_fewer_items(user_items, MOST_ADDITIONS)
    by_item = used.with_data(None).transpose()
    user_weights = _powers(user_items.counts(), -user_exponent)
    item_weights = _powers(counts, -item_exponent)
    n_items, keep = user_items.n_columns, min(n_neighbors, user_items.n_columns)
    rows_per_call = max(1, _ENTRIES_PER_CALL // max(1, keep))
    indptr = np.zeros(n_items + 1, dtype=np.int64)
    items, values = np.empty(n_items * keep, dtype=np.int32), np.empty(n_items * keep, dtype=np.float32)
    for begin in range(0, n_items, rows_per_call):
        end = min(begin + rows_per_call, n_items)
        places = np.empty((end - begin, keep), dtype=np.int32)
        sums = np.empty((end - begin, keep), dtype=np.float32)
        kept = np.empty(end - begin, dtype=np.int32)
        is_complete = _native.item_neighbors(
            used.indptr, used.indices, by_item.indptr, by_item.indices, user_weights, item_weights,
            begin, end, places, sums, kept, n_threads, cancel,
        )  # fmt: skip
        if not is_complete:
            raise KeyboardInterrupt
        is_filled = np.arange(keep) < kept[:, None]
        indptr[begin + 1 : end + 1] = indptr[begin] + np.cumsum(kept, dtype=np.int64)
        items[indptr[begin] : indptr[end]] = places[is_filled]
        values[indptr[begin] : indptr[end]] = sums[is_filled]
    items.resize(indptr[-1], refcheck=False)  # what was never written to took no memory
    values.resize(indptr[-1], refcheck=False)
    return Csr(indptr, items, values, (n_items, n_items))


def with_fewer_items(user_items: Csr, most_additions: int) -> Csr:
    """The pairs, of the most active users only as many as keep ``sum_u n_u^2`` within `most_additions`.

    Every user keeps up to m items, evenly spaced in the order of rows, with m the largest power of two that will do (at
    least 64); nothing is drawn, so the same data give the same pairs.
    """
    counts = user_items.counts()
    longest = int(counts.max(initial=0))
    most = 1 << max(6, longest.bit_length())
    while most > 64 and _additions(counts, most) > most_additions:
        most //= 2
    if most >= longest:
        return user_items
    kept = np.ones(user_items.nnz, dtype=bool)
    for user in np.flatnonzero(counts > most).tolist():
        begin, n = int(user_items.indptr[user]), int(counts[user])
        kept[begin : begin + n] = False
        kept[begin + np.arange(most, dtype=np.int64) * n // most] = True
    return user_items.keep(kept)


def _additions(counts: npt.NDArray[np.int64], most: int) -> float:
    """``sum_u min(n_u, most)^2``."""
    return float(np.square(np.minimum(counts, most).astype(np.float64)).sum())


def _powers(counts: npt.NDArray[np.int64], exponent: float) -> npt.NDArray[np.float32]:
    """``max(n, 1) ** exponent``."""
    return np.asarray(np.maximum(counts, 1).astype(np.float64) ** exponent, dtype=np.float32)
