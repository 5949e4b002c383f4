"""The pre-flight check: each finding appears on data made for it, and only there."""

import json
import time

import numpy as np
import pytest

import ridgeback as rb
from ridgeback.data.check import check
from ridgeback.data.csr import Csr
from ridgeback.data.ids import Ids
from ridgeback.data.interactions import Interactions
from ridgeback.data.synthetic import catalogue, low_rank_ratings, power_law
from ridgeback.data.text import Text
from ridgeback.data.titles import Titles
from ridgeback.errors import ParameterError


@pytest.fixture(scope="module")
def data():
    return catalogue(n_users=300, n_items=120)


def from_values(values, **arguments):
    values = np.asarray(values, dtype=np.float32)
    matrix = Csr(np.array([0, len(values)]), np.arange(len(values), dtype=np.int32), values, (1, len(values)))
    return Interactions(matrix, Ids.from_sequence([0]), Ids.from_sequence(list(range(len(values)))), **arguments)


def only(report, topic):
    (finding,) = report.about(topic)
    assert finding.action
    return finding


def test_good_ratings_raise_no_warning(data):
    report = data.check()
    assert {finding.level for finding in report} == {"info"}
    assert only(report, "shape").message.startswith(f"300 users x 120 items, {data.nnz:,} interactions")
    assert only(report, "which model").action.startswith("ExplicitALS predicts ratings; to rank")
    assert report.figures["density"] == data.nnz / 36_000
    assert not report.has_errors


def test_report_reads_as_text_and_as_json(data):
    report = data.check(rb.ExplicitALS(n_factors=8))
    text = str(report)
    assert "which model" in text
    assert max(len(line) for line in text.splitlines()) <= 110
    again = json.loads(json.dumps(report.to_dict()))
    assert len(again["findings"]) == len(report)
    assert set(again["findings"][0]) == {"level", "topic", "message", "action"}


def test_nothing_is_changed(data):
    before = data.fingerprint()
    data.check(rb.ImplicitALS(n_factors=8))
    assert data.fingerprint() == before


def test_no_interaction_is_an_error():
    empty = Csr(np.array([0, 0]), np.empty(0, dtype=np.int32), None, (1, 3))
    report = check(Interactions(empty, Ids.from_sequence([0]), Ids.from_sequence([0, 1, 2])))
    assert report.has_errors
    assert only(report, "shape").message == "There is no interaction."


def test_duplicates_and_skipped_rows_are_named():
    data = Interactions.from_arrays([1, 1, 2, None], [5, 5, 5, 5], ratings=[1, 2, 3, 4], on_bad_rows="skip")
    report = data.check()
    assert only(report, "duplicates").message == "1 rows repeated a pair of user and item; the rule was 'last'."
    assert only(report, "skipped rows").level == "warning"


def test_values_that_models_refuse_are_counted():
    report = check(from_values([np.nan, np.inf, -2, 0, 0, 3, 4]))
    assert only(report, "NaN or infinite").message == "2 values are NaN or infinite."
    assert only(report, "NaN or infinite").level == "error"
    assert only(report, "negative values").message == "1 values are negative, down to -2."
    assert only(report, "zeros").message == "2 values are 0."


def test_constant_values():
    assert only(check(from_values([3, 3, 3])), "constant values").level == "warning"
    assert not check(from_values([3, 3, 3], has_ratings=False)).about("constant values")
    assert not check(from_values([3, 3, 4])).about("constant values")


def test_weights_of_zero():
    report = check(from_values([1, 2, 3], weights=np.array([1, 0, 0], dtype=np.float32)))
    assert only(report, "weights").message == "2 observations have weight 0."


def test_empty_rows_and_rows_with_one_interaction():
    matrix = Csr(np.array([0, 2, 3, 3, 4]), np.array([0, 1, 0, 1], dtype=np.int32), None, (4, 4))
    report = Interactions.from_csr(matrix).check()
    assert only(report, "empty users").message == "1 users have no interaction."
    assert only(report, "empty items").message == "2 items have no interaction."
    assert only(report, "users with one").message.startswith("2 of 4 users (50.0%)")
    assert not report.about("items with one")


def test_ids_that_change_with_every_event_are_a_warning():
    data = Interactions.from_arrays(list(range(50)), [i % 5 for i in range(50)])
    assert only(data.check(), "users with one").level == "warning"


def test_swapped_sides_are_suspected_from_the_reach_of_rows():
    pairs = power_law(2_000, 900, 20_000, user_exponent=5.0)
    assert not Interactions.from_csr(pairs).check().about("swapped sides?")
    assert only(Interactions.from_csr(pairs.transpose()).check(), "swapped sides?").level == "warning"


def test_swapped_sides_are_suspected_from_titles():
    titles = Titles(Ids.from_sequence([10, 11, 12]), Text.from_strings(["Heat", "Ronin", "Alien"]))
    swapped = Interactions.from_arrays([10, 11, 12], [1, 2, 1], titles=titles)
    assert "3 users have a title and 0 items" in only(swapped.check(), "swapped sides?").message
    right = Interactions.from_arrays([1, 2, 1], [10, 11, 12], titles=titles)
    assert not right.check().about("swapped sides?")


def test_swapped_sides_are_suspected_from_column_names():
    data = Interactions.from_arrays([1, 2], [3, 4])
    data.report["columns"] = {"user": "movieId", "item": "userId"}
    assert "'movieid' for users and 'userid' for items" in only(data.check(), "swapped sides?").message
    data.report["columns"] = {"user": "userId", "item": "movieId"}
    assert not data.check().about("swapped sides?")


