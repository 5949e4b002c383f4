"""Where the factors start: drawn, declared by the caller, or taken from a fitted model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ridgeback.errors import ParameterError
from ridgeback.models.checks import fail
from ridgeback.models.parameters import Parameterized
from ridgeback.solvers.matrices import aligned
from ridgeback.solvers.problem import Float32Array

if TYPE_CHECKING:
    from ridgeback.data.ids import Ids

DRAWS = ("normal", "standard_normal", "uniform")


def is_declared(init: Any) -> bool:
    """Whether the caller gave the arrays."""
    return isinstance(init, (tuple, list)) and len(init) == 2


def is_model(init: Any) -> bool:
    """Whether the caller gave a fitted model."""
    return hasattr(init, "item_factors_") and hasattr(init, "item_ids_")


def check_draw(owner: str, init: Any) -> None:
    """Refuse what is neither a way of drawing nor arrays nor a fitted model."""
    if isinstance(init, str) and init in DRAWS:
        return
    if isinstance(init, Parameterized):
        raise ParameterError(
            f"The 'init' parameter of {owner} must be a model that is fitted. Got an unfitted {type(init).__name__} "
            "instead; call its fit first."
        )
    raise fail(
        owner, "init", f"{', '.join(map(repr, DRAWS))}, a pair (user_factors, item_factors), or a fitted model", init
    )


def generators(random_state: Any, owner: str) -> tuple[np.random.Generator, np.random.Generator]:
    """Two streams of one seed: the users' draws and the items' share no number."""
    if random_state is not None and (
        isinstance(random_state, (bool, np.bool_))
        or not isinstance(random_state, (int, np.integer, np.random.Generator))
        or (isinstance(random_state, (int, np.integer)) and random_state < 0)
    ):
        raise fail(
            owner, "random_state", "a whole number of at least 0, a numpy.random.Generator, or None", random_state
        )
    rng = np.random.default_rng(random_state)
    users, items = (np.random.default_rng(rng.integers(0, 2**63, size=4)) for _ in range(2))
    return users, items


def draw(method: str, shape: tuple[int, int], init_scale: float, rng: np.random.Generator) -> Float32Array:
    """Random factors: ``"normal"`` with sd ``init_scale / sqrt(k)``, ``"standard_normal"``, or ``"uniform"``."""
    with np.errstate(over="ignore"):  # beyond float32 the first loss is refused
        scale = np.float32(init_scale / np.sqrt(max(1, shape[1])))
    values = aligned(*shape)
    (rng.random if method == "uniform" else rng.standard_normal)(dtype=np.float32, out=values)
    if method != "standard_normal":
        values *= scale  # in place: a second copy would be the peak of the fit's memory
    return values


def declared(
    init: Any, shapes: tuple[tuple[int, int], tuple[int, int]], owner: str
) -> tuple[Float32Array, Float32Array]:
    """The caller's own matrices, checked and copied.

    Raises
    ------
    ParameterError
        When a matrix is not numeric, not finite, or not of the shape that the data and n_factors ask for.
    """
    checked: list[Float32Array] = []
    for name, matrix, shape in zip(("user_factors", "item_factors"), init, shapes, strict=True):
        try:
            array: npt.NDArray[Any] = np.array(matrix, dtype=np.float64)
        except (TypeError, ValueError):
            raise fail(owner, "init", f"two numeric matrices; {name} is not one", matrix) from None
        if array.shape != shape:
            raise ParameterError(
                f"The 'init' parameter of {owner} must give {name} of shape {shape} "
                f"({'users' if name == 'user_factors' else 'items'} x n_factors). Got shape {array.shape} instead."
                + (" It looks transposed: pass its .T." if array.shape == shape[::-1] else "")
            )
        single = aligned(*shape)
        with np.errstate(over="ignore"):
            single[...] = array
        if not np.isfinite(single).all():
            row, column = (int(i) for i in np.argwhere(~np.isfinite(single))[0])
            raise ParameterError(
                f"The 'init' parameter of {owner} must be finite in float32. Got {array[row, column]} in {name}, "
                f"row {row}, column {column} instead."
            )
        checked.append(single)
    return checked[0], checked[1]


def warm(
    init: Any, ids: tuple[Ids, Ids], n_factors: int, init_scale: float, streams: tuple[Any, Any], owner: str
) -> tuple[Float32Array, Float32Array, Float32Array | None, Float32Array | None]:
    """Factors and biases of a fitted model, matched by id; further rows and columns are drawn as for "normal"."""
    n_given = init.item_factors_.shape[1]
    if n_given > n_factors:
        raise ParameterError(
            f"The 'init' parameter of {owner} must be a model with at most n_factors = {n_factors} factors. "
            f"Got one with {n_given} instead; set n_factors={n_given} or fit a smaller model."
        )
    started: list[Float32Array] = []
    biases: list[Float32Array | None] = []
    sides = (("user", ids[0]), ("item", ids[1]))
    for (side, table), rng in zip(sides, streams, strict=True):
        rows = getattr(init, f"{side}_ids_").match(table)
        known = rows >= 0
        factors = draw("normal", (len(table), n_factors), init_scale, rng)
        factors[known, :n_given] = getattr(init, f"{side}_factors_")[rows[known]]
        started.append(factors)
        given = getattr(init, f"{side}_biases_")
        if given is None:
            biases.append(None)
        else:
            own = np.zeros(len(table), dtype=np.float32)
            own[known] = given[rows[known]]
            biases.append(own)
    return started[0], started[1], biases[0], biases[1]
