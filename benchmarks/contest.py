"""Several libraries fit one implicit matrix, turn and turn about: layout on disk, turns, one row a contestant."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from contestants import CONTESTANTS
from matrices import long_tails
from results import median, run_fresh, say
from ridgeback import Csr

N_CHECKED_ROWS = 200


def add_problem_arguments(parser: argparse.ArgumentParser) -> None:
    """The objective and who takes part."""
    parser.add_argument("--alpha", type=float, default=10.0)
    parser.add_argument("--regularization", type=float, default=1.0)
    parser.add_argument("--contestants", nargs="+", metavar="NAME", help=f"of: {'; '.join(CONTESTANTS)}")


@contextmanager
def laid_out(matrix: Csr, n_factors: int, random_state: int) -> Iterator[Path]:
    """A folder with the matrix, the starting factors and some rows to check, for as long as the block runs."""
    with TemporaryDirectory() as name:
        directory = Path(name)
        matrix = matrix.with_data(matrix.values())
        rng = np.random.default_rng(random_state)
        scale = 0.1 / np.sqrt(n_factors)
        arrays: dict[str, np.ndarray] = {"indptr": matrix.indptr, "indices": matrix.indices, "values": matrix.values()}
        for side, n_rows in zip(("user", "item"), matrix.shape, strict=True):
            arrays[f"{side}_factors"] = rng.normal(0.0, scale, (n_rows, n_factors)).astype(np.float32)
        arrays |= checks("users", matrix, rng) | checks("items", matrix.transpose(), rng)
        for key, array in arrays.items():
            np.save(directory / f"{key}.npy", array)
        yield directory


def checks(side: str, matrix: Csr, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Some rows of one side that have neighbours."""
    known = np.flatnonzero(matrix.counts())
    rows = np.sort(rng.choice(known, min(N_CHECKED_ROWS, len(known)), replace=False))
    part = matrix.take(rows)
    arrays = {"rows": rows, "indptr": part.indptr, "indices": part.indices, "values": part.values()}
    return {f"check_{side}_{name}": array for name, array in arrays.items()}


def run(name: str, directory: Path, arguments: argparse.Namespace, n_iterations: int, *options: str) -> dict[str, Any]:
    """One fit of one contestant in a fresh process."""
    python = sys.executable if CONTESTANTS[name].library == "ridgeback" else arguments.peer_python
    command = [name, str(directory), "--n-iterations", str(n_iterations), "--n-threads", str(arguments.n_threads)]
    command += ["--alpha", str(arguments.alpha), "--regularization", str(arguments.regularization), *options]
    return run_fresh(python, "contestants.py", command, {"RAYON_NUM_THREADS": str(arguments.n_threads)})


def compare(contestants: list[str], arguments: argparse.Namespace) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The epochs at every k of the arguments: a row a contestant and k, and the raw runs."""
    rows, runs = [], []
    for n_factors, n_interactions in zip(arguments.n_factors, arguments.n_interactions, strict=True):
        measured = epochs(contestants, n_interactions, n_factors, arguments)
        rows += measured[0]
        runs += measured[1]
    return rows, runs


def epochs(
    contestants: list[str], n_interactions: int, n_factors: int, arguments: argparse.Namespace
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Every repeat of every contestant in turn at one k: a row each, and the raw runs.

    Row errors and the objective do not depend on the clock; they are taken in the first repeat alone.
    """
    runs = []
    matrix = long_tails(n_interactions, arguments.random_state)
    with laid_out(matrix, n_factors, arguments.random_state) as directory:
        for repeat in range(arguments.repeats):
            for name in contestants:
                say(f"k = {n_factors}, repeat {repeat + 1} of {arguments.repeats}: {name}")
                options = ["--row-errors"] if repeat == 0 else []
                report = run(name, directory, arguments, arguments.n_iterations, *options)
                runs.append({"contestant": name, "k": n_factors, "repeat": repeat} | report)
    rows = [summary(name, matrix, [run for run in runs if run["contestant"] == name]) for name in contestants]
    return rows, runs


def summary(name: str, matrix: Csr, runs: list[dict[str, Any]]) -> dict[str, Any]:
    """One contestant: the median over runs of the mean epoch of a run; errors after the first iteration averaged."""
    epoch_s = [float(np.mean(run["iterations_s"])) for run in runs]
    errors = {side: settled(found) for side, found in runs[0]["row_errors"].items()}
    return {
        "contestant": name,
        "library": CONTESTANTS[name].library,
        "version": runs[0]["version"],
        "settings": runs[0]["settings"],
        "k": runs[0]["k"],
        "shape": matrix.shape,
        "n_interactions": matrix.nnz,
        "epoch_s": median(epoch_s),
        "epoch_min_s": min(epoch_s),
        "epoch_max_s": max(epoch_s),
        "total_s": median(run["total_s"] for run in runs),
        "row_errors": errors,
        "loaded_rss_bytes": max(run["loaded_rss_bytes"] for run in runs),
        "peak_rss_bytes": max(run["peak_rss_bytes"] for run in runs),
    }


def settled(errors: list[float]) -> float:
    """Geometric mean over the iterations after the first, which starts from nothing."""
    later = errors[1:] or errors
    return float(np.exp(np.mean(np.log(np.maximum(later, 1e-12)))))


def versions(rows: list[dict[str, Any]]) -> dict[str, str]:
    """By library."""
    return {row["library"]: row["version"] for row in rows}


EPOCH_HEADER: tuple[str, ...] = (
    "k",
    "contestant",
    "settings",
    "epoch, s (least - most)",
    "times Ridgeback's",
    "row error, users / items",
)
EPOCH_HEADER += ("whole fit, s", "peak memory, MB (data alone)")


def epoch_cells(row: dict[str, Any], yardstick: float) -> list[str]:
    """A row of the epoch tables."""
    return [
        str(row["k"]),
        f"{row['contestant']} ({row['version']})",
        row["settings"],
        f"{row['epoch_s']:.3f} ({row['epoch_min_s']:.3f} - {row['epoch_max_s']:.3f})",
        f"{row['epoch_s'] / yardstick:.1f}",
        f"{row['row_errors']['users']:.1e} / {row['row_errors']['items']:.1e}",
        f"{row['total_s']:.2f}",
        f"{row['peak_rss_bytes'] / 1e6:.0f} ({row['loaded_rss_bytes'] / 1e6:.0f})",
    ]
