"""Which items are drawn as noes: never one that the user holds, whatever the row's number and the thread count."""

from __future__ import annotations

import numpy as np
import pytest

from ridgeback.data.csr import Csr
from ridgeback.solvers.negatives import draw_negatives, sample_negatives

N_ITEMS = 120


@pytest.fixture(scope="module")
def user_items() -> Csr:
    rng = np.random.default_rng(0)
    held = rng.random((400, N_ITEMS)) < rng.random((400, 1)) ** 3
    held[:, 100:] = False  # items that nobody has
    held[3] = held[7] = held[11]
    held[5] = False
    held[6, :100] = True
    users, items = np.nonzero(held)
    return Csr.from_pairs(users, items, None, shape=held.shape)


def pool_of(user_items: Csr) -> np.ndarray:
    return np.flatnonzero(user_items.column_counts() > 0).astype(np.int32)


@pytest.mark.parametrize("n_negatives", [0, 1, 7, 40, 60, 99, 100, 1000])
def test_native_draws_are_the_definitions(user_items: Csr, n_negatives: int) -> None:
    pool = pool_of(user_items)
    sampled = sample_negatives(user_items, pool, n_negatives, seed=2**64 - 3)
    for row in range(user_items.n_rows):
        held = user_items.row(row)[0].tolist()
        expected = draw_negatives(held, pool.tolist(), n_negatives, 2**64 - 3) if held else []
        assert sampled.row(row)[0].tolist() == expected
        assert not set(expected) & set(held)
        assert len(expected) == (min(n_negatives, len(pool) - len(held)) if held else 0)


def test_only_pool_items_are_drawn(user_items: Csr) -> None:
    pool = np.arange(0, N_ITEMS, 3, dtype=np.int32)
    sampled = sample_negatives(user_items, pool, 10, seed=1)
    assert set(sampled.indices.tolist()) <= set(pool.tolist())


def test_row_number_and_threads_change_nothing(user_items: Csr) -> None:
    pool = pool_of(user_items)
    one = sample_negatives(user_items, pool, 20, seed=1)
    np.testing.assert_array_equal(sample_negatives(user_items, pool, 20, seed=1, n_threads=64).indices, one.indices)
    assert one.row(3)[0].tolist() == one.row(7)[0].tolist() == one.row(11)[0].tolist()
    order = np.random.default_rng(1).permutation(user_items.n_rows)
    moved = sample_negatives(user_items.take(order), pool, 20, seed=1)
    np.testing.assert_array_equal(moved.indices, one.take(order).indices)


def test_another_seed_draws_others(user_items: Csr) -> None:
    pool = pool_of(user_items)
    one, other = (sample_negatives(user_items, pool, 5, seed=seed) for seed in (1, 2))
    assert (one.indices != other.indices).mean() > 0.5


@pytest.mark.parametrize("n_negatives", [5, 70])
def test_free_items_are_equally_likely(n_negatives: int) -> None:
    """20,000 users with histories of their own: every item is drawn as often as chance says, within five deviations."""
    rng = np.random.default_rng(2)
    users = np.repeat(np.arange(20_000), 6)
    items = rng.permuted(np.tile(np.arange(100), (20_000, 1)), axis=1)[:, :6].ravel()
    held = Csr.from_pairs(users, items, None, shape=(20_000, 100))
    sampled = sample_negatives(held, np.arange(100, dtype=np.int32), n_negatives, seed=3)
    share = n_negatives / 94
    n_free = 20_000 - held.column_counts()
    deviation = np.sqrt(n_free * share * (1 - share))
    assert np.abs(sampled.column_counts() - n_free * share).max() < 5 * deviation.max()
