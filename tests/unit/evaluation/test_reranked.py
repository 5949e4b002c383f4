"""What another order costs and gains: evaluate judges the lists that recommend gives with the same keywords."""

import numpy as np
import pytest

import ridgeback as rb
from ridgeback.data.synthetic import catalogue
from ridgeback.errors import ParameterError, UnsupportedError
from ridgeback.evaluation.bootstrap import Interval
from ridgeback.evaluation.remarks import behind, what_to_try

NOT_RANKED = {"auc", "rmse", "mae", "log_loss", "calibration_error"}


@pytest.fixture(scope="module")
def parts():
    return rb.split.random(catalogue(n_users=90, n_items=60, random_state=2), test_fraction=0.25, random_state=0)


@pytest.fixture(scope="module")
def model(parts):
    return rb.ImplicitALS(n_factors=6, n_iterations=3, regularization=0.02, unobserved_weight=0.1).fit(parts[0])


def judged(model, parts, **order):
    return rb.evaluate(model, *parts, k=(5, 10), n_resamples=0, baselines=False, **order)


@pytest.mark.parametrize(
    "order",
    [{"popularity_penalty": 0.7}, {"diversity": 0.5, "n_candidates": 25}, {"popularity_penalty": 1, "diversity": 1}],
)
def test_what_is_judged_is_what_is_served(model, parts, order):
    report = judged(model, parts, **order)
    train, test = parts
    hits, n_shown = [], set()
    for user in report.users:
        items = model.recommend(user, k=10, **order).items.tolist()
        n_shown.update(items)
        row = test.user_ids.row(user)
        relevant = {test.item_ids[i] for i in test.user_items.row(row)[0]}
        hits.append(len(relevant & set(items)) / 10)
    assert report.metrics["precision@10"] == pytest.approx(np.mean(hits))
    n_eligible = np.count_nonzero(train.user_items.column_counts())
    assert report.metrics["coverage@10"] == pytest.approx(len(n_shown) / n_eligible)
    assert report.protocol["reranking"]["diversity"] == order.get("diversity", 0)
    plain = judged(model, parts)
    assert "reranking" not in plain.protocol
    assert report.metrics["auc"] == plain.metrics["auc"]


def test_what_is_won(model, parts):
    plain, less_popular, diverse = (
        judged(model, parts, **order).metrics for order in ({}, {"popularity_penalty": 1.0}, {"diversity": 0.7})
    )
    assert less_popular["novelty@10"] > plain["novelty@10"]
    assert less_popular["popularity_bias@10"] < plain["popularity_bias@10"]
    assert diverse["list_similarity@10"] < plain["list_similarity@10"]


def test_list_similarity_is_measured_by_the_judged_models_factors(model, parts):
    report = rb.evaluate(model, *parts, k=5, n_resamples=20)
    ways = model.item_factors_ / np.linalg.norm(model.item_factors_, axis=1, keepdims=True)
    for judge, found in [(model, report.metrics), (rb.Popularity().fit(parts[0]), report.baselines["Popularity"])]:
        values = []
        for user in report.users:
            rows = judge.recommend(user, k=5).rows
            cosines = ways[rows] @ ways[rows].T
            values.append((cosines.sum() - 5) / 20)
        assert found["list_similarity@5"] == pytest.approx(np.mean(values), abs=1e-5)
    assert report.intervals["list_similarity@5"].low < report.metrics["list_similarity@5"]
    assert "list_similarity@5" not in rb.evaluate(rb.Popularity(), *parts, k=5, n_resamples=0).metrics
    sentence = judged(model, parts, diversity=0.9).compare(report).sentence("list_similarity@5")
    assert "better" not in sentence
    assert "worse" not in sentence


def test_baselines_stay_as_they_are(model, parts):
    plain, other = (
        rb.evaluate(model, *parts, k=5, n_resamples=0, popularity_penalty=penalty) for penalty in (0.0, 2.0)
    )
    assert plain.baselines == other.baselines
    assert plain.metrics != other.metrics


