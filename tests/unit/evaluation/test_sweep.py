"""Sweeps over the number of factors: a known rank is found, figures are those of evaluate, hostile input is refused."""

from __future__ import annotations

import dataclasses
import json
import math
import re
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import ridgeback as rb
from ridgeback.data.synthetic import low_rank_ratings
from ridgeback.errors import DataError, ParameterError
from ridgeback.evaluation import FactorSweep, SweepRow
from ridgeback.evaluation.bootstrap import Interval
from ridgeback.metrics import rmse

WEAK = {"regularization": 0.003, "bias_regularization": 0.003}


def table(seed: int = 0) -> rb.Interactions:
    rng = np.random.default_rng(seed)
    users, items = np.nonzero(rng.random((60, 40)) < 0.3)
    return rb.Interactions.from_arrays(users, items, ratings=rng.integers(1, 6, len(users)))


def sweep_of(held_out: list[float], train: list[float], metric: str = "rmse") -> FactorSweep:
    rows = tuple(SweepRow(2**i, t, h, 0.5, 100) for i, (t, h) in enumerate(zip(train, held_out, strict=True)))
    return FactorSweep("ExplicitALS()", metric, "rmse" if metric == "rmse" else "loss", rows, 80, 20)


@pytest.mark.parametrize("rank", [2, 5])
def test_a_known_rank_is_found_and_more_overfit(rank: int) -> None:
    ratings = low_rank_ratings(400, 300, n_factors=rank, density=0.2, random_state=3)
    sweep = rb.sweep_factors(rb.ExplicitALS(**WEAK), ratings, n_factors=(1, rank, rank + 1, 16))
    assert sweep.best.n_factors == rank
    assert sweep.overfits_from == rank + 1
    assert sweep.default == 32
    assert sweep.best.held_out < 0.16  # the noise is .1
    assert [row.train for row in sweep.rows] == sorted((row.train for row in sweep.rows), reverse=True)
    assert "overfit" in str(sweep)


def test_explicit_figures_are_those_of_evaluate() -> None:
    train, test = rb.split.random(table(), test_fraction=0.25, random_state=4)
    model = rb.ExplicitALS(n_iterations=4, random_state=7)
    before = model.get_params()
    seen: list[SweepRow] = []
    sweep = rb.sweep_factors(model, train, test, n_factors=[3, 1, 3], on_row=seen.append)
    assert model.get_params() == before
    assert "item_factors_" not in vars(model)
    assert list(sweep.rows) == seen
    assert [row.n_factors for row in sweep.rows] == [1, 3]
    assert (sweep.metric, sweep.train_metric, sweep.n_train, sweep.n_test) == ("rmse", "rmse", train.nnz, test.nnz)
    for row in sweep.rows:
        fitted = model.clone().set_params(n_factors=row.n_factors).fit(train)
        assert row.held_out == rb.evaluate(fitted, train, test, baselines=False).metrics["rmse"]
        users = [train.user_ids[int(u)] for u in train.user_items.row_of_entry()]
        items = [train.item_ids[int(i)] for i in train.user_items.indices]
        predicted = fitted.predict(np.array(users), np.array(items))
        assert row.train == pytest.approx(rmse(train.user_items.values(), predicted), rel=1e-6)
        assert row.elapsed_s > 0
        assert row.factor_bytes == 4 * (row.n_factors + 1) * (60 + 40)


def test_implicit_figures_are_those_of_evaluate() -> None:
    train, test = rb.split.random(table(), test_fraction=0.25, random_state=4)
    sweep = rb.sweep_factors(rb.ImplicitALS, train, test, n_factors=(2, 4), metric="recall@5")
    assert (sweep.metric, sweep.train_metric) == ("recall@5", "loss")
    for row in sweep.rows:
        fitted = rb.ImplicitALS(n_factors=row.n_factors).fit(train)
        assert row.held_out == rb.evaluate(fitted, train, test, k=5, baselines=False).metrics["recall@5"]
        assert row.train == fitted.history_[-1]["loss"]
    assert sweep.model == "ImplicitALS()"
    assert rb.sweep_factors(rb.ImplicitALS(n_factors=7), train, test, n_factors=2).metric == "ndcg@10"


def test_without_a_test_part_one_is_held_out() -> None:
    data = table()
    one, same = (rb.sweep_factors(rb.ExplicitALS, data, n_factors=2, random_state=5) for _ in range(2))
    other = rb.sweep_factors(rb.ExplicitALS, data, n_factors=2, random_state=6)
    assert one.n_train + one.n_test == data.nnz
    assert one.rows[0].held_out == same.rows[0].held_out != other.rows[0].held_out
    half = rb.sweep_factors(rb.ExplicitALS, data.user_items.to_scipy(), n_factors=2, test_fraction=0.5)
    assert abs(half.n_train - half.n_test) <= 1


