"""AUC, ratings and probabilities against scikit-learn on random inputs, ties among them."""

import numpy as np
import pytest
import sklearn.metrics

import ridgeback as rb
from ridgeback.metrics import auc_by_user, log_loss, mae, rmse, standing


@pytest.mark.parametrize("decimals", [0, 1, 6])
def test_auc_from_counts_equals_scikit_learn(decimals):
    rng = np.random.default_rng(decimals)
    n_users, n_items = 40, 30
    scores = np.round(rng.normal(size=(n_users, n_items)), decimals).astype(np.float32)
    is_relevant = rng.random((n_users, n_items)) < 0.3
    is_relevant[:, 0], is_relevant[:, 1] = True, False
    users, items = np.nonzero(is_relevant)
    others, other_items = np.nonzero(~is_relevant)
    found = auc_by_user(
        users,
        standing(users, scores[users, items], others, scores[others, other_items]),
        is_relevant.sum(axis=1),
        (~is_relevant).sum(axis=1),
    )
    expected = [sklearn.metrics.roc_auc_score(y, s) for y, s in zip(is_relevant, scores, strict=True)]
    np.testing.assert_allclose(found, expected, rtol=1e-12)


@pytest.fixture(scope="module")
def parts():
    from ridgeback.data.synthetic import catalogue

    return rb.split.random(catalogue(n_users=120, n_items=70, random_state=4), 0.25)


@pytest.mark.parametrize("model", [rb.ImplicitALS(n_factors=4, n_iterations=2), rb.Popularity(), rb.BiasBaseline()])
def test_auc_of_whole_evaluations_equals_scikit_learn(parts, model):
    train, test = parts
    model = model.clone().fit(train)
    report = rb.evaluate(model, train, test, baselines=False)
    assert report.n_users > 100
    seen, relevant = train.user_items, test.user_items
    for place, user in enumerate(report.users):
        row = train.user_ids.row(user)
        ranked = np.setdiff1d(np.arange(train.n_items), seen.row(row)[0])
        ranked = ranked[train.user_items.column_counts()[ranked] > 0]
        scores = model.score(user, [train.item_ids[int(item)] for item in ranked])
        expected = sklearn.metrics.roc_auc_score(np.isin(ranked, relevant.row(row)[0]), scores)
        assert report.by_user["auc"][place] == pytest.approx(expected, rel=1e-9)
    assert report.metrics["auc"] == pytest.approx(report.by_user["auc"].mean())


def test_auc_among_candidates_equals_scikit_learn(parts):
    train, test = parts
    model = rb.ImplicitALS(n_factors=4, n_iterations=2).fit(train)
    rng = np.random.default_rng(0)
    candidates = {user: rng.permutation(list(train.item_ids))[:20].tolist() for user in test.user_ids}
    report = rb.evaluate(model, train, test, candidates=candidates, baselines=False)
    for place, user in enumerate(report.users):
        row = train.user_ids.row(user)
        relevant = {train.item_ids[int(item)] for item in test.user_items.row(row)[0]}
        seen = {train.item_ids[int(item)] for item in train.user_items.row(row)[0]}
        ranked = sorted((relevant | set(candidates[user])) - seen)
        expected = sklearn.metrics.roc_auc_score([item in relevant for item in ranked], model.score(user, ranked))
        assert report.by_user["auc"][place] == pytest.approx(expected, rel=1e-9)


def test_values_equal_scikit_learn():
    rng = np.random.default_rng(3)
    actual, predicted = rng.normal(size=500), rng.normal(size=500)
    assert rmse(actual, predicted) == pytest.approx(sklearn.metrics.root_mean_squared_error(actual, predicted))
    assert mae(actual, predicted) == pytest.approx(sklearn.metrics.mean_absolute_error(actual, predicted))
    answers, chances = rng.random(500) < 0.3, rng.random(500)
    assert log_loss(answers, chances) == pytest.approx(sklearn.metrics.log_loss(answers, chances))
