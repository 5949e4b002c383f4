"""The arrays of a fitted model, and what it remembers of the data it was fitted to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ridgeback.cpus import available_cpus
from ridgeback.errors import HistoryMissingError, NotFittedError
from ridgeback.models.parameters import Parameterized
from ridgeback.recommend.lists import Lists

if TYPE_CHECKING:
    from ridgeback.data.csr import Csr
    from ridgeback.data.ids import Ids
    from ridgeback.data.interactions import Interactions
    from ridgeback.data.text import Text
    from ridgeback.models.neighborhood import Neighborhood
    from ridgeback.recommend.neighbor_term import NeighborTerm
    from ridgeback.recommend.scoring_arrays import Floats, Rows

_FITTED = (
    "user_factors_",
    "item_factors_",
    "user_biases_",
    "item_biases_",
    "mean_",
    "user_ids_",
    "item_ids_",
    "titles_",
    "history_",
    "parameters_",
    "n_iterations_",
    "stopped_by_",
)


class Fitted(Parameterized):
    """A model's learned arrays, ids and training histories; asking for them before `fit` raises NotFittedError.

    Attributes
    ----------
    user_factors_, item_factors_ : float32 arrays of shape (n_users, n_factors) and (n_items, n_factors)
    user_biases_, item_biases_ : float32 arrays, or None
    mean_ : float
    user_ids_, item_ids_ : Ids
    titles_ : Text aligned with the items, or None
    """

    user_factors_: Floats
    item_factors_: Floats
    user_biases_: Floats | None
    item_biases_: Floats | None
    mean_: float
    user_ids_: Ids
    item_ids_: Ids
    titles_: Text | None
    parameters_: dict[str, Any]
    _seen: Csr | None
    _seen_weights: Floats | None
    _seen_merged: Rows | None
    _user_counts: Rows
    _item_counts: Rows
    _rating_range: tuple[float, float] | None
    _duplicates: str
    _fingerprint: str
    _eligible: tuple[Rows, Rows | None] | None
    _neighborhood: Neighborhood | None = None

    def __getattr__(self, name: str) -> Any:
        if name in _FITTED and "item_factors_" not in self.__dict__:
            raise NotFittedError(
                f"This {type(self).__name__} is not fitted yet, so it has no {name}. Call fit(data) first."
            )
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def _popularity(self) -> Floats:
        """Share of users who have each item, shape (n_items,)."""
        return (self._item_counts / max(1, len(self.user_ids_))).astype(np.float32)

    def _eligible_rows(self) -> Rows | None:
        """Ascending rows of the items that somebody has; None where that is all of them."""
        counts = self._item_counts
        kept = self.__dict__.get("_eligible")
        if kept is None or kept[0] is not counts:  # fit and partial_fit replace the counts
            rows = np.flatnonzero(counts > 0).astype(np.int32)
            kept = self._eligible = (counts, None if len(rows) == len(counts) else rows)
        return kept[1]

    def _history(self, exclude_seen: bool) -> Csr:
        """The training interactions, user by user."""
        if self._seen is None:
            raise HistoryMissingError(
                "This model was saved without its history, so it does not know what each user has seen. "
                + ("Pass exclude_seen=False, or save it" if exclude_seen else "Save it")
                + " with include_history=True."
            )
        return self._seen

    def _neighbor_term(self, users: Rows) -> NeighborTerm | None:
        """What neighbours of their items add to the scores of some users; None for a model without that term."""
        if self._neighborhood is None:
            return None
        if self._seen is None:
            raise HistoryMissingError(
                "This model was saved without its history, and its scores need it: the neighbourhood term adds up over "
                "the items that a user has. Save it with include_history=True, or fold the user in."
            )
        return self._neighborhood.term(Lists.chosen(self._seen, users))

    def _remember(self, data: Interactions) -> None:
        """Keep what answers need of the training data: ids, titles, histories and counts."""
        self.user_ids_, self.item_ids_ = data.user_ids, data.item_ids
        self.titles_ = None if data.titles is None else data.titles.for_ids(data.item_ids)
        self._seen = data.user_items
        self._seen_weights = data.weights
        self._seen_merged = data.merged_counts
        self._user_counts = data.user_items.counts().astype(np.int32)
        self._item_counts = data.user_items.column_counts().astype(np.int32)
        self._rating_range = None
        self._duplicates = data.duplicates
        self._fingerprint = data.fingerprint()

    def _thread_count(self) -> int:
        wanted = getattr(self, "n_threads", None)
        return available_cpus() if wanted is None else int(wanted)

    def _check_fitted(self) -> None:
        if "item_factors_" not in self.__dict__:
            raise NotFittedError(f"This {type(self).__name__} is not fitted yet. Call fit(data) first.")