def test_log_loss_beside_the_cross_entropy() -> None:
    rng = np.random.default_rng(0)
    users, items = np.nonzero(rng.random((40, 30)) < 0.5)
    data = rb.Interactions.from_arrays(users, items, ratings=rng.integers(0, 2, len(users)))
    model = rb.LogisticMF(n_iterations=2, n_negatives=0)
    sweep = rb.sweep_factors(model, data, n_factors=(1, 2), metric="log_loss")
    assert sweep.train_metric == "cross-entropy"
    assert all(0 < row.train < 1 for row in sweep.rows)


def test_weights_of_zero_are_left_out() -> None:
    data = table()
    data.weights = np.where(np.arange(data.nnz) % 5 == 0, 0.0, 1.0).astype(np.float32)
    train, test = rb.split.random(data)
    kept = train.subset(train.weights > 0)
    rows = [rb.sweep_factors(rb.ExplicitALS, part, test, n_factors=2).rows[0] for part in (train, kept)]
    assert rows[0].train == pytest.approx(rows[1].train, rel=1e-5)


@pytest.mark.parametrize(
    ("held_out", "train", "metric", "best", "overfits_from", "words"),
    [
        ([0.9, 0.8, 0.85, 0.9], [0.8, 0.7, 0.6, 0.5], "rmse", 2, 4, "from 4 on training still improves"),
        ([0.9, 0.8, 0.8], [0.8, 0.7, 0.7], "rmse", 2, None, "n_factors=2 is the best; more are no better."),
        ([0.9, 0.8, 0.81, 0.82], [0.8, 0.7, 0.6999, 0.6], "rmse", 2, 8, "from 8 on"),
        ([0.9, 0.8, 0.8004, 0.8079], [0.8, 0.7, 0.6, 0.5], "rmse", 2, None, "more are no better."),
        ([0.3, 0.4, 0.3964], [9e4, 8e4, 7e4], "ndcg@10", 2, None, "more are no better."),
        ([0.9, 0.8], [0.8, 0.7], "rmse", 2, None, "n_factors=2, the most that was tried, is the best"),
        ([0.9], [0.8], "rmse", 1, None, "more may still help"),
        ([0.3, 0.4, 0.2], [9e4, 8e4, 7e4], "ndcg@10", 2, 4, "the held-out ndcg@10 is more than 1 % worse: overfit"),
    ],
)
def test_where_more_stops_helping(
    held_out: list[float], train: list[float], metric: str, best: int, overfits_from: int | None, words: str
) -> None:
    sweep = sweep_of(held_out, train, metric)
    assert (sweep.best.n_factors, sweep.overfits_from) == (best, overfits_from)
    assert words in sweep.summary()
    marked = {row[-1]: int(row[0]) for row in sweep.cells() if row[-1]}
    expected = {"best": best} | ({} if overfits_from is None else {"overfit from here on": overfits_from})
    if best < sweep.rows[-1].n_factors and overfits_from != 2 * best:
        expected["no better from here on"] = 2 * best
    assert marked == expected
    page = sweep._repr_html_()
    chart = ET.fromstring(page[page.index("<svg") : page.index("</svg>") + 6])
    assert len(list(chart.iter("{http://www.w3.org/2000/svg}circle"))) == 2 * len(held_out)


def with_differences(sweep: FactorSweep, *intervals: tuple[float, float] | None) -> FactorSweep:
    found = tuple(None if one is None else Interval(*one) for one in intervals)
    return dataclasses.replace(sweep, differences=found)


