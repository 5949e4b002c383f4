"""How many threads to use."""

from __future__ import annotations

import functools
import os
from pathlib import Path


def available_cpus() -> int:
    """CPUs this process may use: its affinity, capped by the container's quota; at least 1."""
    affinity = getattr(os, "sched_getaffinity", None)
    n_cpus = len(affinity(0)) if affinity is not None else os.cpu_count() or 1
    quota = _cgroup_quota()
    return max(1, min(n_cpus, quota) if quota is not None else n_cpus)


@functools.cache
def _cgroup_quota(root: Path = Path("/sys/fs/cgroup")) -> int | None:
    """CPU quota of cgroup v2 or v1 rounded up, or None where there is none; read once a process."""
    try:
        if (root / "cpu.max").exists():
            quota, period = (root / "cpu.max").read_text().split()[:2]
        else:
            quota = (root / "cpu" / "cpu.cfs_quota_us").read_text().strip()
            period = (root / "cpu" / "cpu.cfs_period_us").read_text().strip()
        if quota == "max" or int(quota) <= 0:
            return None
        return -(-int(quota) // int(period))
    except (OSError, ValueError, ZeroDivisionError):
        return None
