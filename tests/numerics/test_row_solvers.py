"""The row solvers: native against the NumPy reference, both against brute force, at sizes that hit every edge."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from threadpoolctl import threadpool_limits

from ridgeback.data.csr import Csr
from ridgeback.solvers import native, reference
from ridgeback.solvers.matrices import eigenbasis, gram, halve, principal_axes, rotate, squared_norms
from ridgeback.solvers.problem import PULLS, Float32Array, HalfStep, Precision, Pull, RowProblem


@pytest.fixture(autouse=True, scope="module")
def _one_blas_thread() -> Iterator[None]:
    with threadpool_limits(1):
        yield


SHAPES = {  # n_rows, n_columns, k, share of observed pairs
    "odd": (257, 131, 31, 0.1),
    "one factor": (40, 30, 1, 0.3),
    "more factors than columns": (25, 7, 20, 0.6),
    "one row": (1, 200, 5, 0.9),
    "one column": (200, 1, 5, 0.8),
    "one pair": (1, 1, 1, 1.0),
    "a multiple of 16": (50, 80, 48, 0.3),
    "many factors": (12, 300, 130, 0.4),
    "rows longer than a block": (4, 900, 17, 0.9),
}
VARIANTS = [("weight", False), ("one_plus_weight", False), ("target", False), ("target", True)]


@dataclass
class Case:
    """A random row problem with its factors; the row before the last has no neighbours."""

    problem: RowProblem
    fixed: Float32Array
    fixed_biases: Float32Array | None
    own: Float32Array
    own_biases: Float32Array | None

    @classmethod
    def make(cls, shape: tuple[int, int, int, float], pull: Pull, biases: bool, ridge: float = 0.3) -> Case:
        n_rows, n_columns, k, share = shape
        rng = np.random.default_rng(n_rows * 1000 + n_columns + k)
        observed = rng.random((n_rows, n_columns)) < share
        observed[-1, 0] = True
        if n_rows > 2:
            observed[-2] = False
        rows, columns = np.nonzero(observed)
        csr = Csr.from_pairs(rows, columns, None, shape=(n_rows, n_columns))

        def single(*size: int) -> Float32Array:
            return rng.normal(size=size).astype(np.float32)

        problem = RowProblem(
            rows=csr,
            ridges=ridge * (0.5 + rng.random(n_rows)),
            pull=pull,
            targets=single(csr.nnz) if pull == "target" else None,
            confidences=(0.2 + rng.random(csr.nnz)).astype(np.float32),
            row_scales=0.5 + rng.random(n_rows),
            column_scales=0.5 + rng.random(n_columns),
            bias_ridges=ridge * (0.5 + rng.random(n_rows)) if biases else None,
            unobserved_weight=0.0 if pull == "target" else 0.2,
        )
        return cls(
            problem,
            single(n_columns, k),
            single(n_columns) if biases else None,
            single(n_rows, k),
            single(n_rows) if biases else None,
        )

    def copies(self, dtype: type = np.float32) -> tuple[npt.NDArray, npt.NDArray | None]:
        return self.own.astype(dtype), None if self.own_biases is None else self.own_biases.astype(dtype)

    def turned(self) -> tuple[Case, npt.NDArray[np.float64] | None]:
        """The same problem in the eigenbasis of the fixed side's Gramian, and its diagonal."""
        if self.problem.unobserved_weight == 0:
            return self, None
        values, vectors = eigenbasis(gram(self.fixed))
        fixed, own = self.fixed.copy(), self.own.copy()
        rotate(fixed, vectors)
        rotate(own, vectors)
        return replace(self, fixed=fixed, own=own), values

    def brute_force_loss(self, factors: npt.NDArray, biases: npt.NDArray | None) -> float:
        """The loss of the rows over whole matrices, the own side's penalty included."""
        p = self.problem
        dense = np.zeros(p.rows.shape)
        observed = np.zeros(p.rows.shape, dtype=bool)
        rows = p.rows.row_of_entry()
        observed[rows, p.rows.indices] = True
        dense[rows, p.rows.indices] = p.confidences
        weights = dense * p.row_scales[:, None] * p.column_scales[None, :]
        s = factors.astype(np.float64) @ self.fixed.astype(np.float64).T
        if p.pull == "target":
            targets = np.zeros(p.rows.shape)
            targets[rows, p.rows.indices] = p.targets
            if biases is not None:
                s = s + biases[:, None].astype(np.float64) + self.fixed_biases[None, :].astype(np.float64)
            data = (weights * (targets - s) ** 2)[observed].sum()
        elif p.pull == "weight":
            data = (weights * (1 - s) ** 2)[observed].sum() + p.unobserved_weight * (s**2).sum()
        else:
            data = ((1 + weights) * (1 - s) ** 2 - s**2)[observed].sum() + p.unobserved_weight * (s**2).sum()
        penalty = p.ridges @ (factors.astype(np.float64) ** 2).sum(axis=1)
        if biases is not None:
            penalty += p.bias_ridges @ biases.astype(np.float64) ** 2
        return float(data + penalty)


