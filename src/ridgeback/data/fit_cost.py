"""What a fit will cost: a model of time and memory whose constants were measured once and are written down here.

A half-step over `nnz` pairs and `n` rows at `k` factors takes, in seconds of one CPU,

- conjugate gradient with s steps:  ``nnz * (PAIR + (1 + s) * STEP * k) + n * ROW``, and ``ROTATE * k^2`` for each row
  of both sides, which are rotated into the Gramian's eigenbasis
- exact, majorized:                 ``nnz * (GATHER * k + UPDATE * k^2) + n * SOLVE * k^3``
- non-negative:                     `NON_NEGATIVE` times exact
- one gradient step:                as conjugate gradient with one step

and the fit ends with an exact half-step of the users in float64. Measured on 1.5 million long-tailed pairs of 20,000
users and 8,000 items at k = 16 to 256, one thread of a server CPU with AVX-512: within a factor of 1.5 of each of 20
half-steps; whole fits of four models on 0.1 to 4 million pairs, k = 16 to 256, within the same factor.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ridgeback.cpus import available_cpus

PAIR = 2.0e-8  # 0.046 s at k = 16, 1.5 M pairs, 2 steps
STEP = 0.4e-9  # 0.41 s (users) and 0.65 s (items) at k = 256, 2 steps
ROW = 1.0e-6  # with ROTATE, from 0.10 s at k = 64 and 0.20 s at k = 128 for 17,632 short rows
ROTATE = 2.0e-10
GATHER = 2.0e-9  # what is left at k = 64: 0.40 s (users) and 0.24 s (items)
UPDATE = 1.5e-11  # with SOLVE, from 6.3 s (users) and 3.4 s (items) at k = 256
SOLVE = 1.4e-11
DOUBLE = 1.4  # float64 against float32: 1.7 s against 1.5 s (users), 1.16 s against 0.85 s (items) at k = 128
NON_NEGATIVE = 4.0  # 0.31 s against 0.075 s at k = 64, 1.07 s against 0.26 s at k = 128, 0.5 M pairs
SHARED = 5.0  # 0.8 s against 0.16 s a sweep at k = 31, 0.8 M pairs
NEWTON_STEPS = 10  # 8 to 13 a row in LogisticMF's final half-step
THREAD_SHARE = 0.9  # what a further thread adds

HalfStepSeconds = Callable[[int, int, int], float]


@dataclass(frozen=True)
class DataSize:
    """What a cost, and a default that follows the data's shape, depend on; the typical value changes no cost."""

    n_users: int
    n_items: int
    n_interactions: int
    typical_value: float = 1.0

    @property
    def density(self) -> float:
        """Share of all pairs that are observed."""
        return self.n_interactions / max(1, self.n_users * self.n_items)


@dataclass(frozen=True)
class FitCost:
    """An estimate.

    Attributes
    ----------
    seconds : float
        Of the wall clock, on `n_threads` threads.
    peak_bytes : int
        Memory of data, factors and work space together.
    n_threads : int
    basis : str
        What was assumed, in words.
    """

    seconds: float
    peak_bytes: int
    n_threads: int
    basis: str


def fit_cost(model: Any, size: DataSize, *, has_weights: bool = False) -> FitCost:
    """Estimate the time and memory of a fit.

    Parameters
    ----------
    model : estimator
        Its parameters are read as its fit would read them, defaults filled in. A model without factors costs a pass
        over the data.
    size : DataSize
    has_weights : bool, default=False

    Returns
    -------
    FitCost

    Raises
    ------
    ParameterError
        If the fit would refuse a parameter.
    """
    parameters: Mapping[str, Any] = model._resolve(size) if hasattr(model, "_resolve") else model.get_params()
    n_threads = int(parameters.get("n_threads") or available_cpus())
    k = int(parameters.get("n_factors") or 0)
    n_rows = size.n_users + size.n_items
    data_bytes = 2 * (8 * size.n_interactions + 8 * n_rows) + (4 * size.n_interactions if has_weights else 0)
    if k == 0:
        return FitCost(size.n_interactions * PAIR, data_bytes, n_threads, "one pass over the data")
    if model.family == "bayesian":
        return _chain_cost(model, parameters, size, data_bytes, n_threads)
    n_iterations = int(parameters.get("n_iterations") or 0)
    listed = size.n_interactions + _implied_noes(parameters, size)
    name, half_step = _solver(parameters)
    iteration = half_step(listed, size.n_users, k) + half_step(listed, size.n_items, k)
    iteration += 2 * ROTATE * n_rows * k**2 if parameters.get("solver") == "cg" else 0.0
    final = DOUBLE * exact_seconds(listed, size.n_users, k) * (NEWTON_STEPS if "n_negatives" in parameters else 1)
    return FitCost(
        seconds=(n_iterations * iteration + final) / (1.0 + THREAD_SHARE * (n_threads - 1)),
        peak_bytes=data_bytes + 2 * 8 * listed + 3 * 4 * k * n_rows + _neighbor_bytes(parameters, size),
        n_threads=n_threads,
        basis=f"{k} factors, {n_iterations} iterations, {name}, {listed:,} pairs",
    )


