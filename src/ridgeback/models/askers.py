"""Users as a model sees them when it is asked, whether it was fitted to them or not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from ridgeback.recommend.scoring_arrays import Floats

if TYPE_CHECKING:
    from ridgeback.recommend.lists import RowLists
    from ridgeback.recommend.neighbor_term import NeighborTerm


@dataclass(frozen=True)
class Askers:
    """Vectors of some users, and what goes with them.

    Attributes
    ----------
    factors : ndarray of float32, shape (n, n_factors)
        Zeros for a user whom the model does not know.
    biases : ndarray of float32, shape (n,), or None
    seen : lists of item rows, or None
        What they do not get again.
    is_fallback : ndarray of bool, shape (n,)
        Who gets the model's fallback because nothing is known of them.
    neighbors : NeighborTerm, or None
        What neighbours of their items add to scores.
    """

    factors: Floats
    biases: Floats | None
    seen: RowLists | None
    is_fallback: npt.NDArray[np.bool_]
    neighbors: NeighborTerm | None = None

    def vectors(self, places: npt.NDArray[np.intp]) -> tuple[Floats, Floats | None, NeighborTerm | None]:
        """Factors, biases and neighbours of some of them."""
        return (
            self.factors[places],
            None if self.biases is None else self.biases[places],
            None if self.neighbors is None else self.neighbors.chosen(places),
        )