def close(actual: npt.NDArray | None, expected: npt.NDArray | None, tolerance: float) -> None:
    if expected is None:
        assert actual is None
        return
    scale = max(1e-6, float(np.abs(expected).max()))
    np.testing.assert_allclose(actual, expected, atol=tolerance * scale, rtol=0)


@pytest.mark.parametrize(("pull", "biases"), VARIANTS)
@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
@pytest.mark.parametrize("precision", ["single", "double"])
def test_exact_is_the_reference(shape: tuple, pull: Pull, biases: bool, precision: str) -> None:
    case = Case.make(shape, pull, biases)
    expected, expected_biases = case.copies(np.float64)
    result = reference.solve_exact(case.problem, case.fixed, case.fixed_biases, expected, expected_biases)
    factors, own_biases = case.copies()
    half = native.solve_exact(case.problem, case.fixed, case.fixed_biases, factors, own_biases, precision=precision)
    tolerance = 2e-7 if precision == "double" else 5e-4
    close(factors, expected, tolerance)
    close(own_biases, expected_biases, tolerance)
    assert half.loss == pytest.approx(result.loss, rel=1e-9 if precision == "double" else 2e-5)
    assert half.is_complete
    assert half.n_singular == result.n_singular == 0


@pytest.mark.parametrize(("pull", "biases"), VARIANTS)
@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_reference_is_the_minimum(shape: tuple, pull: Pull, biases: bool) -> None:
    """The loss is the brute-force loss, and no step in any direction lowers it."""
    case = Case.make(shape, pull, biases)
    factors, own_biases = case.copies(np.float64)
    result = reference.solve_exact(case.problem, case.fixed, case.fixed_biases, factors, own_biases)
    at_minimum = case.brute_force_loss(factors, own_biases)
    assert result.loss == pytest.approx(at_minimum, rel=1e-9)
    rng = np.random.default_rng(0)
    for _ in range(5):
        step = 1e-4 * rng.normal(size=factors.shape)
        step[case.problem.rows.counts() == 0] = 0
        bias_step = None if own_biases is None else 1e-4 * rng.normal(size=own_biases.shape)
        up = case.brute_force_loss(factors + step, None if own_biases is None else own_biases + bias_step)
        down = case.brute_force_loss(factors - step, None if own_biases is None else own_biases - bias_step)
        assert min(up, down) > at_minimum
        assert up - down == pytest.approx(0, abs=1e-3 * (up + down - 2 * at_minimum) + 1e-9 * abs(at_minimum))


@pytest.mark.parametrize(("pull", "biases"), VARIANTS)
@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_dual_reference_is_the_exact_one(shape: tuple, pull: Pull, biases: bool) -> None:
    case, diagonal = Case.make(shape, pull, biases).turned()
    expected, expected_biases = case.copies(np.float64)
    gram_matrix = None if diagonal is None else np.diag(diagonal)
    result = reference.solve_exact(case.problem, case.fixed, case.fixed_biases, expected, expected_biases, gram_matrix)
    factors, own_biases = case.copies(np.float64)
    half = reference.solve_dual(case.problem, case.fixed, case.fixed_biases, factors, own_biases, diagonal)
    close(factors, expected, 1e-9)
    close(own_biases, expected_biases, 1e-9)
    assert half.loss == pytest.approx(result.loss, rel=1e-10)


