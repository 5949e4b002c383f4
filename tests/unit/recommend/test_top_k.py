"""The native top-k against brute force: shapes, ties, filters, threads and instruction sets."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from ridgeback import _native
from ridgeback.errors import ParameterError
from ridgeback.recommend import score_pairs, similar, top_k
from ridgeback.recommend.lists import Lists, TopK

SHAPES = [(513, 257, 31), (513, 257, 0), (257, 513, 1), (7, 1, 3), (1, 1000, 64), (30, 5000, 65), (1, 20011, 2)]


@dataclass
class Case:
    user_factors: np.ndarray
    item_factors: np.ndarray
    user_biases: np.ndarray
    item_biases: np.ndarray
    mean: float

    @property
    def scoring(self) -> dict:
        return {"user_biases": self.user_biases, "item_biases": self.item_biases, "mean": self.mean}

    def all_scores(self) -> np.ndarray:
        """Every pair, one at a time."""
        n_users, n_items = len(self.user_factors), len(self.item_factors)
        users, items = np.repeat(np.arange(n_users), n_items), np.tile(np.arange(n_items), n_users)
        flat = score_pairs(self.user_factors, self.item_factors, users, items, **self.scoring)
        return flat.reshape(n_users, n_items)


def case(n_users: int, n_items: int, n_factors: int, seed: int = 0) -> Case:
    """Scores with many ties: entries are multiples of 1/4, so that products and sums are exact."""
    rng = np.random.default_rng(seed)

    def quarters(*shape: int) -> np.ndarray:
        return (rng.integers(-4, 5, size=shape) / 4).astype(np.float32)

    return Case(quarters(n_users, n_factors), quarters(n_items, n_factors), quarters(n_users), quarters(n_items), 3.25)


def random_lists(n_users: int, n_items: int, seed: int = 1) -> Lists:
    """Up to 50 items a user; the first user has all, the last none."""
    rng = np.random.default_rng(seed)
    rows = [np.sort(rng.choice(n_items, rng.integers(0, min(n_items, 50) + 1), replace=False)) for _ in range(n_users)]
    rows[-1] = np.empty(0, dtype=np.int32)
    rows[0] = np.arange(n_items)
    return Lists.of([r.astype(np.int32) for r in rows])


def brute_force(scores: np.ndarray, k: int, eligible: np.ndarray) -> tuple[list[list[int]], list[np.ndarray]]:
    """Sort everything: score descending, row ascending, eligible ones only."""
    items, values = [], []
    for u, row in enumerate(scores):
        order = [i for i in np.lexsort((np.arange(len(row)), -row)) if eligible[u, i]][:k]
        items.append([int(i) for i in order])
        values.append(row[order])
    return items, values


def assert_same(found: TopK, expected: tuple[list[list[int]], list[np.ndarray]]) -> None:
    parts = found.split()
    assert [items.tolist() for items, _ in parts] == expected[0]
    for (_, scores), values in zip(parts, expected[1], strict=True):
        np.testing.assert_array_equal(scores, values)


@pytest.mark.parametrize("k", [1, 10, 100, 6000])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_equals_brute_force_with_ties_and_exclusions(shape: tuple[int, int, int], k: int) -> None:
    c = case(*shape)
    lists = random_lists(*shape[:2])
    eligible = np.ones(shape[:2], dtype=bool)
    for u in range(shape[0]):
        eligible[u, lists.indices[lists.indptr[u] : lists.indptr[u + 1]]] = False
    found = top_k(c.user_factors, c.item_factors, k=k, exclude=lists, **c.scoring)
    assert_same(found, brute_force(c.all_scores(), k, eligible))


@pytest.mark.parametrize("n_factors", [0, 1, 31, 64, 65])
def test_scores_equal_numpy_in_float64(n_factors: int) -> None:
    rng = np.random.default_rng(3)
    x, y = rng.normal(size=(40, n_factors)).astype(np.float32), rng.normal(size=(90, n_factors)).astype(np.float32)
    b, c = rng.normal(size=40).astype(np.float32), rng.normal(size=90).astype(np.float32)
    found = top_k(x, y, k=90, user_biases=b, item_biases=c, mean=0.5)
    expected = 0.5 + b.astype(float)[:, None] + c.astype(float)[None] + x.astype(float) @ y.astype(float).T
    got = np.empty((40, 90))
    got[np.repeat(np.arange(40), 90), found.items] = found.scores
    np.testing.assert_allclose(got, expected, atol=2e-5)


@pytest.mark.parametrize("n_factors", [0, 1, 31, 64, 65])
def test_pairs_scored_alone_have_the_same_bits(n_factors: int) -> None:
    rng = np.random.default_rng(4)
    x, y = rng.normal(size=(131, n_factors)).astype(np.float32), rng.normal(size=(517, n_factors)).astype(np.float32)
    b, c = rng.normal(size=131).astype(np.float32), rng.normal(size=517).astype(np.float32)
    found = top_k(x, y, k=517, user_biases=b, item_biases=c, mean=0.1)
    users = np.repeat(np.arange(131), found.counts)
    alone = score_pairs(x, y, users, found.items, user_biases=b, item_biases=c, mean=0.1)
    np.testing.assert_array_equal(alone.view(np.uint32), found.scores.view(np.uint32))


@pytest.mark.parametrize("shape", [(1, 30011, 8), (5, 9001, 64), (513, 257, 31), (1500, 300, 3)], ids=str)
@pytest.mark.parametrize("k", [3, 500])
def test_bits_do_not_depend_on_threads(shape: tuple[int, int, int], k: int) -> None:
    rng = np.random.default_rng(5)
    x, y = rng.normal(size=(shape[0], shape[2])).astype(np.float32), rng.normal(size=shape[1:]).astype(np.float32)
    lists = random_lists(*shape[:2])
    one, three, many = (top_k(x, y, k=k, exclude=lists, n_threads=n) for n in (1, 3, 64))
    for other in (three, many):
        np.testing.assert_array_equal(one.items, other.items)
        np.testing.assert_array_equal(one.counts, other.counts)
        np.testing.assert_array_equal(one.scores.view(np.uint32), other.scores.view(np.uint32))


FINGERPRINT = """
import hashlib, sys
import numpy as np
from ridgeback import _native
from ridgeback.recommend import score_pairs, similar, top_k
digest = hashlib.sha256()
for n_users, n_items, n_factors in [(513, 257, 31), (3, 9001, 64), (100, 300, 0), (64, 64, 65)]:
    rng = np.random.default_rng(n_users)
    x = rng.normal(size=(n_users, n_factors)).astype(np.float32)
    y = rng.normal(size=(n_items, n_factors)).astype(np.float32)
    b = rng.normal(size=n_items).astype(np.float32)
    found = top_k(x, y, k=20, item_biases=b, mean=0.3, n_threads=2)
    users = np.repeat(np.arange(n_users), found.counts)
    assert np.array_equal(score_pairs(x, y, users, found.items, item_biases=b, mean=0.3), found.scores)
    for array in [*found, *similar(x, y, k=5)]:
        digest.update(array.tobytes())
