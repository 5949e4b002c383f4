"""The same bits for any number of threads, and on every instruction set with fused multiply-add."""

from __future__ import annotations

import functools
import os
import subprocess
import sys

import pytest

from ridgeback import _native

THREADS = (1, 2, 3, 7, 64)

ROWS = """
import hashlib, sys
import numpy as np
from ridgeback.data.csr import Csr
from ridgeback.solvers import native
from ridgeback.solvers.matrices import gram, rotate, squared_norms
from ridgeback.solvers.problem import RowProblem

n_threads = int(sys.argv[1])
SOLVERS = ("exact single", "exact double", "cg", "non-negative", "none")

def solve(solver, problem, biases, k):
    # Given Gramians, so that no BLAS is asked.
    G = np.diag(np.linspace(2, 1, k))
    factors, b = own.copy(), None if biases is None else biases.copy()
    arguments = (problem, fixed, None if b is None else fixed_biases, factors, b)
    if solver == "cg":
        diagonal = np.diag(G).copy() if b is None else None
        half = native.solve_cg(*arguments, diagonal, n_steps=3, n_threads=n_threads)
    elif solver == "non-negative":
        half = native.solve_non_negative(*arguments, G, n_threads=n_threads)
    elif solver == "none":
        return [np.float64(native.pair_loss(*arguments, n_threads=n_threads))]
    else:
        half = native.solve_exact(*arguments, G, precision=solver.split()[1], n_threads=n_threads)
    return [factors, np.zeros(0) if b is None else b, np.float64(half.loss)]

def report(name, k, parts):
    bits = hashlib.sha256()
    for part in parts:
        bits.update(part.tobytes())
    print(f"{name}, k = {k}:", bits.hexdigest())

for k, n_rows, n_columns in ((63, 1500, 400), (256, 300, 600)):
    rng = np.random.default_rng(0)
    # Rows from none to nearly all columns: shorter than k for the dual, longer for the primal.
    rows, columns = np.nonzero(rng.random((n_rows, n_columns)) < rng.random((n_rows, 1)) ** 4 * 0.9)
    csr = Csr.from_pairs(rows, columns, None, shape=(n_rows, n_columns))
    assert csr.counts().min() < k // 4 and csr.counts().max() > 1.5 * k
    assert (csr.nnz + n_rows * (16 + k)) / 4096 >= 20
    fixed, own = (rng.normal(scale=0.3, size=(n, k)).astype(np.float32) for n in (n_columns, n_rows))
    fixed_biases, own_biases = (rng.normal(size=n).astype(np.float32) for n in (n_columns, n_rows))
    implicit = RowProblem(csr, np.full(n_rows, 3.0), "one_plus_weight", unobserved_weight=0.5,
                          confidences=rng.uniform(0.5, 2, csr.nnz).astype(np.float32))
    explicit = RowProblem(csr, np.full(n_rows, 3.0), "target", bias_ridges=np.full(n_rows, 2.0),
                          targets=rng.normal(size=csr.nnz).astype(np.float32))
    for solver in SOLVERS:
        report(solver, k, solve(solver, implicit, None, k) + solve(solver, explicit, own_biases, k))
    tall = np.tile(own, (30720 // n_rows, 1))
    assert len(tall) / 1024 >= 20
    norms = squared_norms(tall, np.linspace(1, 2, len(tall)), n_threads=n_threads)
    G = gram(tall, n_threads=n_threads)
    turn = np.roll(np.eye(k), 1, axis=0) + np.linspace(0, 0.1, k)  # of no BLAS either
    rotate(tall, turn, n_threads)
    report("norms, Gramian and rotation", k, [np.float64(norms), G, tall])
"""

