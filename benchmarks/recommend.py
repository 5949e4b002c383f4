"""Top 10 for every user beside other libraries, seen items left out: seconds, whether the items agree, peak memory.

    python benchmarks/recommend.py                # 40,000 users, 27,278 items, k = 64 factors
    python benchmarks/recommend.py --quick

Each library has a process of its own in its own environment, with the same made-up arrays and number of threads. They
take turns, one round of one, one round of the other; a first round of each is a warm-up that does not count.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import numpy as np

from machine import forget_peak, memory_bytes
from results import library_version, median, parse, save, say, spread, table

HEADER: tuple[str, ...] = (
    "library",
    "seconds (least - most)",
    "times Ridgeback's",
    "GFLOP/s",
    "lists like Ridgeback's",
)
HEADER += ("peak memory beyond the arrays, MB",)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--n-users", type=int, default=40_000)
    parser.add_argument("--n-items", type=int, default=27_278)
    parser.add_argument("--n-factors", type=int, default=64)
    parser.add_argument("--n-seen", type=int, default=100, help="items that each user has seen")
    parser.add_argument("-k", type=int, default=10)
    parser.add_argument("--libraries", nargs="+", choices=ROUNDS, default=list(ROUNDS))
    parser.add_argument("--worker", choices=ROUNDS, help=argparse.SUPPRESS)
    arguments = parse(parser, "recommend", {"n_users": 5_000, "n_items": 5_000})
    if arguments.worker:
        work(arguments)
        return
    workers = {name: start(name, arguments) for name in arguments.libraries}
    for name, worker in workers.items():
        say(f"warm-up: {name}")
        ask(worker)
    runs = []
    for repeat in range(arguments.repeats):
        for name, worker in workers.items():
            say(f"repeat {repeat + 1} of {arguments.repeats}: {name}")
            runs.append({"library": name, "repeat": repeat} | ask(worker))
    for worker in workers.values():
        worker.stdin.close()  # type: ignore[union-attr]
        worker.wait()
    rows = [summary(arguments, name, runs) for name in workers]
    for run in runs:
        del run["lists"]
    versions = {row["library"]: row["version"] for row in rows}
    print(show(save("recommend", arguments, rows, runs=runs, versions=versions)))


def show(report: dict[str, Any]) -> str:
    """The table of a result."""
    return table(HEADER, [cells(row) for row in report["rows"]])


def summary(arguments: argparse.Namespace, name: str, runs: list[dict[str, Any]]) -> dict[str, Any]:
    """One library's row."""
    own = [run for run in runs if run["library"] == name]
    first = [run for run in runs if run["library"] == runs[0]["library"]]
    seconds = [run["elapsed_s"] for run in own]
    same = [a == b for a, b in zip(own[0]["lists"], first[0]["lists"], strict=True)]
    return {
        "library": name,
        "version": own[0]["version"],
        "seconds": median(seconds),
        "all_seconds": seconds,
        "times_first": median(seconds) / median(run["elapsed_s"] for run in first),
        "gflops": 2e-9 * arguments.n_users * arguments.n_items * arguments.n_factors / median(seconds),
        "same_lists": float(np.mean(same)),
        "extra_bytes": max(run["peak_rss_bytes"] for run in own) - own[0]["before_rss_bytes"],
    }


def cells(row: dict[str, Any]) -> list[str]:
    """A row of the table."""
    return [
        f"{row['library']} ({row['version']})",
        spread(row["all_seconds"]),
        f"{row['times_first']:.1f}",
        f"{row['gflops']:.0f}",
        f"{100 * row['same_lists']:.1f} %",
        f"{row['extra_bytes'] / 1e6:.0f}",
    ]