print(_native.instruction_set(), digest.hexdigest())
"""


def test_bits_do_not_depend_on_instruction_sets_with_fused_products() -> None:
    digests = {}
    for level in _native.available_instruction_sets():
        environment = os.environ | {"RIDGEBACK_INSTRUCTION_SET": level}
        done = subprocess.run([sys.executable, "-c", FINGERPRINT], env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        name, digests[level] = done.stdout.split()
        assert name == level
    fused = {digest for level, digest in digests.items() if level != "baseline"}
    assert len(fused) <= 1


def test_own_candidates_equal_the_shared_ones() -> None:
    c = case(50, 400, 16)
    rng = np.random.default_rng(6)
    rows = np.sort(rng.choice(400, 120, replace=False)).astype(np.int32)
    exclude = random_lists(50, 400)
    shared = top_k(c.user_factors, c.item_factors, k=15, items=rows, exclude=exclude, **c.scoring)
    own = Lists.of([rows] * 50)
    apart = top_k(c.user_factors, c.item_factors, k=15, candidates=own, exclude=exclude, **c.scoring, n_threads=3)
    for a, b in zip(shared, apart, strict=True):
        np.testing.assert_array_equal(a, b)


def test_everything_excluded_gives_nothing() -> None:
    c = case(3, 40, 4)
    everything = Lists.of([np.arange(40, dtype=np.int32)] * 3)
    found = top_k(c.user_factors, c.item_factors, k=5, exclude=everything, **c.scoring)
    assert found.counts.tolist() == [0, 0, 0]
    assert len(found.items) == len(found.scores) == 0


def test_lists_are_never_padded() -> None:
    c = case(2, 5, 2)
    exclude = Lists.of([np.array([0, 1, 2], dtype=np.int32), np.array([], dtype=np.int32)])
    found = top_k(c.user_factors, c.item_factors, k=10, exclude=exclude, **c.scoring)
    assert found.counts.tolist() == [2, 5]
    assert set(found.items[:2].tolist()) == {3, 4}


def test_nan_and_minus_infinity_are_left_out() -> None:
    x = np.array([[1.0]], dtype=np.float32)
    y = np.array([[2.0], [np.nan], [-np.inf], [1.0]], dtype=np.float32)
    found = top_k(x, y, k=4)
    assert found.items.tolist() == [0, 3]


def test_minus_zero_ties_with_zero() -> None:
    x = np.array([[1.0]], dtype=np.float32)
    y = np.array([[-0.0], [0.0], [-0.0]], dtype=np.float32)
    assert top_k(x, y, k=3).items.tolist() == [0, 1, 2]


@pytest.mark.parametrize(("n_users", "n_items", "k"), [(0, 5, 3), (3, 0, 3), (3, 5, 0)])
def test_nothing_asked_or_nothing_there(n_users: int, n_items: int, k: int) -> None:
    c = case(n_users, n_items, 4)
    found = top_k(c.user_factors, c.item_factors, k=k, **c.scoring)
    assert found.counts.tolist() == [0] * n_users
    assert len(found.items) == 0


def test_read_only_and_sliced_arrays_are_taken() -> None:
    c = case(20, 60, 8)
    expected = top_k(c.user_factors[::2], c.item_factors, k=5)
    c.item_factors.setflags(write=False)
    c.user_factors.setflags(write=False)
    found = top_k(c.user_factors[::2], c.item_factors, k=5, n_threads=2)
    np.testing.assert_array_equal(found.items, expected.items)


def test_cancel_stops() -> None:
    c = case(2000, 3000, 32)
    with pytest.raises(KeyboardInterrupt):
        top_k(c.user_factors, c.item_factors, k=5, cancel=np.ones(1, dtype=np.uint8))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"k": -1}, "'k' must be an int >= 0"),
        ({"k": 2.5}, "'k' must be an int >= 0"),
        ({"k": True}, "'k' must be an int >= 0"),
        ({"k": 1, "items": [3, 2]}, "'items' must be ascending rows within 0..9"),
        ({"k": 1, "items": [3, 10]}, "'items' must be ascending rows within 0..9"),
        ({"k": 1, "item_biases": np.zeros(9)}, r"'item_biases' must have shape \(10,\)"),
        ({"k": 1, "exclude": Lists.of([])}, "'exclude' must have 4 rows"),
        (
            {"k": 1, "candidates": Lists.of([np.array([10], dtype=np.int32)] * 4)},
            "candidates must be rows of item_factors",
        ),
    ],
)
def test_wrong_arguments_are_named(arguments: dict, message: str) -> None:
    c = case(4, 10, 2)
    with pytest.raises(ParameterError, match=message):
        top_k(c.user_factors, c.item_factors, **arguments)


def test_different_widths_are_refused() -> None:
    with pytest.raises(ParameterError, match=r"\(2, 3\) and 'item_factors' \(2, 4\)"):
        top_k(np.zeros((2, 3), np.float32), np.zeros((2, 4), np.float32), k=1)


def test_pairs_outside_are_refused() -> None:
    c = case(4, 10, 2)
    with pytest.raises(ParameterError, match="items must be rows of item_factors"):
        score_pairs(c.user_factors, c.item_factors, [0], [10])
    with pytest.raises(ParameterError, match="users must be rows of user_factors"):
        score_pairs(c.user_factors, c.item_factors, [-1], [0])


def test_cosine_equals_numpy_and_leaves_zero_rows_out() -> None:
    rng = np.random.default_rng(7)
    y = rng.normal(size=(333, 17)).astype(np.float32)
    y[[5, 100]] = 0
    found = similar(y[:20], y, k=333, exclude=Lists.of([np.array([u], dtype=np.int32) for u in range(20)]))
    lengths = np.linalg.norm(y.astype(float), axis=1)
    with np.errstate(invalid="ignore"):
        cosine = (y @ y.T.astype(float)) / lengths / lengths[:, None]
    for u, (items, scores) in enumerate(found.split()):
        if u == 5:
            assert len(items) == 0
            continue
        assert len(items) == 330
        assert not {u, 5, 100} & set(items.tolist())
        np.testing.assert_allclose(scores, cosine[u, items], atol=1e-6)
        assert np.all(np.diff(scores) <= 0)


def test_cosine_of_equal_rows_is_one_in_row_order() -> None:
    y = np.tile(np.random.default_rng(8).normal(size=(1, 9)).astype(np.float32), (70, 1))
    found = similar(y[:1], y * np.float32(3), k=70)
    assert found.items.tolist() == list(range(70))
    assert found.scores.max() <= 1.0


def test_cosine_of_tiny_and_huge_rows_is_finite() -> None:
    y = np.array([[1e-30, 1e-30], [1e30, 1e30], [1.0, -1.0]], dtype=np.float32)
    found = similar(y, y, k=3)
    np.testing.assert_allclose(found.scores.reshape(3, 3)[:, 0], 1.0, atol=1e-6)


INTERRUPTED = """
import os, signal, threading, time
import numpy as np
from ridgeback.recommend import top_k
x, y = np.ones((50_000, 64), np.float32), np.ones((200_000, 64), np.float32)
threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()
started = time.perf_counter()
try:
    top_k(x, y, k=5, n_threads=2)
except KeyboardInterrupt:
    print(time.perf_counter() - started)
"""


@pytest.mark.skipif(os.name != "posix", reason="signals are sent the POSIX way")
def test_ctrl_c_is_heard_within_a_second() -> None:
    """The whole call would take a minute; a chunk is what remains to be done after the signal."""
    done = subprocess.run([sys.executable, "-c", INTERRUPTED], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) < 0.3 + 3  # one second alone; the margin is for machines under load


def test_memory_mapped_factors_are_taken(tmp_path: Path) -> None:
    c = case(30, 70, 8)
    expected = top_k(c.user_factors, c.item_factors, k=5, item_biases=c.item_biases)
    mapped = []
    for name in ("user_factors", "item_factors", "item_biases"):
        array = getattr(c, name)
        (tmp_path / name).write_bytes(array.tobytes())
        mapped.append(np.memmap(tmp_path / name, dtype=np.float32, mode="r", shape=array.shape))
    found = top_k(mapped[0], mapped[1], k=5, item_biases=mapped[2])
    np.testing.assert_array_equal(found.items, expected.items)
    near = similar(mapped[1][:2], mapped[1], k=3)
    assert near.counts.tolist() == [3, 3]
