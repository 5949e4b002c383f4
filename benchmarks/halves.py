"""When gathering from a copy in half precision pays, and what it costs in accuracy.

    python benchmarks/halves.py                   # tables of 1 to 8 MB, ratings and implicit data
    python benchmarks/halves.py --n-factors 64 --megabytes 4

One item half-step of conjugate gradient (two steps) on made-up pairs, the copy made anew each time as a fit does it,
floats and halves taking turns; seconds are the process's own on one thread, the best of the repeats. Errors are those
of rows solved to the end on halves against the same on floats, |x - x*| / |x*|; factors are random: nothing is easy.
"""

from __future__ import annotations

import argparse
import time

import numpy as np

from matrices import PAIRS_A_USER, PAIRS_AN_ITEM
from results import table
from ridgeback import Csr
from ridgeback.data.synthetic import power_law
from ridgeback.solvers import native
from ridgeback.solvers.matrices import aligned
from ridgeback.solvers.problem import Float32Array, Float64Array, RowProblem

HEADER = ("data", "k", "table (MB)", "floats (s)", "halves (s)", "ratio", "error: median", "99 %", "largest")
STEPS_TO_THE_END = 60


def problem_of(rows: Csr, is_explicit: bool, rng: np.random.Generator) -> tuple[RowProblem, Float64Array | None]:
    """Rows to solve, and the fixed side's diagonal Gramian without its factor of n."""
    ridges = 0.05 * rows.counts().astype(np.float64) + 1.0
    if is_explicit:
        targets = rng.normal(size=rows.nnz).astype(np.float32)
        return RowProblem(rows=rows, ridges=ridges, pull="target", unobserved_weight=0.0, targets=targets), None
    return RowProblem(rows=rows, ridges=ridges, pull="weight", unobserved_weight=0.1), np.ones(1)


def measure(data: str, k: int, megabytes: int, arguments: argparse.Namespace) -> list[str]:
    """A line of the table."""
    rng = np.random.default_rng(arguments.random_state)
    n_columns = (megabytes << 20) // (4 * k)
    n_pairs = PAIRS_A_USER * n_columns
    n_rows = n_pairs // PAIRS_AN_ITEM
    rows = power_law(n_rows, n_columns, n_pairs, arguments.random_state)
    fixed = aligned(n_columns, k)
    fixed[...] = rng.normal(scale=1 / np.sqrt(k), size=fixed.shape)
    problem, gram = problem_of(rows, data == "ratings", rng)
    diagonal = None if gram is None else np.full(k, n_columns / k)

    def solve(is_halved: bool, n_steps: int) -> tuple[float, Float32Array]:
        own = aligned(n_rows, k)
        own[...] = 0.01
        began = time.process_time()
        native.solve_cg(problem, fixed, None, own, None, diagonal, n_steps=n_steps, gathers_halves=is_halved)
        return time.process_time() - began, own

    seconds: dict[bool, list[float]] = {False: [], True: []}
    for _ in range(arguments.repeats):
        for is_halved in seconds:
            seconds[is_halved].append(solve(is_halved, 2)[0])
    exact, rounded = (solve(is_halved, STEPS_TO_THE_END)[1] for is_halved in (False, True))
    known = rows.counts() > 0
    errors = np.linalg.norm((rounded - exact)[known], axis=1) / np.linalg.norm(exact[known], axis=1)
    floats_s, halves_s = min(seconds[False]), min(seconds[True])
    figures = (np.median(errors), np.quantile(errors, 0.99), errors.max())
    cells = [data, str(k), str(megabytes), f"{floats_s:.3f}", f"{halves_s:.3f}", f"{halves_s / floats_s:.2f}"]
    return cells + [f"{figure:.1e}" for figure in figures]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--n-factors", type=int, nargs="+", default=[64, 128, 256])
    parser.add_argument("--megabytes", type=int, nargs="+", default=[1, 2, 4, 8])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--random-state", type=int, default=0)
    arguments = parser.parse_args()
    lines = [
        measure(data, k, megabytes, arguments)
        for data in ("implicit", "ratings")
        for k in arguments.n_factors
        for megabytes in arguments.megabytes
    ]
    print(table(HEADER, lines))


if __name__ == "__main__":
    main()
