"""Lists that any library made, judged exactly as a model's own are."""

from __future__ import annotations

from typing import Any

import numpy as np

import ridgeback as rb
from ridgeback.recommend.top_k import TopK


class GivenLists(rb.Popularity):
    """A model that has lists for some users and nothing else; its AUC means nothing.

    Parameters
    ----------
    lists : ndarray of int, shape (n_listed, k)
        Item rows, best first.
    users : ndarray of int, shape (n_listed,)
        Whose they are: user rows of the data that it is fitted to.
    """

    def __init__(self, lists: Any, users: Any) -> None:
        self.lists = lists
        self.users = users

    def _count(self, interactions: rb.Interactions) -> None:
        super()._count(interactions)
        places = np.full((interactions.n_users, 1), -1.0, dtype=np.float32)
        places[self.users, 0] = np.arange(len(self.users))
        self.user_factors_ = places  # the judge hands out a user's factors: by them a list is found again
        self.item_factors_ = np.zeros((interactions.n_items, 1), dtype=np.float32)

    def _best(self, askers: Any, users: Any, k: int, *others: Any) -> TopK:
        lists = self.lists[askers.factors[:, 0].astype(np.int64), :k]
        scores = np.broadcast_to(-np.arange(lists.shape[1], dtype=np.float32), lists.shape)
        counts = np.full(len(lists), lists.shape[1], dtype=np.int32)
        return TopK(lists.astype(np.int32).ravel(), scores.ravel(), counts)


def judged(
    lists: np.ndarray, users: np.ndarray, train: rb.Interactions, held_out: rb.Interactions, n_resamples: int = 0
) -> rb.Report:
    """What `rb.evaluate` says of lists for these user rows."""
    model = GivenLists(lists, users).fit(train)
    return rb.evaluate(model, train, held_out, k=lists.shape[1], baselines=False, n_resamples=n_resamples)
