"""What a fit writes into a trace, held against the fit itself and against arithmetic done here."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

import ridgeback as rb
from ridgeback.errors import DataError, ParameterError, TraceMismatchError, UnknownIdError, UnsupportedError
from ridgeback.trace import rows

MODELS = [
    rb.ExplicitALS(4, n_iterations=2),
    rb.ExplicitALS(4, n_iterations=2, biases=False, regularization=0),
    rb.ExplicitALS(4, n_iterations=2, solver="cg"),
    rb.ExplicitALS(4, n_iterations=2, non_negative=True),
    rb.ImplicitALS(4, n_iterations=2),
    rb.ImplicitALS(4, n_iterations=3, acceleration="nesterov"),
    rb.ImplicitALS(4, n_iterations=2, solver="exact", loss="hu", alpha=2),
    rb.LogisticMF(4, n_iterations=2),
    rb.LogisticMF(4, n_iterations=2, solver="gradient", n_negatives=0, regularization=0.1),
    rb.LogisticMF(4, n_iterations=2, solver="adagrad", n_negatives=3),
]


@pytest.fixture(scope="module")
def data() -> rb.Interactions:
    rng = np.random.default_rng(3)
    users, items = np.nonzero(rng.random((20, 15)) < 0.3)
    return rb.Interactions.from_arrays(users, items, ratings=rng.integers(1, 6, len(users)).astype(float))


def traced(model: Any, data: rb.Interactions, **watch: Any) -> tuple[Any, rb.Trace]:
    trace = rb.Trace(**watch)
    return model.clone().fit(data, trace=trace), trace


@pytest.mark.parametrize("model", MODELS, ids=repr)
class TestEveryModel:
    def test_the_fit_changes_in_no_bit(self, model: Any, data: rb.Interactions) -> None:
        plain, watched = model.clone().fit(data), traced(model, data, watch_users=3)[0]
        whole = traced(model, data)[0]
        for fitted in (watched, whole):
            assert (fitted.user_factors_ == plain.user_factors_).all()
            assert (fitted.item_factors_ == plain.item_factors_).all()
        strip = [{name: value for name, value in step.items() if name != "elapsed_s"} for step in whole.history_]
        assert strip == [{n: v for n, v in step.items() if n != "elapsed_s"} for step in plain.history_]

    def test_steps_are_the_history_and_end_in_the_model(self, model: Any, data: rb.Interactions) -> None:
        fitted, trace = traced(model, data)
        half_steps = [step for step in trace.steps if step["side"] != "rotation"]
        for step, record in zip(half_steps, fitted.history_, strict=True):
            assert {name: step[name] for name in record if name != "is_rounded"} == {
                name: value for name, value in record.items() if name != "is_rounded"
            }
        last = trace.steps[-1]
        assert last["user_factors"] == pytest.approx(fitted.user_factors_, rel=1e-12)
        assert last["item_factors"] == pytest.approx(fitted.item_factors_, rel=1e-12)
        users, items = np.arange(20)[:, None], np.arange(15)[None, :]
        assert last["predictions"] == pytest.approx(fitted.predict(users, items, clip=False), rel=1e-4, abs=1e-6)

    def test_the_parts_of_the_loss_are_the_sums_of_what_is_shown(self, model: Any, data: rb.Interactions) -> None:
        _, trace = traced(model, data)
        for step in trace.steps:
            assert np.nansum(step["terms"]) == pytest.approx(step["observed_loss"], rel=1e-4, abs=1e-4)
            ridges = sum(
                float(trace.header[side]["ridges"] @ (step[factors] ** 2).sum(axis=1))
                for side, factors in (("users", "user_factors"), ("items", "item_factors"))
            )
            if step["user_biases"] is not None:
                ridges += float(trace.header["users"]["bias_ridges"] @ step["user_biases"] ** 2)
                ridges += float(trace.header["items"]["bias_ridges"] @ step["item_biases"] ** 2)
            assert ridges == pytest.approx(step["regularization_loss"], rel=1e-4, abs=1e-4)

    def test_each_row_is_the_solution_of_the_system_beside_it(self, model: Any, data: rb.Interactions) -> None:
        _, trace = traced(model, data)
        for step in trace.steps:
            fixed = step["item_factors" if step["side"] in ("users", "final users") else "user_factors"]
            for row in step["rows"]:
                columns = fixed[row["neighbours"]]
                if row["bias_ridge"] is not None:
                    columns = np.hstack([columns, np.ones((len(columns), 1))])
                if row["b"] is None:
                    continue
                A = columns.T @ (row["weights"][:, None] * columns)
                A[np.diag_indices(4)] += row["ridge"]
                if step["gram"] is not None:
                    A[:4, :4] += trace.header["unobserved_weight"] * step["gram"]
                if row["bias_ridge"] is not None:
                    A[4, 4] += row["bias_ridge"]
                assert pytest.approx(A, rel=1e-9, abs=1e-12) == row["A"]
                assert columns.T @ row["pulls"] == pytest.approx(row["b"], rel=1e-9, abs=1e-12)
                if step["method"] != "non_negative":
                    assert row["residual"] <= 1e-9 * (np.abs(row["b"]).sum() + np.abs(row["A"]).sum())

    def test_json_holds_everything(self, model: Any, data: rb.Interactions) -> None:
        _, trace = traced(model, data)
        text = trace.to_json()
        assert rb.Trace.from_json(text).to_json() == text
        assert [len(step["rows"]) for step in json.loads(text)["steps"]] == [len(s["rows"]) for s in trace.steps]

    def test_watched_rows_are_those_of_the_whole_trace(self, model: Any, data: rb.Interactions) -> None:
        _, whole = traced(model, data)
        _, watched = traced(model, data, watch_users=[3, 5], watch_items=[2])
        assert watched.header["kind"] == "watched"
        for step, narrow in zip(whole.steps, watched.steps, strict=True):
            assert narrow["loss"] == step["loss"]
            assert narrow["predictions"] is None
            full = {(row["side"], row["id"]): row for row in step["rows"]}
            for row in narrow["rows"]:
                expected = full[row["side"], row["id"]]
                for name in ("x", "after", "A", "b", "gradient", "scores", "terms"):
                    if expected[name] is None:
                        assert row[name] is None
                    else:
                        assert row[name] == pytest.approx(expected[name], rel=1e-6, abs=1e-9)
        assert {row["id"] for step in watched.steps for row in step["rows"]} == {2, 3, 5}

    def test_a_folded_in_user(self, model: Any, data: rb.Interactions) -> None:
        fitted = model.clone().fit(data)
        folded = fitted.fold_in([1, 4, 7], ratings=[5, 1, 3])
        trace = folded.trace()
        step = trace.steps[0]
        assert (trace.header["kind"], step["side"], len(trace.steps)) == ("fold-in", "fold-in", 1)
        assert step["user_factors"][0] == pytest.approx(folded.factors, rel=1e-9)
        assert step["predictions"].shape == (1, 15)
        assert step["predictions"][0] == pytest.approx(folded.predict(list(range(15)), clip=False), rel=1e-5, abs=1e-6)
        assert step["rows"][0]["distance"] < 1e-5


def test_rotation_is_a_step(data: rb.Interactions) -> None:
    _, trace = traced(rb.ImplicitALS(4, n_iterations=2), data)
    before, rotation, last = trace.steps[-3:]
    assert [step["side"] for step in (before, rotation, last)] == ["items", "rotation", "final users"]
    turned = before["item_factors"] @ rotation["rotation"]
    assert rotation["item_factors"] == pytest.approx(turned, abs=1e-6)


def test_the_start_and_the_axes_stay_the_callers(data: rb.Interactions) -> None:
    users, items = np.full((20, 2), 0.5), np.linspace(0, 1, 30).reshape(15, 2)
    model = rb.ImplicitALS(2, n_iterations=1, init=(users, items))
    _, trace = traced(model, data)
    assert trace.header["init"] == {"method": "declared", "scale": None, "random_state": None}
    assert trace.steps[0]["item_factors"] == pytest.approx(items, rel=1e-6)
    assert "rotation" not in [step["side"] for step in trace.steps]


def test_patience_says_that_it_went_back(data: rb.Interactions) -> None:
    train, held_out = rb.split.random(data, 0.3)
    trace = rb.Trace()
    model = rb.ImplicitALS(4, n_iterations=10).fit(train, validation=held_out, patience=1, trace=trace)
    assert model.stopped_by_ == "early_stopping"
    assert "best iteration" in trace.steps[-2]["note"]


def test_singular_rows_are_counted(data: rb.Interactions) -> None:
    _, trace = traced(rb.ExplicitALS(12, n_iterations=1, biases=False, regularization=0), data)
    assert "singular" in trace.steps[1]["note"]
    row = next(row for row in trace.steps[1]["rows"] if row["is_singular"])
    assert row["condition"] is None
    assert row["residual"] <= 1e-9 * np.abs(row["b"]).sum()


def test_conjugate_gradient_says_how_many_steps_it_took(data: rb.Interactions) -> None:
    _, trace = traced(rb.ImplicitALS(4, n_iterations=2, n_cg_steps=3), data)
    taken = [row["n_steps"] for row in trace.steps[1]["rows"]]
    assert set(taken) <= {1, 2, 3}
    assert 3 in taken
    assert all(row["step_residual"] is not None for row in trace.steps[1]["rows"])


def test_too_large_to_trace_whole_says_the_cost_and_offers_watching() -> None:
    data = rb.Interactions.from_arrays(np.arange(200), np.arange(200))
    with pytest.raises(ParameterError, match=r"200 users x 200 items .* MB.*watch_users"):
        rb.ImplicitALS(2, n_iterations=1).fit(data, trace=rb.Trace())
    trace = rb.Trace(watch_users=0)
    rb.ImplicitALS(2, n_iterations=1).fit(data, trace=trace)
    assert len(trace.steps[1]["rows"]) == 1


def test_a_watch_that_brings_too_much_along_says_so(data: rb.Interactions) -> None:
    with pytest.raises(ParameterError, match=r"keep .* GB"):
        rb.ImplicitALS(64, n_iterations=100_000).fit(data, trace=rb.Trace(watch_users=1))


def test_what_it_will_keep_is_known_before_the_first_half_step(data: rb.Interactions) -> None:
    trace, seen = rb.Trace(watch_users=1), []
    rb.ImplicitALS(4, n_iterations=2).fit(data, trace=trace, callbacks=[lambda *_: seen.append(trace.expected_bytes)])
    kept = sum(a.nbytes for step in trace.steps for a in step.values() if isinstance(a, np.ndarray))
    assert 0.5 * seen[0] < kept <= seen[0] == seen[-1]


def test_unknown_ids_and_wrong_arguments(data: rb.Interactions) -> None:
    with pytest.raises(UnknownIdError):
        rb.ImplicitALS(2).fit(data, trace=rb.Trace(watch_users=99))
    with pytest.raises(ParameterError, match=r"'trace' of ImplicitALS\.fit must be a ridgeback\.Trace"):
        rb.ImplicitALS(2).fit(data, trace=True)
    with pytest.raises(ParameterError, match="watch_items"):
        rb.Trace(watch_items=1.5)
    with pytest.raises(ParameterError, match="recorded nothing"):
        rb.Trace().to_json()
    folded = rb.ImplicitALS(2).fit(data).fold_in([])
    with pytest.raises(UnsupportedError, match="popularity"):
        folded.trace()


@pytest.mark.parametrize("text", ["{}", "{", '{"format": "ridgeback.trace", "version": 2, "steps": []}', "[]"])
def test_what_is_no_trace_is_refused(text: str, tmp_path: Any) -> None:
    path = tmp_path / "trace.json"
    path.write_text(text)
    with pytest.raises(DataError):
        rb.Trace.from_json(path)
    with pytest.raises(DataError):
        rb.Trace.from_json(tmp_path / "missing.json")


def test_a_row_that_misses_its_solution_is_an_error(data: rb.Interactions, monkeypatch: pytest.MonkeyPatch) -> None:
    solve = rows.reference.solve_symmetric
    monkeypatch.setattr(rows.reference, "solve_symmetric", lambda A, b: (solve(A, b)[0] * (1 + 1e-4), False))
    with pytest.raises(TraceMismatchError, match="of its norm away"):
        traced(rb.ExplicitALS(4, n_iterations=1), data)


def test_a_failed_trace_leaves_no_fit(data: rb.Interactions) -> None:
    model = rb.ImplicitALS(2)
    with pytest.raises(UnknownIdError):
        model.fit(data, trace=rb.Trace(watch_items="nobody"))
    assert not hasattr(model, "history_")
