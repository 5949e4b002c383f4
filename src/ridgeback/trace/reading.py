"""A trace's header as its narrators read it: rows by name, pairs by their places."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ridgeback.data.ids import Ids
from ridgeback.errors import UnknownIdError
from ridgeback.plain_text import printable
from ridgeback.solvers.problem import Float64Array

LONGEST_NAME = 24
SINGULAR = {"users": "user", "items": "item"}
FACTORS = {"users": "user_factors", "items": "item_factors"}
BIASES = {"users": "user_biases", "items": "item_biases"}


@dataclass(frozen=True)
class Pair:
    """One listed pair: what was observed, what the score is to be, and how much it counts."""

    value: float
    target: float
    weight: float
    is_implied: bool


class Names:
    """The recorded rows of one side by name."""

    def __init__(self, side: str, table: Mapping[str, Any]) -> None:
        self.word = SINGULAR[side]
        self.ids = list(table["ids"])
        self.titles = table["titles"]
        self.n_in_model = int(table["n"])
        self.is_watched = [bool(flag) for flag in table["is_watched"]]

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, place: int) -> str:
        """Title and id, or the id alone, safe to print and at most some 30 characters long."""
        if self.ids[place] is None:
            return f"new {self.word}"
        title = None if self.titles is None else self.titles[place]
        name = shortened(printable(str(self.ids[place])))
        return name if not title else f"{shortened(printable(title))} ({name})"

    def place(self, typed: Any) -> int:
        """Where an id stands in the table; a text that spells an int matches it.

        Raises
        ------
        UnknownIdError
            With the closest ids that the trace holds.
        """
        if self.ids == [None]:
            raise UnknownIdError("This trace is of a new user, who has no id yet.")
        ids = Ids.from_sequence(self.ids)
        try:
            return ids.row(ids.parse(typed) if isinstance(typed, str) else typed, self.word)
        except UnknownIdError:
            if len(self) == self.n_in_model:
                raise
            raise UnknownIdError(
                f"This trace does not hold {self.word} {shortened(repr(typed))}, only the watched rows and their "
                "neighbours; watch it too."
            ) from None

    def watched_first(self) -> list[int]:
        """All places, those of watched rows first."""
        return sorted(range(len(self)), key=lambda place: not self.is_watched[place])


class Reading:
    """The header of one trace.

    Attributes
    ----------
    header : dict
    users, items : Names
    """

    def __init__(self, header: Mapping[str, Any]) -> None:
        self.header = header
        self.users = Names("users", header["users"])
        self.items = Names("items", header["items"])
        pairs = header["pairs"]
        self._entries = {
            (int(user), int(item)): entry
            for entry, (user, item) in enumerate(zip(pairs["user"], pairs["item"], strict=True))
        }

    def names(self, side: str) -> Names:
        """The rows of "users" or "items"."""
        return self.users if side == "users" else self.items

    @property
    def family(self) -> str:
        """ "explicit", "implicit" or "logistic"."""
        return str(self.header["family"])

    @property
    def is_whole(self) -> bool:
        """Whether every row is recorded."""
        return bool(self.header["kind"] == "whole")

    @property
    def n_pairs(self) -> int:
        """Listed pairs, implied noes among them."""
        return len(self._entries)

    def pair(self, user: int, item: int) -> Pair | None:
        """The listed pair of two places; None where it is not listed."""
        entry = self._entries.get((user, item))
        if entry is None:
            return None
        pairs = self.header["pairs"]
        value, target, weight = (float(pairs[name][entry]) for name in ("value", "target", "weight"))
        return Pair(value, target, weight, bool(pairs["is_implied"][entry]))

    def listed_items(self, user: int) -> list[int]:
        """Places of the items that a user has, implied noes among them."""
        return [item for owner, item in self._entries if owner == user]

    def table(self, name: str, users: Sequence[int], items: Sequence[int]) -> Float64Array:
        """ "value" or "weight" of the stored pairs among these places, shape (users, items); NaN where none is."""
        numbers = np.full((len(users), len(items)), np.nan)
        rows, columns = ({place: n for n, place in enumerate(places)} for places in (users, items))
        pairs = self.header["pairs"]
        for (user, item), entry in self._entries.items():
            if user in rows and item in columns and not pairs["is_implied"][entry]:
                numbers[rows[user], columns[item]] = pairs[name][entry]
        return numbers


def solved_side(step: Mapping[str, Any]) -> str | None:
    """The side that a step solved; None for the start and the rotation."""
    side = str(step["side"])
    if side in ("users", "items"):
        return side
    return "users" if side in ("final users", "fold-in") else None


def shortened(name: str, longest: int = LONGEST_NAME) -> str:
    """A name of at most `longest` characters; what is cut off ends in an ellipsis."""
    return name if len(name) <= longest else name[: longest - 1] + "…"
