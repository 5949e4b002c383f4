"""Settings that need no fit: those that would end at zero, and factors beyond what a regularization lets live.

How many directions can leave zero follows from the data and the ridges (docs/weights.md); how many live in the end is
seen from the fits so far, since a stronger regularization never lets more of them live.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ridgeback.data.interactions import Interactions
from ridgeback.models.implicit import ImplicitALS

_LEAST_VALUE = 1.2  # of the largest singular value: a direction just above 1 grows too slowly to be seen
_N_LOOKED_AT = 4  # largest singular values: about a tenth of a fit's time
_SLACK = 1.5  # factors beyond the live rank that are still tried
_IS_CUT = 0.75  # of the factors: where fewer live, the regularization holds the others back


def ends_near_zero(model: Any, train: Interactions) -> bool:
    """Whether nothing, or nearly so, can leave zero in a fit of ImplicitALS; False for models that cannot say."""
    if not isinstance(model, ImplicitALS) or model.regularization == 0:
        return False
    n = min(_N_LOOKED_AT, model.n_factors)
    values = model.starting_values(train, n)
    n_few = min(n, len(values)) // 2
    return bool(values[0] <= _LEAST_VALUE or np.count_nonzero(values > 1) < n_few)


@dataclass
class LiveRanks:
    """How many factors lived at which regularization."""

    _seen: list[tuple[float, int]] = field(default_factory=list)

    def learn(self, regularization: float, n_factors: int, live_rank: int | None) -> None:
        """Take in a fit whose regularization, not its number of factors, decided how many live.

        Parameters
        ----------
        regularization : float
            As a multiple of the untuned one.
        n_factors : int
        live_rank : int or None
        """
        if live_rank is not None and live_rank < _IS_CUT * n_factors:
            self._seen.append((regularization, live_rank))

    def most_factors(self, regularization: float) -> int | None:
        """The most factors worth fitting at a regularization; None where nothing is known against any number."""
        ranks = [rank for other, rank in self._seen if other <= regularization]
        return max(1, int(_SLACK * min(ranks))) if ranks else None
