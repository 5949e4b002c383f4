"""Whole evaluations against independent libraries and published figures, on public data."""

import gzip
import os

import numpy as np
import pytest
import sklearn.metrics

import ridgeback as rb

os.environ.setdefault("NUMBA_DISABLE_JIT", "1")  # a thousand lists are judged sooner than compiled for
ranx = pytest.importorskip("ranx", reason="the independent library ranx is not installed")


@pytest.fixture(scope="module")
def fold(ml_100k):
    """The first official fold: (train, test)."""
    whole = np.loadtxt(ml_100k / "u.data", dtype=np.int64)
    test = np.loadtxt(ml_100k / "u1.test", dtype=np.int64)
    is_test = np.isin(whole[:, 0] * 10_000 + whole[:, 1], test[:, 0] * 10_000 + test[:, 1])
    assert is_test.sum() == len(test)
    return tuple(
        rb.Interactions.from_arrays(rows[:, 0], rows[:, 1], ratings=rows[:, 2]) for rows in (whole[~is_test], test)
    )


@pytest.mark.parametrize("metric", ["recall", "precision", "ndcg", "mrr", "hit_rate"])
def test_ranking_on_ml_100k_equals_ranx(fold, metric):
    train, test = fold
    model = rb.Popularity().fit(train)
    report = rb.evaluate(model, train, test, k=(5, 20), relevant_from=4)
    users = [user for user in test.user_ids if user in train.user_ids]
    qrels = {}
    for user in users:
        items, ratings = test.user_items.row(test.user_ids.row(user))
        liked = {str(test.item_ids[int(item)]): 1 for item, rating in zip(items, ratings, strict=True) if rating >= 4}
        if liked:
            qrels[str(user)] = liked
    run = {
        str(listed.user): {str(row.item): 100.0 - rank for rank, row in enumerate(listed)}
        for listed in model.recommend(users, k=20)
        if str(listed.user) in qrels
    }
    assert report.n_users == len(qrels)
    for k in (5, 20):
        theirs = ranx.evaluate(ranx.Qrels(qrels), ranx.Run(run), f"{metric}@{k}")
        assert report.metrics[f"{metric}@{k}"] == pytest.approx(theirs, rel=1e-9)


def test_ratings_on_ml_100k_equal_scikit_learn(fold):
    train, test = fold
    report = rb.evaluate(rb.BiasBaseline(), train, test)
    model = rb.BiasBaseline().fit(train)
    predicted = []
    for user, item in zip(test.user_items.row_of_entry(), test.user_items.indices, strict=True):
        user, item = test.user_ids[int(user)], test.item_ids[int(item)]
        score = model.mean_
        score += float(model.user_biases_[train.user_ids.row(user)]) if user in train.user_ids else 0.0
        score += float(model.item_biases_[train.item_ids.row(item)]) if item in train.item_ids else 0.0
        predicted.append(min(max(score, 1.0), 5.0))
    actual = test.user_items.values().astype(float)
    rmse = sklearn.metrics.root_mean_squared_error(actual, predicted)
    assert report.metrics["rmse"] == pytest.approx(rmse, rel=1e-6)
    assert report.metrics["mae"] == pytest.approx(sklearn.metrics.mean_absolute_error(actual, predicted), rel=1e-6)
    assert 0.9 < rmse < 0.97


def test_popularity_on_the_ncf_split_is_as_published(ncf_ml_1m):
    """HR@10 .4535 and NDCG@10 .2543 with 1 positive and 99 negatives (He et al. 2017; Rendle et al. 2020)."""
    rows = np.load(ncf_ml_1m / "train.npz")
    train = rb.Interactions.from_arrays(rows["user"], rows["item"])
    positives = np.loadtxt(ncf_ml_1m / "ml-1m.test.rating", dtype=np.int64)
    test = rb.Interactions.from_arrays(positives[:, 0], positives[:, 1])
    with gzip.open(ncf_ml_1m / "ml-1m.test.negative.gz", "rt") as lines:
        negatives = {
            int(user): [int(item) for item in line.split("\t")[1:]]
            for user, line in zip(positives[:, 0], lines, strict=True)
        }
    assert sum(item in negatives[user] for user, item in positives[:, :2].tolist()) == 156
    report = rb.evaluate(rb.Popularity(), train, test, k=10, candidates=negatives, baselines=False)
    assert report.metrics["hit_rate@10"] == pytest.approx(0.4535, abs=0.0005)
    assert report.metrics["ndcg@10"] == pytest.approx(0.2543, abs=0.0005)
    assert report.metrics["recall@10"] == report.metrics["hit_rate@10"]
