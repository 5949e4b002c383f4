"""How many conjugate-gradient steps a row should take: fixed numbers beside n_cg_steps="auto" at several thresholds.

    python benchmarks/cg_steps.py                 # a planted set, MovieLens 1M and Last.fm
    python benchmarks/cg_steps.py --quick

From the same start, at the same regularization, by the work that was done: a step of every row costs a pass over the
interactions, and every half-step makes one more to begin with. The loss is beside that of exact half-steps; a row's
error is that of the last iteration against its exact solution in float64, median over the rows. Nothing is timed.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import Any

import numpy as np

import matrices
from results import parse, save, say, table
from ridgeback import Csr
from ridgeback.models.alternation import OTHER, Alternation, SideName, squared_loss
from ridgeback.models.defaults import N_FIRST_CG_STEPS
from ridgeback.models.row_solver import (
    WORTHWHILE,
    AdaptiveConjugateGradient,
    ConjugateGradient,
    Exact,
    RowSolver,
    Side,
)
from ridgeback.solvers.matrices import aligned, gram
from ridgeback.solvers.problem import HalfStep, RowProblem

FIXED = [1, 2, 3, 4]
SHARES = [0.3, 0.1, 0.03, 0.01, 0.003]
HEADER = ("data", "steps", "passes an iteration", "loss above exact's", "row error, users / items")


class Counting:
    """A row solver that adds up what its steps cost."""

    def __init__(self, solver: RowSolver) -> None:
        self.solver = solver
        self.uses_eigenbasis, self.may_not_raise = solver.uses_eigenbasis, solver.may_not_raise
        self.n_passes = 0.0

    def solve(self, problem: RowProblem, *sides: Any, **options: Any) -> HalfStep:
        """Pass on."""
        result = self.solver.solve(problem, *sides, **options)
        self.n_passes += 1 + result.n_step_pairs / problem.rows.nnz
        return result


def problems_of(matrix: Csr) -> dict[SideName, RowProblem]:
    """Both sides' rows of the iALS objective, with a ridge that grows with the rows."""
    found: dict[SideName, RowProblem] = {}
    for side, rows in (("users", matrix), ("items", matrix.transpose())):
        ridges = (0.003 * (rows.counts() + 0.1 * rows.shape[1])).astype(np.float64)
        found["users" if side == "users" else "items"] = RowProblem(rows, ridges, "weight", unobserved_weight=0.1)
    return found


def start(matrix: Csr, k: int, random_state: int) -> dict[SideName, Side]:
    """The same random factors for everybody."""
    rng = np.random.default_rng(random_state)
    users, items = (aligned(n_rows, k) for n_rows in matrix.shape)
    for factors in (users, items):
        factors[...] = rng.normal(0.0, 0.1 / np.sqrt(k), factors.shape)
    return {"users": Side(users, None), "items": Side(items, None)}


def run(matrix: Csr, solver: RowSolver, arguments: argparse.Namespace) -> dict[str, Any]:
    """A fit: its loss, passes over the interactions, and the errors of its last rows."""
    counting, n_threads = Counting(solver), arguments.n_threads
    problems, sides = problems_of(matrix), start(matrix, arguments.n_factors, arguments.random_state)
    fit = Alternation(problems, sides, counting, squared_loss, n_threads, np.zeros(1, dtype=np.uint8))
    loss, errors = 0.0, {}
    for iteration in range(1, arguments.n_iterations + 1):
        for side in OTHER:
            loss = fit.half_step(side).total
            if iteration == arguments.n_iterations:
                errors[side] = row_error(problems[side], fit.sides[OTHER[side]], fit.sides[side], n_threads)
    return {"loss": loss, "n_passes": counting.n_passes / arguments.n_iterations, "row_errors": errors}


def row_error(problem: RowProblem, fixed: Side, own: Side, n_threads: int) -> float:
    """The median of ``|x - x*| / |x*|``, x* the exact solution."""
    exact = own.copy()
    Exact("double").solve(
        problem, fixed, exact, gram(fixed.factors, n_threads=n_threads), n_threads=n_threads, cancel=None
    )
    size = np.linalg.norm(exact.factors, axis=1)
    off = np.linalg.norm(own.factors - exact.factors, axis=1)
    return float(np.median(off[size > 0] / size[size > 0]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", nargs="+", choices=matrices.NAMES[1:], default=["planted", "ml-1m", "lastfm"])
    parser.add_argument("--scale", type=float, default=1.0, help="of the planted set")
    parser.add_argument("--n-factors", type=int, default=64)
    parser.add_argument("--n-iterations", type=int, default=10)
    arguments = parse(parser, "cg_steps", {"data": ["planted"], "scale": 0.1, "n_factors": 32}, repeats=1)
    rows: list[dict[str, Any]] = []
    for data in matrices.at_hand(arguments.data):
        matrix = matrices.matrix(data, arguments.scale, arguments.random_state)
        exact = run(matrix, Exact(), arguments)
        for name, solver in solvers():
            say(f"{data}: {name}")
            found = run(matrix, solver, arguments)
            rows.append({"data": data, "steps": name, "above": found["loss"] / exact["loss"] - 1} | found)
    print(show(save("cg_steps", arguments, rows)))


def solvers() -> Iterator[tuple[str, RowSolver]]:
    """Every way of choosing the steps, by name."""
    for n_steps in FIXED:
        yield f"{n_steps}", ConjugateGradient(n_steps)
    for share in SHARES:
        default = " (the default)" if share == WORTHWHILE else ""
        yield f"auto, worthwhile {share}{default}", AdaptiveConjugateGradient(N_FIRST_CG_STEPS["implicit"], share)


def show(report: dict[str, Any]) -> str:
    """The table of a result."""
    return table(HEADER, [cells(row) for row in report["rows"]])


def cells(row: dict[str, Any]) -> list[str]:
    """A row of the table."""
    errors = row["row_errors"]
    at = f"{errors['users']:.1e} / {errors['items']:.1e}"
    return [row["data"], row["steps"], f"{row['n_passes']:.2f}", f"{100 * row['above']:+.3f} %", at]


if __name__ == "__main__":
    main()
