"""EASE and cosine neighbours against dense NumPy, and through whole evaluations."""

import numpy as np
import pytest

import ridgeback as rb
from ridgeback.data.synthetic import catalogue
from ridgeback.evaluation import item_models
from ridgeback.evaluation.item_models import Ease, ItemKnn, ease_regularization, steps_of, together


@pytest.fixture(scope="module")
def data():
    return catalogue(n_users=150, n_items=60, random_state=5)


@pytest.fixture(scope="module")
def parts(data):
    return rb.split.random_per_user(data, 0.3)


def dense(data):
    matrix = np.zeros(data.shape)
    matrix[data.user_items.row_of_entry(), data.user_items.indices] = 1.0
    return matrix


def ease_by_hand(x, regularization):
    """Each column's ridge regression on all the others, solved by itself."""
    weights = np.zeros((x.shape[1], x.shape[1]))
    for item in range(x.shape[1]):
        others = np.delete(np.arange(x.shape[1]), item)
        a = x[:, others].T @ x[:, others] + regularization * np.eye(len(others))
        weights[others, item] = np.linalg.solve(a, x[:, others].T @ x[:, item])
    return weights


def knn_by_hand(x, n_neighbors, shrinkage):
    norms = np.sqrt(x.sum(axis=0))
    near = x.T @ x / (norms[:, None] * norms + shrinkage)
    np.fill_diagonal(near, 0)
    for item in range(x.shape[1]):
        near[np.argsort(-near[:, item], kind="stable")[n_neighbors:], item] = 0
    return near


@pytest.mark.parametrize("at_once", [1 << 22, 400])
def test_counts_of_users_who_have_both(data, monkeypatch, at_once):
    monkeypatch.setattr(item_models, "_AT_ONCE", at_once)
    blocks = list(together(data))
    assert (len(blocks) > 5) == (at_once == 400)
    x = dense(data)
    np.testing.assert_array_equal(np.concatenate([counts for *_, counts in blocks]), x.T @ x)
    assert [begin for begin, *_ in blocks[1:]] == [end for _, end, _ in blocks[:-1]]


@pytest.mark.parametrize("at_once", [1 << 22, 700])
@pytest.mark.parametrize("name", ["ease", "knn"])
def test_lists_and_auc_are_those_of_dense_scores(parts, monkeypatch, name, at_once):
    monkeypatch.setattr(item_models, "_AT_ONCE", at_once)
    train, test = parts
    x = dense(train)
    if name == "ease":
        model, weights = Ease(regularization=20.0), ease_by_hand(x, 20.0)
    else:
        model, weights = ItemKnn(n_neighbors=7), knn_by_hand(x, 7, 10.0)
    scores = x @ weights
    report = rb.evaluate(model, train, test, k=5, baselines=False)
    for place, user in enumerate(report.users):
        row = train.user_ids.row(user)
        open_items = np.setdiff1d(np.flatnonzero(x.sum(axis=0)), np.flatnonzero(x[row]))
        relevant = np.isin(open_items, test.user_items.row(row)[0])
        own = scores[row, open_items]
        top = np.argsort(-own, kind="stable")[:5]
        assert report.by_user["precision@5"][place] == pytest.approx(relevant[top].mean(), abs=1e-9)
        higher = own[relevant][:, None] > own[~relevant] + 1e-6
        equal = np.abs(own[relevant][:, None] - own[~relevant]) <= 1e-6
        assert report.by_user["auc"][place] == pytest.approx((higher + equal / 2).mean(), abs=1e-9)


def test_ease_by_users_is_ease(parts):
    train, _ = parts
    few = train.subset(train.user_items.row_of_entry() < 25)
    few = rb.Interactions.from_csr(rb.Csr(few.user_items.indptr[:26], few.user_items.indices, None, (25, few.n_items)))
    for regularization in (0.5, 40.0):
        by_users = Ease(regularization).fit(few)
        scores = by_users._scores_of(train.user_items, np.arange(60))  # of new users too
        np.testing.assert_allclose(scores, dense(train)[:60] @ ease_by_hand(dense(few), regularization), atol=2e-5)


def test_the_regularization_of_ease_follows_the_shape(parts):
    train, _ = parts
    n_users, n_items = train.shape
    expected = 2.5 * (np.sqrt(train.nnz / n_users) + np.sqrt(train.nnz / n_items)) ** 2
    assert ease_regularization(train) == pytest.approx(expected)
    np.testing.assert_array_equal(Ease().fit(train)._weights, Ease(ease_regularization(train)).fit(train)._weights)
    assert not np.array_equal(Ease().fit(train)._weights, Ease(300.0).fit(train)._weights)


def test_users_without_history_get_what_is_popular(parts):
    train, _ = parts
    model = Ease().fit(train)
    seen = train.user_items.take([0, 1])
    scores = model._all_scores(seen, np.array([True, False]))
    np.testing.assert_array_equal(scores[0], model._popularity())
    assert not np.array_equal(scores[1], model._popularity())


def test_candidates_and_histories_reach_item_models(data, parts):
    train, test = parts
    candidates = list(train.item_ids)[:15]
    report = rb.evaluate(ItemKnn(), train, test, k=20, candidates=candidates, baselines=False)
    assert report.metrics["recall@20"] > 0.9
    train, history, test = rb.split.by_user(data, 0.2)
    strong = rb.evaluate(rb.Popularity(), train, test, history=history)
    assert strong.baselines["Ease"]["ndcg@10"] > strong.metrics["ndcg@10"]


def test_the_item_model_depends_on_the_size(parts, monkeypatch):
    import sys

    judging = sys.modules["ridgeback.evaluation.judging"]
    monkeypatch.setattr(judging, "MOST_ITEMS_EASE", 59)
    assert set(rb.evaluate(rb.Popularity(), *parts).baselines) == {"Popularity", "ItemKnn"}
    monkeypatch.setattr(judging, "MOST_STEPS", steps_of(parts[0]) - 1)
    report = rb.evaluate(rb.Popularity(), *parts)
    assert set(report.baselines) == {"Popularity"}
    assert any(note.startswith("No item model beside this report: it would take") for note in report.notes)