def staircase(k: int, pull: Pull, biases: bool) -> Case:
    """Rows of every length around the multiples of 16 up to k + 17, so that both ways of solving meet every edge."""
    lengths = np.unique(np.clip([1, 2, 3, 5, 15, 16, 17, k - 17, k - 16, k - 15, k - 1, k, k + 1, k + 17], 1, k + 17))
    case = Case.make((len(lengths), k + 20, k, 1.0), pull, biases, ridge=2.0)
    rng = np.random.default_rng(k)
    columns = [np.sort(rng.permutation(k + 20)[:n]) for n in lengths]
    csr = Csr.from_pairs(
        np.repeat(np.arange(len(lengths)), lengths), np.concatenate(columns), None, (len(lengths), k + 20)
    )
    targets = None if pull != "target" else rng.normal(size=csr.nnz).astype(np.float32)
    confidences = rng.uniform(0.2, 3, csr.nnz).astype(np.float32)
    return replace(case, problem=replace(case.problem, rows=csr, targets=targets, confidences=confidences))


@pytest.mark.parametrize(("pull", "biases"), VARIANTS)
@pytest.mark.parametrize("k", [1, 2, 7, 15, 16, 17, 31, 32, 33, 47, 63, 64, 65, 100, 127, 128, 129, 255])
def test_short_and_long_rows_are_the_reference(k: int, pull: Pull, biases: bool) -> None:
    """With a diagonal Gramian short rows take the dual, long ones the primal, in one half-step."""
    case, diagonal = staircase(k, pull, biases).turned()
    gram_matrix = None if diagonal is None else np.diag(diagonal)
    expected, expected_biases = case.copies(np.float64)
    result = reference.solve_exact(case.problem, case.fixed, case.fixed_biases, expected, expected_biases, gram_matrix)
    factors, own_biases = case.copies()
    half = native.solve_exact(case.problem, case.fixed, case.fixed_biases, factors, own_biases, gram_matrix)
    close(factors, expected, 1e-4)
    close(own_biases, expected_biases, 1e-4)
    assert half.loss == pytest.approx(result.loss, rel=2e-5)


@pytest.mark.parametrize(("pull", "biases"), VARIANTS)
@pytest.mark.parametrize("k", [1, 7, 15, 16, 17, 31, 33, 64, 65, 100, 129])
@pytest.mark.parametrize("ridge", [2.0, 1e-3])
def test_refined_rows_are_the_reference_to_float32s_last_bit(k: int, pull: Pull, biases: bool, ridge: float) -> None:
    """In double precision, with a Gramian that is diagonal but for the rounding of the factors, and with a full one."""
    start = staircase(k, pull, biases)
    for case in (start, start.turned()[0]):
        problem = replace(case.problem, ridges=case.problem.ridges * (ridge / 2.0))
        gram_matrix = gram(case.fixed) if problem.unobserved_weight else None
        expected, expected_biases = case.copies(np.float64)
        result = reference.solve_exact(problem, case.fixed, case.fixed_biases, expected, expected_biases, gram_matrix)
        factors, own_biases = case.copies()
        half = native.solve_exact(
            problem, case.fixed, case.fixed_biases, factors, own_biases, gram_matrix, precision="double"
        )
        close(factors, expected, 1e-7)
        close(own_biases, expected_biases, 1e-7)
        assert half.loss == pytest.approx(result.loss, rel=1e-8)


def test_a_thousand_factors() -> None:
    case, diagonal = staircase(1024, "one_plus_weight", False).turned()
    assert diagonal is not None
    expected, _ = case.copies(np.float64)
    reference.solve_dual(case.problem, case.fixed, None, expected, None, diagonal)
    factors, _ = case.copies()
    native.solve_exact(case.problem, case.fixed, None, factors, None, np.diag(diagonal), n_threads=2)
    close(factors, expected, 1e-4)


