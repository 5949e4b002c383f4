"""Save and open a model of a million users with text ids: milliseconds, and memory that opening adds.

    python benchmarks/open_model.py

Every opening runs in an interpreter of its own; the file is in the page cache, as after a save.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from ridgeback.data import Csr, Ids, Text
from ridgeback.models import ImplicitALS, load
from ridgeback.models.persistence import save


def main() -> None:
    arguments = parse()
    if arguments.open:
        print(json.dumps(open_once(arguments.open, arguments.verify, arguments.n_users)))
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "large.ridge"
        model = made_up(arguments.n_users, arguments.n_items, arguments.n_factors)
        start = time.perf_counter()
        save(model, path)
        print(f"{arguments.n_users:,} users x {arguments.n_factors} factors, {path.stat().st_size / 1e6:.0f} MB")
        print(f"save                              {(time.perf_counter() - start) * 1e3:10.1f} ms")
        for verify in (False, True):
            best = fastest(path, verify, arguments)
            name = f"load(verify={verify})"
            print(f"{name:33s} {best['open_s'] * 1e3:10.1f} ms, {best['added_bytes'] / 1e6:.1f} MB of memory added")
            print(f"  first id lookup                 {best['lookup_s'] * 1e3:10.3f} ms")
            print(f"  first recommendation            {best['recommend_s'] * 1e3:10.1f} ms")


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--n-users", type=int, default=1_000_000)
    parser.add_argument("--n-items", type=int, default=20_000)
    parser.add_argument("--n-factors", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--open", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--verify", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args()


def fastest(path: Path, verify: bool, arguments: argparse.Namespace) -> dict[str, float]:
    """The round that opened fastest."""
    command = [sys.executable, __file__, "--open", str(path), "--n-users", str(arguments.n_users)]
    command += ["--verify"] if verify else []
    rounds = [
        json.loads(subprocess.run(command, capture_output=True, check=True).stdout) for _ in range(arguments.rounds)
    ]
    return min(rounds, key=lambda measured: measured["open_s"])


def open_once(path: Path, verify: bool, n_users: int) -> dict[str, float]:
    """Open, look one id up, recommend once."""
    before = private_bytes()
    start = time.perf_counter()
    model = load(path, verify=verify)
    opened = time.perf_counter()
    added = private_bytes() - before
    model.user_ids_.row(f"user-{n_users // 2:07d}")
    looked_up = time.perf_counter()
    model.recommend(f"user-{n_users // 3:07d}", exclude_seen=False)
    recommended = time.perf_counter()
    return {
        "open_s": opened - start,
        "lookup_s": looked_up - opened,
        "recommend_s": recommended - looked_up,
        "added_bytes": added,
    }


def private_bytes() -> int:
    """Memory of this process that no file stands behind (Linux; 0 elsewhere)."""
    status = Path("/proc/self/status")
    lines = status.read_text().splitlines() if status.is_file() else []
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("RssAnon")), 0)


def made_up(n_users: int, n_items: int, n_factors: int) -> ImplicitALS:
    """A model of this size with random factors and no history."""
    model = ImplicitALS(n_factors=n_factors)
    rng = np.random.default_rng(0)
    model.user_factors_ = rng.standard_normal((n_users, n_factors), np.float32)
    model.item_factors_ = rng.standard_normal((n_items, n_factors), np.float32)
    model.user_ids_ = Ids(Text.from_strings([f"user-{row:07d}" for row in range(n_users)]))
    model.item_ids_ = Ids(Text.from_strings([f"item-{row:07d}" for row in range(n_items)]))
    model.user_biases_ = model.item_biases_ = model.titles_ = None
    model.mean_ = 0.0
    model._seen = Csr(np.zeros(n_users + 1, np.int64), np.zeros(0, np.int32), None, (n_users, n_items))
    model._seen_weights = model._seen_merged = model._rating_range = None
    model._user_counts, model._item_counts = np.ones(n_users, np.int32), np.ones(n_items, np.int32)
    model._duplicates, model._fingerprint = "sum", ""
    return model


if __name__ == "__main__":
    main()
