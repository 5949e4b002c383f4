"""One library fits the same matrix from the same starting factors, in a process of its own, and says how long it took.

Called by `epoch.py` with the interpreter of the environment that holds the library; imports nothing but NumPy and that
library. Prints one JSON object; the factors after the last iteration are written beside the input.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np


@dataclass
class Problem:
    """Hu's objective: confidence 1 + alpha r, preference 1, ridge `regularization` on every row of both sides."""

    indptr: np.ndarray
    indices: np.ndarray
    values: np.ndarray  # r, float32
    user_factors: np.ndarray  # the start, float32
    item_factors: np.ndarray
    alpha: float
    regularization: float
    n_iterations: int
    n_threads: int

    @property
    def shape(self) -> tuple[int, int]:
        return len(self.user_factors), len(self.item_factors)

    @property
    def n_factors(self) -> int:
        return self.user_factors.shape[1]


@dataclass
class Fit:
    """What a contestant reports: its factors after n_iterations and the seconds of each iteration."""

    version: str
    settings: str
    user_factors: np.ndarray
    item_factors: np.ndarray
    iterations_s: list[float]
    total_s: float  # the whole fit: both orientations, the iterations and what follows them
    peak_rss_bytes: int


def fit_ridgeback(problem: Problem) -> Fit:
    """ImplicitALS(loss="hu"), solver chosen by itself; the exact final half-step is no part of an iteration."""
    import ridgeback
    from ridgeback import _native

    matrix = ridgeback.Csr(problem.indptr, problem.indices, problem.values, problem.shape)

    def fit(**arguments: Any) -> Any:
        model = ridgeback.ImplicitALS(
            n_factors=problem.n_factors,
            loss="hu",
            alpha=problem.alpha,
            regularization=problem.regularization,
            n_iterations=problem.n_iterations,
            init=(problem.user_factors, problem.item_factors),
            n_threads=problem.n_threads,
        )
        return model.fit(matrix, **arguments)

    started = time.perf_counter()
    model = fit()
    total_s = time.perf_counter() - started
    peak_rss_bytes = memory_bytes("VmHWM")
    ends = [record["elapsed_s"] for record in model.history_ if record["side"] in ("start", "items")]
    iterations_s = np.diff(ends).tolist()

    # Once more, untimed: the factors as they stand after the last iteration, before the final half-step improves them.
    factors = {}

    def copy_factors(fitting: Any, record: dict[str, Any]) -> None:
        if record["side"] == "items" and record["iteration"] == problem.n_iterations:
            factors["users"], factors["items"] = fitting.user_factors_.copy(), fitting.item_factors_.copy()

    fit(callbacks=[copy_factors])
    settings = f"CG, {model.parameters_['n_cg_steps']} steps; {_native.instruction_set()}"
    return Fit(
        ridgeback.__version__, settings, factors["users"], factors["items"], iterations_s, total_s, peak_rss_bytes
    )


def fit_implicit(problem: Problem) -> Fit:
    """AlternatingLeastSquares by conjugate gradient, its default of 3 steps; it takes the confidences themselves."""
    import implicit
    import scipy.sparse

    confidences = 1.0 + problem.alpha * problem.values
    matrix = scipy.sparse.csr_matrix((confidences, problem.indices, problem.indptr), shape=problem.shape)
    model = implicit.cpu.als.AlternatingLeastSquares(
        factors=problem.n_factors,
        regularization=problem.regularization,
        alpha=1.0,
        use_cg=True,
        iterations=problem.n_iterations,
        num_threads=problem.n_threads,
    )
    model.user_factors = problem.user_factors.copy()
    model.item_factors = problem.item_factors.copy()
    iterations_s: list[float] = []
    started = time.perf_counter()
    model.fit(matrix, show_progress=False, callback=lambda iteration, elapsed, loss: iterations_s.append(elapsed))
    total_s = time.perf_counter() - started
    settings = f"CG, {model.cg_steps} steps"
    return Fit(
        implicit.__version__,
        settings,
        model.user_factors,
        model.item_factors,
        iterations_s,
        total_s,
        memory_bytes("VmHWM"),
    )


def fit_irspack(problem: Problem) -> Fit:
    """IALSRecommender on the original loss, alpha0 1 and nu 0 (Hu's objective), by iALS++ on subspaces."""
    from importlib.metadata import version

    import scipy.sparse
    from irspack.recommenders.ials import IALSRecommender

    matrix = scipy.sparse.csr_matrix(
        (problem.alpha * problem.values, problem.indices, problem.indptr), shape=problem.shape
    )
    started = time.perf_counter()
    recommender = IALSRecommender(
        matrix,
        n_components=problem.n_factors,
        alpha0=1.0,
        reg=problem.regularization,
        nu=0.0,
        solver_type="IALSPP",
        loss_type="ORIGINAL",
        n_threads=problem.n_threads,
    )
    trainer = recommender._create_trainer()
    trainer.core_trainer.user = problem.user_factors
    trainer.core_trainer.item = problem.item_factors
    ends = [time.perf_counter()]
    for _ in range(problem.n_iterations):
        trainer.run_epoch()
        ends.append(time.perf_counter())
    core, total_s = trainer.core_trainer, ends[-1] - started
    settings = "iALS++, subspaces of 64"
    return Fit(
        version("irspack"), settings, core.user, core.item, np.diff(ends).tolist(), total_s, memory_bytes("VmHWM")
    )


CONTESTANTS: dict[str, Callable[[Problem], Fit]] = {
    "ridgeback": fit_ridgeback,
    "implicit": fit_implicit,
    "irspack": fit_irspack,
}


def memory_bytes(name: str) -> int:
    """A memory figure of this process: ``VmHWM`` the peak since it started, ``VmRSS`` now."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) * 1024
    raise RuntimeError(f"no {name} in /proc/self/status")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("library", choices=CONTESTANTS)
    parser.add_argument("directory", type=Path, help="where epoch.py laid the matrix and the starting factors")
    parser.add_argument("--alpha", type=float, required=True)
    parser.add_argument("--regularization", type=float, required=True)
    parser.add_argument("--n-iterations", type=int, required=True)
    parser.add_argument("--n-threads", type=int, required=True)
    arguments = vars(parser.parse_args())
    library, directory = arguments.pop("library"), arguments.pop("directory")
    names = ("indptr", "indices", "values", "user_factors", "item_factors")
    problem = Problem(**{name: np.load(directory / f"{name}.npy") for name in names}, **arguments)
    loaded_rss_bytes = memory_bytes("VmRSS")
    fit = CONTESTANTS[library](problem)
    np.save(directory / f"{library}_users.npy", np.asarray(fit.user_factors, dtype=np.float32))
    np.save(directory / f"{library}_items.npy", np.asarray(fit.item_factors, dtype=np.float32))
    report = {
        "version": fit.version,
        "settings": fit.settings,
        "iterations_s": fit.iterations_s,
        "total_s": fit.total_s,
        "loaded_rss_bytes": loaded_rss_bytes,
        "peak_rss_bytes": fit.peak_rss_bytes,
    }
    json.dump(report, sys.stdout)


if __name__ == "__main__":
    main()