@pytest.mark.parametrize("k", [100, 1023])
def test_directions_of_rounding_leave_short_rows_right(k: int) -> None:
    """Most factors dead but for rounding, as at a very high rank: their products are as large as their own energy.

    Of rows with hardly a ridge these count, of others they do not: both are in one half-step.
    """
    case = staircase(k, "weight", False)
    rng = np.random.default_rng(k)
    n_live = 7
    fixed = case.fixed.copy()
    fixed[:, n_live:] = 1e-7 * (rng.normal(size=(len(fixed), k - n_live)) + fixed[:, :1])
    ridges = np.where(np.arange(len(case.problem.ridges)) % 3 == 0, 1e-5, 0.5)
    problem = replace(case.problem, ridges=ridges, unobserved_weight=0.3)
    rows = np.flatnonzero(problem.rows.counts() <= 20)
    problem, few = problem.take(rows), np.ascontiguousarray(case.own[rows])
    gram_matrix = gram(fixed)
    expected, factors = few.astype(np.float64), few.copy()
    with_reference = reference.solve_exact(problem, fixed, None, expected, None, gram_matrix)
    half = native.solve_exact(problem, fixed, None, factors, None, gram_matrix, precision="double")
    close(factors, expected, 1e-7)
    assert half.loss == pytest.approx(with_reference.loss, rel=1e-8)


def test_pairs_without_weight_still_pull() -> None:
    """In Hu's loss a pair of weight 0 keeps its pull of 1: Woodbury divides by the weight, so the primal solves it."""
    case, diagonal = staircase(40, "one_plus_weight", False).turned()
    assert diagonal is not None
    assert case.problem.confidences is not None
    case.problem.confidences[::5] = 0
    expected, _ = case.copies(np.float64)
    reference.solve_exact(case.problem, case.fixed, None, expected, None, np.diag(diagonal))
    for solve in (native.solve_exact, reference.solve_dual):
        factors, _ = case.copies()
        solve(
            case.problem,
            case.fixed,
            None,
            factors,
            None,
            diagonal if solve is reference.solve_dual else np.diag(diagonal),
        )
        close(factors, expected, 1e-4)


@pytest.mark.parametrize("smallest", [1e-6, 1e-20, 1e-38, 1e-44])
def test_tiny_weights_stay_finite(smallest: float) -> None:
    case, diagonal = staircase(40, "one_plus_weight", False).turned()
    assert diagonal is not None
    assert case.problem.confidences is not None
    case.problem.confidences[::3] = smallest
    expected, _ = case.copies(np.float64)
    reference.solve_exact(case.problem, case.fixed, None, expected, None, np.diag(diagonal))
    factors, _ = case.copies()
    native.solve_exact(case.problem, case.fixed, None, factors, None, np.diag(diagonal))
    close(factors, expected, 1e-4)


@pytest.mark.parametrize("precision", ["single", "double"])
@pytest.mark.parametrize("ridge", [0.0, 1e-30, 1e-12, 1e-6])
def test_hardly_regularised_short_rows_are_solved_in_double(ridge: float, precision: Precision) -> None:
    """The dual's system is as ill-conditioned as the primal: pivots vanish, and float64 takes over."""
    rng = np.random.default_rng(5)
    fixed = rng.normal(size=(60, 50)).astype(np.float32)
    csr = Csr.from_pairs(np.repeat(np.arange(3), 20), rng.permutation(60), None, shape=(3, 60))
    targets = rng.normal(size=60).astype(np.float32)
    problem = RowProblem(rows=csr, ridges=np.full(3, ridge), pull="target", targets=targets)
    expected = np.zeros((3, 50))
    reference.solve_exact(problem, fixed, None, expected, None)
    factors = np.full((3, 50), 7, dtype=np.float32)
    native.solve_exact(problem, fixed, None, factors, None, precision=precision)
    close(factors, expected, 2e-3)


@pytest.mark.parametrize("n_steps", [0, 1, 3])
@pytest.mark.parametrize(("pull", "biases"), VARIANTS)
@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_cg_is_the_reference(shape: tuple, pull: Pull, biases: bool, n_steps: int) -> None:
    case, diagonal = Case.make(shape, pull, biases, ridge=1.0).turned()
    expected, expected_biases = case.copies(np.float64)
    result = reference.solve_cg(
        case.problem, case.fixed, case.fixed_biases, expected, expected_biases, diagonal, n_steps=n_steps
    )
    factors, own_biases = case.copies()
    half = native.solve_cg(case.problem, case.fixed, case.fixed_biases, factors, own_biases, diagonal, n_steps=n_steps)
    close(factors, expected, 1e-3)
    close(own_biases, expected_biases, 1e-3)
    assert half.loss == pytest.approx(result.loss, rel=1e-4)
    assert half.loss == pytest.approx(case.brute_force_loss(*_with_zero_rows(case, factors, own_biases)), rel=1e-4)


