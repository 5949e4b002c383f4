"""Ctrl-C during a fit: within a second, the model fitted and usable, KeyboardInterrupt to the caller."""

from __future__ import annotations

import signal
import subprocess
import sys
import textwrap
import threading
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import ridgeback as rb
from ridgeback.errors import RidgebackWarning
from ridgeback.models import alternation
from ridgeback.models.alternation import Alternation
from ridgeback.solvers.matrices import gram

MODELS = [
    rb.ExplicitALS(n_factors=4, regularization=0.05, n_iterations=4),
    rb.ExplicitALS(n_factors=4, regularization=0.05, n_iterations=4, solver="cg"),
    rb.ImplicitALS(n_factors=4, n_iterations=4),
    rb.ImplicitALS(n_factors=4, n_iterations=4, loss="hu", solver="exact"),
    rb.ImplicitALS(n_factors=4, n_iterations=4, non_negative=True),
    rb.LogisticMF(n_factors=4, n_iterations=4, regularization=0.1),
]


@pytest.fixture(autouse=True)
def python_hears_ctrl_c() -> Iterator[None]:
    """Python's own handler, whatever the runner has set; and it must be back after each test."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    after = signal.signal(signal.SIGINT, before)
    assert after is signal.default_int_handler


@pytest.fixture(params=MODELS, ids=repr)
def model(request: pytest.FixtureRequest) -> Any:
    return request.param.clone()


@pytest.fixture(scope="module")
def data() -> rb.Interactions:
    rng = np.random.default_rng(0)
    tastes = rng.normal(size=(80, 3)) @ rng.normal(size=(3, 50))
    users, items = np.nonzero(rng.random(tastes.shape) < 0.3)
    return rb.Interactions.from_arrays(users, items, ratings=np.clip(np.round(3 + tastes[users, items]), 1, 5))


def interrupt_at(side: str, iteration: int, times: int = 1) -> Any:
    def callback(_: Any, record: dict[str, Any]) -> None:
        if (record["side"], record["iteration"]) == (side, iteration):
            for _ in range(times):
                signal.raise_signal(signal.SIGINT)

    return callback


PLACES = [("start", 0, 0), ("users", 1, 0), ("items", 1, 1), ("users", 3, 2), ("items", 4, 4)]


@pytest.mark.parametrize(("side", "iteration", "n_iterations"), PLACES)
def test_the_model_is_fitted_and_usable(
    model: Any, data: rb.Interactions, side: str, iteration: int, n_iterations: int
) -> None:
    with pytest.raises(KeyboardInterrupt):
        model.fit(data, callbacks=[interrupt_at(side, iteration)])
    assert (model.stopped_by_, model.n_iterations_) == ("interrupted", n_iterations)
    assert (model.history_[-1]["side"], model.history_[-1]["iteration"]) == (side, iteration)
    users, items = np.array(list(data.user_ids))[:, None], list(data.item_ids)
    assert np.isfinite(model.score(users, items)).all()
    assert len(model.recommend(0, k=5)) == 5
    assert len(model.similar_items(0, k=3)) == 3
    assert sum(len(block[0]) for block in model.recommend_all(k=2)) == 80
    if model.parameters_["orientation"] == "principal":  # the final rotation still came
        gram = model.item_factors_.astype(float).T @ model.item_factors_
        assert np.abs(gram - np.diag(np.diag(gram))).max() < 1e-5 * gram.max()


@pytest.mark.parametrize("side", ["users", "items"])
def test_nothing_turns_after_ctrl_c_but_to_the_final_axes(
    side: str, data: rb.Interactions, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A rotation that began ends; at many factors each takes as long as a good part of a second."""
    turned: list[str] = []
    rotate = alternation.rotate

    def watched(*arguments: Any) -> None:
        turned.append("rotation")
        rotate(*arguments)

    def interrupt(_: Any, record: dict[str, Any]) -> None:
        turned.append(record["side"])
        interrupt_at(side, 2)(_, record)

    monkeypatch.setattr(alternation, "rotate", watched)
    with pytest.raises(KeyboardInterrupt):
        rb.ImplicitALS(n_factors=4, n_iterations=4).fit(data, callbacks=[interrupt])
    last = len(turned) - turned[::-1].index(side)
    assert turned[last:] == ["rotation", "rotation"]  # of users and items, to the principal axes
    assert turned[:last].count("rotation") > 4


