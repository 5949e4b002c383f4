"""Rows drawn from their posterior: native against the NumPy twin, and both against the distribution they promise."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from ridgeback.data.csr import Csr
from ridgeback.solvers import posterior_native as native
from ridgeback.solvers import posterior_reference as reference
from ridgeback.solvers.posterior import Information, RowPrior, Stream
from ridgeback.solvers.problem import Float32Array, Float64Array, RowProblem
from ridgeback.solvers.shared_vectors import SharedTable, draw_shared

SHAPES = {  # n_rows, n_columns, k, share of observed pairs
    "odd": (57, 31, 13, 0.3),
    "one factor": (40, 30, 1, 0.3),
    "one row": (1, 200, 5, 0.9),
    "one pair": (1, 1, 1, 1.0),
    "a multiple of 16 with the bias": (20, 80, 31, 0.3),
    "rows longer than a block": (4, 900, 17, 0.9),
}


@dataclass
class Rows:
    """A random problem, its fixed side and a prior; the row before the last has no neighbours."""

    problem: RowProblem
    fixed: tuple[Float32Array, Float32Array]
    prior: RowPrior

    @classmethod
    def make(cls, shape: tuple[int, int, int, float], *, has_shifts: bool = True) -> Rows:
        n_rows, n_columns, k, share = shape
        rng = np.random.default_rng(n_rows + n_columns + k)
        observed = rng.random((n_rows, n_columns)) < share
        observed[-1, 0] = True
        if n_rows > 2:
            observed[-2] = False
        rows = Csr.from_pairs(*np.nonzero(observed), None, shape=(n_rows, n_columns))
        problem = RowProblem(
            rows,
            np.zeros(n_rows),
            "target",
            targets=rng.normal(size=rows.nnz).astype(np.float32),
            confidences=rng.uniform(0.5, 2, rows.nnz).astype(np.float32),
            row_scales=rng.uniform(0.5, 2, n_rows),
            column_scales=rng.uniform(0.5, 2, n_columns),
            bias_ridges=np.zeros(n_rows),
        )
        root = rng.normal(size=(k + 1, k + 1))
        shifts = rng.normal(size=(n_rows, k + 1)).astype(np.float32) if has_shifts else None
        prior = RowPrior(rng.normal(size=k + 1), root @ root.T + np.eye(k + 1), shifts)
        fixed = rng.normal(size=(n_columns, k)).astype(np.float32), rng.normal(size=n_columns).astype(np.float32)
        return cls(problem, fixed, prior)

    def drawn(self, twin: Any, stream: Stream | None, **run: Any) -> Float32Array:
        """[factors, bias] of every row."""
        n, k = self.problem.rows.n_rows, self.fixed[0].shape[1]
        factors, biases = np.full((n, k), 7, dtype=np.float32), np.full(n, 7, dtype=np.float32)
        assert twin.draw_rows(self.problem, *self.fixed, factors, biases, self.prior, stream, **run)
        return np.column_stack([factors, biases])

    def posterior(self, row: int) -> tuple[Float64Array, Float64Array]:
        """Mean and covariance by the formula."""
        columns, weights, pulls = reference._columns(self.problem, row, *self.fixed)
        P = self.prior.precision + columns.T @ (weights[:, None] * columns)
        shift = 0.0 if self.prior.shifts is None else self.prior.shifts[row]
        p = self.prior.precision @ (self.prior.mean + shift) + columns.T @ pulls
        return np.linalg.solve(P, p), np.linalg.inv(P)


@pytest.mark.parametrize("has_shifts", [True, False])
@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_native_rows_are_those_of_the_twin(shape: tuple[int, int, int, float], has_shifts: bool) -> None:
    rows = Rows.make(shape, has_shifts=has_shifts)
    for stream in (None, Stream(3, 8), Stream(2**64 - 1, 2**63 + 5), Stream(3, 8, is_shared=True)):
        expected = rows.drawn(reference, stream)
        np.testing.assert_allclose(rows.drawn(native, stream, n_threads=2), expected, rtol=1e-5, atol=1e-5)
        if shape[0] > 2:
            assert (expected[-2] == 0).all()
    ours, theirs = (
        twin.inform_rows(rows.problem, *rows.fixed, rows.prior, Stream(5, 6)) for twin in (native, reference)
    )
    np.testing.assert_allclose(ours.M, theirs.M, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(ours.h, theirs.h, rtol=1e-9, atol=1e-9)
    own = expected[:, :-1].copy(), expected[:, -1].copy()
    np.testing.assert_allclose(
        native.squared_errors(rows.problem, *rows.fixed, *own),
        reference.squared_errors(rows.problem, *rows.fixed, *own),
        rtol=1e-6,
    )


def test_draws_have_the_mean_and_covariance_of_the_posterior() -> None:
    """Many rows with the same pairs: the sample covariance against A^-1, within four standard errors."""
    n, k = 20_000, 3
    one = Rows.make((1, 12, k, 0.9), has_shifts=False)
    repeated = Csr(
        np.arange(n + 1, dtype=np.int64) * one.problem.rows.nnz, np.tile(one.problem.rows.indices, n), None, (n, 12)
    )
    problem = RowProblem(
        repeated,
        np.zeros(n),
        "target",
        targets=np.tile(one.problem.targets, n),  # type: ignore[arg-type]
        confidences=np.tile(one.problem.confidences, n),  # type: ignore[arg-type]
        row_scales=np.repeat(one.problem.row_scales, n),  # type: ignore[arg-type]
        column_scales=one.problem.column_scales,
    )
    x = Rows(problem, one.fixed, one.prior).drawn(native, Stream(1, 1)).astype(np.float64)
    mean, covariance = one.posterior(0)
    error = np.sqrt(np.diag(covariance) / n)
    assert (np.abs(x.mean(axis=0) - mean) < 4 * error).all()
    spread = np.sqrt((np.outer(np.diag(covariance), np.diag(covariance)) + covariance**2) / n)
    assert (np.abs(np.cov(x.T) - covariance) < 4 * spread).all()
    fourth = ((x - mean) ** 4).mean(axis=0) / np.diag(covariance) ** 2  # 3 for a normal
    assert (np.abs(fourth - 3) < 4 * np.sqrt(96 / n)).all()
    assert np.abs(np.corrcoef(x[:-1, 0], x[1:, 0])[0, 1]) < 4 / np.sqrt(n)  # one row says nothing of the next


def test_shared_vectors_and_rows_together_are_of_their_joint_posterior() -> None:
    """Two tables and the rows of a small problem against one large normal distribution over all unknowns at once."""
    rows = Rows.make((6, 9, 2, 0.6), has_shifts=False)
    problem, size, n = rows.problem, 3, 6
    rng = np.random.default_rng(0)
    values = Csr.from_pairs(np.arange(6), np.arange(6) % 2, rng.normal(size=6).astype(np.float32), (6, 2))
    tables = [SharedTable.of_sets(problem.rows, problem.rows.transpose()), SharedTable(values, values.transpose())]
    priors = [RowPrior(rng.normal(size=size), np.eye(size) * 2), RowPrior(rng.normal(size=size), np.eye(size) * 3)]
    F = np.zeros((n, 11))
    for row in range(n):
        members, _ = problem.rows.row(row)
        F[row, members] = 1 / np.sqrt(max(1, len(members)))
        at, value = values.row(row)
        F[row, 9 + at] = value
    # Unknowns: 11 shared vectors. Rows integrated out: exp(-s M s / 2 + s h) with the expected h.
    P, p = np.zeros((33, 33)), np.zeros(33)
    for j in range(11):
        prior = priors[0 if j < 9 else 1]
        P[3 * j : 3 * j + 3, 3 * j : 3 * j + 3] = prior.precision
        p[3 * j : 3 * j + 3] = prior.precision @ prior.mean
    L = rows.prior.precision
    for row in range(n):
        columns, weights, pulls = reference._columns(problem, row, *rows.fixed)
        if not len(columns):
            continue
        # The ratings of a row given its shift: N(Y (mean + s), W^-1 + Y L^-1 Y^T).
        inverse = np.linalg.inv(np.diag(1 / weights) + columns @ np.linalg.solve(L, columns.T))
        block = np.kron(F[row], np.eye(size))  # (3, 33)
        P += block.T @ columns.T @ inverse @ columns @ block
        p += block.T @ columns.T @ inverse @ (pulls / weights - columns @ rows.prior.mean)
    mean, covariance = np.linalg.solve(P, p), np.linalg.inv(P)

    draws = []
    start = [np.zeros((9, size)), np.zeros((2, size))]
    for number in range(1200):
        information = native.inform_rows(problem, *rows.fixed, rows.prior, Stream(7, number))
        rng = np.random.default_rng(number)
        draws.append(
            np.concatenate([v.ravel() for v in draw_shared(tables, priors, information, start, rng, n_steps=60)])
        )
    x = np.array(draws)
    error = np.sqrt(np.diag(covariance) / len(x))
    assert (np.abs(x.mean(axis=0) - mean) < 4.5 * error).all()
    np.testing.assert_allclose(x.var(axis=0), np.diag(covariance), rtol=0.2)


def test_conjugate_gradient_solves_the_shared_system() -> None:
    rows = Rows.make((40, 25, 4, 0.3), has_shifts=False)
    table = SharedTable.of_sets(rows.problem.rows, rows.problem.rows.transpose())
    prior = RowPrior(np.zeros(5), np.eye(5) * 4)
    information = native.inform_rows(rows.problem, *rows.fixed, rows.prior, Stream(1, 2))
    start = [np.zeros((25, 5))]

    def drawn(n_steps: int, information: Information = information) -> Float64Array:
        return draw_shared([table], [prior], information, start, np.random.default_rng(0), n_steps=n_steps)[0]

    F = rows.problem.rows.to_scipy().toarray() / np.sqrt(np.maximum(rows.problem.rows.counts(), 1))[:, None]
    A = np.kron(np.eye(25), prior.precision)
    for row in range(40):
        A += np.kron(np.outer(F[row], F[row]), information.M[row])
    noise = np.random.default_rng(0).standard_normal((25, 5)) @ np.linalg.cholesky(prior.precision).T
    expected = np.linalg.solve(A, (noise + F.T @ information.h).ravel()).reshape(25, 5)
    np.testing.assert_allclose(drawn(100), expected, rtol=1e-3, atol=1e-3 * np.abs(expected).max())
    errors = [np.abs(drawn(n_steps) - expected).max() for n_steps in (1, 3, 8)]
    assert errors[0] > errors[1] > errors[2]


SCRIPT = """
import hashlib, sys
import numpy as np
import ridgeback as rb
from ridgeback.data.synthetic import power_law

