"""A search: it finds what is better, keeps to its budget, remembers, and says what it did."""

from __future__ import annotations

import json
import os
import re
import signal
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import ridgeback as rb
from ridgeback.errors import DataError, MissingDependencyError, ParameterError
from ridgeback.tuning import TunedTrial

SMALL = {"n_factors": 4, "n_iterations": 6, "n_threads": 1}


@pytest.fixture(scope="module")
def found(ratings: rb.Interactions) -> rb.Tuning:
    """One search that the tests look at."""
    return rb.tune(rb.ExplicitALS(**SMALL), ratings, n_trials=25)


def test_it_finds_what_is_better_on_data_it_did_not_see() -> None:
    from ridgeback.data.synthetic import low_rank_ratings

    everything = low_rank_ratings(120, 80, n_factors=3, density=0.25, random_state=2)
    train, test = rb.split.random(everything, test_fraction=0.2, random_state=5)
    found = rb.tune(rb.ExplicitALS(**SMALL), train, n_trials=20)
    errors = [
        rb.evaluate(model, train, test, baselines=False, n_resamples=0).metrics["rmse"]
        for model in (found.model, rb.ExplicitALS(**SMALL).fit(train))
    ]
    assert errors[0] < 0.9 * errors[1]


def test_the_first_setting_is_the_untuned_model(found: rb.Tuning, ratings: rb.Interactions) -> None:
    first = found.trials[0]
    assert first is found.untuned_trial
    assert first.n_iterations == 6
    train, validation = rb.split.random_per_user(ratings, test_fraction=0.2, random_state=0)
    model = rb.ExplicitALS(**SMALL).fit(train, validation=validation, metric="rmse")
    assert found.untuned_value == model.history_[-1]["validation"]
    assert found.best_value <= found.untuned_value
    assert found.best_value == min(trial.value for trial in found.trials if trial.value is not None)


def test_the_best_value_is_that_of_its_parameters(found: rb.Tuning, ratings: rb.Interactions) -> None:
    train, validation = rb.split.random_per_user(ratings, test_fraction=0.2, random_state=0)
    best = found.best_trial
    settings = {**SMALL, **best.parameters, "n_iterations": best.n_iterations}
    model = rb.ExplicitALS(**settings).fit(train, validation=validation, metric="rmse")
    assert model.history_[-1]["validation"] == pytest.approx(found.best_value, rel=1e-6)


def test_the_model_is_the_best_setting_fitted_to_everything(found: rb.Tuning, ratings: rb.Interactions) -> None:
    assert found.is_refitted
    assert found.n_all == ratings.nnz == found.n_train + found.n_validation
    again = rb.ExplicitALS(**{**SMALL, **found.best_params}).fit(ratings)
    np.testing.assert_array_equal(found.model.item_factors_, again.item_factors_)


def test_a_search_is_repeated_by_its_seed(ratings: rb.Interactions) -> None:
    def values(seed: int) -> list[Any]:
        found = rb.tune(rb.ExplicitALS(**SMALL), ratings, n_trials=6, random_state=seed, refit=False)
        return [(trial.parameters, trial.value) for trial in found.trials]

    assert values(1) == values(1)
    assert values(1) != values(2)


def test_what_mattered(found: rb.Tuning) -> None:
    assert sum(found.importances.values()) == pytest.approx(1)
    assert list(found.importances) == sorted(found.importances, key=lambda name: -found.importances[name])
    assert set(found.importances) == {"regularization", "bias_regularization", "frequency_exponent"}
    assert next(iter(found.importances)) in found.mattered()


def test_some_fits_are_given_up(events: rb.Interactions) -> None:
    found = rb.tune(rb.ImplicitALS(n_factors=8, n_threads=1), events, n_trials=30, metric="ndcg@10", refit=False)
    pruned = [trial for trial in found.trials if trial.state == "pruned"]
    assert pruned
    assert all(trial.value is None and 3 <= len(trial.values) < 24 for trial in pruned)
    assert "pruned" in found.summary()
    assert not found.is_refitted
    assert found.model.n_iterations_ >= found.best_trial.n_iterations


