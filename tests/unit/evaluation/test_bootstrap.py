"""Intervals over users: what they draw, how often they cover the truth, and the sentences made of them."""

import json

import numpy as np
import pytest

import ridgeback as rb
from ridgeback.data.synthetic import catalogue
from ridgeback.errors import ParameterError
from ridgeback.evaluation.bootstrap import Figure, Interval, Resampling, resample, resampled
from ridgeback.evaluation.comparison import sentence


@pytest.fixture(scope="module")
def parts():
    return rb.split.random(catalogue(n_users=200, n_items=80, random_state=8), 0.25)


@pytest.fixture(scope="module")
def report(parts):
    return rb.evaluate(rb.ImplicitALS(n_factors=8, n_iterations=4), *parts, k=10)


def test_draws_are_of_users_with_replacement():
    values = np.array([1.0, 10.0, 100.0])
    found = resample(values[:, None] * 3, np.ones((3, 1)), Resampling(n_resamples=4000))[:, 0]
    sums = {round(a + b + c) for a in values for b in values for c in values}
    assert {round(value) for value in found} == sums
    assert np.mean(np.isclose(found, 3)) == pytest.approx(1 / 27, abs=0.01)


def test_blocks_change_nothing(monkeypatch):
    values = np.random.default_rng(0).random((50, 3))
    whole = resample(values, np.ones((50, 3)), Resampling(n_resamples=40))
    monkeypatch.setattr("ridgeback.evaluation.bootstrap._COUNTS_AT_ONCE", 150)
    np.testing.assert_allclose(resample(values, np.ones((50, 3)), Resampling(n_resamples=40)), whole, rtol=1e-13)
    other = resample(values, np.ones((50, 3)), Resampling(n_resamples=40, random_state=1))
    assert not np.allclose(other, whole)


def test_users_without_a_value_and_pairs_weigh_as_they_do_in_the_figure():
    rng = np.random.default_rng(1)
    n_pairs = rng.integers(1, 30, 60).astype(float)
    squares = rng.random(60) * n_pairs
    found = resampled({"rmse": Figure(squares, n_pairs, is_root=True)}, Resampling(n_resamples=2000))["rmse"]
    assert found.mean() == pytest.approx(np.sqrt(squares.sum() / n_pairs.sum()), abs=0.01)
    nobody = resample(np.zeros((4, 1)), np.zeros((4, 1)), Resampling(n_resamples=5))
    assert np.isnan(nobody).all()
    assert Resampling().interval(nobody[:, 0]) is None


def test_intervals_cover_the_truth_as_often_as_they_say():
    rng = np.random.default_rng(2)
    n_trials, covered = 400, dict.fromkeys([(level, kind) for level in (0.8, 0.95) for kind in "ab"], 0)
    for trial in range(n_trials):
        hits = rng.binomial(10, rng.beta(0.6, 3.0, 200)) / 10  # mean 1/6, skewed as recall is
        better = hits + rng.normal(0.01, 0.1, 200)
        draws = resample(np.column_stack([hits, better]), np.ones((200, 2)), Resampling(0.5, 300, trial))
        for level in (0.8, 0.95):
            one = Resampling(level).interval(draws[:, 0])
            two = Resampling(level).interval(draws[:, 1] - draws[:, 0])
            covered[level, "a"] += one.low <= 1 / 6 <= one.high
            covered[level, "b"] += two.low <= 0.01 <= two.high
    for (level, _), n in covered.items():
        assert n / n_trials == pytest.approx(level, abs=0.04)


def test_reports_have_intervals_by_user_and_none_for_figures_of_all(report):
    for name in ("ndcg@10", "recall@10", "auc", "novelty@10"):
        low, high = report.intervals[name]
        assert low < report.metrics[name] < high
    assert not {"coverage@10", "gini@10"} & set(report.intervals)
    ndcg = report.by_user["ndcg@10"]
    error = ndcg.std() / np.sqrt(len(ndcg))
    assert report.intervals["ndcg@10"].high - report.intervals["ndcg@10"].low == pytest.approx(
        2 * 1.96 * error, rel=0.15
    )
    assert report.baseline_intervals["Popularity"]["ndcg@10"].low < report.baselines["Popularity"]["ndcg@10"]


