"""What a fit will cost: a model of time and memory whose constants were measured once and are written down here.

A half-step over `nnz` pairs and `n` rows at `k` factors takes, in seconds of one CPU,

- conjugate gradient, s steps:  ``nnz * (PAIR + (1 + s) * STEP * k)``
- exact:                        ``nnz * (GATHER * k + UPDATE * k^2) + n * SOLVE * k^3``

Measured on 1.5 million long-tailed pairs of 20,000 users and 8,000 items at k = 16 to 256, one thread of a server CPU
with AVX-512: the formulas came within a factor of 1.5 of every one of 20 half-steps.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

from ridgeback.cpus import available_cpus

PAIR = 2.0e-8  # 0.046 s at k = 16, 1.5 M pairs, 2 steps
STEP = 0.4e-9  # 0.41 s (users) and 0.65 s (items) at k = 256, 2 steps
GATHER = 2.0e-9  # what is left at k = 64: 0.40 s (users) and 0.24 s (items)
UPDATE = 1.5e-11  # 6.3 s (users) and 3.4 s (items) at k = 256: these two together with SOLVE
SOLVE = 1.4e-11
DOUBLE = 1.4  # float64 in the final user half-step against float32: 1.7 s against 1.5 s, 1.16 s against 0.85 s, k = 128
THREAD_SHARE = 0.9  # what a second thread adds


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


def fit_cost(model: Any, n_users: int, n_items: int, nnz: int, *, has_weights: bool = False) -> FitCost:
    """Estimate the time and memory of a fit.

    Parameters
    ----------
    model : estimator
        Its parameters are read; models without factors cost a pass over the data.
    n_users, n_items, nnz : int
        Size of the data.
    has_weights : bool, default=False

    Returns
    -------
    FitCost
    """
    parameters = model.get_params()
    n_threads = int(parameters.get("n_threads") or available_cpus())
    k = int(parameters.get("n_factors") or 0)
    data_bytes = 2 * (8 * nnz + 8 * (n_users + n_items)) + (4 * nnz if has_weights else 0)
    if k == 0:
        return FitCost(nnz * 2e-8, data_bytes, n_threads, "one pass over the data")
    n_iterations = int(parameters.get("n_iterations") or 0)
    listed = nnz + _negatives(model, parameters, n_users, n_items, nnz)
    solver, half_step = _solver(model, parameters)
    iteration = half_step(listed, n_users, k) + half_step(listed, n_items, k)
    final = DOUBLE * exact_seconds(listed, n_users, k)
    speed_up = 1.0 + THREAD_SHARE * (n_threads - 1)
    work_bytes = 2 * 8 * listed + 3 * 4 * k * (n_users + n_items)
    return FitCost(
        seconds=(n_iterations * iteration + final) / speed_up,
        peak_bytes=data_bytes + work_bytes,
        n_threads=n_threads,
        basis=f"{k} factors, {n_iterations} iterations, {solver}, {listed:,} pairs",
    )


def cg_seconds(nnz: int, k: int, n_steps: int) -> float:
    """CPU seconds of a half-step by conjugate gradient."""
    return nnz * (PAIR + (1 + n_steps) * STEP * k)


def exact_seconds(nnz: int, n_rows: int, k: int) -> float:
    """CPU seconds of an exact half-step."""
    return nnz * (GATHER * k + UPDATE * k**2) + n_rows * SOLVE * k**3


def installed_bytes() -> int | None:
    """Memory of the machine, where the system tells it."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return None


def _negatives(model: Any, parameters: dict[str, Any], n_users: int, n_items: int, nnz: int) -> int:
    """Implied noes that LogisticMF lists beside the stored pairs."""
    n_negatives = parameters.get("n_negatives")
    if n_negatives in (None, 0):
        return 0
    everything = n_users * n_items - nnz
    if n_negatives == "all":
        return everything
    if n_negatives == "auto":
        return everything if n_users * n_items <= 1_000_000 else min(everything, 4 * nnz)
    return min(everything, n_users * int(n_negatives))


def _solver(model: Any, parameters: dict[str, Any]) -> tuple[str, Any]:
    """The solver's name and its cost as a function of (nnz, n_rows, k)."""
    solver = parameters.get("solver")
    n_steps = parameters.get("n_cg_steps")
    n_steps = n_steps if isinstance(n_steps, int) else 2
    if solver == "cg" or (solver == "auto" and getattr(model, "family", "") == "implicit"):
        return f"conjugate gradient with {n_steps} steps", lambda nnz, n_rows, k: cg_seconds(nnz, k, n_steps)
    return "exact solver" if solver in ("auto", "exact") else f"solver {solver}", exact_seconds
