"""Adding later events to a table of interactions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from ridgeback.data.ids import Ids
from ridgeback.data.pairs import MergedPairs, PairTable, merge_pairs
from ridgeback.data.text import Text
from ridgeback.data.titles import Titles
from ridgeback.errors import DataError

if TYPE_CHECKING:
    from ridgeback.data.interactions import Interactions

Rows = npt.NDArray[np.int32]


def merge(stored: Interactions, events: Interactions) -> tuple[Interactions, Rows, Rows]:
    """The stored interactions and the events, which count as later; see `Interactions.merge`."""
    from ridgeback.data.interactions import Interactions

    if events.duplicates != stored.duplicates and events.report.get("n_duplicates", 0) > 0:
        raise DataError(
            f"the events had duplicates that were merged by {events.duplicates!r}, but the stored interactions follow "
            f"{stored.duplicates!r}; read the events with duplicates={stored.duplicates!r}."
        )
    user_ids, user_rows = _extend(stored.user_ids, events.user_ids)
    item_ids, item_rows = _extend(stored.item_ids, events.item_ids)
    shape = (len(user_ids), len(item_ids))
    event_users, event_items = user_rows[events.user_items.row_of_entry()], item_rows[events.user_items.indices]
    merged, counts = _merge_by_rule(stored, events, event_users, event_items, shape)
    whole = Interactions(
        merged.matrix,
        user_ids,
        item_ids,
        weights=merged.weights,
        timestamps=merged.timestamps,
        merged_counts=counts,
        titles=_titles(stored.titles, events.titles, item_ids),
        duplicates=stored.duplicates,
        has_ratings=stored.has_ratings,
        report={
            **{name: value for name, value in stored.report.items() if name not in ("split", "k_core")},
            "n_merged_events": events.nnz,
        },
    )
    return whole, np.unique(event_users), np.unique(event_items)


def _titles(stored: Titles | None, new: Titles | None, item_ids: Ids) -> Titles | None:
    """The stored titles, and the new ones of items that had none."""
    if stored is None or new is None:
        return new if stored is None else stored
    old, other = stored.for_ids(item_ids), new.for_ids(item_ids)
    both = Text(
        np.concatenate([old.offsets, other.offsets[1:] + old.offsets[-1]]), np.concatenate([old.data, other.data])
    )
    rows = np.arange(len(old))
    return Titles(item_ids, both.take(np.where(np.diff(old.offsets) > 0, rows, rows + len(old))))


def _extend(stored: Ids, new: Ids) -> tuple[Ids, Rows]:
    """The stored ids followed by the unknown ones in ascending order, and the row of each new id in that table."""
    rows = stored.match(new)
    unknown = np.flatnonzero(rows < 0)
    if len(unknown) == 0:
        return stored, rows
    added = new.take(unknown)
    if not added.is_sorted:
        order, added = Ids.factorize(added.values)
        unknown = unknown[np.argsort(order)]
    rows[unknown] = np.arange(len(stored), len(stored) + len(unknown), dtype=np.int32)
    return stored.append(added), rows


def _merge_by_rule(
    stored: Interactions, events: Interactions, event_users: Rows, event_items: Rows, shape: tuple[int, int]
) -> tuple[MergedPairs, npt.NDArray[np.int32] | None]:
    """One entry per pair of both tables, and (rule "mean") how many rows each stands for."""
    users = np.concatenate([stored.user_items.row_of_entry(), event_users])
    items = np.concatenate([stored.user_items.indices, event_items])
    values = weights = timestamps = None
    if stored.user_items.data is not None or events.user_items.data is not None:
        values = np.concatenate([stored.user_items.values(), events.user_items.values()])
    if stored.weights is not None or events.weights is not None:
        weights = np.concatenate([_weights(stored), _weights(events)])
    if stored.timestamps is not None and events.timestamps is not None:
        timestamps = np.concatenate([stored.timestamps, events.timestamps])
    if stored.duplicates != "mean":
        table = PairTable(users, items, values, weights, timestamps)
        return merge_pairs(table, shape, stored.duplicates, is_last_latest=True), None

    counts = np.concatenate([_counts(stored), _counts(events)])
    totals = counts.astype(np.float32) if values is None else values * counts
    merged = merge_pairs(PairTable(users, items, totals, weights, timestamps), shape, "sum", is_last_latest=True)
    merged_counts = merge_pairs(PairTable(users, items, counts.astype(np.float32)), shape, "sum").matrix.values()
    means = merged.matrix.values() / merged_counts
    matrix = merged.matrix.with_data(None if (means == 1.0).all() else means)
    whole = MergedPairs(matrix, merged.weights, merged.timestamps, None, merged.n_duplicates)
    return whole, merged_counts.astype(np.int32)


def _weights(data: Interactions) -> npt.NDArray[np.float32]:
    return np.ones(data.nnz, dtype=np.float32) if data.weights is None else data.weights


def _counts(data: Interactions) -> npt.NDArray[np.int32]:
    return np.ones(data.nnz, dtype=np.int32) if data.merged_counts is None else data.merged_counts
