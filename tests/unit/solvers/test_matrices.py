"""Holding BLAS to one thread: again by the same thread, and by one thread at a time."""

from __future__ import annotations

import subprocess
import sys
import threading

from ridgeback.solvers.matrices import one_blas_thread

NESTED = """
import numpy as np, threadpoolctl
from ridgeback.solvers.matrices import one_blas_thread, principal_axes

def threads():
    return {pool["num_threads"] for pool in threadpoolctl.threadpool_info() if pool["user_api"] == "blas"}

before = threads()
with one_blas_thread():
    with one_blas_thread():
        assert threads() == {1}
        principal_axes(np.eye(3, dtype=np.float32))  # which holds it too
    assert threads() == {1}  # what was inside does not let go of it
assert threads() == before
"""


def test_it_may_be_held_again_by_the_thread_that_holds_it() -> None:
    """In a process of its own: one that waits for itself would take all other tests with it."""
    subprocess.run([sys.executable, "-c", NESTED], check=True, timeout=60)


def test_another_thread_waits_for_it() -> None:
    has_begun, held = threading.Event(), []

    def hold() -> None:
        has_begun.set()
        with one_blas_thread():
            held.append("other")

    with one_blas_thread():
        other = threading.Thread(target=hold, daemon=True)
        other.start()
        assert has_begun.wait(timeout=30)
        other.join(timeout=0.05)
        assert other.is_alive()
        held.append("first")
    other.join(timeout=30)
    assert held == ["first", "other"]