def test_intervals_are_seeded_and_may_be_left_out(parts, report):
    again = rb.evaluate(rb.ImplicitALS(n_factors=8, n_iterations=4), *parts, k=10)
    assert again.intervals == report.intervals
    narrow = rb.evaluate(rb.Popularity(), *parts, level=0.5, n_resamples=300, random_state=3)
    wide = rb.evaluate(rb.Popularity(), *parts, level=0.99, n_resamples=300, random_state=3)
    assert wide.intervals["mrr@10"].low < narrow.intervals["mrr@10"].low
    without = rb.evaluate(rb.Popularity(), *parts, n_resamples=0)
    assert without.intervals == without.differences == {} or without.differences == {"Popularity": {}, "Ease": {}}
    assert json.loads(without.to_json())["n_resamples"] == 0
    assert "95 %" not in str(without)


def test_differences_are_paired(parts, report):
    other = rb.evaluate(rb.ImplicitALS(n_factors=8, n_iterations=5), *parts, k=10, baselines=False)
    row = report.compare(other)["ndcg@10"]
    values = report.by_user["ndcg@10"] - other.by_user["ndcg@10"]
    width = 2 * 1.96 * values.std() / np.sqrt(len(values))
    assert row["high"] - row["low"] == pytest.approx(width, rel=0.2)
    alone = report.intervals["ndcg@10"].high - report.intervals["ndcg@10"].low
    assert row["high"] - row["low"] < 0.6 * alone
    assert report.compare(report)["ndcg@10"]["high"] == 0.0
    popular = rb.evaluate(rb.Popularity(), *parts, k=10, baselines=False)
    against = report.compare(popular)["ndcg@10"]
    assert report.differences["Popularity"]["ndcg@10"] == pytest.approx((against["low"], against["high"]))


def test_ratings_are_compared_over_pairs(parts):
    one = rb.evaluate(rb.ExplicitALS(n_factors=4, n_iterations=4), *parts, baselines=False)
    two = rb.evaluate(rb.BiasBaseline(), *parts, baselines=False)
    row = one.compare(two)["rmse"]
    assert row["this"] == pytest.approx(one.metrics["rmse"])
    assert row["low"] < row["difference"] < row["high"]
    assert one.compare(two).sentence("rmse").startswith("rmse: ")


def test_a_difference_in_words():
    assert sentence("ndcg@10", 0.004, Interval(0.001, 0.007), 0.95) == (
        "ndcg@10: better by 0.0040, 95 % between 0.0010 and 0.0070"
    )
    assert sentence("rmse", 0.02, Interval(0.01, 0.03), 0.9) == "rmse: worse by 0.0200, 90 % between 0.0100 and 0.0300"
    assert sentence("rmse", -0.02, Interval(-0.03, -0.01), 0.9).startswith(
        "rmse: better by 0.0200, 90 % between 0.0100"
    )
    assert sentence("auc", 0.001, Interval(-0.001, 0.003), 0.95) == (
        "auc: no clear difference (+0.0010, 95 % between -0.0010 and +0.0030)"
    )
    assert sentence("novelty@10", -1.0, Interval(-1.5, -0.5), 0.95).startswith("novelty@10: lower by 1.0000")
    assert "without an interval" in sentence("coverage@10", 0.1, None, 0.95)
    assert sentence("ndcg@10", float("nan"), None, 0.95) == "ndcg@10: not measured for both"


def test_verdicts_name_each_baseline(report):
    verdict = report.verdicts()[0]
    assert [name.partition(":")[0] for name in report.verdicts()] == ["against Popularity", "against Ease"]
    low, high = report.differences["Popularity"]["ndcg@10"]
    difference = report.metrics["ndcg@10"] - report.baselines["Popularity"]["ndcg@10"]
    assert verdict == "against Popularity: " + sentence("ndcg@10", difference, Interval(low, high), 0.95)
    assert verdict in str(report)
    assert json.loads(report.to_json())["verdicts"] == report.verdicts()


def test_other_test_parts_are_named(parts, report):
    half = parts[1].subset(parts[1].user_items.row_of_entry() < 100)
    compared = report.compare(rb.evaluate(rb.Popularity(), parts[0], half, k=10, relevant_from=4))
    assert any("different test parts" in note for note in compared.notes)
    assert any("what is relevant: value > 0, and value >= 4" in note for note in compared.notes)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"level": 1.0}, r"'level' parameter must be a number in \(0, 1\)"),
        ({"level": True}, "'level' parameter"),
        ({"n_resamples": -1}, "'n_resamples' parameter must be an int of at least 0"),
        ({"random_state": 0.5}, "'random_state' parameter must be an int"),
    ],
)
def test_arguments_are_checked(parts, arguments, message):
    with pytest.raises(ParameterError, match=message):
        rb.evaluate(rb.Popularity(), *parts, **arguments)
