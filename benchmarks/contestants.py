"""One library fits one matrix from the same starting factors, in a process of its own, and says how long it took.

Called by the other scripts through `contest.py`, with the interpreter of the environment that holds the library; it
imports nothing but NumPy and that library. Every contestant first fits a small matrix, so that what a first call loads
is not timed. Prints one JSON object.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from accuracy import Rows, hu_objective, row_errors
from machine import forget_peak, memory_bytes
from results import library_version


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
        return int(self.user_factors.shape[1])

    @property
    def has_int32_pointers(self) -> bool:
        return bool(self.indptr[-1] < 2**31)

    def scipy_matrix(self, values: np.ndarray) -> Any:
        """As SciPy's CSR matrix, row pointers as narrow as they can be."""
        import scipy.sparse

        indptr = self.indptr.astype(np.int32) if self.has_int32_pointers else self.indptr
        return scipy.sparse.csr_matrix((values, self.indices, indptr), shape=self.shape)


@dataclass
class Watch:
    """Sees the factors after every iteration, outside the timed part."""

    problem: Problem
    checks: dict[str, Rows] | None = None  # sampled rows by side; None: no errors wanted
    target: float | None = None  # stop once the objective is at most this; None: no objective wanted
    wants_objective: bool = False
    iterations_s: list[float] = field(default_factory=list)
    objectives: list[float] = field(default_factory=list)
    errors: dict[str, list[float]] = field(default_factory=lambda: {"users": [], "items": []})
    peak_rss_bytes: int = 0
    _items: np.ndarray | None = None

    def __post_init__(self) -> None:
        self._items = self.problem.item_factors if self.checks else None

    @property
    def is_idle(self) -> bool:
        return not (self.checks or self.wants_objective)

    def see(self, seconds: float, users: np.ndarray, items: np.ndarray) -> bool:
        """Note one iteration; True when the target is reached."""
        self.iterations_s.append(seconds)
        if self.is_idle:
            return False
        self.peak_rss_bytes = max(self.peak_rss_bytes, memory_bytes("VmHWM"))
        p = self.problem
        if self.checks is not None and self._items is not None:
            for side, fixed, own in (("users", self._items, users), ("items", users, items)):
                found = row_errors(self.checks[side], fixed, own, p.alpha, p.regularization)
                self.errors[side].append(float(np.median(found)))
            self._items = np.array(items, dtype=np.float32)
        if self.wants_objective:
            self.objectives.append(hu_objective(p.indptr, p.indices, p.values, users, items, p.alpha, p.regularization))
        forget_peak()
        return self.target is not None and self.objectives[-1] <= self.target


class Reached(Exception):
    """The target is reached; for libraries whose callbacks cannot end a fit."""


def fit_ridgeback(
    problem: Problem, watch: Watch, solver: Any = "auto", n_cg_steps: Any = "auto", acceleration: Any = None
) -> dict[str, Any]:
    """ImplicitALS(loss="hu"); the exact final half-step is no part of an iteration, but of the whole fit.

    Callbacks see copies in the axes of the start, which costs time: so one fit is timed, a second one is watched.
    """
    import ridgeback

    matrix = ridgeback.Csr(problem.indptr, problem.indices, problem.values, problem.shape)

    def fit(**arguments: Any) -> Any:
        model = ridgeback.ImplicitALS(
            n_factors=problem.n_factors,
            loss="hu",
            alpha=problem.alpha,
            regularization=problem.regularization,
            n_iterations=problem.n_iterations,
            solver=solver,
            n_cg_steps=n_cg_steps,
            acceleration=acceleration,
            init=(problem.user_factors, problem.item_factors),
            n_threads=problem.n_threads,
        )
        return model.fit(matrix, **arguments)

    def describe(model: Any, total_s: float) -> dict[str, Any]:
        p = model.parameters_
        settings = "exact" if p["solver"] == "exact" else f"CG, n_cg_steps={p['n_cg_steps']!r}"
        settings += f", {acceleration}" if acceleration else ""
        losses = [record["loss"] for record in model.history_ if record["side"] in ("start", "items")]
        return {"settings": settings, "total_s": total_s, "losses": losses}

    def see(fitting: Any, record: dict[str, Any]) -> bool:
        if record["side"] != "items":
            return False
        seconds = iterations_s[record["iteration"] - 1] if iterations_s else record["elapsed_s"]
        return watch.see(seconds, fitting.user_factors_, fitting.item_factors_)

    iterations_s: list[float] = []
    if watch.target is not None:  # how many iterations it takes, not how long
        return describe(fit(callbacks=[see]), 0.0)
    started = time.perf_counter()
    model = fit()
    report = describe(model, time.perf_counter() - started)
    peak_rss_bytes = memory_bytes("VmHWM")
    ends = [record["elapsed_s"] for record in model.history_ if record["side"] in ("start", "items")]
    iterations_s = np.diff(ends).tolist()
    del model
    if watch.is_idle:
        watch.iterations_s = iterations_s
    else:
        fit(callbacks=[see])
    watch.peak_rss_bytes = peak_rss_bytes
    return report


