"""Popularity correction and diversity against twins in plain Python: loops, float64, one item at a time."""

from __future__ import annotations

import numpy as np
import pytest

from ridgeback.errors import DataError, ParameterError
from ridgeback.recommend import score_pairs, similar, top_k
from ridgeback.recommend.diversity import most_diverse
from ridgeback.recommend.lists import Lists, TopK
from ridgeback.recommend.popularity import penalties, sampled, spread_within, standard_popularity
from ridgeback.recommend.reranking import Reranking, reranked_items, reranked_similar
from ridgeback.recommend.scoring import Scoring


def normal(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def cosine(a: np.ndarray, b: np.ndarray) -> float:
    lengths = np.linalg.norm(a.astype(float)) * np.linalg.norm(b.astype(float))
    return float(a.astype(float) @ b.astype(float)) / lengths if lengths else 0.0


def marginal_by_hand(
    items: list[int], scores: list[float], factors: np.ndarray, k: int, diversity: float
) -> list[tuple[int, float]]:
    """Items and values in the order of choice, as in the paper: one item at a time."""
    low, high = min(scores), max(scores)
    relevance = {i: (s - low) / (high - low) if high > low else 0.0 for i, s in zip(items, scores, strict=True)}
    chosen: list[tuple[int, float]] = []
    while len(chosen) < min(k, len(items)):
        values = {}
        for item in items:
            if all(item != other for other, _ in chosen):
                nearest = max((cosine(factors[item], factors[other]) for other, _ in chosen), default=0.0)
                values[item] = (1 - diversity) * relevance[item] - diversity * nearest
        best = max(values, key=lambda item: values[item])  # the first of equals
        chosen.append((best, values[best]))
    return chosen


@pytest.mark.parametrize("diversity", [0.0, 0.2, 0.7, 1.0])
@pytest.mark.parametrize("k", [1, 4, 12, 50])
def test_diverse_lists_equal_the_twin(k: int, diversity: float) -> None:
    users, items = normal(23, 5), normal(40, 5, seed=1)
    items[7] = 0
    pool = top_k(users, items, k=12, exclude=Lists.of([np.arange(n, dtype=np.int32) for n in range(23)]))
    found = most_diverse(pool, items, k=k, diversity=diversity)
    assert found.counts.tolist() == [min(k, 12)] * 23
    for (rows, values), (pooled, scores) in zip(found.split(), pool.split(), strict=True):
        expected = marginal_by_hand(pooled.tolist(), scores.tolist(), items, k, diversity)
        assert rows.tolist() == [item for item, _ in expected]
        np.testing.assert_allclose(values, [value for _, value in expected], atol=2e-6)


def test_without_diversity_the_pool_stays_as_it_is() -> None:
    pool = top_k(normal(9, 4), normal(30, 4, seed=1), k=10)
    found = most_diverse(pool, normal(30, 4, seed=1), k=6, diversity=0.0)
    expected = pool.items.reshape(9, 10)[:, :6]
    np.testing.assert_array_equal(found.items.reshape(9, 6), expected)


def test_pools_of_unequal_lengths_and_none() -> None:
    items = normal(6, 3)
    pool = TopK(
        np.array([4, 1, 0, 5, 2], np.int32),
        np.array([3, 2, 1, 9, 8], np.float32),
        np.array([3, 0, 2], np.int32),
    )
    found = most_diverse(pool, items, k=4, diversity=0.5)
    assert found.counts.tolist() == [3, 0, 2]
    assert found.items[0] == 4
    assert sorted(found.items[:3].tolist()) == [0, 1, 4]
    assert found.items[3:].tolist() == [5, 2]
    assert most_diverse(pool, items, k=0, diversity=0.5).counts.tolist() == [0, 0, 0]
    nobody = TopK(pool.items[:0], pool.scores[:0], pool.counts[:0])
    assert len(most_diverse(nobody, items, k=3, diversity=0.5).items) == 0


def test_ties_fall_to_the_first_of_the_pool() -> None:
    items = np.ones((5, 2), np.float32)
    pool = top_k(np.ones((1, 2), np.float32), items, k=5)
    assert most_diverse(pool, items, k=5, diversity=0.4).items.tolist() == [0, 1, 2, 3, 4]
    assert most_diverse(pool, np.zeros((5, 2), np.float32), k=5, diversity=1.0).items.tolist() == [0, 1, 2, 3, 4]


def test_blocks_of_users_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    users, items = normal(50, 6), normal(80, 6, seed=1)
    pool = top_k(users, items, k=20)
    whole = most_diverse(pool, items, k=8, diversity=0.5)
    monkeypatch.setattr("ridgeback.recommend.diversity._NUMBERS_AT_ONCE", 7 * 20 * 6)
    parts = most_diverse(pool, items, k=8, diversity=0.5)
    for one, other in zip(whole, parts, strict=True):
        np.testing.assert_array_equal(one, other)


def test_an_infinite_score_is_the_best_and_no_nan() -> None:
    items = np.eye(3, dtype=np.float32)
    pool = TopK(np.array([2, 0, 1], np.int32), np.array([np.inf, 3, 2], np.float32), np.array([3], np.int32))
    found = most_diverse(pool, items, k=3, diversity=0.5)
    assert found.items.tolist() == [2, 0, 1]
    assert np.isfinite(found.scores).all()


@pytest.mark.parametrize("scale", [1.0, 250.0])
def test_the_scale_of_scores_does_not_change_a_diverse_list(scale: float) -> None:
    users, items = normal(20, 5), normal(60, 5, seed=1)
    reranking = Reranking(diversity=0.4)
    wanted = {"k": 6, "penalties": None, "directions": items}
    plain = reranked_items(Scoring(users, items), reranking, **wanted)
    other = reranked_items(Scoring(users * np.float32(scale), items, mean=3.5), reranking, **wanted)
    assert (plain.items == other.items).mean() > 0.99  # rounding may turn a near tie


@pytest.mark.parametrize("penalty", [0.3, 2.0])
def test_penalties_equal_the_twin_and_leave_scores_alone(penalty: float) -> None:
    users, items = normal(31, 7), normal(45, 7, seed=1)
    scoring = {"user_biases": normal(31, seed=2), "item_biases": normal(45, seed=3), "mean": 3.0}
    counts = np.random.default_rng(4).integers(0, 200, 45)
    lost = penalties(penalty, 0.8, counts)
    exclude = Lists.of([np.array([n, n + 3], np.int32) for n in range(31)])
    found = reranked_items(
        Scoring(users, items, **scoring), Reranking(penalty), k=9, penalties=lost, directions=items, exclude=exclude
    )
    known = np.log1p(counts[counts > 0])
    for user in range(31):
        ranking = {}
        for item in range(45):
            score = 3.0 + scoring["user_biases"][user] + scoring["item_biases"][item] + users[user] @ items[item]
            ranking[item] = score - penalty * 0.8 * (np.log1p(counts[item]) - known.mean()) / known.std()
        order = sorted((i for i in ranking if i not in (user, user + 3)), key=lambda i: -ranking[i])[:9]
        own = slice(9 * user, 9 * user + 9)
        assert found.items[own].tolist() == order
        np.testing.assert_allclose(found.ranking_scores[own], [ranking[i] for i in order], atol=1e-5)
    pairs = score_pairs(users, items, found.users(), found.items, **scoring)
    np.testing.assert_array_equal(found.scores.view(np.uint32), pairs.view(np.uint32))


def test_both_at_once_choose_from_the_penalised_pool() -> None:
    users, items = normal(8, 5), normal(60, 5, seed=1)
    lost = normal(60, seed=2)
    found = reranked_items(Scoring(users, items), Reranking(1.0, 0.5, 15), k=5, penalties=lost, directions=items)
    pool = top_k(users, items, k=15, item_biases=-lost)
    for (rows, _), (pooled, scores) in zip(found.split(), pool.split(), strict=True):
        assert rows.tolist() == [i for i, _ in marginal_by_hand(pooled.tolist(), scores.tolist(), items, 5, 0.5)]


def test_candidates_of_each_user_are_kept_to() -> None:
    users, items = normal(5, 4), normal(30, 4, seed=1)
    candidates = Lists.of([np.arange(n, n + 4, dtype=np.int32) for n in range(5)])
    wanted = {"k": 3, "penalties": normal(30), "directions": items, "candidates": candidates}
    found = reranked_items(Scoring(users, items), Reranking(0.5, 0.5), **wanted)
    assert found.counts.tolist() == [3] * 5
    for user, (rows, _) in enumerate(found.split()):
        assert set(rows.tolist()) <= set(range(user, user + 4))


def test_similar_rows_with_a_penalty() -> None:
    factors, lost = normal(40, 5), 0.3 * normal(40, seed=1)
    factors[3] = 0
    found = reranked_similar(factors[:6], factors, Reranking(1.0), k=8, penalties=lost)
    plain = similar(factors[:6], factors, k=40)
    for query, (own, other) in enumerate(zip(found.places(), plain.places(), strict=True)):
        cosines = dict(zip(plain.items[other].tolist(), plain.scores[other].tolist(), strict=True))
        order = sorted(cosines, key=lambda i: -(cosines[i] - lost[i]))[:8]
        assert found.items[own].tolist() == order, query
        np.testing.assert_array_equal(found.scores[own], np.float32([cosines[i] for i in order]))
        np.testing.assert_allclose(found.ranking_scores[own], [cosines[i] - lost[i] for i in order], atol=1e-6)


def test_popularity_is_standardised_over_what_somebody_has() -> None:
    counts = np.array([0, 1, 3, 7, 0])
    z = standard_popularity(counts)
    np.testing.assert_allclose(z[1:4], np.array([-1, 0, 1]) * np.sqrt(1.5), atol=1e-12)
    assert z[0] == z[4] < z[1]
    np.testing.assert_array_equal(standard_popularity(np.array([4, 4, 0])), 0)
    np.testing.assert_array_equal(standard_popularity(np.array([0, 0])), 0)
    assert len(standard_popularity(np.empty(0, np.int32))) == 0


def test_spreads_and_samples() -> None:
    assert spread_within(np.array([[1.0, 3.0], [0.0, 4.0]])) == pytest.approx(np.sqrt(2.5))
    assert spread_within(np.empty((0, 3))) == 0
    assert sampled(np.arange(10)).tolist() == list(range(10))
    many = sampled(np.arange(50_000))
    assert len(many) == 1000
    assert (np.diff(many) > 0).all()
    np.testing.assert_array_equal(many, sampled(np.arange(50_000)))
    with pytest.raises(DataError, match=r"The popularity penalty has no unit: scores of this model are NaN"):
        penalties(1.0, float("nan"), np.array([1, 2]))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"popularity_penalty": -0.1}, r"The 'popularity_penalty' parameter must be a finite number .* Got -0.1"),
        ({"popularity_penalty": float("inf")}, r"'popularity_penalty' .* Got inf instead"),
        ({"popularity_penalty": "much"}, r"'popularity_penalty' .* Got 'much' instead"),
        ({"diversity": float("nan")}, r"The 'diversity' parameter must be a number from 0 .* Got nan instead"),
        ({"diversity": 1.5}, r"'diversity' .* Got 1.5 instead"),
        ({"diversity": True}, r"'diversity' .* Got True instead"),
        ({"diversity": None}, r"'diversity' .* Got None instead"),
        (
            {"n_candidates": 4},
            r"'n_candidates' parameter must be a whole number of at least k = 5.* Got 4 instead; None",
        ),
        ({"n_candidates": 7.5}, r"'n_candidates' .* Got 7.5 instead"),
        ({"n_candidates": True, "k": 1}, r"'n_candidates' .* Got True instead"),
        ({"k": -1}, r"The parameter 'k' must be an int >= 0"),
        ({"k": "ten"}, r"The parameter 'k' must be an int >= 0.* Got 'ten' instead"),
    ],
)
def test_what_cannot_be_meant_is_refused(given: dict, message: str) -> None:
    wanted = {"popularity_penalty": 0.0, "diversity": 0.0, "n_candidates": None, "k": 5, **given}
    with pytest.raises(ParameterError, match=message):
        Reranking.of(**wanted)


def test_the_size_of_the_pool() -> None:
    assert Reranking().pool_size(7) == 7
    assert Reranking(1.0).pool_size(7) == 7
    assert Reranking(0.0, 0.1).pool_size(7) == 70
    assert Reranking(0.0, 0.1, 12).pool_size(7) == 12
    assert not Reranking(0.0, 0.0, 12).is_on
    assert Reranking.of(np.float32(0.5), 1, np.int64(9), 9) == Reranking(0.5, 1.0, 9)