def _chain_cost(model: Any, parameters: Mapping[str, Any], size: DataSize, data_bytes: int, n_threads: int) -> FitCost:
    """A chain's sweeps are two exact half-steps in float64 each; five times as much where rows share vectors."""
    k, n_rows, n_pairs = parameters["n_factors"], size.n_users + size.n_items, size.n_interactions
    has_shared = any(parameters[name] for name in ("user_sets", "item_sets", "user_attributes", "item_attributes"))
    sweep = DOUBLE * (exact_seconds(n_pairs, size.n_users, k) + exact_seconds(n_pairs, size.n_items, k))
    samples = 4 * parameters["n_samples"] * (k + 2) * n_rows * (2 if has_shared else 1)
    shared = 4 * (k + 1) ** 2 * max(size.n_users, size.n_items) if has_shared else 0
    return FitCost(
        seconds=model.n_sweeps * sweep * (SHARED if has_shared else 1) / (1.0 + THREAD_SHARE * (n_threads - 1)),
        peak_bytes=data_bytes + 2 * 8 * n_pairs + samples + shared + 14 * 4 * k * n_rows,
        n_threads=n_threads,
        basis=f"{k} factors, {model.n_sweeps} sweeps, {n_pairs:,} pairs",
    )


def cg_seconds(nnz: int, n_rows: int, k: int, n_steps: int) -> float:
    """CPU seconds of a half-step by conjugate gradient, the rotation apart."""
    return nnz * (PAIR + (1 + n_steps) * STEP * k) + n_rows * ROW


def exact_seconds(nnz: int, n_rows: int, k: int) -> float:
    """CPU seconds of an exact half-step."""
    return nnz * (GATHER * k + UPDATE * k**2) + n_rows * SOLVE * k**3


def installed_bytes() -> int | None:
    """Memory of the machine, where the system tells it."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return None


def _neighbor_bytes(parameters: Mapping[str, Any], size: DataSize) -> int:
    """What ImplicitALS keeps of the item-item product."""
    return 8 * size.n_items * min(int(parameters.get("n_neighbors") or 0), size.n_items)


def _implied_noes(parameters: Mapping[str, Any], size: DataSize) -> int:
    """Pairs that LogisticMF lists beside the stored ones."""
    n_negatives = parameters.get("n_negatives", 0)
    everything = size.n_users * size.n_items - size.n_interactions
    return everything if n_negatives == "all" else min(everything, size.n_users * int(n_negatives))


def _solver(parameters: Mapping[str, Any]) -> tuple[str, HalfStepSeconds]:
    """The solver in words, and its seconds as a function of (nnz, n_rows, k)."""
    solver = parameters.get("solver")
    if parameters.get("non_negative"):
        return "non-negative", lambda nnz, n_rows, k: NON_NEGATIVE * exact_seconds(nnz, n_rows, k)
    if solver in ("gradient", "adagrad"):
        return f"{solver} steps", lambda nnz, n_rows, k: cg_seconds(nnz, n_rows, k, 1)
    if solver == "cg":
        given = parameters["n_cg_steps"]
        n_steps = 2 if given == "auto" else int(given)
        return (
            f"conjugate gradient with {'about ' if given == 'auto' else ''}{n_steps} steps",
            lambda nnz, n_rows, k: cg_seconds(nnz, n_rows, k, n_steps),
        )
    return "majorized" if solver == "majorize" else "exact solver", exact_seconds