@pytest.mark.parametrize(
    ("held_out", "differences", "knee", "reason"),
    [
        (
            [0.30, 0.40, 0.41],
            [(-0.2, -0.1), (-0.02, 0.001), (0, 0)],
            2,
            r"no clear difference .* -0.0100, 95 % between",
        ),
        ([0.30, 0.40, 0.41], [(-0.2, -0.1), (-0.02, -0.001), (0, 0)], 4, "every smaller number is clearly worse"),
        ([0.30, 0.4085, 0.41], [(-0.2, -0.1), (-0.002, -0.001), (0, 0)], 2, "0.37 % behind the best, where 0.5 %"),
        ([0.30, 0.41, 0.41], [(-0.2, -0.1), (0, 0), (0, 0)], 2, "every smaller number is clearly worse"),
        ([0.41, 0.41, 0.41], [(0, 0), (0, 0), (0, 0)], 1, "no smaller number was tried"),
        ([0.30, 0.4085, 0.41], [], 2, "0.37 % behind the best"),
        ([0.30, 0.40, 0.41], [None, None, None], 4, "every smaller number is clearly worse"),
        ([0.0, 0.0], [], 1, "no smaller number was tried"),
        ([0.41], [(0, 0)], 1, "nothing else was tried"),
        ([math.nan, 0.40, 0.41], [None, (-0.02, 0.001), (0, 0)], 2, "no clear difference"),
        ([math.nan, math.nan], [None, None], None, "no held-out ndcg@10 could be measured"),
        ([math.nan], [], None, "no held-out ndcg@10 could be measured"),
    ],
)
def test_the_knee_is_the_smallest_that_is_as_good(
    held_out: list[float], differences: list[Any], knee: int | None, reason: str
) -> None:
    sweep = with_differences(sweep_of(held_out, [9e4 - i for i in range(len(held_out))], "ndcg@10"), *differences)
    assert (None if sweep.knee is None else sweep.knee.n_factors) == knee
    assert re.search(reason, sweep.knee_reason)
    is_other = sweep.knee is not None and sweep.knee is not sweep.best
    assert (f"Knee: n_factors={knee} ({sweep.knee_reason})." in sweep.summary()) == is_other
    assert [row[0] for row in sweep.cells() if "knee" in row[-1]] == ([str(knee)] if is_other else [])
    assert (f"knee: {knee}" in sweep._repr_html_()) == is_other
    found = json.loads(sweep.to_json())
    assert (found["knee"], found["knee_reason"]) == (knee, sweep.knee_reason)
    assert len(found["differences"]) == len(differences)


def test_of_errors_the_knee_may_be_a_little_higher() -> None:
    sweep = with_differences(sweep_of([0.95, 0.9, 0.896], [0.9, 0.8, 0.7]), (0.01, 0.09), (0.001, 0.007), (0, 0))
    assert (sweep.best.n_factors, sweep.knee and sweep.knee.n_factors) == (4, 2)
    assert sweep.cells()[1][-1] == "knee"
    assert sweep.cells()[1][3] == "+0.0010 .. +0.0070"
    assert sweep.cells()[2][3] == ""


def test_what_cannot_leave_zero_or_does_not_live_is_said() -> None:
    rows = [SweepRow(n, 0.5, 0.9, 0.5, 100, live_rank=live) for n, live in ((8, 8), (16, 11), (32, 11))]
    sweep = FactorSweep("ImplicitALS()", "ndcg@10", "loss", tuple(rows), 80, 20, n_startable=14)
    assert "live" in sweep.columns()
    assert [row[3] for row in sweep.cells()] == ["8", "11", "11"]
    assert [row[-1] for row in sweep.cells()] == ["best", "no better from here on", "no more live than of 16"]
    assert [note.partition(":")[0] for note in sweep.notes()] == [
        "At most about 14 of 32 factors can leave zero at this regularization",
        "Of 16 factors 11 say something (live rank); the others are no different from zero and cost seconds and "
        "memory alone.",
    ]
    assert all(note in str(sweep) and note in sweep._repr_html_() for note in sweep.notes())
    assert json.loads(sweep.to_json())["notes"] == sweep.notes()
    rows[2] = dataclasses.replace(rows[2], held_out=0.91)
    summary = dataclasses.replace(sweep, rows=tuple(rows)).summary()
    assert (
        "n_factors=32, the most that was tried, is the best, with no more live factors than 16 could hold." in summary
    )
    assert sweep_of([0.9, 0.8], [0.8, 0.7]).notes() == []
    assert "live" not in sweep_of([0.9], [0.8]).columns()