def test_a_gramian_ends_early_when_ctrl_c_comes() -> None:
    factors = np.ones((50_000, 8), dtype=np.float32)
    assert (gram(factors, n_threads=2, cancel=np.zeros(1, np.uint8)) == 50_000).all()
    assert (gram(factors, n_threads=2, cancel=np.ones(1, np.uint8)) == 0).all()


def test_solved_rows_stay_solved(model: Any, data: rb.Interactions) -> None:
    """Interrupted after an item half-step, the factors are those of a fit that ended there, but for the last step."""
    seen: list[np.ndarray] = []
    model.set_params(orientation="start")
    with pytest.raises(KeyboardInterrupt):
        model.fit(data, callbacks=[lambda m, _: seen.append(m.item_factors_), interrupt_at("items", 2)])
    np.testing.assert_allclose(model.item_factors_, seen[-1], atol=1e-5)


def test_fold_in_and_explain_warn_until_the_users_are_refreshed(model: Any, data: rb.Interactions) -> None:
    with pytest.raises(KeyboardInterrupt):
        model.fit(data, callbacks=[interrupt_at("users", 2)])
    for ask in (
        lambda: model.fold_in({0: 4.0, 1: 2.0}),
        lambda: model.fold_in_many([{0: 4.0}]),
        lambda: model.explain(3, 4),
    ):
        with pytest.warns(
            RidgebackWarning, match=r"interrupted before its final user half-step.*refresh_users"
        ) as seen:
            ask()
        assert [warning.filename for warning in seen] == [__file__]
    with pytest.warns(RidgebackWarning):
        explanation = model.explain(3, 4)
    total = explanation.baseline + sum(part.contribution for part in explanation.contributions) + explanation.rest
    assert total == pytest.approx(explanation.score, abs=1e-5)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.recommend(0)
        model.partial_fit(rb.Interactions.from_arrays([0], [1], ratings=[3.0]), refresh_users=True)
        model.fold_in({0: 4.0, 1: 2.0})
        assert model.explain(3, 4).score == pytest.approx(model.score(3, 4), abs=1e-4)


def test_a_saved_interrupted_model_still_warns(data: rb.Interactions, tmp_path: Any) -> None:
    model = rb.ImplicitALS(n_factors=4)
    with pytest.raises(KeyboardInterrupt):
        model.fit(data, callbacks=[interrupt_at("users", 2)])
    model.save(tmp_path / "model.ridge")
    loaded = rb.load(tmp_path / "model.ridge")
    assert loaded.stopped_by_ == "interrupted"
    with pytest.warns(RidgebackWarning, match="interrupted"):
        loaded.fold_in([0])


def test_ctrl_c_at_the_last_record_is_not_lost(model: Any, data: rb.Interactions) -> None:
    """Everything is done by then, so nothing needs a warning; but the caller hears of it."""
    with pytest.raises(KeyboardInterrupt):
        model.fit(data, callbacks=[interrupt_at("final users", 4)])
    assert model.stopped_by_ == "interrupted"
    whole = model.clone().fit(data)
    np.testing.assert_array_equal(model.user_factors_, whole.user_factors_)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.fold_in({0: 4.0})


def test_a_second_ctrl_c_does_not_wait(model: Any, data: rb.Interactions) -> None:
    reached: list[bool] = []

    def twice(_: Any, record: dict[str, Any]) -> None:
        if record["side"] == "users":
            signal.raise_signal(signal.SIGINT)
            signal.raise_signal(signal.SIGINT)
            reached.append(True)

    with pytest.raises(KeyboardInterrupt):
        model.fit(data, callbacks=[twice])
    assert not reached
    assert model.stopped_by_ == "interrupted"
    assert len(model.recommend(0, k=5)) == 5


