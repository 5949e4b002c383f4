"""Every parameter that cannot be used is refused in one sentence, before any work is done."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import ridgeback as rb
from ridgeback.errors import NotFittedError, ParameterError
from ridgeback.models.defaults import DEFAULTS, DataShape

MODELS = [rb.ExplicitALS, rb.ImplicitALS, rb.LogisticMF]


def data() -> rb.Interactions:
    return rb.Interactions.from_arrays([1, 1, 2, 2, 3], ["a", "b", "a", "c", "b"], ratings=[5, 3, 4, 1, 2])


COMMON: list[tuple[str, Any, str]] = [
    *(("n_factors", value, "a whole number of at least 1") for value in (0, -1, 2.0, "8", None, True, np.float32(3))),
    *(("n_iterations", value, "a whole number of at least 0") for value in (-1, 1.5, "3", None, False)),
    *(("n_threads", value, "a whole number of at least 1") for value in (0, -2, 1.0, "2", True)),
    *(("init_scale", value, "a finite number of at least 0") for value in (-0.1, np.nan, np.inf, "x", None, True)),
    *(("tolerance", value, "a finite number of at least 0") for value in (-1e-9, np.nan, np.inf, "x", False)),
    *(("regularization", value, "a finite number of at least 0") for value in (-0.1, np.nan, np.inf, "x", True)),
    *(("frequency_exponent", value, "a finite number of at least 0") for value in (-1, np.nan, np.inf, "x")),
    *(("orientation", value, "one of 'auto', 'principal', 'start'") for value in ("pca", None, 1)),
    *(("random_state", value, "a whole number of at least 0") for value in (-1, 1.5, "0", True, np.random)),
]
OWN: dict[type, list[tuple[str, Any, str]]] = {
    rb.ExplicitALS: [
        *(("bias_regularization", value, "a finite number of at least 0") for value in (-0.1, np.nan, "x")),
        *((name, value, "True or False") for name in ("biases", "non_negative") for value in (1, None, "yes")),
        *(("solver", value, "one of 'auto', 'exact', 'cg'") for value in ("lu", None, 3)),
        *(("n_cg_steps", value, "a whole number of at least 1") for value in (0, -1, 2.5, None, "three")),
    ],
    rb.ImplicitALS: [
        *(("loss", value, "one of 'ials', 'hu'") for value in ("bpr", None, 0)),
        *(("unobserved_weight", value, "a finite number of at least 0") for value in (-1, np.nan, "x")),
        *(("alpha", value, "a finite number above 0") for value in (0, -1.0, np.nan, "x")),
        *(("frequency_counts", value, "one of 'all', 'observed'") for value in ("some", None)),
        *(("weight_exponents", value, "two numbers") for value in (0.3, (0.3,), (1, 2, 3), "ab", {1: 2})),
        *(("weight_exponents", value, "a finite number of at least 0") for value in ((-1, 0), (0, np.nan), ("a", 0))),
        *(("non_negative", value, "True or False") for value in (1, None, "yes")),
        *(("solver", value, "one of 'auto', 'exact', 'cg'") for value in ("lu", None, 3)),
        *(("n_cg_steps", value, "a whole number of at least 1") for value in (0, -1, 2.5, None, "three")),
        *(("acceleration", value, "one of 'nesterov'") for value in ("anderson", 1, True)),
    ],
    rb.LogisticMF: [
        *(("bias_regularization", value, "a finite number of at least 0") for value in (-0.1, np.nan, "x")),
        *(("biases", value, "True or False") for value in (1, None, "yes")),
        *(("alpha", value, "a finite number above 0") for value in (0, -1.0, np.nan, "x")),
        *(("solver", value, "one of 'majorize', 'gradient', 'adagrad'") for value in ("newton", None, 3)),
        *(("step_size", value, "a finite number above 0") for value in (0, -1, np.inf, "x", None)),
        *(("n_negatives", value, "a whole number") for value in (-1, 1.5, "some", True)),
    ],
}
WRONG = [(model, *one) for model in MODELS for one in (*COMMON, *OWN[model])]


@pytest.mark.parametrize(("model", "name", "value", "expected"), WRONG)
def test_wrong_parameters_are_named(model: Any, name: str, value: Any, expected: str) -> None:
    one = model(**{name: value})
    sentence = rf"The '{name}' parameter of {model.__name__} must be .*{expected}.*Got .* instead"
    with pytest.raises(ParameterError, match=sentence):
        one.fit(data())
    with pytest.raises(NotFittedError):
        one.score(1, "a")


@pytest.mark.parametrize("model", MODELS)
def test_numpy_numbers_are_numbers(model: Any) -> None:
    given = model(
        n_factors=np.int64(2), n_iterations=np.uint8(1), regularization=np.float32(0.5), random_state=np.int32(3)
    )
    fitted = given.fit(data())
    assert fitted.user_factors_.shape == (3, 2)
    assert type(fitted.parameters_["n_factors"]) is int
    plain = model(n_factors=2, n_iterations=1, regularization=0.5, random_state=3).fit(data())
    np.testing.assert_array_equal(fitted.user_factors_, plain.user_factors_)


@pytest.mark.parametrize("model", [rb.ExplicitALS, rb.ImplicitALS])
def test_contradicting_parameters(model: Any) -> None:
    with pytest.raises(ParameterError, match=r"'orientation' parameter .* must be 'auto' or 'start' with non_negative"):
        model(non_negative=True, orientation="principal").fit(data())
    with pytest.raises(ParameterError, match=r"'solver' parameter .* must be 'auto' or 'exact' with non_negative"):
        model(non_negative=True, solver="cg").fit(data())


def test_what_belongs_to_the_other_loss() -> None:
    with pytest.raises(ParameterError, match=r"'unobserved_weight' parameter .* must be None with loss='hu'"):
        rb.ImplicitALS(loss="hu", unobserved_weight=0.1).fit(data())


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("n_factors", [10**6, 10**9, 10**15])
def test_factors_beyond_memory_are_refused_at_once(model: Any, n_factors: int) -> None:
    with pytest.raises(ParameterError, match=r"'n_factors' parameter .* need .* GB, this machine has .* GB"):
        model(n_factors=n_factors).fit(data())


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("column", ["ratings", "weights"])
def test_numbers_beyond_float32_are_an_error_and_leave_the_model_unfitted(model: Any, column: str) -> None:
    rng = np.random.default_rng(0)
    users, items = rng.integers(0, 40, 600), rng.integers(0, 30, 600)
    columns = {"ratings": rng.integers(1, 6, 600).astype(float), "weights": np.ones(600)}
    columns[column] *= 1e30
    huge = rb.Interactions.from_arrays(users, items, **columns)
    one = model(n_factors=4, **({"alpha": 1.0} if model is not rb.ExplicitALS else {}))
    with pytest.raises(rb.errors.ObjectiveRoseError, match=r"iteration \d+.*([Ss]cale the values down)"):
        one.fit(huge)
    with pytest.raises(NotFittedError):
        one.recommend(0)
    assert vars(one).keys() == one.get_params().keys()


def test_every_default_of_the_table_is_resolved() -> None:
    for model in MODELS:
        for loss in ("ials", "hu") if model is rb.ImplicitALS else (None,):
            fitted = (model() if loss is None else model(loss=loss)).fit(data())
            kind = loss or {"ExplicitALS": "explicit", "LogisticMF": "logistic"}[model.__name__]
            for name in DEFAULTS[kind]:
                assert model().get_params()[name] in (None, "auto")
                assert fitted.parameters_[name] is not None
            unresolved = {name for name, value in fitted.parameters_.items() if value in (None, "auto")}
            allowed = {"alpha"} if kind in ("ials", "logistic") else {"unobserved_weight"} if kind == "hu" else set()
            assert unresolved <= allowed | {"tolerance", "neighbor_weight", "n_cg_steps", "acceleration"}
            assert fitted.parameters_["n_threads"] >= 1
    assert rb.BiasBaseline().fit(data()).parameters_ == {"regularization": DEFAULTS["bias"]["regularization"]}


def test_defaults_that_depend_on_the_shape() -> None:
    fitted = rb.ImplicitALS(n_factors=2).fit(data())
    assert fitted.parameters_["unobserved_weight"] == pytest.approx(0.7 * np.sqrt(5 / 9))
    assert fitted.parameters_["frequency_exponent"] == 0.5
    assert fitted.parameters_["weight_exponents"] == (0.45, 0.15)
    assert rb.ImplicitALS(n_factors=2, loss="hu").fit(data()).parameters_["weight_exponents"] == (0.0, 0.0)
    assert rb.ImplicitALS(n_factors=2).fit(data()).parameters_["solver"] == "cg"
    assert rb.ImplicitALS(n_factors=2, non_negative=True).fit(data()).parameters_["solver"] == "exact"
    assert rb.ExplicitALS(n_factors=2).fit(data()).parameters_["solver"] == "exact"


def test_the_defaults_of_hu_follow_density_and_typical_value() -> None:
    users, items = np.arange(3).repeat(2), np.array([0, 1, 1, 2, 2, 0])
    counts = np.array([2.0, 4.0, 4.0, 4.0, 9.0, 5000.0])
    plain = rb.ImplicitALS(n_factors=2, loss="hu").fit(rb.Interactions.from_arrays(users, items)).parameters_
    counted = rb.Interactions.from_arrays(users, items, ratings=counts)
    fitted = rb.ImplicitALS(n_factors=2, loss="hu").fit(counted).parameters_
    assert plain["alpha"] == pytest.approx(1 / (0.7 * np.sqrt(6 / 9)))
    assert fitted["alpha"] == pytest.approx(plain["alpha"] / 4)  # the median
    noise = 2 * np.sqrt(2) * 1.5 * 3 / 33 / 1.8
    assert fitted["regularization"] == pytest.approx((1 + plain["alpha"]) * noise)
    assert plain["regularization"] == pytest.approx(fitted["regularization"])
    stated = rb.ImplicitALS(n_factors=2, loss="hu", alpha=2.0, frequency_exponent=1.0).fit(counted).parameters_
    assert stated["regularization"] == pytest.approx((1 + 2 * 4) * noise / 2)


def test_the_typical_value_of_much_data_is_that_of_an_even_part() -> None:
    values = np.concatenate([np.full(400_000, 3.0), np.full(100_001, 50.0)])
    n = len(values)
    data = rb.Interactions.from_arrays(np.arange(n) // 1000, np.arange(n) % 1000, ratings=values)
    assert DataShape.of(data) == DataShape(data.n_users, data.n_items, n, 3.0)
    assert DataShape.of(rb.Interactions.from_arrays([1, 2], [1, 2])).typical_value == 1.0


def test_the_default_regularization_puts_chance_where_it_hardly_starts() -> None:
    """Of pairs that chance made, weighted alike, the directions beside the popularities stand about at the edge."""
    rng = np.random.default_rng(0)
    for n_users, n_items, density in ((400, 300, 0.05), (1500, 200, 0.1)):
        chance = rb.Interactions.from_arrays(*np.nonzero(rng.random((n_users, n_items)) < density))
        for parameters in ({}, {"frequency_exponent": 1.0}, {"frequency_exponent": 0.0, "unobserved_weight": 0.5}):
            model = rb.ImplicitALS(weight_exponents=(0, 0), **parameters)
            values = model.starting_values(chance, n=3)
            assert values[0] > 2.5  # what everybody has in common
            assert values[1] == pytest.approx(1.8, rel=0.15)


def test_the_default_regularization_leaves_toys_alone() -> None:
    model = rb.ImplicitALS(n_factors=2).fit(data())
    assert 0 < model.parameters_["regularization"] < 0.5
    assert model.live_rank_ == 2
    observed = rb.ImplicitALS(n_factors=2, frequency_counts="observed").fit(data())
    assert observed.parameters_["regularization"] > model.parameters_["regularization"]  # its frequencies are smaller


@pytest.mark.parametrize("model", MODELS)
def test_given_values_are_used_and_told(model: Any) -> None:
    given = {"n_factors": 2, "regularization": 0.7, "frequency_exponent": 0.5, "n_iterations": 2, "tolerance": 1e-3}
    fitted = model(**given, n_threads=2, orientation="start", random_state=np.random.default_rng(1)).fit(data())
    assert fitted.parameters_.items() >= {**given, "n_threads": 2, "orientation": "start"}.items()
    assert fitted.parameters_["random_state"] == "Generator"
    assert fitted.parameters_["init"] == "normal"
    warm = model(n_factors=3, init=fitted).fit(data())
    assert warm.parameters_["init"] == "warm start"
    declared = model(n_factors=2, init=(fitted.user_factors_, fitted.item_factors_)).fit(data())
    assert (declared.parameters_["init"], declared.parameters_["orientation"]) == ("declared", "start")
    assert "array" in repr(declared)


@pytest.mark.parametrize(
    ("model", "blamed"),
    [
        (rb.ExplicitALS(4, regularization=1e300), "regularization=1e[+]300"),
        (rb.ImplicitALS(4, unobserved_weight=1e300), "unobserved_weight=1e[+]300"),
        (rb.ImplicitALS(4, alpha=1e300), "alpha=1e[+]300"),
        (rb.ImplicitALS(4, frequency_exponent=1e3), "frequency_exponent=1000"),
        (rb.LogisticMF(4, init_scale=1e300), "init_scale=1e[+]300"),
    ],
)
def test_an_absurd_parameter_is_blamed_and_not_the_data(model: Any, blamed: str) -> None:
    data = rb.Interactions.from_arrays([1, 1, 2, 3, 3], [1, 2, 2, 3, 1], ratings=[1, 2, 3, 4, 5])
    with pytest.raises(rb.errors.ObjectiveRoseError, match=f"{blamed} is beyond what float32 factors can follow"):
        model.fit(data)


def test_threads_are_blamed_for_their_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    data = rb.Interactions.from_arrays([1, 1, 2], [1, 2, 2])
    monkeypatch.setattr("ridgeback.models.checks.memory_bytes", lambda: 10**9)
    with pytest.raises(ParameterError, match=r"'n_threads' parameter .* 1024 threads need 2.1 GB at 256 factors"):
        rb.ImplicitALS(256, n_threads=10**6).fit(data)
    with pytest.raises(ParameterError, match="'n_factors' parameter of ImplicitALS"):
        rb.ImplicitALS(8192, n_threads=10**6).fit(data)
    monkeypatch.undo()
    rb.ImplicitALS(4, n_iterations=1, n_threads=10**6).fit(data)


@pytest.mark.parametrize("callbacks", [[3], 3, print, [print, None]])
def test_callbacks_are_functions(callbacks: Any) -> None:
    data = rb.Interactions.from_arrays([1, 1, 2], [1, 2, 2])
    for model in (rb.ImplicitALS(4), rb.Popularity()):
        with pytest.raises(ParameterError, match=r"argument 'callbacks' of .*fit must be a list of functions"):
            model.fit(data, callbacks=callbacks)
