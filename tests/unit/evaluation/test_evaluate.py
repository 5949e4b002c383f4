"""Evaluation against a plain-Python account of it, and the traps that make figures lie."""

import sys

import numpy as np
import pytest

import ridgeback as rb
from ridgeback.data.synthetic import catalogue
from ridgeback.errors import DataError, ParameterError, RidgebackWarning
from ridgeback.models.recommender import Recommender


class RandomFactors(Recommender):
    """Stands in for a factor model: factors by seed, nothing learnt."""

    def __init__(self, link="preference", family="implicit", seed=0, n_threads=1):
        self.link = link
        self.family = family
        self.seed = seed
        self.n_threads = n_threads

    def fit(self, data):
        rng = np.random.default_rng(self.seed)
        self._remember(data)
        self.user_factors_ = rng.normal(size=(data.n_users, 3)).astype(np.float32)
        self.item_factors_ = rng.normal(size=(data.n_items, 3)).astype(np.float32)
        has_biases = self.link != "preference"
        self.user_biases_ = rng.normal(size=data.n_users).astype(np.float32) if has_biases else None
        self.item_biases_ = rng.normal(size=data.n_items).astype(np.float32) if has_biases else None
        self.mean_ = 3.0 if self.link == "rating" else 0.0
        self._rating_range = (1.0, 5.0) if self.link == "rating" else None
        self.parameters_ = {"seed": self.seed}
        return self


@pytest.fixture(scope="module")
def parts():
    return rb.split.random(catalogue(n_users=150, n_items=80, random_state=3), 0.25, random_state=1)


def by_hand(model, train, test, lengths, relevant_from=None, candidates=None):
    """Every metric by sets and loops: {metric: {user: value}}, and who was excluded."""
    seen = pairs_of(train)
    found, excluded = {}, set()
    for user, items in pairs_of(test, relevant_from).items():
        relevant = {item for item in items if item not in seen.get(user, ())}
        if user not in seen or not relevant:
            excluded.add(user)
            continue
        own = None if candidates is None else [*relevant, *candidates[user]]
        listed = [row.item for row in model.recommend(user, k=max(lengths), candidates=own)]
        for k in lengths:
            hits = [item in relevant for item in listed[:k]]
            gains = sum(1 / np.log2(rank + 2) for rank, hit in enumerate(hits) if hit)
            ideal = sum(1 / np.log2(rank + 2) for rank in range(min(k, len(relevant))))
            precisions = [sum(hits[: rank + 1]) / (rank + 1) for rank, hit in enumerate(hits) if hit]
            values = {
                "recall": sum(hits) / len(relevant),
                "recall_capped": sum(hits) / min(k, len(relevant)),
                "precision": sum(hits) / k,
                "ndcg": gains / ideal,
                "map": sum(precisions) / min(k, len(relevant)),
                "mrr": 1 / (hits.index(True) + 1) if any(hits) else 0.0,
                "hit_rate": float(any(hits)),
            }
            for name, value in values.items():
                found.setdefault(f"{name}@{k}", {})[user] = value
    return found, excluded


def pairs_of(data, relevant_from=None):
    pairs = {}
    for row, column, value in zip(
        data.user_items.row_of_entry(), data.user_items.indices, data.user_items.values(), strict=True
    ):
        items = pairs.setdefault(data.user_ids[int(row)], set())
        if value >= relevant_from if relevant_from is not None else value > 0:
            items.add(data.item_ids[int(column)])
    return pairs


def check_by_hand(report, expected):
    for metric, values in expected.items():
        assert list(report.users) == sorted(values)
        np.testing.assert_allclose(report.by_user[metric], [values[user] for user in report.users], rtol=1e-12)
        assert report.metrics[metric] == pytest.approx(np.mean(list(values.values())), rel=1e-12)


@pytest.mark.parametrize("relevant_from", [None, 4.0])
def test_every_metric_equals_the_account_by_hand(parts, relevant_from):
    model = RandomFactors().fit(parts[0])
    expected, excluded = by_hand(model, *parts, (3, 10), relevant_from)
    report = rb.evaluate(model, *parts, k=(3, 10), relevant_from=relevant_from)
    check_by_hand(report, expected)
    assert report.excluded == len(excluded)
    assert relevant_from is None or report.exclusions["without_relevant_items"] > 0


