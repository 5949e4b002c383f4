"""Ranked answers with ids, scores and titles; nothing is spelled out before somebody looks."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, TypeVar, overload

import numpy as np
import numpy.typing as npt

from ridgeback.data.ids import Ids
from ridgeback.data.text import Text
from ridgeback.errors import MissingDependencyError

Id = Any  # int or str, as the caller spells it


class Recommendation(NamedTuple):
    """One recommended item."""

    item: Id
    score: float
    title: str | None


class SimilarItem(NamedTuple):
    """One item and its cosine to the item asked about."""

    item: Id
    score: float
    title: str | None


class SimilarUser(NamedTuple):
    """One user and the cosine to the user asked about."""

    user: Id
    score: float


Entry = TypeVar("Entry", Recommendation, SimilarItem, SimilarUser)


class Ranked(Sequence[Entry]):
    """Entries, best first: a sequence that keeps rows and scores, and looks ids and titles up when asked.

    Parameters
    ----------
    ids : Ids
        The table that `rows` point into.
    rows : int32 array of shape (n,)
    scores : float32 array of shape (n,)
    titles : Text or None
        Aligned with `ids`; "" where there is none.
    ranking_scores : float32 array of shape (n,), or None
        What the entries are ordered by, where that is not `scores`.
    """

    __slots__ = ("_ids", "_titles", "ranking_scores", "rows", "scores")

    def __init__(
        self,
        ids: Ids,
        rows: npt.NDArray[np.int32],
        scores: npt.NDArray[np.float32],
        titles: Text | None = None,
        ranking_scores: npt.NDArray[np.float32] | None = None,
    ) -> None:
        self._ids = ids
        self._titles = titles
        self.rows = rows
        self.scores = scores
        self.ranking_scores = ranking_scores

    def __len__(self) -> int:
        return len(self.rows)

    @overload
    def __getitem__(self, place: int) -> Entry: ...
    @overload
    def __getitem__(self, place: slice) -> list[Entry]: ...
    def __getitem__(self, place: int | slice) -> Entry | list[Entry]:
        if isinstance(place, slice):
            return [self._entry(i) for i in range(*place.indices(len(self)))]
        return self._entry(range(len(self))[place])

    def __iter__(self) -> Iterator[Entry]:
        return (self._entry(i) for i in range(len(self)))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Ranked) and type(self) is type(other) and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        lines = [self._heading() + ("" if self.ranking_scores is None else ", in the order of their ranking scores")]
        for place, entry in enumerate(self, start=1):
            words = [f"{place:4d}", f"{entry.score:10.4f}", f"  {entry[0]}", getattr(entry, "title", None) or ""]
            lines.append("  ".join(words).rstrip())
        return "\n".join(lines)

    def to_dicts(self) -> list[dict[str, Any]]:
        """The entries as plain dicts, for JSON; with ``ranking_score`` where the order is not that of the scores."""
        if self.ranking_scores is None:
            return [entry._asdict() for entry in self]
        ranking = self.ranking_scores.tolist()
        return [{**entry._asdict(), "ranking_score": value} for entry, value in zip(self, ranking, strict=True)]

    def to_frame(self) -> Any:
        """The entries as a data frame of pandas, or of polars where only that is installed.

        Raises
        ------
        MissingDependencyError
            If neither is installed.
        """
        columns = {name: [entry[i] for entry in self] for i, name in enumerate(self._fields())}
        if self.ranking_scores is not None:
            columns["ranking_score"] = self.ranking_scores.tolist()
        for module in ("pandas", "polars"):
            try:
                return importlib.import_module(module).DataFrame(columns)
            except ImportError:
                continue
        raise MissingDependencyError("to_frame needs pandas or polars; install one with: pip install pandas")

    def _title(self, row: int) -> str | None:
        return (self._titles[row] or None) if self._titles is not None else None

    def _labels(self) -> npt.NDArray[Any]:
        return self._ids.take(self.rows).to_numpy()

    def _entry(self, place: int) -> Entry:
        raise NotImplementedError

    def _fields(self) -> tuple[str, ...]:
        raise NotImplementedError

    def _heading(self) -> str:
        raise NotImplementedError


class Recommendations(Ranked[Recommendation]):
    """The best items of one user: a sequence of `Recommendation` (.item, .score, .title), best first.

    Attributes
    ----------
    user : int, str or None
        The user's id; None for a new user.
    items : array
        The ids of the items.
    scores : float32 array
        The model's own, also where the list is in another order.
    ranking_scores : float32 array, or None
        What the list is ordered by where `popularity_penalty` or `diversity` was given.
    fallback : "popularity", "mean" or None
        How the scores came about for a known user without history; None where the model itself answered.
    """

    __slots__ = ("fallback", "user")

    def __init__(
        self,
        user: Id,
        ids: Ids,
        rows: npt.NDArray[np.int32],
        scores: npt.NDArray[np.float32],
        titles: Text | None = None,
        fallback: str | None = None,
        ranking_scores: npt.NDArray[np.float32] | None = None,
    ) -> None:
        super().__init__(ids, rows, scores, titles, ranking_scores)
        self.user = user
        self.fallback = fallback

    @property
    def items(self) -> npt.NDArray[Any]:
        """The ids of the items, best first."""
        return self._labels()

    def _entry(self, place: int) -> Recommendation:
        row = int(self.rows[place])
        return Recommendation(self._ids[row], float(self.scores[place]), self._title(row))

    def _fields(self) -> tuple[str, ...]:
        return Recommendation._fields

    def _heading(self) -> str:
        reason = f" (no history: by {self.fallback})" if self.fallback else ""
        return f"{len(self)} recommendations for {'a new user' if self.user is None else f'user {self.user}'}{reason}"


class SimilarItems(Ranked[SimilarItem]):
    """The items that point the way of one item: a sequence of `SimilarItem` (.item, .score, .title), nearest first."""

    __slots__ = ("item",)

    def __init__(
        self,
        item: Id,
        ids: Ids,
        rows: npt.NDArray[np.int32],
        scores: npt.NDArray[np.float32],
        titles: Text | None = None,
        ranking_scores: npt.NDArray[np.float32] | None = None,
    ) -> None:
        super().__init__(ids, rows, scores, titles, ranking_scores)
        self.item = item

    @property
    def items(self) -> npt.NDArray[Any]:
        """The ids of the items, nearest first."""
        return self._labels()

    def _entry(self, place: int) -> SimilarItem:
        row = int(self.rows[place])
        return SimilarItem(self._ids[row], float(self.scores[place]), self._title(row))

    def _fields(self) -> tuple[str, ...]:
        return SimilarItem._fields

    def _heading(self) -> str:
        return f"{len(self)} items similar to {'a new item' if self.item is None else f'item {self.item}'}"


class SimilarUsers(Ranked[SimilarUser]):
    """The users whose taste points the way of one user's: a sequence of `SimilarUser` (.user, .score)."""

    __slots__ = ("user",)

    def __init__(self, user: Id, ids: Ids, rows: npt.NDArray[np.int32], scores: npt.NDArray[np.float32]) -> None:
        super().__init__(ids, rows, scores)
        self.user = user

    @property
    def users(self) -> npt.NDArray[Any]:
        """The ids of the users, nearest first."""
        return self._labels()

    def _entry(self, place: int) -> SimilarUser:
        return SimilarUser(self._ids[int(self.rows[place])], float(self.scores[place]))

    def _fields(self) -> tuple[str, ...]:
        return SimilarUser._fields

    def _heading(self) -> str:
        return f"{len(self)} users similar to user {self.user}"
