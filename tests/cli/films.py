"""Seven people, eight films, and a parser of strict JSON: what the tests of the command line stand on."""

from __future__ import annotations

import json
from typing import Any

import ridgeback as rb
from ridgeback.data import Ids, Text, Titles

FILMS = {
    "tt1": "시네마 천국", "tt2": "Matrix, The (1999)", "tt3": "Heat (1995)", "tt4": "[REC] (2007)", "tt5": "기생충",
    "tt6": "Amélie", "tt7": "Toy Story (1995)", "tt8": "Toy Story 2 (1999)",
}  # fmt: skip
HISTORIES = {
    "ann": "tt1 tt5 tt6", "bob": "tt2 tt3 tt4", "cid": "tt1 tt5", "dan": "tt2 tt4 tt7", "eve": "tt7 tt8 tt6",
    "fay": "tt7 tt8", "한별": "tt1 tt6 tt5 tt7",
}  # fmt: skip


def strict_json(text: str) -> Any:
    """Parse JSON as the standard has it: NaN and Infinity are refused."""

    def refuse(name: str) -> None:
        raise AssertionError(f"{name} is not JSON")

    return json.loads(text, parse_constant=refuse)


def films(with_titles: bool = True) -> rb.Interactions:
    """Seven people, eight films, ids of text."""
    pairs = [(user, item) for user, items in HISTORIES.items() for item in items.split()]
    titles = Titles(Ids.from_sequence(list(FILMS)), Text.from_strings(list(FILMS.values())))
    ratings = [1 + (len(user) + int(item[2:])) % 5 for user, item in pairs]
    return rb.Interactions.from_arrays(
        *zip(*pairs, strict=True), ratings=ratings, titles=titles if with_titles else None
    )