@pytest.mark.parametrize(
    ("model", "metric"), [(rb.ExplicitALS, "rmse"), (rb.ImplicitALS, "ndcg@10"), (rb.ImplicitALS, "coverage@10")]
)
def test_intervals_are_those_of_evaluate_and_compare(model: Any, metric: str) -> None:
    train, test = rb.split.random(table(), test_fraction=0.25, random_state=4)
    arguments = {"level": 0.9, "n_resamples": 200, "random_state": 3}
    sweep = rb.sweep_factors(model, train, test, n_factors=(1, 2, 4), metric=metric, **arguments)
    reports = [
        rb.evaluate(model(n_factors=row.n_factors), train, test, k=10, baselines=False, **arguments)
        for row in sweep.rows
    ]
    for row, report in zip(sweep.rows, reports, strict=True):
        assert row.interval == pytest.approx(report.intervals.get(metric))
    if metric == "coverage@10":
        assert sweep.differences == ()
        assert "90 %" not in sweep.columns()
        return
    assert "90 %" in sweep.columns()
    best = reports[list(sweep.rows).index(sweep.best)]
    for difference, report in zip(sweep.differences, reports, strict=True):
        row = report.compare(best)[metric]
        assert difference == pytest.approx((row["low"], row["high"]))
    without = rb.sweep_factors(model, train, test, n_factors=(1, 2, 4), metric=metric, n_resamples=0)
    assert [row.interval for row in without.rows] == [None, None, None]
    assert without.differences == ()


def test_a_fit_starts_from_one_that_had_factors_to_spare() -> None:
    train, test = rb.split.random(table(), test_fraction=0.25, random_state=4)
    model = rb.ImplicitALS(n_iterations=5, regularization=0.7, random_state=2)
    sizes = (2, 8, 12)
    found, again = (rb.sweep_factors(model, train, test, n_factors=sizes, n_resamples=0) for _ in range(2))
    assert [row.live_rank == row.n_factors for row in found.rows] == [True, False, False]
    assert [row.is_warm for row in found.rows] == [False, False, True]
    assert "warm start" in found.cells()[2][-1]
    assert [(row.train, row.held_out) for row in again.rows] == [(row.train, row.held_out) for row in found.rows]
    before = model.clone().set_params(n_factors=8).fit(train)
    warm = model.clone().set_params(n_factors=12, init=before, init_scale=0.5, n_iterations=3).fit(train)
    assert found.rows[2].train == warm.history_[-1]["loss"]
    cold, always = (
        rb.sweep_factors(model, train, test, n_factors=sizes, n_resamples=0, warm_start=choice)
        for choice in (False, True)
    )
    assert [row.is_warm for row in cold.rows] == [False, False, False]
    assert [row.is_warm for row in always.rows] == [False, True, True]
    assert found.rows[2].train == pytest.approx(cold.rows[2].train, rel=3e-3)
    for other in (rb.ExplicitALS(non_negative=True, n_iterations=2), rb.LogisticMF(n_iterations=2, n_negatives=0)):
        rows = rb.sweep_factors(other, train, test, n_factors=(2, 4), metric="ndcg@10", n_resamples=0).rows
        assert not rows[1].is_warm


def test_seconds_are_forecast_before_a_fit() -> None:
    train, test = rb.split.random(table(), test_fraction=0.25, random_state=4)
    told: list[Any] = []
    sweep = rb.sweep_factors(
        rb.ImplicitALS(n_iterations=2, regularization=0.5),
        train,
        test,
        n_factors=(1, 2),
        on_start=lambda n, seconds: told.append((n, seconds)),
        on_row=lambda row: told.append(row.n_factors),
    )
    assert told == [(1, sweep.rows[0].forecast_s), 1, (2, sweep.rows[1].forecast_s), 2]
    assert all(row.forecast_s > 0 for row in sweep.rows)


def test_directions_are_counted_for_the_model_that_can_say() -> None:
    train, test = rb.split.random(table(), test_fraction=0.25, random_state=4)
    model = rb.ImplicitALS(n_iterations=2, regularization=1.0)
    sweep = rb.sweep_factors(model, train, test, n_factors=(2, 8))
    expected = int(np.count_nonzero(model.starting_values(train, n=8) > 1))
    assert 0 < expected < 8
    assert sweep.n_startable == expected
    assert sweep.notes()[0].startswith(f"At most about {expected} of 8 factors can leave zero")
    for other in (rb.ImplicitALS(n_iterations=1, regularization=0.0), rb.ExplicitALS(n_iterations=1)):
        assert rb.sweep_factors(other, train, test, n_factors=2).n_startable is None
    row = sweep.rows[1]
    assert row.live_rank == model.clone().set_params(n_factors=8).fit(train).live_rank_


@pytest.mark.parametrize(
    ("default", "words"),
    [
        (64, " The default is n_factors=64 (not tried here)."),
        (4, " The default is n_factors=4 (held-out rmse 0.8500)."),
        (1, " The default is n_factors=1 (held-out rmse 0.9000)."),
        (3, ""),
        (2, ""),
        (None, ""),
    ],
)
def test_a_default_that_is_far_off_is_named(default: int | None, words: str) -> None:
    sweep = dataclasses.replace(sweep_of([0.9, 0.8, 0.85], [0.8, 0.7, 0.6]), default=default)
    assert sweep.summary().endswith(f"overfit. It is the knee too: every smaller number is clearly worse.{words}")
    assert json.loads(sweep.to_json())["default"] == default