def test_a_fit_cut_off_while_it_ends_leaves_nothing_half_done(
    model: Any, data: rb.Interactions, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second ctrl-C may hit the final rotation: then there is no model, not a wrong one."""

    def cut_off(self: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Alternation, "to_principal_axes", cut_off)
    monkeypatch.setattr(Alternation, "to_start_axes", cut_off)
    with pytest.raises(KeyboardInterrupt):
        model.fit(data, callbacks=[interrupt_at("users", 2)], progress=True)
    with pytest.raises(rb.errors.NotFittedError):
        model.recommend(0)
    assert vars(model).keys() == model.get_params().keys()


def test_with_patience_the_best_iteration_comes_back(data: rb.Interactions) -> None:
    train, test = rb.split.random(data, random_state=2)
    model = rb.ImplicitALS(n_factors=8, regularization=1e-4, solver="exact", n_iterations=12)
    values = [r["validation"] for r in model.clone().fit(train, test).history_ if r["side"] == "items"]
    best = 1 + int(np.argmax(values[:10]))
    assert best < 10
    with pytest.raises(KeyboardInterrupt):
        model.fit(train, test, patience=99, callbacks=[interrupt_at("users", 11)])
    by_hand = model.clone().set_params(n_iterations=best).fit(train)
    np.testing.assert_allclose(model.item_factors_, by_hand.item_factors_, atol=1e-4)


def test_other_threads_and_other_handlers_are_left_alone(model: Any, data: rb.Interactions) -> None:
    handlers: list[Any] = []
    look = [lambda *_: handlers.append(signal.getsignal(signal.SIGINT))]
    thread = threading.Thread(target=lambda: model.fit(data, callbacks=look))
    thread.start()
    thread.join()
    assert model.stopped_by_ == "n_iterations"
    assert set(handlers) == {signal.default_int_handler}

    heard: list[int] = []

    def own(number: int, frame: Any) -> None:
        heard.append(number)

    signal.signal(signal.SIGINT, own)
    try:
        model.fit(data, callbacks=[interrupt_at("users", 2)])
        assert signal.getsignal(signal.SIGINT) is own
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    assert heard == [signal.SIGINT]
    assert model.stopped_by_ == "n_iterations"


def test_an_own_handler_that_raises_ends_the_fit_like_ctrl_c(data: rb.Interactions) -> None:
    def own(number: int, frame: Any) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGINT, own)
    model = rb.ImplicitALS(n_factors=4)
    try:
        with pytest.raises(KeyboardInterrupt):
            model.fit(data, callbacks=[interrupt_at("users", 2)])
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    assert model.stopped_by_ == "interrupted"
    assert len(model.recommend(0, k=5)) == 5


LARGE = """
    import os, signal, sys, threading, time
    import numpy as np
    import ridgeback as rb
    from ridgeback.data.synthetic import power_law

    matrix = power_law(20_000, 4_000, 800_000, random_state=0)
    data = rb.Interactions.from_csr(matrix)
    model = rb.{model}
    started = threading.Event()
    sent = []

    def ctrl_c():
        started.wait()
        time.sleep({delay})
        sent.append(time.perf_counter())
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=ctrl_c, daemon=True).start()
    try:
        model.fit(data, callbacks=[lambda *_: started.set()])
    except KeyboardInterrupt:
        waited = time.perf_counter() - sent[0]
    assert model.stopped_by_ == "interrupted", model.stopped_by_
    assert np.isfinite(model.item_factors_).all()
    assert len(model.recommend(0, k=5)) == 5
    print(f"waited {{waited:.3f}}")
"""


@pytest.mark.parametrize(
    "model",
    [
        "ImplicitALS(n_factors=64, n_iterations=1000)",
        "ImplicitALS(n_factors=64, n_iterations=1000, loss='hu', solver='exact')",
        "ImplicitALS(n_factors=64, n_iterations=1000, non_negative=True)",
        "ExplicitALS(n_factors=64, n_iterations=1000)",
        "LogisticMF(n_factors=32, n_iterations=1000)",
    ],
)
def test_a_large_fit_ends_within_a_second(model: str) -> None:
    script = textwrap.dedent(LARGE.format(model=model, delay=0.37))
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=300)
    assert result.returncode == 0, result.stderr
    assert float(result.stdout.split()[1]) < 1.0, result.stdout
