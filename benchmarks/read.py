"""Reading a table of events: seconds and peak memory, beside DuckDB's bare read of the same columns and pandas.

    python benchmarks/read.py                      # 20 million rows of CSV, once with int ids, once with text ids
    python benchmarks/read.py --quick

The file is made up in a temporary folder, so it is in the page cache. Every round of every contestant runs in a process
of its own, in turns; the clock starts after the imports and a small file's reading, the memory is that of the whole
process. "DuckDB" sums the columns, so that it keeps nothing; "DuckDB to NumPy" keeps them as arrays, ids unnumbered;
"Ridgeback" ends with ids numbered, duplicates merged and both orientations built; "pandas + SciPy" does the same with
pandas' C engine, column types given.
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

from machine import memory_bytes
from results import library_version, median, parse, run_fresh, save, say, spread, table

COLUMNS = ("userId", "movieId", "rating", "timestamp")
HEADER = ("ids", "contestant", "seconds (least - most)", "times DuckDB's", "processor, s", "peak memory, MB")
_BLOCK_ROWS = 1_000_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--n-rows", type=int, default=20_000_000)
    parser.add_argument("--n-users", type=int, default=138_493)
    parser.add_argument("--n-items", type=int, default=27_278)
    parser.add_argument("--contestant", choices=list(CONTESTANTS), help=argparse.SUPPRESS)
    parser.add_argument("--file", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--has-text-ids", action="store_true", help=argparse.SUPPRESS)
    arguments = parse(parser, "read", {"n_rows": 300_000, "n_users": 5_000, "n_items": 2_000})
    if arguments.contestant:
        work(arguments)
        return
    rows, runs = [], []
    for has_text_ids in (False, True):
        with TemporaryDirectory() as folder:
            write_events(Path(folder) / "ratings.csv", arguments, arguments.n_rows, has_text_ids)
            write_events(Path(folder) / "small.csv", arguments, 1_000, has_text_ids)
            measured = run_rounds(Path(folder), arguments, has_text_ids)
        rows += summaries(measured, has_text_ids)
        runs += measured
    versions = {row["library"]: row["version"] for row in rows}
    print(show(save("read", arguments, rows, runs=runs, versions=versions)))


def show(report: dict[str, Any]) -> str:
    """The table of a result."""
    return table(HEADER, [cells(row) for row in report["rows"]])


def write_events(file: Path, arguments: argparse.Namespace, n_rows: int, has_text_ids: bool) -> None:
    """Rows in random order, a few users and items with many of them."""
    rng = np.random.default_rng(arguments.random_state)
    with file.open("wb") as out:
        out.write(",".join(COLUMNS).encode() + b"\n")
        for begin in range(0, n_rows, _BLOCK_ROWS):
            n = min(_BLOCK_ROWS, n_rows - begin)
            users = (rng.random(n) ** 2 * arguments.n_users).astype(np.int64) + 1
            items = (rng.random(n) ** 3 * arguments.n_items).astype(np.int64) + 1
            ratings = rng.integers(1, 11, n) / 2
            times = rng.integers(789_652_009, 1_427_784_002, n)
            row = b"customer-%08d,B%09d,%.1f,%d\n" if has_text_ids else b"%d,%d,%.1f,%d\n"
            columns = zip(users.tolist(), items.tolist(), ratings.tolist(), times.tolist(), strict=True)
            out.write(b"".join(row % cells for cells in columns))


def run_rounds(folder: Path, arguments: argparse.Namespace, has_text_ids: bool) -> list[dict[str, Any]]:
    """Each contestant once a round, in turns, in a process of its own."""
    runs = []
    for repeat in range(arguments.repeats):
        for name, (library, _) in CONTESTANTS.items():
            say(f"{'text' if has_text_ids else 'int'} ids, repeat {repeat + 1} of {arguments.repeats}: {name}")
            python = arguments.peer_python if library == "pandas" else sys.executable
            options = ["--contestant", name, "--file", str(folder / "ratings.csv")]
            options += ["--n-threads", str(arguments.n_threads)] + (["--has-text-ids"] if has_text_ids else [])
            report = run_fresh(python, "read.py", options, {})
            runs.append({"contestant": name, "has_text_ids": has_text_ids, "repeat": repeat} | report)
    return runs


def summaries(runs: list[dict[str, Any]], has_text_ids: bool) -> list[dict[str, Any]]:
    """One row a contestant."""
    rows = []
    for name, (library, _) in CONTESTANTS.items():
        own = [run for run in runs if run["contestant"] == name]
        seconds = [run["elapsed_s"] for run in own]
        bare = median(run["elapsed_s"] for run in runs if run["contestant"] == "DuckDB")
        rows.append(
            {
                "contestant": name,
                "library": library,
                "version": own[0]["version"],
                "ids": "text" if has_text_ids else "int",
                "seconds": median(seconds),
                "all_seconds": seconds,
                "times_duckdb": median(seconds) / bare,
                "cpu_s": median(run["cpu_s"] for run in own),
                "peak_rss_bytes": max(run["peak_rss_bytes"] for run in own),
            }
        )
    return rows


def cells(row: dict[str, Any]) -> list[str]:
    """A row of the table."""
    return [
        row["ids"],
        f"{row['contestant']} ({row['version']})",
        spread(row["all_seconds"]),
        f"{row['times_duckdb']:.2f}",
        f"{row['cpu_s']:.2f}",
        f"{row['peak_rss_bytes'] / 1e6:.0f}",
    ]


def work(arguments: argparse.Namespace) -> None:
    """In a process of its own: a small file first, then the measured one."""
    library, read = CONTESTANTS[arguments.contestant]
    read(arguments.file.with_name("small.csv"), arguments)
    began, began_cpu = time.perf_counter(), time.process_time()
    kept = read(arguments.file, arguments)
    report: dict[str, Any] = {"elapsed_s": time.perf_counter() - began, "cpu_s": time.process_time() - began_cpu}
    report |= {"peak_rss_bytes": memory_bytes("VmHWM"), "version": library_version(library)}
    del kept
    print(json.dumps(report))


def _bare(file: Path, arguments: argparse.Namespace) -> Any:
    """DuckDB's relation over the file, its types given."""
    import duckdb

    duckdb.sql(f"SET threads TO {arguments.n_threads}")
    kind = "VARCHAR" if arguments.has_text_ids else "BIGINT"
    types = dict(zip(COLUMNS, (kind, kind, "FLOAT", "BIGINT"), strict=True))
    return duckdb.read_csv(str(file), header=True, dtype=types, sep=",")


