"""From table rows (user code, item code, value, ...) to one entry per pair, duplicates handled by rule."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt

from ridgeback import _native
from ridgeback.cpus import available_cpus
from ridgeback.data.csr import Csr, _is_all_one
from ridgeback.errors import ParameterError

DuplicateRule = Literal["sum", "mean", "max", "last"]
RULES: tuple[str, ...] = get_args(DuplicateRule)
_NARROW_LIMIT = 2**32


@dataclass
class PairTable:
    """Columns of the table, one element a row; `merge_pairs` empties it to keep memory low.

    `rows` and `columns` are int32 codes; `values` and `weights` float32 or None (1); `timestamps` int64 or None.
    """

    rows: npt.NDArray[np.int32] | None
    columns: npt.NDArray[np.int32] | None
    values: npt.NDArray[np.float32] | None = None
    weights: npt.NDArray[np.float32] | None = None
    timestamps: npt.NDArray[np.int64] | None = None


@dataclass(frozen=True)
class MergedPairs:
    """One entry per pair: the matrix, and what is aligned with its entries."""

    matrix: Csr
    weights: npt.NDArray[np.float32] | None
    timestamps: npt.NDArray[np.int64] | None
    counts: npt.NDArray[np.int32] | None
    n_duplicates: int


def check_rule(rule: str) -> DuplicateRule:
    """Return the rule, or raise ParameterError."""
    if rule not in RULES:
        raise ParameterError(
            f"The 'duplicates' parameter must be one of {', '.join(map(repr, RULES))} or None. Got {rule!r} instead."
        )
    return rule  # type: ignore[return-value]


def merge_pairs(
    table: PairTable,
    shape: tuple[int, int],
    rule: DuplicateRule,
    *,
    with_counts: bool = False,
    is_last_latest: bool = False,
    is_wide: bool | None = None,
    n_threads: int | None = None,
) -> MergedPairs:
    """Sort the table by (row, column) and combine rows of the same pair.

    The value follows `rule` ("sum" and "mean" add up in float64); the weight and the timestamp are those of the latest
    row: greatest timestamp, of equal ones the last in the table.

    Parameters
    ----------
    table : PairTable
        Codes within `shape`. Its arrays are let go as soon as they are not needed any more.
    shape : (int, int)
        Numbers of row and column codes.
    rule : {"sum", "mean", "max", "last"}
        What becomes of several rows of one pair.
    with_counts : bool
        Also return how many table rows each entry stands for.
    is_last_latest : bool
        Whether the last row of a pair counts as the latest, whatever the timestamps say.
    is_wide : bool, optional
        Sort with 128-bit slots, needed beyond 2^32 table rows; None decides by the number of rows.

    Notes
    -----
    A counting sort by row and a sort of each row: O(n + n_rows) and n log(row length) time, 8 bytes a table row of
    scratch memory beside table and result.
    """
    rows, columns = table.rows, table.columns
    if rows is None or columns is None:
        raise ParameterError("the table was already merged; its arrays are gone. Build it again.")
    n = int(rows.shape[0])
    n_threads = n_threads or available_cpus()
    is_wide = n > _NARROW_LIMIT if is_wide is None else is_wide

    indptr = np.empty(shape[0] + 1, dtype=np.int64)
    unique_indptr = np.empty(shape[0] + 1, dtype=np.int64)
    slots = np.empty(2 * n if is_wide else n, dtype=np.uint64)
    _native.csr_sort_pairs(rows, columns, indptr, slots, unique_indptr, is_wide, n_threads)
    del rows, columns
    table.rows = table.columns = None

    nnz = int(unique_indptr[-1])
    # A value that is that of one row is fetched later, when the slots are gone: less memory at once.
    is_fetched = table.values is not None and (rule == "last" or nnz == n)
    is_combined = not is_fetched and (table.values is not None or (rule == "sum" and nnz < n))
    needs_latest = is_fetched or table.weights is not None or table.timestamps is not None
    indices = np.empty(nnz, dtype=np.int32)
    values = np.empty(nnz, dtype=np.float32) if is_combined else None
    counts = np.empty(nnz, dtype=np.int32) if with_counts else None
    latest: Any = np.empty(nnz, dtype=np.uint64 if is_wide else np.uint32) if needs_latest else None
    combine: Any = _native.csr_combine_wide if is_wide else _native.csr_combine
    combine(
        indptr,
        slots,
        unique_indptr,
        table.values if is_combined else None,
        None if is_last_latest else table.timestamps,
        RULES.index(rule),
        indices,
        values,
        counts,
        latest,
        n_threads,
    )
    del slots

    gather: Any = _native.csr_gather
    weights = timestamps = None
    if is_fetched:
        values = np.empty(nnz, dtype=np.float32)
        gather(table.values, latest, values, n_threads)
    table.values = None
    if table.weights is not None:
        weights = np.empty(nnz, dtype=np.float32)
        gather(table.weights, latest, weights, n_threads)
        table.weights = None
    if table.timestamps is not None:
        timestamps = np.empty(nnz, dtype=np.int64)
        gather(table.timestamps, latest, timestamps, n_threads)
        table.timestamps = None
    if values is not None and _is_all_one(values):
        values = None
    return MergedPairs(Csr(unique_indptr, indices, values, shape), weights, timestamps, counts, n - nnz)