def test_it_is_shown_and_kept(tmp_path: Path) -> None:
    sweep = sweep_of([0.9, 0.8, 0.85], [0.8, 0.7, 0.6])
    assert repr(sweep) == "FactorSweep(1, 2, 4 factors; best 2 with rmse 0.8000)"
    lines = str(sweep).splitlines()
    assert lines[2].split() == ["n_factors", "train", "rmse", "held-out", "rmse", "seconds", "MB", "of", "factors"]
    assert lines[4].split() == ["2", "0.7000", "0.8000", "0.50", "0.00", "best"]
    assert json.loads(sweep.to_json(tmp_path / "s.json")) == json.loads((tmp_path / "s.json").read_text())
    found = json.loads(sweep.to_json())
    assert (found["best"], found["overfits_from"], found["rows"][1]["held_out"]) == (2, 4, 0.8)
    page = sweep.to_html(tmp_path / "s.html")
    assert (tmp_path / "s.html").read_text(encoding="utf-8") == page + "\n"
    assert "best: 2, overfit from 4 on" in page
    assert "<script" not in page
    assert json.loads(sweep_of([float("inf")], [0.5]).to_json())["rows"][0]["held_out"] is None


@pytest.mark.parametrize(
    ("model", "arguments", "message"),
    [
        (rb.Popularity, {}, "must be a model of factors: .* Got Popularity"),
        (rb.BiasBaseline(), {}, "must be a model of factors: .* Got BiasBaseline"),
        ("implicit", {}, "must be a model of factors: .* Got str"),
        (None, {}, "must be a model of factors: .* Got NoneType"),
        (rb.ImplicitALS(init=(np.ones((60, 2)), np.ones((40, 2)))), {}, "'init' parameter of the model must be"),
        (rb.ImplicitALS, {"n_factors": ()}, "must hold at least one number of factors"),
        (rb.ImplicitALS, {"n_factors": (8, 0)}, "must be whole numbers of at least 1, .* Got 0 among them"),
        (rb.ImplicitALS, {"n_factors": (8, 2.5)}, "Got 2.5 among them"),
        (rb.ImplicitALS, {"n_factors": (True,)}, "Got True among them"),
        (rb.ImplicitALS, {"n_factors": "8,16"}, "Got '8,16' instead"),
        (rb.ImplicitALS, {"n_factors": None}, "Got None instead"),
        (rb.ImplicitALS, {"metric": "rmse"}, "must suit ImplicitALS, which predicts a preference. Got 'rmse'"),
        (rb.ExplicitALS, {"metric": "log_loss"}, "must suit ExplicitALS, which predicts a rating. Got 'log_loss'"),
        (rb.ExplicitALS, {"metric": "f1"}, "'metric' parameter must be one of .* Got 'f1'"),
        (rb.ExplicitALS, {"test_fraction": 1.5}, "test_fraction"),
        (rb.ExplicitALS, {"warm_start": "yes"}, "'warm_start' parameter must be True, False or 'auto'. Got 'yes'"),
        (rb.ExplicitALS, {"level": 1.0}, "'level' parameter must be a number in"),
        (rb.ExplicitALS, {"n_resamples": -1}, "'n_resamples' parameter must be an int of at least 0"),
        (rb.ExplicitALS(n_iterations=-1), {}, "'n_iterations' parameter of ExplicitALS"),
    ],
)
def test_what_cannot_be_swept(model: Any, arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        rb.sweep_factors(model, table(), **{"n_factors": (2,), **arguments})


def test_data_that_cannot_be_judged() -> None:
    bare = rb.Interactions.from_arrays([1, 1, 2, 2], ["a", "b", "a", "c"])
    with pytest.raises(ParameterError, match="'rmse' cannot be measured here: the held-out part gives"):
        rb.sweep_factors(rb.ExplicitALS, bare, rb.Interactions.from_arrays([1, 2], ["c", "b"]), n_factors=1)
    with pytest.raises(DataError, match="got a path"):
        rb.sweep_factors(rb.ExplicitALS, "ratings.csv", n_factors=1)
    with pytest.raises(DataError, match="No test user can be judged"):
        rb.sweep_factors(rb.ImplicitALS, bare, rb.Interactions.from_arrays(["x"], ["y"]), n_factors=1)
