"""Ranking metrics against ranx (https://amenra.github.io/ranx) on random lists."""

import os

import numpy as np
import pytest

from ridgeback.data.csr import Csr
from ridgeback.metrics.ranking import PER_USER, judge

os.environ.setdefault("NUMBA_DISABLE_JIT", "1")  # 80 lists are judged sooner than compiled for
ranx = pytest.importorskip("ranx", reason="the independent library ranx is not installed")

N_ITEMS = 60
LENGTH = 12


@pytest.fixture(scope="module")
def lists():
    rng = np.random.default_rng(11)
    items, relevant = [], []
    for _ in range(80):
        items.append(rng.permutation(N_ITEMS)[: rng.integers(1, LENGTH + 1)])
        relevant.append(np.sort(rng.permutation(N_ITEMS)[: rng.integers(1, 25)]))
    return items, relevant


@pytest.mark.parametrize("k", [1, 3, 10, 12, 30])
@pytest.mark.parametrize(
    ("ours", "theirs"),
    [("recall", "recall"), ("precision", "precision"), ("ndcg", "ndcg"), ("mrr", "mrr"), ("hit_rate", "hit_rate")],
)
def test_metrics_equal_ranx(lists, ours, theirs, k):
    items, relevant = lists
    np.testing.assert_allclose(
        PER_USER[ours](_judged(lists), k), _by_ranx(items, relevant, f"{theirs}@{k}"), rtol=1e-12
    )


@pytest.mark.parametrize("k", [3, 10])
def test_map_equals_ranx_where_the_divisors_agree(lists, k):
    """ranx divides by the number of relevant items, ours by min(k, that): scale it back."""
    items, relevant = lists
    n_relevant = np.array([len(r) for r in relevant])
    theirs = _by_ranx(items, relevant, f"map@{k}") * n_relevant / np.minimum(k, n_relevant)
    np.testing.assert_allclose(PER_USER["map"](_judged(lists), k), theirs, rtol=1e-12)


def _judged(lists):
    items, relevant = lists
    indptr = np.concatenate([[0], np.cumsum([len(r) for r in relevant])])
    pairs = Csr(indptr, np.concatenate(relevant).astype(np.int32), None, (len(relevant), N_ITEMS))
    return judge(np.concatenate(items), np.array([len(i) for i in items]), pairs)


def _by_ranx(items, relevant, metric):
    qrels = ranx.Qrels({f"u{u:03d}": {f"i{i}": 1 for i in own} for u, own in enumerate(relevant)})
    run = ranx.Run(
        {f"u{u:03d}": {f"i{i}": float(LENGTH - r) for r, i in enumerate(own)} for u, own in enumerate(items)}
    )
    return np.asarray(ranx.evaluate(qrels, run, metric, return_mean=False))
