"""Where each model's parameters are looked for: around its measured defaults, which follow the data's shape.

A regularization is searched as a multiple of what the defaults would be at the setting's other parameters, so that a
value means the same on data of any shape, and for the final fit to more of the same data. How many iterations is not
drawn: every fit is judged after each of them and keeps the best.
"""

from __future__ import annotations

import difflib
import inspect
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from ridgeback.errors import ParameterError
from ridgeback.models.bayesian import BayesianALS
from ridgeback.models.defaults import NEIGHBOR_WEIGHT, DataShape, hu_regularization, ials_regularization
from ridgeback.models.explicit import ExplicitALS
from ridgeback.models.factor_model import FactorModel
from ridgeback.models.implicit import ImplicitALS
from ridgeback.models.logistic import LogisticMF

_GRID = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256)  # of n_factors
_N_NEIGHBORS = 200  # beyond it they add little (docs/neighbours.md)
_MORE_ITERATIONS = 1.5  # than the model's default, at most

Point = Mapping[str, Any]


class Trial(Protocol):
    """What draws values: a trial of Optuna."""

    def suggest_float(self, name: str, low: float, high: float, *, log: bool = False) -> float:
        """A number of a range."""
        ...

    def suggest_int(self, name: str, low: int, high: int, *, log: bool = False) -> int:
        """A whole number of a range."""
        ...

    def suggest_categorical(self, name: str, choices: Any) -> Any:
        """One of several values."""
        ...


@dataclass(frozen=True)
class Dimension:
    """One number that is searched.

    Attributes
    ----------
    name : str
        What a study calls it.
    parameter : str
        The constructor's parameter that it makes, or a part of it.
    untuned : float
        Where the model stands untuned.
    low, high : float
        The range.
    kind : {"linear", "log", "count", "choice"}
        "count" is a whole number on a logarithmic scale, "choice" is `low` or `high`.
    """

    name: str
    parameter: str
    untuned: float
    low: float
    high: float
    kind: str = "linear"

    def suggest(self, trial: Trial) -> float:
        """A value, drawn by a trial."""
        if self.kind == "count":
            return trial.suggest_int(self.name, int(self.low), int(self.high), log=True)
        if self.kind == "choice":
            return int(trial.suggest_categorical(self.name, (int(self.low), int(self.high))))
        return trial.suggest_float(self.name, self.low, self.high, log=self.kind == "log")


def dimensions(model: FactorModel, shape: DataShape, search: Iterable[str] | None = None) -> tuple[Dimension, ...]:
    """What is searched for a model on data of a shape.

    Parameters
    ----------
    model : ImplicitALS, ExplicitALS or LogisticMF
        A parameter that it states, other than the signature's default, stays as it is.
    shape : DataShape
    search : iterable of str, optional
        Names of the parameters to search; the others stay as they are. None: all that the model does not state.

    Raises
    ------
    ParameterError
        If there is no search space for the model, it has no such parameter to search, or nothing is left.
    """
    known, names = _all_dimensions(model, shape), parameter_names(model)
    wanted = None if search is None else _checked(search, names, model)
    stated = stated_parameters(model)
    if wanted is None:
        chosen = tuple(dimension for dimension in known if dimension.parameter not in stated)
    else:
        chosen = tuple(dimension for dimension in known if dimension.parameter in wanted)
    if not chosen:
        raise ParameterError(
            f"Nothing is left to search: every parameter of {model!r} that could be is stated or fixed. Leave out at "
            f"least one of {', '.join(name for name in names if name != 'n_iterations')}."
        )
    return chosen


def parameter_names(model: FactorModel) -> list[str]:
    """Names of the parameters that can be searched."""
    known = _all_dimensions(model, DataShape(1, 1, 1))
    return [*dict.fromkeys(dimension.parameter for dimension in known), "n_iterations"]


