"""What a fit will cost: a model of time and memory whose constants were measured once and are written down here.

A half-step over `nnz` pairs and `n` rows at `k` factors takes, in seconds of one CPU,

- conjugate gradient, s steps: ``nnz * (PAIR + (1 + s) * STEP * k) + n * ROW``
- exact, a row of p pairs: ``ROW + GATHER * p * k + UPDATE * p * k^2 + SOLVE * k^3``, or through the dual, where p is
  below k, ``ROW + GATHER * p * k + DUAL * p^2 * k + DUAL_ROW * k``: at high ranks the rows' lengths are what counts
- majorized: ``nnz * (OWN_GATHER * k + OWN_UPDATE * k^2) + n * OWN_SOLVE * k^3``
- non-negative: `NON_NEGATIVE` times majorized
- one gradient step: as conjugate gradient with one step

Where zeros count, each half-step also forms a Gramian (``GRAM * k^2`` a row), takes its eigenvectors (``EIGEN * k^3``,
on one thread whatever there is) and rotates both sides (``ROTATE * k^2`` a row). The fit ends with principal axes, an
exact half-step of the users in float64 (``REFINE * k^2`` a row more) and the live rank. Measured on one thread of a
server CPU with AVX-512, at k = 64 to 2,048 on MovieLens 1M and lastfm; `benchmarks/fit_cost.py` prints forecasts and
fits side by side.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from statistics import NormalDist
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ridgeback.cpus import available_cpus

if TYPE_CHECKING:
    from ridgeback.data.interactions import Interactions

PAIR = 2.0e-8
STEP = 1.5e-10  # 0.084, 0.18 and 0.61 s at k = 512, 1,024 and 2,048 for 575,000 pairs of 6,038 users, 2 steps
ROW = 1.0e-6
GATHER = 5.3e-10  # with the four below, by least squares from 18 half-steps of 0.009 to 3.2 s, each within 28 %
UPDATE = 2.6e-12
SOLVE = 9.2e-12
DUAL = 7.8e-12
DUAL_ROW = 1.3e-8
REFINE = 4.0e-10  # 0.2 ms a row at k = 512, 2.1 ms at k = 2,048: the Gramian is read once a row
GRAM = 2.5e-11  # 0.15 s at k = 1,024, 0.70 s at k = 2,048 for 6,038 rows
EIGEN = 2.3e-10  # 0.24 s at k = 1,024, 1.9 s at k = 2,048, the product of rotations included
LAST_EIGEN = 5.5e-10  # of the principal axes and the live rank
TURN = 3.3e-11  # a row of the items, in float64
ROTATE = 1.9e-11  # 0.10 s at k = 1,024, 0.48 s at k = 2,048 for 6,038 rows
OWN_GATHER = 2.0e-9  # of the solvers without a dual: 0.40 s (users) and 0.24 s (items) at k = 64, 1.5 M pairs
OWN_UPDATE = 1.5e-11  # with the next, from 6.3 s (users) and 3.4 s (items) at k = 256
OWN_SOLVE = 1.4e-11
DOUBLE = 1.4  # float64 against float32: 1.7 s against 1.5 s (users), 1.16 s against 0.85 s (items) at k = 128
NON_NEGATIVE = 4.0  # 0.31 s against 0.075 s at k = 64, 1.07 s against 0.26 s at k = 128, 0.5 M pairs
SHARED = 5.0  # 0.8 s against 0.16 s a sweep at k = 31, 0.8 M pairs
NEWTON_STEPS = 10  # 8 to 13 a row in LogisticMF's final half-step
THREAD_SHARE = 0.9  # what a further thread adds
SYSTEMS, SQUARES = 4, 7  # matrices of float64, (k, k): of each thread, and of a fit
SPREAD = 1.0  # standard deviation of the logarithm of row lengths, where they are not told: that of long tails

_NORMAL_QUANTILES = np.array([NormalDist().inv_cdf((i + 0.5) / 16) for i in range(16)])

Counts = NDArray[np.int64]
HalfStepSeconds = Callable[["Lengths", int], float]


@dataclass(frozen=True)
class DataSize:
    """What a cost, and a default that follows the data's shape, depend on; the typical value changes no cost.

    With the numbers of pairs of each user and item the seconds of exact rows are those of these very rows; without,
    those of long tails with the same means.
    """

    n_users: int
    n_items: int
    n_interactions: int
    typical_value: float = 1.0
    user_counts: Counts | None = field(default=None, compare=False, repr=False)
    item_counts: Counts | None = field(default=None, compare=False, repr=False)

    @classmethod
    def of(cls, data: Interactions) -> DataSize:
        """The size of interactions, with the length of every row."""
        users, items = data.user_items.counts(), data.user_items.column_counts()
        return cls(data.n_users, data.n_items, data.nnz, user_counts=users, item_counts=items)

    @property
    def density(self) -> float:
        """Share of all pairs that are observed."""
        return self.n_interactions / max(1, self.n_users * self.n_items)


@dataclass(frozen=True)
class Lengths:
    """How long the rows of one side are.

    Attributes
    ----------
    lengths, times : ndarray of float64
        So many rows have so many pairs.
    """

    lengths: NDArray[np.float64]
    times: NDArray[np.float64]

    @classmethod
    def of(cls, counts: Counts | None, n_rows: int, n_pairs: int) -> Lengths:
        """Of counted rows; or as long tails have them, sixteen lengths for all."""
        if counts is not None and int(counts.sum()) == n_pairs:
            lengths, times = np.unique(counts, return_counts=True)
            return cls(lengths.astype(np.float64), times.astype(np.float64))
        shares = np.exp(SPREAD * _NORMAL_QUANTILES)
        mean = n_pairs / max(1, n_rows)
        return cls(mean * shares / shares.mean(), np.full(len(shares), n_rows / len(shares)))

    @property
    def n_rows(self) -> float:
        """All rows."""
        return float(self.times.sum())

    @property
    def nnz(self) -> float:
        """All pairs."""
        return float(self.lengths @ self.times)


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
    users = Lengths.of(size.user_counts, size.n_users, listed)
    items = Lengths.of(size.item_counts, size.n_items, listed)
    iteration, final, alone = half_step(users, k) + half_step(items, k), 0.0, 0.0
    counts_zeros = model.family == "implicit"
    if counts_zeros and not parameters.get("non_negative"):
        iteration += (GRAM + 2 * ROTATE) * n_rows * k**2
        alone += n_iterations * 2 * EIGEN * k**3
    if "n_negatives" in parameters:
        final += NEWTON_STEPS * DOUBLE * dense_seconds(users, k)
    elif parameters.get("non_negative"):
        final += DOUBLE * half_step(users, k)
    else:
        final += exact_seconds(users, k) + (REFINE * k**2 * users.n_rows if counts_zeros else 0.0)
    final += (3 * GRAM + ROTATE) * n_rows * k**2 + TURN * size.n_items * k**2
    alone += LAST_EIGEN * k**3
    return FitCost(
        seconds=(n_iterations * iteration + final) / (1.0 + THREAD_SHARE * (n_threads - 1)) + alone,
        peak_bytes=data_bytes
        + 2 * 8 * listed
        + 8 * k * n_rows
        + _system_bytes(k, n_threads)
        + _neighbor_bytes(parameters, size),
        n_threads=n_threads,
        basis=f"{k} factors, {n_iterations} iterations, {name}, {listed:,} pairs",
    )


def _chain_cost(model: Any, parameters: Mapping[str, Any], size: DataSize, data_bytes: int, n_threads: int) -> FitCost:
    """A chain's sweeps are two exact half-steps in float64 each; five times as much where rows share vectors."""
    k, n_rows, n_pairs = parameters["n_factors"], size.n_users + size.n_items, size.n_interactions
    has_shared = any(parameters[name] for name in ("user_sets", "item_sets", "user_attributes", "item_attributes"))
    lengths = [Lengths.of(None, n, n_pairs) for n in (size.n_users, size.n_items)]
    sweep = DOUBLE * sum(dense_seconds(side, k) for side in lengths)
    samples = 4 * parameters["n_samples"] * (k + 2) * n_rows * (2 if has_shared else 1)
    shared = 4 * (k + 1) ** 2 * max(size.n_users, size.n_items) if has_shared else 0
    return FitCost(
        seconds=model.n_sweeps * sweep * (SHARED if has_shared else 1) / (1.0 + THREAD_SHARE * (n_threads - 1)),
        peak_bytes=data_bytes + 2 * 8 * n_pairs + samples + shared + 14 * 4 * k * n_rows,
        n_threads=n_threads,
        basis=f"{k} factors, {model.n_sweeps} sweeps, {n_pairs:,} pairs",
    )


