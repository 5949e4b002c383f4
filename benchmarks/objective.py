"""Seconds to the exact solver's converged objective + 0.1 %, library by library, from the same starting factors.

    python benchmarks/objective.py                # k = 64, 10,000 x 1,000 with planted tastes, and MovieLens 1M
    python benchmarks/objective.py --quick

The yardstick is where Ridgeback's exact solver ends from that start. How many iterations a library needs is found
first: the objective after each of them is computed by one function for all, while no clock runs. Then the libraries
take turns in fresh processes with that many iterations, nothing looking over their shoulders. The figure is the sum of
the iterations' seconds; the whole fit, with what comes before and after the iterations, stands beside it.
"""

from __future__ import annotations

import argparse
from typing import Any

import contest
import contestants
import matrices
from results import median, parse, save, say, spread, table

CONTESTANTS = ["Ridgeback", "Ridgeback, accelerated", "Ridgeback, 2 steps", "Ridgeback, exact", "implicit, CG"]
CONTESTANTS += ["irspack, iALS++", "irspack, CG"]
HEADER: tuple[str, ...] = (
    "data",
    "contestant",
    "settings",
    "iterations",
    "seconds (least - most)",
    "times Ridgeback's",
    "whole fit, s",
)
HEADER += ("objective", "above the yardstick")


def iterations_needed(name: str, directory: Any, target: float, arguments: argparse.Namespace) -> dict[str, Any]:
    """The objectives up to the one that meets the target."""
    say(f"iterations of {name}")
    report = contest.run(name, directory, arguments, arguments.max_iterations, "--target", repr(target))
    return {"objectives": report["objectives"], "is_reached": report["objectives"][-1] <= target}


def measure(data: str, arguments: argparse.Namespace) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """One data set: a row a contestant, and the raw runs."""
    names = arguments.contestants or CONTESTANTS
    runs: list[dict[str, Any]] = []
    matrix = matrices.matrix(data, arguments.scale, arguments.random_state)
    with contest.laid_out(matrix, arguments.n_factors, arguments.random_state) as directory:
        say(f"{data}: where the exact solver ends")
        yardstick = contest.run("Ridgeback, exact", directory, arguments, arguments.converged_iterations)["losses"][-1]
        target = yardstick * (1 + arguments.tolerance)
        needed = {name: iterations_needed(name, directory, target, arguments) for name in names}
        for repeat in range(arguments.repeats):
            for name in names:
                say(f"{data}, repeat {repeat + 1} of {arguments.repeats}: {name}")
                report = contest.run(name, directory, arguments, len(needed[name]["objectives"]))
                runs.append({"data": data, "contestant": name, "repeat": repeat} | report)
    rows = [row_of(name, needed[name], [run for run in runs if run["contestant"] == name]) for name in names]
    facts = {"data": data, "k": arguments.n_factors, "shape": matrix.shape, "n_interactions": matrix.nnz}
    return [facts | {"yardstick": yardstick} | row for row in rows], runs


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", nargs="+", choices=matrices.NAMES[1:], default=["planted", "ml-1m"])
    parser.add_argument("--scale", type=float, default=0.5, help="of the planted set")
    parser.add_argument("--n-factors", type=int, default=64)
    parser.add_argument("--tolerance", type=float, default=1e-3, help="share above the yardstick")
    parser.add_argument("--converged-iterations", type=int, default=120, help="of the exact solver")
    parser.add_argument("--max-iterations", type=int, default=80)
    contest.add_problem_arguments(parser)
    parser.set_defaults(regularization=20.0)
    quick = {"data": ["planted"], "scale": 0.1, "n_factors": 16}
    arguments = parse(parser, "objective", quick)
    rows, runs = [], []
    for data in matrices.at_hand(arguments.data):
        measured = measure(data, arguments)
        rows += measured[0]
        runs += measured[1]
    print(show(save("objective", arguments, rows, runs=runs, versions=contest.versions(rows))))


def show(report: dict[str, Any]) -> str:
    """The table of a result."""
    rows = report["rows"]
    own = {row["data"]: row["seconds"] for row in reversed(rows) if row["library"] == "ridgeback"}
    return table(HEADER, [cells(row, own.get(row["data"], 1.0)) for row in rows])


def row_of(name: str, needed: dict[str, Any], runs: list[dict[str, Any]]) -> dict[str, Any]:
    """One contestant."""
    seconds = [sum(run["iterations_s"]) for run in runs]
    return {
        "contestant": name,
        "library": contestants.CONTESTANTS[name].library,
        "version": runs[0]["version"],
        "settings": runs[0]["settings"],
        "n_iterations": len(needed["objectives"]),
        "is_reached": needed["is_reached"],
        "objectives": needed["objectives"],
        "seconds": median(seconds),
        "all_seconds": seconds,
        "total_s": median(run["total_s"] for run in runs),
        "peak_rss_bytes": max(run["peak_rss_bytes"] for run in runs),
    }


def cells(row: dict[str, Any], own: float) -> list[str]:
    """A row of the table."""
    last = row["objectives"][-1]
    return [
        row["data"],
        f"{row['contestant']} ({row['version']})",
        row["settings"],
        f"{row['n_iterations']}" if row["is_reached"] else f"not in {row['n_iterations']}",
        spread(row["all_seconds"]),
        f"{row['seconds'] / own:.1f}",
        f"{row['total_s']:.2f}",
        f"{last:.7g}",
        f"{100 * (last / row['yardstick'] - 1):+.3f} %",
    ]


if __name__ == "__main__":
    main()
