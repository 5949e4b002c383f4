"""What the popularity correction and diverse lists cost and gain: 20 places, on a held-out fifth of two sets.

ImplicitALS with its defaults; a row a setting: NDCG@20, its paired difference from the plain list with a 95 % interval
over users, coverage, Gini of exposure, novelty in bits, popularity lift, the mean cosine of a list's items by the
model's factors and by who has them (which no setting has looked at), and the time that lists for everybody take on one
thread.

Run: python benchmarks/quality/reranking.py     (two minutes)
"""

from __future__ import annotations

import time
import warnings
from typing import Any

import numpy as np
from datasets import lastfm, ml_1m_ratings

import ridgeback as rb
from ridgeback.errors import RidgebackWarning
from ridgeback.metrics import intra_list_similarity, judge

K = 20
SETTINGS: list[dict[str, float]] = [
    {},
    *({"popularity_penalty": penalty} for penalty in (0.1, 0.2, 0.3, 0.5, 1.0)),
    *({"diversity": diversity} for diversity in (0.1, 0.2, 0.3, 0.5, 0.7)),
    {"popularity_penalty": 0.2, "diversity": 0.2},
]


def who_has(train: rb.Interactions) -> Any:
    """Items as vectors of length 1 over the training users."""
    item_users = train.item_users
    vectors = np.zeros((train.n_items, train.n_users), dtype=np.float32)
    counts = np.maximum(item_users.counts(), 1)
    vectors[item_users.row_of_entry(), item_users.indices] = np.repeat(1 / np.sqrt(counts), item_users.counts())
    return vectors


def lists_for_everybody(model: Any, setting: dict[str, float]) -> tuple[Any, Any, float]:
    """Item rows and counts of all lists, and the seconds they took."""
    began = time.perf_counter()
    blocks = list(model.recommend_all(k=K, **setting))
    seconds = time.perf_counter() - began
    items = np.concatenate([model.item_ids_.rows(block.items) for block in blocks])
    return items, np.concatenate([block.counts for block in blocks]), seconds


def study(name: str, data: rb.Interactions) -> None:
    """The table of one set."""
    train, test = rb.split.random(data, test_fraction=0.2, random_state=0)
    model = rb.ImplicitALS(random_state=0, n_threads=1).fit(train)
    directions = who_has(train)
    print(f"\n{name}: {train.n_users:,} users, {train.n_items:,} items, {train.nnz:,} training pairs")
    print(f"{'penalty':>7}{'diversity':>10}{'NDCG@20':>9}{'difference (95 %)':>28}{'coverage':>10}{'Gini':>7}", end="")
    print(f"{'novelty':>9}{'lift':>7}{'cosine':>8}{'who has':>9}{'s':>7}")
    plain: Any = None
    for setting in SETTINGS:
        report = rb.evaluate(model, train, test, k=K, baselines=False, **setting)
        plain = plain or report
        row = report.compare(plain)["ndcg@20"]
        change = "" if not setting else f"{row['difference']:+.4f} ({row['low']:+.4f}..{row['high']:+.4f})"
        items, counts, seconds = lists_for_everybody(model, setting)
        relevant = rb.Csr.from_pairs(np.arange(len(counts)), np.zeros(len(counts), int), None, train.shape)
        shared = np.nanmean(intra_list_similarity(judge(items, counts, relevant), K, directions))
        figures = report.metrics
        print(
            f"{setting.get('popularity_penalty', 0):7.1f}{setting.get('diversity', 0):10.1f}{figures['ndcg@20']:9.4f}"
            f"{change:>28}{figures['coverage@20']:10.3f}{figures['gini@20']:7.3f}{figures['novelty@20']:9.2f}"
            f"{figures['popularity_bias@20']:7.2f}{figures['list_similarity@20']:8.3f}{shared:9.3f}{seconds:7.2f}",
            flush=True,
        )


def main() -> None:
    """Both tables."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RidgebackWarning)
        study("ml-1m, ratings of 4 and 5", ml_1m_ratings(at_least=4))
        study("lastfm", lastfm())


if __name__ == "__main__":
    main()
