"""Options made from the signatures of models."""

from __future__ import annotations

from typing import Literal

import pytest

from ridgeback.cli import model_options
from ridgeback.cli.model_options import parse_value


class One:
    """A model.

    Parameters
    ----------
    n_factors : int, default=64
        Columns of the factors, at least 1.
    init, init_scale
        How it starts.
    biases : bool, default=True
        Whether rows have biases.
    weight_exponents : tuple of two floats, optional
        Exponents of the weight.

    Attributes
    ----------
    n_iterations : int
        Not a parameter.
    """

    def __init__(
        self,
        n_factors: int = 64,
        init: str = "normal",
        init_scale: float = 0.1,
        biases: bool = True,
        weight_exponents: tuple[float, float] | None = None,
    ) -> None: ...


class Two:
    """Without a section on parameters."""

    def __init__(
        self, n_factors: int = 32, n_cg_steps: int | Literal["auto"] = "auto", alpha: float | None = None
    ) -> None: ...


@pytest.fixture(autouse=True)
def _models(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model_options, "FAMILIES", {"one": "One", "two": "Two"})
    monkeypatch.setattr(model_options, "model_class", {"one": One, "two": Two}.__getitem__)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("12", 12), ("-3", -3), ("0.5", 0.5), (".3", 0.3), ("1e-3", 0.001), (".3,.3", (0.3, 0.3)), ("(1, 2)", (1, 2)),
        ("none", None), ("auto", "auto"), ("True", True), ("1_000", "1_000"), ("１２", "１２"), ("ials", "ials"),
    ],
)  # fmt: skip
def test_values_as_in_python(text: str, value: object) -> None:
    assert parse_value(text) == value
    assert type(parse_value(text)) is type(value)


@pytest.mark.usefixtures("_models")
def test_the_signature_and_the_docstring_make_the_parameters() -> None:
    found = model_options.parameters_of(One)
    assert list(found) == ["n_factors", "init", "init_scale", "biases", "weight_exponents"]
    assert found["n_factors"].default == 64
    assert found["n_factors"].text == "Columns of the factors, at least 1."
    assert found["init"].text == found["init_scale"].text == "How it starts."
    assert model_options.parameters_of(Two)["n_factors"].text == ""


def test_the_options() -> None:
    import click

    @click.command()
    @model_options.model_options(default="one")
    def command(**_: object) -> None: ...

    by_name = {parameter.name: parameter for parameter in command.params}
    assert list(by_name) == [
        "family",
        "n_factors",
        "init",
        "init_scale",
        "biases",
        "weight_exponents",
        "n_cg_steps",
        "alpha",
    ]
    assert by_name["biases"].opts == ["--biases"]
    assert by_name["biases"].secondary_opts == ["--no-biases"]
    help_page = command.get_help(click.Context(command, terminal_width=200))
    assert "--n-factors INTEGER" in help_page
    assert "Columns of the factors, at least 1. [default: 64 one, 32 two]" in help_page
    assert "(one) Exponents of the weight." in help_page
    assert "--weight-exponents NUMBER,NUMBER" in help_page
    assert "--n-cg-steps auto|INTEGER" in help_page


def test_only_what_is_given_reaches_the_model(monkeypatch: pytest.MonkeyPatch) -> None:
    given = {}

    class Recording(One):
        def __init__(self, n_factors: int = 1, biases: bool = True, alpha: float | None = None) -> None:
            given.update(n_factors=n_factors, biases=biases, alpha=alpha)

    monkeypatch.setattr(model_options, "model_class", {"one": Recording, "two": Two}.__getitem__)
    model_options.build_model("one", {"n_factors": "7", "biases": False, "alpha": None})
    assert given == {"n_factors": 7, "biases": False, "alpha": None}


def test_a_parameter_of_another_model_is_refused() -> None:
    import click

    with pytest.raises(
        click.UsageError, match=r"--alpha is not a parameter of --model one; it has: --n-factors, --init"
    ):
        model_options.build_model("one", {"alpha": "3"})
    with pytest.raises(click.UsageError, match="--alpha needs --model"):
        model_options.build_named_model(None, {"alpha": "3"})
    assert model_options.build_named_model(None, {"alpha": None}) is None
