"""Histories of new users and items: ids looked up, values checked, duplicates merged as in the training data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ridgeback.data.csr import Csr
from ridgeback.data.ids import Ids
from ridgeback.data.interactions import Interactions
from ridgeback.data.pairs import PairTable, merge_pairs
from ridgeback.errors import DataError
from ridgeback.models.alternation import SideName
from ridgeback.models.training import ListedPairs
from ridgeback.recommend.id_rows import is_one

if TYPE_CHECKING:
    from ridgeback.models.bayesian import BayesianALS
    from ridgeback.models.row_model import RowModel


@dataclass(frozen=True)
class Histories:
    """Histories of new rows in the model's own columns.

    Attributes
    ----------
    pairs : ListedPairs, shape (n, n_columns)
        What is known and counts.
    unknown : list of lists
        Ids that the model does not know, one list a row.
    """

    pairs: ListedPairs
    unknown: list[list[Any]]


def taken_apart(history: Any) -> tuple[Any, Any, Any]:
    """(ids or mapping, ratings, weights) of one history."""
    is_parts = isinstance(history, tuple) and 2 <= len(history) <= 3 and not is_one(history[0])
    if is_parts:
        return history[0], history[1], history[2] if len(history) == 3 else None
    return history, None, None


def histories_of(model: RowModel | BayesianALS, parts: Sequence[tuple[Any, Any, Any]], what: SideName) -> Histories:
    """Look up ids, check values, merge duplicates by the training data's rule; `what` the ids name."""
    table = model.item_ids_ if what == "items" else model.user_ids_
    known = [_known(model, table, *part, what) for part in parts]
    pairs = _one_row(known[0], len(table)) if len(known) == 1 else None
    if pairs is None:
        pairs = _merged(known, (len(known), len(table)), model._duplicates)
    return Histories(_counting(model, pairs), [one.unknown for one in known])


@dataclass(frozen=True)
class _Known:
    """What the model knows of one history, in its order: columns, values and weights (None: each 1)."""

    columns: npt.NDArray[np.int32]
    values: npt.NDArray[np.float32] | None
    weights: npt.NDArray[np.float32] | None
    unknown: list[Any]


def _known(model: RowModel | BayesianALS, table: Ids, ids: Any, ratings: Any, weights: Any, what: SideName) -> _Known:
    ids, ratings = _ids_and_ratings(ids, ratings, what)
    values, weights = _numbers("ratings", ratings, ids), _numbers("weights", weights, ids)
    _check_values(model, values, weights, ids)
    columns = table.rows(ids) if len(ids) else np.zeros(0, dtype=np.int32)
    if not np.count_nonzero(columns < 0):
        return _Known(columns, values, weights, [])
    kept = columns >= 0
    return _Known(
        columns[kept],
        None if values is None else values[kept],
        None if weights is None else weights[kept],
        [ids[i] for i in np.flatnonzero(~kept)],
    )


def _one_row(known: _Known, n_columns: int) -> ListedPairs | None:
    """The pairs of a single history, in ascending order; None where a column comes twice."""
    order = None if known.values is None and known.weights is None else known.columns.argsort(kind="stable")
    columns = known.columns[order] if order is not None else known.columns.copy()
    columns.sort()
    if np.count_nonzero(columns[1:] == columns[:-1]):
        return None
    values = None if known.values is None or (known.values == 1).all() else known.values[order]
    weights = None if known.weights is None else known.weights[order]
    return ListedPairs(Csr(np.array([0, len(columns)]), columns, values, (1, n_columns)), weights)


def _merged(known: Sequence[_Known], shape: tuple[int, int], rule: Any) -> ListedPairs:
    """The pairs of many histories, a row each."""
    rows = np.repeat(np.arange(len(known), dtype=np.int32), [len(one.columns) for one in known])

    def joined(parts: list[npt.NDArray[np.float32] | None]) -> npt.NDArray[np.float32] | None:
        if all(part is None for part in parts):
            return None
        filled = zip(parts, known, strict=True)
        return np.concatenate(
            [np.ones(len(one.columns), dtype=np.float32) if part is None else part for part, one in filled]
        )

    columns = np.concatenate([np.zeros(0, dtype=np.int32), *(one.columns for one in known)])
    values, weights = joined([one.values for one in known]), joined([one.weights for one in known])
    merged = merge_pairs(PairTable(rows, columns, values, weights), shape, rule)
    return ListedPairs(merged.matrix, merged.weights)


