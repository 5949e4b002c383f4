"""Constructor arguments as plain values and arrays, for the model file, and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

_PREFIX = "parameter"


class NotPlainError(TypeError):
    """A value that JSON cannot express."""


def plain(value: Any) -> Any:
    """None, bool, int, float, str, and lists and dicts of them; NumPy scalars become Python's, tuples become lists.

    Raises
    ------
    NotPlainError
        For anything else.
    """
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, (list, tuple)):
        return [plain(part) for part in value]
    if isinstance(value, Mapping) and all(isinstance(key, str) for key in value):
        return {key: plain(part) for key, part in value.items()}
    raise NotPlainError(f"{type(value).__name__} is not a plain value")


def described(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters for reading: what is not plain becomes a short text."""
    return {name: _plain_or_text(value) for name, value in parameters.items()}


def store_parameters(parameters: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Array], list[str]]:
    """Split constructor arguments into plain values, arrays by tensor name, and the names that cannot be stored.

    A pair of arrays (`init`) is stored as tensors; a Generator or a fitted model is not.
    """
    values: dict[str, Any] = {}
    arrays: dict[str, Array] = {}
    unsaved = []
    for name, value in parameters.items():
        if name.endswith("_attributes") and not isinstance(value, (str, type(None))):
            unsaved.append(name)  # people's data, and not needed to answer
            continue
        if _is_pair_of_arrays(value):
            arrays |= {f"{_PREFIX}.{name}.{side}": _storable(part) for side, part in enumerate(value)}
            continue
        try:
            values[name] = plain(value)
        except NotPlainError:
            unsaved.append(name)
    return values, arrays, unsaved


def restore_parameters(values: Mapping[str, Any], tensors: Mapping[str, Array]) -> dict[str, Any]:
    """Constructor arguments from what `store_parameters` made; names that were not stored are absent."""
    parameters = {name: tuple(value) if isinstance(value, list) else value for name, value in values.items()}
    for tensor in tensors:
        if is_parameter(tensor):
            name = tensor.split(".")[1]
            parameters[name] = tuple(tensors[f"{_PREFIX}.{name}.{side}"] for side in range(2))
    return parameters


def is_parameter(tensor: str) -> bool:
    """Whether a tensor of the file holds one of a pair of arrays given as a parameter."""
    return tensor.startswith(f"{_PREFIX}.") and tensor.endswith((".0", ".1")) and tensor.count(".") == 2


def _plain_or_text(value: Any) -> Any:
    try:
        return plain(value)
    except NotPlainError:
        pass
    if _is_pair_of_arrays(value):
        return f"arrays of shape {np.shape(value[0])} and {np.shape(value[1])}"
    return repr(value) if hasattr(value, "get_params") else type(value).__name__


def _is_pair_of_arrays(value: Any) -> bool:
    """Whether it is (user_factors, item_factors), as arrays or nested lists."""
    return isinstance(value, (list, tuple)) and len(value) == 2 and all(np.ndim(part) == 2 for part in value)


def _storable(array: Any) -> Array:
    """The array in a dtype that files hold."""
    values = np.asarray(array)
    return values if values.dtype in (np.float32, np.float64, np.int64, np.int32) else values.astype(np.float64)