def start(name: str, arguments: argparse.Namespace) -> subprocess.Popen[str]:
    """Start a worker and wait until its arrays stand."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("OPENBLAS_")}
    environment |= {"RAYON_NUM_THREADS": str(arguments.n_threads)}
    environment |= dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    python = sys.executable if name == "ridgeback" else str(arguments.peer_python)
    if name != "ridgeback":
        environment.pop("PYTHONPATH", None)
    options = [
        f"--{option.replace('_', '-')}={getattr(arguments, option)}"
        for option in ("n_users", "n_items", "n_factors", "n_seen", "n_threads", "random_state")
    ]
    command = [python, str(Path(__file__).resolve()), f"--worker={name}", f"-k={arguments.k}", *options]
    worker = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    )
    if read(worker.stdout) != "ready":
        raise SystemExit(f"the worker for {name} failed:\n{worker.stderr.read() if worker.stderr else ''}")
    return worker


def ask(worker: subprocess.Popen[str]) -> dict[str, Any]:
    """One round."""
    worker.stdin.write("go\n")  # type: ignore[union-attr]
    worker.stdin.flush()  # type: ignore[union-attr]
    answer: dict[str, Any] = json.loads(read(worker.stdout))
    return answer


def read(stream: IO[str] | None) -> str:
    return stream.readline().strip() if stream else ""


def work(arguments: argparse.Namespace) -> None:
    """Build the arrays, then one round a line of input."""
    round_ = ROUNDS[arguments.worker](arguments, *arrays(arguments))
    before = memory_bytes("VmRSS")
    forget_peak()
    print("ready", flush=True)
    for _ in sys.stdin:
        started = time.perf_counter()
        items = round_()
        elapsed = time.perf_counter() - started
        answer = {
            "elapsed_s": elapsed,
            "before_rss_bytes": before,
            "peak_rss_bytes": memory_bytes("VmHWM"),
            "lists": items[: 200 * arguments.k].reshape(-1, arguments.k).tolist(),
            "version": library_version(arguments.worker),
        }
        print(json.dumps(answer), flush=True)


def arrays(arguments: argparse.Namespace) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Factors of popular items are longer and histories are drawn from the popular end, as in fitted models."""
    rng = np.random.default_rng(arguments.random_state)
    popularity = (1 + np.arange(arguments.n_items, dtype=np.float32)) ** np.float32(-0.3)
    users = rng.standard_normal((arguments.n_users, arguments.n_factors), dtype=np.float32)
    items = rng.standard_normal((arguments.n_items, arguments.n_factors), dtype=np.float32)
    order = rng.permutation(arguments.n_items).astype(np.int32)
    items[order] *= popularity[:, None]
    indptr = np.zeros(arguments.n_users + 1, dtype=np.int64)
    rows = []
    for begin in range(0, arguments.n_users, 10_000):
        n = min(10_000, arguments.n_users - begin)
        places = (arguments.n_items * rng.random((n, arguments.n_seen)) ** 3).astype(np.int32)
        for user, drawn in enumerate(order[places]):
            unique = np.unique(drawn)
            rows.append(unique)
            indptr[begin + user + 1] = len(unique)
    return users, items, np.cumsum(indptr), np.concatenate(rows)


def ridgeback_round(
    arguments: argparse.Namespace, users: np.ndarray, items: np.ndarray, indptr: np.ndarray, indices: np.ndarray
) -> Callable[[], np.ndarray]:
    """All blocks of `recommend_all`, ids and all."""
    from ridgeback import Csr, Ids
    from ridgeback.models.recommender import Recommender

    class Arrays(Recommender):
        """A model that was fitted elsewhere."""

        def __init__(self, n_threads: int) -> None:
            self.n_threads = n_threads

    model = Arrays(arguments.n_threads)
    model.user_factors_, model.item_factors_ = users, items
    model.user_biases_ = model.item_biases_ = model.titles_ = None
    model.mean_ = 0.0
    model.user_ids_, model.item_ids_ = Ids(np.arange(len(users))), Ids(np.arange(len(items)))
    model._seen = Csr(indptr, indices, None, (len(users), len(items)))
    model._user_counts = np.diff(indptr).astype(np.int32)
    model._item_counts = np.ones(len(items), dtype=np.int32)

    def run() -> np.ndarray:
        first: np.ndarray | None = None
        for block in model.recommend_all(k=arguments.k):
            first = block.items if first is None else first
        assert first is not None
        return first

    return run


def implicit_round(
    arguments: argparse.Namespace, users: np.ndarray, items: np.ndarray, indptr: np.ndarray, indices: np.ndarray
) -> Callable[[], np.ndarray]:
    from implicit.als import AlternatingLeastSquares
    from scipy.sparse import csr_matrix

    shape = (arguments.n_users, arguments.n_items)
    user_items = csr_matrix((np.ones(len(indices), dtype=np.float32), indices, indptr.astype(np.int32)), shape=shape)
    model = AlternatingLeastSquares(factors=arguments.n_factors, num_threads=arguments.n_threads, use_gpu=False)
    model.user_factors, model.item_factors = users, items
    everybody = np.arange(arguments.n_users)
    return lambda: model.recommend(everybody, user_items, N=arguments.k)[0].ravel()


def rusket_round(
    arguments: argparse.Namespace, users: np.ndarray, items: np.ndarray, indptr: np.ndarray, indices: np.ndarray
) -> Callable[[], np.ndarray]:
    from rusket import ALS
    from scipy.sparse import csr_matrix

    shape = (arguments.n_users, arguments.n_items)
    seen = csr_matrix((np.ones(len(indices), dtype=np.float32), indices, indptr.astype(np.int32)), shape=shape)
    model = ALS.from_factors(users, items)

    def run() -> np.ndarray:
        frame = model.batch_recommend(n=arguments.k, exclude=seen, format="pandas")
        found: np.ndarray = frame["item_id"].to_numpy()
        return found

    return run


ROUNDS = {"ridgeback": ridgeback_round, "implicit": implicit_round, "rusket": rusket_round}


if __name__ == "__main__":
    main()
