"""Every logistic step gives the same bits on 1 to 64 threads, and on every set with fused multiply-add."""

from __future__ import annotations

import functools
import os
import subprocess
import sys

import pytest

from ridgeback import _native

SCRIPT = """
import hashlib, sys
import numpy as np
from ridgeback.data.csr import Csr
from ridgeback.solvers import logistic_native
from ridgeback.solvers.negatives import sample_negatives
from ridgeback.solvers.problem import RowProblem

n_threads = int(sys.argv[1])
for n_rows, n_columns, n_factors in ((1200, 400, 63), (320, 300, 256)):
    rng = np.random.default_rng(0)
    rows, columns = np.nonzero(rng.random((n_rows, n_columns)) < rng.random((n_rows, 1)) * 0.2)
    held = Csr.from_pairs(rows, columns, None, shape=(n_rows, n_columns))
    problem = RowProblem(rows=held, ridges=np.full(n_rows, 0.5), bias_ridges=np.full(n_rows, 0.2), pull="target",
                         targets=(rng.random(held.nnz) < 0.3).astype(np.float32),
                         confidences=rng.uniform(0.5, 2, held.nnz).astype(np.float32))
    other, own = (rng.normal(scale=0.2, size=(n, n_factors)).astype(np.float32) for n in (n_columns, n_rows))
    other_biases, own_biases = (rng.normal(size=n).astype(np.float32) for n in (n_columns, n_rows))
    size = n_factors + 1
    n_chunks = (held.nnz * (size**2 / 2 + 4 * size) + n_rows * (size**3 / 6 + size**2)) / 4e6
    assert n_chunks >= 20, n_chunks

    bits = hashlib.sha256()
    for name in ("majorize", "gradient_step", "adagrad_step", "newton"):
        factors, biases = own.copy(), own_biases.copy()
        more = {"adagrad_step": [np.zeros((n_rows, n_factors + 1))]}.get(name, [])
        size = {"step_size": 0.05} if name in ("gradient_step", "adagrad_step") else {}
        step = getattr(logistic_native, name)(problem, other, other_biases, factors, biases, *more, **size,
                                              n_threads=n_threads)
        for part in (factors, biases, np.float64(step.loss)):
            bits.update(part.tobytes())
    entropy = logistic_native.cross_entropy(problem, other, other_biases, own, own_biases, n_threads=n_threads)
    bits.update(np.float64(entropy).tobytes())
    bits.update(sample_negatives(held, np.arange(n_columns, dtype=np.int32), 9, 4, n_threads).indices.tobytes())
    print(bits.hexdigest())
"""


@functools.cache
def digests(n_threads: int, instruction_set: str = "") -> list[str]:
    """At 63 and at 256 factors, in a process of its own."""
    command = [sys.executable, "-c", SCRIPT, str(n_threads)]
    environment = {**os.environ, "RIDGEBACK_INSTRUCTION_SET": instruction_set}
    result = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert result.returncode == 0, result.stderr
    return result.stdout.splitlines()


def test_bits_do_not_depend_on_threads() -> None:
    one = digests(1)
    assert len(one) == 2
    assert all(digests(n_threads) == one for n_threads in (2, 3, 7, 64))


def test_bits_do_not_depend_on_the_fused_instruction_set() -> None:
    fused = [name for name in _native.available_instruction_sets() if name != "baseline"]
    if len(fused) < 2:
        pytest.skip("platform: this CPU has fewer than two instruction sets with fused multiply-add")
    assert digests(2, fused[0]) == digests(2, fused[1])
