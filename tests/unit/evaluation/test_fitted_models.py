"""What evaluate measures of real models is what recommend, predict and fold_in give."""

import numpy as np
import pytest

import ridgeback as rb
from ridgeback.data.synthetic import catalogue, plant_catalogue
from ridgeback.errors import DataError, RidgebackWarning, UnsupportedError
from ridgeback.metrics.rating import rmse
from ridgeback.models.recommender import Recommender

MODELS = {
    "implicit": rb.ImplicitALS(n_factors=8, n_iterations=4),
    "hu": rb.ImplicitALS(n_factors=8, n_iterations=4, loss="hu"),
    "logistic": rb.LogisticMF(n_factors=4, n_iterations=4, n_negatives=20),
    "explicit": rb.ExplicitALS(n_factors=4, n_iterations=4),
}


@pytest.fixture(scope="module")
def data():
    return catalogue(n_users=300, n_items=120, random_state=2)


@pytest.fixture(scope="module")
def parts(data):
    return rb.split.random(data, 0.2)


@pytest.fixture(scope="module")
def strong(data):
    return rb.split.by_user(data, 0.2)


def items_of(data, user):
    items, values = data.user_items.row(data.user_ids.row(user))
    return {data.item_ids[int(item)]: float(value) for item, value in zip(items, values, strict=True)}


@pytest.mark.parametrize("name", MODELS)
def test_lists_are_those_of_recommend(parts, name):
    model = MODELS[name].clone().fit(parts[0])
    report = rb.evaluate(model, *parts, k=5, baselines=False)
    for place, listed in enumerate(model.recommend(list(report.users), k=5)):
        relevant = items_of(parts[1], report.users[place])
        hits = sum(row.item in relevant for row in listed)
        assert report.by_user["recall@5"][place] == pytest.approx(hits / len(relevant))


@pytest.mark.parametrize("name", MODELS)
def test_lists_of_new_users_are_those_of_fold_in(strong, name):
    train, history, test = strong
    model = MODELS[name].clone().fit(train)
    report = rb.evaluate(model, train, test, history=history, k=5)
    assert report.n_users == len(report.users) == 60
    for place, user in enumerate(report.users):
        listed = model.fold_in(items_of(history, user)).recommend(5)
        relevant = items_of(test, user)
        hits = sum(row.item in relevant for row in listed)
        assert report.by_user["recall@5"][place] == pytest.approx(hits / len(relevant))


def test_ratings_of_new_users_are_those_of_fold_in(strong):
    train, history, test = strong
    model = MODELS["explicit"].clone().fit(train)
    report = rb.evaluate(model, train, test, history=history)
    actual, predicted = [], []
    for user in report.users:
        folded = model.fold_in(items_of(history, user))
        for item, rating in items_of(test, user).items():
            actual.append(rating)
            predicted.append(folded.predict(item))
    assert report.metrics["rmse"] == pytest.approx(rmse(actual, predicted), rel=1e-6)
    assert report.metrics["rmse"] < report.baselines["BiasBaseline"]["rmse"]


def test_the_bias_baseline_uses_the_history_of_new_users(strong):
    train, history, test = strong
    baseline = rb.BiasBaseline(regularization=3.0).fit(train)
    report = rb.evaluate(baseline, train, test, history=history)
    user = report.users[0]
    shown = items_of(history, user)
    biases = {item: float(baseline.item_biases_[train.item_ids.row(item)]) for item in train.item_ids}
    bias = sum(rating - baseline.mean_ - biases[item] for item, rating in shown.items()) / (3.0 + len(shown))
    errors = [baseline.mean_ + bias + biases[item] - rating for item, rating in items_of(test, user).items()]
    assert report.by_user["rmse"][0] == pytest.approx(np.sqrt(np.mean(np.square(errors))), rel=1e-5)


