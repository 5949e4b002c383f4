"""Far more factors than users or items, and an odd number of them: the whole path from fit to answers."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import ridgeback as rb

PATH = [
    rb.ImplicitALS(n_factors=1023, solver="cg", regularization=0.05, n_iterations=2, n_threads=2),
    rb.ImplicitALS(n_factors=512, solver="exact", regularization=0.05, n_iterations=2, n_threads=2),
    rb.ExplicitALS(n_factors=1023, regularization=0.05, n_iterations=2, n_threads=2),
]


def table() -> rb.Interactions:
    rng = np.random.default_rng(3)
    users, items = np.nonzero(rng.random((30, 22)) < 0.4)
    return rb.Interactions.from_arrays(users, items, ratings=rng.integers(1, 6, len(users)))


@pytest.mark.parametrize("model", PATH, ids=lambda model: f"{model.family} {model.solver} {model.n_factors}")
def test_the_whole_path_with_more_factors_than_rows(model: Any, tmp_path: Path) -> None:
    train, test = rb.split.random(table(), test_fraction=0.2, random_state=1)
    fitted = model.clone().fit(train)
    assert fitted.item_factors_.shape == (22, model.n_factors)
    assert np.isfinite(fitted.user_factors_).all()
    assert np.isfinite(fitted.item_factors_).all()
    assert 0 < fitted.live_rank_ <= 22
    losses = [record["loss"] for record in fitted.history_]
    assert losses[-1] < losses[0]
    if fitted.parameters_["solver"] == "exact":
        assert all(later <= earlier * (1 + 1e-6) for earlier, later in itertools.pairwise(losses))
    fitted.save(tmp_path / "m.ridge")
    loaded = rb.load(tmp_path / "m.ridge")
    user = next(u for u in loaded.user_ids_ if len(loaded.recommend(u, k=3)) == 3)
    row = int(loaded.user_ids_.rows([user])[0])
    answers = loaded.recommend(user, k=3)
    np.testing.assert_array_equal(answers.items, fitted.recommend(user, k=3).items)
    blocks = list(loaded.recommend_all(k=3))
    assert sum(len(block.counts) for block in blocks) >= 29
    own, values = train.user_items.indices, train.user_items.values()
    begin, end = train.user_items.indptr[row : row + 2]
    history = {train.item_ids[int(own[j])]: float(values[j]) for j in range(begin, end)}
    folded = loaded.fold_in(history)
    np.testing.assert_allclose(folded.factors, fitted.user_factors_[row], atol=1e-6)
    explanation = loaded.explain(user, answers[0].item)
    total = explanation.baseline + sum(one.contribution for one in explanation.contributions)
    assert total == pytest.approx(explanation.score, abs=1e-5)
    assert explanation.score == pytest.approx(loaded.score(user, answers[0].item), abs=1e-4)
    assert len(loaded.similar_items(answers[0].item, k=5)) == 5
    metric = "rmse" if model.family == "explicit" else "ndcg@10"
    assert np.isfinite(rb.evaluate(loaded, train, test, n_resamples=0, baselines=False).metrics[metric])


def test_both_solvers_arrive_at_the_same_scores() -> None:
    data = table()
    settings = {"n_factors": 520, "regularization": 0.1, "unobserved_weight": 0.2, "n_iterations": 10, "n_threads": 2}
    one, other = (rb.ImplicitALS(solver=solver, **settings).fit(data) for solver in ("cg", "exact"))
    scores = [model.user_factors_ @ model.item_factors_.T for model in (one, other)]
    np.testing.assert_allclose(scores[0], scores[1], atol=5e-3)
    small = rb.ImplicitALS(solver="exact", **{**settings, "n_factors": 22}).fit(data)
    assert other.history_[-1]["loss"] == pytest.approx(small.history_[-1]["loss"], rel=1e-3)
