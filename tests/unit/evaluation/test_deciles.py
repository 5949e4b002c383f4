"""Tenths of users and items, and that they add up to the whole."""

import itertools

import numpy as np
import pytest

import ridgeback as rb
from ridgeback.data.synthetic import catalogue
from ridgeback.evaluation.deciles import tenths


@pytest.fixture(scope="module")
def parts():
    return rb.split.random(catalogue(n_users=230, n_items=90, random_state=6), 0.25)


def test_tenths_are_equal_and_ascending():
    values = np.random.default_rng(0).permutation(100)
    groups = tenths(values)
    assert [len(group) for group in groups] == [10] * 10
    assert sorted(np.concatenate(groups).tolist()) == list(range(100))
    assert all(values[a].max() < values[b].min() for a, b in itertools.pairwise(groups))


def test_equal_values_stay_together():
    values = np.array([1] * 50 + [2] * 30 + list(range(3, 23)))
    groups = tenths(values)
    assert [values[group].tolist().count(1) for group in groups if 1 in values[group]] == [50]
    assert sum(map(len, groups)) == 100
    assert len(groups) < 10
    assert tenths(np.empty(0)) == []
    assert [group.tolist() for group in tenths(np.array([7, 7, 7]))] == [[0, 1, 2]]


def test_users_by_activity_add_up_to_the_whole(parts):
    train, test = parts
    report = rb.evaluate(rb.Popularity(), train, test, baselines=False)
    counts = [train.user_items.counts()[train.user_ids.row(user)] for user in report.users]
    np.testing.assert_array_equal(report.activity, counts)
    groups = report.user_deciles
    assert sum(group["n_users"] for group in groups) == report.n_users
    for metric in ("ndcg@10", "recall@20", "auc", "novelty@10"):
        whole = sum(group["n_users"] * group["metrics"][metric] for group in groups) / report.n_users
        assert whole == pytest.approx(report.metrics[metric])
    assert all(a["high"] < b["low"] for a, b in itertools.pairwise(groups))
    first = (report.activity >= groups[0]["low"]) & (report.activity <= groups[0]["high"])
    assert groups[0]["metrics"]["ndcg@10"] == pytest.approx(report.by_user["ndcg@10"][first].mean())


def test_ratings_by_group_add_up_to_the_whole(parts):
    train, test = parts
    known = rb.Interactions.from_arrays([10**6], [train.item_ids[0]], ratings=[3.0])
    test = test.merge(known)[0]
    report = rb.evaluate(rb.BiasBaseline(), train, test, baselines=False)
    sums = report.pair_sums
    assert sums.n_pairs.sum() == test.nnz
    assert np.sqrt(sums.sums["rmse"].sum() / test.nnz) == pytest.approx(report.metrics["rmse"])
    lowest = sums.activity <= report.user_deciles[0]["high"]
    assert 10**6 in set(sums.users.take(np.flatnonzero(lowest)))
    expected = sums.sums["mae"][lowest].sum() / sums.n_pairs[lowest].sum()
    assert report.user_deciles[0]["metrics"]["mae"] == pytest.approx(expected)
    assert len(report.user_deciles) > 5


def test_items_by_popularity_add_up_to_the_whole(parts):
    train, test = parts
    model = rb.ImplicitALS(n_factors=4, n_iterations=2)
    report = rb.evaluate(model, train, test, k=10, baselines=False)
    groups = report.item_deciles
    assert sum(group["n_items"] for group in groups) == (train.user_items.column_counts() > 0).sum()
    assert sum(group["metrics"]["exposure@10"] for group in groups) == pytest.approx(1.0)
    found = sum(group["metrics"]["recall@10"] * group["n_relevant"] for group in groups if group["n_relevant"])
    hits = sum(report.by_user["precision@10"] * 10)
    assert found == pytest.approx(hits)
    assert groups[-1]["metrics"]["exposure@10"] > groups[0]["metrics"]["exposure@10"]


def test_users_without_history_alone_are_one_group():
    train = rb.Interactions.from_arrays([1, 1, 2], ["a", "b", "a"], ratings=[5, 3, 4])
    report = rb.evaluate(rb.BiasBaseline(), train, rb.Interactions.from_arrays([9], ["a"], ratings=[4]))
    assert [(group["low"], group["high"], group["n_users"]) for group in report.user_deciles] == [(0, 0, 1)]
    assert report.user_deciles[0]["metrics"]["rmse"] == pytest.approx(report.metrics["rmse"])
