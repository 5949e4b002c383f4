"""Kill a process that writes a model file again and again, at random moments, and look at what it leaves.

Usage: kill_writer.py PATH N_KILLS. Prints counts as JSON. A process of its own, since it forks.
"""

import json
import os
import random
import signal
import sys
import time
from pathlib import Path

import numpy as np

from ridgeback import storage
from ridgeback.errors import ModelFileError

SHAPE = (40_000, 16)


def write_forever(path: str, first: int) -> None:
    """Versions first, first + 1, ...: every number in the file is the version."""
    version = first
    while True:
        storage.write(path, {"user_factors": np.full(SHAPE, version, np.float32)}, {"version": version})
        version += 1


def main(path: str, n_kills: int) -> dict[str, int]:
    """Kill n_kills writers; counts of what was found afterwards."""
    rng = random.Random(11)
    storage.write(path, {"user_factors": np.zeros(SHAPE, np.float32)}, {"version": 0})
    counts = {"whole": 0, "broken": 0, "killed while writing": 0}
    versions = set()
    for _ in range(n_kills):
        seen = storage.read(path, verify=False)[1]["version"]
        child = os.fork()
        if child == 0:
            write_forever(path, seen + 1)
        time.sleep(rng.uniform(0, 0.03))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
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