def test_a_history_of_unknown_items_gets_the_fallback(strong):
    train = strong[0]
    model = MODELS["implicit"].clone().fit(train)
    history = rb.Interactions.from_arrays([10**6], [10**7], ratings=[5.0])
    popular = int(np.argmax(train.user_items.column_counts()))
    test = rb.Interactions.from_arrays([10**6], [train.item_ids[popular]])
    report = rb.evaluate(model, train, test, history=history, k=1)
    assert report.metrics["hit_rate@1"] == 1.0


def test_a_history_of_zeros_is_none_for_an_implicit_model(strong):
    train, history, test = strong
    is_first = history.user_items.row_of_entry() == history.user_items.row_of_entry()[0]
    values = np.where(is_first, np.float32(0), history.user_items.values())
    zeroed = history.subset(np.ones(history.nnz, dtype=bool))
    zeroed.user_items = history.user_items.with_data(values)
    report = rb.evaluate(MODELS["implicit"].clone(), train, test, history=zeroed)
    assert report.exclusions["unknown_users"] == 1


def test_blocks_of_new_users_change_nothing(strong, monkeypatch):
    import sys

    train, history, test = strong
    whole = rb.evaluate(MODELS["explicit"], train, test, history=history)
    monkeypatch.setattr(sys.modules["ridgeback.evaluation.judged"], "_USERS_A_BLOCK", 7)
    cut = rb.evaluate(MODELS["explicit"], train, test, history=history)
    assert whole.metrics == cut.metrics


def test_models_learn_the_planted_tastes(parts):
    report = rb.evaluate(MODELS["implicit"], *parts)
    assert report.metrics["ndcg@10"] > 1.3 * report.baselines["Popularity"]["ndcg@10"]
    ratings = rb.evaluate(MODELS["explicit"], *parts)
    assert ratings.metrics["rmse"] < 0.97 * ratings.baselines["BiasBaseline"]["rmse"]


def test_neighbours_in_the_catalogue_share_the_genre():
    planted = plant_catalogue(n_users=600, n_items=200)
    model = rb.ImplicitALS(n_factors=16).fit(catalogue(n_users=600, n_items=200))
    main = dict(zip(planted.item_ids.tolist(), (genres.split("|")[0] for genres in planted.genres), strict=True))
    same = [main[near.item] == main[item] for item in main for near in model.similar_items(item, k=3)]
    assert np.mean(same) > 0.7


def test_a_model_that_cannot_fold_in_is_refused_with_a_history(strong):
    class Factors(Recommender):
        def __init__(self):
            pass

        def fit(self, data):
            self._remember(data)
            self.user_factors_ = np.zeros((data.n_users, 2), dtype=np.float32)
            self.item_factors_ = np.zeros((data.n_items, 2), dtype=np.float32)
            self.user_biases_ = self.item_biases_ = None
            self.mean_ = 0.0
            return self

    train, history, test = strong
    with pytest.raises(UnsupportedError, match="Factors cannot fold in new users"):
        rb.evaluate(Factors(), train, test, history=history)


def test_a_baseline_that_is_ahead_is_named_in_words() -> None:
    train = rb.Interactions.from_arrays(
        [0, 1, 2, 3, 4, 5, 6, 6], ["hit", "hit", "hit", "own", "own", "own", "other", "own"]
    )
    test = rb.Interactions.from_arrays([3, 4, 5], ["hit", "hit", "hit"])
    report = rb.evaluate(rb.ImplicitALS(2, n_iterations=3), train, test, k=1)
    assert any(note.startswith("Popularity is ahead on ndcg@1: 1.0000 against 0.0000.") for note in report.notes)
    assert not any("ahead" in note for note in rb.evaluate(rb.Popularity(), train, test, k=1).notes)


def test_a_test_part_that_training_holds_is_the_reason_given() -> None:
    data = rb.Interactions.from_arrays([0, 0, 1, 2], ["a", "b", "a", "c"])
    with (
        pytest.warns(RidgebackWarning, match=r"4 of 4 .*the training part holds them too"),
        pytest.raises(DataError, match=r"all 4 relevant test pairs were in training already"),
    ):
        rb.evaluate(rb.ImplicitALS(2, n_iterations=1), data, data)
