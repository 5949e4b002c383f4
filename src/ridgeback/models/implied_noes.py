"""The pairs that LogisticMF lists beside the stored ones: items that a user has no pair with, taken as noes."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ridgeback.data.csr import Csr
from ridgeback.models.training import ListedPairs
from ridgeback.solvers.negatives import sample_negatives

IMPLIED = np.float32(-1)
"""The value of an implied no. Stored values are above zero (yes) or zero (an observed no), so that it marks itself."""


def with_noes(pairs: ListedPairs, columns: npt.NDArray[np.int32], n: int, seed: int, n_threads: int) -> ListedPairs:
    """The pairs, and `n` columns (all where there are fewer) that each non-empty row does not hold, as implied noes.

    Parameters
    ----------
    pairs : ListedPairs
        The stored pairs.
    columns : int32 array, ascending
        Columns that may be listed.
    n : int
        How many a row, drawn as `ridgeback.solvers.negatives` says.
    seed, n_threads : int
    """
    noes = sample_negatives(pairs.rows, columns, n, seed, n_threads)
    if noes.nnz == 0:
        return pairs
    rows = _merged(pairs.rows, pairs.rows.values(), noes, IMPLIED)
    if pairs.weights is None:
        return ListedPairs(rows)
    return ListedPairs(rows, _merged(pairs.rows, pairs.weights, noes, np.float32(1)).data)


def is_implied(pairs: ListedPairs) -> npt.NDArray[np.bool_]:
    """Which entries are implied noes."""
    return pairs.rows.values() < 0


def stored_counts(pairs: ListedPairs) -> npt.NDArray[np.int64]:
    """Stored pairs of each row, implied noes left out."""
    before = np.concatenate([[0], np.cumsum(~is_implied(pairs), dtype=np.int64)])
    return np.diff(before[pairs.rows.indptr])


def _merged(pairs: Csr, values: npt.NDArray[Any], noes: Csr, value: np.float32) -> Csr:
    """Both structures in one, columns ascending; they share no entry."""
    places = np.argsort(
        np.concatenate([_order(pairs), _order(noes)]), kind="stable"
    )  # both parts are sorted runs, which a stable sort merges
    indptr = pairs.indptr + noes.indptr
    indices = np.concatenate([pairs.indices, noes.indices])[places]
    data = np.concatenate([values, np.full(noes.nnz, value, dtype=np.float32)])[places]
    return Csr(indptr, indices, data.astype(np.float32, copy=False), pairs.shape)


def _order(matrix: Csr) -> npt.NDArray[np.int64]:
    """A number an entry that orders by row, then by column."""
    return matrix.row_of_entry().astype(np.int64) * matrix.n_columns + matrix.indices
