"""Peak memory of a whole fit over what it cannot do without: both orientations of the data and both factor matrices.

    python benchmarks/memory.py                   # 5 million interactions, k = 64 and 128
    python benchmarks/memory.py --quick

In a process of its own per measurement: import, a small fit, then the user-item matrix is read and a model fitted with
a few iterations. The peak is the highest resident size during the fit above that before the matrix was read. What is
needed is counted alike for everybody: row pointers of 8 bytes, indices of 4 and values of 4, for users and for items,
and float32 factors. 1.0 would be a fit with nothing beside them. Threads each need working memory too, so the figure
falls with the size of the data.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from machine import forget_peak, memory_bytes
from results import library_version, median, parse, run_fresh, save, say, table

HEADER = ("model", "k", "interactions", "peak, MB", "needed, MB", "ratio")


def ridgeback(arrays: dict[str, np.ndarray], arguments: argparse.Namespace, explicit: bool = False) -> object:
    """Fit from a CSR matrix with values."""
    import ridgeback as rb

    shape = tuple(arrays["shape"].tolist())
    matrix = rb.Csr(arrays["indptr"], arrays["indices"], arrays["values"], shape)
    kind: Any = rb.ExplicitALS if explicit else rb.ImplicitALS
    options = {} if explicit else {"loss": "hu"}
    return kind(arguments.k, n_iterations=2, n_threads=arguments.n_threads, **options).fit(matrix)


def scipy_matrix(arrays: dict[str, np.ndarray]) -> Any:
    """The same for others."""
    import scipy.sparse

    parts = (arrays["values"], arrays["indices"], arrays["indptr"])
    return scipy.sparse.csr_matrix(parts, shape=tuple(arrays["shape"]))


def implicit(arrays: dict[str, np.ndarray], arguments: argparse.Namespace) -> object:
    """AlternatingLeastSquares with alpha applied beforehand."""
    from implicit.cpu.als import AlternatingLeastSquares

    model = AlternatingLeastSquares(arguments.k, alpha=1.0, iterations=2, num_threads=arguments.n_threads)
    model.fit(scipy_matrix(arrays), show_progress=False)
    return model


def irspack(arrays: dict[str, np.ndarray], arguments: argparse.Namespace) -> object:
    """IALSRecommender's trainer."""
    from irspack.recommenders.ials import IALSRecommender

    options = {"alpha0": 1.0, "nu": 0.0, "reg": 1.0, "loss_type": "ORIGINAL", "n_threads": arguments.n_threads}
    trainer = IALSRecommender(scipy_matrix(arrays), n_components=arguments.k, **options)._create_trainer()
    for _ in range(2):
        trainer.run_epoch()
    return trainer


def cmfrec(arrays: dict[str, np.ndarray], arguments: argparse.Namespace) -> object:
    """CMF with biases; it wants triplets."""
    import cmfrec

    options = {"finalize_chol": False, "precompute_for_predictions": False, "verbose": False}
    model = cmfrec.CMF(k=arguments.k, niter=2, nthreads=arguments.n_threads, **options)
    return model.fit(scipy_matrix(arrays).tocoo())


def explicit_ridgeback(arrays: dict[str, np.ndarray], arguments: argparse.Namespace) -> object:
    """ExplicitALS."""
    return ridgeback(arrays, arguments, explicit=True)


CONTESTANTS: dict[str, tuple[str, Callable[[dict[str, np.ndarray], argparse.Namespace], object]]] = {
    "Ridgeback, implicit": ("ridgeback", ridgeback),
    "implicit": ("implicit", implicit),
    "irspack": ("irspack", irspack),
    "Ridgeback, explicit": ("ridgeback", explicit_ridgeback),
    "cmfrec, explicit": ("cmfrec", cmfrec),
}


