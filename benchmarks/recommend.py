"""Top 10 for every user beside implicit, seen items left out: seconds, ratio, peak memory.

    python benchmarks/recommend.py --peer-python .venv-bench/bin/python

Each library runs in its own interpreter on the same made-up arrays and the same number of threads, in turns: one
round of one, one round of the other. The best round of each counts.
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

THREAD_VARIABLES = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")


def main() -> None:
    arguments = parse()
    if arguments.worker:
        work(arguments)
        return
    workers = {"ridgeback": start("ridgeback", sys.executable, arguments)}
    if arguments.peer_python:
        workers["implicit"] = start("implicit", arguments.peer_python, arguments)
    rounds: dict[str, list[dict[str, Any]]] = {name: [] for name in workers}
    for _ in range(arguments.rounds):
        for name, worker in workers.items():
            rounds[name].append(ask(worker))
    for worker in workers.values():
        worker.stdin.close()  # type: ignore[union-attr]
        worker.wait()
    report(arguments, rounds)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--n-users", type=int, default=100_000)
    parser.add_argument("--n-items", type=int, default=27_278)
    parser.add_argument("--n-factors", type=int, default=64)
    parser.add_argument("--n-seen", type=int, default=100, help="items that each user has seen")
    parser.add_argument("-k", type=int, default=10)
    parser.add_argument("--n-threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--random-state", type=int, default=0)
    parser.add_argument("--peer-python", help="an interpreter that has implicit")
    parser.add_argument("--worker", choices=("ridgeback", "implicit"), help=argparse.SUPPRESS)
    return parser.parse_args()


def report(arguments: argparse.Namespace, rounds: dict[str, list[dict[str, Any]]]) -> None:
    """Print a line a library and the ratio."""
    products = arguments.n_users * arguments.n_items * arguments.n_factors
    print(
        f"{arguments.n_users:,} users x {arguments.n_items:,} items, {arguments.n_factors} factors, top {arguments.k}, "
        f"{arguments.n_seen} seen a user, {arguments.n_threads} threads, best of {arguments.rounds}"
    )
    for name, results in rounds.items():
        best = min(result["elapsed_s"] for result in results)
        extra = max(result["peak_rss_bytes"] for result in results) - results[0]["before_rss_bytes"]
        print(
            f"{name:10s} {best:7.2f} s   {2 * products / best / 1e9:6.0f} GFLOP/s   "
            f"{extra / 1e6:7.0f} MB beyond the arrays   all rounds: "
            + " ".join(f"{result['elapsed_s']:.2f}" for result in results)
        )
    if "implicit" in rounds:
        best = {name: min(result["elapsed_s"] for result in results) for name, results in rounds.items()}
        print(f"ratio {best['implicit'] / best['ridgeback']:.1f}x")
        same = rounds["implicit"][0]["first_items"] == rounds["ridgeback"][0]["first_items"]
        print(f"first user's items are {'the same' if same else 'NOT the same'}")


def start(name: str, python: str, arguments: argparse.Namespace) -> subprocess.Popen[str]:
    """Start a worker and wait until its arrays stand."""
    environment = os.environ | dict.fromkeys(THREAD_VARIABLES, str(arguments.n_threads))
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
    round_ = {"ridgeback": ridgeback_round, "implicit": implicit_round}[arguments.worker](arguments, *arrays(arguments))
    before = rss_bytes("VmRSS")
    forget_peak()
    print("ready", flush=True)
    for _ in sys.stdin:
        started = time.perf_counter()
        items = round_()
        elapsed = time.perf_counter() - started
        answer = {
            "elapsed_s": elapsed,
            "before_rss_bytes": before,
            "peak_rss_bytes": rss_bytes("VmHWM"),
            "first_items": [int(item) for item in items[: arguments.k]],
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


def rss_bytes(field: str) -> int:
    """VmRSS (now) or VmHWM (peak) of this process, from Linux."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(field):
            return int(line.split()[1]) * 1024
    raise SystemExit("peak memory is read from /proc/self/status: run this on Linux")


def forget_peak() -> None:
    """Let the peak begin anew, so that building the arrays does not count."""
    Path("/proc/self/clear_refs").write_text("5")


if __name__ == "__main__":
    main()
