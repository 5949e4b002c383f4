"""What a person types for an item: its id, its title, or a part of the title that no other title has.

A title may be typed without the year at its end where that leaves one: "Toy Story" is "Toy Story (1995)", whatever else
begins that way.
"""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from ridgeback.cli.application import Failure

if TYPE_CHECKING:
    from ridgeback.data import Ids
    from ridgeback.data.text import Text

_SHOWN = 5
_LONGEST_TITLE_IN_PARTS = 8
_YEAR = re.compile(r"\s*\(\d{4}\)\s*$")


@dataclass(frozen=True)
class TypedItem:
    """One item of a typed list: its id (as typed when unknown), its value if one was given, and whether it is known."""

    id: int | str
    rating: float | None
    is_known: bool


class ItemFinder:
    """Finds items of a model by id or by title.

    Parameters
    ----------
    ids : Ids
        The model's items.
    titles : Text or None
        Their titles, aligned with `ids`, where there are any.
    """

    def __init__(self, ids: Ids, titles: Text | None) -> None:
        self.ids = ids
        self.titles = titles
        self._folded: list[str] | None = None

    def find(self, text: str) -> int | str:
        """The id that the text means.

        Raises
        ------
        Failure
            If several titles have the text, or none.
        UnknownIdError
            If it is no id and could not be a title.
        """
        found = self.exact(text)
        if found is None:
            found = self.without_year(text)
        if found is None:
            found = self.by_part(text)
        if found is None:
            found = self._unknown(text)
        return found

    def _unknown(self, text: str) -> int | str:
        """The id that the text would be; raises, naming the closest ids, as it is none of these items."""
        from ridgeback.errors import UnknownIdError

        try:
            found = self.ids.parse(text)
            self.ids.row(found, "item")
        except UnknownIdError as error:
            if self.titles is None or not text.strip() or text.strip().lstrip("-").isdecimal():
                raise
            way_out = (
                str(error) if self.ids.is_text else "it is no item's id either; try a part of the title, or the id."
            )
            raise Failure(f"no title has {text.strip()!r} in it; {way_out}") from error
        return found

    def exact(self, text: str) -> int | str | None:
        """The item with this id, or else with this very title (letter case aside); None if there is none."""
        text = text.strip()
        found = self._by_id(text)
        if found is not None or not text:
            return found
        wanted = text.casefold()
        return self._only([row for row, title in enumerate(self._titles()) if title == wanted], text)

    def without_year(self, text: str) -> int | str | None:
        """The item whose title is this and a year in brackets; None if there is none, or more than one."""
        wanted = text.strip().casefold()
        if not wanted or wanted.isdecimal():
            return None
        rows = [r for r, title in enumerate(self._titles()) if title.startswith(wanted) and _bare(title) == wanted]
        return self.ids[rows[0]] if len(rows) == 1 else None

    def by_part(self, text: str) -> int | str | None:
        """The one item whose title has the text in it; None if there is none, and for bare numbers, which are ids."""
        return self._only(self._rows_with(text), text.strip())

    def find_all(self, text: str) -> list[TypedItem]:
        """The items of a list with commas, each with ``=value`` or without; a title may hold commas itself."""
        parts = text.split(",")
        found: list[TypedItem] = []
        start = 0
        while start < len(parts):
            if not parts[start].strip():
                start += 1
                continue
            item, start = self._next(parts, start)
            found.append(item)
        if not found:
            raise click.UsageError("the list of items is empty; give ids or titles with commas between them.")
        return found

    def _next(self, parts: list[str], start: int) -> tuple[TypedItem, int]:
        """The item that begins at this part, and where the next one begins."""
        for end in range(start + 1, min(len(parts), start + _LONGEST_TITLE_IN_PARTS) + 1):
            for name, rating in _readings(",".join(parts[start:end])):
                found = self.exact(name)
                if found is not None:
                    return TypedItem(found, rating, True), end
        for end in range(min(len(parts), start + _LONGEST_TITLE_IN_PARTS), start, -1):
            name, rating = _readings(",".join(parts[start:end]))[-1]
            found = self.without_year(name)
            if found is not None:
                return TypedItem(found, rating, True), end
        for end in range(start + 1, min(len(parts), start + _LONGEST_TITLE_IN_PARTS) + 1):
            name, rating = _readings(",".join(parts[start:end]))[-1]
            rows = self._rows_with(name)
            if len(rows) == 1:
                return TypedItem(self.ids[rows[0]], rating, True), end
            if not rows:
                break
        name, rating = _readings(parts[start])[-1]
        found = self.by_part(name)  # raises where several titles have it
        is_known = found is not None
        named, equals, value = parts[start].rpartition("=")
        if not is_known and equals and self.exact(named) is not None:
            raise Failure(f"the value '{value}' of {named.strip()} is not a number; write {named.strip()}=4.5, say.")
        return TypedItem(self._as_typed(name) if found is None else found, rating, is_known), start + 1

    def _rows_with(self, text: str) -> list[int]:
        """Rows whose title has the text in it."""
        wanted = text.strip().casefold()
        if not wanted or wanted.isdecimal():
            return []
        return [row for row, title in enumerate(self._titles()) if wanted in title]

    def _by_id(self, text: str) -> int | str | None:
        from ridgeback.errors import UnknownIdError

        try:
            parsed = self.ids.parse(text)
        except UnknownIdError:
            return None
        return parsed if parsed in self.ids else None

    def _as_typed(self, text: str) -> int | str:
        from ridgeback.errors import UnknownIdError

        try:
            return self.ids.parse(text.strip())
        except UnknownIdError:
            return text.strip()

    def _titles(self) -> list[str]:
        """Titles of all items, letter case folded."""
        if self._folded is None:
            self._folded = [] if self.titles is None else [title.casefold() for title in self.titles]
        return self._folded

    def _only(self, rows: list[int], text: str) -> int | str | None:
        """The single row's id, None where there is none; several are an error that lists them."""
        if len(rows) > 1:
            titles: Any = self.titles
            shown = ", ".join(f"{titles[row]!r} ({self.ids[row]})" for row in rows[:_SHOWN])
            more = f" and {len(rows) - _SHOWN} more" if len(rows) > _SHOWN else ""
            raise Failure(
                f"'{text}' could be any of {len(rows)} titles: {shown}{more}; give more of the title, or the id."
            )
        return self.ids[rows[0]] if rows else None


def _bare(title: str) -> str:
    """A title without the year in brackets at its end."""
    return _YEAR.sub("", title)


def _readings(text: str) -> list[tuple[str, float | None]]:
    """The text as a name alone, and as ``name=value`` where it ends in a number."""
    readings: list[tuple[str, float | None]] = [(text, None)]
    name, equals, value = text.rpartition("=")
    if equals and name.strip():
        with suppress(ValueError):
            readings.append((name, float(value)))
    return readings
