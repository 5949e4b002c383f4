"""One implicit epoch beside other libraries: the same matrix, objective, starting factors and threads.

    python benchmarks/epoch.py                    # k = 64 on 10 million interactions, 128 on 2, 256 on 1
    python benchmarks/epoch.py --n-factors 64 --n-interactions 18000000
    python benchmarks/epoch.py --quick

Every measurement is a process of its own, BLAS on one thread (the libraries bring their own threads), and the
contestants take turns, so that a noisy minute does not fall on one of them alone. An epoch is one user and one item
half-step; the figure is the median over the repeats of a run's mean. Beside it stands what the time bought: the median
relative error of sampled rows against their exact solution in float64, the other side as the contestant had it in that
half-step, geometric mean over the iterations after the first.
"""

from __future__ import annotations

import argparse
from typing import Any

import contest
from results import parse, save, table

CONTESTANTS = [
    "Ridgeback",
    "Ridgeback, 1 step",
    "Ridgeback, 2 steps",
    "Ridgeback, 3 steps",
    "implicit, CG",
    "irspack, iALS++",
    "irspack, CG",
]
CONTESTANTS += ["rusket, CG"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--n-factors", type=int, nargs="+", default=[64, 128, 256])
    parser.add_argument("--n-interactions", type=int, nargs="+", default=[10_000_000, 2_000_000, 1_000_000])
    parser.add_argument("--n-iterations", type=int, default=3)
    contest.add_problem_arguments(parser)
    quick = {"n_factors": [64], "n_interactions": [300_000]}
    arguments = parse(parser, "epoch", quick)
    rows, runs = contest.compare(arguments.contestants or CONTESTANTS, arguments)
    print(show(save("epoch", arguments, rows, runs=runs, versions=contest.versions(rows))))


def show(report: dict[str, Any]) -> str:
    """The table of a result."""
    rows = report["rows"]
    own = {row["k"]: row["epoch_s"] for row in reversed(rows) if row["library"] == "ridgeback"}
    return table(contest.EPOCH_HEADER, [contest.epoch_cells(row, own.get(row["k"], 1.0)) for row in rows])


if __name__ == "__main__":
    main()
