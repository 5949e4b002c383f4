"""Weights that halve with age: what somebody took lately says more about them than what they took years ago."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from ridgeback.errors import DataError, ParameterError

if TYPE_CHECKING:
    from ridgeback.data.interactions import Interactions

UNITS = {"days": 1.0, "seconds": 86_400.0, "milliseconds": 86_400e3, "microseconds": 86_400e6, "nanoseconds": 86_400e9}
LEAST = 1e-6  # of the newest one's weight: an old interaction stays one that was seen


def with_recency(data: Interactions, half_life_days: Any, now: Any, unit: Any) -> Interactions:
    """The same interactions with aged weights; see `Interactions.with_recency`."""
    half_life = _positive("half_life_days", half_life_days)
    if data.timestamps is None:
        raise DataError(
            "with_recency needs timestamps, and these interactions have none: name their column when reading, "
            "timestamp='time'."
        )
    if data.nnz == 0:
        return data.subset(np.ones(0, dtype=bool))
    latest = int(data.timestamps.max())
    per_day = UNITS[_unit(latest) if unit is None else _known(unit)]
    end = latest if now is None else _moment(now)
    if end < latest:
        raise ParameterError(
            f"The parameter 'now' of with_recency must not be before the last interaction ({latest}). Got {end}; leave "
            "it out to count back from that one, or leave later interactions out first."
        )
    ages = (end - data.timestamps.astype(np.float64)) / per_day
    newest = float(ages.min())  # weights are relative, so count from there: nothing vanishes
    weights = np.maximum(np.exp2((newest - ages) / half_life), LEAST)
    weights /= weights.mean()
    if data.weights is not None:
        weights *= data.weights
    aged = data.subset(np.ones(data.nnz, dtype=bool))
    aged.weights = weights.astype(np.float32)
    return aged


def _unit(latest: int) -> str:
    """The unit of numbers that count from 1970, by their size."""
    for limit, unit in ((1e8, None), (1e11, "seconds"), (1e14, "milliseconds"), (1e17, "microseconds")):
        if latest < limit:
            if unit is None:
                raise ParameterError(
                    f"The parameter 'unit' of with_recency must be given where timestamps are no times since 1970: the "
                    f"last one is {latest}. Choose one of {', '.join(map(repr, UNITS))}."
                )
            return unit
    return "nanoseconds"


def _known(unit: Any) -> str:
    if not isinstance(unit, str) or unit not in UNITS:
        raise ParameterError(
            f"The parameter 'unit' of with_recency must be one of {', '.join(map(repr, UNITS))}. Got {unit!r} instead."
        )
    return unit


def _positive(name: str, value: Any) -> float:
    is_number = isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)
    if not is_number or not math.isfinite(value) or value <= 0:
        raise ParameterError(
            f"The parameter {name!r} of with_recency must be a finite number above 0. Got {value!r} instead."
        )
    return float(value)


def _moment(now: Any) -> int:
    if isinstance(now, bool) or not isinstance(now, (int, np.integer)):
        raise ParameterError(
            f"The parameter 'now' of with_recency must be a whole number, as the timestamps are. Got {now!r} instead."
        )
    return int(now)