def fit_implicit(problem: Problem, watch: Watch, use_cg: bool = True, cg_steps: int = 3) -> dict[str, Any]:
    """AlternatingLeastSquares; it takes the confidences themselves."""
    import implicit

    matrix = problem.scipy_matrix(1.0 + problem.alpha * problem.values)
    model = implicit.cpu.als.AlternatingLeastSquares(
        factors=problem.n_factors,
        regularization=problem.regularization,
        alpha=1.0,
        use_cg=use_cg,
        iterations=problem.n_iterations,
        num_threads=problem.n_threads,
    )
    model.cg_steps = cg_steps
    model.user_factors = problem.user_factors.copy()
    model.item_factors = problem.item_factors.copy()

    def see(iteration: int, elapsed: float, loss: Any) -> None:
        if watch.see(elapsed, model.user_factors, model.item_factors):
            raise Reached

    started = time.perf_counter()
    with contextlib.suppress(Reached):
        model.fit(matrix, show_progress=False, callback=see)
    return {
        "settings": f"CG, {model.cg_steps} steps" if use_cg else "Cholesky",
        "total_s": time.perf_counter() - started,
    }


def fit_irspack(problem: Problem, watch: Watch, solver: str = "IALSPP") -> dict[str, Any]:
    """IALSRecommender on the original loss, alpha0 1 and nu 0: Hu's objective."""
    from irspack.recommenders.ials import IALSRecommender

    matrix = problem.scipy_matrix(problem.alpha * problem.values)
    started = time.perf_counter()
    recommender = IALSRecommender(
        matrix,
        n_components=problem.n_factors,
        alpha0=1.0,
        reg=problem.regularization,
        nu=0.0,
        solver_type=solver,
        loss_type="ORIGINAL",
        n_threads=problem.n_threads,
    )
    trainer = recommender._create_trainer()
    trainer.core_trainer.user = problem.user_factors
    trainer.core_trainer.item = problem.item_factors
    total_s = time.perf_counter() - started
    for _ in range(problem.n_iterations):
        began = time.perf_counter()
        trainer.run_epoch()
        seconds = time.perf_counter() - began
        total_s += seconds
        if watch.is_idle:
            watch.see(seconds, problem.user_factors, problem.item_factors)
        elif watch.see(seconds, trainer.core_trainer.user, trainer.core_trainer.item):
            break
    names = {"IALSPP": "iALS++, subspaces of 64", "CG": "CG, 3 steps", "CHOLESKY": "Cholesky"}
    return {"settings": names[solver], "total_s": total_s}


def fit_rusket(problem: Problem, watch: Watch, use_cholesky: bool = False) -> dict[str, Any]:
    """rusket.ALS, from a start of its own, since none can be declared; an epoch is the difference of two fits."""
    import rusket

    matrix = problem.scipy_matrix(problem.values)

    def fit(n_iterations: int) -> tuple[Any, float]:
        model = rusket.ALS(
            factors=problem.n_factors,
            regularization=problem.regularization,
            alpha=problem.alpha,
            iterations=n_iterations,
            use_cholesky=use_cholesky,
        )
        began = time.perf_counter()
        model.fit(matrix)
        return model, time.perf_counter() - began

    last, total_s = fit(problem.n_iterations)
    watch.peak_rss_bytes = memory_bytes("VmHWM")
    few = 1 if problem.n_iterations > 2 and watch.is_idle else problem.n_iterations - 1
    if few:
        before, before_s = fit(few)
        if watch.checks:
            watch._items = np.asarray(before.item_factors)
        seconds = (total_s - before_s) / (problem.n_iterations - few)
        watch.see(seconds, np.asarray(last.user_factors), np.asarray(last.item_factors))
    return {"settings": "Cholesky" if use_cholesky else f"CG, {last.cg_iters} steps, own start", "total_s": total_s}


