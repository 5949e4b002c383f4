"""One sentence for every parameter error: what it must be, and what came instead."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable
from typing import Any

import numpy as np

from ridgeback.errors import ParameterError
from ridgeback.models.defaults import DataShape

MOST_WORKERS = 1024  # of the native work queue, however many threads are asked for

_LARGE = {"frequency_exponent": 10.0, "weight_exponents": 10.0}
_LARGE |= dict.fromkeys(
    ("regularization", "bias_regularization", "unobserved_weight", "alpha", "init_scale", "step_size"), 1e9
)


def fail(owner: str, name: str, expected: str, value: Any) -> ParameterError:
    """The error for a parameter that is not what it must be."""
    shown = repr(value)
    shown = shown if len(shown) <= 80 else shown[:77] + "..."
    return ParameterError(f"The '{name}' parameter of {owner} must be {expected}. Got {shown} instead.")


def check_count(owner: str, name: str, value: Any, *, low: int = 0) -> int:
    """A whole number, at least `low`."""
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, (int, np.integer)) or value < low:
        raise fail(owner, name, f"a whole number of at least {low}", value)
    return int(value)


def check_number(owner: str, name: str, value: Any, *, low: float = 0.0, is_open: bool = False) -> float:
    """A finite number, at least `low` (above it where `is_open`)."""
    is_number = isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, (bool, np.bool_))
    if not is_number or not math.isfinite(value) or value < low or (is_open and value == low):
        raise fail(owner, name, f"a finite number {'above' if is_open else 'of at least'} {low:g}", value)
    return float(value)


def large_parameters(parameters: dict[str, Any]) -> list[str]:
    """The parameters far beyond any use, as ``name=value``: where numbers run out of range, these are to blame."""
    shown = []
    for name, limit in _LARGE.items():
        value = parameters.get(name)
        if value is not None and np.max(np.abs(value)) > limit:
            shown.append(f"{name}={value:g}" if np.ndim(value) == 0 else f"{name}={value}")
    return shown


def check_callbacks(owner: str, callbacks: Any) -> list[Any]:
    """A list of what can be called."""
    if callable(callbacks) or not isinstance(callbacks, Iterable):
        raise fail_argument(owner, "callbacks", "a list of functions", callbacks)
    readers = list(callbacks)
    for reader in readers:
        if not callable(reader):
            raise fail_argument(owner, "callbacks", "a list of functions, each callable as f(model, record)", reader)
    return readers


def fail_argument(owner: str, name: str, expected: str, value: Any) -> ParameterError:
    """The error for an argument of fit that is not what it must be."""
    return ParameterError(f"The argument '{name}' of {owner}.fit must be {expected}. Got {value!r:.80} instead.")


def check_choice(owner: str, name: str, value: Any, choices: tuple[str, ...]) -> str:
    """One of a few words."""
    if not isinstance(value, str) or value not in choices:
        raise fail(owner, name, "one of " + ", ".join(repr(choice) for choice in choices), value)
    return value


def check_flag(owner: str, name: str, value: Any) -> bool:
    """True or False."""
    if not isinstance(value, (bool, np.bool_)):
        raise fail(owner, name, "True or False", value)
    return bool(value)


def memory_bytes() -> int | None:
    """This machine's memory, or None where it does not say."""
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else None


def check_memory(owner: str, shape: DataShape, parameters: dict[str, Any]) -> None:
    """Refuse factors that cannot fit into this machine's memory, before anything is allocated.

    Raises
    ------
    ParameterError
        With the bytes that would be needed and those that there are.
    """
    n_factors, n_threads = parameters["n_factors"], min(parameters["n_threads"], MOST_WORKERS)
    factors = 4 * n_factors * (shape.n_users + shape.n_items)
    systems = 8 * n_factors * n_factors * (4 * n_threads + 3)
    available = memory_bytes()
    _check_neighbors(owner, shape, parameters, available)
    if available is not None and factors + systems > available:
        if factors + 8 * n_factors * n_factors * 7 <= available:
            raise ParameterError(
                f"The 'n_threads' parameter of {owner} must leave the systems of all threads within memory: "
                f"{n_threads} threads need {(factors + systems) / 1e9:,.1f} GB at {n_factors} factors, this machine "
                f"has {available / 1e9:,.1f} GB. Choose fewer threads, or None for the CPUs this process may use."
            )
        raise ParameterError(
            f"The 'n_factors' parameter of {owner} must leave the factors within memory: {n_factors} factors for "
            f"{shape.n_users:,} users and {shape.n_items:,} items need {(factors + systems) / 1e9:,.1f} GB, this "
            f"machine has {available / 1e9:,.1f} GB. Choose fewer factors."
        )


def _check_neighbors(owner: str, shape: DataShape, parameters: dict[str, Any], available: int | None) -> None:
    """Refuse neighbours that cannot fit into this machine's memory."""
    n_neighbors = min(parameters.get("n_neighbors", 0), shape.n_items)
    needed = 8 * n_neighbors * shape.n_items
    if available is not None and needed > available:
        raise ParameterError(
            f"The 'n_neighbors' parameter of {owner} must leave the neighbours within memory: {n_neighbors:,} of each "
            f"of {shape.n_items:,} items need {needed / 1e9:,.1f} GB, this machine has {available / 1e9:,.1f} GB. "
            "Choose fewer; beyond 200 they add little."
        )
