"""Which items each user may get: candidates, exclusions and the items already seen, from ids to rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ridgeback.data.ids import Ids
from ridgeback.errors import ParameterError
from ridgeback.recommend.id_rows import check_known
from ridgeback.recommend.lists import Lists, RowLists
from ridgeback.recommend.scoring_arrays import Rows


@dataclass(frozen=True)
class ItemFilter:
    """The caller's `candidates` and `exclude`, resolved to item rows as far as they are the same for all users.

    Attributes
    ----------
    item_ids : Ids
    items : ascending int32 rows, or None
        Rows that every user may get; None: all of them.
    own_candidates, own_exclude : mapping user id -> item ids, or None
        What differs from user to user.
    never : ascending int32 rows
        Excluded for all users; already taken out of `items`.
    """

    item_ids: Ids
    items: Rows | None
    never: Rows
    own_candidates: Mapping[Any, Any] | None = None
    own_exclude: Mapping[Any, Any] | None = None

    @classmethod
    def resolve(cls, item_ids: Ids, eligible: Rows | None, candidates: Any = None, exclude: Any = None) -> ItemFilter:
        """Read `candidates` and `exclude` as the caller gave them.

        Parameters
        ----------
        item_ids : Ids
        eligible : ascending int32 rows, or None
            The items served when there are no candidates; None: all.
        candidates, exclude : ids, or a mapping user -> ids, or None
            Unknown ids raise in `candidates` and are ignored in `exclude`.

        Raises
        ------
        UnknownIdError
            If an id among `candidates` is unknown.
        ParameterError
            If either is not a collection of ids.
        """
        is_excluded_by_user = isinstance(exclude, Mapping)
        never = _no_rows() if exclude is None or is_excluded_by_user else excluded_rows(item_ids, exclude)
        own_exclude = exclude if is_excluded_by_user else None
        if isinstance(candidates, Mapping):
            return cls(item_ids, None, never, candidates, own_exclude)
        items = eligible if candidates is None else candidate_rows(item_ids, candidates)
        if len(never):
            everything = np.arange(len(item_ids), dtype=np.int32)
            items = np.setdiff1d(everything if items is None else items, never, assume_unique=True)
        return cls(item_ids, items, never, None, own_exclude)

    def candidate_lists(self, users: Sequence[Any]) -> Lists | None:
        """Rows of each user's own candidates, or None where all users share `items`."""
        if self.own_candidates is None:
            return None
        rows = []
        for user in users:
            try:
                own = self.own_candidates[user]
            except KeyError:
                raise ParameterError(
                    f"The parameter 'candidates' has no entry for user {user!r}. "
                    "Give every user asked for a list of items (an empty list gets nothing)."
                ) from None
            rows.append(np.setdiff1d(candidate_rows(self.item_ids, own), self.never, assume_unique=True))
        return Lists.of(rows)

    def excluded_lists(self, users: Sequence[Any], seen: RowLists | None) -> RowLists | None:
        """Rows that each user does not get: the seen ones and those of `exclude` by user."""
        if self.own_exclude is None:
            return seen
        rows = []
        for place, user in enumerate(users):
            known = _no_rows() if seen is None else seen.indices[seen.indptr[place] : seen.indptr[place + 1]]
            try:
                own = self.own_exclude[user]
            except KeyError:
                rows.append(known)
                continue
            rows.append(np.union1d(known, excluded_rows(self.item_ids, own)))
        return Lists.of(rows)


def candidate_rows(item_ids: Ids, candidates: Any) -> Rows:
    """Ascending rows of the candidates, each once; an unknown id raises."""
    values = _collection(candidates, "candidates")
    rows = item_ids.rows(values)
    check_known(item_ids, values, rows, "candidates: item")
    return np.unique(rows)


def excluded_rows(item_ids: Ids, exclude: Any) -> Rows:
    """Ascending rows of the excluded items, each once; unknown ids are passed over."""
    rows = item_ids.rows(_collection(exclude, "exclude"))
    return np.unique(rows[rows >= 0])


def _collection(values: Any, name: str) -> Any:
    """The values as a sequence of ids."""
    if isinstance(values, (Ids, np.ndarray)) and getattr(values, "ndim", 1) == 1:
        return values
    if isinstance(values, (str, bytes)) or not hasattr(values, "__iter__"):
        raise ParameterError(
            f"The parameter {name!r} must be a list of item ids, or a mapping from user to such lists. "
            f"Got {values!r} instead. Put a single id into a list."
        )
    return list(values)


def _no_rows() -> Rows:
    return np.empty(0, dtype=np.int32)
