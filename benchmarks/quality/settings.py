"""The settings of ImplicitALS that the study of defaults tries, in units that mean the same on data of any shape."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

import ridgeback as rb
from ridgeback.models.defaults import DataShape, ials_regularization


@dataclass(frozen=True)
class Setting:
    """One setting.

    Attributes
    ----------
    edge : float
        Where the largest singular value of noise stands, 1 being where it can leave zero: the regularization is the
        one that puts it there.
    density_multiple : float
        unobserved_weight over the square root of the density.
    frequency_exponent, user_exponent, item_exponent : float
    n_factors : int
    """

    edge: float = 1.8
    density_multiple: float = 0.7
    frequency_exponent: float = 0.5
    user_exponent: float = 0.45
    item_exponent: float = 0.15
    n_factors: int = 64
    regularization: float | None = None  # instead of `edge`

    def parameters(self, train: rb.Interactions) -> dict[str, Any]:
        """Constructor arguments on this data."""
        shape = DataShape(train.n_users, train.n_items, train.nnz)
        unobserved = self.density_multiple * math.sqrt(shape.density)
        regularization = ials_regularization(shape, unobserved, self.frequency_exponent, noise_edge=self.edge)
        return {
            "n_factors": self.n_factors,
            "regularization": regularization if self.regularization is None else self.regularization,
            "unobserved_weight": unobserved,
            "frequency_exponent": self.frequency_exponent,
            "weight_exponents": (self.user_exponent, self.item_exponent),
        }

    def __str__(self) -> str:
        start = f"edge {self.edge:4.2f}" if self.regularization is None else f"reg {self.regularization:5.3f}"
        return (
            f"{start}  unobserved {self.density_multiple:4.2f}  frequency {self.frequency_exponent:4.2f}  weights "
            f"{self.user_exponent:.2f} {self.item_exponent:.2f}  factors {self.n_factors:3d}"
        )

    def key(self) -> str:
        """What it is known by in a file."""
        return ",".join(f"{value}" for value in asdict(self).values())


def settings() -> list[Setting]:
    """A grid of the two that matter most, the others one at a time, draws from wide ranges, what there was before."""
    center = Setting()
    rng = np.random.default_rng(0)
    return [
        Setting(1.8, 1.4, 1.0, 0.3, 0.3, regularization=0.003),
        *(replace(center, edge=e, density_multiple=m) for e in (1.4, 1.8, 2.3) for m in (0.35, 0.5, 0.7, 1.0)),
        *(replace(center, edge=e, density_multiple=m) for e in (1.6, 2.0) for m in (0.7, 0.85)),
        *(replace(center, frequency_exponent=exponent) for exponent in (0.0, 0.25, 0.75, 1.0)),
        *(
            replace(center, user_exponent=user, item_exponent=item)
            for user, item in ((0, 0), (0.15, 0.15), (0.3, 0), (0.3, 0.3), (0.6, 0.15), (0.6, 0.3), (0.45, 0.45))
        ),
        *(replace(center, n_factors=n) for n in (32, 128)),
        *(
            Setting(
                round(float(np.exp(rng.uniform(math.log(1.2), math.log(3.5)))), 2),
                round(float(np.exp(rng.uniform(math.log(0.25), math.log(1.4)))), 2),
                float(rng.choice([0.0, 0.25, 0.5, 0.75, 1.0])),
                float(rng.choice([0.15, 0.3, 0.45, 0.6])),
                float(rng.choice([0.0, 0.15, 0.3])),
                int(rng.choice([32, 64, 128])),
            )
            for _ in range(10)
        ),
    ]
