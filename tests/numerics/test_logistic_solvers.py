"""The logistic steps: native against the NumPy reference, both against brute force, at sizes that hit every edge."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest
from threadpoolctl import threadpool_limits

from ridgeback.data.csr import Csr
from ridgeback.solvers import logistic_native, logistic_reference
from ridgeback.solvers.problem import Float32Array, HalfStep, RowProblem


@pytest.fixture(autouse=True, scope="module")
def _one_blas_thread() -> Iterator[None]:
    """The reference solves thousands of small systems: BLAS threads would only wait for each other."""
    with threadpool_limits(1):
        yield


SHAPES = {  # n_rows, n_columns, k, share of listed pairs
    "odd": (513, 257, 31, 0.2),
    "k = 1": (40, 30, 1, 0.3),
    "k above the columns": (25, 7, 20, 0.6),
    "one row": (1, 300, 5, 0.9),
    "one column": (300, 1, 5, 0.8),
    "rows longer than what is kept": (3, 2000, 40, 0.95),
}


class Case:
    """A random row problem with its factors; some rows are empty, some all yes, some all no."""

    def __init__(
        self,
        n_rows: int,
        n_columns: int,
        k: int,
        share: float,
        *,
        biases: bool = True,
        ridge: float = 0.05,
        scale: float = 1.0,
        seed: int = 0,
    ) -> None:
        rng = np.random.default_rng(seed)
        is_listed = rng.random((n_rows, n_columns)) < share
        is_listed[5::11] = False
        indptr = np.concatenate([[0], np.cumsum(is_listed.sum(axis=1))]).astype(np.int64)
        indices = np.nonzero(is_listed)[1].astype(np.int32)
        targets = (rng.random(len(indices)) < 0.3).astype(np.float32)
        row = np.repeat(np.arange(n_rows), np.diff(indptr))
        targets[row % 11 == 6] = 1
        targets[row % 11 == 7] = 0
        self.problem = RowProblem(
            rows=Csr(indptr, indices, None, (n_rows, n_columns)),
            ridges=ridge * (1 + rng.random(n_rows)),
            pull="target",
            targets=targets,
            confidences=rng.uniform(0.5, 3.0, len(indices)).astype(np.float32),
            bias_ridges=ridge * (1 + rng.random(n_rows)) if biases else None,
        )
        self.fixed_factors = (scale * rng.normal(size=(n_columns, k))).astype(np.float32)
        self.fixed_biases = rng.normal(size=n_columns).astype(np.float32) if biases else None
        self.factors = (scale * rng.normal(size=(n_rows, k))).astype(np.float32)
        self.biases = rng.normal(size=n_rows).astype(np.float32) if biases else None

    def copies(self) -> tuple[Float32Array, Float32Array | None]:
        return self.factors.copy(), None if self.biases is None else self.biases.copy()

    def fixed(self) -> tuple[Float32Array, Float32Array | None]:
        return self.fixed_factors, self.fixed_biases

    def squares(self) -> npt.NDArray[np.float64]:
        n_rows, k = self.factors.shape
        return np.zeros((n_rows, k if self.biases is None else k + 1))

    def loss(self, factors: Float32Array, biases: Float32Array | None) -> float:
        """Cross-entropy plus ridges from the formula, pair by pair, with another expression than the code's."""
        p = self.problem
        row = np.repeat(np.arange(len(factors)), p.rows.counts())
        s = np.einsum("pf,pf->p", factors[row].astype(float), self.fixed_factors[p.rows.indices].astype(float))
        if biases is not None:
            s = s + biases[row].astype(float) + self.fixed_biases[p.rows.indices].astype(float)
        entropy = np.where(p.targets > 0, np.logaddexp(0, -s), np.logaddexp(0, s))
        ridge = p.ridges @ (factors.astype(float) ** 2).sum(axis=1)
        if biases is not None:
            ridge += p.bias_ridges @ biases.astype(float) ** 2
        return float(p.confidences.astype(float) @ entropy + ridge)


