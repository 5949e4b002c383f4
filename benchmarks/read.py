"""Reading a table of events, beside DuckDB's bare read of the same columns: seconds, ratio, peak memory.

    python benchmarks/read.py                      # 20 million rows of CSV, once with int ids, once with text ids
    python benchmarks/read.py --n-rows 2000000

The file is made up in a temporary folder. Every round of every contestant runs in an interpreter of its own, in turns;
the clock starts after the imports, the memory is that of the whole process. "DuckDB" sums the columns, so that it
keeps nothing; "DuckDB to NumPy" keeps them as arrays, ids unnumbered; "Ridgeback" ends with ids numbered, duplicates
merged and both orientations built.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

COLUMNS = ("userId", "movieId", "rating", "timestamp")
_BLOCK_ROWS = 1_000_000


def main() -> None:
    arguments = parse()
    if arguments.contestant:
        print(json.dumps(CONTESTANTS[arguments.contestant](arguments.file, arguments.has_text_ids)))
        return
    for has_text_ids in (False, True):
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "ratings.csv"
            write_events(file, arguments, has_text_ids)
            rounds = run_rounds(file, arguments.rounds, has_text_ids)
        report(arguments, rounds, has_text_ids)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--n-rows", type=int, default=20_000_000)
    parser.add_argument("--n-users", type=int, default=138_493)
    parser.add_argument("--n-items", type=int, default=27_278)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--random-state", type=int, default=0)
    parser.add_argument("--contestant", choices=list(CONTESTANTS), help=argparse.SUPPRESS)
    parser.add_argument("--file", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--has-text-ids", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args()


def write_events(file: Path, arguments: argparse.Namespace, has_text_ids: bool) -> None:
    """Rows in random order, a few users and items with many of them."""
    rng = np.random.default_rng(arguments.random_state)
    with file.open("wb") as out:
        out.write(",".join(COLUMNS).encode() + b"\n")
        for begin in range(0, arguments.n_rows, _BLOCK_ROWS):
            n = min(_BLOCK_ROWS, arguments.n_rows - begin)
            users = (rng.random(n) ** 2 * arguments.n_users).astype(np.int64) + 1
            items = (rng.random(n) ** 3 * arguments.n_items).astype(np.int64) + 1
            ratings = rng.integers(1, 11, n) / 2
            times = rng.integers(789_652_009, 1_427_784_002, n)
            row = b"customer-%08d,B%09d,%.1f,%d\n" if has_text_ids else b"%d,%d,%.1f,%d\n"
            columns = zip(users.tolist(), items.tolist(), ratings.tolist(), times.tolist(), strict=True)
            out.write(b"".join(row % cells for cells in columns))


def run_rounds(file: Path, n_rounds: int, has_text_ids: bool) -> dict[str, list[dict[str, Any]]]:
    """Each contestant once a round, in turns, in an interpreter of its own."""
    rounds: dict[str, list[dict[str, Any]]] = {name: [] for name in CONTESTANTS}
    for _ in range(n_rounds):
        for name, results in rounds.items():
            command = [sys.executable, __file__, "--contestant", name, "--file", str(file)]
            command += ["--has-text-ids"] if has_text_ids else []
            answer = subprocess.run(command, check=True, capture_output=True, text=True)
            results.append(json.loads(answer.stdout))
    return rounds


def report(arguments: argparse.Namespace, rounds: dict[str, list[dict[str, Any]]], has_text_ids: bool) -> None:
    """Print a line a contestant, and how many times as long as DuckDB it took."""
    kind = "text" if has_text_ids else "int"
    print(f"{arguments.n_rows:,} rows x {len(COLUMNS)} columns, {kind} ids, median of {arguments.rounds}")
    bare = statistics.median(result["elapsed_s"] for result in rounds["DuckDB"])
    for name, results in rounds.items():
        elapsed = statistics.median(result["elapsed_s"] for result in results)
        cpu = statistics.median(result["cpu_s"] for result in results)
        peak = max(result["peak_rss_bytes"] for result in results)
        every = " ".join(f"{result['elapsed_s']:.2f}" for result in results)
        print(
            f"{name:16s} {elapsed:6.2f} s {elapsed / bare:5.2f}x   cpu {cpu:5.2f} s   peak {peak / 1e6:6.0f} MB   "
            f"({every})"
        )


def timed(work: Callable[[], object]) -> dict[str, float]:
    """Seconds of wall and processor, and the process's peak memory afterwards."""
    start, start_cpu = time.perf_counter(), time.process_time()
    kept = work()
    elapsed, cpu = time.perf_counter() - start, time.process_time() - start_cpu
    unit = 1 if sys.platform == "darwin" else 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
    del kept
    return {"elapsed_s": elapsed, "cpu_s": cpu, "peak_rss_bytes": peak}


def _bare(file: Path, has_text_ids: bool) -> Any:
    """DuckDB's relation over the file, its types given."""
    import duckdb

    kind = "VARCHAR" if has_text_ids else "BIGINT"
    types = dict(zip(COLUMNS, (kind, kind, "FLOAT", "BIGINT"), strict=True))
    return duckdb.read_csv(str(file), header=True, dtype=types, sep=",")


def duckdb_sums(file: Path, has_text_ids: bool) -> dict[str, float]:
    """Every cell is read and looked at, nothing is kept."""
    sums = [f"sum(length({name}))" if has_text_ids and name in COLUMNS[:2] else f"sum({name})" for name in COLUMNS]
    return timed(lambda: _bare(file, has_text_ids).aggregate(", ".join(sums)).fetchall())


def duckdb_to_numpy(file: Path, has_text_ids: bool) -> dict[str, float]:
    return timed(lambda: _bare(file, has_text_ids).fetchnumpy())


def ridgeback(file: Path, has_text_ids: bool) -> dict[str, float]:
    from ridgeback.data import read_interactions

    def read() -> object:
        data = read_interactions(file)
        assert data.item_users.nnz == data.nnz
        return data

    return timed(read)


CONTESTANTS = {"DuckDB": duckdb_sums, "DuckDB to NumPy": duckdb_to_numpy, "Ridgeback": ridgeback}

if __name__ == "__main__":
    main()
