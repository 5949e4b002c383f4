"""Where users' relevant items stand among everything that could be ranked for them: the area under the ROC curve."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ridgeback.data.csr import Csr
from ridgeback.evaluation.askers import JudgedAskers
from ridgeback.metrics.auc import Standing, auc_by_user, standing
from ridgeback.metrics.ranking import contains
from ridgeback.models.recommender import Recommender


def auc(
    model: Recommender,
    askers: JudgedAskers,
    relevant: Csr,
    n_relevant: NDArray[np.int64],
    is_eligible: NDArray[np.bool_],
    lists: Csr | None,
) -> NDArray[np.float64]:
    """AUC of some users over all items that could be ranked for them.

    Parameters
    ----------
    model : Recommender
    askers : JudgedAskers
    relevant : Csr, shape (n_users, n_items)
        Relevant items in the model's rows; none of them is among the seen ones.
    n_relevant : ndarray of int, shape (n_users,)
        With those that the model does not know, which stand below everything.
    is_eligible : ndarray of bool, shape (n_items,)
    lists : Csr, or None
        What is ranked for each user; None: all eligible items.

    Returns
    -------
    ndarray of float64, shape (n_users,)
        NaN where nothing irrelevant could be ranked.
    """
    known = relevant.keep(is_eligible[relevant.indices])
    users, scores = known.row_of_entry(), _scores(model, askers, known)
    own = standing(users, scores, users, scores)
    if lists is not None:
        ranked = lists.keep(~contains(askers.seen, lists.row_of_entry(), lists.indices))
        among = standing(users, scores, ranked.row_of_entry(), _scores(model, askers, ranked))
        n_irrelevant = ranked.counts() - known.counts()
    else:
        seen = askers.seen.keep(is_eligible[askers.seen.indices])
        before = standing(users, scores, seen.row_of_entry(), _scores(model, askers, seen))
        everything = _among_all(model, askers, users, scores)
        among = Standing(everything.higher - before.higher, everything.no_lower - before.no_lower)
        n_irrelevant = int(np.count_nonzero(is_eligible)) - seen.counts() - known.counts()
    irrelevant = Standing(among.higher - own.higher, among.no_lower - own.no_lower)
    return auc_by_user(users, irrelevant, n_relevant, n_irrelevant)


def _scores(model: Recommender, askers: JudgedAskers, pairs: Csr) -> NDArray[np.float32]:
    """The score of every stored pair."""
    return model._score_rows(askers, pairs.row_of_entry(), pairs.indices)


def _among_all(
    model: Recommender, askers: JudgedAskers, users: NDArray[np.int32], scores: NDArray[np.float32]
) -> Standing:
    """Where scores stand among the user's scores of all eligible items."""
    below = np.nextafter(scores, np.float32(-np.inf), dtype=np.float32)  # what is above it is no lower than the score
    wanted, owners = np.concatenate([scores, below]), np.concatenate([users, users])
    order = np.lexsort([-wanted, owners])
    counts = np.bincount(owners, minlength=len(askers.is_fallback))
    found = model._count_higher(askers, wanted[order], counts.astype(np.int32))
    higher = np.empty(len(wanted), dtype=np.int64)
    higher[order] = found
    return Standing(higher[: len(scores)], higher[len(scores) :])