def test_new_users_and_candidates(model, parts):
    train, history, test = rb.split.by_user(
        catalogue(n_users=90, n_items=60, random_state=2), test_fraction=0.3, random_state=0
    )
    report = rb.evaluate(
        rb.ImplicitALS(n_factors=4, n_iterations=2), train, test, history=history, k=5, n_resamples=0, baselines=False,
        diversity=0.4, popularity_penalty=0.3,
    )  # fmt: skip
    assert 0 <= report.metrics["ndcg@5"] <= 1
    some = {user: list(test.item_ids)[:9] for user in parts[1].user_ids}
    assert judged(model, parts, candidates=some, diversity=0.5).metrics["ndcg@5"] > 0


def test_what_cannot_be_judged(model, parts):
    with pytest.raises(ParameterError, match="'n_candidates' parameter must be a whole number of at least k = 10"):
        judged(model, parts, diversity=0.5, n_candidates=7)
    with pytest.raises(ParameterError, match="Got nan instead"):
        judged(model, parts, popularity_penalty=float("nan"))
    with pytest.raises(UnsupportedError, match="Popularity has no factors, which diversity needs"):
        judged(rb.Popularity(), parts, diversity=0.5)


def test_similarity_by_other_factors_is_not_compared(model, parts):
    other = rb.ImplicitALS(n_factors=3, n_iterations=2).fit(parts[0])
    compared = judged(model, parts).compare(judged(other, parts))
    assert not any(row["metric"].startswith("list_similarity") for row in compared.rows)
    assert any(note.startswith("list_similarity@5, list_similarity@10 left out") for note in compared.notes)
    same = judged(model, parts).compare(judged(model, parts, diversity=0.3))
    assert same["list_similarity@5"]["difference"] > 0
    assert not any("left out" in note for note in same.notes)
    assert any("the order of lists: by score, and reranked with diversity 0.3." in note for note in same.notes)


def test_reranking_is_said_wherever_a_report_is_read(model, parts):
    report = judged(model, parts, popularity_penalty=0.5, diversity=0.3, n_candidates=40)
    order = "reranked with popularity_penalty 0.5, diversity 0.3, n_candidates 40"
    for text in (str(report), report.to_json(), report.to_html(), report.summary()):
        assert order in text
    assert "model, reranked" in report.to_html()
    assert "reranked" not in judged(model, parts).to_html() + str(judged(model, parts))


def test_a_baseline_ahead_of_reranked_lists_says_that_first(model, parts):
    train, test = parts
    report = rb.evaluate(model, train, test, k=5, popularity_penalty=5.0, n_resamples=200)
    ahead = [note for note in report.notes if "is ahead on ndcg@5" in note]
    assert ahead
    assert all("lists were reranked" in note for note in ahead)
    clear = [words.split(":")[0].removeprefix("against ") for words in report.verdicts() if "worse" in words]
    assert [note.split()[0] for note in ahead] == clear
    assert any("no clear difference" in words or "worse" in words for words in report.verdicts())


def test_no_baseline_is_ahead_where_the_interval_sees_no_difference():
    differences = {"ItemKnn": {"ndcg@10": Interval(-0.02, 0.001)}, "Popularity": {"ndcg@10": Interval(-0.02, -0.001)}}
    found = {"ItemKnn": {"ndcg@10": 0.11}, "Popularity": {"ndcg@10": 0.11}}
    assert [note.split()[0] for note in behind({"ndcg@10": 0.1}, found, differences, 10, "Try.")] == ["Popularity"]
    assert len(list(behind({"ndcg@10": 0.1}, found, {}, 10, "Try."))) == 2  # without intervals


def test_advice_is_about_what_the_model_has():
    assert what_to_try({"regularization": 1, "n_factors": 2}, False).startswith("Try another regularization")
    assert "regularization" not in what_to_try({"n_factors": 2, "n_iterations": 5}, False)
    assert what_to_try({}, False).startswith("Try another model")