def test_coverage_and_novelty_by_hand(parts):
    train, test = parts
    model = RandomFactors().fit(train)
    report = rb.evaluate(model, train, test, k=5, baselines=False)
    lists = [[row.item for row in model.recommend(user, k=5)] for user in report.users]
    counts = dict(zip(train.item_ids, train.user_items.column_counts(), strict=True))
    eligible = sum(count > 0 for count in counts.values())
    assert report.metrics["coverage@5"] == len({item for items in lists for item in items}) / eligible
    surprise = [np.mean([-np.log2(counts[item] / train.n_users) for item in items]) for items in lists]
    np.testing.assert_allclose(report.by_user["novelty@5"], surprise)


def test_blocks_change_nothing(parts, monkeypatch):
    whole = rb.evaluate(RandomFactors("rating", "explicit"), *parts)
    monkeypatch.setattr(sys.modules["ridgeback.evaluation.judged"], "_USERS_A_BLOCK", 7)
    cut = rb.evaluate(RandomFactors("rating", "explicit"), *parts)
    assert whole.metrics == cut.metrics
    assert whole.baselines == cut.baselines
    for metric, values in whole.by_user.items():
        np.testing.assert_array_equal(values, cut.by_user[metric])


def test_an_unfitted_model_is_cloned_and_a_fitted_one_left_alone(parts):
    model = RandomFactors(seed=4)
    report = rb.evaluate(model, *parts)
    assert "item_factors_" not in vars(model)
    fitted = RandomFactors(seed=4).fit(parts[0])
    factors = fitted.item_factors_
    assert rb.evaluate(fitted, *parts).metrics == report.metrics
    assert fitted.item_factors_ is factors


def test_baselines_stand_beside_the_model(parts):
    report = rb.evaluate(RandomFactors(), *parts)
    assert set(report.baselines) == {"Popularity", "Ease"}
    alone = rb.evaluate(
        rb.Popularity(), *parts, baselines=False
    ).metrics  # without factors that say how alike items are
    beside = report.baselines["Popularity"]
    assert {name: value for name, value in beside.items() if not name.startswith("list_similarity")} == alone
    ratings = rb.evaluate(RandomFactors("rating", "explicit"), *parts)
    assert set(ratings.baselines) == {"Popularity", "BiasBaseline", "Ease"}
    assert ratings.baselines["BiasBaseline"]["rmse"] < 1
    assert "rmse" not in ratings.baselines["Popularity"]
    assert rb.evaluate(RandomFactors(), *parts, baselines=False).baselines == {}


def test_popularity_beats_random_factors(parts):
    report = rb.evaluate(RandomFactors(), *parts)
    assert report.baselines["Popularity"]["ndcg@10"] > 2 * report.metrics["ndcg@10"]


# Whom the averages are over


def test_users_that_training_never_saw_are_counted_and_left_out():
    data = rb.Interactions.from_arrays([1, 1, 2, 2, 3, 3], ["a", "b", "a", "c", "b", "c"])
    is_third = data.user_items.row_of_entry() == 2
    train, test = data.subset(~is_third), data.subset(np.array([False, False, False, False, True, True]))
    with pytest.raises(DataError, match="No test user can be judged: 1 unknown users"):
        rb.evaluate(rb.Popularity(), train, test)
    other = rb.Interactions.from_arrays([1, 3, 77], ["c", "a", "a"])
    report = rb.evaluate(rb.Popularity(), train, other, k=2)
    assert list(report.users) == [1]
    assert report.excluded == report.exclusions["unknown_users"] == 2
    assert report.metrics["recall@2"] == 1.0


def test_users_without_relevant_items_do_not_lower_the_average():
    train = rb.Interactions.from_arrays([1, 1, 2], ["a", "b", "a"], ratings=[5, 5, 5])
    test = rb.Interactions.from_arrays([2, 1], ["b", "c"], ratings=[5, 1])
    report = rb.evaluate(rb.Popularity(), train, test, k=1, relevant_from=3)
    assert report.metrics["recall@1"] == 1.0
    assert report.exclusions == {"unknown_users": 0, "without_relevant_items": 1, "without_candidates": 0}


