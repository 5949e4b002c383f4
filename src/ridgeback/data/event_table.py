"""Rows on their way in: columns are understood, ids numbered and bad rows met, then all becomes `Interactions`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ridgeback import _native
from ridgeback.cpus import available_cpus
from ridgeback.data.bad_rows import N_EXAMPLES, RowPlaces, check_on_bad_rows, describe_bad_row, refusal
from ridgeback.data.columns import ChosenColumns
from ridgeback.data.ids import Ids
from ridgeback.data.interactions import Interactions
from ridgeback.data.pairs import DuplicateRule, PairTable, check_rule, merge_pairs
from ridgeback.data.text import Text
from ridgeback.data.titles import Titles
from ridgeback.errors import DataError, ParameterError

# Parts of a table and what they hold, in the order of native/event_block.hpp.
_KINDS = {"user": 0, "item": 0, "rating": 1, "weight": 2, "timestamp": 3, "event": 4, "title": 5}

# How ids that arrive as text are meant.
AS_TEXT, AS_CELLS, TAGGED = range(3)


@dataclass(frozen=True)
class ReadOptions:
    """What the caller said about values, duplicates and bad rows; checked when made."""

    event_weights: Mapping[Any, float] | None = None
    duplicates: str | None = None
    on_bad_rows: str = "error"
    titles: Titles | None = None

    def __post_init__(self) -> None:
        check_on_bad_rows(self.on_bad_rows)
        if self.duplicates is not None:
            check_rule(self.duplicates)
        for kind, weight in (self.event_weights or {}).items():
            if not isinstance(weight, (int, float, np.number)) or not np.isfinite(
                np.float64(weight).astype(np.float32)
            ):
                raise ParameterError(f"event_weights[{kind!r}] must be a finite number. Got {weight!r} instead.")


class EventTable:
    """A table that is filled block after block.

    Parameters
    ----------
    columns : ChosenColumns
        The parts in use; blocks bring their columns in this order.
    options : ReadOptions
        What to do about bad rows, duplicates and kinds of events.
    places : RowPlaces
        What messages call the source and its rows.
    id_styles : mapping of part to style, or one style
        How ids that arrive as text are meant: AS_TEXT, AS_CELLS (an int where it is the canonical decimal of one) or
        TAGGED (first "s" for text or "i" for an int).
    """

    def __init__(
        self,
        columns: ChosenColumns,
        options: ReadOptions,
        places: RowPlaces,
        id_styles: Mapping[str, int] | int = AS_TEXT,
    ) -> None:
        _check_events(columns, options.event_weights)
        self.columns = columns
        self.options = options
        self.places = places
        self.parts = list(columns.positions)
        self.n_threads = available_cpus()
        self._kinds = {str(kind): float(weight) for kind, weight in (options.event_weights or {}).items()}
        self._n_cells: int | None = None
        self._native: Any = _native.EventTable(
            roles=[_KINDS[part] for part in self.parts],
            id_styles=[
                id_styles if isinstance(id_styles, int) else id_styles.get(part, AS_TEXT) for part in self.parts
            ],
            kinds=list(self._kinds),
            kind_values=list(self._kinds.values()),
            stops_at_bad_row=options.on_bad_rows == "error",
            max_examples=N_EXAMPLES,
        )

    def set_dialect(self, separator: str, has_quotes: bool, n_cells: int, has_header: bool) -> None:
        """Say how rows of text are written, before `add_text`."""
        self._n_cells = n_cells
        cells = list(self.columns.positions.values())
        self._native.set_dialect(separator, has_quotes, n_cells, cells, int(has_header))

    def add_text(self, text: bytes, is_last: bool) -> None:
        """UTF-8 text that goes on where the text before ended."""
        self._check(self._native.add_text(text, is_last, self.n_threads))

    def add_stream(self, capsule: Any) -> None:
        """All rows of an Arrow C stream of int64, float64, float32 and text columns."""
        self._check(self._native.add_stream(capsule, self.n_threads))

    def add_columns(self, columns: list[tuple[str, Any, Any, Any]]) -> None:
        """Rows of typed columns, see `typed_column`."""
        self._check(self._native.add_columns(columns, self.n_threads))

    def _check(self, is_complete: bool) -> None:
        if not is_complete and self._native.bad_rows:
            bad = self._native.bad_rows[0]
            part = self.parts[bad[2]] if bad[2] >= 0 else None
            is_first = bad[0] == 0  # so that the column as a whole may be the wrong one
            guessed = part if is_first and part in self.columns.guessed else None
            raise refusal(self._describe(bad), bad[3], can_skip="title" not in self.parts, guessed=guessed)

    def _describe(self, bad: tuple[int, int, int, int, int, bytes]) -> str:
        names = [self.columns.names[part] for part in self.parts]
        return describe_bad_row(bad, self.places, names, self._n_cells, list(self._kinds))

    def to_interactions(self, report: Mapping[str, Any], *, may_be_empty: bool = False) -> Interactions:
        """Number the ids, merge rows of the same pair and complete the report. The table is empty afterwards."""
        table, columns, options = self._native, self.columns, self.options
        self._check_rows(may_be_empty)
        self._check_times()
        table.finish(self.n_threads)
        ids = {part: _ids(table.ids(self.parts.index(part))) for part in ("user", "item")}
        value = next((part for part in ("rating", "event") if part in self.parts), None)
        pairs = PairTable(
            table.codes(self.parts.index("user")),
            table.codes(self.parts.index("item")),
            None if value is None else table.floats(self.parts.index(value)),
            table.floats(self.parts.index("weight")) if "weight" in self.parts else None,
            table.times(self.parts.index("timestamp")) if "timestamp" in self.parts else None,
        )
        full_report = {
            "source": self.places.source,
            **report,
            "columns": dict(columns.names),
            "guessed": list(columns.guessed),
            "n_rows": table.n_rows,
            "n_skipped": table.n_bad,
            "skipped": [self._describe(bad) for bad in table.bad_rows],
            "ids_kept_as_text": self._ids_kept_as_text(),
        }
        self._native = None
        return interactions_from_pairs(
            pairs,
            ids["user"],
            ids["item"],
            duplicates=options.duplicates,
            has_ratings="rating" in self.parts,
            titles=options.titles,
            report=full_report,
        )

    def to_titles(self) -> Titles:
        """The titles of a table of items; of several for one item the last."""
        self._check_rows(may_be_empty=False)
        self._native.finish(self.n_threads)
        item = self.parts.index("item")
        codes, text = self._native.codes(item), Text(*self._native.texts(self.parts.index("title")))
        ids = _ids(self._native.ids(item))
        rows = np.empty(len(ids), dtype=np.int64)
        rows[codes] = np.arange(len(codes))
        return Titles(ids, text.take(rows))

    def _check_rows(self, may_be_empty: bool) -> None:
        table = self._native
        if table.n_rows == 0 and not may_be_empty:
            raise DataError(f"{self.places.source} has no rows; expected at least one interaction.")
        if table.n_rows and table.n_rows == table.n_bad:
            raise DataError(
                f"none of the {table.n_rows} rows of {self.places.source} can be used, e.g. "
                f"{self._describe(table.bad_rows[0])}; check the columns and the separator."
            )

    def _check_times(self) -> None:
        (number_row, number_line, _), (date_row, date_line, _) = self._native.first_number, self._native.first_date
        if number_row >= 0 and date_row >= 0:
            raise DataError(
                f"{self.columns.names['timestamp']} mixes numbers and dates, which cannot be compared: "
                f"{self.places.of(number_row, number_line)} has a number, "
                f"{self.places.of(date_row, date_line)} a date; write all of them the same way."
            )

    def _ids_kept_as_text(self) -> dict[str, str]:
        """By part: where the first id is that is no int, when ids before it were."""
        found = {}
        for place, part in enumerate(self.parts):
            if _KINDS[part] != 0:
                continue
            row, line, value = self._native.first_text(place)
            if row > 0 and self.places.has_lines:
                found[part] = f"{self.places.of(row, line)}: {show_id(value)}"
        return found


def show_id(value: bytes) -> str:
    """An id as it is put into the report."""
    return f'"{value.decode("utf-8", "replace")}"'


def interactions_from_pairs(
    table: PairTable,
    user_ids: Ids,
    item_ids: Ids,
    *,
    duplicates: str | None,
    has_ratings: bool,
    titles: Titles | None,
    report: Mapping[str, Any],
) -> Interactions:
    """Merge rows of the same pair by the rule (None: "last" with ratings, else "sum") and complete the report."""
    rule: DuplicateRule = check_rule(duplicates) if duplicates is not None else ("last" if has_ratings else "sum")
    merged = merge_pairs(table, (len(user_ids), len(item_ids)), rule, with_counts=rule == "mean")
    data = merged.matrix.data
    if data is not None and rule in ("sum", "mean") and not np.isfinite(data).all():
        raise DataError(
            "values of a pair add up beyond the range of float32 (3.4e38); scale the values down or use another rule "
            "for duplicates."
        )
    return Interactions(
        merged.matrix,
        user_ids,
        item_ids,
        weights=merged.weights,
        timestamps=merged.timestamps,
        merged_counts=merged.counts,
        titles=titles,
        duplicates=rule,
        has_ratings=has_ratings,
        report={**report, "n_duplicates": merged.n_duplicates, "duplicates": rule},
    )


def _ids(native: Any) -> Ids:
    """The table of ids out of what the native table gives: an int64 array, or offsets and bytes."""
    return Ids(Text(*native)) if isinstance(native, tuple) else Ids(native)


def _check_events(columns: ChosenColumns, event_weights: Mapping[Any, float] | None) -> None:
    """Raise ParameterError unless events come with weights, and not beside ratings."""
    has_events = "event" in columns.positions
    if has_events != (event_weights is not None):
        given, missing = ("event", "event_weights") if has_events else ("event_weights", "event")
        raise ParameterError(
            f"The '{given}' parameter needs '{missing}' as well: the column of kinds and a number for each kind, "
            'e.g. event_weights={"view": 1, "buy": 10}.'
        )
    if has_events and "rating" in columns.positions:
        raise ParameterError("The value comes from a rating column or from kinds of events, not both. Leave one out.")
