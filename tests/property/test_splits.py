"""Every split is a partition of the stored pairs, whatever the data."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ridgeback.data import split
from ridgeback.data.csr import Csr
from ridgeback.data.ids import Ids
from ridgeback.data.interactions import Interactions
from ridgeback.errors import DataError

SPLITS = {
    "random": lambda data, seed: split.random(data, 0.3, random_state=seed),
    "leave_last_out": lambda data, seed: split.leave_last_out(data, n=1 + seed % 2),
    "by_time": lambda data, seed: split.by_time(data, 0.3),
    "k_fold": lambda data, seed: list(split.k_fold(data, 3, random_state=seed))[seed % 3],
    "by_user": lambda data, seed: split.by_user(data, 0.3, 0.6, random_state=seed),
}


@st.composite
def interactions(draw):
    n_users, n_items = draw(st.integers(1, 9)), draw(st.integers(1, 9))
    places = sorted(draw(st.sets(st.integers(0, n_users * n_items - 1), min_size=1)))
    rows, columns = np.divmod(np.array(places), n_items)
    moments = draw(st.lists(st.integers(-3, 3), min_size=len(places), max_size=len(places)))
    indptr = np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=n_users))])
    values = np.arange(len(places), dtype=np.float32)
    return Interactions(
        Csr(indptr, columns.astype(np.int32), values, (n_users, n_items)),
        Ids.from_sequence([f"user {u}" for u in range(n_users)]),
        Ids.from_sequence(list(range(100, 100 + n_items))),
        weights=values + 0.5,
        timestamps=np.array(moments, dtype=np.int64),
    )


def entries(part):
    """The stored entries as tuples (row, column, value, weight, timestamp)."""
    matrix = part.user_items
    columns = (matrix.row_of_entry(), matrix.indices, matrix.values(), part.weights, part.timestamps)
    return list(zip(*(column.tolist() for column in columns), strict=True))


@pytest.mark.parametrize("name", SPLITS)
@settings(deadline=None)
@given(data=interactions(), seed=st.integers(0, 5))
def test_split_is_a_partition_that_shares_the_id_tables(name, data, seed):
    try:
        parts = SPLITS[name](data, seed)
    except DataError:
        assume(False)
    assert sorted(entry for part in parts for entry in entries(part)) == entries(data)
    for part in parts:
        assert part.user_ids is data.user_ids
        assert part.item_ids is data.item_ids
        assert part.shape == data.shape
    assert [entries(part) for part in SPLITS[name](data, seed)] == [entries(part) for part in parts]


@settings(deadline=None)
@given(data=interactions(), n_folds=st.integers(2, 6), seed=st.integers(0, 5))
def test_each_pair_is_tested_in_one_fold(data, n_folds, seed):
    assume(data.nnz >= n_folds)
    folds = list(split.k_fold(data, n_folds, seed))
    assert sorted(entry for _, test in folds for entry in entries(test)) == entries(data)
    sizes = [test.nnz for _, test in folds]
    assert max(sizes) - min(sizes) <= 1


@settings(deadline=None)
@given(data=interactions(), n=st.integers(1, 3))
def test_leave_last_out_takes_the_latest(data, n):
    try:
        train, test = split.leave_last_out(data, n)
    except DataError:
        assume(False)
    for user in range(data.n_users):
        kept, taken = train.timestamps[rows_of(train, user)], test.timestamps[rows_of(test, user)]
        assert len(taken) == (n if len(kept) + len(taken) > n else 0)
        assert len(taken) == 0 or kept.max() <= taken.min()


@settings(deadline=None)
@given(data=interactions(), fraction=st.floats(0.05, 0.95))
def test_by_time_parts_at_a_moment(data, fraction):
    try:
        train, test = split.by_time(data, fraction)
    except DataError:
        assume(False)
    assert train.timestamps.max() < test.timestamps.min()


@settings(deadline=None)
@given(data=interactions(), seed=st.integers(0, 5), share=st.floats(0.05, 0.95))
def test_by_user_shows_and_keeps_at_least_one_pair_of_each_chosen_user(data, seed, share):
    try:
        train, history, test = split.by_user(data, 0.4, share, seed)
    except DataError:
        assume(False)
    counts = [part.user_items.counts() for part in (train, history, test)]
    is_chosen = counts[2] > 0
    assert is_chosen.any()
    np.testing.assert_array_equal(counts[1] > 0, is_chosen)
    np.testing.assert_array_equal(counts[0] > 0, ~is_chosen & (data.user_items.counts() > 0))


def rows_of(part, user):
    return slice(part.user_items.indptr[user], part.user_items.indptr[user + 1])