def searched_names(model: FactorModel, search: Iterable[str] | None, fixed: Iterable[str]) -> tuple[str, ...] | None:
    """Names of the parameters to search where some are fixed; `search` itself where none is.

    Parameters
    ----------
    model : ImplicitALS, ExplicitALS or LogisticMF
    search, fixed : iterable of str
        As in `ridgeback.tune`.

    Raises
    ------
    ParameterError
        If a name is no parameter of the model, or is both searched and fixed.
    """
    search = (search,) if isinstance(search, str) else search
    fixed = (fixed,) if isinstance(fixed, str) else tuple(fixed)
    own = model.get_params()
    for name in fixed:
        if name not in own:
            raise ParameterError(
                f"The 'fixed' parameter of tune must name parameters of {type(model).__name__}: {', '.join(own)}. "
                f"Got {name!r} among them{_near(name, own)}"
            )
    known = parameter_names(model)
    if search is None:
        stated = {*stated_parameters(model), *fixed}
        return tuple(name for name in known if name not in stated) if fixed else None
    wanted = _checked(search, known, model)
    both = [name for name in fixed if name in wanted]
    if both:
        raise ParameterError(
            f"The 'fixed' parameter of tune names {both[0]!r}, which 'search' names too: leave it out of one of them."
        )
    return tuple(name for name in known if name in wanted)


def suggest(model: FactorModel, trial: Trial, shape: DataShape, search: Iterable[str] | None = None) -> dict[str, Any]:
    """Draw a setting of a model: parameters for ``model.clone().set_params(...)``.

    Parameters
    ----------
    model : ImplicitALS, ExplicitALS or LogisticMF
    trial : Trial
        Such as Optuna's.
    shape : DataShape
        Of what will be fitted to, values included (`DataShape.of`).
    search : iterable of str, optional
        As in `dimensions`.

    Returns
    -------
    dict
        ``n_iterations`` is the most to run: fit with ``validation=`` and ``patience=``, which keep the best iteration.
    """
    search = None if search is None else tuple(search)
    point = draw(model, dimensions(model, shape, search), trial)
    return {**parameters(model, point, shape), "n_iterations": most_iterations(model, search)}


def draw(model: FactorModel, chosen: Iterable[Dimension], trial: Trial) -> dict[str, Any]:
    """Draw a point: a value of each dimension that matters at those before it."""
    point: dict[str, Any] = {}
    for dimension in chosen:
        if _matters(dimension, model, point):
            point[dimension.name] = dimension.suggest(trial)
    return point


def parameters(model: FactorModel, point: Point, shape: DataShape) -> dict[str, Any]:
    """The constructor's parameters that a drawn point stands for, on data of a shape; `n_iterations` is not among them.

    Parameters
    ----------
    model : ImplicitALS, ExplicitALS or LogisticMF
    point : mapping of str to float
        Values by name of dimension.
    shape : DataShape
    """
    untuned = model._resolve(shape)
    found: dict[str, Any] = {
        name: point[name] for name in ("n_neighbors", "neighbor_weight", "frequency_exponent") if name in point
    }
    if "n_factors" in point:
        found["n_factors"] = on_grid(point["n_factors"])
    if "weight_exponents_user" in point:
        found["weight_exponents"] = (point["weight_exponents_user"], point["weight_exponents_item"])
    if "unobserved_weight_multiple" in point:
        found["unobserved_weight"] = untuned["unobserved_weight"] * point["unobserved_weight_multiple"]
    if "alpha_multiple" in point:
        found["alpha"] = untuned["alpha"] * point["alpha_multiple"]
    for name in ("regularization", "bias_regularization"):
        if f"{name}_multiple" in point:
            found[name] = point[f"{name}_multiple"] * _level(model, name, {**untuned, **found}, untuned, shape)
    return {name: _rounded(value) for name, value in found.items()}


def untuned_point(model: FactorModel, chosen: Iterable[Dimension]) -> dict[str, Any]:
    """The point where a model stands untuned."""
    point: dict[str, Any] = {}
    for dimension in chosen:
        if _matters(dimension, model, point):
            point[dimension.name] = dimension.untuned
    return point