@pytest.fixture(params=SHAPES, ids=str)
def shape(request: pytest.FixtureRequest) -> tuple[int, int, int, float]:
    return SHAPES[request.param]


Step = Callable[..., HalfStep]
STEPS = ("majorize", "gradient_step", "adagrad_step", "newton")


def run(
    module: object, name: str, case: Case, n_threads: int = 1
) -> tuple[HalfStep, Float32Array, Float32Array | None]:
    """One step from the case's start; AdaGrad takes two, so that its memory counts."""
    factors, biases = case.copies()
    step: Step = getattr(module, name)
    args = (case.problem, *case.fixed(), factors, biases)
    if name == "gradient_step":
        return step(*args, step_size=0.1, n_threads=n_threads), factors, biases
    if name == "adagrad_step":
        squares = case.squares()
        step(*args, squares, step_size=0.3, n_threads=n_threads)
        return step(*args, squares, step_size=0.3, n_threads=n_threads), factors, biases
    return step(*args, n_threads=n_threads), factors, biases


@pytest.mark.parametrize("biases", [True, False], ids=["biases", "no biases"])
@pytest.mark.parametrize("name", STEPS)
def test_native_step_is_the_references(name: str, shape: tuple[int, int, int, float], biases: bool) -> None:
    case = Case(*shape, biases=biases)
    expected, factors, row_biases = run(logistic_reference, name, case)
    got, native_factors, native_biases = run(logistic_native, name, case)
    tolerance = 3e-4 if name == "majorize" else 2e-6
    scale = np.abs(factors).max(axis=1, keepdims=True) + 1e-3
    np.testing.assert_array_less(np.abs(native_factors - factors) / scale, tolerance)
    if row_biases is not None:
        np.testing.assert_allclose(native_biases, row_biases, atol=tolerance * np.abs(row_biases).max())
    assert got.loss == pytest.approx(expected.loss, rel=1e-6)
    assert got.loss == pytest.approx(case.loss(native_factors, native_biases), rel=1e-6)
    assert (got.n_singular, got.n_unbounded, got.is_complete) == (0, 0, True)


@pytest.mark.parametrize("module", [logistic_reference, logistic_native], ids=["reference", "native"])
def test_cross_entropy_is_the_formulas(module: object, shape: tuple[int, int, int, float]) -> None:
    case = Case(*shape, ridge=0.0)
    entropy = module.cross_entropy(case.problem, *case.fixed(), case.factors, case.biases)  # type: ignore[attr-defined]
    assert entropy == pytest.approx(case.loss(case.factors, case.biases), rel=1e-7)


@pytest.mark.parametrize("module", [logistic_reference, logistic_native], ids=["reference", "native"])
@pytest.mark.parametrize("name", STEPS)
def test_no_step_raises_the_loss_of_any_row(module: object, name: str) -> None:
    case = Case(60, 40, 6, 0.5, scale=3.0)  # far from the optimum, scores up to 100
    for row in range(case.problem.rows.n_rows):
        if case.problem.rows.counts()[row] == 0:
            continue
        one = Case(60, 40, 6, 0.5, scale=3.0)
        rows = np.array([row])
        one.problem = case.problem.take(rows)
        one.factors = case.factors[rows]
        assert case.biases is not None
        one.biases = case.biases[rows]
        before = one.loss(one.factors, one.biases)
        step, _, _ = run(module, name, one)
        assert step.loss <= before * (1 + 1e-6)


@pytest.mark.parametrize("module", [logistic_reference, logistic_native], ids=["reference", "native"])
def test_newton_ends_where_the_gradient_is_zero(module: object, shape: tuple[int, int, int, float]) -> None:
    case = Case(*shape)
    _, factors, biases = run(module, "newton", case)
    for r in range(case.problem.rows.n_rows):
        row = logistic_reference.logistic_row(case.problem, r, *case.fixed())
        u = np.append(factors[r], biases[r]).astype(np.float64)
        assert np.linalg.norm(row.gradient(u)) <= 1e-6 * row.gradient_scale(u) + 1e-12