def histories_of_table(model: RowModel | BayesianALS, data: Interactions) -> Histories:
    """Histories of the users of a table, in its order."""
    data = model._training_data(data, "histories")
    columns = model.item_ids_.match(data.item_ids)[data.user_items.indices]
    known = columns >= 0
    rows = data.user_items.row_of_entry()
    unknown: list[list[Any]] = [[] for _ in range(data.n_users)]
    for entry in np.flatnonzero(~known):
        unknown[int(rows[entry])].append(data.item_ids[int(data.user_items.indices[entry])])
    merged = merge_pairs(
        PairTable(
            rows[known],
            columns[known].astype(np.int32),
            data.user_items.values()[known],
            None if data.weights is None else data.weights[known],
        ),
        (data.n_users, len(model.item_ids_)),
        "last",
    )
    return Histories(_counting(model, ListedPairs(merged.matrix, merged.weights)), unknown)


def _counting(model: RowModel | BayesianALS, pairs: ListedPairs) -> ListedPairs:
    """Without the pairs that do not count: weight 0, and value 0 where that means no interaction."""
    if pairs.weights is not None:
        pairs = pairs.keep(pairs.weights > 0)
    if model.link == "preference" and pairs.rows.data is not None:
        pairs = pairs.keep(pairs.rows.data > 0)
    return pairs


_PLAIN = frozenset((int, str))  # types of ids that are what they will be shown as


def _ids_and_ratings(ids: Any, ratings: Any, what: str) -> tuple[list[Any], Any]:
    if type(ids) is list and _PLAIN.issuperset(map(type, ids)):
        return ids, ratings
    if isinstance(ids, Mapping):
        if ratings is not None:
            raise DataError(f"{what} is a mapping id -> rating, so ratings must be left out; got both.")
        return list(ids), list(ids.values())
    if isinstance(ids, Ids):
        return [ids[row] for row in range(len(ids))], ratings
    if isinstance(ids, Interactions):
        raise DataError(f"{what} must be ids or a mapping id -> rating; got Interactions. Use fold_in_many for these.")
    if is_one(ids):
        return [ids], ratings
    if isinstance(ids, np.ndarray) and ids.ndim == 1 and ids.dtype.kind in "iuU":
        return ids.tolist(), ratings
    ids = list(ids)
    if not _PLAIN.issuperset(map(type, ids)):
        ids = [id_.item() if isinstance(id_, np.generic) else id_ for id_ in ids]
    return ids, ratings


def _numbers(name: str, values: Any, ids: list[Any]) -> npt.NDArray[np.float32] | None:
    """Ratings or weights as one float32 an id; None, each counts 1, stays None."""
    if values is None:
        return None
    try:
        with np.errstate(over="ignore"):
            numbers = np.atleast_1d(np.asarray(values, dtype=np.float64).astype(np.float32))
    except (TypeError, ValueError):
        raise DataError(f"{name} must be numbers, one an id; got {values!r}.") from None
    if numbers.shape != (len(ids),):
        raise DataError(f"{name} has shape {numbers.shape}; {len(ids)} ids need one each.")
    return numbers


def _check_values(
    model: RowModel | BayesianALS,
    values: npt.NDArray[np.float32] | None,
    weights: npt.NDArray[np.float32] | None,
    ids: list[Any],
) -> None:
    if values is None and model.link == "rating" and ids:
        raise DataError(
            f"{type(model).__name__} needs a rating for each id: pass ratings=[...] or a mapping id -> rating."
        )
    if values is not None:
        wrong = ~np.isfinite(values)
        if model.link != "rating":
            wrong |= values < 0
        if wrong.any():
            place = int(np.argmax(wrong))
            needed = "finite" if model.link == "rating" else "finite and not below zero"
            raise DataError(
                f"ratings: {values[place]} for {ids[place]!r}; {type(model).__name__} needs values {needed}."
            )
    if weights is not None:
        wrong = ~np.isfinite(weights) | (weights < 0)
        if wrong.any():
            place = int(np.argmax(wrong))
            raise DataError(f"weights: {weights[place]} for {ids[place]!r}; a weight is finite and not below zero.")