def _with_zero_rows(case: Case, factors: npt.NDArray, biases: npt.NDArray | None) -> tuple:
    assert (factors[case.problem.rows.counts() == 0] == 0).all()
    return factors, biases


@pytest.mark.parametrize(("pull", "biases"), VARIANTS)
def test_cg_arrives_at_the_exact_solution(pull: Pull, biases: bool) -> None:
    case, diagonal = Case.make((120, 90, 24, 0.2), pull, biases, ridge=2.0).turned()
    exact, exact_biases = case.copies(np.float64)
    reference.solve_exact(case.problem, case.fixed, case.fixed_biases, exact, exact_biases)
    factors, own_biases = case.copies()
    native.solve_cg(case.problem, case.fixed, case.fixed_biases, factors, own_biases, diagonal, n_steps=60)
    close(factors, exact, 1e-4)
    close(own_biases, exact_biases, 1e-4)


def test_cg_stands_still_at_the_solution_without_nan() -> None:
    """Steps after convergence divide nothing by zero."""
    case, diagonal = Case.make((60, 40, 3, 0.3), "weight", False).turned()
    factors, _ = case.copies()
    native.solve_cg(case.problem, case.fixed, None, factors, None, diagonal, n_steps=500)
    again = factors.copy()
    native.solve_cg(case.problem, case.fixed, None, again, None, diagonal, n_steps=500)
    assert np.isfinite(again).all()
    close(again, factors, 1e-5)


@pytest.mark.parametrize("n_factors", [1, 16, 24, 64, 72])
def test_halves_are_numpys(n_factors: int) -> None:
    rng = np.random.default_rng(0)
    factors = rng.normal(size=(300, n_factors)).astype(np.float32) * np.float32(3e-5)
    factors[5] *= np.float32(1e-6)  # down to where half precision has fewer digits, and to zero
    factors[6] = 0
    halves, unit = halve(factors, n_threads=2)
    assert 2**14 <= np.abs(factors).max() / unit < 2**15
    expected = (factors / np.float32(unit)).astype(np.float16)
    assert np.array_equal(halves[:, :n_factors], expected.view(np.uint16))
    assert not halves[:, n_factors:].any()
    assert halve(np.zeros((2, n_factors), np.float32))[0].sum() == 0


@pytest.mark.parametrize("pull", ["weight", "one_plus_weight", "target"])
@pytest.mark.parametrize("n_factors", [5, 16, 31, 64, 80, 130])
def test_cg_on_halves_is_cg_on_rounded_factors(pull: Pull, n_factors: int) -> None:
    case, diagonal = Case.make((120, 90, n_factors, 0.2), pull, False, ridge=2.0).turned()
    halves, unit = halve(case.fixed)
    rounded = halves.view(np.float16).astype(np.float32)[:, :n_factors] * np.float32(unit)
    (expected, _), (factors, _), (exact, _) = case.copies(), case.copies(), case.copies()
    native.solve_cg(case.problem, rounded, None, expected, None, diagonal, n_steps=2)
    half = native.solve_cg(case.problem, case.fixed, None, factors, None, diagonal, n_steps=2, gathers_halves=True)
    close(factors, expected, 1e-6)
    loss = native.solve_cg(case.problem, case.fixed, None, exact, None, diagonal, n_steps=2).loss
    assert half.loss == pytest.approx(loss, rel=1e-3)
    errors = np.linalg.norm(factors - exact, axis=1) / np.maximum(np.linalg.norm(exact, axis=1), 1e-30)
    assert 0 < np.median(errors) < 1e-3