def test_majorised_steps_go_to_newtons_optimum() -> None:
    case = Case(30, 40, 4, 0.5, scale=0.5, ridge=1.0)
    optimum, factors, _ = run(logistic_native, "newton", case)
    steps_factors, steps_biases = case.copies()
    losses = []
    for _ in range(200):
        step = logistic_native.majorize(case.problem, *case.fixed(), steps_factors, steps_biases)
        losses.append(step.loss)
    assert np.all(np.diff(losses) <= 1e-6 * losses[0])
    assert losses[-1] == pytest.approx(optimum.loss, rel=1e-7)
    np.testing.assert_allclose(steps_factors, factors, atol=1e-4)


def test_majorisation_is_the_papers_row_problem() -> None:
    """The ridge regression of the docstring, solved for u itself rather than for its change."""
    case = Case(20, 30, 3, 0.6)
    _, factors, biases = run(logistic_reference, "majorize", case)
    for r in range(20):
        row = logistic_reference.logistic_row(case.problem, r, *case.fixed())
        if not len(row.signs):
            continue
        s = row.scores(np.append(case.factors[r], case.biases[r]).astype(float))
        w = row.confidences * np.tanh(s / 2) / (4 * s)
        pulls = row.confidences * row.signs / 4 - w * row.offsets
        A = row.columns.T @ np.diag(w) @ row.columns + np.diag(row.ridges)
        expected = np.linalg.solve(A, row.columns.T @ pulls)
        np.testing.assert_allclose(np.append(factors[r], biases[r]), expected, rtol=2e-5, atol=1e-5)


def test_gradient_step_is_by_hand() -> None:
    """One user, two items, k = 1, no biases: every number can be checked on paper."""
    problem = RowProblem(
        rows=Csr(np.array([0, 2]), np.array([0, 1], np.int32), None, (1, 2)),
        ridges=np.array([0.5]),
        pull="target",
        targets=np.array([1, 0], np.float32),
    )
    y, x = np.array([[1.0], [2.0]], np.float32), np.array([[1.0]], np.float32)
    chance = 1 / (1 + np.exp(-np.array([1.0, 2.0])))
    gradient = (chance[0] - 1) * 1 + chance[1] * 2 + 2 * 0.5 * 1
    logistic_native.gradient_step(problem, y, None, x, None, step_size=0.25)
    assert x[0, 0] == pytest.approx(1 - 0.25 * gradient, rel=1e-6)


@pytest.mark.parametrize("module", [logistic_reference, logistic_native], ids=["reference", "native"])
@pytest.mark.parametrize("step_size", [1e6, 1e15])
def test_a_step_too_long_is_halved_or_left_out(module: object, step_size: float) -> None:
    case = Case(60, 40, 6, 0.5)
    factors, biases = case.copies()
    before = case.loss(factors, biases)
    step = module.gradient_step(case.problem, *case.fixed(), factors, biases, step_size=step_size)  # type: ignore[attr-defined]
    assert np.isfinite(factors).all()
    assert step.loss <= before
    if step_size == 1e15:  # forty halvings leave it at about 1e3: rows stay
        np.testing.assert_array_equal(factors[0], case.factors[0])


@pytest.mark.parametrize("module", [logistic_reference, logistic_native], ids=["reference", "native"])
def test_rows_without_a_finite_optimum_stay_and_are_counted(module: object) -> None:
    case = Case(40, 30, 2, 0.9, ridge=0.0)
    step, factors, biases = run(module, "newton", case)
    row_of_pair = case.problem.rows.row_of_entry()
    for r in range(40):
        signs = set(case.problem.targets[row_of_pair == r].tolist())
        if signs == {0.0} or signs == {1.0}:
            np.testing.assert_array_equal(factors[r], case.factors[r])
            assert biases[r] == case.biases[r]
    n_one_sided = sum(len(set(case.problem.targets[row_of_pair == r].tolist())) == 1 for r in range(40))
    assert step.n_unbounded >= n_one_sided > 0
    assert step.n_unbounded < 40
    assert step.loss == pytest.approx(case.loss(factors, biases), rel=1e-6)