def test_relevant_items_that_training_never_saw_count_as_missed():
    train = rb.Interactions.from_arrays([1, 1, 2], ["a", "b", "a"])
    test = rb.Interactions.from_arrays([2, 2], ["b", "new"])
    report = rb.evaluate(rb.Popularity(), train, test, k=2)
    assert report.metrics["recall@2"] == 0.5
    assert report.metrics["ndcg@2"] == pytest.approx(1 / (1 + 1 / np.log2(3)))
    assert any("1 relevant test pairs name items that training never saw" in note for note in report.notes)


def test_pairs_seen_before_are_no_case():
    train = rb.Interactions.from_arrays([1, 1, 2], ["a", "b", "a"])
    test = rb.Interactions.from_arrays([2, 2], ["a", "b"])
    report = rb.evaluate(rb.Popularity(), train, test, k=2)
    assert report.metrics["recall@2"] == 1.0
    assert any("1 relevant test pairs were in the history already" in note for note in report.notes)


def test_a_model_fitted_on_the_test_part_is_noticed(parts):
    train, test = parts
    whole = catalogue(n_users=150, n_items=80, random_state=3)
    with pytest.warns(RidgebackWarning, match="probably fitted on the test part"), pytest.raises(DataError):
        rb.evaluate(RandomFactors().fit(whole), train, test)


def test_test_pairs_of_weight_zero_are_left_out():
    train = rb.Interactions.from_arrays([1, 1, 2], ["a", "b", "a"])
    test = rb.Interactions.from_arrays([2, 2], ["b", "x"], weights=[1, 0])
    assert rb.evaluate(rb.Popularity(), train, test, k=1).metrics["recall@1"] == 1.0


def test_fewer_eligible_items_than_places():
    train = rb.Interactions.from_arrays([1, 1, 2], ["a", "b", "a"])
    report = rb.evaluate(rb.Popularity(), train, rb.Interactions.from_arrays([2], ["b"]), k=10)
    assert report.metrics["precision@10"] == 0.1
    assert report.metrics["recall@10"] == report.metrics["ndcg@10"] == 1.0


# Ids


def test_id_tables_are_matched_by_id(parts):
    train, test = parts
    model = RandomFactors().fit(train)
    expected = rb.evaluate(model, train, test)
    users = [test.user_ids[int(row)] for row in test.user_items.row_of_entry()]
    items = [test.item_ids[int(column)] for column in test.user_items.indices]
    order = np.random.default_rng(0).permutation(len(users))
    for spell in (int, str):
        other = rb.Interactions.from_arrays([spell(users[i]) for i in order], [spell(items[i]) for i in order])
        report = rb.evaluate(model, train, other)
        places = report.users.match(expected.users)
        for metric, values in expected.by_user.items():
            np.testing.assert_array_equal(report.by_user[metric][places], values)
        for metric, value in expected.metrics.items():
            assert report.metrics[metric] == pytest.approx(value, rel=1e-12)


def test_matrices_are_taken_too(parts):
    train, test = parts
    report = rb.evaluate(RandomFactors(), train.user_items, test.user_items.to_scipy())
    assert report.metrics == rb.evaluate(RandomFactors(), train, test).metrics


# Candidates


def test_candidates_equal_the_account_by_hand(parts):
    train, test = parts
    model = RandomFactors().fit(train)
    rng = np.random.default_rng(5)
    candidates = {user: rng.permutation(train.item_ids.to_numpy())[:20] for user in test.user_ids}
    expected, _ = by_hand(model, train, test, (1, 5), candidates=candidates)
    check_by_hand(rb.evaluate(model, train, test, k=(1, 5), candidates=candidates), expected)
    as_text = {str(user): [str(item) for item in items] for user, items in candidates.items()}
    assert rb.evaluate(model, train, test, k=(1, 5), candidates=as_text).metrics["recall@5"] > 0


