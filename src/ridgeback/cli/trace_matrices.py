"""What `ridgeback trace --ratings` fits: typed matrices, and a model whose every number can be recomputed by hand."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import click

from ridgeback.cli.fit import EVERY_VALUE_IS_ONE, takes_every_value_as_one
from ridgeback.cli.model_options import build_model, parse_value
from ridgeback.cli.typed_matrix import check_shape, parse_matrix, parse_names

if TYPE_CHECKING:
    from ridgeback.data import Interactions
    from ridgeback.models.factor_model import FactorModel
    from ridgeback.solvers.problem import Float64Array

N_FACTORS = 2
UNOBSERVED_WEIGHT = 0.1


class TypedMatrices:
    """Ratings, names and starting factors as they were typed.

    Parameters
    ----------
    options : mapping
        ratings, users, items, user_factors, item_factors, and the model's parameters.
    """

    def __init__(self, options: Mapping[str, Any]) -> None:
        self.ratings = parse_matrix("--ratings", options["ratings"], may_lack=True)
        n_users, n_items = self.ratings.shape
        self.users = parse_names("--users", options["users"], n_users, "u")
        self.items = parse_names("--items", options["items"], n_items, "i")
        self.factors = {
            word: None if options[f"{word}_factors"] is None
            else parse_matrix(f"--{word}-factors", options[f"{word}_factors"])
            for word in ("user", "item")
        }  # fmt: skip
        self.n_factors = self._check(options, {"user": n_users, "item": n_items})

    def _check(self, options: Mapping[str, Any], sizes: Mapping[str, int]) -> int:
        """The number of factors, that all matrices agree on."""
        given = {word: matrix for word, matrix in self.factors.items() if matrix is not None}
        if given and options["init"] is not None:
            raise click.UsageError("--init says how factors are drawn; leave it out where --user-factors and "
                                   "--item-factors are given.")  # fmt: skip
        asked = None if options["n_factors"] is None else parse_value(options["n_factors"])
        if not given or not isinstance(asked, (int, type(None))):
            return N_FACTORS if asked is None else asked  # what is no number is the model's business
        for word, matrix in given.items():
            check_shape(f"--{word}-factors", matrix, sizes[word], word, asked)
        numbers = {matrix.shape[1] for matrix in given.values()}
        if len(numbers) > 1:
            shapes = [f"--{word}-factors is {m.shape[0]} x {m.shape[1]}" for word, m in given.items()]
            raise click.UsageError(f"{' and '.join(shapes)}: both need as many columns, one a factor.")
        return int(numbers.pop())

    def interactions(self) -> Interactions:
        """The listed pairs; users and items keep their places, those without a pair too."""
        from ridgeback.examples.twins import matrix_interactions

        return matrix_interactions(self.ratings, self.users, self.items)

    def model(self, family: str, options: Mapping[str, Any]) -> FactorModel:
        """The unfitted twin, in float64, of the model that the options describe."""
        from ridgeback.examples.twins import by_hand

        settings = {name: value for name, value in options.items() if value is not None}
        settings = {**defaults(family, settings), **settings, "n_factors": self.n_factors}
        model: Any = build_model(family, settings)
        if any(matrix is not None for matrix in self.factors.values()):
            model.set_params(init=self._start(model))
        return by_hand(model)

    def _start(self, model: Any) -> tuple[Float64Array, Float64Array]:
        """Both matrices; one that was not given is drawn as it would be without the other."""
        from ridgeback.models.initialization import draw, generators

        streams = generators(model.random_state, type(model).__name__)
        sizes = zip(("user", "item"), self.ratings.shape, streams, strict=True)
        start: list[Any] = []
        for word, n, rng in sizes:
            given = self.factors[word]
            start.append(draw("normal", (n, self.n_factors), model.init_scale, rng) if given is None else given)
        return start[0], start[1]

    def notes(self, model: FactorModel) -> Iterator[str]:
        """What a reader must know of the start and of the values."""
        drawn = [word for word, matrix in self.factors.items() if matrix is None]
        if len(drawn) == 1:
            yield f"note: the {drawn[0]} factors were drawn, the others given"
        values = self.ratings[self.ratings > 0]
        if takes_every_value_as_one(model) and (values != 1).any():
            yield EVERY_VALUE_IS_ONE


def defaults(family: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """The plain model: no biases, no frequency weighting, the axes of the start."""
    plain: dict[str, Any] = {"frequency_exponent": 0.0, "orientation": "start"}
    if family != "implicit":
        return {**plain, "biases": False}
    plain["weight_exponents"] = (0.0, 0.0)
    if given.get("loss") == "hu":
        return {**plain, "alpha": 1.0}
    return {**plain, "unobserved_weight": UNOBSERVED_WEIGHT}
