"""What each factor stands for: its energy, the items at its two ends, the users it moves most."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from ridgeback.data.ids import Ids
from ridgeback.data.text import Text
from ridgeback.errors import ParameterError
from ridgeback.recommend.scoring_arrays import Floats, Rows


@dataclass(frozen=True)
class FactorEntry:
    """An item or user at one end of a factor, and its entry there."""

    id: Any
    value: float
    title: str | None = None


@dataclass(frozen=True)
class FactorDescription:
    """One factor.

    Attributes
    ----------
    factor : int
        Its column.
    energy_share : float
        Its column's sum of squares over the items, as a share of all columns'.
    top_items, bottom_items : tuple of FactorEntry
        The items of largest and of smallest value, the outermost first.
    strongest_users : tuple of FactorEntry
        The users of largest absolute value.
    """

    factor: int
    energy_share: float
    top_items: tuple[FactorEntry, ...]
    bottom_items: tuple[FactorEntry, ...]
    strongest_users: tuple[FactorEntry, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return asdict(self)

    def __str__(self) -> str:
        def words(entries: tuple[FactorEntry, ...]) -> str:
            return ", ".join(f"{entry.title or entry.id} ({entry.value:+.3f})" for entry in entries)

        return (
            f"factor {self.factor}: {self.energy_share:.1%} of the energy\n"
            f"  top items:    {words(self.top_items)}\n"
            f"  bottom items: {words(self.bottom_items)}\n"
            f"  users:        {words(self.strongest_users)}"
        )


def describe_factors(
    user_factors: Floats, item_factors: Floats, user_ids: Ids, item_ids: Ids, titles: Text | None = None, *, n: int = 5
) -> list[FactorDescription]:
    """Describe every factor.

    Parameters
    ----------
    user_factors, item_factors : float32 arrays of shape (n_users, n_factors) and (n_items, n_factors)
    user_ids, item_ids : Ids
    titles : Text or None
        Aligned with `item_ids`.
    n : int, >= 1, default=5
        Items at either end, and users.

    Returns
    -------
    list of FactorDescription
    """
    if isinstance(n, bool) or not isinstance(n, (int, np.integer)) or n < 1:
        raise ParameterError(f"The parameter 'n' must be an int >= 1: the items shown of a factor. Got {n!r} instead.")
    energy = np.einsum("if,if->f", item_factors, item_factors, dtype=np.float64)
    total = float(energy.sum()) or 1.0

    def entries(ids: Ids, values: Floats, rows: Rows, texts: Text | None) -> tuple[FactorEntry, ...]:
        return tuple(
            FactorEntry(ids[row], float(values[row]), (texts[row] or None) if texts is not None else None)
            for row in rows.tolist()
        )

    described = []
    for factor in range(item_factors.shape[1]):
        of_items, of_users = item_factors[:, factor], user_factors[:, factor]
        described.append(
            FactorDescription(
                factor,
                float(energy[factor]) / total,
                entries(item_ids, of_items, _largest(of_items, n), titles),
                entries(item_ids, of_items, _largest(-of_items, n), titles),
                entries(user_ids, of_users, _largest(np.abs(of_users), n), None),
            )
        )
    return described


def _largest(values: Floats, n: int) -> Rows:
    """Rows of the n largest values, equal ones in row order."""
    n = min(n, len(values))
    if n == 0:
        return np.empty(0, dtype=np.int32)
    edge = np.partition(values, len(values) - n)[len(values) - n]
    rows = np.flatnonzero(values >= edge)
    return rows[np.argsort(-values[rows], kind="stable")][:n].astype(np.int32)