def test_bias_alone_without_regularisation_has_an_optimum_when_the_row_is_mixed() -> None:
    case = Case(40, 30, 2, 0.9, ridge=0.3)
    case.problem = replace(case.problem, bias_ridges=np.zeros(40))
    step, factors, _ = run(logistic_native, "newton", case)
    expected, reference_factors, _ = run(logistic_reference, "newton", case)
    assert step.n_unbounded == expected.n_unbounded > 0
    np.testing.assert_allclose(factors, reference_factors, atol=1e-5)


def test_rare_yeses_among_many_noes_take_few_newton_steps() -> None:
    """One yes among 5,000 noes: the optimum's bias is near -7, and plain majorisation would need thousands of steps."""
    rng = np.random.default_rng(1)
    n = 5000
    targets = np.zeros(n, np.float32)
    targets[17] = 1
    problem = RowProblem(
        rows=Csr(np.array([0, n]), np.arange(n, dtype=np.int32), None, (1, n)),
        ridges=np.array([0.01]),
        pull="target",
        targets=targets,
        bias_ridges=np.array([0.001]),
    )
    y = rng.normal(scale=0.3, size=(n, 8)).astype(np.float32)
    x, b = np.zeros((1, 8), np.float32), np.zeros(1, np.float32)
    step = logistic_native.newton(problem, y, None, x, b)
    row = logistic_reference.logistic_row(problem, 0, y, None)
    optimum = logistic_reference.minimize(row)
    np.testing.assert_allclose(np.append(x, b), optimum, rtol=1e-5)
    assert step.loss == pytest.approx(row.loss(optimum), rel=1e-8)
    assert b[0] < -5


def test_extreme_scores_overflow_nowhere() -> None:
    case = Case(20, 30, 3, 0.6, scale=100.0)
    with np.errstate(all="raise", under="ignore"):
        expected, _, _ = run(logistic_reference, "majorize", case)
    got, factors, _ = run(logistic_native, "majorize", case)
    assert np.isfinite(factors).all()
    assert got.loss == pytest.approx(expected.loss, rel=1e-3)


@pytest.mark.parametrize("s", [0.0, 1e-12, 1e-3, 0.00999, 0.01001, 0.5, 5.0, 40.0, 700.0, 1e5])
def test_majorizing_weight(s: float) -> None:
    expected = 1 / 8 if s == 0 else np.tanh(s / 2) / (4 * s)
    assert logistic_reference.majorizing_weight(np.array([s, -s])) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("s", [0.0, 1e-3, 0.00999, 0.01001, 0.5, 5.0, 40.0, 700.0])
@pytest.mark.parametrize("target", [0, 1])
def test_native_link_functions_are_exact(s: float, target: int) -> None:
    """One pair with y = 1 and no ridge: the step is (p - probability) / (2 w), and its loss one cross-entropy."""
    problem = RowProblem(
        rows=Csr(np.array([0, 1]), np.zeros(1, np.int32), None, (1, 1)),
        ridges=np.zeros(1),
        pull="target",
        targets=np.array([target], np.float32),
    )
    y, x = np.ones((1, 1), np.float32), np.full((1, 1), s, np.float32)
    s = float(x[0, 0])
    step = logistic_native.majorize(problem, y, None, x, None)
    surprise = 1 / (1 + np.exp(s)) if target else -1 / (1 + np.exp(-s))
    weight = np.tanh(s / 2) / (4 * s) if s else 1 / 8
    assert x[0, 0] == pytest.approx(s + surprise / (2 * weight), rel=3e-7, abs=1e-7)
    after = float(x[0, 0])
    assert step.loss == pytest.approx(np.logaddexp(0, -after if target else after), rel=1e-14)


def test_cancelled_before_it_starts_changes_nothing() -> None:
    case = Case(513, 257, 31, 0.2)
    factors, biases = case.copies()
    step = logistic_native.majorize(case.problem, *case.fixed(), factors, biases, cancel=np.ones(1, np.uint8))
    assert not step.is_complete
    np.testing.assert_array_equal(factors, case.factors)
