"""What all benchmarks share: their common options, the file that each leaves behind, tables, fresh processes."""

from __future__ import annotations

import argparse
import datetime
import json
import os
import statistics
import subprocess
import sys
from collections.abc import Iterable, Sequence
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as installed_version
from pathlib import Path
from typing import Any

import machine

HERE = Path(__file__).resolve().parent
PEER_PYTHON = HERE.parent / ".venv-bench" / "bin" / "python"


def parse(parser: argparse.ArgumentParser, name: str, quick: dict[str, Any], repeats: int = 5) -> argparse.Namespace:
    """The arguments, common ones added; `quick` are the defaults with ``--quick``, written to a folder of their own."""
    parser.add_argument("--repeats", type=int, default=repeats, help="rounds, contestants taking turns")
    parser.add_argument("--n-threads", type=int, default=2)
    parser.add_argument("--random-state", type=int, default=0, help="seed of the data and of the start")
    parser.add_argument("--peer-python", type=Path, default=PEER_PYTHON, help="`make bench-env` builds the default")
    parser.add_argument("--quick", action="store_true", help="small sizes and two repeats: under a minute")
    parser.add_argument("--output", type=Path, help=f"default: benchmarks/results/{name}.json")
    known, _ = parser.parse_known_args()
    if known.quick:
        parser.set_defaults(**({"repeats": 2} | quick))
    arguments = parser.parse_args()
    folder = HERE / "results" / ("quick" if arguments.quick else "")
    arguments.output = arguments.output or folder / f"{name}.json"
    return arguments


def settings(arguments: argparse.Namespace) -> dict[str, Any]:
    """The arguments that shape the measurement."""
    left_out = ("peer_python", "output")
    return {name: value for name, value in vars(arguments).items() if name not in left_out}


def save(name: str, arguments: argparse.Namespace, rows: list[dict[str, Any]], **parts: Any) -> dict[str, Any]:
    """Write and return the result: machine, versions, settings, rows, and the raw runs among the parts."""
    from ridgeback import _native

    report = {
        "benchmark": name,
        "date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        "machine": machine.describe() | {"instruction_set": _native.instruction_set()},
        "versions": {"ridgeback": library_version("ridgeback")} | parts.pop("versions", {}),
        "settings": settings(arguments),
        "rows": rows,
        **parts,
    }
    output: Path = arguments.output
    output.parent.mkdir(parents=True, exist_ok=True)
    temporary = output.with_suffix(".tmp")
    temporary.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    temporary.replace(output)
    return json.loads(output.read_text(encoding="utf-8"))  # type: ignore[no-any-return]


def library_version(name: str) -> str:
    """The version of an installed library."""
    try:
        return installed_version(name)
    except PackageNotFoundError:
        module = __import__(name)
        return str(module.__version__)


def table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Rows as Markdown."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)


def run_fresh(python: str | Path, script: str, options: Sequence[str], variables: dict[str, str]) -> dict[str, Any]:
    """Run a script of this folder in a process of its own; the JSON object that it prints.

    The process starts without the variables that tell OpenBLAS what processor to take this one for, and with BLAS on
    one thread: the libraries bring their own threads.
    """
    environment = {name: value for name, value in os.environ.items() if not name.startswith("OPENBLAS_")}
    if str(python) != sys.executable:
        environment.pop("PYTHONPATH", None)
    environment |= {"OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"} | variables
    command = [str(python), str(HERE / script), *options]
    result = subprocess.run(command, env=environment, capture_output=True, text=True)
    if result.returncode != 0:
        raise SystemExit(f"{' '.join(command)} failed:\n{result.stderr}")
    answer: dict[str, Any] = json.loads(result.stdout.strip().splitlines()[-1])
    return answer


def say(text: str) -> None:
    """Progress, on standard error."""
    print(text, file=sys.stderr, flush=True)


def median(values: Iterable[float]) -> float:
    """The median as a float."""
    return float(statistics.median(values))


def spread(values: Sequence[float]) -> str:
    """Median with least and most."""
    return f"{median(values):.3g} ({min(values):.3g} - {max(values):.3g})"
