"""Readable names of items, found by id."""

from __future__ import annotations

from typing import Any

import numpy as np

from ridgeback.data.ids import Ids
from ridgeback.data.text import Text
from ridgeback.errors import DataError


class Titles:
    """The titles of items.

    Parameters
    ----------
    ids : Ids
        The items that have a title.
    text : Text
        Their titles, aligned with `ids`.

    Examples
    --------
    >>> titles = Titles(Ids.from_sequence([7, 9]), Text.from_strings(["Heat", "Ronin"]))
    >>> titles.get(9), titles.get(8)
    ('Ronin', None)
    >>> list(titles.for_ids(Ids.from_sequence([8, 7])))
    ['', 'Heat']
    """

    __slots__ = ("ids", "text")

    def __init__(self, ids: Ids, text: Text) -> None:
        if len(ids) != len(text):
            raise DataError(f"Titles needs one title an id; got {len(ids)} ids and {len(text)} titles.")
        self.ids = ids
        self.text = text

    def __len__(self) -> int:
        return len(self.ids)

    def __repr__(self) -> str:
        return f"Titles({self.ids!r}, {self.text!r})"

    def get(self, id: Any, default: str | None = None) -> str | None:
        """The title of one id, or the default."""
        row = self.ids.find(id)
        return default if row < 0 else self.text[row]

    def for_ids(self, ids: Ids) -> Text:
        """The titles aligned with these ids, "" where there is none. Ints match their decimal text."""
        rows = self.ids.match(ids)
        known = rows >= 0
        lengths = np.zeros(len(rows), np.int64)
        found = self.text.take(rows[known])
        lengths[known] = np.diff(found.offsets)
        offsets = np.zeros(len(rows) + 1, np.int64)
        np.cumsum(lengths, out=offsets[1:])
        return Text(offsets, found.data)
