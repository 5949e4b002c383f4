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
    "random_per_user": lambda data, seed: split.random_per_user(data, 0.3, random_state=seed),
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


@settings(deadline=None)
@given(data=interactions(), seed=st.integers(0, 5), share=st.floats(0.05, 0.95))
def test_random_per_user_takes_the_share_of_each_user(data, seed, share):
    try:
        train, test = split.random_per_user(data, share, seed)
    except DataError:
        assume(False)
    counts = data.user_items.counts()
    expected = np.where(counts > 1, np.clip(np.rint(share * counts), 1, np.maximum(counts - 1, 1)), 0)
    np.testing.assert_array_equal(test.user_items.counts(), expected)
    assert (train.user_items.counts()[counts > 0] > 0).all()


@settings(deadline=None)
@given(data=interactions(), least=st.tuples(st.integers(1, 4), st.integers(1, 4)))
def test_the_core_is_the_largest_part_with_these_counts(data, least):
    rest = set(zip(data.user_items.row_of_entry().tolist(), data.user_items.indices.tolist(), strict=True))
    while True:
        users, items = [u for u, _ in rest], [i for _, i in rest]
        kept = {(u, i) for u, i in rest if users.count(u) >= least[0] and items.count(i) >= least[1]}
        if kept == rest:
            break
        rest = kept
    if not rest:
        with pytest.raises(DataError, match="leave nothing of the"):
            split.k_core(data, *least)
        return
    core = split.k_core(data, *least)
    matrix = core.user_items
    assert set(zip(matrix.row_of_entry().tolist(), matrix.indices.tolist(), strict=True)) == rest
    assert core.user_ids is data.user_ids
    assert max(least) == 1 or core.report["k_core"]["n_pairs_left_out"] == data.nnz - len(rest)


@pytest.mark.parametrize("name", SPLITS)
def test_minimum_counts_make_a_partition_of_the_core(name):
    rng = np.random.default_rng(5)
    places = np.flatnonzero(rng.random(600) < 0.12)
    data = Interactions.from_arrays(places // 30, places % 30, timestamps=rng.integers(0, 99, len(places)))
    arguments = {"min_user_count": 3, "min_item_count": 2}
    parts = next(split.k_fold(data, 3, **arguments)) if name == "k_fold" else getattr(split, name)(data, **arguments)
    core = split.k_core(data, 3, 2)
    assert 0 < core.nnz < data.nnz
    assert sum(part.nnz for part in parts) == core.nnz
    np.testing.assert_array_equal(
        np.sort(np.concatenate([p.user_items.row_of_entry() * 30 + p.user_items.indices for p in parts])),
        core.user_items.row_of_entry() * 30 + core.user_items.indices,
    )
    assert parts[0].report["split"]["minimum_counts"] == core.report["k_core"]