@pytest.mark.parametrize(("pull", "biases"), VARIANTS)
@pytest.mark.parametrize("n_factors", [24, 80])
def test_cg_leaves_out_steps_that_promise_little(pull: Pull, biases: bool, n_factors: int) -> None:
    case, diagonal = Case.make((120, 90, n_factors, 0.2), pull, biases, ridge=2.0).turned()

    def solve(solver: Any, least_gain: float, dtype: npt.DTypeLike) -> tuple[HalfStep, npt.NDArray]:
        factors, own_biases = case.copies(dtype)
        half = solver(
            *(case.problem, case.fixed, case.fixed_biases, factors, own_biases, diagonal),
            n_steps=6,
            least_gain=least_gain,
        )
        return half, factors

    always, _ = solve(native.solve_cg, 0.0, np.float32)
    share = 1e-2 if pull == "target" else 1e-3
    least_gain = share * always.gain / case.problem.rows.nnz
    half, factors = solve(native.solve_cg, least_gain, np.float32)
    expected, expected_factors = solve(reference.solve_cg, least_gain, np.float64)
    assert half.n_step_pairs == expected.n_step_pairs
    assert half.gain == pytest.approx(expected.gain, rel=1e-4)
    close(factors, expected_factors, 1e-3)
    # Rows differ in their steps, and what was left out would have gained little.
    nnz = case.problem.rows.nnz
    assert nnz < half.n_step_pairs < always.n_step_pairs <= 6 * nnz
    assert half.n_step_pairs % nnz
    assert always.gain - half.gain < 2 * share * always.gain


@pytest.mark.parametrize("pull", ["weight", "target"])
def test_cg_of_rows_beyond_the_cache(pull: Pull) -> None:
    """A row that does not stay in the cache fetches its own neighbours in every pass, to the same numbers."""
    shape = (3, 20_000, 72, 0.95)
    case, diagonal = Case.make(shape, pull, False, ridge=50.0).turned()
    expected, _ = case.copies(np.float64)
    reference.solve_cg(case.problem, case.fixed, None, expected, None, diagonal, n_steps=2)
    factors, _ = case.copies()
    native.solve_cg(case.problem, case.fixed, None, factors, None, diagonal, n_steps=2)
    close(factors, expected, 1e-4)


@pytest.mark.parametrize(("pull", "biases"), VARIANTS)
@pytest.mark.parametrize("name", ["odd", "one factor", "more factors than columns", "one row", "one pair"])
def test_non_negative_is_the_reference(name: str, pull: Pull, biases: bool) -> None:
    n_rows, n_columns, k, share = SHAPES[name]
    case = Case.make((min(n_rows, 30), n_columns, min(k, 12), share), pull, biases)
    expected, expected_biases = case.copies(np.float64)
    result = reference.solve_non_negative(case.problem, case.fixed, case.fixed_biases, expected, expected_biases)
    factors, own_biases = case.copies()
    half = native.solve_non_negative(case.problem, case.fixed, case.fixed_biases, factors, own_biases)
    assert factors.min() >= 0
    close(factors, expected, 1e-6)
    close(own_biases, expected_biases, 1e-6)
    assert half.loss == pytest.approx(result.loss, rel=1e-9)


@pytest.mark.parametrize("pull", PULLS)
def test_non_negative_is_scipys_nnls(pull: Pull) -> None:
    """min |L^T x - L^-1 b|^2 over x >= 0 with A = L L^T is the same problem."""
    optimize = pytest.importorskip("scipy.optimize", reason="SciPy is the independent solver: pip install scipy")
    case = Case.make((40, 60, 15, 0.4), pull, False)
    factors, _ = case.copies()
    native.solve_non_negative(case.problem, case.fixed, None, factors, None)
    n_zero = 0
    for row in np.flatnonzero(case.problem.rows.counts()):
        system = reference.row_system(case.problem, row, case.fixed, None, gram(case.fixed))
        lower = np.linalg.cholesky(system.A)
        expected, _ = optimize.nnls(lower.T, np.linalg.solve(lower, system.b))
        n_zero += int((expected == 0).sum())
        np.testing.assert_allclose(factors[row], expected, atol=2e-6)
    assert n_zero > 50


