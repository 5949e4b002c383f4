"""Whether steps of the outer iteration can be made longer: plain ALS beside three accelerations of it.

    python benchmarks/acceleration.py             # k = 64, 10,000 x 1,000 with planted tastes, and MovieLens 1M
    python benchmarks/acceleration.py --quick

ALS is a fixed-point iteration z -> T(z) on z = (X, Y): users, then items. Tried on top of it, with the library's own
half-steps: "Nesterov" goes on from z by a growing share of the last step and starts anew where that fails (Mitchell,
Ye & De Sterck 2020); "Anderson" combines the last few T(z) so that what is left of their steps is least; "nonlinear CG"
goes along -(z - T(z)) + beta p, p the direction before, with the best length on that line, a polynomial of degree four
(Winlaw, Hynes, Caterini & De Sterck 2015). Each is safeguarded: a jump that would raise the objective is taken back,
and the plain step done instead; the time of both counts. The yardstick is the lowest objective that Nesterov and
nonlinear CG reach with exact half-steps. Methods take turns; seconds are of iterations, all the arithmetic of the
acceleration included.
"""

from __future__ import annotations

import argparse
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

import matrices
from results import median, parse, save, say, spread, table
from ridgeback import Csr, ImplicitALS
from ridgeback.models.alternation import OTHER, Alternation, squared_loss
from ridgeback.models.row_solver import Side
from ridgeback.solvers.matrices import gram

Pair = tuple[np.ndarray, ...]  # users, items
TOLERANCES = (1e-3, 1e-4)
HEADER: tuple[str, ...] = (
    "data",
    "half-steps",
    "method",
    "iterations to +0.1 %",
    "seconds (least - most)",
    "iterations to +0.01 %",
)
HEADER += ("seconds (least - most)", "safeguard used")


@dataclass
class Run:
    """The objective and the clock after every iteration."""

    losses: list[float] = field(default_factory=list)
    elapsed_s: list[float] = field(default_factory=list)
    n_rejected: int = 0


class Captured(Exception):
    """A fit was to begin; here is its state."""

    def __init__(self, state: Alternation) -> None:
        super().__init__()
        self.state = state


class Capturing(ImplicitALS):
    """Hands out the state of a fit instead of fitting."""

    def _readers(self, state: Alternation, *others: Any) -> Any:
        raise Captured(state)


class Iteration:
    """T(z) with the library's half-steps, and the objective on the way, which they give for nothing."""

    def __init__(self, matrix: Csr, start: Pair, arguments: argparse.Namespace, solver: Any) -> None:
        model = Capturing(
            arguments.n_factors,
            loss="hu",
            alpha=arguments.alpha,
            regularization=arguments.regularization,
            solver=solver,
            init=start,
            n_threads=arguments.n_threads,
        )
        self.n_threads = arguments.n_threads
        try:
            model.fit(matrix.with_data(matrix.values()))
        except Captured as captured:
            self.state = captured.state

    def place(self, pair: Pair) -> None:
        """Go on from here, in the axes of the start."""
        self.state.rotation = None
        for name, factors in zip(OTHER, pair, strict=True):
            self.state._replace(name, Side(factors.copy(), None))

    def here(self) -> Pair:
        """Copies, in the axes of the start."""
        return tuple(self.state.in_start_axes(name).factors for name in OTHER)

    def objective(self, pair: Pair) -> float:
        """At any factors: one pass over the interactions."""
        problem = self.state.problems["users"]
        users, items = (Side(np.ascontiguousarray(factors, dtype=np.float32), None) for factors in pair)
        observed = squared_loss(problem, items, users, self.n_threads)
        grams = [gram(side.factors, n_threads=self.n_threads) for side in (users, items)]
        ridge = float(problem.ridges[0])
        penalty = ridge * sum(float(np.trace(matrix)) for matrix in grams)
        return observed + problem.unobserved_weight * float(np.sum(grams[0] * grams[1])) + penalty


def plain(iteration: Iteration, run: Run, is_done: Callable[[Run], bool]) -> None:
    """z <- T(z)."""
    began = time.perf_counter()
    while not is_done(run):
        iteration.state.half_step("users")
        note(run, iteration.state.half_step("items").total, began)


def note(run: Run, loss: float, began: float) -> None:
    """After an iteration."""
    run.losses.append(loss)
    run.elapsed_s.append(time.perf_counter() - began)