def small() -> dict[str, np.ndarray]:
    """What a first fit loads is no part of the measured one."""
    rng = np.random.default_rng(0)
    indices = np.concatenate([np.sort(rng.choice(200, 20, replace=False)) for _ in range(300)]).astype(np.int32)
    arrays: dict[str, np.ndarray] = {"indptr": np.arange(0, 6001, 20, dtype=np.int64), "indices": indices}
    return arrays | {"values": rng.integers(1, 6, 6000).astype(np.float32), "shape": np.array([300, 200])}


def work(arguments: argparse.Namespace) -> None:
    """In a process of its own: a small fit, then the data and the measured fit."""
    library, fit = CONTESTANTS[arguments.contestant]
    fit(small(), arguments)
    before = memory_bytes("VmRSS")
    arrays = {path.stem: np.load(path) for path in arguments.directory.glob("*.npy")}
    forget_peak()
    kept = fit(arrays, arguments)
    peak = memory_bytes("VmHWM") - before
    del kept
    print(json.dumps({"peak_bytes": peak, "before_rss_bytes": before, "version": library_version(library)}))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--n-interactions", type=int, default=5_000_000)
    parser.add_argument("--n-factors", type=int, nargs="+", default=[64, 128])
    parser.add_argument("--contestant", choices=CONTESTANTS, help=argparse.SUPPRESS)
    parser.add_argument("--directory", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--k", type=int, help=argparse.SUPPRESS)
    arguments = parse(parser, "memory", {"n_interactions": 500_000, "n_factors": [32]}, repeats=2)
    if arguments.contestant:
        work(arguments)
        return
    from matrices import long_tails

    matrix = long_tails(arguments.n_interactions, arguments.random_state)
    runs = []
    with TemporaryDirectory() as folder:
        values = (matrix.indices % 5 + 1).astype(np.float32)
        arrays: dict[str, np.ndarray] = {
            "indptr": matrix.indptr,
            "indices": matrix.indices,
            "values": values,
            "shape": np.array(matrix.shape),
        }
        for name, array in arrays.items():
            np.save(Path(folder) / f"{name}.npy", array)
        for repeat in range(arguments.repeats):
            for k in arguments.n_factors:
                for name, (library, _) in CONTESTANTS.items():
                    say(f"k = {k}, repeat {repeat + 1} of {arguments.repeats}: {name}")
                    python = sys.executable if library == "ridgeback" else arguments.peer_python
                    options = ["--contestant", name, "--directory", folder, "--k", str(k)]
                    report = run_fresh(python, "memory.py", [*options, "--n-threads", str(arguments.n_threads)], {})
                    runs.append({"contestant": name, "k": k, "repeat": repeat} | report)
    rows = []
    for name, (library, _) in CONTESTANTS.items():
        for k in arguments.n_factors:
            own = [run for run in runs if (run["contestant"], run["k"]) == (name, k)]
            needed = 16 * matrix.nnz + 8 * (sum(matrix.shape) + 2) + 4 * k * sum(matrix.shape)
            peak = median(run["peak_bytes"] for run in own)
            facts = {"contestant": name, "library": library, "version": own[0]["version"], "k": k}
            facts |= {"n_interactions": matrix.nnz, "needed_bytes": needed, "peak_bytes": peak}
            rows.append(facts | {"ratio": peak / needed})
    versions = {row["library"]: row["version"] for row in rows}
    print(show(save("memory", arguments, rows, runs=runs, versions=versions)))


def show(report: dict[str, Any]) -> str:
    """The table of a result."""
    return table(HEADER, [cells(row) for row in report["rows"]])


def cells(row: dict[str, Any]) -> list[str]:
    """A row of the table."""
    return [
        f"{row['contestant']} ({row['version']})",
        str(row["k"]),
        f"{row['n_interactions']:,}",
        f"{row['peak_bytes'] / 1e6:.0f}",
        f"{row['needed_bytes'] / 1e6:.0f}",
        f"{row['ratio']:.2f}",
    ]


if __name__ == "__main__":
    main()