@pytest.mark.parametrize("model", [rb.ImplicitALS(**SMALL, loss="hu"), rb.LogisticMF(**SMALL)], ids=repr)
def test_every_model_of_the_search_spaces(events: rb.Interactions, model: Any) -> None:
    found = rb.tune(model, events, n_trials=4, metric="ndcg@10")
    assert found.best_value >= found.untuned_value > 0
    assert found.model.get_params()["regularization"] == found.best_params["regularization"]


def test_given_parts_are_put_together(events: rb.Interactions) -> None:
    rest, _ = rb.split.random_per_user(events, test_fraction=0.2, random_state=3)
    train, validation = rb.split.random_per_user(rest, test_fraction=0.2, random_state=4)
    found = rb.tune(rb.ImplicitALS(**SMALL), train, validation, n_trials=3)
    assert (found.n_train, found.n_validation, found.n_all) == (train.nnz, validation.nnz, rest.nnz)
    assert len(found.model.recommend(found.model.user_ids_[0], k=3)) == 3


def test_the_text_the_record_and_the_page_agree(found: rb.Tuning, tmp_path: Path) -> None:
    text = str(found)
    assert f"{found.best_value:.4f}" in text
    assert f"{found.untuned_value:.4f}" in text
    assert "better by" in text
    assert found.forecasts() in text
    record = json.loads(found.to_json(tmp_path / "found.json"))
    assert record == json.loads((tmp_path / "found.json").read_text())
    assert record["best_value"] == found.best_value
    assert record["difference"]["difference"] == pytest.approx(found.best_value - found.untuned_value, abs=1e-6)
    assert len(record["trials"]) == len(found.trials) == 25
    page = found.to_html(tmp_path / "found.html")
    assert page.count("<svg") == 2
    assert "http" not in page.replace("http://www.w3.org/2000/svg", "")
    assert repr(found) == f"Tuning(25 settings; best rmse {found.best_value:.4f}, untuned {found.untuned_value:.4f})"


def test_every_setting_is_told(ratings: rb.Interactions) -> None:
    told: list[TunedTrial] = []
    steps: list[int] = []
    found = rb.tune(
        rb.ExplicitALS(**SMALL),
        ratings,
        n_trials=3,
        on_trial=told.append,
        on_step=lambda number, record: steps.append(number),
    )
    assert tuple(told) == found.trials
    assert set(steps) == {0, 1, 2, -1}


def test_how_long_all_takes_is_said_after_the_first_setting(events: rb.Interactions) -> None:
    told: list[str] = []
    found = rb.tune(rb.ImplicitALS(**SMALL), events, n_trials=3, on_message=told.append)
    assert told[0].startswith("searching for 3 settings; a fit of the untuned model takes about ")
    assert "is known after the first setting" in told[0]
    assert told[1].startswith(f"setting 0, the untuned model: ndcg@10 {found.untuned_value:.4f} in ")
    assert "measuring included; about " in told[2]
    assert told[2].endswith(" in all, the final fit included")
    limited: list[str] = []
    rb.tune(rb.ImplicitALS(**SMALL), events, minutes=0.02, on_message=limited.append)
    assert limited[0].startswith("searching for 0.02 minutes;")
    assert "there is time for some " in limited[2]


def test_where_the_time_went(found: rb.Tuning) -> None:
    spent = found.spent()
    assert spent in str(found)
    whole, fits, final, rest = (float(number) for number in re.findall(r"([0-9.]+) s[^a-z]", spent))
    assert whole == pytest.approx(fits + final + rest, abs=0.21)


def test_a_wrong_name_is_said_before_the_data_is_looked_at() -> None:
    with pytest.raises(ParameterError, match="Did you mean 'ndcg@20'"):
        rb.tune(rb.ImplicitALS, "ratings.csv", metric="ndgc@20")


