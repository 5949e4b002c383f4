"""Held-out interactions, measured during a fit as the model would be served, and the best iteration kept."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import ridgeback as rb
from ridgeback.errors import DataError, ParameterError


@pytest.fixture(scope="module")
def parts() -> tuple[rb.Interactions, rb.Interactions]:
    rng = np.random.default_rng(0)
    tastes = rng.normal(size=(150, 3)) @ rng.normal(size=(3, 60))
    users, items = np.nonzero(rng.random(tastes.shape) < 1 / (1 + np.exp(2 - tastes)))
    ratings = np.clip(np.round(3 + tastes[users, items] + rng.normal(size=len(users))), 0, 5)
    return rb.split.random(rb.Interactions.from_arrays(users, items, ratings=ratings), random_state=1)


MODELS = [
    (rb.ExplicitALS(n_factors=8, regularization=0.01, bias_regularization=0.01, n_iterations=12), "rmse"),
    (rb.ExplicitALS(n_factors=8, regularization=0.01, n_iterations=12, solver="cg"), "mae"),
    (rb.ExplicitALS(n_factors=8, n_iterations=12, non_negative=True), "recall@5"),
    (rb.ImplicitALS(n_factors=8, regularization=1e-4, n_iterations=12), "ndcg@10"),
    (rb.ImplicitALS(n_factors=8, regularization=1e-4, n_iterations=12, solver="exact"), "map@3"),
    (rb.ImplicitALS(n_factors=8, n_iterations=12, loss="hu", non_negative=True), "hit_rate@2"),
    (rb.LogisticMF(n_factors=8, regularization=0.01, bias_regularization=0.01, n_iterations=12), "log_loss"),
    (rb.LogisticMF(n_factors=8, regularization=0.01, n_iterations=12, n_negatives=5), "mrr@10"),
]


@pytest.fixture(params=MODELS, ids=lambda pair: f"{pair[0]!r}-{pair[1]}")
def model_and_metric(request: pytest.FixtureRequest) -> tuple[Any, str]:
    model, metric = request.param
    return model.clone(), metric


def values(model: Any) -> list[float]:
    """The metric after each iteration."""
    return [record["validation"] for record in model.history_ if record["side"] == "items"]


def lower_is_better(metric: str) -> bool:
    return "@" not in metric


def test_what_is_measured_is_what_evaluate_measures(model_and_metric: Any, parts: Any) -> None:
    model, metric = model_and_metric
    model.fit(*parts, metric=metric)
    k = int(metric.split("@")[1]) if "@" in metric else 10
    report = rb.evaluate(model, *parts, k=k, baselines=False)
    assert model.history_[-1]["validation"] == pytest.approx(report.metrics[metric], rel=1e-6)
    measured = [record["side"] for record in model.history_ if record["validation"] is not None]
    assert measured == ["items"] * 12 + ["final users"]


def test_each_iteration_is_measured_as_it_would_be_served(parts: Any) -> None:
    """With users re-solved on the current items: the value after iteration i is that of a fit of i iterations."""
    model = rb.ImplicitALS(n_factors=8, solver="exact", n_iterations=5).fit(*parts)
    for iteration, value in enumerate(values(model), start=1):
        shorter = model.clone().set_params(n_iterations=iteration).fit(*parts)
        assert value == pytest.approx(shorter.history_[-1]["validation"], abs=2e-3)


def test_measuring_does_not_change_the_fit(model_and_metric: Any, parts: Any) -> None:
    model, metric = model_and_metric
    measured, bare = model.clone().fit(*parts, metric=metric), model.clone().fit(parts[0])
    np.testing.assert_allclose(measured.user_factors_, bare.user_factors_, atol=1e-5)
    np.testing.assert_allclose(measured.item_factors_, bare.item_factors_, atol=1e-5)
    losses = [[record["loss"] for record in one.history_] for one in (measured, bare)]
    assert losses[0][:-1] == losses[1][:-1]
    assert losses[0][-1] == pytest.approx(losses[1][-1], rel=1e-6)


@pytest.mark.parametrize("patience", [1, 3])
def test_the_best_iteration_is_kept(model_and_metric: Any, parts: Any, patience: int) -> None:
    """Against a run by hand: the same number of iterations, the items of the best, the users solved on them."""
    model, metric = model_and_metric
    whole = values(model.clone().set_params(n_iterations=40).fit(*parts, metric=metric))
    sign = -1 if lower_is_better(metric) else 1
    best, waited, expected = 0, 0, len(whole)
    for iteration in range(1, len(whole)):
        if sign * whole[iteration] > sign * whole[best]:
            best, waited = iteration, 0
        else:
            waited += 1
        if waited == patience:
            expected = iteration + 1
            break
    stopped = model.clone().set_params(n_iterations=40).fit(*parts, metric=metric, patience=patience)
    assert stopped.n_iterations_ == expected
    assert stopped.stopped_by_ == ("early_stopping" if expected < 40 or waited == patience else "n_iterations")
    assert values(stopped) == whole[:expected]
    by_hand = model.clone().set_params(n_iterations=best + 1).fit(*parts, metric=metric)
    np.testing.assert_allclose(stopped.item_factors_, by_hand.item_factors_, atol=1e-4)
    np.testing.assert_allclose(stopped.user_factors_, by_hand.user_factors_, atol=2e-3)
    assert stopped.history_[-1]["validation"] == pytest.approx(by_hand.history_[-1]["validation"], abs=1e-3)


@pytest.mark.parametrize("ending", ["n_iterations", "callback", "tolerance"])
def test_the_best_iteration_is_kept_however_the_fit_ends(parts: Any, ending: str) -> None:
    model = rb.ImplicitALS(n_factors=8, regularization=1e-4, solver="exact", n_iterations=9)
    whole = values(model.clone().fit(*parts))
    best = 1 + int(np.argmax(whole))
    assert best < 9  # else the data show nothing
    keywords: dict[str, Any] = {}
    if ending == "callback":
        keywords["callbacks"] = [lambda _, r: r["side"] == "items" and r["iteration"] == best + 1]
    if ending == "tolerance":
        losses = [r["loss"] for r in model.clone().fit(*parts).history_ if r["side"] in ("start", "items")]
        model.set_params(tolerance=1.001 * (losses[best] - losses[best + 1]) / losses[best])
    stopped = model.fit(*parts, patience=99, **keywords)
    assert stopped.stopped_by_ == ending
    assert stopped.n_iterations_ > best
    by_hand = model.clone().set_params(n_iterations=best, tolerance=None).fit(*parts)
    np.testing.assert_allclose(stopped.item_factors_, by_hand.item_factors_, atol=1e-4)


def test_a_better_last_iteration_is_kept_when_a_callback_ends_it(parts: Any) -> None:
    model = rb.ImplicitALS(n_factors=8, n_iterations=9)
    assert values(model.clone().fit(*parts))[1] > values(model.clone().fit(*parts))[0]
    ended = model.clone().fit(*parts, patience=5, callbacks=[lambda _, r: r["side"] == "items" and r["iteration"] == 2])
    by_hand = model.clone().set_params(n_iterations=2).fit(*parts)
    np.testing.assert_array_equal(ended.item_factors_, by_hand.item_factors_)


def test_default_metrics(parts: Any) -> None:
    train, test = parts
    for model, metric in ((rb.ExplicitALS, "rmse"), (rb.ImplicitALS, "ndcg@10"), (rb.LogisticMF, "ndcg@10")):
        one = model(n_factors=2, n_iterations=1)
        assert values(one.clone().fit(train, test)) == values(one.clone().fit(train, test, metric=metric))


def test_parts_are_matched_by_id(parts: Any) -> None:
    """Other tables, other order, ids as text: the same pairs give the same value."""
    train, test = parts
    users = [str(test.user_ids[int(u)]) for u in test.user_items.row_of_entry()]
    items = [str(test.item_ids[int(i)]) for i in test.user_items.indices]
    text = rb.Interactions.from_arrays(
        [*users, "nobody"], [*items, "nothing"], ratings=[*test.user_items.values().tolist(), 5.0]
    )
    for model in (rb.ExplicitALS(n_factors=4, n_iterations=2), rb.ImplicitALS(n_factors=4, n_iterations=2)):
        assert values(model.clone().fit(train, text)) == pytest.approx(values(model.clone().fit(train, test)), rel=1e-6)


def test_what_was_seen_or_weighs_nothing_is_not_measured(parts: Any) -> None:
    train, test = parts
    more = rb.Interactions.from_csr(
        rb.Csr.from_pairs(
            np.concatenate([train.user_items.row_of_entry(), test.user_items.row_of_entry()]),
            np.concatenate([train.user_items.indices, test.user_items.indices]),
            np.concatenate([train.user_items.values(), test.user_items.values()]),
            train.shape,
        ),
        train.user_ids,
        train.item_ids,
    )
    model = rb.ImplicitALS(n_factors=4, n_iterations=2)
    expected = values(model.clone().fit(train, test))
    assert values(model.clone().fit(train, more)) == pytest.approx(expected)
    half = test.subset(np.arange(test.nnz) % 2 == 0)
    weighted = test.subset(np.ones(test.nnz, dtype=bool))
    weighted.weights = (np.arange(test.nnz) % 2 == 0).astype(np.float32)
    assert values(model.clone().fit(train, weighted)) == values(model.clone().fit(train, half))


def test_what_cannot_be_measured_is_refused(parts: Any) -> None:
    train, test = parts
    model = rb.ImplicitALS(n_factors=2, n_iterations=1)
    with pytest.raises(ParameterError, match=r"'metric' parameter must be one of .*ndcg@k.*Got 'ndgc@10'"):
        model.fit(train, test, metric="ndgc@10")
    for one, metric in ((model, "rmse"), (model, "log_loss"), (rb.ExplicitALS(), "log_loss"), (rb.LogisticMF(), "mae")):
        with pytest.raises(ParameterError, match=r"'metric' parameter of fit must suit .*use a ranking metric"):
            one.fit(train, test, metric=metric)
    strangers = rb.Interactions.from_arrays(["x", "y"], ["p", "q"])
    with pytest.raises(DataError, match="validation has no pair to measure ndcg@10 on among its 2 pairs"):
        model.fit(train, strangers)
    with pytest.raises(DataError, match="in pairs that training does not have"):
        model.fit(train, train)
    with pytest.raises(DataError):
        model.fit(train, "test.csv")