def test_rows_without_neighbours_become_zero() -> None:
    case = Case.make(SHAPES["odd"], "target", True)
    for solve in (native.solve_exact, native.solve_non_negative, reference.solve_exact):
        factors, biases = case.copies()
        solve(case.problem, case.fixed, case.fixed_biases, factors, biases)
        assert (factors[-2] == 0).all()
        assert biases[-2] == 0


def test_singular_rows_get_the_minimum_norm_solution() -> None:
    """Without regularisation: fewer neighbours than factors, and neighbours of rank one."""
    rng = np.random.default_rng(0)
    direction = rng.normal(size=6)
    fixed = np.vstack([rng.normal(size=(3, 6)), np.outer([1.0, 2.0, -1.0], direction)]).astype(np.float32)
    csr = Csr.from_pairs([0, 0, 0, 1, 1, 1], [0, 1, 2, 3, 4, 5], None, shape=(2, 6))
    targets = rng.normal(size=6).astype(np.float32)
    problem = RowProblem(rows=csr, ridges=np.zeros(2), pull="target", targets=targets)
    factors = np.full((2, 6), 7, dtype=np.float32)
    half = native.solve_exact(problem, fixed, None, factors, None)
    assert half.n_singular == 2
    for row in range(2):
        columns = fixed[csr.row(row)[0]].astype(np.float64)
        expected = np.linalg.pinv(columns, rcond=1e-6) @ targets[3 * row : 3 * row + 3]
        np.testing.assert_allclose(factors[row], expected, atol=1e-4)


def test_ill_conditioned_rows_are_solved_in_double() -> None:
    """Condition number 1e8: float32 alone would be wrong in the first digit."""
    rng = np.random.default_rng(1)
    basis, _ = np.linalg.qr(rng.normal(size=(8, 8)))
    fixed = (basis @ np.diag(np.logspace(0, -4, 8)) @ basis.T).astype(np.float32)
    csr = Csr.from_pairs(np.zeros(8, dtype=int), np.arange(8), None, shape=(1, 8))
    problem = RowProblem(rows=csr, ridges=np.zeros(1), pull="target", targets=rng.normal(size=8).astype(np.float32))
    expected = np.zeros((1, 8))
    reference.solve_exact(problem, fixed, None, expected, None)
    factors = np.zeros((1, 8), dtype=np.float32)
    native.solve_exact(problem, fixed, None, factors, None)
    np.testing.assert_allclose(factors, expected, rtol=1e-4)


def test_a_row_alone_has_the_bits_it_has_among_others() -> None:
    """Rows are independent: fold-in of one row is the very computation of the half-step."""
    case = Case.make(SHAPES["odd"], "one_plus_weight", False)
    factors, _ = case.copies()
    native.solve_exact(case.problem, case.fixed, None, factors, None, precision="double")
    for row in (0, 100, 256):
        alone = np.zeros((1, factors.shape[1]), dtype=np.float32)
        native.solve_exact(
            case.problem.take(np.array([row])), case.fixed, None, alone, None, gram(case.fixed), precision="double"
        )
        assert alone.tobytes() == factors[row : row + 1].tobytes()


@pytest.mark.parametrize(
    ("k", "n_rows"), [(1, 3000), (15, 3000), (16, 3000), (17, 3000), (64, 3000), (100, 3000), (523, 85)]
)
def test_gram_and_rotation(k: int, n_rows: int) -> None:
    rng = np.random.default_rng(k)
    factors = rng.normal(size=(n_rows, k)).astype(np.float32)
    weights = rng.random(n_rows)
    exact = factors.astype(np.float64)
    np.testing.assert_allclose(gram(factors), exact.T @ exact, rtol=1e-12, atol=1e-9)
    np.testing.assert_allclose(gram(factors, weights), exact.T @ (weights[:, None] * exact), rtol=1e-12, atol=1e-9)
    values, vectors = eigenbasis(gram(factors))
    assert (np.diff(values) <= 0).all()
    turned = factors.copy()
    rotate(turned, vectors, n_threads=2)
    np.testing.assert_allclose(turned, exact @ vectors, atol=2e-5)
    np.testing.assert_allclose(gram(turned), np.diag(values), atol=1e-3 * values[0] ** 0.5)


