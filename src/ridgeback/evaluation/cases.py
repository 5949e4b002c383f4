"""Who is judged by ranking, and by which items: what counts as relevant, and who is left out and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ridgeback.data.csr import Csr
from ridgeback.data.ids import Ids
from ridgeback.data.interactions import Interactions
from ridgeback.errors import ParameterError
from ridgeback.metrics.ranking import contains

IntArray = NDArray[np.int64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class IdPairs:
    """Stored pairs of users and items with the id tables that name their rows."""

    pairs: Csr
    user_ids: Ids
    item_ids: Ids

    def has(self, test: Interactions) -> Mask:
        """Say for each test pair whether it is stored here, shape (test.nnz,)."""
        rows = matched(self.user_ids, test.user_ids)[test.user_items.row_of_entry()]
        columns = matched(self.item_ids, test.item_ids)[test.user_items.indices]
        is_known = (rows >= 0) & (columns >= 0)
        found = np.zeros(test.nnz, dtype=bool)
        found[is_known] = contains(self.pairs, rows[is_known], columns[is_known])
        return found

    def has_user(self, user_ids: Ids) -> Mask:
        """Say for each user whether any pair of theirs is stored here, shape (len(user_ids),)."""
        rows = matched(self.user_ids, user_ids)
        return np.asarray((rows >= 0) & (self.pairs.counts()[rows] > 0))


@dataclass(frozen=True)
class Cases:
    """The users who are judged, and their relevant items.

    Attributes
    ----------
    is_judged : ndarray of bool, shape (n_test_users,)
        By row of the test part.
    is_relevant : ndarray of bool, shape (test.nnz,)
        Relevant pairs that count, of users judged or not.
    exclusions : dict of str to int
        Test users left out, by reason.
    n_seen_pairs : int
        Relevant test pairs that are no case because the user had the item before.
    """

    is_judged: Mask
    is_relevant: Mask
    exclusions: dict[str, int]
    n_seen_pairs: int


def find_cases(
    test: Interactions,
    known: list[Mask],
    seen: IdPairs,
    relevant_from: float | None,
    candidates: CandidateLists | None,
) -> Cases:
    """Decide which test users are judged by ranking.

    Parameters
    ----------
    test : Interactions
    known : list of ndarray of bool, shape (n_test_users,)
        A user is known where all of them are true.
    seen : IdPairs
        What is never recommended again, so that it cannot count as missed.
    relevant_from : float or None
        Test values from here on are relevant; None: those above 0.
    candidates : CandidateLists or None
        Users without a list are left out.

    Returns
    -------
    Cases
    """
    values = test.user_items.values()
    wanted = values > 0 if relevant_from is None else values >= relevant_from
    is_seen = seen.has(test)
    is_relevant = np.asarray(wanted & ~is_seen)
    users = test.user_items.row_of_entry()
    n_relevant = np.bincount(users[is_relevant], minlength=test.n_users)
    is_asked = test.user_items.counts() > 0
    is_known = np.logical_and.reduce(known)
    has_list = np.ones(test.n_users, dtype=bool) if candidates is None else candidates.has_list
    return Cases(
        is_judged=is_asked & is_known & (n_relevant > 0) & has_list,
        is_relevant=is_relevant,
        exclusions={
            "unknown_users": int((is_asked & ~is_known).sum()),
            "without_relevant_items": int((is_asked & is_known & (n_relevant == 0)).sum()),
            "without_candidates": int((is_asked & is_known & (n_relevant > 0) & ~has_list).sum()),
        },
        n_seen_pairs=int((wanted & is_seen).sum()),
    )


def matched(ids: Ids, others: Ids) -> NDArray[np.int32]:
    """Rows in `ids` of the others, -1 where unknown; tables that are the same object match at once."""
    return np.arange(len(ids), dtype=np.int32) if ids is others else ids.match(others)


class CandidateLists:
    """The caller's candidates by test user: a list for all, or one each.

    Parameters
    ----------
    candidates : sequence of item ids, or mapping of user id to such sequences
    user_ids : Ids
        The test part's users.
    """

    def __init__(self, candidates: Any, user_ids: Ids) -> None:
        if isinstance(candidates, Mapping):
            rows = user_ids.match(Ids.from_sequence(list(candidates), "candidates: users"))
            lists = [_as_list(items) for items in candidates.values()]
            self._place = np.full(len(user_ids), -1, dtype=np.int64)
            self._place[rows[rows >= 0]] = np.flatnonzero(rows >= 0)
        else:
            lists = [_as_list(candidates)]
            self._place = np.zeros(len(user_ids), dtype=np.int64)
        self._offsets: IntArray = np.concatenate([[0], np.cumsum([len(items) for items in lists])]).astype(np.int64)
        self._codes, self._item_ids = Ids.factorize([item for items in lists for item in items], "candidates: items")

    @property
    def has_list(self) -> Mask:
        """Which test users have a list, shape (n_test_users,)."""
        return np.asarray(self._place >= 0)

    def item_rows(self, item_ids: Ids) -> NDArray[np.int32]:
        """Rows of all candidates in a model's item table, -1 where unknown; handed back to `pairs`."""
        return item_ids.match(self._item_ids)[self._codes]

    def pairs(self, users: IntArray, item_rows: NDArray[np.int32]) -> tuple[IntArray, NDArray[np.int32]]:
        """(place in `users`, item row) of every known candidate of these test users."""
        lists = self._place[users]
        lengths = self._offsets[lists + 1] - self._offsets[lists]
        places = np.repeat(np.arange(len(users), dtype=np.int64), lengths)
        within = np.arange(len(places)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        rows = item_rows[np.repeat(self._offsets[lists], lengths) + within]
        return places[rows >= 0], rows[rows >= 0]


def _as_list(items: Any) -> list[Any]:
    """The item ids of one candidate list."""
    if isinstance(items, (str, bytes)) or not hasattr(items, "__iter__"):
        raise ParameterError(
            "The 'candidates' parameter must be a list of item ids, or a mapping from user to such lists. "
            f"Got {items!r} instead. Put a single id into a list."
        )
    return items.tolist() if isinstance(items, np.ndarray) else list(items)