@pytest.mark.parametrize("minutes", [0.002, 0.02, 0.05])
def test_the_time_is_kept(events: rb.Interactions, minutes: float) -> None:
    import ridgeback.tuning.optuna_study as optuna_study

    with optuna_study.quiet_optuna():
        pass  # imported
    steps: list[float] = []
    began = time.perf_counter()
    found = rb.tune(
        rb.ImplicitALS(n_threads=1), events, minutes=minutes, on_step=lambda *_: steps.append(time.perf_counter())
    )
    elapsed = time.perf_counter() - began
    assert found.stopped_by == "minutes"
    longest = max(np.diff(steps))
    assert elapsed < 60 * minutes + longest + 2.0  # and what is no half-step: the comparison, on a busy machine
    assert found.model is not None
    assert found.untuned_value > 0


def test_too_little_time_for_anything_is_said(events: rb.Interactions) -> None:
    found = rb.tune(rb.ImplicitALS(n_iterations=2000, n_threads=1), events, minutes=0.002)
    assert found.trials[0].n_iterations < 2000
    assert any("before anything else could be tried: allow more" in note for note in found.notes)
    assert found.model is not None


def test_ctrl_c_leaves_the_best_so_far(ratings: rb.Interactions, tmp_path: Path) -> None:
    def interrupt(trial: TunedTrial) -> None:
        if trial.number == 4:
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(0.1)

    output = tmp_path / "best.ridge"
    found = rb.tune(rb.ExplicitALS(**SMALL), ratings, n_trials=10_000, on_trial=interrupt, output=output)
    assert found.stopped_by == "interrupted"
    assert len(found.trials) == 5
    assert found.is_refitted
    np.testing.assert_array_equal(rb.load(output).item_factors_, found.model.item_factors_)


@pytest.mark.parametrize("step", ["_start", "_prepare"])  # before ctrl-C is held back at all; as neighbours are built
def test_ctrl_c_before_the_first_iteration_of_a_setting_still_fits_the_best(events: rb.Interactions, step: str) -> None:
    told: list[TunedTrial] = []

    def interrupting(self: Any, *arguments: Any) -> Any:
        if told:
            told.clear()
            os.kill(os.getpid(), signal.SIGINT)
        return getattr(rb.ImplicitALS, step)(self, *arguments)

    class Interrupted(rb.ImplicitALS):
        pass

    setattr(Interrupted, step, interrupting)
    found = rb.tune(Interrupted(**SMALL), events, n_trials=50, on_trial=told.append)
    assert (found.stopped_by, found.is_refitted, len(found.trials)) == ("interrupted", True, 1)
    assert "was then fitted to all" in found.summary()


def test_ctrl_c_twice_in_a_setting_leaves_the_final_fit_out(events: rb.Interactions) -> None:
    told: list[TunedTrial] = []

    class Interrupting(rb.ImplicitALS):
        def _prepare(self, *arguments: Any) -> None:
            super()._prepare(*arguments)
            if told:
                os.kill(os.getpid(), signal.SIGINT)
                os.kill(os.getpid(), signal.SIGINT)

    found = rb.tune(Interrupting(**SMALL), events, n_trials=50, on_trial=told.append)
    assert (found.stopped_by, found.is_refitted, len(found.trials)) == ("interrupted", False, 1)
    assert found.model is not None


def test_what_is_fixed_stays(events: rb.Interactions) -> None:
    found = rb.tune(rb.ImplicitALS(n_iterations=2, n_threads=1), events, n_trials=5, fixed=["n_neighbors", "n_factors"])
    tried = {name for trial in found.trials for name in trial.parameters}
    assert {"regularization", "unobserved_weight"} <= tried
    assert not tried & {"n_neighbors", "neighbor_weight", "n_factors"}
    assert found.model.get_params()["n_neighbors"] == 0
    assert found.model.get_params()["n_factors"] == rb.ImplicitALS().n_factors
    free = rb.tune(rb.ImplicitALS(n_iterations=2, n_threads=1), events, n_trials=5)
    assert {"n_neighbors", "n_factors"} <= {name for trial in free.trials for name in trial.parameters}


