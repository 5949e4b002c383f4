"""Lists of rows, one a user: those that are given, and the best items that are found."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from ridgeback.recommend.scoring_arrays import Floats, Rows


class RowLists(Protocol):
    """Ascending rows of items, one list a user; a ``Csr`` is one."""

    @property
    def indptr(self) -> npt.NDArray[np.int64]: ...
    @property
    def indices(self) -> Rows: ...


@dataclass(frozen=True)
class Lists:
    """Lists of rows that need not start at the beginning of `indices`, such as a run of a CSR's rows."""

    indptr: npt.NDArray[np.int64]
    indices: Rows

    @classmethod
    def run(cls, lists: RowLists, begin: int, end: int) -> Lists:
        """The lists of users begin .. end - 1, without a copy."""
        return cls(lists.indptr[begin : end + 1], lists.indices)

    @classmethod
    def of(cls, rows: list[Rows]) -> Lists:
        """One list for each array of rows."""
        indptr = np.zeros(len(rows) + 1, dtype=np.int64)
        np.cumsum([len(some) for some in rows], out=indptr[1:])
        return cls(indptr, np.concatenate(rows).astype(np.int32, copy=False) if rows else np.empty(0, dtype=np.int32))

    @classmethod
    def chosen(cls, lists: RowLists, users: npt.NDArray[Any]) -> Lists:
        """The lists of some users, in their order; touches nobody else's."""
        begins = lists.indptr[users]
        counts = lists.indptr[np.asarray(users, dtype=np.int64) + 1] - begins
        indptr = np.zeros(len(counts) + 1, dtype=np.int64)
        np.cumsum(counts, out=indptr[1:])
        if len(counts) == 1:
            return cls(indptr, lists.indices[begins[0] : begins[0] + counts[0]])
        return cls(indptr, lists.indices[np.arange(indptr[-1]) + np.repeat(begins - indptr[:-1], counts)])


@dataclass(frozen=True)
class TopK:
    """Items and scores flat, user after user, best first; ``counts[u]`` of them belong to user u.

    Where lists are in another order than that of the scores, ``ranking_scores`` are what they are ordered by.
    """

    items: Rows
    scores: Floats
    counts: Rows
    ranking_scores: Floats | None = None

    def __iter__(self) -> Iterator[Any]:
        return iter((self.items, self.scores, self.counts))

    def split(self) -> list[tuple[Rows, Floats]]:
        """Items and scores of each user, as views."""
        return [(self.items[own], self.scores[own]) for own in self.places()]

    def places(self) -> list[slice]:
        """Where the entries of each user are."""
        ends = np.cumsum(self.counts).tolist()
        return [slice(begin, end) for begin, end in zip([0, *ends], ends, strict=False)]

    def users(self) -> Rows:
        """Whose list each entry is in."""
        return np.repeat(np.arange(len(self.counts), dtype=np.int32), self.counts)

    def by_score(self) -> tuple[TopK, npt.NDArray[np.intp]]:
        """The same with the scores descending in each list, and the place that each entry comes from."""
        order = np.lexsort((-self.scores, self.users()))
        return TopK(self.items[order], self.scores[order], self.counts), order

    @classmethod
    def interleaved(cls, parts: list[tuple[npt.NDArray[np.intp], TopK]], n_users: int) -> TopK:
        """Answers to disjoint groups of users, given with the users' places, put back into the users' order."""
        counts = np.zeros(n_users, dtype=np.int32)
        for places, found in parts:
            counts[places] = found.counts
        order = np.argsort(np.concatenate([np.repeat(places, found.counts) for places, found in parts]), kind="stable")
        ranking = [found.scores if found.ranking_scores is None else found.ranking_scores for _, found in parts]
        return cls(
            np.concatenate([found.items for _, found in parts])[order],
            np.concatenate([found.scores for _, found in parts])[order],
            counts,
            None if all(found.ranking_scores is None for _, found in parts) else np.concatenate(ranking)[order],
        )
