"""The implicit matrices that are measured on: drawn by seed, or real where the data sets are at hand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from quality import datasets
from results import say
from ridgeback import Csr
from ridgeback.data.synthetic import catalogue, power_law

PAIRS_A_USER, PAIRS_AN_ITEM = 130, 660  # the shape of the classic set of 138,493 x 27,278 with 18 million pairs
NAMES = ("long tails", "planted", "ml-1m", "lastfm")


@dataclass(frozen=True)
class Size:
    """How many pairs, users and items a matrix with long tails has."""

    n_interactions: int

    @property
    def n_users(self) -> int:
        return self.n_interactions // PAIRS_A_USER

    @property
    def n_items(self) -> int:
        return self.n_interactions // PAIRS_AN_ITEM


def long_tails(n_interactions: int, random_state: int) -> Csr:
    """Pairs without structure beyond their long tails: as slow to gather as real ones, but nothing to learn."""
    size = Size(n_interactions)
    return power_law(size.n_users, size.n_items, n_interactions, random_state)


def matrix(name: str, scale: float = 1.0, random_state: int = 0) -> Csr:
    """A matrix that something can be learned from, every value 1; the users of a planted one times `scale`."""
    if name == "planted":
        found: Any = catalogue(max(100, int(20_000 * scale)), max(50, int(2_000 * scale)), random_state).user_items
    elif name == "ml-1m":
        found = datasets.ml_1m().user_items
    else:
        found = datasets.lastfm().user_items
    return Csr(found.indptr, found.indices, None, found.shape)


def at_hand(names: list[str]) -> list[str]:
    """The names without those of real data sets, where there are none."""
    if not datasets.is_at_hand() and set(names) - {"planted"}:
        say("the real data sets are not at hand (RIDGEBACK_DATA): left out")
        return [name for name in names if name == "planted"]
    return names
