"""Area under the ROC curve, user by user, from counts of higher and equal scores."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


class Standing(NamedTuple):
    """Where scores stand among their user's other scores: how many are higher, and how many are no lower."""

    higher: IntArray
    no_lower: IntArray


def standing(
    users: NDArray[np.integer[Any]],
    scores: NDArray[np.float32],
    other_users: NDArray[np.integer[Any]],
    other_scores: NDArray[np.float32],
) -> Standing:
    """Count, for each score, the same user's other scores above it, and those not below it.

    Parameters
    ----------
    users, scores : arrays of one length
    other_users, other_scores : arrays of one length
        Among which it is counted. Scores are finite.

    Notes
    -----
    One sort of the others: user and score make one 64-bit key.
    """
    keys, others = _keys(users, scores), np.sort(_keys(other_users, other_scores))
    ends = np.searchsorted(others, (users.astype(np.int64) + 1) << 32)
    return Standing(ends - np.searchsorted(others, keys, side="right"), ends - np.searchsorted(others, keys))


def auc_by_user(
    users: NDArray[np.integer[Any]],
    relevant: Standing,
    n_relevant: NDArray[np.integer[Any]],
    n_irrelevant: NDArray[np.integer[Any]],
) -> FloatArray:
    """Share of the pairs of a relevant and an irrelevant item that are in the right order, a tie counting half.

    Parameters
    ----------
    users : ndarray of int, shape (n_scored,)
        The user of each relevant item that has a score.
    relevant : Standing
        Of these among the user's irrelevant items.
    n_relevant : ndarray of int, shape (n_users,)
        All relevant items; those without a score stand below everything.
    n_irrelevant : ndarray of int, shape (n_users,)

    Returns
    -------
    ndarray of float64, shape (n_users,)
        NaN where there is no relevant or no irrelevant item.

    References
    ----------
    T. Fawcett, "An introduction to ROC analysis", Pattern Recognition Letters 27(8), 2006, section 7; S. Rendle et al.,
    "BPR: Bayesian personalized ranking from implicit feedback", UAI 2009, section 4.1.1.
    """
    below = n_irrelevant[users] - (relevant.higher + relevant.no_lower) / 2.0
    right = np.bincount(users, below, len(n_relevant))
    pairs = n_relevant.astype(np.float64) * n_irrelevant
    shares: FloatArray = np.divide(right, pairs, out=np.full(len(pairs), np.nan), where=pairs > 0)
    return shares


def _keys(users: NDArray[np.integer[Any]], scores: NDArray[np.float32]) -> IntArray:
    """User in the high half, score in the low half in the order of floats; -0 equals 0."""
    bits = (scores.astype(np.float32) + np.float32(0)).view(np.uint32)
    ordered = np.where(bits >> 31, ~bits, bits | np.uint32(1 << 31))
    keys: IntArray = (users.astype(np.int64) << 32) | ordered.astype(np.int64)
    return keys