def guesses(model: FactorModel, chosen: Iterable[Dimension]) -> list[dict[str, Any]]:
    """Points worth trying before any is drawn: the neighbourhood term, and twice as many factors."""
    chosen = tuple(chosen)
    own, named = untuned_point(model, chosen), {dimension.name: dimension for dimension in chosen}
    found = []
    if "n_neighbors" in named:
        found.append({**own, "n_neighbors": _N_NEIGHBORS})
        if "neighbor_weight" in named:
            found[0]["neighbor_weight"] = NEIGHBOR_WEIGHT
    if "n_factors" in named and named["n_factors"].untuned * 2 <= named["n_factors"].high:
        found.append({**(found[0] if found else own), "n_factors": int(named["n_factors"].untuned * 2)})
    return found


def most_iterations(model: FactorModel, search: Iterable[str] | None = None) -> int:
    """How many iterations a setting may run: half as many again as the default, or just what the model states."""
    own = int(model.n_iterations)
    is_searched = "n_iterations" in search if search is not None else "n_iterations" not in stated_parameters(model)
    return math.ceil(_MORE_ITERATIONS * own) if is_searched else own


def stated_parameters(model: FactorModel) -> set[str]:
    """Names of the parameters that are not the signature's defaults."""
    defaults = inspect.signature(type(model)).parameters
    return {name for name, value in model.get_params().items() if not _is_same(value, defaults[name].default)}


def on_grid(n_factors: float) -> int:
    """The nearest of the numbers of factors that are tried."""
    return min(_GRID, key=lambda n: abs(math.log(n / n_factors)))


def _rounded(value: Any) -> Any:
    """Numbers to four digits: a setting is fitted as it is shown and typed again."""
    if isinstance(value, tuple):
        return tuple(_rounded(part) for part in value)
    return float(f"{value:.4g}") if isinstance(value, float) else value


def _matters(dimension: Dimension, model: FactorModel, point: Point) -> bool:
    """Whether a dimension changes anything at a point: the weight of neighbours does where there are any."""
    if dimension.parameter != "neighbor_weight":
        return True
    return bool(point["n_neighbors"] if "n_neighbors" in point else model.get_params()["n_neighbors"])


def _is_same(value: Any, default: Any) -> bool:
    if value is default:
        return True
    return isinstance(value, (bool, int, float, str)) and type(value) is type(default) and bool(value == default)


def _level(
    model: FactorModel, name: str, setting: Mapping[str, Any], untuned: Mapping[str, Any], shape: DataShape
) -> float:
    """What 1 stands for: the default at the setting's other parameters, of the same strength for a mean row."""
    exponent = setting["frequency_exponent"]
    if setting.get("loss") == "ials" and model.get_params()["regularization"] is None:
        counts_all = setting["frequency_counts"] == "all"
        return ials_regularization(shape, setting["unobserved_weight"], exponent, counts_all=counts_all)
    if setting.get("loss") == "hu" and model.get_params()["regularization"] is None:
        return hu_regularization(shape, setting["alpha"], exponent)
    counts = shape.n_interactions / shape.n_users, shape.n_interactions / shape.n_items
    change = (untuned["frequency_exponent"] - exponent) / 2 * math.log(counts[0] * counts[1])
    return float(untuned[name]) * math.exp(change)


