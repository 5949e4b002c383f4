"""The same bits for any number of threads, and on every instruction set with fused multiply-add."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from ridgeback import _native

ROWS = """
import hashlib, sys
import numpy as np
from ridgeback.data.csr import Csr
from ridgeback.solvers import native
from ridgeback.solvers.matrices import gram, rotate, squared_norms
from ridgeback.solvers.problem import RowProblem

n_rows, n_columns, k, n_threads = map(int, sys.argv[1:])
rng = np.random.default_rng(0)
rows, columns = np.nonzero(rng.random((n_rows, n_columns)) < rng.random((n_rows, 1)) * 0.2)
csr = Csr.from_pairs(rows, columns, None, shape=(n_rows, n_columns))
assert (csr.nnz + n_rows * (16 + k)) / 4096 >= 20
fixed, own = (rng.normal(scale=0.3, size=(n, k)).astype(np.float32) for n in (n_columns, n_rows))
fixed_biases, own_biases = (rng.normal(size=n).astype(np.float32) for n in (n_columns, n_rows))
implicit = RowProblem(csr, np.full(n_rows, 3.0), "one_plus_weight", unobserved_weight=0.5,
                      confidences=rng.uniform(0.5, 2, csr.nnz).astype(np.float32))
explicit = RowProblem(csr, np.full(n_rows, 3.0), "target", bias_ridges=np.full(n_rows, 2.0),
                      targets=rng.normal(size=csr.nnz).astype(np.float32))
bits = hashlib.sha256()
G = np.ascontiguousarray(np.diag(np.linspace(2, 1, k)))  # given, so that no BLAS is asked
for problem, biases in ((implicit, None), (explicit, own_biases)):
    for solver in ("exact single", "exact double", "cg", "non-negative"):
        factors, b = own.copy(), None if biases is None else biases.copy()
        arguments = (problem, fixed, None if b is None else fixed_biases, factors, b)
        if solver == "cg":
            half = native.solve_cg(*arguments, np.diag(G).copy() if b is None else None, n_steps=3, n_threads=n_threads)
        elif solver == "non-negative":
            if k > 100: continue
            half = native.solve_non_negative(*arguments, G, n_threads=n_threads)
        else:
            half = native.solve_exact(*arguments, G, precision=solver.split()[1], n_threads=n_threads)
        for part in (factors, b if b is not None else factors, np.float64(half.loss)):
            bits.update(part.tobytes())
    bits.update(np.float64(native.pair_loss(*arguments, n_threads=n_threads)).tobytes())
tall = np.tile(own, (30, 1))
bits.update(np.float64(squared_norms(tall, np.linspace(1, 2, len(tall)), n_threads=n_threads)).tobytes())
bits.update(gram(tall, n_threads=n_threads).tobytes())
rotate(tall, np.linalg.inv(np.eye(k) + 0.1), n_threads) if k < 100 else None
bits.update(tall.tobytes())
print(bits.hexdigest())
"""

FITS = """
import hashlib, sys
import numpy as np
import ridgeback as rb
from ridgeback.data.synthetic import power_law

n_threads, k = map(int, sys.argv[1:])
data = rb.Interactions.from_csr(power_law(3000, 900, 90_000, random_state=1))
ratings = rb.Interactions.from_csr(data.user_items.with_data((data.user_items.indices % 5 + 1).astype(np.float32)))
models = [
    rb.ImplicitALS(k, n_iterations=2, n_threads=n_threads),
    rb.ImplicitALS(k, n_iterations=2, loss="hu", solver="exact", n_threads=n_threads),
    rb.ExplicitALS(k, n_iterations=2, n_threads=n_threads),
    rb.ExplicitALS(k, n_iterations=2, solver="cg", n_threads=n_threads),
]
if k < 100:
    models.append(rb.ImplicitALS(k, n_iterations=1, non_negative=True, n_threads=n_threads))
bits = hashlib.sha256()
for model in models:
    model.fit(ratings if model.family == "explicit" else data)
    for part in (model.user_factors_, model.item_factors_, np.array([h["loss"] for h in model.history_])):
        bits.update(part.tobytes())
print(bits.hexdigest())
"""


def digest(script: str, *arguments: int, **environment: str) -> str:
    command = [sys.executable, "-c", script, *map(str, arguments)]
    return subprocess.run(command, check=True, capture_output=True, text=True, env={**os.environ, **environment}).stdout


@pytest.mark.parametrize("sizes", [(1500, 400, 63), (350, 300, 256)], ids=["k = 63", "k = 256"])
def test_rows_do_not_depend_on_threads(sizes: tuple[int, int, int]) -> None:
    assert len({digest(ROWS, *sizes, n_threads) for n_threads in (1, 3, 64)}) == 1


@pytest.mark.parametrize("sizes", [(1500, 400, 63), (350, 300, 256)], ids=["k = 63", "k = 256"])
def test_rows_do_not_depend_on_the_fused_instruction_set(sizes: tuple[int, int, int]) -> None:
    fused = [name for name in _native.available_instruction_sets() if name != "baseline"]
    if len(fused) < 2:
        pytest.skip("platform: this CPU runs fewer than two instruction sets with fused multiply-add")
    assert len({digest(ROWS, *sizes, 2, RIDGEBACK_INSTRUCTION_SET=name) for name in fused}) == 1


@pytest.mark.parametrize("core_type", ["", "Haswell"], ids=["BLAS by CPU", "OPENBLAS_CORETYPE"])
@pytest.mark.parametrize("k", [63, 256])
def test_whole_fits_do_not_depend_on_threads(k: int, core_type: str) -> None:
    environment = {"OPENBLAS_CORETYPE": core_type} if core_type else {}
    assert len({digest(FITS, n_threads, k, **environment) for n_threads in (1, 3, 64)}) == 1


def test_the_baseline_runs_too() -> None:
    """Without fused multiply-add the last bits differ; everything else holds."""
    assert len(digest(ROWS, 1500, 400, 63, 2, RIDGEBACK_INSTRUCTION_SET="baseline").strip()) == 64


def test_an_unknown_instruction_set_is_named() -> None:
    environment = {**os.environ, "RIDGEBACK_INSTRUCTION_SET": "sse9"}
    command = [sys.executable, "-c", "from ridgeback import _native; _native.instruction_set()"]
    result = subprocess.run(command, check=False, capture_output=True, text=True, env=environment)
    assert result.returncode != 0
    assert 'RIDGEBACK_INSTRUCTION_SET is "sse9"; this machine can run: baseline' in result.stderr