FITS = """
import hashlib, sys
import numpy as np
import ridgeback as rb
from ridgeback.data.synthetic import power_law

n_threads = int(sys.argv[1])
data = rb.Interactions.from_csr(power_law(3000, 900, 90_000, random_state=1))
ratings = rb.Interactions.from_csr(data.user_items.with_data((data.user_items.indices % 5 + 1).astype(np.float32)))
assert (data.nnz + data.n_items * (16 + 63)) / 4096 >= 20

def models(k):
    common = {"n_factors": k, "n_iterations": 2, "n_threads": n_threads}
    yield rb.ImplicitALS(**common)
    yield rb.ImplicitALS(**common, loss="hu", solver="exact")
    yield rb.ExplicitALS(**common)
    yield rb.ExplicitALS(**common, solver="cg")
    if k < 100:
        yield rb.ImplicitALS(**common, non_negative=True)
        for solver in ("majorize", "gradient", "adagrad"):
            yield rb.LogisticMF(**common, n_negatives=5, solver=solver)

for k in (63, 256):
    for model in models(k):
        model.fit(ratings if model.family == "explicit" else data)
        bits = hashlib.sha256()
        losses = np.array([record["loss"] for record in model.history_])
        best = [part for block in model.recommend_all(k=5) for part in block[1:]]
        for part in (model.user_factors_, model.item_factors_, losses, *best):
            bits.update(part.tobytes())
        print(f"{model.clone().set_params(n_threads=None)}:", bits.hexdigest())
"""


@functools.cache
def digests(script: str, n_threads: int, **environment: str) -> dict[str, str]:
    """What each part of a script gives, in a process of its own."""
    command = [sys.executable, "-c", script, str(n_threads)]
    result = subprocess.run(command, capture_output=True, text=True, env={**os.environ, **environment})
    assert result.returncode == 0, result.stderr
    return dict(line.rsplit(":", 1) for line in result.stdout.splitlines())


def assert_same(runs: list[dict[str, str]], n_parts: int) -> None:
    assert len(runs[0]) == n_parts
    differing = {name for run in runs for name in runs[0] if run[name] != runs[0][name]}
    assert not differing


def fused_sets() -> list[str]:
    fused = [name for name in _native.available_instruction_sets() if name != "baseline"]
    if len(fused) < 2:
        pytest.skip("platform: this CPU runs fewer than two instruction sets with fused multiply-add")
    return fused


def test_rows_do_not_depend_on_threads() -> None:
    assert_same([digests(ROWS, n_threads) for n_threads in THREADS], 12)


def test_rows_do_not_depend_on_the_fused_instruction_set() -> None:
    assert_same([digests(ROWS, 2, RIDGEBACK_INSTRUCTION_SET=name) for name in fused_sets()], 12)


@pytest.mark.parametrize("core_type", ["", "Haswell"], ids=["BLAS by CPU", "OPENBLAS_CORETYPE"])
def test_whole_fits_do_not_depend_on_threads(core_type: str) -> None:
    environment = {"OPENBLAS_CORETYPE": core_type} if core_type else {}
    assert_same([digests(FITS, n_threads, **environment) for n_threads in THREADS], 12)


def test_the_baseline_runs_too() -> None:
    """Without fused multiply-add the last bits differ; everything else holds."""
    baseline, chosen = digests(ROWS, 2, RIDGEBACK_INSTRUCTION_SET="baseline"), digests(ROWS, 2)
    assert baseline.keys() == chosen.keys()
    if _native.available_instruction_sets() != ["baseline"]:
        assert baseline["cg, k = 63"] != chosen["cg, k = 63"]  # so the variable is heard


def test_an_unknown_instruction_set_is_named() -> None:
    environment = {**os.environ, "RIDGEBACK_INSTRUCTION_SET": "sse9"}
    command = [sys.executable, "-c", "from ridgeback import _native; _native.instruction_set()"]
    result = subprocess.run(command, check=False, capture_output=True, text=True, env=environment)
    assert result.returncode != 0
    assert 'RIDGEBACK_INSTRUCTION_SET is "sse9"; this machine can run: baseline' in result.stderr
