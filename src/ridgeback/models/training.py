"""The pairs that a model trains on: what is left of the data once the model has said which rows count."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ridgeback.data.csr import Csr
from ridgeback.data.given import as_interactions
from ridgeback.data.interactions import Interactions
from ridgeback.errors import DataError


@dataclass(frozen=True)
class ListedPairs:
    """Pairs with values and weights, by row of one side.

    Attributes
    ----------
    rows : Csr
        Its `data` are the values (None: all 1).
    weights : float32 array of length nnz, or None
        How much each pair counts (None: 1).
    """

    rows: Csr
    weights: npt.NDArray[np.float32] | None = None

    def transpose(self) -> ListedPairs:
        """The same pairs by row of the other side."""
        weights = None if self.weights is None else self.rows.with_data(self.weights).transpose().data
        return ListedPairs(self.rows.transpose(), weights)

    def take(self, rows: npt.NDArray[np.int64]) -> ListedPairs:
        """Some rows, in the given order."""
        weights = None if self.weights is None else self.rows.with_data(self.weights).take(rows).data
        return ListedPairs(self.rows.take(rows), weights)

    def keep(self, mask: npt.NDArray[np.bool_]) -> ListedPairs:
        """The pairs where the mask is true."""
        if mask.all():
            return self
        return ListedPairs(self.rows.keep(mask), None if self.weights is None else self.weights[mask])


def training_interactions(
    data: Any, model_name: str, *, drops_zeros: bool, refuses_negatives: bool, name: str = "data"
) -> Interactions:
    """Check the values and leave out what does not count: weight 0, and for implicit models value 0.

    Raises
    ------
    DataError
        At a NaN or infinite value, and at a negative one where the model has no meaning for it.
    """
    interactions = as_interactions(data)
    values, weights = interactions.user_items.data, interactions.weights
    if values is not None:
        _refuse(interactions, ~np.isfinite(values), values, f"value {{value}}; {model_name} needs finite values", name)
        if refuses_negatives:
            advice = (
                f"value {{value}} is negative, and {model_name} reads values as how often or how much. "
                "Leave such rows out, or use ExplicitALS for ratings below zero"
            )
            _refuse(interactions, values < 0, values, advice, name)
    if weights is not None:
        wrong = ~np.isfinite(weights) | (weights < 0)
        _refuse(interactions, wrong, weights, "weight {value}; a weight is finite and not below zero", name)
    kept = None
    if weights is not None and (weights == 0).any():
        kept = weights > 0
    if drops_zeros and values is not None and (values == 0).any():
        kept = (values > 0) if kept is None else kept & (values > 0)
    if kept is not None:
        interactions = interactions.subset(kept)
    return interactions


def refuse_nothing(interactions: Interactions, given: Any, model_name: str) -> None:
    """Refuse to fit where nothing that counts is left of the data given.

    Raises
    ------
    DataError
    """
    if interactions.nnz == 0:
        raise DataError(
            f"data has no interactions that {model_name} can learn from: {given.nnz} pairs were given"
            + (", each of weight 0 or with a value that does not count." if given.nnz else ".")
            + " Check the columns that were read."
        )


def _refuse(
    data: Interactions, wrong: npt.NDArray[np.bool_], values: npt.NDArray[np.float32], sentence: str, name: str
) -> None:
    if not wrong.any():
        return
    entry = int(np.argmax(wrong))
    row = int(np.searchsorted(data.user_items.indptr, entry, side="right")) - 1
    user, item = data.user_ids[row], data.item_ids[int(data.user_items.indices[entry])]
    others = f" ({int(wrong.sum())} such pairs)" if wrong.sum() > 1 else ""
    raise DataError(f"{name}: user {user!r}, item {item!r}: {sentence.format(value=values[entry])}{others}.")
