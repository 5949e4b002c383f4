"""One implicit epoch with every row solved exactly, beside the exact solvers of others and our own approximate one.

    python benchmarks/exact_epoch.py              # k = 64 on 3 million interactions, 128 on 1, 256 on half
    python benchmarks/exact_epoch.py --quick

As epoch.py measures, with factorisations instead of conjugate gradient.
"""

from __future__ import annotations

import argparse
from typing import Any

import contest
from results import parse, save, table

CONTESTANTS = ["Ridgeback, exact", "Ridgeback", "irspack, Cholesky", "implicit, Cholesky"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--n-factors", type=int, nargs="+", default=[64, 128, 256])
    parser.add_argument("--n-interactions", type=int, nargs="+", default=[3_000_000, 1_000_000, 500_000])
    parser.add_argument("--n-iterations", type=int, default=2)
    contest.add_problem_arguments(parser)
    quick = {"n_factors": [64], "n_interactions": [300_000]}
    arguments = parse(parser, "exact_epoch", quick)
    rows, runs = contest.compare(arguments.contestants or CONTESTANTS, arguments)
    print(show(save("exact_epoch", arguments, rows, runs=runs, versions=contest.versions(rows))))


def show(report: dict[str, Any]) -> str:
    """The table of a result."""
    rows = report["rows"]
    own = {row["k"]: row["epoch_s"] for row in reversed(rows) if row["contestant"] == "Ridgeback, exact"}
    return table(contest.EPOCH_HEADER, [contest.epoch_cells(row, own.get(row["k"], 1.0)) for row in rows])


if __name__ == "__main__":
    main()
