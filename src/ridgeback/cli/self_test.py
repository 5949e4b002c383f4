"""The self-test of ``ridgeback doctor``: a tiny model fitted natively and by the NumPy reference, and compared."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from ridgeback.solvers.problem import RowProblem

    Factors = npt.NDArray[np.float32]

_N_USERS, _N_ITEMS = 40, 29
_N_ITERATIONS = {"exact": 3, "conjugate gradient": 3, "non-negative": 1, "logistic": 3}
# Odd numbers: the last lanes are tested too.
_N_FACTORS = {"exact": 35, "conjugate gradient": 35, "non-negative": 7, "logistic": 35}
_ALLOWED = {"exact": 1e-4, "conjugate gradient": 1e-4, "non-negative": 1e-3, "logistic": 1e-4, "top k": 1e-6}


@dataclass(frozen=True)
class Comparison:
    """How far a native kernel is from its reference, as a share of the largest score."""

    kernel: str
    difference: float
    allowed: float
    is_ok: bool


def self_test() -> list[dict[str, Any]]:
    """Compare every native solver, and the ranking kernel, with NumPy; well below two seconds."""
    from threadpoolctl import threadpool_limits

    problems = _problems()
    found = []
    with threadpool_limits(1, "blas"):  # on a busy machine the threads of tiny products wait for each other
        for kernel in _N_FACTORS:
            native, reference = _fit(kernel, problems, is_native=True), _fit(kernel, problems, is_native=False)
            found.append(_compare(kernel, native[0] @ native[1].T, reference[0] @ reference[1].T))
        found.append(_compare_top_k(*_fit("exact", problems, is_native=True)))
    return [asdict(comparison) for comparison in found]


def _problems() -> tuple[RowProblem, RowProblem]:
    """The rows of a tiny implicit data set, user side and item side."""
    import numpy as np

    from ridgeback.data import Csr
    from ridgeback.solvers.problem import RowProblem

    rng = np.random.default_rng(7)
    users, items = np.nonzero(rng.random((_N_USERS, _N_ITEMS)) < 0.2)
    pairs = Csr.from_pairs(users, items, None, (_N_USERS, _N_ITEMS))
    weights = rng.uniform(0.5, 3, pairs.nnz).astype(np.float32)

    def side(rows: Csr, confidences: Factors) -> RowProblem:
        ridges = (0.05 * (rows.counts() + 0.1 * rows.n_columns)).astype(np.float64)
        return RowProblem(rows, ridges, "weight", confidences=confidences, unobserved_weight=0.1)

    flipped = pairs.with_data(weights).transpose()
    return side(pairs, weights), side(flipped.with_data(None), flipped.values())


def _fit(kernel: str, problems: tuple[RowProblem, RowProblem], is_native: bool) -> tuple[Factors, Factors]:
    """Some iterations from one fixed start."""
    import numpy as np

    from ridgeback.solvers import logistic_native, logistic_reference, native, reference

    solvers: Any = native if is_native else reference
    logistic: Any = logistic_native if is_native else logistic_reference
    rng = np.random.default_rng(11)
    users, items = (rng.normal(0, 0.3, (n, _N_FACTORS[kernel])).astype(np.float32) for n in (_N_USERS, _N_ITEMS))
    if kernel == "non-negative":
        users, items = np.abs(users), np.abs(items)
    for _ in range(_N_ITERATIONS[kernel]):
        for problem, fixed, solved in ((problems[0], items, users), (problems[1], users, items)):
            if kernel == "exact":
                solvers.solve_exact(problem, fixed, None, solved, None)
            elif kernel == "logistic":
                logistic.majorize(_as_logistic(problem), fixed, None, solved, None)
            elif kernel == "non-negative":
                solvers.solve_non_negative(problem, fixed, None, solved, None)
            else:
                _cg_half_step(solvers, problem, fixed, solved)
    return users, items


def _as_logistic(problem: RowProblem) -> RowProblem:
    """The same pairs as yes (confidence above 1) and no."""
    import numpy as np

    confidences = problem.confidences
    assert confidences is not None
    targets = (confidences > 1).astype(np.float32)
    return replace(problem, pull="target", targets=targets, unobserved_weight=0.0)


def _cg_half_step(solvers: Any, problem: RowProblem, fixed: Factors, solved: Factors) -> None:
    """Enough steps in the eigenbasis to reach the solution, in the axes that came in."""
    import numpy as np

    values, axes = np.linalg.eigh(fixed.astype(np.float64).T @ fixed.astype(np.float64))
    turned, start = ((matrix @ axes).astype(np.float32) for matrix in (fixed, solved))
    solvers.solve_cg(problem, turned, None, start, None, values, n_steps=8)
    solved[:] = start @ axes.T


def _compare_top_k(users: Factors, items: Factors) -> Comparison:
    """The ten best items of every user against a full sort by NumPy."""
    import numpy as np

    from ridgeback.recommend.top_k import top_k

    k = 10
    _, scores, counts = top_k(
        users, items, k=k, user_biases=None, item_biases=None, mean=0.0, exclude=None, n_threads=1
    )
    full = -np.sort(-(users.astype(np.float64) @ items.T.astype(np.float64)), axis=1)[:, :k]
    is_full = bool(np.all(counts == k))
    return _compare("top k", scores.reshape(-1, k), full) if is_full else Comparison("top k", float("inf"), 0.0, False)


def _compare(kernel: str, ours: npt.NDArray[Any], theirs: npt.NDArray[Any]) -> Comparison:
    import numpy as np

    difference = float(np.max(np.abs(ours - theirs)) / np.max(np.abs(theirs)))
    return Comparison(kernel, difference, _ALLOWED[kernel], bool(difference <= _ALLOWED[kernel]))
