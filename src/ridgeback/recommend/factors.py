"""What each factor stands for: its energy, the items at its two ends, the users it moves most."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from ridgeback.data.ids import Ids
from ridgeback.data.text import Text
from ridgeback.errors import ParameterError
from ridgeback.recommend.scoring_arrays import Floats, Rows

_EQUAL_ENDS = 0.10
_SAME_ENERGY = 0.05
_NEAR_ZERO = 0.05  # of the factor's largest magnitude: an end that reaches no further has nothing to tell
_NO_END = "none: all items are near zero at this end"


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
        Its column, counted from 0; in text factors are counted from 1, as in traces.
    energy_share : float
        Its column's sum of squares over the items, as a share of all columns'.
    top_items, bottom_items : tuple of FactorEntry
        The items of largest and of smallest value, the outermost first.
    strongest_users : tuple of FactorEntry
        The users of largest absolute value.
    is_either_way_round : bool
        Whether the largest values at its two ends differ by less than 10 %: another seed may turn it round.
    exchangeable_with : tuple of int
        Neighbouring factors, counted from 0, whose energy differs by less than 5 %: another seed may mix them or change
        their order.
    """

    factor: int
    energy_share: float
    top_items: tuple[FactorEntry, ...]
    bottom_items: tuple[FactorEntry, ...]
    strongest_users: tuple[FactorEntry, ...]
    is_either_way_round: bool = False
    exchangeable_with: tuple[int, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return asdict(self)

    def _end(self, entries: tuple[FactorEntry, ...], sign: int) -> bool:
        """Whether an end reaches far enough from zero to mean something."""
        largest = max((abs(entry.value) for entry in (*self.top_items[:1], *self.bottom_items[:1])), default=0.0)
        return bool(entries) and sign * entries[0].value > _NEAR_ZERO * largest

    def __str__(self) -> str:
        def words(entries: tuple[FactorEntry, ...]) -> str:
            return ", ".join(f"{entry.title or entry.id} ({entry.value:+.3f})" for entry in entries)

        notes = ["either way round"] if self.is_either_way_round else []
        if self.exchangeable_with:
            others = " and ".join(str(other + 1) for other in self.exchangeable_with)
            notes.append(f"exchangeable with factor {others}")
        ends = self._end(self.top_items, 1), self._end(self.bottom_items, -1)
        return (
            f"factor {self.factor + 1}: {self.energy_share:.1%} of the energy{''.join(f', {note}' for note in notes)}\n"
            f"  top items:    {words(self.top_items) if ends[0] else _NO_END}\n"
            f"  bottom items: {words(self.bottom_items) if ends[1] else _NO_END}\n"
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

    Notes
    -----
    In principal axes (``orientation="principal"``, the default where nothing else gives axes a meaning) factors stand
    by energy, and the item of largest absolute value is positive. Two fits then have the same factors as far as their
    energies are apart and their ends differ, and the marks say where they may not be.
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
                _has_equal_ends(of_items),
                tuple(
                    other
                    for other in (factor - 1, factor + 1)
                    if 0 <= other < len(energy) and _differ_by_less(energy[factor], energy[other], _SAME_ENERGY)
                ),
            )
        )
    return described


def _has_equal_ends(values: Floats) -> bool:
    """Whether the largest and the smallest value lie about equally far on either side of zero."""
    top, bottom = float(values.max(initial=0)), float(-values.min(initial=0))
    return _differ_by_less(top, bottom, _EQUAL_ENDS)


def _differ_by_less(one: float, other: float, share: float) -> bool:
    """Whether two numbers, both above 0, differ by less than this share of the larger."""
    return bool(min(one, other) > 0 and abs(one - other) < share * max(one, other))


def _largest(values: Floats, n: int) -> Rows:
    """Rows of the n largest values, equal ones in row order."""
    n = min(n, len(values))
    if n == 0:
        return np.empty(0, dtype=np.int32)
    edge = np.partition(values, len(values) - n)[len(values) - n]
    rows = np.flatnonzero(values >= edge)
    return rows[np.argsort(-values[rows], kind="stable")][:n].astype(np.int32)
