"""Search spaces: centred on the defaults, valid wherever they are drawn, and the same strength at any exponent."""

from __future__ import annotations

from typing import Any

import optuna
import pytest

import ridgeback as rb
from ridgeback.errors import ParameterError
from ridgeback.models.defaults import DataShape
from ridgeback.tuning import spaces

SHAPE = DataShape(6000, 3000, 500_000)
MODELS = [rb.ImplicitALS(), rb.ImplicitALS(loss="hu"), rb.ExplicitALS(), rb.LogisticMF()]


@pytest.fixture(autouse=True)
def quiet() -> Any:
    """Optuna says on stderr what it does; the tests need not."""
    level = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    yield
    optuna.logging.set_verbosity(level)


def drawn(model: Any, n: int, shape: DataShape = SHAPE, search: Any = None) -> list[dict[str, Any]]:
    """Settings of random trials."""
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    return [spaces.suggest(model, study.ask(), shape, search) for _ in range(n)]


@pytest.mark.parametrize("model", MODELS, ids=repr)
@pytest.mark.parametrize("shape", [SHAPE, DataShape(1, 1, 1), DataShape(3, 50_000, 40), DataShape(10**5, 10**5, 10**7)])
def test_whatever_is_drawn_is_a_setting_that_the_model_takes(model: Any, shape: DataShape) -> None:
    for setting in drawn(model, 30, shape):
        resolved = model.clone().set_params(**setting)._resolve(shape)
        assert resolved["regularization"] > 0
        assert 1 <= resolved["n_factors"] <= 256


@pytest.mark.parametrize("model", MODELS, ids=repr)
def test_the_untuned_point_is_the_model_as_it_is(model: Any) -> None:
    chosen = spaces.dimensions(model, SHAPE)
    setting = spaces.parameters(model, spaces.untuned_point(model, chosen), SHAPE)
    untuned = model._resolve(SHAPE)
    for name, value in setting.items():
        assert value == pytest.approx(untuned[name], rel=1e-3), name
    for dimension in chosen:
        assert dimension.low <= dimension.untuned <= dimension.high


def test_a_range_is_covered_to_both_sides() -> None:
    ratios = [
        setting["unobserved_weight"] / rb.ImplicitALS()._resolve(SHAPE)["unobserved_weight"]
        for setting in drawn(rb.ImplicitALS(), 100)
    ]
    assert min(ratios) < 0.3
    assert max(ratios) > 3


def test_a_regularization_follows_the_other_parameters() -> None:
    model = rb.ImplicitALS()
    point = {"regularization_multiple": 2.0, "unobserved_weight_multiple": 1.0, "frequency_exponent": 0.0}
    plain = spaces.parameters(model, point, SHAPE)["regularization"]
    assert plain == pytest.approx(
        2 * rb.ImplicitALS(frequency_exponent=0.0)._resolve(SHAPE)["regularization"], rel=1e-3
    )
    more = spaces.parameters(model, point, DataShape(6000, 3000, 2_000_000))["regularization"]
    assert more == pytest.approx(2 * plain, rel=1e-2)  # with the root of four times the pairs


def test_the_regularization_of_hu_follows_alpha() -> None:
    model = rb.ImplicitALS(loss="hu")
    found = spaces.parameters(model, {"regularization_multiple": 2.0, "alpha_multiple": 3.0}, SHAPE)
    assert found["alpha"] == pytest.approx(3 * model._resolve(SHAPE)["alpha"], rel=1e-3)
    stated = rb.ImplicitALS(loss="hu", alpha=found["alpha"])._resolve(SHAPE)
    assert found["regularization"] == pytest.approx(2 * stated["regularization"], rel=1e-3)


def test_a_mean_row_is_held_back_alike_at_any_exponent() -> None:
    model = rb.ExplicitALS()
    at = {
        exponent: spaces.parameters(
            model, {"regularization_multiple": 1.0, "frequency_exponent": exponent}, DataShape(100, 100, 2500)
        )["regularization"]
        for exponent in (0.0, 0.5, 1.0)
    }
    assert at[1.0] == pytest.approx(0.1)
    assert at[0.5] * 25**0.5 == pytest.approx(0.1 * 25, rel=1e-3)
    assert at[0.0] == pytest.approx(0.1 * 25, rel=1e-3)


def test_what_a_model_states_stays() -> None:
    model = rb.ImplicitALS(n_factors=50, weight_exponents=(0.1, 0.2), n_iterations=7)
    for setting in drawn(model, 20):
        assert not {"n_factors", "weight_exponents"} & set(setting)
        assert setting["n_iterations"] == 7
    assert drawn(rb.ImplicitALS(), 1)[0]["n_iterations"] == 24


def test_only_what_is_named_is_searched() -> None:
    for setting in drawn(rb.ImplicitALS(), 5, search=("regularization", "n_factors")):
        assert set(setting) == {"regularization", "n_factors", "n_iterations"}
        assert setting["n_iterations"] == 16
    stated = rb.ImplicitALS(regularization=0.05)
    assert "regularization" not in drawn(stated, 1)[0]
    assert drawn(stated, 1, search=(name for name in ("regularization",)))[0]["regularization"] != 0.05


def test_neighbours_have_a_weight_where_there_are_any() -> None:
    settings = drawn(rb.ImplicitALS(), 30)
    assert {setting["n_neighbors"] for setting in settings} == {0, 200}
    assert all(("neighbor_weight" in setting) == (setting["n_neighbors"] > 0) for setting in settings)
    assert all("neighbor_weight" in setting for setting in drawn(rb.ImplicitALS(n_neighbors=50), 5))
    assert not any("neighbor_weight" in setting for setting in drawn(rb.ImplicitALS(), 5, search=["neighbor_weight"]))


def test_guesses_are_points_of_the_space() -> None:
    model = rb.ImplicitALS()
    chosen = spaces.dimensions(model, SHAPE)
    first, second = spaces.guesses(model, chosen)
    assert (first["n_neighbors"], first["n_factors"]) == (200, 64)
    assert second["n_factors"] == 128
    assert spaces.guesses(rb.LogisticMF(), spaces.dimensions(rb.LogisticMF(), DataShape(9, 9, 20))) == []


def test_numbers_of_factors_stand_on_a_grid() -> None:
    assert [spaces.on_grid(n) for n in (1, 5, 60, 100, 1000)] == [1, 6, 64, 96, 256]


@pytest.mark.parametrize(
    ("model", "search", "message"),
    [
        (rb.BayesianALS(), None, "Got BayesianALS instead: BayesianALS draws its own ridges"),
        (rb.Popularity(), None, "Got Popularity instead: it has nothing to tune"),
        (rb.ImplicitALS(), ["alpha"], "must name parameters of ImplicitALS that can be searched: .* Got 'alpha'"),
        (rb.ImplicitALS(), "regularisation", "Got 'regularisation' among them"),
        (rb.ExplicitALS(), [], "Nothing is left to search"),
        (
            rb.LogisticMF(regularization=1, bias_regularization=1, n_factors=3),
            None,
            "Nothing is left to search: .* Leave out at least one of regularization, bias_regularization, n_factors",
        ),
    ],
)
def test_what_cannot_be_searched(model: Any, search: Any, message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        spaces.dimensions(model, SHAPE, search)
