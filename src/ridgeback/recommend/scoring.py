"""What a score is made of: vectors and biases of both sides, the mean, and what neighbours add."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ridgeback.errors import ParameterError
from ridgeback.recommend.scoring_arrays import Floats, matrix, vector

if TYPE_CHECKING:
    from ridgeback.recommend.neighbor_term import NeighborTerm

NativeArrays = tuple[Floats, Floats, Floats | None, Floats | None, float, Any]


@dataclass(frozen=True)
class Scoring:
    """``score(u, i) = ((mean + b_u) + b_i) + x_u . y_i``, plus what `neighbors` add, in float32 and in this order.

    Attributes
    ----------
    user_factors : float32 array of shape (n_users, n_factors)
        n_factors may be 0: then the biases alone decide.
    item_factors : float32 array of shape (n_items, n_factors)
    user_biases, item_biases : float32 arrays of shape (n_users,) and (n_items,), or None
    mean : float
    neighbors : NeighborTerm, or None
        Its histories and scales aligned with `user_factors`.

    Raises
    ------
    ParameterError
        If the shapes do not fit.
    """

    user_factors: Floats
    item_factors: Floats
    user_biases: Floats | None = None
    item_biases: Floats | None = None
    mean: float = 0.0
    neighbors: NeighborTerm | None = None

    def __post_init__(self) -> None:
        x, y = matrix(self.user_factors, "user_factors"), matrix(self.item_factors, "item_factors")
        if x.shape[1] != y.shape[1]:
            raise ParameterError(
                f"The parameters 'user_factors' {x.shape} and 'item_factors' {y.shape} must have equally many columns."
            )
        term = self.neighbors
        if term is not None and not len(x) == len(term.scales) == len(term.histories.indptr) - 1:
            raise ParameterError(
                f"The parameter 'neighbors' must have a history and a scale for each of {len(x)} users. Got "
                f"{len(term.histories.indptr) - 1} and {len(term.scales)}."
            )
        checked = {
            "user_factors": x,
            "item_factors": y,
            "user_biases": vector(self.user_biases, len(x), "user_biases"),
            "item_biases": vector(self.item_biases, len(y), "item_biases"),
            "mean": float(self.mean),
        }
        for name, value in checked.items():
            object.__setattr__(self, name, value)

    @property
    def n_users(self) -> int:
        """Number of users."""
        return len(self.user_factors)

    @property
    def n_items(self) -> int:
        """Number of items."""
        return len(self.item_factors)

    def lowered(self, penalties: npt.NDArray[np.float32]) -> Scoring:
        """The same with something taken off every item's score; shape (n_items,)."""
        return replace(self, item_biases=-penalties if self.item_biases is None else self.item_biases - penalties)

    def to_native(self, begin: int = 0, end: int | None = None) -> NativeArrays:
        """The arrays of the users begin .. end - 1 as the native code takes them."""
        end = self.n_users if end is None else end
        return (
            self.user_factors[begin:end],
            self.item_factors,
            None if self.user_biases is None else self.user_biases[begin:end],
            self.item_biases,
            self.mean,
            None if self.neighbors is None else self.neighbors.between(begin, end).to_native(),
        )
