"""Which column plays which part: by name, by position, or guessed from the usual names."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass, fields

from ridgeback.errors import DataError, ParameterError

_ITEM_WORDS = ("item", "movie", "artist", "product", "track", "book")
_USUAL_NAMES = {
    "rating": ("rating", "rate", "score", "count", "plays", "quantity", "weight"),
    "timestamp": ("timestamp", "time", "date"),
    "title": ("title", "name"),
}
_USUAL_BEGINNINGS = {"user": ("user",), "item": _ITEM_WORDS}

Column = str | int | None
"""A name, a position counted from 0, or None to have it guessed."""


@dataclass(frozen=True)
class ColumnRequest:
    """The columns that the caller asked for; False leaves one out without a guess."""

    user: Column = None
    item: Column = None
    rating: Column | bool = None
    timestamp: Column | bool = None
    weight: Column = None
    event: Column = None

    def asked(self) -> dict[str, Column | bool]:
        """Each part and what was asked for it."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def names_columns(self) -> bool:
        """Whether a column is asked for by a name that is no number."""
        return any(isinstance(column, str) and not _is_position(column) for column in self.asked().values())


@dataclass(frozen=True)
class ChosenColumns:
    """Position and name of the column of each part, in a fixed order, and which of them were guessed.

    Where there is no header, names are positions.
    """

    positions: dict[str, int]
    names: dict[str, str]
    guessed: tuple[str, ...] = ()


def choose_columns(
    asked: dict[str, Column | bool],
    required: Sequence[str],
    names: Sequence[str] | None,
    n_columns: int,
    source: str,
) -> ChosenColumns:
    """Find the column of each part.

    Parameters
    ----------
    asked : dict
        Part ("user", "item", ...) to name, position, None (guess) or False (none).
    required : sequence of str
        Parts that must have a column.
    names : sequence of str, or None
        The header; None where there is none.
    n_columns : int
        Number of columns.
    source : str
        What messages call the table.

    Raises
    ------
    DataError
        When a column is not there, cannot be guessed, or is not told apart by its name.
    """
    positions: dict[str, int] = {}
    guessed: list[str] = []
    for part, column in asked.items():
        if column is False or column is True:
            if column or part in required:
                raise ParameterError(
                    f"The '{part}' parameter must be a column name or position. Got {column!r} instead."
                )
        elif column is not None:
            positions[part] = _find(part, column, names, n_columns, source)
    for part, column in asked.items():
        if column is None and names is not None and part in (*_USUAL_NAMES, *_USUAL_BEGINNINGS):
            if part == "rating" and "event" in positions:
                continue
            found = _guess(part, names, set(positions.values()), source)
            if found is not None:
                positions[part] = found
                guessed.append(part)
    missing = [part for part in required if part not in positions]
    if missing:
        raise DataError(_missing_message(missing, names, n_columns, source))
    ordered = {part: positions[part] for part in asked if part in positions}
    labels = {part: names[p] if names is not None else f"column {p}" for part, p in ordered.items()}
    return ChosenColumns(ordered, labels, tuple(part for part in ordered if part in guessed))


def _is_position(column: str) -> bool:
    return column.isascii() and column.isdecimal()


def _find(part: str, column: str | int, names: Sequence[str] | None, n_columns: int, source: str) -> int:
    """The position of a column that the caller named."""
    if isinstance(column, str):
        if names is not None and column in names:
            places = [place for place, name in enumerate(names) if name == column]
            if len(places) > 1:
                raise DataError(
                    f"{source} has {len(places)} columns called {column!r}, at positions {places}; "
                    f"pass one of the positions: {part}={places[0]}."
                )
            return places[0]
        if not _is_position(column):
            if names is None:
                raise DataError(
                    f"{source} has no header line, so there is no column {column!r}; pass positions counted from 0, "
                    f"such as {part}=0, or header=True if the first line names the columns."
                )
            raise DataError(f"{source} has no column {column!r}; {_listed(names)}{_closest(column, names)}")
        column = int(column)
    if isinstance(column, bool) or not 0 <= int(column) < n_columns:
        raise DataError(
            f"{source} has no column at position {column}; it has {n_columns}, counted from 0 to {n_columns - 1}."
        )
    return int(column)


def _guess(part: str, names: Sequence[str], taken: set[int], source: str) -> int | None:
    """The position of the column whose name is usual for the part, or None."""
    plain = [name.strip().lower() for name in names]
    free = [place for place in range(len(names)) if place not in taken]
    for usual in _USUAL_NAMES.get(part, ()):
        places = [place for place in free if plain[place] == usual]
        if places:
            return _only(part, places, names, source)
    words = _USUAL_BEGINNINGS.get(part, ())
    exact = [place for place in free if plain[place] in {word + end for word in words for end in ("", "id", "_id")}]
    places = exact or [place for place in free if plain[place].startswith(words)]
    return _only(part, places, names, source) if places and words else None


def _only(part: str, places: list[int], names: Sequence[str], source: str) -> int:
    """The one place, or DataError when there are several."""
    if len(places) > 1:
        likely = ", ".join(repr(names[place]) for place in places)
        raise DataError(
            f"{source} has several columns that may be the {part}: {likely}; say which with {part}=..., "
            "by name or by position counted from 0."
        )
    return places[0]


def _missing_message(missing: list[str], names: Sequence[str] | None, n_columns: int, source: str) -> str:
    """No column for these parts: what there is, and what to pass."""
    needed = " and ".join(missing)
    arguments = ", ".join(f"{part}=..." for part in missing)
    if names is None:
        positions = ", ".join(f"{part}={place}" for place, part in enumerate(missing))
        return (
            f"{source} has no header line to find the {needed} by; it has {n_columns} columns: pass their positions "
            f"counted from 0, such as {positions}, or header=True if the first line names the columns."
        )
    return f"{source} has no column that looks like the {needed}; {_listed(names)}. Pass {arguments}."


def _listed(names: Sequence[str], limit: int = 30) -> str:
    shown = ", ".join(repr(name) for name in names[:limit])
    return f"its columns are {shown}" + (f", ... {len(names)} in all" if len(names) > limit else "")


def _closest(column: str, names: Sequence[str]) -> str:
    by_lower = {name.lower(): name for name in names}
    near = difflib.get_close_matches(column.lower(), by_lower, n=1)
    return f"; did you mean {by_lower[near[0]]!r}?" if near else "."