def test_a_positive_among_its_own_negatives_counts_once():
    train = rb.Interactions.from_arrays([1, 2, 2, 3, 3, 3], ["a", "a", "b", "a", "b", "c"])
    test = rb.Interactions.from_arrays([1], ["c"])
    clean = rb.evaluate(rb.Popularity(), train, test, k=(1, 2), candidates={1: ["b"]})
    doubled = rb.evaluate(rb.Popularity(), train, test, k=(1, 2), candidates={1: ["c", "b", "c", "b"]})
    assert doubled.metrics == clean.metrics
    assert clean.metrics["hit_rate@1"] == 0
    assert clean.metrics["hit_rate@2"] == 1
    assert clean.metrics["ndcg@2"] == pytest.approx(1 / np.log2(3))


def test_a_relevant_item_nobody_has_is_ranked_when_there_are_candidates():
    data = rb.Interactions.from_arrays([1, 2, 2, 1], ["a", "a", "b", "new"])
    is_new = data.user_items.indices == data.item_ids.row("new")
    train, test = data.subset(~is_new), data.subset(is_new)
    report = rb.evaluate(rb.Popularity(), train, test, k=2, candidates=["b"])
    assert report.metrics["hit_rate@2"] == 1
    assert rb.evaluate(rb.Popularity(), train, test, k=2).metrics["hit_rate@2"] == 0


def test_users_without_a_list_are_counted_and_unknown_candidates_not_ranked(parts):
    train, test = parts
    users = list(test.user_ids)
    report = rb.evaluate(RandomFactors(), train, test, candidates={users[0]: [1, 2, 3, 10**6], 10**9: [1]})
    assert list(report.users) == [users[0]]
    assert report.exclusions["without_candidates"] == report.excluded - report.exclusions["unknown_users"]
    with pytest.raises(DataError, match=r"No test user can be judged: .* without candidates"):
        rb.evaluate(RandomFactors(), train, test, candidates={})


@pytest.mark.parametrize("candidates", ["abc", 5, {1: "abc"}, {1: 5}])
def test_candidates_must_be_lists(parts, candidates):
    with pytest.raises(ParameterError, match="'candidates' parameter must be a list of item ids, or a mapping"):
        rb.evaluate(RandomFactors(), *parts, candidates=candidates)


# Values


def test_ratings_are_judged_as_predict_gives_them(parts):
    train, test = parts
    model = RandomFactors("rating", "explicit").fit(train)
    report = rb.evaluate(model, train, test)
    users = test.user_ids.to_numpy()[test.user_items.row_of_entry()]
    items = test.item_ids.to_numpy()[test.user_items.indices]
    errors = test.user_items.values().astype(float) - model.predict(users, items)
    assert report.metrics["rmse"] == pytest.approx(np.sqrt(np.mean(errors**2)), rel=1e-12)
    assert report.metrics["mae"] == pytest.approx(np.mean(np.abs(errors)), rel=1e-12)
    first = users == report.users[0]
    assert report.by_user["rmse"][0] == pytest.approx(np.sqrt(np.mean(errors[first] ** 2)), rel=1e-12)


def test_unknown_users_and_items_get_the_mean_and_known_biases():
    train = rb.Interactions.from_arrays([1, 1, 2], ["a", "b", "a"], ratings=[5, 3, 1])
    model = rb.BiasBaseline(regularization=1.0).fit(train)
    assert abs(model.user_biases_[-1]) > 0.5
    test = rb.Interactions.from_arrays([9, 1, 9, 2], ["a", "new", "new", "b"], ratings=[4, 4, 4, 4])
    item_a = model.item_biases_[train.item_ids.row("a")]
    user_1 = model.user_biases_[0]
    predicted = [model.mean_ + item_a, model.mean_ + user_1, model.mean_, model.predict(2, "b")]
    report = rb.evaluate(model, train, test)
    assert report.metrics["mae"] == pytest.approx(np.mean(np.abs(np.array(predicted) - 4)), rel=1e-6)
    assert report.exclusions["unknown_users"] == 1
    assert any("2 test pairs name items that training never saw: predicted" in note for note in report.notes)


def test_ratings_alone_can_be_judged():
    train = rb.Interactions.from_arrays([1, 1, 2], ["a", "b", "a"], ratings=[5, 3, 4])
    report = rb.evaluate(rb.BiasBaseline(), train, rb.Interactions.from_arrays([9], ["a"], ratings=[4]))
    assert set(report.metrics) == {"rmse", "mae"}
    assert report.n_users == 0
    assert report.excluded == 1


