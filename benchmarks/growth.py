"""How time and memory of a fit grow with the data: 1 M, 10 M and 100 M interactions.

    python benchmarks/growth.py                   # implicit, k = 64; 100 M need 4 GB
    python benchmarks/growth.py --n-interactions 1000000 10000000 --n-factors 64 128 --models implicit explicit
    python benchmarks/growth.py --quick

A user has 130 interactions on average and an item 670, whatever the size, so that both tables grow with the data. Every
measurement is a process of its own that reads the pairs, lays out both orientations and fits twice, with few and with
more iterations. An epoch is the difference; it is judged by the processor's seconds over all threads, which do not
count what other processes take. Time per interaction should be flat within 15 % once the factors exceed the cache.

Memory: the highest resident size during the fit above that of the process before it had any data, over what the data
and the result themselves need: both orientations and both factor matrices. The goal is 1.25, so no second copy of
either.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from machine import forget_peak, memory_bytes
from results import median, parse, run_fresh, save, say, table

USER_LENGTH, ITEM_LENGTH = 130, 670
MODELS = ("implicit", "implicit with weights", "explicit")
HEADER: tuple[str, ...] = (
    "model",
    "k",
    "interactions",
    "factors, MB",
    "epoch, s",
    "processor ns per interaction, median (best)",
)
HEADER += ("peak memory, MB (needed)", "ratio")


def timed(work: Callable[[], Any]) -> tuple[float, float]:
    """Processor's seconds and the clock's."""
    cpu, wall = time.process_time(), time.perf_counter()
    work()
    return time.process_time() - cpu, time.perf_counter() - wall


def measure_one(arguments: argparse.Namespace) -> dict[str, Any]:
    """In a process of its own: the data, a fit with few iterations, one with more."""
    import ridgeback as rb
    from ridgeback.data.csr import Csr
    from ridgeback.data.synthetic import power_law

    def model(n_iterations: int) -> Any:
        if arguments.model == "explicit":
            return rb.ExplicitALS(arguments.k, n_iterations=n_iterations, n_threads=arguments.n_threads, solver="cg")
        return rb.ImplicitALS(
            arguments.k, n_iterations=n_iterations, n_threads=arguments.n_threads, weight_exponents=(0.3, 0.3)
        )

    model(1).fit(rb.Interactions.from_csr(power_law(300, 100, 3_000)))  # whatever a first fit loads
    before = memory_bytes("VmRSS")
    n = arguments.size
    indptr, indices = (np.load(arguments.directory / f"{n}_{name}.npy") for name in ("indptr", "indices"))
    matrix = Csr(indptr, indices, None, (n // USER_LENGTH, n // ITEM_LENGTH))
    weights = None
    if arguments.model == "explicit":
        matrix = matrix.with_data((matrix.indices % 5 + 1).astype(np.float32))
    data = rb.Interactions.from_csr(matrix)
    if arguments.model == "implicit with weights":
        weights = (data.user_items.indices % 3 + 1).astype(np.float32)
        data = rb.Interactions(data.user_items, data.user_ids, data.item_ids, weights=weights)
    del matrix, indptr, indices
    n_csr = data.user_items.nbytes + data.item_users.nbytes + (2 * weights.nbytes if weights is not None else 0)
    n_factor_bytes = 4 * arguments.k * (data.n_users + data.n_items)
    models = [model(1), model(1 + arguments.n_iterations)]
    forget_peak()
    data_bytes = memory_bytes("VmRSS") - before
    few_s = timed(lambda: models[0].fit(data))
    peak = memory_bytes("VmHWM")
    models[0] = None  # its factors with it
    many_s = timed(lambda: models[1].fit(data))
    return {
        "n_interactions": n,
        "epoch_cpu_s": (many_s[0] - few_s[0]) / arguments.n_iterations,
        "epoch_wall_s": (many_s[1] - few_s[1]) / arguments.n_iterations,
        "csr_bytes": n_csr,
        "factor_bytes": n_factor_bytes,
        "data_rss_bytes": data_bytes,
        "peak_rss_bytes": peak - before,
        "memory_ratio": (peak - before) / (n_csr + n_factor_bytes),
    }


def lay_out(directory: Path, n: int) -> None:
    """Draw the pairs of one size and write them where every measurement reads them."""
    script = (
        "import sys, numpy as np; from ridgeback.data.synthetic import power_law\n"
        f"matrix = power_law({n // USER_LENGTH}, {n // ITEM_LENGTH}, {n}, 0)\n"
        f"for name in ('indptr', 'indices'): np.save(sys.argv[1] + '/{n}_' + name, getattr(matrix, name))"
    )
    subprocess.run([sys.executable, "-c", script, str(directory)], check=True)


def in_a_process(
    model: str, n_interactions: int, k: int, directory: Path, arguments: argparse.Namespace
) -> dict[str, Any]:
    """One measurement."""
    options = ["--one", "--model", model, "--size", str(n_interactions), "--k", str(k), "--directory", str(directory)]
    options += ["--n-iterations", str(arguments.n_iterations), "--n-threads", str(arguments.n_threads)]
    return run_fresh(sys.executable, "growth.py", options, {})


def summary(model: str, k: int, reports: list[dict[str, Any]]) -> dict[str, Any]:
    """One row of the table: medians and the best of the repeats."""
    n = reports[0]["n_interactions"]
    cpu = [1e9 * report["epoch_cpu_s"] / n for report in reports]
    return {
        "model": model,
        "k": k,
        "n_interactions": n,
        "table_bytes": reports[0]["factor_bytes"],
        "epoch_wall_s": median(report["epoch_wall_s"] for report in reports),
        "cpu_ns_per_interaction": median(cpu),
        "cpu_ns_per_interaction_best": min(cpu),
        "memory_ratio": max(report["memory_ratio"] for report in reports),
        "peak_rss_bytes": max(report["peak_rss_bytes"] for report in reports),
        "needed_bytes": reports[0]["csr_bytes"] + reports[0]["factor_bytes"],
        "user_table_bytes": 4 * k * (n // USER_LENGTH),
        "item_table_bytes": 4 * k * (n // ITEM_LENGTH),
    }


def cells(row: dict[str, Any]) -> list[str]:
    """A row of the table."""
    return [
        row["model"],
        str(row["k"]),
        f"{row['n_interactions']:,}",
        f"{row['table_bytes'] / 1e6:.0f}",
        f"{row['epoch_wall_s']:.3f}",
        f"{row['cpu_ns_per_interaction']:.1f} ({row['cpu_ns_per_interaction_best']:.1f})",
        f"{row['peak_rss_bytes'] / 1e6:.0f} ({row['needed_bytes'] / 1e6:.0f})",
        f"{row['memory_ratio']:.2f}",
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--n-interactions", type=int, nargs="+", default=[1_000_000, 10_000_000, 100_000_000])
    parser.add_argument("--models", nargs="+", choices=MODELS, default=["implicit"])
    parser.add_argument("--n-factors", type=int, nargs="+", default=[64])
    parser.add_argument("--n-iterations", type=int, default=3)
    parser.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--model", choices=MODELS, help=argparse.SUPPRESS)
    parser.add_argument("--directory", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--k", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--size", type=int, help=argparse.SUPPRESS)
    arguments = parse(parser, "growth", {"n_interactions": [100_000, 1_000_000]}, repeats=5)
    if arguments.one:
        print(json.dumps(measure_one(arguments)))
        return
    sizes = arguments.n_interactions
    cases = [(model, k, n) for model in arguments.models for k in arguments.n_factors for n in sizes]
    runs: list[dict[str, Any]] = []
    with TemporaryDirectory() as name:
        for n in sizes:
            say(f"drawing {n:,} pairs")
            lay_out(Path(name), n)
        for repeat in range(arguments.repeats):
            for model, k, n in cases:
                say(f"repeat {repeat + 1} of {arguments.repeats}: {model}, k = {k}, {n:,}")
                facts = {"model": model, "k": k, "repeat": repeat}
                runs.append(facts | in_a_process(model, n, k, Path(name), arguments))
    rows = [
        summary(model, k, [run for run in runs if (run["model"], run["k"], run["n_interactions"]) == (model, k, n)])
        for model, k, n in cases
    ]
    print(show(save("growth", arguments, rows, runs=runs)))


def show(report: dict[str, Any]) -> str:
    """The table of a result."""
    return table(HEADER, [cells(row) for row in report["rows"]])


if __name__ == "__main__":
    main()
