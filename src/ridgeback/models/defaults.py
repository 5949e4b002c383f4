"""The measured defaults: what every None means, per model and loss. Constants, or functions of the data's shape.

Nothing here may depend on a particular data set. `benchmarks/quality/logistic_defaults.py` prints the measurements
behind LogisticMF's.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias


@dataclass(frozen=True)
class DataShape:
    """What a default may depend on."""

    n_users: int
    n_items: int
    n_interactions: int

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
        "regularization": 0.003,
        "unobserved_weight": lambda shape: 1.4 * math.sqrt(shape.density),
        "frequency_exponent": 1.0,
        "weight_exponents": (0.3, 0.3),
    },
    "hu": {"regularization": 1.0, "alpha": 10.0, "frequency_exponent": 0.0, "weight_exponents": (0.0, 0.0)},
    "logistic": {
        "regularization": lambda shape: 0.4 * _noise(shape),
        "bias_regularization": lambda shape: 0.4 * _noise(shape),
        "n_negatives": _n_negatives,
    },
    "bias": {"regularization": 3.0},
}

NEIGHBOR_WEIGHT = 0.5  # of the neighbourhood term, beside the factors' spread of 1

# Conjugate-gradient steps a row with n_cg_steps="auto" where a side is solved for the first time. Ratings have no
# Gramian whose eigenbasis could help.
N_FIRST_CG_STEPS = {"implicit": 2, "explicit": 3}


def resolve(kind: str, parameters: dict[str, Any], shape: DataShape) -> dict[str, Any]:
    """Parameters with every None that has a measured default replaced by it."""
    resolved = dict(parameters)
    for name, default in DEFAULTS[kind].items():
        if resolved.get(name) is None:
            resolved[name] = default(shape) if callable(default) else default
    return resolved
