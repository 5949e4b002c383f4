"""Compressed sparse rows: the one matrix layout of the library."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ridgeback import _native
from ridgeback.cpus import available_cpus
from ridgeback.errors import DataError, MissingDependencyError

INT32_MAX = 2**31 - 1


@dataclass(frozen=True, eq=False)
class Csr:
    """A sparse matrix by rows: row r holds columns ``indices[indptr[r]:indptr[r + 1]]``, ascending, each once.

    Parameters
    ----------
    indptr : int64 array, shape (n_rows + 1,)
        Where each row begins; 64-bit, so that more than 2^31 entries fit.
    indices : int32 array, shape (nnz,)
        Column of each entry.
    data : float32 array, shape (nnz,), or None
        Value of each entry; None where all are 1.
    shape : (int, int)
        Numbers of rows and columns.

    Notes
    -----
    The constructor trusts its arrays. `Csr.from_any` and `Csr.from_pairs` check what comes from outside.

    Examples
    --------
    >>> from ridgeback import Csr
    >>> ratings = Csr.from_pairs([0, 0, 2], [1, 0, 1], [3.0, 5.0, 1.0], shape=(3, 2))
    >>> ratings.row(0)
    (array([0, 1], dtype=int32), array([5., 3.], dtype=float32))
    >>> ratings.transpose().counts()
    array([1, 2])
    """

    indptr: npt.NDArray[np.int64]
    indices: npt.NDArray[np.int32]
    data: npt.NDArray[np.float32] | None
    shape: tuple[int, int]

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        return self.shape[0]

    @property
    def n_columns(self) -> int:
        """Number of columns."""
        return self.shape[1]

    @property
    def nnz(self) -> int:
        """Number of stored entries, explicit zeros included."""
        return int(self.indices.shape[0])

    @property
    def nbytes(self) -> int:
        """Bytes held by the arrays."""
        return self.indptr.nbytes + self.indices.nbytes + (0 if self.data is None else self.data.nbytes)

    def __repr__(self) -> str:
        values = "all 1" if self.data is None else "float32"
        return f"Csr(shape={self.shape}, nnz={self.nnz}, values={values})"

    def counts(self) -> npt.NDArray[np.int64]:
        """Stored entries of each row, shape (n_rows,)."""
        return self.indptr[1:] - self.indptr[:-1]

    def column_counts(self) -> npt.NDArray[np.int64]:
        """Stored entries of each column, shape (n_columns,)."""
        counts = np.zeros(self.n_columns, dtype=np.int64)
        _native.csr_count(self.indices, counts, available_cpus())
        return counts

    def values(self) -> npt.NDArray[np.float32]:
        """Value of each entry, shape (nnz,); ones where `data` is None."""
        return np.ones(self.nnz, dtype=np.float32) if self.data is None else self.data

    def row(self, row: int) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.float32] | None]:
        """Columns and values (None: all 1) of one row, as views."""
        entries = slice(int(self.indptr[row]), int(self.indptr[row + 1]))
        return self.indices[entries], None if self.data is None else self.data[entries]

    def row_of_entry(self) -> npt.NDArray[np.int32]:
        """Row of each entry, shape (nnz,)."""
        return np.repeat(np.arange(self.n_rows, dtype=np.int32), self.counts())

    def with_data(self, data: npt.NDArray[np.float32] | None) -> Csr:
        """The same structure with other values."""
        if data is None:
            return Csr(self.indptr, self.indices, None, self.shape)
        data = np.ascontiguousarray(data, dtype=np.float32)
        if data.shape != self.indices.shape:
            raise DataError(
                f"data has shape {data.shape}; the matrix has {self.nnz} entries, one value each is needed."
            )
        return Csr(self.indptr, self.indices, data, self.shape)

    def transpose(self) -> Csr:
        """The matrix with rows and columns exchanged; columns ascending, values moved along.

        Notes
        -----
        A counting sort, O(nnz + n_rows + n_columns) time and no memory beyond the result and a histogram a thread.
        """
        indptr = np.empty(self.n_columns + 1, dtype=np.int64)
        indices = np.empty(self.nnz, dtype=np.int32)
        data = None if self.data is None else np.empty(self.nnz, dtype=np.float32)
        _native.csr_transpose(self.indptr, self.indices, self.data, indptr, indices, data, available_cpus())
        return Csr(indptr, indices, data, (self.n_columns, self.n_rows))

    def take(self, rows: npt.ArrayLike) -> Csr:
        """The given rows in the given order (a row may be taken twice)."""
        rows = np.asarray(rows, dtype=np.int64)
        counts = self.counts()[rows]
        indptr = _offsets(counts)
        entries = np.arange(indptr[-1], dtype=np.int64) + np.repeat(self.indptr[rows] - indptr[:-1], counts)
        data = None if self.data is None else self.data[entries]
        return Csr(indptr, self.indices[entries], data, (int(rows.shape[0]), self.n_columns))

    def keep(self, mask: npt.NDArray[np.bool_]) -> Csr:
        """The entries where the mask, shape (nnz,), is true; the shape stays."""
        mask = np.asarray(mask)
        if mask.dtype != np.bool_ or mask.shape != self.indices.shape:
            raise DataError(
                f"mask has dtype {mask.dtype} and shape {mask.shape}; the {self.nnz} entries need one bool each."
            )
        kept = np.flatnonzero(mask)
        indptr = np.searchsorted(kept, self.indptr).astype(np.int64, copy=False)
        return Csr(indptr, self.indices[kept], None if self.data is None else self.data[kept], self.shape)

    def to_scipy(self) -> Any:
        """A `scipy.sparse.csr_matrix` (values of 1 written out)."""
        try:
            from scipy.sparse import csr_matrix
        except ImportError as error:
            raise MissingDependencyError("to_scipy needs SciPy; install it with: pip install scipy") from error
        return csr_matrix((self.values(), self.indices, self.indptr), shape=self.shape)

    @classmethod
    def from_pairs(
        cls, rows: npt.ArrayLike, columns: npt.ArrayLike, data: npt.ArrayLike | None, shape: tuple[int, int]
    ) -> Csr:
        """Build from (row, column, value) triples in any order; values of the same pair are added up.

        Parameters
        ----------
        rows, columns : int arrays, shape (n,)
            Codes within `shape`.
        data : float array, shape (n,), or None
            Values; None counts each triple as 1.
        shape : (int, int)
            Numbers of rows and columns, each below 2^31.
        """
        from ridgeback.data.pairs import PairTable, merge_pairs

        shape = _checked_shape(shape)
        values = None if data is None else np.ascontiguousarray(data, dtype=np.float32)
        row_codes = _checked_codes(rows, shape[0], "rows")
        column_codes = _checked_codes(columns, shape[1], "columns")
        if row_codes.shape != column_codes.shape or (values is not None and values.shape != row_codes.shape):
            lengths = [row_codes.shape[0], column_codes.shape[0]] + ([] if values is None else [values.shape[0]])
            raise DataError(f"rows, columns and data differ in length: {lengths}; one of each per entry is needed.")
        return merge_pairs(PairTable(row_codes, column_codes, values), shape, "sum").matrix

    @classmethod
    def from_any(cls, matrix: Any) -> Csr:
        """Accept a Csr, or a SciPy CSR, CSC or COO matrix by its attributes.

        Raises
        ------
        DataError
            When the object is none of these, or its shape, row pointers or columns contradict each other.
        """
        if isinstance(matrix, Csr):
            return matrix
        layout = getattr(matrix, "format", None)
        if layout is None and hasattr(matrix, "indptr"):
            layout = "csr"
        if layout == "csr":
            return _from_compressed(matrix, tuple(matrix.shape))
        if layout == "csc":
            rows, columns = matrix.shape
            return _from_compressed(matrix, (columns, rows)).transpose()
        if layout == "coo":
            return cls.from_pairs(matrix.row, matrix.col, matrix.data, matrix.shape)
        kind = f"a {layout} matrix" if isinstance(layout, str) else f"{type(matrix).__name__}"
        raise DataError(
            f"a sparse matrix must be CSR, CSC or COO (Csr, or SciPy's, by attributes); got {kind}. "
            "Convert it with .tocsr(). A dense array with NaN where a pair is missing becomes interactions with "
            "rb.examples.matrix_interactions(array); one with 0 there, with scipy.sparse.csr_matrix(array)."
        )


def _from_compressed(matrix: Any, shape: tuple[int, int]) -> Csr:
    """Check indptr, indices and data of a row-compressed matrix; sort its columns and add up repeated ones."""
    shape = _checked_shape(shape)
    indptr = np.ascontiguousarray(matrix.indptr, dtype=np.int64)
    if indptr.shape != (shape[0] + 1,):
        raise DataError(f"indptr has shape {indptr.shape}; a matrix of {shape[0]} rows needs ({shape[0] + 1},).")
    steps = np.diff(indptr)
    if indptr[0] != 0 or (steps < 0).any():
        row = 0 if indptr[0] != 0 else int(np.argmax(steps < 0))
        raise DataError(
            f"indptr must start at 0 and never fall; at row {row} it goes from {indptr[row]}{_next(indptr, row)}."
        )
    nnz = int(indptr[-1])
    indices = _checked_codes(matrix.indices, shape[1], "indices")
    raw = getattr(matrix, "data", None)
    data = None if raw is None else np.ascontiguousarray(raw, dtype=np.float32)
    for name, array in (("indices", indices), ("data", data)):
        if array is not None and array.shape != (nnz,):
            raise DataError(f"{name} has shape {array.shape}; indptr ends at {nnz} entries.")
    if _has_ascending_columns(indptr, indices):
        return Csr(indptr, indices, None if data is None or _is_all_one(data) else data, shape)
    rows = np.repeat(np.arange(shape[0], dtype=np.int32), steps)
    return Csr.from_pairs(rows, indices, data, shape)


def _next(indptr: npt.NDArray[np.int64], row: int) -> str:
    return f" to {indptr[row + 1]}" if row + 1 < len(indptr) else ""


def _has_ascending_columns(indptr: npt.NDArray[np.int64], indices: npt.NDArray[np.int32]) -> bool:
    """Whether each row's columns ascend strictly."""
    if len(indices) < 2:
        return True
    rises = indices[1:] > indices[:-1]
    starts = indptr[1:-1]
    rises[starts[(starts > 0) & (starts < len(indices))] - 1] = True
    return bool(rises.all())


