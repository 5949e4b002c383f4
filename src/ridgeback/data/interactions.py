"""The table of events, as the models see it: who met what, both ways round, with ids at the edge."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ridgeback.data.csr import Csr
from ridgeback.data.ids import Ids
from ridgeback.data.pairs import DuplicateRule, check_rule
from ridgeback.data.text import Text
from ridgeback.data.titles import Titles
from ridgeback.errors import DataError

if TYPE_CHECKING:
    from ridgeback.data.findings import CheckReport


class Interactions:
    """Interactions of users with items.

    Make one with `read_interactions`, `from_frame`, `from_arrays` or `from_csr`; the constructor trusts its arguments.

    Parameters
    ----------
    user_items : Csr, shape (n_users, n_items)
        Values by user; an explicit zero stays stored.
    user_ids, item_ids : Ids
        Ids of its rows and columns.
    weights : float32 array, shape (nnz,), optional
        How much each interaction counts, aligned with `user_items`; None: all 1. Models leave out those of weight 0.
    timestamps : int64 array, shape (nnz,), optional
        When, aligned with `user_items`: numbers as given, dates as microseconds since 1970 UTC.
    merged_counts : int32 array, shape (nnz,), optional
        How many rows were averaged into each interaction; kept with ``duplicates="mean"`` only.
    titles : Titles, optional
        Names of items.
    duplicates : {"sum", "mean", "max", "last"}
        The rule by which rows of one pair were merged.
    has_ratings : bool
        Whether values were given; False when every row counted 1 or kinds of events were weighted.
    report : dict, optional
        What was read: source, columns and which of them were guessed, numbers of rows, duplicates and skipped rows.

    Notes
    -----
    What an explicit zero means is the model's matter: a rating of 0 for ExplicitALS, no interaction for ImplicitALS,
    an observed no for LogisticMF.

    Examples
    --------
    >>> import ridgeback as rb
    >>> data = rb.Interactions.from_arrays(["ann", "bob", "ann"], [10, 10, 20], ratings=[5, 3, 1])
    >>> data
    Interactions(2 users x 2 items, 3 interactions)
    >>> data.user_ids[0], data.user_items.row(0)
    ('ann', (array([0, 1], dtype=int32), array([5., 1.], dtype=float32)))
    """

    def __init__(
        self,
        user_items: Csr,
        user_ids: Ids,
        item_ids: Ids,
        *,
        weights: npt.NDArray[np.float32] | None = None,
        timestamps: npt.NDArray[np.int64] | None = None,
        merged_counts: npt.NDArray[np.int32] | None = None,
        titles: Titles | None = None,
        duplicates: DuplicateRule = "last",
        has_ratings: bool = True,
        report: Mapping[str, Any] | None = None,
    ) -> None:
        self.user_items = user_items
        self.user_ids = user_ids
        self.item_ids = item_ids
        self.weights = weights
        self.timestamps = timestamps
        self.merged_counts = merged_counts
        self.titles = titles
        self.duplicates = duplicates
        self.has_ratings = has_ratings
        self.report: dict[str, Any] = dict(report or {})

    @classmethod
    def from_arrays(
        cls,
        users: Any,
        items: Any,
        ratings: Any = None,
        timestamps: Any = None,
        weights: Any = None,
        *,
        events: Any = None,
        event_weights: Mapping[Any, float] | None = None,
        duplicates: DuplicateRule | None = None,
        on_bad_rows: str = "error",
        titles: Titles | None = None,
    ) -> Interactions:
        """Build from columns, one element an interaction.

        Parameters
        ----------
        users, items : sequences or arrays of int or str, length n
            Ids.
        ratings : sequence or array, length n, optional
            The value: a rating, a count, an amount; finite. Left out, each row counts 1.
        timestamps : sequence or array, length n, optional
            Whole numbers, dates or datetimes.
        weights : sequence or array, length n, optional
            How much an interaction counts; finite and not negative.
        events : sequence, length n, optional
            Kind of each event; needs `event_weights`.
        event_weights : mapping of kind to number, optional
            The value by kind of event, e.g. ``{"view": 1, "cart": 3, "buy": 10}``.
        duplicates : {"sum", "mean", "max", "last"}, optional
            What becomes of several rows of one pair. None: "last" with ratings, "sum" without and with events.
        on_bad_rows : {"error", "skip"}
            Whether a row that is no interaction is an error, or left out and counted in `report`.
        titles : Titles, optional
            Names of items.

        Raises
        ------
        BadRowsError
            At a value that is no finite number, a timestamp that is none, or an id that is missing.
        DataError
            When columns differ in length, or ids are of a kind that cannot be kept.
        """
        from ridgeback.data.arrays import interactions_from_columns
        from ridgeback.data.columns import ChosenColumns
        from ridgeback.data.event_table import ReadOptions

        given = {
            "user": ("users", users),
            "item": ("items", items),
            "rating": ("ratings", ratings),
            "timestamp": ("timestamps", timestamps),
            "weight": ("weights", weights),
            "event": ("events", events),
        }
        values = {part: column for part, (_, column) in given.items() if column is not None}
        names = {part: given[part][0] for part in values}
        columns = ChosenColumns({part: place for place, part in enumerate(values)}, names)
        options = ReadOptions(event_weights, duplicates, on_bad_rows, titles)
        return interactions_from_columns(values, columns, options, "arrays")

    @classmethod
    def from_frame(
        cls,
        frame: Any,
        user: str | int | None = None,
        item: str | int | None = None,
        rating: str | int | bool | None = None,
        timestamp: str | int | bool | None = None,
        weight: str | int | None = None,
        event: str | int | None = None,
        event_weights: Mapping[Any, float] | None = None,
        *,
        duplicates: DuplicateRule | None = None,
        on_bad_rows: str = "error",
        titles: Titles | None = None,
    ) -> Interactions:
        """Build from a frame of pandas, polars, pyarrow, anything with ``__arrow_c_stream__``, or a mapping of columns.

        The parameters are those of `read_interactions`; columns left out are guessed from their names.
        """
        from ridgeback.data.columns import ColumnRequest
        from ridgeback.data.event_table import ReadOptions
        from ridgeback.data.frames import read_frame

        request = ColumnRequest(user, item, rating, timestamp, weight, event)
        return read_frame(frame, request, ReadOptions(event_weights, duplicates, on_bad_rows, titles))

    @classmethod
    def from_csr(
        cls,
        user_items: Any,
        user_ids: Any = None,
        item_ids: Any = None,
        *,
        titles: Titles | None = None,
        duplicates: DuplicateRule | None = None,
    ) -> Interactions:
        """Build from a matrix whose rows are users; rows and columns keep their places.

        Parameters
        ----------
        user_items : Csr or SciPy CSR, CSC or COO matrix, shape (n_users, n_items)
            Finite values; entries at the same place are added up, as SciPy means them.
        user_ids, item_ids : sequences of int or str, or Ids, optional
            Ids of rows and columns, unique; None: 0 ... n - 1.
        titles : Titles, optional
            Names of items.
        duplicates : {"sum", "mean", "max", "last"}, optional
            The rule by which later events are merged. None: "last" with values, "sum" when all are 1.
        """
        matrix = Csr.from_any(user_items)
        if matrix.data is not None and not np.isfinite(matrix.data).all():
            entry = int(np.argmin(np.isfinite(matrix.data)))
            row = int(np.searchsorted(matrix.indptr, entry, side="right")) - 1
            raise DataError(
                f"user_items row {row}, column {matrix.indices[entry]}: value {matrix.data[entry]} is not a finite "
                "number; remove it or replace it"
                + (
                    ". Where NaN means a missing pair, use rb.examples.matrix_interactions(array), or rows, columns = "
                    "np.nonzero(~np.isnan(array)) and rb.Interactions.from_arrays(rows, columns, array[rows, columns])."
                    if np.isnan(matrix.data[entry])
                    else "."
                )
            )
        has_ratings = matrix.data is not None
        rule = check_rule(duplicates) if duplicates is not None else ("last" if has_ratings else "sum")
        report = {"source": "matrix", "n_rows": matrix.nnz, "n_duplicates": 0, "duplicates": rule, "n_skipped": 0}
        return cls(
            matrix,
            _ids_of_rows(user_ids, matrix.n_rows, "user_ids"),
            _ids_of_rows(item_ids, matrix.n_columns, "item_ids"),
            titles=titles,
            duplicates=rule,
            has_ratings=has_ratings,
            report=report,
        )

    @property
    def n_users(self) -> int:
        """Number of users, those without interactions included."""
        return self.user_items.n_rows

    @property
    def n_items(self) -> int:
        """Number of items, those without interactions included."""
        return self.user_items.n_columns

    @property
    def nnz(self) -> int:
        """Number of stored pairs."""
        return self.user_items.nnz

    @property
    def shape(self) -> tuple[int, int]:
        """(n_users, n_items)."""
        return self.user_items.shape

    @cached_property
    def item_users(self) -> Csr:
        """The same interactions with items as rows; computed on first use."""
        return self.user_items.transpose()

    def __getstate__(self) -> dict[str, Any]:
        """What a pickle holds: all but `item_users`, which is built again."""
        return {name: value for name, value in vars(self).items() if name != "item_users"}

    def __repr__(self) -> str:
        return f"Interactions({self.n_users:,} users x {self.n_items:,} items, {self.nnz:,} interactions)"

    def describe(self) -> str:
        """What this is and where it came from, in one paragraph."""
        from ridgeback.data.describe import describe

        return describe(self)

    def check(self, model: Any = None) -> CheckReport:
        """The pre-flight report: what looks wrong, what to do, and (with a model) what a fit will cost.

        Nothing is changed.
        """
        from ridgeback.data.check import check

        return check(self, model)

    def fingerprint(self) -> str:
        """SHA-256, in hex, of ids, structure, values and weights: equal where a fit would see the same."""
        digest = hashlib.sha256()
        for ids in (self.user_ids, self.item_ids):
            values = ids.values
            arrays = (values.offsets, values.data) if isinstance(values, Text) else (values,)
            _update(digest, f"ids {len(ids)} {'text' if ids.is_text else 'int'}", *arrays)
        _update(digest, f"shape {self.shape}", self.user_items.indptr, self.user_items.indices)
        for name, column in (("values", self.user_items.data), ("weights", self.weights)):
            _update(
                digest, f"{name} {'given' if column is not None else 'all 1'}", *(() if column is None else (column,))
            )
        return digest.hexdigest()

    def subset(self, mask: npt.NDArray[np.bool_]) -> Interactions:
        """The interactions where the mask, shape (nnz,), is true. Users and items keep their rows."""
        mask = np.asarray(mask)
        return Interactions(
            self.user_items.keep(mask),
            self.user_ids,
            self.item_ids,
            weights=None if self.weights is None else self.weights[mask],
            timestamps=None if self.timestamps is None else self.timestamps[mask],
            merged_counts=None if self.merged_counts is None else self.merged_counts[mask],
            titles=self.titles,
            duplicates=self.duplicates,
            has_ratings=self.has_ratings,
            report=self.report,
        )

    def with_recency(self, half_life_days: float, now: int | None = None, unit: str | None = None) -> Interactions:
        """The same interactions, weighted by age: ``2 ** (-age / half_life)``, over their mean.

        Parameters
        ----------
        half_life_days : float
            After so many days an interaction counts half.
        now : int, optional
            From when ages count, as a timestamp; None: from the last interaction. Weights being relative, it does not
            change them.
        unit : {"days", "seconds", "milliseconds", "microseconds", "nanoseconds"}, optional
            What the timestamps count. None: times since 1970, in the unit that their size shows.

        Returns
        -------
        Interactions
            With weights of mean 1, so that regularization keeps its meaning, times those that were there. None is less
            than a millionth of the newest one's, so that everything stays seen.

        Raises
        ------
        DataError
            Without timestamps.
        ParameterError

        Examples
        --------
        >>> import ridgeback as rb
        >>> data = rb.Interactions.from_arrays(["ann", "ann"], ["tea", "cup"], timestamps=[0, 30])
        >>> data.with_recency(half_life_days=30, unit="days").weights.tolist()  # in the order of items: cup, tea
        [1.3333333730697632, 0.6666666865348816]
        """
        from ridgeback.data.recency import with_recency

        return with_recency(self, half_life_days, now, unit)

    def merge(self, events: Interactions) -> tuple[Interactions, npt.NDArray[np.int32], npt.NDArray[np.int32]]:
        """These interactions and later ones; known ids keep their rows, new ids follow in ascending order.

        Parameters
        ----------
        events : Interactions
            The new events only; each counts as later than what is stored. Pairs met again follow this table's rule.

        Returns
        -------
        merged : Interactions
        touched_users, touched_items : int32 arrays
            Rows, in the merged table, that the events name; ascending.
        """
        from ridgeback.data.merging import merge

        return merge(self, events)

    def without_user(self, row: int) -> Interactions:
        """The table without one user: row, interactions and id; later users move up, items stay."""
        begin, end = int(self.user_items.indptr[row]), int(self.user_items.indptr[row + 1])
        kept = np.ones(self.nnz, dtype=np.bool_)
        kept[begin:end] = False
        rest = self.subset(kept)
        matrix = rest.user_items
        rest.user_items = Csr(
            np.delete(matrix.indptr, row + 1), matrix.indices, matrix.data, (self.n_users - 1, self.n_items)
        )
        rest.user_ids = self.user_ids.drop(row)
        return rest


def _ids_of_rows(ids: Any, n: int, name: str) -> Ids:
    """The given ids of n rows, or 0 ... n - 1."""
    if ids is None:
        return Ids(np.arange(n, dtype=np.int64))
    table = ids if isinstance(ids, Ids) else Ids.from_sequence(ids, name)
    if len(table) != n:
        raise DataError(f"{name} has {len(table)} ids; user_items has shape that needs {n}. Give one id for each.")
    return table


def _update(digest: Any, label: str, *arrays: npt.NDArray[Any]) -> None:
    """Feed a label and arrays, little-endian, with their lengths."""
    digest.update(f"{label};".encode())
    for array in arrays:
        little = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<"))
        digest.update(f"{little.size};".encode())
        digest.update(memoryview(little.data).cast("B") if little.size else b"")
