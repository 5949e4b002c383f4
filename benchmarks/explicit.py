"""One explicit epoch beside cmfrec: ratings with biases, the same objective, and what either has learned after it.

    python benchmarks/explicit.py                 # 2 million made-up ratings, k = 64 and 128, and MovieLens 1M
    python benchmarks/explicit.py --quick

The objective is sum (r - mean - b_u - b_i - x_u . y_i)^2 + regularization (|x|^2 + |y|^2 + b_u^2 + b_i^2) for both. A
start cannot be declared to cmfrec, so the libraries start each from their own; beside the seconds stands the RMSE on
the held-out twentieth after the same number of iterations. cmfrec tells no times: its epoch is the difference of a fit
with all iterations and one with two, over the rest, without its options that make the last iteration exact and
prepare predictions. Every measurement is a process of its own, with a small fit first; contestants take turns.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from machine import forget_peak, memory_bytes
from results import library_version, median, parse, run_fresh, save, say, spread, table

HEADER: tuple[str, ...] = (
    "data",
    "k",
    "contestant",
    "settings",
    "epoch, s (least - most)",
    "times Ridgeback's",
    "held-out RMSE",
)
HEADER += ("peak memory, MB (data alone)",)
Ratings = dict[str, np.ndarray]


def made_up(n_ratings: int, random_state: int) -> Ratings:
    """Ratings of rank 8 with biases and noise of 0.7, at places with long tails."""
    from matrices import long_tails

    matrix = long_tails(n_ratings, random_state)
    rng = np.random.default_rng(random_state + 1)
    users = np.repeat(np.arange(matrix.shape[0], dtype=np.int32), matrix.counts())
    tastes = [rng.normal(0.0, np.sqrt(0.6 / np.sqrt(8)), (n, 8)) for n in matrix.shape]  # x . y: deviation 0.6
    biases = [rng.normal(0.0, 0.35, n) for n in matrix.shape]
    ratings = np.empty(matrix.nnz, dtype=np.float32)
    for start in range(0, matrix.nnz, 500_000):
        u, i = (codes[start : start + 500_000] for codes in (users, matrix.indices))
        s = 3.5 + biases[0][u] + biases[1][i] + np.einsum("ij,ij->i", tastes[0][u], tastes[1][i])
        ratings[start : start + 500_000] = s + rng.normal(0.0, 0.7, len(u))
    return {"users": users, "items": matrix.indices, "ratings": ratings}


def ml_1m() -> Ratings:
    """MovieLens 1M, ids numbered."""
    from quality.datasets import folder

    arrays = np.load(folder() / "ml-1m" / "ratings.npz")
    users, items = (np.unique(arrays[name], return_inverse=True)[1].astype(np.int32) for name in ("user", "item"))
    return {"users": users, "items": items, "ratings": arrays["rating"].astype(np.float32)}


def split(ratings: Ratings, random_state: int) -> Ratings:
    """A twentieth held out."""
    held_out = np.random.default_rng(random_state).random(len(ratings["users"])) < 0.05
    parts = {name: array[~held_out] for name, array in ratings.items()}
    parts |= {f"test_{name}": array[held_out] for name, array in ratings.items()}
    return parts | {"shape": np.array([ratings["users"].max() + 1, ratings["items"].max() + 1])}


def rmse(ratings: Ratings, mean: float, users: tuple[Any, Any], items: tuple[Any, Any]) -> float:
    """Root mean squared error on the held-out ratings, factors and biases of both sides given."""
    u, i = ratings["test_users"], ratings["test_items"]
    x, y = (np.asarray(side[0], dtype=np.float64) for side in (users, items))
    s = mean + np.asarray(users[1])[u] + np.asarray(items[1])[i] + np.einsum("ij,ij->i", x[u], y[i])
    return float(np.sqrt(np.mean((s - ratings["test_ratings"]) ** 2)))


def fit_ridgeback(ratings: Ratings, arguments: argparse.Namespace, **options: Any) -> dict[str, Any]:
    """ExplicitALS with a plain ridge; judged as the last iteration leaves it, before the final user half-step."""
    import ridgeback as rb

    shape = tuple(ratings["shape"].tolist())
    matrix = rb.Csr.from_pairs(ratings["users"], ratings["items"], ratings["ratings"], shape)

    def model() -> Any:
        return rb.ExplicitALS(
            arguments.k,
            regularization=arguments.regularization,
            bias_regularization=arguments.regularization,
            frequency_exponent=0.0,
            n_iterations=arguments.n_iterations,
            n_threads=arguments.n_threads,
            **options,
        )

    fitted = model().fit(matrix)
    peak_rss_bytes = memory_bytes("VmHWM")
    ends = [record["elapsed_s"] for record in fitted.history_ if record["side"] in ("start", "items")]
    found = []

    def judge(fitting: Any, record: dict[str, Any]) -> None:
        if record["side"] == "items" and record["iteration"] == arguments.n_iterations:
            sides = (fitting.user_factors_, fitting.user_biases_), (fitting.item_factors_, fitting.item_biases_)
            found.append(rmse(ratings, fitting.mean_, *sides))

    if arguments.is_judged:
        model().fit(matrix, callbacks=[judge])
    p = fitted.parameters_
    settings = "exact" if p["solver"] == "exact" else f"CG, n_cg_steps={p['n_cg_steps']!r}"
    return {
        "settings": settings,
        "epoch_s": (ends[-1] - ends[0]) / arguments.n_iterations,
        "rmse": found[0] if found else None,
        "peak_rss_bytes": peak_rss_bytes,
    }


def fit_cmfrec(ratings: Ratings, arguments: argparse.Namespace, use_cg: bool = True) -> dict[str, Any]:
    """CMF by alternating least squares with both biases."""
    import cmfrec
    import scipy.sparse

    pairs = (ratings["users"], ratings["items"])
    matrix = scipy.sparse.coo_matrix((ratings["ratings"], pairs), shape=tuple(ratings["shape"]))

    def fit(n_iterations: int) -> tuple[Any, float]:
        model = cmfrec.CMF(
            k=arguments.k,
            lambda_=arguments.regularization,
            use_cg=use_cg,
            niter=n_iterations,
            finalize_chol=False,
            precompute_for_predictions=False,
            nthreads=arguments.n_threads,
            verbose=False,
        )
        began = time.perf_counter()
        model.fit(matrix)
        return model, time.perf_counter() - began

    few_s = fit(2)[1]
    model, many_s = fit(arguments.n_iterations)
    peak_rss_bytes = memory_bytes("VmHWM")
    sides = (model.A_, model.user_bias_), (model.B_, model.item_bias_)
    return {
        "settings": "CG, 3 steps" if use_cg else "Cholesky",
        "epoch_s": (many_s - few_s) / (arguments.n_iterations - 2),
        "rmse": rmse(ratings, float(model.glob_mean_), *sides) if arguments.is_judged else None,
        "peak_rss_bytes": peak_rss_bytes,
    }


CONTESTANTS: dict[str, tuple[str, Callable[..., dict[str, Any]], dict[str, Any]]] = {
    "Ridgeback": ("ridgeback", fit_ridgeback, {}),
    "Ridgeback, CG": ("ridgeback", fit_ridgeback, {"solver": "cg"}),
    "Ridgeback, 1 step": ("ridgeback", fit_ridgeback, {"solver": "cg", "n_cg_steps": 1}),
    "Ridgeback, exact": ("ridgeback", fit_ridgeback, {"solver": "exact"}),
    "cmfrec, CG": ("cmfrec", fit_cmfrec, {}),
    "cmfrec, Cholesky": ("cmfrec", fit_cmfrec, {"use_cg": False}),
}
DEFAULT_CONTESTANTS = ["Ridgeback", "Ridgeback, CG", "Ridgeback, 1 step", "cmfrec, CG"]


def work(arguments: argparse.Namespace) -> None:
    """In a process of its own: a small fit, then the measured one."""
    library, fit, options = CONTESTANTS[arguments.contestant]
    small = argparse.Namespace(**vars(arguments) | {"n_iterations": 3, "is_judged": False})
    rng = np.random.default_rng(0)
    codes = np.unravel_index(np.sort(rng.choice(5_000, 2_000, replace=False)), (100, 50))
    pairs = {name: code.astype(np.int32) for name, code in zip(("users", "items"), codes, strict=True)}
    fit(pairs | {"ratings": rng.normal(3, 1, 2_000).astype(np.float32), "shape": np.array([100, 50])}, small, **options)
    ratings = {path.stem: np.load(path) for path in arguments.directory.glob("*.npy")}
    loaded = memory_bytes("VmRSS")
    forget_peak()
    report = fit(ratings, arguments, **options)
    print(json.dumps(report | {"version": library_version(library), "loaded_rss_bytes": loaded}))


def measure(data: str, ratings: Ratings, arguments: argparse.Namespace) -> list[dict[str, Any]]:
    """The raw runs on one data set."""
    runs = []
    with TemporaryDirectory() as folder:
        for name, array in split(ratings, arguments.random_state).items():
            np.save(Path(folder) / f"{name}.npy", array)
        for repeat in range(arguments.repeats):
            for k in arguments.n_factors:
                for name in arguments.contestants:
                    say(f"{data}, k = {k}, repeat {repeat + 1} of {arguments.repeats}: {name}")
                    python = sys.executable if CONTESTANTS[name][0] == "ridgeback" else arguments.peer_python
                    options = ["--contestant", name, "--directory", folder, "--k", str(k)]
                    options += ["--n-iterations", str(arguments.n_iterations), "--n-threads", str(arguments.n_threads)]
                    options += ["--regularization", str(arguments.regularization)]
                    options += ["--is-judged"] if repeat == 0 else []
                    report = run_fresh(python, "explicit.py", options, {})
                    runs.append({"data": data, "contestant": name, "k": k, "repeat": repeat} | report)
    return runs


def summary(runs: list[dict[str, Any]]) -> dict[str, Any]:
    """One row out of the repeats of one contestant."""
    first, epoch_s = runs[0], [run["epoch_s"] for run in runs]
    row = {name: first[name] for name in ("data", "k", "contestant", "settings", "version", "rmse")}
    return row | {
        "library": CONTESTANTS[first["contestant"]][0],
        "epoch_s": median(epoch_s),
        "all_epoch_s": epoch_s,
        "loaded_rss_bytes": max(run["loaded_rss_bytes"] for run in runs),
        "peak_rss_bytes": max(run["peak_rss_bytes"] for run in runs),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--n-ratings", type=int, default=2_000_000, help="made-up ones; 0 leaves them out")
    parser.add_argument("--n-factors", type=int, nargs="+", default=[64, 128])
    parser.add_argument("--regularization", type=float, default=40.0)
    parser.add_argument("--n-iterations", type=int, default=8)
    parser.add_argument("--no-real-data", action="store_true")
    parser.add_argument("--contestants", nargs="+", choices=CONTESTANTS, metavar="NAME")
    parser.add_argument("--contestant", choices=CONTESTANTS, help=argparse.SUPPRESS)
    parser.add_argument("--directory", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--k", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--is-judged", action="store_true", help=argparse.SUPPRESS)
    quick = {"n_ratings": 300_000, "n_factors": [32], "no_real_data": True}
    arguments = parse(parser, "explicit", quick)
    if arguments.contestant:
        work(arguments)
        return
    from quality.datasets import is_at_hand

    arguments.contestants = arguments.contestants or DEFAULT_CONTESTANTS
    runs = []
    if arguments.n_ratings:
        runs += measure("made up", made_up(arguments.n_ratings, arguments.random_state), arguments)
    if is_at_hand() and not arguments.no_real_data:
        runs += measure("ml-1m", ml_1m(), arguments)
    cases = dict.fromkeys((run["data"], run["k"], run["contestant"]) for run in runs)
    rows = [summary([run for run in runs if (run["data"], run["k"], run["contestant"]) == case]) for case in cases]
    versions = {row["library"]: row["version"] for row in rows}
    print(show(save("explicit", arguments, rows, runs=runs, versions=versions)))


def show(report: dict[str, Any]) -> str:
    """The table of a result."""
    rows = report["rows"]
    own = {(row["data"], row["k"]): row["epoch_s"] for row in reversed(rows) if row["library"] == "ridgeback"}
    return table(HEADER, [cells(row, own[row["data"], row["k"]]) for row in rows])


def cells(row: dict[str, Any], own: float) -> list[str]:
    """A row of the table."""
    return [
        row["data"],
        str(row["k"]),
        f"{row['contestant']} ({row['version']})",
        row["settings"],
        spread(row["all_epoch_s"]),
        f"{row['epoch_s'] / own:.1f}",
        f"{row['rmse']:.4f}",
        f"{row['peak_rss_bytes'] / 1e6:.0f} ({row['loaded_rss_bytes'] / 1e6:.0f})",
    ]


if __name__ == "__main__":
    main()