def test_ctrl_c_during_the_final_fit_keeps_the_model_of_the_search(ratings: rb.Interactions) -> None:
    def interrupt(number: int, record: dict[str, Any]) -> None:
        if number == -1:
            os.kill(os.getpid(), signal.SIGINT)

    found = rb.tune(rb.ExplicitALS(**SMALL), ratings, n_trials=3, on_step=interrupt)
    assert (found.stopped_by, found.is_refitted) == ("interrupted", False)
    assert "The fit to all the data was interrupted." in found.notes
    assert "fitted to the" in found.summary()
    assert found.model.live_rank_ is not None


def test_ctrl_c_before_anything_goes_to_the_caller(ratings: rb.Interactions) -> None:
    def interrupt(number: int, record: dict[str, Any]) -> None:
        os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        rb.tune(rb.ExplicitALS(**SMALL), ratings, n_trials=3, on_step=interrupt)


def test_the_best_so_far_is_on_disk_while_the_search_runs(ratings: rb.Interactions, tmp_path: Path) -> None:
    output = tmp_path / "best.ridge"
    seen = []

    def look(trial: TunedTrial) -> None:
        seen.append(rb.load(output).get_params()["regularization"])

    found = rb.tune(rb.ExplicitALS(**SMALL), ratings, n_trials=8, on_trial=look, output=output, include_history=False)
    assert seen[0] is None  # the untuned model
    assert seen[-1] == found.best_trial.parameters["regularization"]
    assert rb.load(output).get_params()["regularization"] == found.best_params["regularization"]
    with pytest.raises(rb.errors.HistoryMissingError):
        rb.load(output).recommend(found.model.user_ids_[0])


def test_one_user_is_enough() -> None:
    data = rb.Interactions.from_arrays(["ann"] * 6, list("abcdef"))
    found = rb.tune(rb.ImplicitALS(n_factors=2, n_iterations=2, n_threads=1), data, n_trials=4)
    assert found.untuned_value == found.best_value == 0.0  # what one user alone held out, nobody has
    assert found.best_trial.is_untuned
    assert "the untuned model is the best" in found.summary()


def test_a_fitted_model_is_left_as_it_is(ratings: rb.Interactions) -> None:
    model = rb.ExplicitALS(**SMALL).fit(ratings)
    factors = model.item_factors_.copy()
    found = rb.tune(model, ratings, n_trials=3)
    assert found.model is not model
    np.testing.assert_array_equal(model.item_factors_, factors)


def test_a_sample_of_many_users_judges(events: rb.Interactions, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules["ridgeback.tuning.tuning"], "MOST_USERS", 40)
    found = rb.tune(rb.ImplicitALS(**SMALL), events, n_trials=2)
    assert any(note.startswith("Settings were judged on 40 of 1") for note in found.notes)
    assert found.n_all == events.nnz


def test_a_setting_that_fails_is_passed_over(events: rb.Interactions, monkeypatch: pytest.MonkeyPatch) -> None:
    from ridgeback.tuning import spaces

    untuned = spaces.parameters

    def absurd(model: Any, point: Any, shape: Any) -> dict[str, Any]:
        return {**untuned(model, point, shape), "regularization": -1.0}

    monkeypatch.setattr(spaces, "parameters", absurd)
    found = rb.tune(rb.ImplicitALS(n_iterations=3, n_threads=1), events, n_trials=3, refit=False)
    assert [trial.state for trial in found.trials] == ["complete", "failed", "failed"]
    assert "'regularization' parameter of ImplicitALS must be a finite number" in found.trials[1].reason


