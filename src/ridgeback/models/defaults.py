"""The measured defaults: what every None means, per model and loss. Constants, or functions of the data's shape.

Nothing here may depend on a particular data set. `benchmarks/quality/defaults.py` prints the measurements behind those
of ImplicitALS, `benchmarks/quality/hu_defaults.py` those of its loss "hu", `benchmarks/quality/logistic_defaults.py`
those behind LogisticMF's.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from ridgeback.data.interactions import Interactions

_MOST_VALUES = 1 << 18  # that a typical value is taken from


@dataclass(frozen=True)
class DataShape:
    """What a default may depend on.

    Attributes
    ----------
    n_users, n_items, n_interactions : int
    typical_value : float
        The median of the values; 1 where there are none.
    """

    n_users: int
    n_items: int
    n_interactions: int
    typical_value: float = 1.0

    @classmethod
    def of(cls, data: Interactions) -> DataShape:
        """The shape of data; of more than 262,144 values the median is that of so many, taken evenly."""
        values = data.user_items.data
        typical = 1.0
        if values is not None and len(values):
            typical = float(np.median(values[:: -(-len(values) // _MOST_VALUES)]))
        return cls(data.n_users, data.n_items, data.nnz, typical)

    @property
    def density(self) -> float:
        """Share of all pairs that are observed."""
        return self.n_interactions / max(1, self.n_users * self.n_items)


def _noise(shape: DataShape) -> float:
    """About the largest singular value of a random matrix of signs with as many entries, spread evenly.

    LogisticMF's factors leave zero where the surprises of its yeses have a singular value above twice the ridge, so a
    multiple of this keeps out what chance alone makes, whatever the size of the data.
    """
    return math.sqrt(shape.n_interactions / shape.n_users) + math.sqrt(shape.n_interactions / shape.n_items)


def _n_negatives(shape: DataShape) -> int | Literal["all"]:
    """All pairs of small data; beyond, ten for each pair of the mean history, at most 300 a user."""
    if shape.n_users * shape.n_items <= 1_000_000:
        return "all"
    return min(300, math.ceil(10 * shape.n_interactions / shape.n_users))


Default: TypeAlias = float | tuple[float, float] | Callable[[DataShape], Any]

DEFAULTS: dict[str, dict[str, Default]] = {
    "explicit": {"regularization": 0.1, "bias_regularization": 0.05},
    "ials": {
        "unobserved_weight": lambda shape: DENSITY_MULTIPLE * math.sqrt(shape.density),
        "frequency_exponent": 0.5,
        "weight_exponents": (0.45, 0.15),
    },
    "hu": {
        # a typical value counts as much beside a zero as in "ials"
        "alpha": lambda shape: 1 / (DENSITY_MULTIPLE * math.sqrt(shape.density) * shape.typical_value),
        "frequency_exponent": 0.0,
        "weight_exponents": (0.0, 0.0),
    },
    "logistic": {
        "regularization": lambda shape: 0.4 * _noise(shape),
        "bias_regularization": lambda shape: 0.4 * _noise(shape),
        "n_negatives": _n_negatives,
    },
    "bias": {"regularization": 3.0},
}

DENSITY_MULTIPLE = 0.7  # unobserved_weight over the root of the density
NOISE_EDGE = 1.8  # singular value, 1 being where a direction can leave zero, at which ImplicitALS leaves noise

NEIGHBOR_WEIGHT = 0.2  # of the neighbourhood term, beside a spread of 1 by the factors

# Conjugate-gradient steps a row with n_cg_steps="auto" where a side is solved for the first time. Ratings have no
# Gramian whose eigenbasis could help.
N_FIRST_CG_STEPS = {"implicit": 2, "explicit": 3}


def ials_regularization(
    shape: DataShape,
    unobserved_weight: float,
    frequency_exponent: float,
    *,
    counts_all: bool = True,
    noise_edge: float = NOISE_EDGE,
) -> float:
    """The regularization of loss "ials" at which what chance alone makes stands at `noise_edge`.

    ::

        (sqrt(n_u) + sqrt(n_i)) (1 + 1 / n_u) m / (m + 30) / (noise_edge * (f_u f_i)^(frequency_exponent / 2))

    with n_u and n_i the mean interactions of a user and an item, f_u and f_i their mean frequencies, and m the smaller
    of the numbers of users and items. A direction leaves zero where its singular value, over the square root of both
    sides' ridges, is above 1 (docs/weights.md), and sqrt(n_u) + sqrt(n_i) is about the largest that a random matrix
    with as many entries has. Users with one or two interactions say less than that, hence ``1 + 1 / n_u``; and of a
    handful of users or items nothing can be called noise, hence ``m / (m + 30)``.
    """
    of_user, of_item = shape.n_interactions / shape.n_users, shape.n_interactions / shape.n_items
    smaller = min(shape.n_users, shape.n_items)
    noise = (math.sqrt(of_user) + math.sqrt(of_item)) * (1 + 1 / of_user) * smaller / (smaller + 30)
    weight = unobserved_weight if counts_all else 0.0
    log_frequencies = math.log(of_user + weight * shape.n_items) + math.log(of_item + weight * shape.n_users)
    exponent = min(frequency_exponent, 10.0)  # what is beyond any use is blamed by the fit, not made up for here
    return noise / noise_edge * math.exp(-exponent / 2 * log_frequencies)


def hu_regularization(
    shape: DataShape, alpha: float, frequency_exponent: float, *, noise_edge: float = NOISE_EDGE
) -> float:
    """The regularization of loss "hu" by the same rule: a typical pair pulls by ``1 + alpha * typical_value``.

    ::

        (1 + alpha * typical_value) * ials_regularization(...)    frequencies without the zeros
    """
    noise = ials_regularization(shape, 0.0, frequency_exponent, counts_all=False, noise_edge=noise_edge)
    return (1 + alpha * shape.typical_value) * noise


def resolve(kind: str, parameters: dict[str, Any], shape: DataShape) -> dict[str, Any]:
    """Parameters with every None that has a measured default replaced by it."""
    resolved = dict(parameters)
    for name, default in DEFAULTS[kind].items():
        if resolved.get(name) is None:
            resolved[name] = default(shape) if callable(default) else default
    return resolved
