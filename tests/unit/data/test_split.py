"""Splits: sizes, cutoffs, seeds and the advice in their errors."""

import datetime

import numpy as np
import pytest

from ridgeback.data import split
from ridgeback.data.interactions import Interactions
from ridgeback.errors import DataError, ParameterError


@pytest.fixture
def data():
    users = ["ann", "ann", "ann", "bob", "bob", "cid"]
    return Interactions.from_arrays(
        users, [1, 2, 3, 1, 3, 2], ratings=[5, 4, 3, 2, 1, 5], timestamps=[10, 30, 20, 5, 40, 60]
    )


@pytest.fixture
def timeless():
    return Interactions.from_arrays(["ann", "ann", "bob"], [1, 2, 1])


def pairs(part):
    return list(zip(part.user_items.row_of_entry().tolist(), part.user_items.indices.tolist(), strict=True))


def test_random_takes_the_rounded_share(data):
    train, test = split.random(data, 0.4)
    assert (train.nnz, test.nnz) == (4, 2)


def test_random_state_is_a_seed_or_a_generator(data):
    assert pairs(split.random(data, 0.5, 3)[1]) == pairs(split.random(data, 0.5, np.random.default_rng(3))[1])
    assert len({tuple(pairs(split.random(data, 0.5, seed)[1])) for seed in range(20)}) > 5


def test_every_pair_is_as_likely_to_be_tested(data):
    tested = np.zeros(6)
    rng = np.random.default_rng(0)
    for _ in range(3000):
        _, test = split.random(data, 1 / 3, rng)
        for user, item in pairs(test):
            tested[pairs(data).index((user, item))] += 1
    np.testing.assert_allclose(tested / 3000, 1 / 3, atol=0.04)


def test_leave_last_out(data):
    train, test = split.leave_last_out(data)
    assert pairs(test) == [(0, 1), (1, 2)]  # cid has one pair only and stays whole
    assert pairs(split.leave_last_out(data, 2)[1]) == [(0, 1), (0, 2)]
    assert test.timestamps.tolist() == [30, 40]
    assert test.user_items.values().tolist() == [4, 1]
    assert train.user_items.counts().tolist() == [2, 1, 1]


def test_by_time_comes_near_the_fraction(data):
    train, test = split.by_time(data, 0.5)
    assert sorted(train.timestamps) == [5, 10, 20]
    assert sorted(test.timestamps) == [30, 40, 60]


def test_by_time_never_parts_equal_moments():
    data = Interactions.from_arrays([1, 2, 3, 4], [1, 1, 1, 1], timestamps=[7, 7, 7, 9])
    assert split.by_time(data, 0.5)[1].nnz == 1


def test_by_time_at_a_cutoff(data):
    assert sorted(split.by_time(data, cutoff=30)[1].timestamps) == [30, 40, 60]
    assert sorted(split.by_time(data, cutoff=30.5)[1].timestamps) == [40, 60]


@pytest.mark.parametrize(
    "cutoff",
    [
        datetime.date(2024, 3, 2),
        datetime.datetime(2024, 3, 2),
        datetime.datetime(2024, 3, 2, 1, tzinfo=datetime.timezone(datetime.timedelta(hours=1))),
        np.datetime64("2024-03-02"),
    ],
)
def test_by_time_at_a_date(cutoff):
    days = [datetime.datetime(2024, 3, day) for day in (1, 2, 3)]
    data = Interactions.from_arrays([1, 2, 3], [1, 1, 1], timestamps=days)
    assert pairs(split.by_time(data, cutoff=cutoff)[1]) == [(1, 0), (2, 0)]


def test_errors_say_what_to_do(data, timeless):
    for function in (split.leave_last_out, split.by_time):
        with pytest.raises(DataError, match=r"needs timestamps and the data has none: .*timestamp=.*split\.random"):
            function(timeless)
    for fraction in (0, 1, -0.1, 1.5, np.nan, "a", True):
        with pytest.raises(ParameterError, match=r"'test_fraction' parameter must be a float in \(0, 1\)"):
            split.random(data, fraction)
    with pytest.raises(ParameterError, match="'history_fraction' parameter"):
        split.by_user(data, history_fraction=1.0)
    with pytest.raises(ParameterError, match=r"\'n\' parameter must be an int of at least 1\. Got 0"):
        split.leave_last_out(data, 0)
    with pytest.raises(ParameterError, match="'n_folds' parameter must be an int of at least 2"):
        split.k_fold(data, 1)
    with pytest.raises(ParameterError, match="'cutoff' parameter must be a number"):
        split.by_time(data, cutoff="yesterday")


