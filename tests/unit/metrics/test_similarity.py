"""How alike the items of a list are, against loops."""

import numpy as np
import pytest

from ridgeback.data.csr import Csr
from ridgeback.metrics import intra_list_similarity, judge


def by_hand(items, directions):
    pairs = [directions[i] @ directions[j] for i in items for j in items if i != j]
    return np.mean(pairs) if pairs else np.nan


@pytest.mark.parametrize("at_once", [1 << 22, 40])
def test_mean_cosine_of_all_pairs(monkeypatch, at_once):
    monkeypatch.setattr("ridgeback.metrics.similarity._NUMBERS_AT_ONCE", at_once)
    rng = np.random.default_rng(0)
    directions = rng.normal(size=(30, 5)).astype(np.float32)
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    directions[3] = 0
    counts = np.array([7, 0, 1, 12, 2, 5])
    items = np.concatenate([rng.choice(30, n, replace=False) for n in counts])
    relevant = Csr.from_pairs([0, 1, 2, 3, 4], [0, 0, 0, 0, 0], None, (6, 30))
    lists = judge(items, counts, relevant)
    ends = np.cumsum(counts)
    for k in (1, 2, 6, 40):
        found = intra_list_similarity(lists, k, directions)
        expected = [by_hand(items[end - n : end][:k], directions) for end, n in zip(ends, counts, strict=True)]
        np.testing.assert_allclose(found, [*expected[:5], np.nan], atol=1e-6)


def test_equal_items_are_alike_and_zeros_are_not():
    relevant = Csr.from_pairs([0], [0], None, (1, 3))
    lists = judge(np.array([0, 1]), np.array([2]), relevant)
    assert intra_list_similarity(lists, 2, np.ones((3, 1)))[0] == 1
    assert intra_list_similarity(lists, 2, np.zeros((3, 1)))[0] == 0
    assert np.isnan(intra_list_similarity(judge(np.empty(0, int), np.zeros(1, int), relevant), 2, np.ones((3, 1)))[0])
