"""Percentiles against counting by hand: ties, filters, threads, instruction sets, and what cannot be counted."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

from ridgeback import _native
from ridgeback.errors import ParameterError
from ridgeback.recommend import percentiles, score_pairs, top_k
from ridgeback.recommend.lists import Lists, TopK


def quarters(rng: np.random.Generator, *shape: int) -> np.ndarray:
    """Multiples of 1/4: products and sums are exact, and many scores are equal."""
    return (rng.integers(-4, 5, size=shape) / 4).astype(np.float32)


def by_hand(scores: np.ndarray, found: TopK, counted: np.ndarray) -> np.ndarray:
    """100 * share of the counted items that score no higher, one at a time."""
    expected = [
        100 * np.mean(scores[user][counted] <= score) for user, (_, own) in enumerate(found.split()) for score in own
    ]
    return np.array(expected, dtype=np.float32)


@pytest.mark.parametrize("shape", [(513, 257, 31), (40, 513, 0), (7, 1, 3), (1, 20011, 2), (3, 9001, 64)], ids=str)
@pytest.mark.parametrize("k", [1, 10, 300])
def test_equal_counting_by_hand(shape: tuple[int, int, int], k: int) -> None:
    n_users, n_items, n_factors = shape
    rng = np.random.default_rng(0)
    x, y = quarters(rng, n_users, n_factors), quarters(rng, n_items, n_factors)
    scoring = {"user_biases": quarters(rng, n_users), "item_biases": quarters(rng, n_items), "mean": 0.25}
    users, items = np.repeat(np.arange(n_users), n_items), np.tile(np.arange(n_items), n_users)
    scores = score_pairs(x, y, users, items, **scoring).reshape(n_users, n_items)
    some = np.flatnonzero(rng.random(n_items) < 0.6).astype(np.int32)
    odd = np.arange(1, n_items, 2, dtype=np.int32)
    for chosen_from in (None, odd):
        found = top_k(x, y, k=k, items=chosen_from, **scoring)
        for counted in (None, some):
            got = percentiles(x, y, found, items=counted, n_threads=2, **scoring)
            assert got.dtype == np.float32
            if counted is not None and len(counted) == 0:
                assert (got == 0).all()
            else:
                rows = np.arange(n_items) if counted is None else counted
                np.testing.assert_array_equal(got, by_hand(scores, found, rows))


def test_the_best_of_all_has_100_and_ties_share_a_percentile() -> None:
    x, y = np.ones((1, 1), np.float32), np.array([[2.0], [-0.0], [0.0], [2.0], [-1.0]], np.float32)
    found = top_k(x, y, k=5)
    assert percentiles(x, y, found).tolist() == [100.0, 100.0, 60.0, 60.0, 20.0]


def test_a_score_below_all_counted_items_has_0() -> None:
    x, y = np.ones((1, 1), np.float32), np.array([[1.0], [2.0], [3.0]], np.float32)
    found = top_k(x, y, k=1, items=[0])
    assert percentiles(x, y, found, items=[1, 2]).tolist() == [0.0]
    assert percentiles(x, y, found, items=[]).tolist() == [0.0]


def test_users_with_nothing_found_are_passed_over() -> None:
    rng = np.random.default_rng(1)
    x, y, everything = quarters(rng, 5, 4), quarters(rng, 100, 4), np.arange(100, dtype=np.int32)
    exclude = Lists.of([everything, everything[:3], everything, everything[:0], everything[1:]])
    found = top_k(x, y, k=3, exclude=exclude)
    assert found.counts.tolist() == [0, 3, 0, 3, 1]
    np.testing.assert_array_equal(percentiles(x, y, found), by_hand(x @ y.T, found, everything))
    assert len(percentiles(x[:0], y, top_k(x[:0], y, k=3))) == 0
    assert len(percentiles(x, y[:0], top_k(x, y[:0], k=3))) == 0


def test_bits_depend_on_neither_threads_nor_instruction_sets() -> None:
    program = """
import hashlib, sys
import numpy as np
from ridgeback.recommend import percentiles, top_k
digest = hashlib.sha256()
for n_users, n_items, n_factors in [(513, 257, 31), (2, 30011, 16), (1500, 300, 3)]:
    rng = np.random.default_rng(n_users)
    x = rng.normal(size=(n_users, n_factors)).astype(np.float32)
    y = rng.normal(size=(n_items, n_factors)).astype(np.float32)
    found = top_k(x, y, k=20, items=np.arange(5, n_items, 3))
    shares = [percentiles(x, y, found, n_threads=n) for n in (1, 3, 64)]
    assert all(np.array_equal(shares[0], other) for other in shares)
    digest.update(shares[0].tobytes())
print(digest.hexdigest())
"""
    digests = {}
    for level in _native.available_instruction_sets():
        environment = os.environ | {"RIDGEBACK_INSTRUCTION_SET": level}
        done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        digests[level] = done.stdout
    assert len({digest for level, digest in digests.items() if level != "baseline"}) <= 1


def test_what_cannot_be_counted_is_refused() -> None:
    x, y = np.ones((2, 1), np.float32), np.ones((3, 1), np.float32)
    rows, counts = np.zeros(2, np.int32), np.array([2, 0], np.int32)
    with pytest.raises(ParameterError, match="the scores of each user must descend"):
        percentiles(x, y, TopK(rows, np.array([1.0, 2.0], np.float32), counts))
    with pytest.raises(ParameterError, match="the scores of each user must descend"):
        percentiles(x, y, TopK(rows, np.array([1.0, np.nan], np.float32), counts))
    with pytest.raises(ParameterError, match=r"indptr must have n_users \+ 1 ascending places"):
        percentiles(x, y, TopK(rows, np.array([2.0, 1.0], np.float32), counts[:1]))
    with pytest.raises(ParameterError, match=r"'items' must be ascending rows within 0\.\.2"):
        percentiles(x, y, top_k(x, y, k=1), items=[3])
    with pytest.raises(KeyboardInterrupt):
        percentiles(x, y, top_k(x, y, k=1), cancel=np.ones(1, np.uint8))
