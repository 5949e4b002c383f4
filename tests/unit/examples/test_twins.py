"""Fits by hand, in float64 on the readable solvers, beside the fits that they are twins of."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.sparse
from click.testing import CliRunner

import ridgeback as rb
from ridgeback.cli import main
from ridgeback.errors import DataError
from ridgeback.examples.twins import by_hand

MODELS = [
    rb.ExplicitALS(3, n_iterations=3),
    rb.ExplicitALS(3, n_iterations=3, non_negative=True),
    rb.ExplicitALS(3, n_iterations=3, solver="cg", n_cg_steps=2),
    rb.ImplicitALS(3, n_iterations=3, solver="exact"),
    rb.ImplicitALS(3, n_iterations=3, loss="hu", solver="cg", n_cg_steps=2),
    rb.LogisticMF(3, n_iterations=3),
    rb.LogisticMF(3, n_iterations=3, solver="gradient"),
    rb.LogisticMF(3, n_iterations=3, solver="adagrad"),
]


@pytest.fixture(scope="module")
def data() -> rb.Interactions:
    rng = np.random.default_rng(5)
    users, items = np.nonzero(rng.random((12, 9)) < 0.5)
    return rb.Interactions.from_arrays(users, items, ratings=rng.integers(1, 6, len(users)).astype(float))


@pytest.mark.parametrize("model", MODELS, ids=repr)
def test_the_twin_walks_the_same_way(model: Any, data: rb.Interactions) -> None:
    fast, hand = rb.Trace(), rb.Trace()
    model.clone().fit(data, trace=fast)
    by_hand(model).fit(data, trace=hand)
    assert (fast.header["precision"], hand.header["precision"]) == ("single", "double")
    for ours, theirs in zip(hand.steps, fast.steps, strict=True):
        assert (ours["side"], ours["method"]) == (theirs["side"], theirs["method"])
        assert ours["loss"] == pytest.approx(theirs["loss"], rel=1e-4)
        assert ours["predictions"] == pytest.approx(theirs["predictions"], rel=1e-2, abs=1e-3)
    for step in hand.steps:
        for row in step["rows"]:
            if step["method"] != "cg":
                assert row["after"] == pytest.approx(row["x"], rel=1e-9, abs=1e-12)


def test_declared_matrices_are_not_rounded(data: rb.Interactions) -> None:
    users, items = np.full((12, 1), 0.1), np.full((9, 1), 0.2)
    trace = rb.Trace()
    by_hand(rb.ExplicitALS(1, n_iterations=0, init=(users, items))).fit(data, trace=trace)
    assert trace.steps[0]["user_factors"].tolist() == users.tolist()
    assert trace.steps[0]["item_factors"].tolist() == items.tolist()


def test_a_matrix_is_traced_as_the_command_line_traces_it(tmp_path: Path) -> None:
    settings = ["--n-iterations", "2", "--random-state", "3", "--json-out", tmp_path / "typed.json"]
    typed = CliRunner().invoke(main, ["trace", "--ratings", "4 2; 3 .", *map(str, settings)])
    assert typed.exit_code == 0, typed.output
    expected = rb.Trace.from_json(tmp_path / "typed.json")
    model = rb.ExplicitALS(2, biases=False, frequency_exponent=0, orientation="start", n_iterations=2, random_state=3)
    found = rb.examples.trace_matrix(model, [[4, 2], [3, np.nan]], users=["u1", "u2"], items=["i1", "i2"])
    assert found.header["users"]["ids"] == ["u1", "u2"]
    assert len(found.steps) == len(expected.steps)
    for ours, theirs in zip(found.steps, expected.steps, strict=True):
        assert ours["side"] == theirs["side"]
        np.testing.assert_allclose(ours["predictions"], theirs["predictions"], rtol=1e-12)
    assert "item_factors_" not in vars(model)


def test_a_dense_matrix_is_shown_the_way() -> None:
    dense = np.array([[4, np.nan], [3, 5]])
    with pytest.raises(DataError, match=r"NaN where a pair is missing .* rb\.examples\.matrix_interactions\(array\)"):
        rb.ExplicitALS().fit(dense)
    with pytest.raises(DataError, match=r"Where NaN means a missing pair, use rb\.examples\.matrix_interactions"):
        rb.Interactions.from_csr(scipy.sparse.csr_matrix(dense))
    data = rb.examples.matrix_interactions(dense)
    rows, columns = np.nonzero(~np.isnan(dense))
    same = rb.Interactions.from_arrays(rows, columns, dense[rows, columns])
    np.testing.assert_array_equal(data.user_items.indices, same.user_items.indices)
    np.testing.assert_array_equal(data.user_items.data, same.user_items.data)
