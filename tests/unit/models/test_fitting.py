"""The fit loop: what it records, why it stops, and who may look on."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

import ridgeback as rb
from ridgeback.errors import ObjectiveRoseError, ParameterError, RidgebackWarning
from ridgeback.models.fitting import Reporter
from ridgeback.objective import Objective

KEYS = [
    "iteration",
    "side",
    "loss",
    "observed_loss",
    "unobserved_loss",
    "regularization_loss",
    "rmse",
    "cross_entropy",
    "elapsed_s",
    "validation",
]
MODELS = [rb.ExplicitALS, rb.ImplicitALS, rb.LogisticMF]


@pytest.fixture(scope="module")
def data() -> rb.Interactions:
    rng = np.random.default_rng(0)
    tastes = rng.normal(size=(60, 2)) @ rng.normal(size=(2, 40))
    users, items = np.nonzero(rng.random(tastes.shape) < 0.3)
    return rb.Interactions.from_arrays(users, items, ratings=np.clip(np.round(3 + tastes[users, items]), 0, 5))


@pytest.fixture(params=MODELS, ids=lambda model: model.__name__)
def model(request: pytest.FixtureRequest) -> Any:
    extra = {} if request.param is rb.ImplicitALS else {"regularization": 0.05, "bias_regularization": 0.05}
    return request.param(n_factors=3, n_iterations=5, **extra)


def test_history_has_one_record_a_half_step(model: Any, data: rb.Interactions) -> None:
    history = model.fit(data).history_
    assert [record["side"] for record in history] == ["start", *["users", "items"] * 5, "final users"]
    assert [record["iteration"] for record in history] == [0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 5]
    assert (model.n_iterations_, model.stopped_by_) == (5, "n_iterations")
    elapsed = [record["elapsed_s"] for record in history]
    assert elapsed == sorted(elapsed)
    assert elapsed[0] > 0
    for record in history:
        assert list(record) == KEYS
        parts = [record["observed_loss"], record["unobserved_loss"], record["regularization_loss"]]
        assert record["loss"] == pytest.approx(sum(parts), rel=1e-12)
        assert record["regularization_loss"] > 0
        assert record["validation"] is None
        assert (record["rmse"] is not None) == (model.link == "rating")
        assert (record["cross_entropy"] is not None) == (model.link == "probability")
        assert (record["unobserved_loss"] != 0) == (model.link == "preference")
    losses = [record["loss"] for record in history]
    assert losses == sorted(losses, reverse=True)


@pytest.mark.parametrize("weighted", [False, True])
def test_rmse_and_cross_entropy_are_weighted_means_of_the_training_pairs(data: rb.Interactions, weighted: bool) -> None:
    weights = np.random.default_rng(1).choice([0.5, 1.0, 3.0], data.nnz).astype(np.float32)
    own = data.subset(np.ones(data.nnz, dtype=bool))
    own.weights = weights if weighted else None
    w = weights.astype(np.float64) if weighted else np.ones(data.nnz)
    users, items = np.array(list(data.user_ids)), np.array(list(data.item_ids))
    pairs = users[data.user_items.row_of_entry()], items[data.user_items.indices]
    r = data.user_items.values().astype(np.float64)

    explicit = rb.ExplicitALS(n_factors=3).fit(own)
    errors = r - explicit.score(*pairs)
    assert explicit.history_[-1]["rmse"] == pytest.approx(np.sqrt((w * errors**2).sum() / w.sum()), rel=1e-5)
    assert explicit.history_[-1]["observed_loss"] == pytest.approx((w * errors**2).sum(), rel=1e-5)

    listed = rb.LogisticMF(n_factors=3, n_negatives=0, alpha=0.5).fit(own)
    confidence = w * np.where(r > 0, 0.5 * r, 1.0)
    entropy = np.logaddexp(0, np.where(r > 0, -1, 1) * listed.score(*pairs).astype(np.float64))
    expected = (confidence * entropy).sum()
    assert listed.history_[-1]["cross_entropy"] == pytest.approx(expected / confidence.sum(), rel=1e-5)
    assert listed.history_[-1]["observed_loss"] == pytest.approx(expected, rel=1e-5)


def test_tolerance_ends_at_the_first_iteration_that_gains_too_little(model: Any, data: rb.Interactions) -> None:
    losses = [
        r["loss"] for r in model.set_params(n_iterations=40).fit(data).history_ if r["side"] in ("start", "items")
    ]
    gains = -np.diff(losses) / np.abs(losses[:-1])
    tolerance = float(gains[6] * 1.01)
    expected = 1 + int(np.flatnonzero(gains < tolerance)[0])
    stopped = model.clone().set_params(tolerance=tolerance).fit(data)
    assert (stopped.n_iterations_, stopped.stopped_by_) == (expected, "tolerance")
    assert expected < 40
    assert len(stopped.history_) == 2 + 2 * expected
    manual = model.clone().set_params(n_iterations=expected).fit(data)
    np.testing.assert_array_equal(stopped.item_factors_, manual.item_factors_)
    np.testing.assert_array_equal(stopped.user_factors_, manual.user_factors_)
    assert model.clone().set_params(tolerance=0.0, n_iterations=4).fit(data).stopped_by_ == "n_iterations"


def test_callbacks_get_the_model_and_the_record_that_history_keeps(model: Any, data: rb.Interactions) -> None:
    calls: list[tuple[str, Any, Any]] = []
    model.fit(
        data,
        callbacks=[lambda m, r: calls.append(("first", m, r)), lambda m, r: calls.append(("second", m, r))],
    )
    assert [name for name, _, _ in calls] == ["first", "second"] * 12
    assert all(m is model for _, m, _ in calls)
    for (_, _, record), kept in zip(calls[::2], model.history_, strict=True):
        assert record is kept


@pytest.mark.parametrize(("stop_at", "n_iterations"), [("start", 0), ("users", 1), ("items", 2)])
def test_a_callback_ends_the_fit(model: Any, data: rb.Interactions, stop_at: str, n_iterations: int) -> None:
    """At the start, after a user half-step (that iteration does not count), after an item half-step (it does)."""
    seen: list[str] = []

    def stop(_: Any, record: dict[str, Any]) -> bool:
        return record["side"] == stop_at and (stop_at == "start" or record["iteration"] == 2)

    model.fit(data, callbacks=[stop, lambda _, record: seen.append(record["side"])])
    assert (model.n_iterations_, model.stopped_by_) == (n_iterations, "callback")
    assert model.history_[-1]["side"] == "final users"
    assert [r["side"] for r in model.history_] == seen  # the others are called all the same
    own, values = data.user_items.row(3)
    folded = model.fold_in([data.item_ids[int(i)] for i in own], values)
    np.testing.assert_allclose(folded.factors, model.user_factors_[3], rtol=1e-5, atol=1e-6)


def test_a_fit_that_was_ended_equals_a_shorter_one(model: Any, data: rb.Interactions) -> None:
    ended = model.clone().fit(data, callbacks=[lambda _, r: r["side"] == "items" and r["iteration"] == 3])
    shorter = model.clone().set_params(n_iterations=3).fit(data)
    np.testing.assert_array_equal(ended.user_factors_, shorter.user_factors_)
    np.testing.assert_array_equal(ended.item_factors_, shorter.item_factors_)


def test_a_callback_may_ask_the_model(model: Any, data: rb.Interactions) -> None:
    found: list[int] = []

    def ask(model: Any, _: dict[str, Any]) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            found.append(len(model.recommend(0, k=3)))
            model.fold_in({0: 3.0, 1: 4.0}).recommend(k=2)
            assert model.history_

    model.fit(data, callbacks=[ask])
    assert found == [3] * 12


def test_a_callback_that_fails_leaves_the_model_unfitted(model: Any, data: rb.Interactions) -> None:
    def fail(_: Any, record: dict[str, Any]) -> None:
        if record["iteration"] == 2:
            raise RuntimeError("mine")

    model.fit(data)
    with pytest.raises(RuntimeError, match="mine"):
        model.fit(data, callbacks=[fail], progress=True)
    with pytest.raises(rb.errors.NotFittedError):
        model.recommend(0)
    assert vars(model).keys() == model.get_params().keys()


def test_callbacks_keep_what_they_saw(model: Any, data: rb.Interactions) -> None:
    """The arrays that a callback sees are its own: later half-steps do not change them."""
    seen: list[np.ndarray] = []
    model.fit(data, callbacks=[lambda model, _: seen.append(model.item_factors_)])
    assert not any(np.array_equal(seen[2 * i], seen[2 * i + 2]) for i in range(5))


def test_progress_is_a_reader_and_says_nothing_unasked(
    model: Any, data: rb.Interactions, capfd: pytest.CaptureFixture[str]
) -> None:
    model.fit(data)
    assert capfd.readouterr() == ("", "")
    model.fit(data, progress=True)
    out, err = capfd.readouterr()
    assert out == ""
    assert "11/11 half-steps" in err
    assert type(model).__name__ in err


def test_singular_rows_are_named_in_a_warning() -> None:
    data = rb.Interactions.from_arrays([1, 1, 2], ["a", "b", "a"], ratings=[5, 3, 4])
    with pytest.warns(RidgebackWarning, match=r"\d+ row systems were singular.*regularization above 0") as caught:
        rb.ExplicitALS(n_factors=4, regularization=0.0, bias_regularization=0.0).fit(data)
    assert caught[0].filename == __file__


@pytest.mark.parametrize(
    "model",
    [
        rb.ExplicitALS(n_factors=8, regularization=0.0, bias_regularization=0.0, n_iterations=5),
        rb.ExplicitALS(n_factors=8, regularization=0.0, n_iterations=5),
        rb.ExplicitALS(n_factors=8, regularization=0.0, biases=False, n_iterations=5),
        rb.ExplicitALS(n_factors=50, regularization=0.0, bias_regularization=0.0, n_iterations=3),
        rb.ImplicitALS(n_factors=8, regularization=0.0, unobserved_weight=0.0, solver="exact", n_iterations=5),
        rb.ImplicitALS(n_factors=50, regularization=0.0, solver="exact", n_iterations=3),
        rb.ImplicitALS(n_factors=50, regularization=0.0, n_iterations=3),
    ],
)
def test_without_regularization_rows_that_their_pairs_do_not_determine(model: Any) -> None:
    """Fewer pairs than factors: fitted to nothing with the smallest factors; losses down to rounding, never NaN."""
    rng = np.random.default_rng(0)
    pairs = rng.integers(0, [60, 40], (400, 2))
    data = rb.Interactions.from_arrays(pairs[:, 0], pairs[:, 1], ratings=rng.integers(1, 6, 400))
    with pytest.warns(RidgebackWarning, match=r"\d+ row systems were singular and got the minimum-norm solution"):
        model.fit(data)
    assert np.isfinite(model.user_factors_).all()
    assert np.isfinite(model.item_factors_).all()
    assert np.isfinite([record["loss"] for record in model.history_]).all()
    for user in (0, 20):
        items, values = data.user_items.row(user)
        folded = model.fold_in([data.item_ids[int(row)] for row in items], values)
        assert folded.factors.tobytes() == model.user_factors_[user].tobytes()
        assert model.recommend(data.user_ids[user], k=3)[0].score < np.inf


def test_rows_without_pairs_are_not_singular() -> None:
    data = rb.Interactions.from_csr(rb.Csr.from_pairs([0, 0, 2], [0, 1, 3], [4.0, 3.0, 5.0], (4, 5)))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = rb.ExplicitALS(n_factors=2).fit(data)
        rb.ImplicitALS(n_factors=2).fit(data)
    assert (model.user_factors_[[1, 3]] == 0).all()
    assert (model.item_factors_[[2, 4]] == 0).all()
    assert (model.user_biases_[[1, 3]] == 0).all()


def test_a_loss_that_rises_is_an_error_with_the_numbers() -> None:
    reporter = Reporter(lambda loss: {}, [], zero_loss=0.0)
    reporter.emit(0, "start", Objective(10.0, 0.0, 0.0))
    reporter.emit(1, "users", Objective(10.000009, 0.0, 0.0), may_not_raise=True)  # rounding
    reporter.emit(1, "items", Objective(10.1, 0.0, 0.0))  # allowed to
    with pytest.raises(ObjectiveRoseError, match=r"rose from 10.1 to 10.2 in the half-step 'users' of iteration 2"):
        reporter.emit(2, "users", Objective(10.2, 0.0, 0.0), may_not_raise=True)


@pytest.mark.parametrize(
    ("keywords", "sentence"),
    [
        ({"metric": "ndcg@10"}, r"fit\(metric=, patience=\) needs validation="),
        ({"patience": 2}, r"fit\(metric=, patience=\) needs validation="),
        ({"patience": 0}, "'patience' parameter .* must be a whole number of at least 1"),
        ({"patience": 1.5}, "'patience' parameter .* must be a whole number of at least 1"),
    ],
)
def test_readers_that_cannot_be(model: Any, data: rb.Interactions, keywords: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ParameterError, match=sentence):
        model.fit(data, **keywords)


@pytest.mark.parametrize("loss", ["ials", "hu"])
@pytest.mark.parametrize("regularization", [0.0, 1e-20, 1e-15, 1e-10])
def test_more_factors_than_items_do_not_need_regularization(
    data: rb.Interactions, loss: Any, regularization: float
) -> None:
    """The Gramian's empty directions hold rounding only, which conjugate gradient must not amplify."""

    def fitted(solver: Any) -> rb.ImplicitALS:
        model = rb.ImplicitALS(n_factors=64, loss=loss, regularization=regularization, solver=solver)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RidgebackWarning)
            return model.fit(data)

    cg, exact = fitted("cg"), fitted("exact")
    zero = cg.history_[0]["loss"]
    assert cg.history_[-1]["loss"] == pytest.approx(exact.history_[-1]["loss"], abs=1e-5 * zero)
    assert np.abs(cg.item_factors_).max() < 100  # blown-up rounding is far beyond