data = rb.Interactions.from_csr(power_law(1500, 500, 60_000, random_state=1))
ratings = rb.Interactions.from_csr(data.user_items.with_data((data.user_items.indices % 5 + 1).astype(np.float32)))
assert (data.nnz + data.n_items * 20) / 4096 >= 15
model = rb.BayesianALS(n_factors=5, n_samples=3, n_burn_in=2, thinning=1, user_sets=True, item_sets=True,
                       user_attributes={u: {"a": u % 7, "b": "xyz"[u % 3]} for u in range(1500)},
                       n_threads=int(sys.argv[1])).fit(ratings)
bits = hashlib.sha256()
interval = model.predict_interval([3, 4, 5], [6, 7, 8])
folded = model.fold_in({1: 4.0, 5: 2.0, 9: 5.0})
samples = model._samples
for part in (model.user_factors_, model.item_factors_, model.user_biases_, samples.users.rows, samples.items.rows,
             samples.users.vectors, samples.items.vectors, samples.noise_precisions, interval.low, folded.factors):
    bits.update(np.ascontiguousarray(part).tobytes())
print(bits.hexdigest())
"""


def test_the_same_bits_for_any_number_of_threads() -> None:
    """In fresh processes, one after the other."""
    found = {
        subprocess.run(
            [sys.executable, "-c", SCRIPT, str(n_threads)], check=True, capture_output=True, text=True, env=os.environ
        ).stdout
        for n_threads in (1, 3, 64)
    }
    assert len(found) == 1
