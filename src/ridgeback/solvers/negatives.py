"""Sampled negatives: items that a user has no pair with, taken as noes.

A user's draws depend on the seed and on the items held, never on the row's number, on the other users or on the thread
count: whoever holds the same items gets the same negatives, in training and in fold-in, now and after loading. Every
free item of the pool is equally likely, and none is drawn twice.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ridgeback import _native
from ridgeback.data.csr import Csr

GOLDEN = 0x9E3779B97F4A7C15
MASK = 2**64 - 1


def sample_negatives(
    user_items: Csr, pool: npt.NDArray[np.int32], n_negatives: int, seed: int, n_threads: int = 1
) -> Csr:
    """Draw `n_negatives` items for every row that holds any; all that are free where there are fewer.

    Parameters
    ----------
    user_items : Csr, shape (n_users, n_items)
        What each user holds: yeses and observed noes.
    pool : int32 array, ascending
        Item rows that may be drawn.
    n_negatives : int
        How many a user.
    seed : int
        0 to 2^64 - 1.
    n_threads : int, default 1

    Returns
    -------
    Csr, shape (n_users, n_items)
        The drawn items, ascending; rows that hold nothing get none.

    Notes
    -----
    O(n_negatives log n_negatives) a user.
    """
    is_in_pool = np.zeros(user_items.n_columns, dtype=bool)
    is_in_pool[pool] = True
    held_before = np.concatenate([[0], np.cumsum(is_in_pool[user_items.indices], dtype=np.int64)])
    n_free = len(pool) - np.diff(held_before[user_items.indptr])
    n_drawn = np.where(user_items.counts() > 0, np.minimum(n_free, n_negatives), 0)
    indptr = np.concatenate([[0], np.cumsum(n_drawn)]).astype(np.int64)
    indices = np.empty(indptr[-1], dtype=np.int32)
    pool = np.ascontiguousarray(pool, dtype=np.int32)
    _native.sample_negatives(user_items.indptr, user_items.indices, pool, seed, indptr, indices, n_threads)
    return Csr(indptr, indices, None, user_items.shape)


def draw_negatives(held: Sequence[int], pool: Sequence[int], n_negatives: int, seed: int) -> list[int]:
    """One row of `sample_negatives`, in plain Python: the definition.

    The held items, ascending, are hashed into a key; draw t is a hash of key and t, read as a rank among the free items
    of the pool. The first different ranks count. Where more than half of the free items are wanted, the ones to leave
    out are drawn instead.
    """
    key = seed
    for item in held:
        key = _mix(key ^ item)
    free = sorted(set(pool) - set(held))
    n = min(n_negatives, len(free))
    n_ranks = len(free) - n if n > len(free) // 2 else n
    ranks: set[int] = set()
    t = 0
    while len(ranks) < n_ranks:
        t += 1
        ranks.add((_mix((key + t * GOLDEN) & MASK) * len(free)) >> 64)
    if n > len(free) // 2:
        ranks = set(range(len(free))) - ranks
    return [free[rank] for rank in sorted(ranks)]


def _mix(x: int) -> int:
    """The finaliser of SplitMix64 (Steele, Lea & Flood 2014)."""
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & MASK
    return x ^ (x >> 31)