def duckdb_sums(file: Path, arguments: argparse.Namespace) -> object:
    """Every cell is read and looked at, nothing is kept."""
    is_text = [arguments.has_text_ids and name in COLUMNS[:2] for name in COLUMNS]
    sums = [f"sum(length({name}))" if text else f"sum({name})" for name, text in zip(COLUMNS, is_text, strict=True)]
    return _bare(file, arguments).aggregate(", ".join(sums)).fetchall()


def duckdb_to_numpy(file: Path, arguments: argparse.Namespace) -> object:
    """The columns as arrays."""
    return _bare(file, arguments).fetchnumpy()


def ridgeback(file: Path, arguments: argparse.Namespace) -> object:
    """As a user reads it; `item_users` is built on first use."""
    from ridgeback.data import read_interactions

    data = read_interactions(file)
    return data, data.item_users


def pandas_and_scipy(file: Path, arguments: argparse.Namespace) -> object:
    """Typed columns by the C engine, ids factorised, both orientations by SciPy, which adds duplicates up."""
    import pandas as pd
    import scipy.sparse

    kind = "str" if arguments.has_text_ids else "int64"
    types = dict(zip(COLUMNS, (kind, kind, "float32", "int64"), strict=True))
    frame = pd.read_csv(file, dtype=types, engine="c")
    users, user_ids = pd.factorize(frame[COLUMNS[0]], sort=True)
    items, item_ids = pd.factorize(frame[COLUMNS[1]], sort=True)
    pairs = (users.astype("int32"), items.astype("int32"))
    matrix = scipy.sparse.coo_matrix((frame[COLUMNS[2]].to_numpy(), pairs), shape=(len(user_ids), len(item_ids)))
    user_items = matrix.tocsr()
    return user_items, user_items.T.tocsr(), user_ids, item_ids


CONTESTANTS: dict[str, tuple[str, Callable[[Path, argparse.Namespace], object]]] = {
    "Ridgeback": ("ridgeback", ridgeback),
    "DuckDB": ("duckdb", duckdb_sums),
    "DuckDB to NumPy": ("duckdb", duckdb_to_numpy),
    "pandas + SciPy": ("pandas", pandas_and_scipy),
}

if __name__ == "__main__":
    main()
