"""How far rows are from their exact solution, by solver, steps, k and iteration, on real data.

    python benchmarks/row_errors.py               # MovieLens 1M and Last.fm, k = 64 and 128
    python benchmarks/row_errors.py --quick       # a small planted set

Every contestant starts from the same factors and goes its own way. After each half-step of an iteration the error of
sampled rows is |x - x*| / |x*|, x* the exact solution in float64 with the other side as the contestant had it; the
table shows medians. Plain conjugate gradient is implicit's, by the number of its steps. Nothing is timed here.
"""

from __future__ import annotations

import argparse
from typing import Any

import contest
import contestants
import matrices
from results import parse, save, say, table

CONTESTANTS = ["Ridgeback", "Ridgeback, 1 step", "Ridgeback, 2 steps", "Ridgeback, 3 steps", "Ridgeback, exact"]
CONTESTANTS += ["implicit, CG 1 step", "implicit, CG 2 steps", "implicit, CG", "irspack, CG", "irspack, iALS++"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", nargs="+", choices=matrices.NAMES[1:], default=["ml-1m", "lastfm"])
    parser.add_argument("--scale", type=float, default=1.0, help="of a planted set")
    parser.add_argument("--n-factors", type=int, nargs="+", default=[64, 128])
    parser.add_argument("--iterations", type=int, nargs="+", default=[2, 4, 10])
    contest.add_problem_arguments(parser)
    quick = {"data": ["planted"], "scale": 0.1, "n_factors": [32]}
    arguments = parse(parser, "row_errors", quick, repeats=1)
    rows: list[dict[str, Any]] = []
    for data in matrices.at_hand(arguments.data):
        matrix = matrices.matrix(data, arguments.scale, arguments.random_state)
        for k in arguments.n_factors:
            with contest.laid_out(matrix, k, arguments.random_state) as directory:
                for name in arguments.contestants or CONTESTANTS:
                    say(f"{data}, k = {k}: {name}")
                    report = contest.run(name, directory, arguments, max(arguments.iterations), "--row-errors")
                    facts = {"data": data, "shape": matrix.shape, "n_interactions": matrix.nnz, "k": k}
                    facts |= {"contestant": name, "library": contestants.CONTESTANTS[name].library}
                    rows.append(facts | {name: report[name] for name in ("version", "settings", "row_errors")})
    print(show(save("row_errors", arguments, rows, versions=contest.versions(rows))))


def show(report: dict[str, Any]) -> str:
    """The table of a result."""
    iterations = report["settings"]["iterations"]
    at = [f"users / items, iteration {iteration}" for iteration in iterations]
    return table(("data", "k", "contestant", "settings", *at), [cells(row, iterations) for row in report["rows"]])


def cells(row: dict[str, Any], iterations: list[int]) -> list[str]:
    """A row of the table."""
    errors = row["row_errors"]
    at = [f"{errors['users'][t - 1]:.1e} / {errors['items'][t - 1]:.1e}" for t in iterations]
    return [row["data"], str(row["k"]), f"{row['contestant']} ({row['version']})", row["settings"], *at]


if __name__ == "__main__":
    main()