@dataclass(frozen=True)
class Contestant:
    """A library with its settings."""

    library: str
    fit: Callable[[Problem, Watch], dict[str, Any]]


CONTESTANTS = {
    "Ridgeback": Contestant("ridgeback", fit_ridgeback),
    "Ridgeback, accelerated": Contestant("ridgeback", partial(fit_ridgeback, acceleration="nesterov")),
    "Ridgeback, 1 step": Contestant("ridgeback", partial(fit_ridgeback, solver="cg", n_cg_steps=1)),
    "Ridgeback, 2 steps": Contestant("ridgeback", partial(fit_ridgeback, solver="cg", n_cg_steps=2)),
    "Ridgeback, 3 steps": Contestant("ridgeback", partial(fit_ridgeback, solver="cg", n_cg_steps=3)),
    "Ridgeback, exact": Contestant("ridgeback", partial(fit_ridgeback, solver="exact")),
    "implicit, CG": Contestant("implicit", fit_implicit),
    "implicit, CG 1 step": Contestant("implicit", partial(fit_implicit, cg_steps=1)),
    "implicit, CG 2 steps": Contestant("implicit", partial(fit_implicit, cg_steps=2)),
    "implicit, Cholesky": Contestant("implicit", partial(fit_implicit, use_cg=False)),
    "irspack, iALS++": Contestant("irspack", fit_irspack),
    "irspack, CG": Contestant("irspack", partial(fit_irspack, solver="CG")),
    "irspack, Cholesky": Contestant("irspack", partial(fit_irspack, solver="CHOLESKY")),
    "rusket, CG": Contestant("rusket", fit_rusket),
    "rusket, Cholesky": Contestant("rusket", partial(fit_rusket, use_cholesky=True)),
}


def small_problem(problem: Problem) -> Problem:
    """A few rows of random pairs, one iteration: what loads a library."""
    rng = np.random.default_rng(0)
    indices = np.concatenate([np.sort(rng.choice(50, 10, replace=False)) for _ in range(100)]).astype(np.int32)
    return replace(
        problem,
        indptr=np.arange(0, 1001, 10, dtype=np.int64),
        indices=indices,
        values=np.ones(1000, dtype=np.float32),
        user_factors=rng.normal(0, 0.01, (100, problem.n_factors)).astype(np.float32),
        item_factors=rng.normal(0, 0.01, (50, problem.n_factors)).astype(np.float32),
        n_iterations=1,
    )


def load_checks(directory: Path) -> dict[str, Rows]:
    """The sampled rows that `contest.py` wrote."""
    names = ("rows", "indptr", "indices", "values")
    return {
        side: Rows(*(np.load(directory / f"check_{side}_{name}.npy") for name in names)) for side in ("users", "items")
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("contestant", choices=CONTESTANTS)
    parser.add_argument("directory", type=Path, help="where the matrix and the starting factors were laid out")
    parser.add_argument("--alpha", type=float, required=True)
    parser.add_argument("--regularization", type=float, required=True)
    parser.add_argument("--n-iterations", type=int, required=True)
    parser.add_argument("--n-threads", type=int, required=True)
    parser.add_argument("--row-errors", action="store_true")
    parser.add_argument("--objectives", action="store_true")
    parser.add_argument("--target", type=float, help="stop once the objective is at most this")
    arguments = parser.parse_args()
    names = ("indptr", "indices", "values", "user_factors", "item_factors")
    arrays = {name: np.load(arguments.directory / f"{name}.npy") for name in names}
    problem = Problem(
        **arrays,
        alpha=arguments.alpha,
        regularization=arguments.regularization,
        n_iterations=arguments.n_iterations,
        n_threads=arguments.n_threads,
    )
    contestant = CONTESTANTS[arguments.contestant]
    small = small_problem(problem)
    contestant.fit(small, Watch(small))
    loaded_rss_bytes = memory_bytes("VmRSS")
    checks = load_checks(arguments.directory) if arguments.row_errors else None
    watch = Watch(problem, checks, arguments.target, arguments.objectives or arguments.target is not None)
    forget_peak()
    report = contestant.fit(problem, watch)
    report |= {
        "version": library_version(contestant.library),
        "iterations_s": watch.iterations_s,
        "objectives": watch.objectives,
        "row_errors": watch.errors,
        "loaded_rss_bytes": loaded_rss_bytes,
        "peak_rss_bytes": watch.peak_rss_bytes or memory_bytes("VmHWM"),
    }
    print(json.dumps(report))


if __name__ == "__main__":
    main()
