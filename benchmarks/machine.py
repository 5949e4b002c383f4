"""What a benchmark ran on, and how much memory its process holds. Imports nothing beyond the standard library."""

from __future__ import annotations

import os
import platform
import re
from pathlib import Path
from typing import Any


def describe() -> dict[str, Any]:
    """Processor, cores, caches, memory and system, for the head of every result."""
    return {
        "processor": processor(),
        "n_cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "caches": caches(),
        "memory_bytes": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
    }


def processor() -> str:
    """The processor's name, where the system tells it."""
    path = Path("/proc/cpuinfo")
    found = re.search(r"model name\s*:\s*(.*)", path.read_text(encoding="utf-8")) if path.exists() else None
    return found.group(1) if found else platform.processor() or platform.machine()


def caches() -> dict[str, str]:
    """Sizes of one core's caches by level, instructions left out, as Linux writes them: ``{"L2": "2048K"}``."""
    sizes = {}
    for index in sorted(Path("/sys/devices/system/cpu/cpu0/cache").glob("index*")):
        kind, level, size = ((index / name).read_text().strip() for name in ("type", "level", "size"))
        if kind != "Instruction":
            sizes[f"L{level}"] = size
    return sizes


def memory_bytes(name: str) -> int:
    """A memory figure of this process: ``VmHWM`` the highest so far, ``VmRSS`` now."""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) * 1024
    raise SystemExit(f"/proc/self/status does not tell {name}; this benchmark needs Linux.")


def forget_peak() -> None:
    """Start VmHWM again from what is resident now."""
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
