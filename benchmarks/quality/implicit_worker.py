"""One contestant in a process of its own: fits parts of a data set as it is told to, and writes the lists it makes.

Called by implicit_table.py with the interpreter of the library's environment. Each line of standard input is a JSON
object: part, parameters, and where to write the lists; each line of standard output says what the fit took.
"""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from implicit_contestants import CONTESTANTS, Matrix

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from machine import forget_peak, memory_bytes
from results import library_version

LIST_LENGTH = 20


@dataclass(frozen=True)
class Answer:
    """What one fit took, and its lists of item rows, shape (n_asked, 20)."""

    lists: np.ndarray
    seconds: float
    cpu_seconds: float
    peak_rss_bytes: int
    loaded_rss_bytes: int
    version: str


class Worker:
    """Starts the process, asks it, ends it.

    Parameters
    ----------
    python : str or Path
        Interpreter of the contestant's environment.
    contestant : str
    directory : Path
        Where `lay_out` wrote the parts.
    n_threads : int
    """

    def __init__(self, python: str | Path, contestant: str, directory: Path, n_threads: int) -> None:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("OPENBLAS_")}
        if str(python) != sys.executable:
            environment.pop("PYTHONPATH", None)
        environment |= dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), str(n_threads))
        self._lists = directory / "lists.npy"
        self._process = subprocess.Popen(
            [str(python), __file__, contestant, str(directory), str(n_threads)],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._process.communicate()

    def ask(self, part: str, parameters: dict[str, Any]) -> Answer:
        """Fit a part and list items for the users who are asked about."""
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        stdin.write(json.dumps({"part": part, "parameters": parameters, "lists": str(self._lists)}) + "\n")
        stdin.flush()
        line = stdout.readline()
        if not line:
            raise SystemExit(f"the process of a contestant ended at {parameters}: its error is above")
        return Answer(np.load(self._lists), **json.loads(line))


def lay_out(directory: Path, part: str, matrix: Matrix, asked: np.ndarray) -> None:
    """Write a part and the users for whom lists are wanted."""
    arrays = {name: getattr(matrix, name) for name in ("indptr", "indices", "values")}
    arrays |= {"asked": asked, "shape": np.array(matrix.shape)}
    for name, array in arrays.items():
        np.save(directory / f"{part}_{name}.npy", array)


def _load(directory: Path, part: str) -> tuple[Matrix, np.ndarray]:
    arrays = {
        name: np.load(directory / f"{part}_{name}.npy") for name in ("indptr", "indices", "values", "shape", "asked")
    }
    n_users, n_items = arrays.pop("shape").tolist()
    asked = arrays.pop("asked")
    return Matrix(**arrays, shape=(n_users, n_items)), asked


def main() -> None:
    """Answer until the input ends."""
    name, directory, n_threads = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # what a library prints is no answer
    importlib.import_module(CONTESTANTS[name].library)
    version = library_version(CONTESTANTS[name].library)
    parts: dict[str, tuple[Matrix, np.ndarray]] = {}
    for line in sys.stdin:
        asked_for = json.loads(line)
        matrix, users = parts.setdefault(asked_for["part"], _load(directory, asked_for["part"]))
        loaded = memory_bytes("VmRSS")
        forget_peak()
        fit = CONTESTANTS[name].fit(matrix, asked_for["parameters"], n_threads)
        peak = memory_bytes("VmHWM")
        np.save(asked_for["lists"], fit.lists(users, LIST_LENGTH))
        took: dict[str, Any] = {"seconds": fit.seconds, "cpu_seconds": fit.cpu_seconds}
        took |= {"peak_rss_bytes": peak, "loaded_rss_bytes": loaded, "version": version}
        answers.write(json.dumps(took) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
