"""``ridgeback doctor``: what this installation is, what it runs on, and whether its arithmetic is right."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import platform
import sys
import time
from pathlib import Path
from typing import Any

import click

from ridgeback._version import __version__
from ridgeback.cli.application import Failure
from ridgeback.cli.command import Command, json_option
from ridgeback.cli.output import Output
from ridgeback.cli.self_test import self_test

_REQUIRED = ("numpy", "duckdb", "click", "rich", "threadpoolctl")
_OPTIONAL = {
    "scipy": "sparse matrices in and out",
    "pandas": "frames",
    "polars": "frames",
    "pyarrow": "Arrow files",
    "optuna": "tune",
}


@click.command("doctor", cls=Command, short_help="Show versions, threads and instruction set.")
@json_option
def command(as_json: bool) -> None:
    """Show versions, threads, instruction set, BLAS and memory, and fit a tiny model to test the arithmetic.

    The self-test solves the same rows with the native kernels and with their NumPy twin, and compares.
    """
    out = Output(as_json)
    facts = {**_versions(), **_machine(), **_native(), **_blas()}
    out.pairs(facts)
    optional = {name: _version(name) for name in _OPTIONAL}
    out.heading("optional packages")
    out.table(["package", "version", "for"], [[n, v or "not installed", _OPTIONAL[n]] for n, v in optional.items()])
    out.heading("self-test")
    started = time.perf_counter()
    results = self_test()
    out.table(["kernel", "largest difference", "allowed", "ok"], [list(result.values()) for result in results])
    out.say(f"{time.perf_counter() - started:.2f} s")
    failed = [result["kernel"] for result in results if not result["is_ok"]]
    payload = {
        **{name.replace(" ", "_"): value for name, value in facts.items()},
        "optional": optional,
        "self_test": results,
        "is_ok": not failed,
    }
    out.finish(payload, [["demo"]])
    if failed:
        raise Failure(
            f"the self-test failed for {', '.join(failed)}: the native kernels and NumPy disagree; "
            "try RIDGEBACK_INSTRUCTION_SET=baseline, and report this output."
        )


def _versions() -> dict[str, Any]:
    """Ours, Python's, and those of the packages that must be there."""
    found = {"ridgeback": __version__, "python": f"{platform.python_version()} ({sys.executable})"}
    return {**found, **{name: _version(name) or "missing" for name in _REQUIRED}}


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _machine() -> dict[str, Any]:
    """System, processors and memory, as this process may use them."""
    from ridgeback.cpus import available_cpus

    return {
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "processors": os.cpu_count(),
        "threads by default": available_cpus(),
        "memory": _memory(),
    }


def _memory() -> str:
    """Total and free memory; the limit of the container where there is a tighter one."""
    try:
        page = os.sysconf("SC_PAGE_SIZE")
        total, free = os.sysconf("SC_PHYS_PAGES") * page, os.sysconf("SC_AVPHYS_PAGES") * page
    except (AttributeError, ValueError, OSError):
        return "unknown"
    text = f"{total / 1e9:.1f} GB, {free / 1e9:.1f} GB free"
    for limit_file in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        try:
            limit = int(Path(limit_file).read_text(encoding="ascii"))
        except (OSError, ValueError):
            continue
        if limit < total:
            return f"{text}, limited to {limit / 1e9:.1f} GB here"
    return text


def _native() -> dict[str, Any]:
    """The instruction set in use and those this processor could use."""
    from ridgeback import _native

    available = list(_native.available_instruction_sets())
    forced = os.environ.get("RIDGEBACK_INSTRUCTION_SET")
    chosen = _native.instruction_set()
    return {
        "instruction set": f"{chosen} (by RIDGEBACK_INSTRUCTION_SET)" if forced else chosen,
        "available": ", ".join(available),
    }


def _blas() -> dict[str, Any]:
    """The BLAS libraries that NumPy brought, with their threads."""
    import numpy  # noqa: F401  (loads its BLAS)
    import threadpoolctl

    pools = [
        f"{pool['internal_api']} {pool.get('version') or ''} ({pool['num_threads']} threads)".replace("  ", " ")
        for pool in threadpoolctl.threadpool_info()
        if pool["user_api"] == "blas"
    ]
    return {"BLAS": ", ".join(pools) or "none found"}