@pytest.mark.parametrize("k", [1, 7, 8, 16, 63, 130])
def test_squared_norms(k: int) -> None:
    rng = np.random.default_rng(k)
    factors, weights = rng.normal(size=(3000, k)).astype(np.float32), rng.random(3000)
    expected = float(weights @ (factors.astype(np.float64) ** 2).sum(axis=1))
    assert squared_norms(factors, weights) == pytest.approx(expected, rel=1e-13)
    assert squared_norms(factors, weights, n_threads=3) == squared_norms(factors, weights)
    assert squared_norms(factors[:0], weights[:0]) == 0


@pytest.mark.parametrize(("pull", "biases"), VARIANTS)
@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_pair_loss_is_the_reference(shape: tuple, pull: Pull, biases: bool) -> None:
    case = Case.make(shape, pull, biases)
    arguments = (case.problem, case.fixed, case.fixed_biases, case.own, case.own_biases)
    expected = reference.pair_loss(*arguments)
    scale = reference.pair_loss(*(a if a is not case.own else a * 0 for a in arguments))
    assert native.pair_loss(*arguments) == pytest.approx(expected, abs=1e-6 * max(scale, expected))
    assert native.pair_loss(*arguments, n_threads=3) == native.pair_loss(*arguments)
    nothing = (case.fixed[:, :0], case.fixed_biases, case.own[:, :0], case.own_biases)
    without_factors = reference.pair_loss(case.problem, *nothing)
    assert native.pair_loss(case.problem, *nothing) == pytest.approx(without_factors, rel=1e-6)


def test_principal_axes_order_and_sign() -> None:
    rng = np.random.default_rng(3)
    items = (rng.normal(size=(500, 6)) * [1, 5, 2, 9, 3, 4]).astype(np.float32)
    axes = principal_axes(items)
    turned = items.astype(np.float64) @ axes
    energies = (turned**2).sum(axis=0)
    assert (np.diff(energies) < 0).all()
    largest = turned[np.abs(turned).argmax(axis=0), np.arange(6)]
    assert (largest > 0).all()


def test_cancelled_half_step_keeps_what_was_solved() -> None:
    case = Case.make(SHAPES["odd"], "weight", False)
    factors, _ = case.copies()
    half = native.solve_exact(case.problem, case.fixed, None, factors, None, cancel=np.ones(1, dtype=np.uint8))
    assert isinstance(half, HalfStep)
    assert not half.is_complete
    assert factors.tobytes() == case.own.tobytes()


@pytest.mark.parametrize("n_neighbours", [9_000, 40_000])
@pytest.mark.parametrize("solver", ["exact", "cg"])
def test_the_loss_of_a_long_row_is_as_exact_as_that_of_a_short_one(solver: str, n_neighbours: int) -> None:
    """Float32 sums over a popular item's users: added one after the other they were off by 1e-4 of themselves."""
    rng = np.random.default_rng(3)
    rows = Csr(np.array([0, n_neighbours]), np.arange(n_neighbours, dtype=np.int32), None, (1, n_neighbours))
    fixed = rng.normal(scale=0.1, size=(n_neighbours, 32)).astype(np.float32)
    fixed_biases = rng.normal(scale=0.1, size=n_neighbours).astype(np.float32)
    targets = (4.0 + fixed_biases + fixed @ rng.normal(size=32)).astype(np.float32)
    problem = RowProblem(rows, np.ones(1), "target", targets=targets, target_offset=3.5, bias_ridges=np.ones(1))
    factors, biases = np.zeros((1, 32), dtype=np.float32), np.zeros(1, dtype=np.float32)
    if solver == "exact":
        loss = native.solve_exact(problem, fixed, fixed_biases, factors, biases).loss
    else:
        loss = native.solve_cg(problem, fixed, fixed_biases, factors, biases, n_steps=12).loss
    errors = targets.astype(float) - 3.5 - fixed_biases - biases[0] - fixed.astype(float) @ factors[0]
    expected = float(errors @ errors + np.sum(factors.astype(float) ** 2) + float(biases[0]) ** 2)
    assert abs(loss - expected) < 1e-6 * float(np.sum((targets - 3.5 - fixed_biases) ** 2.0))