def test_ids_that_were_numbers_once():
    report = Interactions.from_arrays(["12.0", "7.0", "x"], ["a", "b", "c"]).check()
    assert "such as '12.0'" in only(report, "user ids").message
    assert not report.about("item ids")
    assert not Interactions.from_arrays(["12", "7", "1.5"], ["a", "b", "c"]).check().about("user ids")


def test_ids_with_spaces():
    report = Interactions.from_arrays(["ann", "bob "], [1, 2]).check()
    assert "such as 'bob '" in only(report, "user ids").message


def test_long_tail_share():
    matrix = Csr(np.array([0, 2, 3, 4, 5]), np.array([0, 1, 0, 0, 0], dtype=np.int32), None, (4, 100))
    report = Interactions.from_csr(matrix).check()
    assert report.figures["top_1_percent_share"] == 4 / 5
    assert only(report, "long tail").message.startswith("The most popular 1 % of the items (1) hold 80.0%")


@pytest.mark.parametrize(
    ("values", "model"),
    [
        ([1, 2, 3, 4, 5, 5, 4, 4, 3], "ExplicitALS"),
        ([0.5, 3.5, 4, 4, 4.5, 5], "ExplicitALS"),
        ([1, 1, 1, 1, 2, 2, 3, 1, 40], "ImplicitALS"),
        ([0.0, 1, 1, 0], "LogisticMF"),
        ([-10, 3.2, 7.1], "ExplicitALS"),
        (np.linspace(10, 100, 60), "ExplicitALS"),
        (np.geomspace(3, 30_000, 60), "ImplicitALS"),
        ([1, 1, 1], "ImplicitALS"),
    ],
)
def test_which_model_suits(values, model):
    assert check(from_values(values)).figures["suited_models"][0] == model


def test_plays_and_bare_events_suit_implicit_models():
    for values in ("plays", None):
        assert catalogue(100, 60, values=values).check().figures["suited_models"][0] == "ImplicitALS"
    events = Interactions.from_arrays([1, 2], [1, 2], events=["buy", "view"], event_weights={"buy": 5, "view": 1})
    assert events.check().figures["suited_models"][0] == "ImplicitALS"


def test_a_model_that_does_not_suit_is_told_so(data):
    plays = catalogue(100, 60, values="plays")
    assert only(plays.check(rb.ExplicitALS(n_factors=8)), "this model").level == "warning"
    negative = from_values([-1, 2, 3])
    assert only(negative.check(rb.ImplicitALS(n_factors=8)), "this model").level == "error"
    assert only(data.check(rb.ImplicitALS(n_factors=8, alpha=2.0)), "this model").level == "info"
    assert not data.check(rb.ExplicitALS(n_factors=8)).about("this model")


def test_cost_of_a_fit_grows_with_what_it_should():
    data = Interactions.from_csr(low_rank_ratings(200, 100))

    def seconds(model=rb.ImplicitALS, **parameters):
        return data.check(model(**{"n_factors": 64, "n_threads": 2, **parameters})).figures["fit_seconds"]

    assert seconds(n_factors=128) > 1.5 * seconds()
    assert seconds(n_iterations=40) > 1.5 * seconds()
    assert seconds(n_threads=1) > 1.5 * seconds()
    assert seconds(n_cg_steps=20) > 1.2 * seconds()
    assert seconds(non_negative=True) > 2 * seconds(solver="exact")
    assert seconds(rb.LogisticMF, n_negatives="all") > 4 * seconds(rb.LogisticMF, n_negatives=0)
    assert seconds(rb.LogisticMF) == seconds(rb.LogisticMF, n_negatives="all")
    assert seconds(rb.LogisticMF, solver="gradient") < seconds(rb.LogisticMF)
    assert data.check(rb.Popularity()).figures["fit_seconds"] < seconds()


def test_the_cost_of_a_model_whose_defaults_follow_the_values():
    data = rb.Interactions.from_arrays([1, 1, 2], [1, 2, 1], ratings=[10, 20, 30])
    assert only(data.check(rb.ImplicitALS(loss="hu")), "cost of a fit").level == "info"


def test_cost_is_near_a_fit_that_was_timed():
    """Half a million pairs, one thread: the estimate and this machine agree within a factor of five."""
    data = Interactions.from_csr(power_law(6_000, 2_500, 500_000))
    model = rb.ImplicitALS(n_factors=64, n_iterations=3, n_threads=1)
    estimate = data.check(model).figures["fit_seconds"]
    started = time.process_time()
    model.fit(data)
    took = time.process_time() - started
    assert took / 5 < estimate < took * 5


def test_parameters_that_a_fit_refuses_are_refused_here(data):
    with pytest.raises(ParameterError, match="n_iterations"):
        data.check(rb.ImplicitALS(n_iterations=-1))


def test_a_fit_that_does_not_fit_into_memory_is_a_warning(data, monkeypatch):
    monkeypatch.setattr("ridgeback.data.check.installed_bytes", lambda: 400_000)
    assert only(data.check(rb.ImplicitALS(n_factors=64)), "cost of a fit").level == "warning"
    monkeypatch.setattr("ridgeback.data.check.installed_bytes", lambda: None)
    assert only(data.check(rb.ImplicitALS(n_factors=64)), "cost of a fit").level == "info"


@pytest.mark.parametrize("model", ["implicit", rb.ImplicitALS])
def test_what_is_no_model_is_refused(data, model):
    with pytest.raises(ParameterError, match=r"'model' parameter of check must be a model of this library"):
        check(data, model)