def test_a_part_is_never_empty(data, timeless):
    with pytest.raises(DataError, match="leaves the test part empty: 0 of 6"):
        split.random(data, 0.01)
    with pytest.raises(DataError, match="leaves the training part empty: 6 of 6"):
        split.random(data, 0.99)
    with pytest.raises(DataError, match="no user has more than 3"):
        split.leave_last_out(data, 3)
    for cutoff in (5, 61, float("inf")):
        with pytest.raises(DataError, match="leaves a part empty: the timestamps run from 5 to 60"):
            split.by_time(data, cutoff=cutoff)
    with pytest.raises(DataError, match="1 distinct timestamp"):
        split.by_time(Interactions.from_arrays([1, 2], [1, 1], timestamps=[3, 3]))
    with pytest.raises(DataError, match="got 3 pairs for n_folds=4"):
        split.k_fold(timeless, 4)
    with pytest.raises(DataError, match="needs 2 users with two or more pairs and at least one other user: got 1 such"):
        split.by_user(timeless, 0.9)


def test_k_fold_checks_before_the_first_fold(data):
    folds = split.k_fold(data, 3)
    assert [test.nnz for _, test in folds] == [2, 2, 2]


@pytest.mark.parametrize("cut", [split.random, split.k_fold, split.by_user])
@pytest.mark.parametrize("seed", ["x", -1, 1.5, True])
def test_a_wrong_seed_is_named(data, cut, seed):
    with pytest.raises(ParameterError, match=r"'random_state' parameter must be an int of at least 0.* Got"):
        cut(data, random_state=seed)


def test_csr_matrices_are_taken_as_fit_takes_them(data):
    csr = data.user_items
    for given in (csr, csr.to_scipy()):
        for cut in (split.random, split.by_user, lambda matrix: next(split.k_fold(matrix))):
            parts = cut(given)
            assert sum(part.nnz for part in parts) == csr.nnz
            assert all(part.shape == csr.shape for part in parts)
    with pytest.raises(DataError, match="leave_last_out needs timestamps"):
        split.leave_last_out(csr)
    with pytest.raises(DataError, match="needs timestamps"):
        split.by_time(csr)
    with pytest.raises(DataError, match=r"got a path\. Read it first"):
        split.random("ratings.csv")


def test_parts_remember_their_split(data):
    train, test = split.random(data, 0.5, 7, min_user_count=2)
    assert train.report["split"] == {
        "name": "random",
        "parameters": {"test_fraction": 0.5},
        "random_state": 7,
        "minimum_counts": {
            "min_user_count": 2,
            "min_item_count": 1,
            "n_users_left_out": 1,
            "n_items_left_out": 0,
            "n_pairs_left_out": 1,
        },
        "n_pairs": {"train": 3, "test": 2},
        "n_users": {
            "train": int((train.user_items.counts() > 0).sum()),
            "test": int((test.user_items.counts() > 0).sum()),
        },
        "of": None,
        "part": "train",
    }
    assert test.report["split"]["part"] == "test"
    again = split.leave_last_out(train)[1].report["split"]
    assert (again["name"], again["parameters"], again["random_state"]) == ("leave_last_out", {"n": 1}, None)
    assert again["of"] == train.report["split"]
    assert "split" not in data.report
    assert "split" not in train.merge(test)[0].report


def test_a_drawn_seed_is_recorded_and_makes_the_split_again(data):
    _, test = split.random_per_user(data, 0.4, None)
    again = split.random_per_user(data, 0.4, test.report["split"]["random_state"])[1]
    assert pairs(again) == pairs(test)
    by_generator = split.random(data, 0.4, np.random.default_rng(1))[1]
    assert by_generator.report["split"]["random_state"] == "a generator (PCG64)"


def test_folds_and_moments_are_recorded(data):
    assert [test.report["split"]["parameters"]["fold"] for _, test in split.k_fold(data, 3)] == [0, 1, 2]
    assert split.by_time(data, cutoff=40)[1].report["split"]["parameters"] == {"cutoff": 40}
    moment = split.by_time(data, 0.5)[1].timestamps.min()
    assert split.by_time(data, 0.5)[1].report["split"]["parameters"] == {"test_fraction": 0.5, "cutoff": moment}


def test_minimum_counts_are_checked(data):
    with pytest.raises(ParameterError, match=r"'min_user_count' parameter must be an int of at least 1. Got 0"):
        split.random(data, min_user_count=0)
    with pytest.raises(ParameterError, match="'min_item_count' parameter must be an int"):
        split.k_core(data, 1, 2.5)
    with pytest.raises(DataError, match="min_user_count=4 and min_item_count=1 leave nothing of the 6 pairs"):
        split.by_user(data, min_user_count=4)


def test_random_per_user_needs_a_user_with_two_pairs():
    with pytest.raises(DataError, match="leaves the test part empty: no user has more than one of the 2 pairs"):
        split.random_per_user(Interactions.from_arrays([1, 2], [1, 1]))