def guarded(iteration: Iteration, run: Run, jump: Pair, fallback: Pair, before: float) -> tuple[Pair, float, bool]:
    """T of a jump where its user half-step keeps the objective from rising, T of the plain iterate elsewhere."""
    iteration.place(jump)
    is_kept = iteration.state.half_step("users").total <= before
    if not is_kept:
        run.n_rejected += 1
        iteration.place(fallback)
        iteration.state.half_step("users")
    loss = iteration.state.half_step("items").total
    return iteration.here(), loss, is_kept


def nesterov(iteration: Iteration, run: Run, is_done: Callable[[Run], bool], is_items_only: bool = False) -> None:
    """From z + (a - 1) / a' (z - z before), a' = (1 + sqrt(1 + 4 a^2)) / 2; a starts anew where that failed.

    The users need not jump: they are solved next anyhow, and start from where they were.
    """
    began, before, a, previous = time.perf_counter(), np.inf, 1.0, iteration.here()
    here = previous
    while not is_done(run):
        following = (1 + np.sqrt(1 + 4 * a * a)) / 2
        share = np.float32((a - 1) / following)
        users = here[0] if is_items_only else here[0] + share * (here[0] - previous[0])
        jump = users, here[1] + share * (here[1] - previous[1])
        previous = here
        here, before, is_kept = guarded(iteration, run, jump, here, before)
        a = following if is_kept else 1.0
        note(run, before, began)


def anderson(iteration: Iteration, run: Run, is_done: Callable[[Run], bool], depth: int = 5) -> None:
    """sum a_i T(z_i) with sum a_i = 1 and |sum a_i (T(z_i) - z_i)| least over the items; forgotten where it failed."""
    began, before, jump = time.perf_counter(), np.inf, iteration.here()
    here = jump
    images: deque[Pair] = deque(maxlen=depth)
    steps: deque[np.ndarray] = deque(maxlen=depth)
    while not is_done(run):
        origin = jump
        here, before, is_kept = guarded(iteration, run, jump, here, before)
        if is_kept:
            images.append(here)
            steps.append((here[1] - origin[1]).ravel())
        else:
            images.clear()
            steps.clear()
        jump = here
        if len(steps) > 1:
            products = np.array([[np.dot(a, b) for a in steps] for b in steps], dtype=np.float64)
            products += 1e-10 * np.trace(products) * np.eye(len(steps))
            weights = np.linalg.solve(products, np.ones(len(steps)))
            weights = (weights / weights.sum()).astype(np.float32)
            jump = tuple(
                sum(weight * image[side] for weight, image in zip(weights, images, strict=True)) for side in (0, 1)
            )
        note(run, before, began)


def nonlinear_cg(iteration: Iteration, run: Run, is_done: Callable[[Run], bool]) -> None:
    """z <- z + length p, p = (T(z) - z) + beta p, beta by Polak and Ribiere; T(z) where that is no better."""
    began = time.perf_counter()
    here = iteration.here()
    before = iteration.objective(here)
    direction: Pair | None = None
    old_step: Pair | None = None
    while not is_done(run):
        iteration.place(here)
        iteration.state.half_step("users")
        loss = iteration.state.half_step("items").total
        image = iteration.here()
        step: Pair = tuple(new - old for new, old in zip(image, here, strict=True))
        beta = 0.0
        if old_step is not None:
            change = sum(float(np.vdot(new, new - old)) for new, old in zip(step, old_step, strict=True))
            beta = max(0.0, change / max(sum(float(np.vdot(old, old)) for old in old_step), 1e-30))
        if direction is None or beta == 0.0:
            direction = step
        else:
            direction = tuple(new + np.float32(beta) * old for new, old in zip(step, direction, strict=True))
        old_step = step
        length = best_length(iteration, here, before, direction)
        jump: Pair = tuple(z + np.float32(length) * p for z, p in zip(here, direction, strict=True))
        reached = iteration.objective(jump)
        if reached <= loss:
            here, loss = jump, reached
        else:
            run.n_rejected += 1
            here, direction = image, None
        before = loss
        note(run, loss, began)


def best_length(iteration: Iteration, here: Pair, before: float, direction: Pair) -> float:
    """Where the polynomial of degree four through five objectives on the line is least, at most 10."""
    lengths = np.array([0.0, 0.5, 1.0, 2.0, 4.0])
    values = [before]
    for length in lengths[1:]:
        there = tuple(z + np.float32(length) * p for z, p in zip(here, direction, strict=True))
        values.append(iteration.objective(there))
    polynomial = np.polynomial.Polynomial.fit(lengths, values, 4)
    roots = polynomial.deriv().roots()
    real = [root.real for root in roots if abs(root.imag) < 1e-6 and 0 < root.real <= 10]
    return float(min([*real, 1.0], key=polynomial))