def test_probabilities_are_judged_as_predict_gives_them(parts):
    train, test = parts
    model = RandomFactors("probability", "logistic").fit(train)
    test = test.subset(np.ones(test.nnz, dtype=bool))
    values = (test.user_items.values() > 3).astype(np.float32)
    test.user_items = test.user_items.with_data(values)
    users = test.user_ids.to_numpy()[test.user_items.row_of_entry()]
    items = test.item_ids.to_numpy()[test.user_items.indices]
    chance = model.predict(users, items).astype(float)
    report = rb.evaluate(model, train, test)
    assert report.metrics["log_loss"] == pytest.approx(-np.mean(np.log(np.where(values > 0, chance, 1 - chance))))
    assert report.baselines["Popularity"]["log_loss"] > 0
    assert "rmse" not in report.metrics
    assert not any("observed no" in note for note in report.notes)


def test_the_probability_for_an_unknown_user_is_the_share_who_have_the_item():
    train = rb.Interactions.from_arrays([1, 1, 2], ["a", "b", "a"])
    test = rb.Interactions.from_arrays([9, 9, 1], ["a", "b", "new"])
    model = RandomFactors("probability", "logistic").fit(train)
    new = 1 / (1 + np.exp(-float(model.user_biases_[0])))
    report = rb.evaluate(model, train, test)
    assert report.metrics["log_loss"] == pytest.approx(-np.mean(np.log([1.0, 0.5, new])), rel=1e-6)


def test_log_loss_over_yeses_alone_is_noted(parts):
    report = rb.evaluate(RandomFactors("probability", "logistic"), *parts)
    assert any("holds no observed no" in note for note in report.notes)


def test_preferences_are_not_judged_as_ratings(parts):
    assert not {"rmse", "mae", "log_loss"} & set(rb.evaluate(RandomFactors(), *parts).metrics)


# Strong generalisation


def test_new_users_are_judged_with_their_history():
    train, history, test = rb.split.by_user(catalogue(n_users=150, n_items=80), 0.2)
    report = rb.evaluate(rb.Popularity(), train, test, history=history)
    assert report.n_users == 30
    popular = np.argsort(-train.user_items.column_counts(), kind="stable")
    shown, kept = pairs_of(history), pairs_of(test)
    for place, user in enumerate(report.users):
        listed = [item for item in (train.item_ids[int(row)] for row in popular) if item not in shown[user]][:10]
        assert report.by_user["recall@10"][place] == len(kept[user] & set(listed)) / len(kept[user])
    without = rb.Interactions.from_arrays([10**6], [1])
    assert rb.evaluate(rb.Popularity(), train, test, history=history.merge(without)[0]).metrics == report.metrics
    with pytest.raises(DataError, match="30 unknown users"):
        rb.evaluate(rb.Popularity(), train, test)


# Arguments


def test_arguments_are_checked(parts):
    with pytest.raises(ParameterError, match="'k' parameter must be list lengths"):
        rb.evaluate(RandomFactors(), *parts, k=0)
    with pytest.raises(ParameterError, match="'relevant_from' parameter must be a number"):
        rb.evaluate(RandomFactors(), *parts, relevant_from="4")
    with pytest.raises(ParameterError, match="'relevant_from' parameter must not be NaN"):
        rb.evaluate(RandomFactors(), *parts, relevant_from=float("nan"))
    with pytest.raises(ParameterError, match=r"must be a model of this library.*\(the class: call it\)"):
        rb.evaluate(RandomFactors, *parts)
    empty = parts[1].subset(np.zeros(parts[1].nnz, dtype=bool))
    with pytest.raises(DataError, match="test part has no interaction"):
        rb.evaluate(RandomFactors(), parts[0], empty)


def test_a_model_saved_without_history_is_judged_by_the_training_part(parts):
    model = RandomFactors().fit(parts[0])
    expected = rb.evaluate(model, *parts).metrics
    model._seen = None
    assert rb.evaluate(model, *parts).metrics == expected
