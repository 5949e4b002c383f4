"""Longer steps of the items: fewer iterations, never a loss that rises, nothing left behind by a step taken back."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest

import ridgeback as rb
from ridgeback.data.synthetic import catalogue
from ridgeback.errors import ParameterError
from ridgeback.models.acceleration import Nesterov
from ridgeback.models.alternation import Alternation, squared_loss
from ridgeback.models.row_solver import ConjugateGradient, Exact, RowSolver, Side
from ridgeback.solvers.problem import RowProblem


@pytest.fixture(scope="module")
def data() -> rb.Interactions:
    return catalogue(600, 120, random_state=0)


def fitted(data: rb.Interactions, **parameters: Any) -> rb.ImplicitALS:
    settings = {"n_factors": 16, "loss": "hu", "alpha": 10.0, "regularization": 5.0, "n_iterations": 30}
    return rb.ImplicitALS(**(settings | parameters)).fit(data)


@pytest.mark.parametrize("solver", ["cg", "exact"])
def test_half_the_iterations_reach_the_loss_and_it_never_rises(data: rb.Interactions, solver: str) -> None:
    plain = fitted(data, solver=solver)
    accelerated = fitted(data, solver=solver, acceleration="nesterov")
    losses = [record["loss"] for record in accelerated.history_]
    assert all(after <= before * (1 + 1e-6) for before, after in pairwise(losses))
    reached = next(
        record["iteration"] for record in accelerated.history_ if record["loss"] <= plain.history_[-2]["loss"]
    )
    assert reached <= 15
    assert accelerated.history_[-1]["loss"] < plain.history_[-1]["loss"]
    user = data.user_ids.to_numpy()[0]
    assert accelerated.explain(user, data.item_ids.to_numpy()[0]).score == pytest.approx(
        float(accelerated.score(user, [data.item_ids.to_numpy()[0]])[0]), abs=1e-5
    )


@pytest.mark.parametrize("solver", [ConjugateGradient(3), Exact()], ids=["cg", "exact"])
def test_a_step_taken_back_leaves_what_a_plain_one_does(data: rb.Interactions, solver: RowSolver) -> None:
    def state(acceleration: Nesterov | None) -> Alternation:
        rng = np.random.default_rng(0)
        problems: Any = {
            side: RowProblem(rows, np.full(rows.n_rows, 2.0), "weight", unobserved_weight=0.1)
            for side, rows in (("users", data.user_items), ("items", data.item_users))
        }
        sides: Any = {
            side: Side(rng.normal(size=(problem.rows.n_rows, 8)).astype(np.float32), None)
            for side, problem in problems.items()
        }
        return Alternation(problems, sides, solver, squared_loss, 2, np.zeros(1, np.uint8), acceleration)

    plain, accelerated = state(None), state(Nesterov())
    for one in (plain, accelerated):  # the first step has none before it
        for side in ("users", "items"):
            one.half_step(side)
    for side in ("users", "items"):
        assert np.array_equal(plain.sides[side].factors, accelerated.sides[side].factors)
    assert accelerated.acceleration is not None
    accelerated.acceleration.a = 1e6
    accelerated._spares["items"].factors[...] *= -50  # from there the step leads far away
    expected, got = plain.half_step("users"), accelerated.half_step("users")
    assert accelerated.acceleration.a == 1.0
    # Turned there and back, hence not the same bits.
    assert got.total == pytest.approx(expected.total, rel=1e-4)
    scores = [one.sides["users"].factors @ one.sides["items"].factors.T for one in (plain, accelerated)]
    assert np.abs(scores[0] - scores[1]).max() < 1e-3 * np.abs(scores[0]).max()


def test_with_validation_the_best_iteration_is_kept(data: rb.Interactions) -> None:
    train, test = rb.split.leave_last_out(data) if data.timestamps is not None else rb.split.random(data)
    model = rb.ImplicitALS(n_factors=8, n_iterations=20, acceleration="nesterov")
    model.fit(train, validation=test, patience=2)
    values = [record["validation"] for record in model.history_ if record["validation"] is not None]
    assert model.history_[-1]["side"] == "final users"
    assert values[-1] >= max(values) - 0.02


def test_factors_that_stay_non_negative_are_not_accelerated(data: rb.Interactions) -> None:
    with pytest.raises(ParameterError, match="'acceleration' parameter of ImplicitALS must be None with non_negative"):
        rb.ImplicitALS(acceleration="nesterov", non_negative=True).fit(data)


@pytest.mark.parametrize("n_threads", [1, 3])
def test_any_number_of_threads_gives_the_same_bits(data: rb.Interactions, n_threads: int) -> None:
    two, other = (
        fitted(data, acceleration="nesterov", n_iterations=6, n_threads=n_threads) for n_threads in (2, n_threads)
    )
    assert np.array_equal(two.item_factors_, other.item_factors_)
