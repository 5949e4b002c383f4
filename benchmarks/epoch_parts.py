"""Where the time of an implicit epoch goes, and how much of it a perfect row solver would leave.

    python benchmarks/epoch_parts.py
    python benchmarks/epoch_parts.py --quick

The matrices and parameters of epoch.py, with as many conjugate-gradient steps. Every native call and the eigenvectors
are timed by the clock. A part is the difference between a fit of several iterations and one of a single one, over the
iterations between; the figures are medians of the repeats. Rows are the conjugate gradients of one side; halves are the
copies in half precision that they gather from; the rest is what Python and NumPy do around these.

What is not rows is the price of the eigenbasis: both sides are rotated twice an iteration, their Gramians are formed in
float64, and the eigenvectors are found on one thread. It does not shrink with the pairs, so it weighs most where few
pairs meet many factors.
"""

from __future__ import annotations

import argparse
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

import numpy as np

import matrices
import ridgeback as rb
from results import median, parse, save, say, table
from ridgeback import Csr, _native

PARTS = ("user rows", "item rows", "rotations", "Gramians", "eigenvectors", "halves", "the rest")
NATIVE = {"rotate": "rotations", "gram": "Gramians", "halve": "halves"}
HEADER = ("k", "interactions", "steps", "epoch, ms", *(f"{part}, ms" for part in PARTS), "not rows, %")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--n-factors", type=int, nargs="+", default=[64, 128, 256])
    parser.add_argument("--n-interactions", type=int, nargs="+", default=[10_000_000, 2_000_000, 1_000_000])
    parser.add_argument("--n-cg-steps", type=int, nargs="+", default=[2, 3, 3], help="as many as judged in epoch.py")
    parser.add_argument("--n-iterations", type=int, default=4, help="epochs between the two fits")
    parser.add_argument("--alpha", type=float, default=10.0)
    parser.add_argument("--regularization", type=float, default=1.0)
    arguments = parse(parser, "epoch_parts", {"n_factors": [64], "n_interactions": [300_000], "n_cg_steps": [2]})
    runs = []
    sizes = zip(arguments.n_factors, arguments.n_interactions, arguments.n_cg_steps, strict=True)
    for k, n_interactions, n_steps in sizes:
        pairs = matrices.long_tails(n_interactions, arguments.random_state)
        for repeat in range(arguments.repeats):
            say(f"k = {k}: repeat {repeat + 1} of {arguments.repeats}")
            parts = epoch(pairs, k, n_steps, arguments)
            runs.append({"k": k, "n_interactions": n_interactions, "n_cg_steps": n_steps, "repeat": repeat, **parts})
    rows = []
    for k in arguments.n_factors:
        own = [run for run in runs if run["k"] == k]
        names = (*PARTS, "epoch")
        rows.append({**own[0], **{name: median([run[name] for run in own]) for name in names}})
        del rows[-1]["repeat"]
    print(show(save("epoch_parts", arguments, rows, runs=runs)))


def show(report: dict[str, Any]) -> str:
    """The table of a result."""
    lines = []
    for row in report["rows"]:
        milliseconds = [f"{1000 * row[part]:.1f}" for part in ("epoch", *PARTS)]
        others = 1 - (row["user rows"] + row["item rows"]) / row["epoch"]
        cells = (str(row["k"]), f"{row['n_interactions']:,}", str(row["n_cg_steps"]), *milliseconds)
        lines.append([*cells, f"{100 * others:.0f}"])
    return table(HEADER, lines)


def epoch(pairs: Csr, k: int, n_steps: int, arguments: argparse.Namespace) -> dict[str, float]:
    """Seconds of each part of one epoch."""
    short, long = (fit(pairs, k, n_steps, n, arguments) for n in (1, 1 + arguments.n_iterations))
    parts = {part: (long[part] - short[part]) / arguments.n_iterations for part in (*PARTS[:-1], "epoch")}
    return parts | {PARTS[-1]: parts["epoch"] - sum(parts[part] for part in PARTS[:-1])}


def fit(pairs: Csr, k: int, n_steps: int, n_iterations: int, arguments: argparse.Namespace) -> dict[str, float]:
    """Seconds of each part of a fit up to its last iteration, and of all of it as "epoch"."""
    model = rb.ImplicitALS(
        k,
        loss="hu",
        alpha=arguments.alpha,
        regularization=arguments.regularization,
        n_iterations=n_iterations,
        n_cg_steps=n_steps,
        random_state=arguments.random_state,
        n_threads=arguments.n_threads,
    )
    at_end: dict[str, float] = {}

    def remember(_: Any, record: dict[str, Any]) -> None:
        if record["iteration"] == n_iterations and record["side"] == "items":
            at_end.update(seconds, epoch=record["elapsed_s"])

    remember.reads_factors = False  # type: ignore[attr-defined]  # copies in the axes of the start would take time

    with timed_parts(pairs.n_rows) as seconds:
        model.fit(pairs, callbacks=[remember])
    return defaultdict(float, at_end)


@contextmanager
def timed_parts(n_users: int) -> Iterator[dict[str, float]]:
    """Time every native call of a fit, and the eigenvectors, while the context lasts."""
    seconds: dict[str, float] = defaultdict(float)

    def timed(work: Callable[..., Any], part_of: Callable[[dict[str, Any]], str]) -> Callable[..., Any]:
        def call(*arguments: Any, **keywords: Any) -> Any:
            began = time.perf_counter()
            try:
                return work(*arguments, **keywords)
            finally:
                seconds[part_of(keywords)] += time.perf_counter() - began

        return call

    def side(keywords: dict[str, Any]) -> str:
        return "user rows" if len(keywords["factors"]) == n_users else "item rows"

    patches = [
        mock.patch.object(_native, name, timed(getattr(_native, name), lambda _, p=p: p)) for name, p in NATIVE.items()
    ]
    patches.append(mock.patch.object(_native, "solve_rows", timed(_native.solve_rows, side)))
    patches.append(mock.patch.object(np.linalg, "eigh", timed(np.linalg.eigh, lambda _: "eigenvectors")))
    for patch in patches:
        patch.start()
    try:
        yield seconds
    finally:
        for patch in patches:
            patch.stop()


if __name__ == "__main__":
    main()
