"""When events happened, for the splits that cut by time: what the data hold, and what a caller names."""

from __future__ import annotations

import datetime

import numpy as np
from numpy.typing import NDArray

from ridgeback.data.interactions import Interactions
from ridgeback.errors import DataError, ParameterError

Moment = int | float | datetime.date | np.datetime64

_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)


def timestamps_for(data: Interactions, split: str) -> NDArray[np.int64]:
    """Return the timestamps, or say that there are none."""
    if data.timestamps is None:
        raise DataError(
            f"split.{split} needs timestamps and the data has none: name their column when reading "
            "(timestamp=...), or use split.random."
        )
    return np.asarray(data.timestamps)


def moment_of(cutoff: Moment) -> float:
    """Return the cutoff in the unit of the timestamps: numbers as given, dates as microseconds since 1970 UTC."""
    if isinstance(cutoff, np.datetime64) and not np.isnat(cutoff):
        return int(cutoff.astype("datetime64[us]").astype(np.int64))
    if isinstance(cutoff, datetime.date):
        if not isinstance(cutoff, datetime.datetime):
            cutoff = datetime.datetime(cutoff.year, cutoff.month, cutoff.day)
        moment = cutoff if cutoff.tzinfo else cutoff.replace(tzinfo=datetime.timezone.utc)
        return (moment - _EPOCH) // datetime.timedelta(microseconds=1)
    if isinstance(cutoff, (int, float, np.integer, np.floating)) and not isinstance(cutoff, bool) and cutoff == cutoff:
        return int(cutoff) if isinstance(cutoff, (int, np.integer)) else float(cutoff)
    raise ParameterError(
        f"The 'cutoff' parameter must be a number in the unit of the timestamps, or a date. Got {cutoff!r} instead."
    )