def cg_seconds(rows: Lengths, k: int, n_steps: int) -> float:
    """CPU seconds of a half-step by conjugate gradient, the rotation apart."""
    return rows.nnz * (PAIR + (1 + n_steps) * STEP * k) + rows.n_rows * ROW


def exact_seconds(rows: Lengths, k: int) -> float:
    """CPU seconds of an exact half-step in single precision, the rotation apart."""
    n = rows.lengths
    blocks = np.ceil(n / 16) * 16
    primal = UPDATE * n * k**2 + SOLVE * k**3
    dual = DUAL * blocks**2 * k + DUAL_ROW * k
    each = ROW + GATHER * n * k + np.where(blocks < k, dual, primal)
    return float(each[n > 0] @ rows.times[n > 0])


def dense_seconds(rows: Lengths, k: int) -> float:
    """CPU seconds of a half-step that forms every row's system in full."""
    return rows.nnz * (OWN_GATHER * k + OWN_UPDATE * k**2) + rows.n_rows * OWN_SOLVE * k**3


def installed_bytes() -> int | None:
    """Memory of the machine, where the system tells it."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return None


def _system_bytes(k: int, n_threads: int) -> int:
    """What each thread solves rows in, and the (k, k) matrices of a fit: Gramians, axes, what LAPACK works in."""
    return 8 * k**2 * (SYSTEMS * n_threads + SQUARES)


def _neighbor_bytes(parameters: Mapping[str, Any], size: DataSize) -> int:
    """What ImplicitALS keeps of the item-item product."""
    return 8 * size.n_items * min(int(parameters.get("n_neighbors") or 0), size.n_items)


def _implied_noes(parameters: Mapping[str, Any], size: DataSize) -> int:
    """Pairs that LogisticMF lists beside the stored ones."""
    n_negatives = parameters.get("n_negatives", 0)
    everything = size.n_users * size.n_items - size.n_interactions
    return everything if n_negatives == "all" else min(everything, size.n_users * int(n_negatives))


def _solver(parameters: Mapping[str, Any]) -> tuple[str, HalfStepSeconds]:
    """The solver in words, and its seconds as a function of the rows' lengths and k."""
    solver = parameters.get("solver")
    if parameters.get("non_negative"):
        return "non-negative", lambda rows, k: NON_NEGATIVE * dense_seconds(rows, k)
    if solver in ("gradient", "adagrad"):
        return f"{solver} steps", lambda rows, k: cg_seconds(rows, k, 1)
    if solver == "cg":
        given = parameters["n_cg_steps"]
        n_steps = 2 if given == "auto" else int(given)
        return (
            f"conjugate gradient with {'about ' if given == 'auto' else ''}{n_steps} steps",
            lambda rows, k: cg_seconds(rows, k, n_steps),
        )
    return ("majorized", dense_seconds) if solver == "majorize" else ("exact solver", exact_seconds)