def _checked_shape(shape: Any) -> tuple[int, int]:
    sizes = [int(n) for n in shape]
    if len(sizes) != 2 or min(sizes) < 0 or max(sizes) > INT32_MAX:
        raise DataError(f"shape must be two numbers from 0 to {INT32_MAX}; got {tuple(sizes)}.")
    return sizes[0], sizes[1]


def _checked_codes(codes: Any, n_codes: int, name: str) -> npt.NDArray[np.int32]:
    """Codes as int32, each from 0 to n_codes - 1."""
    array = np.asarray(codes)
    if array.ndim != 1 or (array.size and array.dtype.kind not in "iu"):
        raise DataError(
            f"{name} must be one-dimensional and whole numbers; got dtype {array.dtype}, shape {array.shape}."
        )
    if array.size:
        low, high = int(array.min()), int(array.max())
        if low < 0 or high >= n_codes:
            worst = low if low < 0 else high
            place = int(np.argmax(array == worst))
            raise DataError(
                f"{name} must lie in 0..{n_codes - 1}; entry {place} is {worst}. Check the shape {n_codes}."
            )
    return np.ascontiguousarray(array, dtype=np.int32)


def _is_all_one(data: npt.NDArray[np.float32]) -> bool:
    """Whether every value is 1, looked at in blocks so that a "no" comes early."""
    return all(bool((data[i : i + 65536] == 1.0).all()) for i in range(0, len(data), 65536))


def _offsets(counts: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Running totals of counts, starting with 0."""
    offsets = np.zeros(len(counts) + 1, dtype=np.int64)
    np.cumsum(counts, out=offsets[1:])
    return offsets