def _all_dimensions(model: FactorModel, shape: DataShape) -> list[Dimension]:
    """Everything that can be searched of a model."""
    if isinstance(model, ImplicitALS):
        return _of_ials(model, shape) if model.loss == "ials" else _of_hu(model, shape)
    if isinstance(model, ExplicitALS):
        return [
            Dimension("regularization_multiple", "regularization", 1.0, 0.02, 10.0, "log"),
            *_of_biases(model),
            Dimension("frequency_exponent", "frequency_exponent", 1.0, 0.0, 1.0),
            _of_factors(model, shape, 2, 128),
        ]
    if isinstance(model, LogisticMF):
        return [
            Dimension("regularization_multiple", "regularization", 1.0, 0.1, 10.0, "log"),
            *_of_biases(model),
            _of_factors(model, shape, 4, 128),
        ]
    advice = (
        "BayesianALS draws its own ridges; more factors and samples only make it better and slower"
        if isinstance(model, BayesianALS)
        else "it has nothing to tune"
    )
    raise ParameterError(
        f"The 'model' parameter of tune must be ImplicitALS, ExplicitALS or LogisticMF. Got {type(model).__name__} "
        f"instead: {advice}."
    )


def _of_ials(model: ImplicitALS, shape: DataShape) -> list[Dimension]:
    # With alpha the pulls grow with the values, which the default regularization does not see.
    reach = 1.0 if model.alpha is None else 10.0
    return [
        Dimension("regularization_multiple", "regularization", 1.0, 0.15 / reach, 4.0 * reach, "log"),
        Dimension("unobserved_weight_multiple", "unobserved_weight", 1.0, 0.15, 5.0, "log"),
        Dimension("frequency_exponent", "frequency_exponent", 0.5, 0.0, 1.0),
        Dimension("weight_exponents_user", "weight_exponents", 0.45, 0.0, 0.9),
        Dimension("weight_exponents_item", "weight_exponents", 0.15, 0.0, 0.5),
        _of_factors(model, shape, 8, 256),
        *_of_neighbors(),
    ]


def _of_hu(model: ImplicitALS, shape: DataShape) -> list[Dimension]:
    return [
        Dimension("regularization_multiple", "regularization", 1.0, 0.1, 10.0, "log"),
        Dimension("alpha_multiple", "alpha", 1.0, 0.1, 10.0, "log"),
        Dimension("frequency_exponent", "frequency_exponent", 0.0, 0.0, 1.0),
        Dimension("weight_exponents_user", "weight_exponents", 0.0, 0.0, 0.9),
        Dimension("weight_exponents_item", "weight_exponents", 0.0, 0.0, 0.5),
        _of_factors(model, shape, 8, 256),
        *_of_neighbors(),
    ]


def _of_factors(model: FactorModel, shape: DataShape, low: int, high: int) -> Dimension:
    """Up to twice the default where a side has that many rows at most, and never above `high`."""
    own = int(inspect.signature(type(model)).parameters["n_factors"].default)
    most = max(own, min(high, on_grid(max(1, min(shape.n_users, shape.n_items) // 2))))
    return Dimension("n_factors", "n_factors", own, low, most, "count")


def _of_biases(model: Any) -> list[Dimension]:
    if not model.biases:
        return []
    return [Dimension("bias_regularization_multiple", "bias_regularization", 1.0, 0.02, 20.0, "log")]


def _of_neighbors() -> list[Dimension]:
    return [
        Dimension("n_neighbors", "n_neighbors", 0, 0, _N_NEIGHBORS, "choice"),
        Dimension("neighbor_weight", "neighbor_weight", NEIGHBOR_WEIGHT, 0.03, 1.0, "log"),
    ]


def _checked(search: Iterable[str], known: list[str], model: FactorModel) -> set[str]:
    """The names to search, each a parameter that can be."""
    if isinstance(search, str):
        search = (search,)
    wanted = set()
    for name in search:
        if name not in known:
            raise ParameterError(
                f"The 'search' parameter of tune must name parameters of {type(model).__name__} that can be searched: "
                f"{', '.join(known)}. Got {name!r} among them{_near(name, known)}"
            )
        wanted.add(name)
    return wanted


def _near(name: str, known: Iterable[str]) -> str:
    """The end of a sentence about an unknown name."""
    near = difflib.get_close_matches(str(name), list(known), n=1)
    return f"; did you mean {near[0]!r}?" if near else "."
