"""The popularity correction: a fixed amount off or on the score of every item, the same for all users.

::

    ranking score(u, i) = score(u, i) - popularity_penalty * spread * z_i
    z_i = (log(1 + n_i) - mean) / standard deviation, both over the items that somebody has

n_i is how many users have item i; `spread` is the standard deviation of the model's scores within a user. So one
`popularity_penalty` means the same for ratings, preferences, log-odds and cosines: at 1, an item whose log popularity
is a standard deviation above another's needs a score a standard deviation higher to stand beside it.

References
----------
A. K. Menon, S. Jayasumana, A. S. Rawat, H. Jain, A. Veit, S. Kumar, "Long-tail learning via logit adjustment",
ICLR 2021: after the fit, tau times the log of a class's share is taken from its score.
H. Steck, "Item popularity and recommendation accuracy", RecSys 2011: why a measure of accuracy on what was observed
favours popular items.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ridgeback.errors import DataError
from ridgeback.recommend.scoring_arrays import Floats, Rows

MOST_SAMPLED = 1000  # rows of either side whose scores the spread is measured on


def standard_popularity(item_counts: npt.NDArray[np.integer[Any]]) -> npt.NDArray[np.float64]:
    """z_i, shape (n_items,): 0 where all items that somebody has are as popular as each other."""
    logs = np.log1p(item_counts.astype(np.float64))
    known = logs[item_counts > 0]
    if not len(known) or known.max() == known.min():
        return np.zeros(len(logs))
    return np.asarray((logs - known.mean()) / known.std())


def penalties(popularity_penalty: float, spread: float, item_counts: npt.NDArray[np.integer[Any]]) -> Floats:
    """What each item loses (below 0: gains), float32, shape (n_items,).

    Raises
    ------
    DataError
        If the spread is no finite number.
    """
    if not np.isfinite(spread):
        raise DataError(
            "The popularity penalty has no unit: scores of this model are NaN or infinite. Fit again with more "
            "regularization, or look for absurd values in the data."
        )
    lost: Floats = (popularity_penalty * spread * standard_popularity(item_counts)).astype(np.float32)
    return lost


def spread_within(scores: npt.NDArray[Any]) -> float:
    """Standard deviation of scores (n_users, n_items) within users: root of the mean variance; 0 of nothing."""
    return float(np.sqrt(scores.astype(np.float64).var(axis=1).mean())) if scores.size else 0.0


def sampled(rows: npt.NDArray[np.integer[Any]]) -> Rows:
    """At most 1,000 of the rows, ascending, always the same ones."""
    if len(rows) > MOST_SAMPLED:
        rows = np.sort(np.random.default_rng(0).choice(rows, MOST_SAMPLED, replace=False))
    return rows.astype(np.int32)
