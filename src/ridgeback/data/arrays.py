"""Interactions from columns held in memory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ridgeback.data.bad_rows import BadRows, check_on_bad_rows
from ridgeback.data.ids import Ids
from ridgeback.data.interactions import Interactions
from ridgeback.data.numbers import as_float32, as_timestamps
from ridgeback.data.pairs import DuplicateRule, PairTable, check_rule, merge_pairs
from ridgeback.data.titles import Titles
from ridgeback.errors import DataError, ParameterError


@dataclass(frozen=True)
class Columns:
    """Columns of a table, one element a row; all but users and items may be None."""

    users: Any
    items: Any
    ratings: Any = None
    timestamps: Any = None
    weights: Any = None
    events: Any = None

    def lengths(self) -> dict[str, int]:
        """Length of each column that is there."""
        return {name: len(column) for name, column in vars(self).items() if column is not None}


def interactions_from_columns(
    columns: Columns,
    event_weights: Mapping[Any, float] | None,
    duplicates: str | None,
    on_bad_rows: str,
    titles: Titles | None,
    *,
    report: Mapping[str, Any] | None = None,
    source: str = "arrays",
) -> Interactions:
    """Check every column, leave bad rows out (or raise), number the ids and merge rows of the same pair."""
    lengths = columns.lengths()
    if len(set(lengths.values())) > 1:
        listed = ", ".join(f"{name} {length}" for name, length in lengths.items())
        raise DataError(f"columns differ in length: {listed}; one element of each per interaction is needed.")
    check_events(columns.ratings is not None, columns.events is not None, event_weights)
    bad = BadRows(check_on_bad_rows(on_bad_rows), source)
    n = lengths["users"]
    is_bad = np.zeros(n, dtype=np.bool_)

    def note(flags: npt.NDArray[np.bool_], name: str, values: Any, reason: str) -> None:
        new = flags & ~is_bad
        if new.any():
            bad.add_mask(new, name, values, reason)
            is_bad[new] = True

    users, items = (_without_missing(columns.users, "users", note), _without_missing(columns.items, "items", note))
    values = weights = timestamps = None
    if columns.ratings is not None:
        values, flags = as_float32(columns.ratings, "ratings")
        note(flags, "ratings", columns.ratings, "is not a finite number")
    if columns.events is not None:
        values, flags = _values_of_events(columns.events, event_weights or {})
        note(flags, "events", columns.events, f"is not one of {list(event_weights or {})}")
    if columns.weights is not None:
        weights, flags = as_float32(columns.weights, "weights")
        note(flags | (weights < 0), "weights", columns.weights, "is not a finite number of at least 0")
    if columns.timestamps is not None:
        timestamps, flags = as_timestamps(columns.timestamps, "timestamps")
        note(flags, "timestamps", columns.timestamps, "is not a whole number, a date or a datetime")

    if is_bad.any():
        kept = ~is_bad
        users, items = _select(users, kept), _select(items, kept)
        values = None if values is None else values[kept]
        weights = None if weights is None else weights[kept]
        timestamps = None if timestamps is None else timestamps[kept]
    user_codes, user_ids = Ids.factorize(users, "users")
    item_codes, item_ids = Ids.factorize(items, "items")
    return interactions_from_codes(
        PairTable(user_codes, item_codes, values, weights, timestamps),
        user_ids,
        item_ids,
        duplicates=duplicates,
        has_ratings=columns.ratings is not None,
        titles=titles,
        report={"source": source, "n_rows": n, "n_skipped": bad.n_skipped, "skipped": bad.examples, **(report or {})},
    )


def interactions_from_codes(
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
    if data is not None and not np.isfinite(data).all():
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


def check_events(has_ratings: bool, has_events: bool, event_weights: Mapping[Any, float] | None) -> None:
    """Raise ParameterError unless events come with weights, and not beside ratings."""
    if has_events != (event_weights is not None):
        given, missing = ("event", "event_weights") if has_events else ("event_weights", "event")
        raise ParameterError(
            f"The '{given}' parameter needs '{missing}' as well: the column of kinds and a number for each kind, "
            'e.g. event_weights={"view": 1, "buy": 10}.'
        )
    if has_events and has_ratings:
        raise ParameterError("The value comes from a rating column or from kinds of events, not both. Leave one out.")
    for kind, weight in (event_weights or {}).items():
        if not np.isfinite(np.float32(weight)):
            raise ParameterError(f"event_weights[{kind!r}] must be a finite number. Got {weight!r} instead.")


def _values_of_events(events: Any, event_weights: Mapping[Any, float]) -> tuple[Any, npt.NDArray[np.bool_]]:
    """The number of each event's kind, and which kinds have none."""
    kinds = events.tolist() if hasattr(events, "tolist") else list(events)
    values = np.fromiter((event_weights.get(kind, np.nan) for kind in kinds), dtype=np.float32, count=len(kinds))
    return values, np.isnan(values)


def _without_missing(ids: Any, name: str, note: Any) -> Any:
    """Report missing ids as bad rows and put a placeholder of the same kind in their place."""
    if hasattr(ids, "to_numpy"):
        ids = ids.to_numpy()
    if isinstance(ids, np.ndarray) and ids.dtype != object:
        return ids
    values = list(ids)
    is_missing = np.fromiter((_is_missing(value) for value in values), dtype=np.bool_, count=len(values))
    if is_missing.any():
        note(is_missing, name, values, "is missing")
    return values


def _is_missing(value: Any) -> bool:
    """None, NaN, NaT and pandas' NA."""
    if value is None or type(value).__name__ == "NAType":
        return True
    return bool(isinstance(value, (float, np.floating, np.datetime64)) and value != value)


def _select(column: Any, kept: npt.NDArray[np.bool_]) -> Any:
    if isinstance(column, np.ndarray):
        return column[kept]
    return [value for value, keep in zip(column, kept.tolist(), strict=True) if keep]
