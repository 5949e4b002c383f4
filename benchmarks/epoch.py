"""One implicit epoch beside other libraries: the same matrix, objective, starting factors and threads.

    make bench                                    # 138,493 x 27,278, 18 M interactions, k = 64, two threads
    python benchmarks/epoch.py --n-interactions 1000000 --n-users 20000 --n-items 8000

Every measurement is a process of its own, BLAS pinned to one thread (the libraries bring their own), and the
libraries take turns, so that a noisy minute does not fall on one of them alone. An epoch is one user and one item
half-step; the figure is the median over all iterations of all repeats. The objective after the last iteration is
computed here, by one function for all. The result goes to benchmarks/results/epoch.json.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from ridgeback.data.synthetic import power_law

HERE = Path(__file__).resolve().parent
PEER_PYTHON = HERE.parent / ".venv-bench" / "bin" / "python"


def hu_objective(
    indptr: np.ndarray,
    indices: np.ndarray,
    values: np.ndarray,
    user_factors: np.ndarray,
    item_factors: np.ndarray,
    alpha: float,
    regularization: float,
) -> float:
    """sum_obs [(1 + alpha r)(1 - s)^2 - s^2] + sum_all s^2 + regularization (|X|^2 + |Y|^2), in float64."""
    X, Y = user_factors.astype(np.float64), item_factors.astype(np.float64)
    total = np.sum((X.T @ X) * (Y.T @ Y)) + regularization * (np.sum(X * X) + np.sum(Y * Y))
    rows = np.repeat(np.arange(len(X)), np.diff(indptr))
    for start in range(0, len(indices), 500_000):
        part = slice(start, start + 500_000)
        s = np.einsum("ij,ij->i", X[rows[part]], Y[indices[part]])
        total += np.sum((1.0 + alpha * values[part]) * (1.0 - s) ** 2 - s**2)
    return float(total)


def lay_out(directory: Path, arguments: argparse.Namespace) -> dict[str, np.ndarray]:
    """Write the matrix and the starting factors where every contestant reads them."""
    matrix = power_law(arguments.n_users, arguments.n_items, arguments.n_interactions, arguments.random_state)
    rng = np.random.default_rng(arguments.random_state)
    scale = 0.1 / np.sqrt(arguments.n_factors)
    arrays = {
        "indptr": matrix.indptr,
        "indices": matrix.indices,
        "values": matrix.values(),
        "user_factors": rng.normal(0.0, scale, (arguments.n_users, arguments.n_factors)).astype(np.float32),
        "item_factors": rng.normal(0.0, scale, (arguments.n_items, arguments.n_factors)).astype(np.float32),
    }
    for name, array in arrays.items():
        np.save(directory / f"{name}.npy", array)
    return arrays


def run_contestant(library: str, directory: Path, arguments: argparse.Namespace) -> dict[str, Any]:
    """One fit in a fresh process; what it measured."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("OPENBLAS_")}
    environment |= {"OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    python = sys.executable if library == "ridgeback" else str(arguments.peer_python)
    command = [python, str(HERE / "contestants.py"), library, str(directory)]
    for name in ("alpha", "regularization", "n_iterations", "n_threads"):
        command += [f"--{name.replace('_', '-')}", str(getattr(arguments, name))]
    result = subprocess.run(command, env=environment, capture_output=True, text=True)
    if result.returncode != 0:
        raise SystemExit(f"{library} failed:\n{result.stderr}")
    report: dict[str, Any] = json.loads(result.stdout)
    return report


def measure(arguments: argparse.Namespace) -> list[dict[str, Any]]:
    """All repeats of all libraries in turn, then one row a library."""
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        arrays = lay_out(directory, arguments)
        reports: dict[str, list[dict[str, Any]]] = {library: [] for library in arguments.libraries}
        for repeat in range(arguments.repeats):
            for library in arguments.libraries:
                print(f"repeat {repeat + 1} of {arguments.repeats}: {library}", file=sys.stderr)
                reports[library].append(run_contestant(library, directory, arguments))
        objectives = {
            library: hu_objective(
                arrays["indptr"],
                arrays["indices"],
                arrays["values"],
                np.load(directory / f"{library}_users.npy"),
                np.load(directory / f"{library}_items.npy"),
                arguments.alpha,
                arguments.regularization,
            )
            for library in arguments.libraries
        }
    return [summary(library, reports[library], objectives[library]) for library in arguments.libraries]


def summary(library: str, reports: list[dict[str, Any]], objective: float) -> dict[str, Any]:
    """The row of one library: median seconds of an epoch with the spread, objective, memory."""
    epochs = [seconds for report in reports for seconds in report["iterations_s"]]
    return {
        "library": library,
        "version": reports[0]["version"],
        "settings": reports[0]["settings"],
        "epoch_s": statistics.median(epochs),
        "epoch_min_s": min(epochs),
        "epoch_max_s": max(epochs),
        "total_s": statistics.median(report["total_s"] for report in reports),
        "objective": objective,
        "peak_rss_bytes": max(report["peak_rss_bytes"] for report in reports),
        "loaded_rss_bytes": max(report["loaded_rss_bytes"] for report in reports),
    }


def table(rows: list[dict[str, Any]]) -> str:
    """The rows as Markdown."""
    lines = [
        "| library | settings | epoch, s (min - max) | times Ridgeback's | whole fit, s | objective "
        "| peak memory, MB (data alone) |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        lines.append(
            f"| {row['library']} {row['version']} | {row['settings']} "
            f"| {row['epoch_s']:.2f} ({row['epoch_min_s']:.2f} - {row['epoch_max_s']:.2f}) "
            f"| {row['epoch_s'] / rows[0]['epoch_s']:.1f} | {row['total_s']:.1f} | {row['objective']:.6g} "
            f"| {row['peak_rss_bytes'] / 1e6:.0f} ({row['loaded_rss_bytes'] / 1e6:.0f}) |"
        )
    return "\n".join(lines)


def processor() -> str:
    """The processor's name where the system tells it."""
    cpuinfo = Path("/proc/cpuinfo")
    names = [line for line in cpuinfo.read_text().splitlines() if "model name" in line] if cpuinfo.exists() else []
    return names[0].partition(":")[2].strip() if names else platform.processor()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--n-users", type=int, default=138_493)
    parser.add_argument("--n-items", type=int, default=27_278)
    parser.add_argument("--n-interactions", type=int, default=18_000_000)
    parser.add_argument("--random-state", type=int, default=0)
    parser.add_argument("--n-factors", type=int, default=64)
    parser.add_argument("--alpha", type=float, default=10.0)
    parser.add_argument("--regularization", type=float, default=1.0)
    parser.add_argument("--n-iterations", type=int, default=5)
    parser.add_argument("--n-threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--libraries", nargs="+", default=["ridgeback", "implicit", "irspack"])
    parser.add_argument("--peer-python", type=Path, default=PEER_PYTHON, help="`make bench-env` builds the default")
    parser.add_argument("--output", type=Path, default=HERE / "results" / "epoch.json")
    arguments = parser.parse_args()
    rows = measure(arguments)
    settings = {name: value for name, value in vars(arguments).items() if name not in ("peer_python", "output")}
    report = {"processor": processor(), "python": platform.python_version(), "settings": settings, "rows": rows}
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    arguments.output.write_text(json.dumps(report, indent=2) + "\n")
    print(table(rows))


if __name__ == "__main__":
    main()
