"""Kill a process that writes a model file again and again, at random moments, and look at what it leaves.

Usage: kill_writer.py PATH N_KILLS. Prints counts as JSON. A process of its own, since it forks.
"""

import itertools
import json
import os
import random
import signal
import statistics
import sys
import time
from pathlib import Path

import numpy as np

from ridgeback import storage
from ridgeback.errors import ModelFileError

SHAPE = (40_000, 16)


def write(path: str, version: int) -> None:
    """Every number in the file is the version."""
    storage.write(path, {"user_factors": np.full(SHAPE, version, np.float32)}, {"version": version})


def write_forever(path: str, first: int, started: int) -> None:
    """Versions first, first + 1, ...; says through a pipe that it begins."""
    os.write(started, b"!")
    for version in itertools.count(first):
        write(path, version)


def typical_seconds(path: str) -> float:
    """Median time of a few writes."""
    times = []
    for _ in range(7):
        start = time.perf_counter()
        write(path, 0)
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def main(path: str, n_kills: int) -> dict[str, int]:
    """Kill n_kills writers; counts of what was found afterwards."""
    rng = random.Random(11)
    longest_wait = 4 * typical_seconds(path)
    counts = {"whole": 0, "broken": 0, "killed while writing": 0}
    versions = set()
    for _ in range(n_kills):
        seen = storage.read(path, verify=False)[1]["version"]
        has_started, started = os.pipe()
        child = os.fork()
        if child == 0:
            write_forever(path, seen + 1, started)
        os.read(has_started, 1)
        time.sleep(rng.uniform(0, longest_wait))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        os.close(has_started)
        os.close(started)
        for leftover in Path(path).parent.glob(".*.tmp"):
            counts["killed while writing"] += 1
            leftover.unlink()
        try:
            tensors, metadata = storage.read(path, verify=True)
            is_whole = metadata["version"] >= seen and bool(np.all(tensors["user_factors"] == metadata["version"]))
        except ModelFileError:
            is_whole = False
        counts["whole" if is_whole else "broken"] += 1
        versions.add(metadata["version"])
    return counts | {"versions seen": len(versions)}


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], int(sys.argv[2]))))
