"""One held-out item of a user among others that the user does not have: the "1 + 99" protocol, for sums of models too.

The held-out pairs and negatives of He et al. 2017 (NCF), and a validation part of the same kind that is made of their
training part alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from datasets import ncf_ml_1m, ncf_times

import ridgeback as rb

N_NEGATIVES = 99
K = 10


@dataclass(frozen=True)
class Cases:
    """What is judged.

    Attributes
    ----------
    users : int64 array, shape (n_cases,)
    items : int64 array, shape (n_cases, 1 + N_NEGATIVES)
        The held-out item first.
    is_listed : bool array, same shape
        False where a list is shorter.
    """

    users: np.ndarray
    items: np.ndarray
    is_listed: np.ndarray

    def scores(self, model) -> np.ndarray:
        """Of each case's items, shape (n_cases, 1 + N_NEGATIVES)."""
        values = np.asarray(model.score(self.users[:, None], self.items), dtype=np.float64)
        return np.where(self.is_listed, values, -np.inf)


def ranks(scores: np.ndarray) -> np.ndarray:
    """How many others stand before the held-out item, equal ones included, shape (n_cases,)."""
    return np.count_nonzero(scores[:, 1:] >= scores[:, :1], axis=1)


def hits(scores: np.ndarray) -> np.ndarray:
    """1 where the held-out item is among the first `K`: HR@10."""
    return (ranks(scores) < K).astype(np.float64)


def gains(scores: np.ndarray) -> np.ndarray:
    """1 / log2(1 + place) of the held-out item among the first `K`, else 0: NDCG@10."""
    places = ranks(scores)
    return np.where(places < K, 1 / np.log2(places + 2.0), 0.0)


def validation_parts(n_last: int = 3, random_state: int = 0) -> tuple[rb.Interactions, Cases]:
    """What is left of NCF's training part, and its users' last `n_last` items there, each among 99 of its own.

    Of the users whose times are known (half of them) their last interactions are held out, equal times in random order;
    the others keep all theirs. Negatives are drawn evenly from what the user does not have in the training part, which
    may be the test item: the test part is not looked at.
    """
    train, _, _ = ncf_ml_1m()
    rng = np.random.default_rng(random_state)
    rows, items = train.user_items.row_of_entry(), train.user_items.indices
    user_ids, item_ids = train.user_ids.to_numpy(), train.item_ids.to_numpy()
    times = ncf_times(user_ids[rows], item_ids[items])
    order = np.lexsort((rng.random(train.nnz), times, rows))  # by user, then by time; an unknown one is -1
    from_last = train.user_items.indptr[rows + 1] - np.arange(train.nnz)
    is_held_out = np.zeros(train.nnz, dtype=bool)
    is_held_out[order[(from_last <= n_last) & (times[order] >= 0)]] = True
    held_out = np.flatnonzero(is_held_out)
    table = np.stack([np.append(items[entry], _negatives(train, rows[entry], rng)) for entry in held_out])
    return train.subset(~is_held_out), _cases(train, user_ids[rows[held_out]], item_ids[table])


def _negatives(train: rb.Interactions, row: int, rng: np.random.Generator) -> np.ndarray:
    """Rows of items that the user does not have."""
    others = np.setdiff1d(np.arange(train.n_items), train.user_items.row(int(row))[0])
    return rng.choice(others, N_NEGATIVES, replace=False)


def test_parts() -> tuple[rb.Interactions, Cases]:
    """NCF's training part, and its test part; a held-out item that nobody else has counts as missed."""
    train, test, negatives = ncf_ml_1m()
    users = test.user_ids.to_numpy()[test.user_items.row_of_entry()]
    positives = test.item_ids.to_numpy()[test.user_items.indices]
    table = np.full((len(users), 1 + N_NEGATIVES), -1)
    table[:, 0] = positives
    for place, user in enumerate(users.tolist()):
        table[place, 1 : 1 + len(negatives[user])] = negatives[user]
    return train, _cases(train, users, table)


def _cases(train: rb.Interactions, users: np.ndarray, items: np.ndarray) -> Cases:
    """Cases whose lists leave out what training does not have."""
    known = train.item_ids.to_numpy()
    is_listed = np.isin(items, known)
    return Cases(users, np.where(is_listed, items, known[0]), is_listed)
