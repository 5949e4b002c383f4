"""The measured defaults: what every None means, per model and loss. Constants, or functions of the data's shape.

Nothing here may depend on a particular data set. `benchmarks/defaults.py` prints the measurements.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias


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
        "regularization": 2.0,
        "bias_regularization": 2.0,
        "n_negatives": lambda shape: (
            "all" if shape.n_users * shape.n_items <= 1_000_000 else round(5 * shape.n_interactions / shape.n_users)
        ),
    },
    "bias": {"regularization": 3.0},
}

# Conjugate-gradient steps a row in the Gramian's eigenbasis where n_cg_steps="auto": two leave a median row error
# below 1e-3 from the fourth iteration on, three below 1e-4.
N_CG_STEPS = 3


def resolve(kind: str, parameters: dict[str, Any], shape: DataShape) -> dict[str, Any]:
    """Parameters with every None that has a measured default replaced by it."""
    resolved = dict(parameters)
    for name, default in DEFAULTS[kind].items():
        if resolved.get(name) is None:
            resolved[name] = default(shape) if callable(default) else default
    return resolved