def test_a_fit_that_ends_near_zero_says_so() -> None:
    data = rb.Interactions.from_arrays([0, 0, 1, 2], [0, 1, 1, 2])
    with pytest.warns(rb.RidgebackWarning, match=r"ended near zero: .* Choose a regularization"):
        rb.ImplicitALS(2, regularization=100.0, n_iterations=5).fit(data)


@pytest.mark.parametrize(
    ("given", "advice"),
    [("ratings.csv", r"rb\.read_interactions\('ratings\.csv'\)"), ({"columns": 1}, "CSR")],
)
def test_what_is_no_table_of_interactions_is_told_how_to_become_one(given: Any, advice: str) -> None:
    with pytest.raises(rb.errors.DataError, match=advice):
        rb.ImplicitALS(2).fit(given)


def test_a_frame_is_told_to_name_its_columns() -> None:
    pandas = pytest.importorskip("pandas", reason="pandas makes the frame: pip install pandas")
    with pytest.raises(rb.errors.DataError, match=r"got a DataFrame. .*from_frame\(frame, user=\.\.\., item=\.\.\.\)"):
        rb.ImplicitALS(2).fit(pandas.DataFrame({"user": [1], "item": [2]}))


def test_records_say_where_the_loss_is_that_of_rounded_factors(
    data: rb.Interactions, monkeypatch: pytest.MonkeyPatch
) -> None:
    exact = rb.ImplicitALS(n_factors=8, n_iterations=3).fit(data)
    assert not any("is_rounded" in record for record in exact.history_)
    monkeypatch.setattr("ridgeback.models.row_solver.HALVES_BEYOND_BYTES", 0)
    monkeypatch.setattr("ridgeback.solvers.native.has_halves", lambda: True)
    rounded = rb.ImplicitALS(n_factors=8, n_iterations=3).fit(data)
    sides = [record["side"] for record in rounded.history_ if record.get("is_rounded")]
    assert sides == ["users", "items"] * 3
    for record, same in zip(rounded.history_, exact.history_, strict=True):
        assert record["loss"] == pytest.approx(same["loss"], rel=1e-3)
