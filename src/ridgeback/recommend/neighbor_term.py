"""The neighbourhood term as scoring takes it: neighbours of items, histories of users, and a scale for each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ridgeback import _native
from ridgeback.data.csr import Csr
from ridgeback.errors import ParameterError
from ridgeback.recommend.lists import Lists, RowLists
from ridgeback.recommend.scoring_arrays import Floats


@dataclass(frozen=True)
class NeighborTerm:
    """Adds ``scales[u] * sum over j in history(u) of S_ji`` to the score of user u and item i.

    Attributes
    ----------
    similarity : Csr, shape (n_items, n_items)
        S: row j holds the neighbours of item j.
    histories : lists of ascending item rows, one a user
    scales : float32 array of shape (n_users,)

    Notes
    -----
    Summed in float32 in the order of the history, with the same bits in `top_k`, `score_pairs` and `percentiles`.
    """

    similarity: Csr
    histories: RowLists
    scales: Floats

    def between(self, begin: int, end: int) -> NeighborTerm:
        """The term of the users begin .. end - 1, without a copy."""
        return NeighborTerm(self.similarity, Lists.run(self.histories, begin, end), self.scales[begin:end])

    def chosen(self, users: npt.NDArray[Any]) -> NeighborTerm:
        """The term of some users, in their order."""
        return NeighborTerm(self.similarity, Lists.chosen(self.histories, users), self.scales[users])

    def to_native(self) -> Any:
        """The arrays as the native code takes them.

        Raises
        ------
        ParameterError
            If the shapes do not fit, or a history holds what is no item.
        """
        if self.similarity.data is None:
            raise ParameterError("The parameter 'neighbors' must hold values: a Csr whose data is not None.")
        try:
            return _native.Neighbors(
                self.similarity.indptr,
                self.similarity.indices,
                self.similarity.data,
                np.ascontiguousarray(self.histories.indptr, dtype=np.int64),
                np.ascontiguousarray(self.histories.indices, dtype=np.int32),
                np.ascontiguousarray(self.scales, dtype=np.float32),
            )
        except ValueError as error:
            raise ParameterError(f"The parameter 'neighbors' cannot be used: {error}.") from None