METHODS: dict[str, Callable[[Iteration, Run, Callable[[Run], bool]], None]] = {
    "plain": plain,
    "Nesterov": nesterov,
    "Nesterov, items": partial(nesterov, is_items_only=True),
    "Anderson": anderson,
    "nonlinear CG": nonlinear_cg,
}


def measure(data: str, arguments: argparse.Namespace) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """One data set: a row a method and kind of half-step, and the raw runs."""
    matrix = matrices.matrix(data, arguments.scale, arguments.random_state)
    rng = np.random.default_rng(arguments.random_state)
    scale = 0.1 / np.sqrt(arguments.n_factors)
    users, items = (rng.normal(0.0, scale, (n, arguments.n_factors)).astype(np.float32) for n in matrix.shape)

    def go(solver: str, method: str, is_done: Callable[[Run], bool]) -> Run:
        run = Run()
        METHODS[method](Iteration(matrix, (users, items), arguments, solver), run, is_done)
        return run

    say(f"{data}: the yardstick")
    n_converged = arguments.converged_iterations
    ends = {
        method: go("exact", method, lambda run: len(run.losses) >= n_converged).losses[-1]
        for method in ("Nesterov", "nonlinear CG")
    }
    yardstick = min(ends.values())
    target = yardstick * (1 + TOLERANCES[-1])
    runs = []
    for repeat in range(arguments.repeats):
        for solver in arguments.solvers:
            for method in METHODS:
                say(f"{data}, repeat {repeat + 1} of {arguments.repeats}: {method}, {solver}")
                run = go(
                    solver,
                    method,
                    lambda run: (
                        bool(run.losses) and (run.losses[-1] <= target or len(run.losses) >= arguments.max_iterations)
                    ),
                )
                runs.append({"data": data, "solver": solver, "method": method, "repeat": repeat} | vars(run))
    rows = []
    for solver in arguments.solvers:
        for method in METHODS:
            own = [run for run in runs if (run["solver"], run["method"]) == (solver, method)]
            facts = {
                "data": data,
                "solver": solver,
                "method": method,
                "yardstick": yardstick,
                "converged": ends.get(method),
            }
            facts |= {"k": arguments.n_factors, "n_interactions": matrix.nnz, "n_rejected": own[0]["n_rejected"]}
            rows.append(facts | {"reached": [reached(own, yardstick * (1 + share)) for share in TOLERANCES]})
    return rows, runs


def reached(runs: list[dict[str, Any]], target: float) -> dict[str, Any] | None:
    """Iterations and seconds to a target; None where it was not met."""
    found = [place for place, loss in enumerate(runs[0]["losses"]) if loss <= target]
    if not found:
        return None
    seconds = [run["elapsed_s"][found[0]] for run in runs]
    return {"n_iterations": found[0] + 1, "seconds": median(seconds), "all_seconds": seconds}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", nargs="+", choices=matrices.NAMES[1:], default=["planted", "ml-1m"])
    parser.add_argument("--scale", type=float, default=0.5, help="of the planted set")
    parser.add_argument("--n-factors", type=int, default=64)
    parser.add_argument("--alpha", type=float, default=10.0)
    parser.add_argument("--regularization", type=float, default=20.0)
    parser.add_argument("--solvers", nargs="+", choices=("auto", "exact"), default=["auto", "exact"])
    parser.add_argument("--converged-iterations", type=int, default=100)
    parser.add_argument("--max-iterations", type=int, default=100)
    arguments = parse(parser, "acceleration", {"data": ["planted"], "scale": 0.1, "n_factors": 16}, repeats=3)
    rows, runs = [], []
    for data in matrices.at_hand(arguments.data):
        measured = measure(data, arguments)
        rows += measured[0]
        runs += measured[1]
    print(show(save("acceleration", arguments, rows, runs=runs)))


def show(report: dict[str, Any]) -> str:
    """The table of a result."""
    return table(HEADER, [cells(row) for row in report["rows"]])


def cells(row: dict[str, Any]) -> list[str]:
    """A row of the table."""
    line = [row["data"], {"auto": "default", "exact": "exact"}[row["solver"]], row["method"]]
    for found in row["reached"]:
        line += ["not met", ""] if found is None else [str(found["n_iterations"]), spread(found["all_seconds"])]
    return [*line, f"{row['n_rejected']} times"]


if __name__ == "__main__":
    main()