@pytest.mark.parametrize(
    ("model", "arguments", "message"),
    [
        (rb.Popularity, {}, "'model' parameter of tune must be ImplicitALS, .* Got Popularity instead"),
        (rb.BayesianALS(), {}, "Got BayesianALS instead: BayesianALS draws its own ridges"),
        (int, {}, "Got int instead"),
        (None, {}, "Got NoneType instead"),
        (rb.ImplicitALS(init=(np.ones((2, 2)), np.ones((2, 2)))), {}, "'init' parameter of the model"),
        (rb.ImplicitALS(n_factors=0), {}, "'n_factors' parameter of ImplicitALS"),
        (rb.ImplicitALS, {"minutes": 0}, "'minutes' parameter of tune must be a finite number above 0.* Got 0 instead"),
        (rb.ImplicitALS, {"minutes": -1.0}, "Got -1.0 instead"),
        (rb.ImplicitALS, {"minutes": float("nan")}, "Got nan instead"),
        (rb.ImplicitALS, {"minutes": float("inf")}, "Got inf instead"),
        (rb.ImplicitALS, {"minutes": True}, "Got True instead"),
        (rb.ImplicitALS, {"minutes": "5"}, "Got '5' instead"),
        (rb.ImplicitALS, {"n_trials": 0}, "'n_trials' parameter of tune must be a whole number of at least 1.* Got 0"),
        (rb.ImplicitALS, {"n_trials": 2.5}, "Got 2.5 instead"),
        (rb.ImplicitALS, {"random_state": -1}, "'random_state' parameter of tune"),
        (rb.ImplicitALS, {"metric": "f1@10"}, "'metric' parameter must be one of .* Got 'f1@10'"),
        (rb.ImplicitALS, {"metric": float("nan")}, "'metric' parameter must be one of .* Got nan"),
        (rb.ImplicitALS, {"metric": "rmse"}, "must suit ImplicitALS"),
        (rb.ImplicitALS, {"metric": "gini@10"}, "cannot be 'gini@10'"),
        (rb.ImplicitALS, {"search": ["lambda"]}, "'search' parameter of tune must name parameters of ImplicitALS"),
        (rb.ImplicitALS, {"search": ["n_factor"]}, "did you mean 'n_factors'?"),
        (rb.ImplicitALS, {"fixed": ["n_neighbours"]}, "'fixed' parameter of tune must name .* mean 'n_neighbors'?"),
        (rb.ImplicitALS, {"fixed": ["n_factors"], "search": ["n_factors"]}, "'n_factors', which 'search' names too"),
        (rb.ImplicitALS, {"validation_fraction": 0.0}, "'test_fraction' parameter must be a float"),
    ],
)
def test_what_cannot_be_tuned(events: rb.Interactions, model: Any, arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        rb.tune(model, events, **{"n_trials": 1, **arguments})


def test_data_that_cannot_be_judged(events: rb.Interactions) -> None:
    nothing = events.subset(np.zeros(events.nnz, dtype=bool))
    with pytest.raises(DataError, match="validation has no pair to measure ndcg@10 on among its 0 pairs"):
        rb.tune(rb.ImplicitALS, events, nothing, n_trials=1)
    with pytest.raises(DataError, match="data has no interactions that ImplicitALS can learn from"):
        rb.tune(rb.ImplicitALS, nothing, n_trials=1)
    with pytest.raises(DataError, match="no user has more than one"):
        rb.tune(rb.ImplicitALS, rb.Interactions.from_arrays([1, 2, 3], ["a", "b", "a"]), n_trials=1)
    with pytest.raises(DataError, match="got a path"):
        rb.tune(rb.ImplicitALS, "ratings.csv", n_trials=1)
    with pytest.raises(DataError, match="validation: user 1, item 'a': value -1"):
        rb.tune(rb.ImplicitALS, events, rb.Interactions.from_arrays([1, 2], ["a", "b"], ratings=[-1, 1]), n_trials=1)


def test_without_optuna_it_says_what_to_install(events: rb.Interactions, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(MissingDependencyError, match="install it with: pip install optuna"):
        rb.tune(rb.ImplicitALS, events, n_trials=1)


def test_nothing_is_written_to_the_terminal(events: rb.Interactions, capfd: pytest.CaptureFixture[str]) -> None:
    rb.tune(rb.ImplicitALS(**SMALL), events, n_trials=2)
    assert capfd.readouterr() == ("", "")
