"""Nothing lowers or raises an average in silence: an error, or an exclusion or note with a count."""

import numpy as np
import pytest

import ridgeback as rb
from ridgeback.data.synthetic import catalogue
from ridgeback.errors import DataError, ParameterError
from ridgeback.metrics import calibration_error, log_loss, rmse


@pytest.fixture(scope="module")
def parts():
    return rb.split.random(catalogue(n_users=80, n_items=50, random_state=9), 0.25)


@pytest.mark.parametrize("name", ["user_factors_", "item_factors_"])
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_factors_that_are_not_numbers_are_refused(parts, name, bad):
    model = rb.ImplicitALS(n_factors=3, n_iterations=2).fit(parts[0])
    values = getattr(model, name).copy()
    values[2, 1] = bad
    setattr(model, name, values)
    with pytest.raises(DataError, match=rf"ImplicitALS cannot be judged: 1 of [\d,]+ values of its {name} are NaN"):
        rb.evaluate(model, *parts)


def test_scores_that_overflow_are_refused(parts):
    model = rb.ImplicitALS(n_factors=3, n_iterations=2).fit(parts[0])
    users, items = model.user_factors_.copy(), model.item_factors_.copy()
    users[5], items[:] = 3e38, -3e38
    model.user_factors_, model.item_factors_ = users, items
    with pytest.raises(DataError, match=r"scores that are NaN or infinite: the lists of [\d,]+ of [\d,]+ users lack"):
        rb.evaluate(model, *parts)


def test_predictions_that_overflow_are_refused(parts):
    model = rb.ExplicitALS(n_factors=2, n_iterations=2).fit(parts[0])
    model._rating_range = None
    users, items = model.user_factors_.copy(), model.item_factors_.copy()
    users[:], items[:] = 3e38, 3e38
    model.user_factors_, model.item_factors_ = users, items
    with pytest.raises(DataError, match=r"ExplicitALS predicts NaN or infinity for [\d,]+ of [\d,]+ test pairs"):
        rb.evaluate(model, *parts)


def test_metrics_refuse_what_is_not_a_number():
    with pytest.raises(ParameterError, match="1 of 3 values of 'predicted' are NaN or infinite"):
        rmse([1, 2, 3], [1, np.nan, 3])
    with pytest.raises(ParameterError, match="2 of 3 values of 'actual' are NaN or infinite"):
        rmse([np.nan, 2, np.inf], [1, 2, 3])
    with pytest.raises(ParameterError, match="of 'predicted' are NaN"):
        log_loss([True, False], [0.5, np.nan])


def test_lists_that_end_before_k_are_counted(parts):
    train, test = parts
    report = rb.evaluate(rb.Popularity(), train, test, k=(10, 38, 500), baselines=False)
    n_left = train.n_items - train.user_items.counts()
    n_short = sum(n_left[train.user_ids.row(user)] < 38 for user in report.users)
    assert 0 < n_short < report.n_users
    notes = [note for note in report.notes if "fewer than" in note]
    assert len(notes) == 2
    assert notes[0].startswith(f"{n_short} of {report.n_users} users have fewer than 38 items to be ranked")
    assert notes[1].startswith(f"{report.n_users} of {report.n_users} users have fewer than 500 items")
    assert report.metrics["recall@500"] == 1.0


def test_sampled_ranking_carries_a_warning(parts):
    train, test = parts
    report = rb.evaluate(rb.Popularity(), train, test, candidates=list(train.item_ids)[:20], baselines=False)
    assert any(note.startswith("Sampled:") and "Krichene, Rendle 2020" in note for note in report.notes)
    assert not any("Sampled" in note for note in rb.evaluate(rb.Popularity(), train, test).notes)


def test_users_with_nothing_irrelevant_have_no_auc():
    train = rb.Interactions.from_arrays([1, 1, 2, 2, 3], ["a", "b", "a", "c", "a"])
    test = rb.Interactions.from_arrays([1, 3], ["c", "b"])
    report = rb.evaluate(rb.Popularity(), train, test, baselines=False)
    assert np.isnan(report.by_user["auc"][0])
    assert report.metrics["auc"] == report.by_user["auc"][1]
    assert "auc: 1 users left out, for whom nothing irrelevant could be ranked." in report.notes


def test_items_that_training_never_saw_stand_below_everything_in_auc():
    train = rb.Interactions.from_arrays([1, 2, 2, 3, 3], ["a", "b", "c", "b", "d"])
    test = rb.Interactions.from_arrays([1, 1], ["b", "new"])
    assert rb.evaluate(rb.Popularity(), train, test, baselines=False).metrics["auc"] == 0.5


def test_calibration_error_says_what_it_is_over(parts):
    train, test = parts
    model = rb.LogisticMF(n_factors=2, n_iterations=3, n_negatives=10)
    report = rb.evaluate(model, train, test, baselines=False)
    fitted = model.clone().fit(train)
    assert report.metrics["calibration_error"] == pytest.approx(fitted.reliability(test).ece)
    assert any(note.startswith("calibration_error: over ") for note in report.notes)
    with_noes = test.subset(np.ones(test.nnz, dtype=bool))
    with_noes.user_items = test.user_items.with_data((test.user_items.values() > 3).astype(np.float32))
    report = rb.evaluate(fitted, train, with_noes, baselines=False)
    users = test.user_ids.to_numpy()[test.user_items.row_of_entry()]
    chances = fitted.predict(users, test.item_ids.to_numpy()[test.user_items.indices])
    answers = test.user_items.values() > 3
    assert report.metrics["calibration_error"] == pytest.approx(calibration_error(answers, chances), rel=1e-6)


def test_calibrated_models_are_judged_by_their_calibration(parts):
    train, test = parts
    model = rb.ImplicitALS(n_factors=3, n_iterations=3).fit(train)
    assert "calibration_error" not in rb.evaluate(model, train, test, baselines=False).metrics
    model.calibrate(test, method="platt")
    report = rb.evaluate(model, train, test, baselines=False)
    assert report.metrics["calibration_error"] == pytest.approx(model.reliability(test).ece)


@pytest.mark.parametrize("metric", ["auc", "gini@10", "popularity_bias@5", "calibration_error"])
def test_what_only_a_report_measures_is_refused_in_a_fit(parts, metric):
    with pytest.raises(ParameterError, match=r"'metric' parameter of fit cannot be .*, which rb.evaluate alone"):
        rb.ImplicitALS(n_factors=2).fit(parts[0], validation=parts[1], metric=metric)
