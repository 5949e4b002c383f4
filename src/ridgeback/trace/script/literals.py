"""Numbers, names and matrices as Python writes them: all that comes from a record enters a script through here."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

WIDTH = 116
LONGEST_NAME = 60


def number(value: Any) -> str:
    """A number in full precision; `nan` where there is none.

    Raises
    ------
    ValueError, TypeError
        When it is not a number.
    """
    if isinstance(value, (int, np.integer)) and not isinstance(value, bool):
        return str(int(value))
    value = math.nan if value is None else float(value)
    return repr(value) if math.isfinite(value) else "nan"


def names_of(ids: Sequence[Any], titles: Sequence[str | None] | None) -> list[str]:
    """A printable name for every row, each once: its title or id, shortened, control characters spelled out."""
    names: list[str] = []
    taken: set[str] = set()
    for place, one in enumerate(ids):
        title = None if titles is None else titles[place]
        told = "the new user" if one is None and title is None else str(title or one)
        shown = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in told)
        if len(shown) > LONGEST_NAME:
            shown = shown[: LONGEST_NAME - 3] + "..."
        name, copies = shown, 1
        while name in taken:
            copies += 1
            name = f"{shown} ({copies})"
        taken.add(name)
        names.append(name)
    return names


def quoted(text: str) -> str:
    """A string in double quotes: JSON's are Python's."""
    return json.dumps(text, ensure_ascii=False)


def assigned(name: str, value: Any) -> str:
    """``name = value`` of numbers, names, and lists and dicts of these."""
    return f"{name} = {literal(value)}\n"


def literal(value: Any, indent: str = "") -> str:
    """A nested value: dicts with a line for each entry, lists of lists with a line for each row."""
    if isinstance(value, dict):
        return _block(
            "{", (f"{quoted(key)}: {literal(part, indent + '    ')}" for key, part in value.items()), "}", indent
        )
    if not isinstance(value, list):
        return quoted(value) if isinstance(value, str) else number(value)
    if any(isinstance(part, (list, dict)) for part in value):
        return _block("[", (literal(part, indent + "    ") for part in value), "]", indent)
    return _wrapped([literal(part) for part in value], indent)


def matrix(name: str, rows: npt.NDArray[Any], row_names: Sequence[str], column_names: Sequence[str] | None) -> str:
    """``name = np.array([...])`` with the name of each row beside it, and those of the columns above."""
    lines = [f"{name} = np.array(["]
    if column_names is not None and len(column_names) <= 12:
        lines.append(f"    # {', '.join(column_names)}")
    for label, row in zip(row_names, rows.tolist(), strict=True):
        lines.append(f"    {literal(row, '    ')},  # {label}")
    return "\n".join([*lines, "])\n"])


def _block(opening: str, parts: Iterable[str], closing: str, indent: str) -> str:
    inner = indent + "    "
    return opening + "\n" + "".join(f"{inner}{part},\n" for part in parts) + indent + closing


def _wrapped(parts: Sequence[str], indent: str) -> str:
    """A flat list on one line, or on several of at most 116 characters where it is longer."""
    line = ", ".join(parts)
    if len(line) + len(indent) + 2 <= WIDTH - 20:
        return f"[{line}]"
    inner = indent + "    "
    lines, current = [], inner
    for part in parts:
        if len(current) + len(part) + 2 > WIDTH and current.strip():
            lines.append(current.rstrip())
            current = inner
        current += f"{part}, "
    return "[\n" + "\n".join([*lines, current.rstrip()]) + f"\n{indent}]"
