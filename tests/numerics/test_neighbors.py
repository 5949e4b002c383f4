"""The neighbourhood term: the native code against dense NumPy, the same bits everywhere, bounded work."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ridgeback import Csr
from ridgeback.errors import ParameterError
from ridgeback.recommend import percentiles, score_pairs, top_k
from ridgeback.recommend.neighbor_term import NeighborTerm
from ridgeback.solvers import neighbors_reference
from ridgeback.solvers.neighbors import item_neighbors, with_fewer_items

EXPONENTS = {"item_exponent": 0.5, "user_exponent": 0.8}


def pairs(n_users: int, n_items: int, density: float, seed: int = 0) -> Csr:
    """Long-tailed pairs; the last user has none, and nobody has the last item."""
    rng = np.random.default_rng(seed)
    popularity = 3 * density / np.sqrt(1 + np.arange(n_items) * 8 / n_items)
    has = rng.random((n_users, n_items)) < popularity
    has[-1], has[:, -1] = False, False
    return Csr.from_pairs(*np.nonzero(has), None, (n_users, n_items)).with_data(None)


def dense(similarity: Csr) -> Any:
    full = np.zeros(similarity.shape)
    full[similarity.row_of_entry(), similarity.indices] = similarity.values()
    return full


@pytest.mark.parametrize(("n_users", "n_items", "n_neighbors"), [(513, 257, 31), (40, 700, 5), (1, 3, 2), (30, 1, 9)])
def test_neighbors_equal_the_reference(n_users: int, n_items: int, n_neighbors: int) -> None:
    data = pairs(n_users, n_items, 0.1)
    found = item_neighbors(data, n_neighbors, **EXPONENTS)
    expected = neighbors_reference.item_neighbors(data, n_neighbors, **EXPONENTS)
    assert (np.diff(found.indptr) <= n_neighbors).all()
    assert all((np.diff(found.row(row)[0]) > 0).all() for row in range(n_items))
    assert (found.values() > 0).all()
    assert np.diag(dense(found)).max() == 0
    full = neighbors_reference.item_neighbors(data, n_items, **EXPONENTS)
    kept = dense(found) > 0
    np.testing.assert_allclose(dense(found)[kept], full[kept], rtol=1e-5)
    np.testing.assert_allclose(np.sort(dense(found), axis=1), np.sort(expected, axis=1), rtol=1e-5, atol=1e-12)


def test_equal_neighbors_are_kept_in_the_order_of_rows() -> None:
    data = Csr.from_pairs([0, 0, 0, 0], [0, 1, 2, 3], None, (1, 4)).with_data(None)
    found = item_neighbors(data, 2, **EXPONENTS)
    assert [found.row(row)[0].tolist() for row in range(4)] == [[1, 2], [0, 2], [0, 1], [0, 1]]


@pytest.mark.parametrize("n_threads", [2, 7, 64])
def test_the_same_bits_for_any_number_of_threads(n_threads: int) -> None:
    data = pairs(4000, 900, 0.08)
    assert np.square(data.counts()).sum() > 2 * (1 << 22)  # more than one chunk
    one, many = (item_neighbors(data, 20, n_threads=n, **EXPONENTS) for n in (1, n_threads))
    for name in ("indptr", "indices", "data"):
        np.testing.assert_array_equal(getattr(one, name), getattr(many, name))


def test_a_set_flag_ends_it() -> None:
    with pytest.raises(KeyboardInterrupt):
        item_neighbors(pairs(50, 40, 0.1), 5, cancel=np.ones(1, dtype=np.uint8), **EXPONENTS)


def test_users_beyond_the_allowance_stand_with_an_even_share() -> None:
    counts = [300, 65, 64, 3]
    rows = np.repeat(np.arange(4), counts)
    columns = np.concatenate([np.arange(n) for n in counts])
    data = Csr.from_pairs(rows, columns, None, (4, 300)).with_data(None)
    assert with_fewer_items(data, sum(n * n for n in counts)) is data
    fewer = with_fewer_items(data, 3 * 128**2)
    assert fewer.counts().tolist() == [128, 65, 64, 3]
    assert fewer.row(0)[0].tolist() == [place * 300 // 128 for place in range(128)]
    assert with_fewer_items(data, 1).counts().tolist() == [64, 64, 64, 3]  # never below 64


class Question:
    """Users, items and a neighbourhood term, and their scores in float64."""

    def __init__(self, n_users: int = 131, n_items: int = 2500, n_factors: int = 7) -> None:
        rng = np.random.default_rng(1)
        self.histories = pairs(n_users, n_items, 0.02)
        self.x = rng.normal(size=(n_users, n_factors)).astype(np.float32)
        self.y = rng.normal(size=(n_items, n_factors)).astype(np.float32)
        self.similarity = item_neighbors(self.histories, 15, **EXPONENTS)
        self.scales = rng.uniform(0.5, 20, n_users).astype(np.float32)
        self.term = NeighborTerm(self.similarity, self.histories, self.scales)
        self.scores = self.x.astype(float) @ self.y.T.astype(float) + neighbors_reference.neighbor_scores(
            dense(self.similarity), self.histories, self.scales.astype(float)
        )

    def pair_scores(self, **options: Any) -> Any:
        """Every pair, one user after the other."""
        n_users, n_items = self.scores.shape
        users, items = np.repeat(np.arange(n_users), n_items), np.tile(np.arange(n_items), n_users)
        found = score_pairs(self.x, self.y, users, items, neighbors=self.term, **options)
        return found.reshape(n_users, n_items)


@pytest.fixture(scope="module")
def question() -> Question:
    return Question()


def test_scores_equal_the_reference_alone_and_in_runs(question: Question) -> None:
    in_runs = question.pair_scores()
    np.testing.assert_allclose(in_runs, question.scores, atol=2e-5)
    assert np.abs(question.scores - question.x @ question.y.T).max() > 0.1
    rng = np.random.default_rng(2)
    users, items = rng.integers(0, 131, 5000), rng.integers(0, 2500, 5000)
    alone = score_pairs(question.x, question.y, users, items, neighbors=question.term, n_threads=3)
    np.testing.assert_array_equal(alone, in_runs[users, items])


@pytest.mark.parametrize("n_threads", [1, 3])
@pytest.mark.parametrize("items", [None, np.arange(3, 2500, 7), np.array([5, 2400])], ids=["all", "some", "two"])
def test_the_best_items_are_those_of_a_full_sort(question: Question, items: Any, n_threads: int) -> None:
    scores = question.pair_scores()
    eligible = np.arange(2500) if items is None else items
    found = top_k(
        question.x,
        question.y,
        k=12,
        neighbors=question.term,
        items=items,
        exclude=question.histories,
        n_threads=n_threads,
    )
    for user, (rows, values) in enumerate(found.split()):
        allowed = np.setdiff1d(eligible, question.histories.row(user)[0])
        order = allowed[np.lexsort((allowed, -scores[user, allowed]))][:12]
        assert rows.tolist() == order.tolist()
        np.testing.assert_array_equal(values, scores[user, order])
    shown = percentiles(question.x, question.y, found, items=items, neighbors=question.term, n_threads=n_threads)
    ends = np.cumsum(found.counts)
    for user in (0, 64, 130):
        values = scores[user, eligible]
        for place in range(ends[user] - found.counts[user], ends[user]):
            assert shown[place] == np.float32(100 * np.mean(values <= found.scores[place]))


@pytest.mark.parametrize("n_candidates", [5, 400])
def test_candidates_get_the_same_bits(question: Question, n_candidates: int) -> None:
    rng = np.random.default_rng(3)
    chosen = [np.sort(rng.choice(2500, n_candidates, replace=False)) for _ in range(131)]
    rows = np.repeat(np.arange(131), n_candidates)
    candidates = Csr.from_pairs(rows, np.concatenate(chosen), None, (131, 2500))
    found = top_k(question.x, question.y, k=400, neighbors=question.term, candidates=candidates)
    scores = question.pair_scores()
    for user, (items, values) in enumerate(found.split()):
        assert sorted(items.tolist()) == chosen[user].tolist()
        np.testing.assert_array_equal(values, scores[user, items])


def test_without_factors_the_neighbors_stand_alone(question: Question) -> None:
    none, no_items = np.zeros((131, 0), dtype=np.float32), np.zeros((2500, 0), dtype=np.float32)
    found = top_k(none, no_items, k=3, neighbors=question.term, exclude=question.histories)
    alone = neighbors_reference.neighbor_scores(
        dense(question.similarity), question.histories, question.scales.astype(float)
    )
    best = found.split()[4][0][0]
    allowed = np.setdiff1d(np.arange(2500), question.histories.row(4)[0])
    assert alone[4, best] == pytest.approx(alone[4, allowed].max())


def test_terms_that_do_not_fit_are_refused(question: Question) -> None:
    x, y, S, histories, scales = question.x, question.y, question.similarity, question.histories, question.scales
    outside = Csr(histories.indptr, histories.indices + 2500, None, histories.shape)
    for factors, term, expected in (
        ((x, y[:-1]), question.term, "neighbors are of other users or items"),
        ((x[:-1], y), question.term, "a history and a scale for each of 130 users. Got 131 and 131"),
        ((x, y), NeighborTerm(S, histories, scales[:-1]), "Got 131 and 130"),
        ((x, y), NeighborTerm(S, outside, scales), "histories must hold rows of items"),
        ((x, y), NeighborTerm(S.with_data(None), histories, scales), "must hold values"),
    ):
        with pytest.raises(ParameterError, match=expected):
            top_k(*factors, k=3, neighbors=term)
