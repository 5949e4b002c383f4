"""The neighbourhood term of ImplicitALS: what items that the same users have add to a score.

::

    score(u, i) = x_u . y_i  +  neighbor_weight * scale * n_u^-p * sum over j in history(u) of S_ji

S is the normalised item-item product of `ridgeback.solvers.neighbors`; `scale` makes both terms spread equally, so that
`neighbor_weight` means the same on all data.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from ridgeback.data.csr import Csr
from ridgeback.recommend.lists import RowLists
from ridgeback.recommend.neighbor_term import NeighborTerm
from ridgeback.solvers.matrices import gram, one_blas_thread
from ridgeback.solvers.neighbors import item_neighbors
from ridgeback.solvers.problem import Float32Array, Float64Array

ITEM_EXPONENT = 0.5  # e
USER_EXPONENT = 0.6  # f
HISTORY_EXPONENT = 0.4  # p
_MOST_SAMPLED = 1000
_NOTHING = 1e-12  # a variance of scores that are 1 for what was met


@dataclass(frozen=True)
class Neighborhood:
    """What a fit froze of the neighbourhood term.

    Attributes
    ----------
    similarity : Csr, shape (n_items, n_items)
        S: row j holds the neighbours of item j, with positive values.
    factor : float
        neighbor_weight * scale; 0 until the factors are known.
    history_exponent : float
        p.
    """

    similarity: Csr
    factor: float = 0.0
    history_exponent: float = HISTORY_EXPONENT
    _spread: list[Any] = field(default_factory=list, repr=False, compare=False)  # of histories: these, and how much

    def term(self, histories: RowLists) -> NeighborTerm:
        """The term of users with these histories."""
        return NeighborTerm(self.similarity, histories, self.user_scales(np.diff(histories.indptr)).astype(np.float32))

    def user_scales(self, counts: npt.NDArray[np.int64]) -> Float64Array:
        """``factor * n^-p``."""
        return np.asarray(self.factor * np.maximum(counts, 1).astype(np.float64) ** -self.history_exponent)

    def shares(self, history: npt.NDArray[np.int32], item: int) -> Float64Array:
        """What each item of one history adds to the score of an item, in float64, shape (n_u,)."""
        found = np.zeros(len(history))
        for place, row in enumerate(history.tolist()):
            items, values = self.similarity.row(row)
            at = int(np.searchsorted(items, item))
            if at < len(items) and items[at] == item and values is not None:
                found[place] = values[at]
        return np.asarray(found * self.user_scales(np.array([len(history)]))[0])

    def with_items(self, n_items: int) -> Neighborhood:
        """The same with further items behind, which are nobody's neighbours."""
        S = self.similarity
        indptr = np.append(S.indptr, np.full(n_items - S.n_rows, S.indptr[-1], dtype=np.int64))
        return replace(self, similarity=Csr(indptr, S.indices, S.data, (n_items, n_items)), _spread=[])

    def scaled(
        self, weight: float, users: Float32Array, items: Float32Array, histories: Csr, n_threads: int
    ) -> Neighborhood:
        """The same for these factors: ``weight`` times the ratio of the two terms' standard deviations.

        Both are taken over all items within each user, and averaged over at most 1,000 users with a history, always the
        same for one table. Where the factors say nothing, the neighbours stand alone; and where no two items share a
        user, the factor is 0.
        """
        spread = self._spread_of(histories)
        if spread == 0:
            return replace(self, factor=0.0)
        of_factors = _factor_variance(users[_sampled_users(histories)], items, n_threads)
        if of_factors < _NOTHING:
            of_factors = 1.0
        return replace(self, factor=weight * float(np.sqrt(of_factors / spread)))

    def _spread_of(self, histories: Csr) -> float:
        """Variance of what neighbours say, over all items; kept for a fit that is measured after every iteration."""
        if not self._spread or self._spread[0] is not histories:
            asked, own = _sampled_users(histories), replace(self, factor=1.0)
            found = float(np.mean([_variance(own, histories, user) for user in asked.tolist()])) if len(asked) else 0.0
            self._spread[:] = [histories, found]
        return float(self._spread[1])


def build(user_items: Csr, n_neighbors: int, n_threads: int, cancel: npt.NDArray[np.uint8] | None) -> Neighborhood:
    """The neighbours of every item; the factor is set by `Neighborhood.scaled` when there are factors.

    Raises
    ------
    KeyboardInterrupt
        If `cancel` was set.
    """
    return Neighborhood(
        item_neighbors(
            user_items,
            n_neighbors,
            item_exponent=ITEM_EXPONENT,
            user_exponent=USER_EXPONENT,
            n_threads=n_threads,
            cancel=cancel,
        )
    )


def _sampled_users(histories: Csr) -> npt.NDArray[np.int64]:
    """At most 1,000 rows of users who have something, ascending."""
    having = np.flatnonzero(histories.counts() > 0)
    if len(having) <= _MOST_SAMPLED:
        return having
    return np.sort(np.random.default_rng(0).choice(having, _MOST_SAMPLED, replace=False))


def _variance(neighborhood: Neighborhood, histories: Csr, user: int) -> float:
    """Variance, over the items, of what neighbours say to one user."""
    items, _ = histories.row(user)
    rows = neighborhood.similarity.take(items)
    sums = np.bincount(rows.indices, rows.values(), minlength=rows.n_columns)
    return float(np.var(sums * neighborhood.user_scales(np.array([len(items)]))[0]))


def _factor_variance(users: Float32Array, items: Float32Array, n_threads: int) -> float:
    """Mean over the users of the variance of ``x . y`` over the items, from the Gramian."""
    second = gram(items, n_threads=n_threads) / len(items)
    mean = items.mean(axis=0, dtype=np.float64)
    X = users.astype(np.float64)
    with one_blas_thread():  # whose sums do not depend on the machine's load
        variances = np.sum((X @ (second - np.outer(mean, mean))) * X, axis=1)
    return float(np.mean(variances.clip(min=0)))
