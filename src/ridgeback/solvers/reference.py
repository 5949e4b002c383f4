"""The row solvers in plain NumPy and float64: the algorithm to read, and what the native twins are tested against.

Each function solves every row of one side in place, with the other side fixed. Rows without neighbours become zero.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ridgeback.solvers.problem import FactorArray, Float64Array, HalfStep, Precision, RowProblem


@dataclass(frozen=True)
class RowSystem:
    """The normal equations ``A x = b`` of one row, and what they are made of.

    ``columns`` holds the neighbours' factors (n, size), with a last column of ones where the model has biases;
    ``constant`` is the loss at x = 0.
    """

    A: Float64Array
    b: Float64Array
    columns: Float64Array
    neighbours: npt.NDArray[np.int32]
    weights: Float64Array
    pulls: Float64Array
    constant: float

    def loss(self, x: Float64Array) -> float:
        """The row's share of the loss at any x: ``constant - b.x - r.x`` with ``r = b - A x``."""
        return self.constant - float(self.b @ x) - float((self.b - self.A @ x) @ x)


def pair_weights(
    problem: RowProblem, row: int, fixed_biases: FactorArray | None
) -> tuple[Float64Array, Float64Array, float]:
    """Curvature weights w and pulls c of one row's neighbours, and the loss at x = 0."""
    entries = slice(int(problem.rows.indptr[row]), int(problem.rows.indptr[row + 1]))
    neighbours = problem.rows.indices[entries]
    weights = np.ones(len(neighbours))
    if problem.row_scales is not None:
        weights *= problem.row_scales[row]
    if problem.column_scales is not None:
        weights *= problem.column_scales[neighbours]
    if problem.confidences is not None:
        weights *= problem.confidences[entries]
    if problem.pull == "weight":
        return weights, weights.copy(), float(weights.sum())
    if problem.pull == "one_plus_weight":
        return weights, 1 + weights, float((1 + weights).sum())
    assert problem.targets is not None
    targets = problem.targets[entries].astype(np.float64) - problem.target_offset
    if fixed_biases is not None:
        targets -= fixed_biases[neighbours]
    return weights, weights * targets, float((weights * targets**2).sum())


def row_system(
    problem: RowProblem,
    row: int,
    fixed_factors: FactorArray,
    fixed_biases: FactorArray | None,
    gram: Float64Array | None,
) -> RowSystem:
    """Assemble ``A`` and ``b`` of one row; `gram` is the Gramian of all columns (k, k), where one counts."""
    n_factors = fixed_factors.shape[1]
    neighbours, _ = problem.rows.row(row)
    columns = fixed_factors[neighbours].astype(np.float64)
    ridge = np.full(n_factors, problem.ridges[row])
    if problem.bias_ridges is not None:
        columns = np.hstack([columns, np.ones((len(neighbours), 1))])
        ridge = np.append(ridge, problem.bias_ridges[row])
    weights, pulls, constant = pair_weights(problem, row, fixed_biases)
    A = columns.T @ (weights[:, None] * columns) + np.diag(ridge)
    if problem.unobserved_weight != 0:
        assert gram is not None
        A[:n_factors, :n_factors] += problem.unobserved_weight * gram
    return RowSystem(A, columns.T @ pulls, columns, neighbours, weights, pulls, constant)


def solve_symmetric(A: Float64Array, b: Float64Array, least: float = 0.0) -> tuple[Float64Array, bool]:
    """``A x = b`` for a symmetric positive semi-definite A; the minimum-norm solution and True where it is singular.

    b has shape (n,), or (n, m) for m systems of one A. No eigenvalue is below `least`: where that is clearly above
    rounding none is computed.
    """
    if len(b) == 0:
        return b, False
    if least > 1e-12 * float(np.trace(A)):
        return np.asarray(np.linalg.solve(A, b), dtype=np.float64), False
    values, vectors = np.linalg.eigh(A)
    is_kept = values > 1e-12 * max(values[-1], 0.0)
    if is_kept.all() and values[-1] > 0:
        return np.asarray(np.linalg.solve(A, b), dtype=np.float64), False
    inverse = np.where(is_kept, 1 / np.where(is_kept, values, 1), 0)
    return (vectors * inverse) @ (vectors.T @ b), True


def pair_loss(
    problem: RowProblem,
    fixed_factors: FactorArray,
    fixed_biases: FactorArray | None,
    factors: FactorArray,
    biases: FactorArray | None,
    *,
    n_threads: int = 1,
) -> float:
    """Sum over the listed pairs of ``constant - 2 c s + w s^2`` at given factors: ``sum w (t - s)^2`` for a target."""
    loss = 0.0
    for row in range(problem.rows.n_rows):
        neighbours, _ = problem.rows.row(row)
        weights, pulls, constant = pair_weights(problem, row, fixed_biases)
        scores = fixed_factors[neighbours].astype(np.float64) @ factors[row]
        if biases is not None:
            scores = scores + float(biases[row])
        loss += constant - 2 * float(pulls @ scores) + float(weights @ scores**2)
    return loss


def _gram_of(problem: RowProblem, fixed_factors: FactorArray, gram: Float64Array | None) -> Float64Array | None:
    if gram is None and problem.unobserved_weight != 0:
        columns = fixed_factors.astype(np.float64)
        return np.asarray(columns.T @ columns)
    return gram


def _own_diagonal(problem: RowProblem, row: int, n_factors: int, gram_diagonal: Float64Array | None) -> Float64Array:
    """``unobserved_weight * gram_diagonal + ridge`` of one row, its bias ridge at the end."""
    D = np.full(n_factors, problem.ridges[row])
    if gram_diagonal is not None:
        D += problem.unobserved_weight * gram_diagonal
    return D if problem.bias_ridges is None else np.append(D, problem.bias_ridges[row])


def _store(x: Float64Array, row: int, factors: FactorArray, biases: FactorArray | None) -> None:
    n_factors = factors.shape[1]
    factors[row] = x[:n_factors]
    if biases is not None:
        biases[row] = x[n_factors]


def _start(row: int, factors: FactorArray, biases: FactorArray | None) -> Float64Array:
    x = factors[row].astype(np.float64)
    return x if biases is None else np.append(x, np.float64(biases[row]))


def _rows(problem: RowProblem, factors: FactorArray, biases: FactorArray | None) -> npt.NDArray[np.int64]:
    """Rows with neighbours; the others become zero."""
    is_empty = problem.rows.counts() == 0
    factors[is_empty] = 0
    if biases is not None:
        biases[is_empty] = 0
    return np.flatnonzero(~is_empty)


def solve_exact(
    problem: RowProblem,
    fixed_factors: FactorArray,
    fixed_biases: FactorArray | None,
    factors: FactorArray,
    biases: FactorArray | None,
    gram: Float64Array | None = None,
    *,
    precision: Precision = "double",
    n_threads: int = 1,
    cancel: npt.NDArray[np.uint8] | None = None,
) -> HalfStep:
    """Solve every row exactly: form A and b, solve.

    Parameters
    ----------
    problem : RowProblem
    fixed_factors : array, shape (n_columns, k)
    fixed_biases : array, shape (n_columns,), or None
    factors, biases : arrays, shape (n_rows, k) and (n_rows,)
        Overwritten with the solution.
    gram : float64 array, shape (k, k), optional
        ``fixed_factors.T @ fixed_factors``; formed here where it is needed and not given.
    precision, n_threads, cancel
        For the native twin; here everything is float64, one thread, to the end.

    Returns
    -------
    HalfStep

    Notes
    -----
    O(nnz k^2 + n_rows k^3). Source: Zhou et al. 2008, section 3; Hu et al. 2008, equation 4.
    """
    gram = _gram_of(problem, fixed_factors, gram)
    loss, n_singular = 0.0, 0
    for row in _rows(problem, factors, biases):
        system = row_system(problem, row, fixed_factors, fixed_biases, gram)
        x, is_singular = solve_symmetric(system.A, system.b)
        n_singular += is_singular
        loss += system.loss(x)
        _store(x, row, factors, biases)
    return HalfStep(loss, n_singular)


def solve_dual(
    problem: RowProblem,
    fixed_factors: FactorArray,
    fixed_biases: FactorArray | None,
    factors: FactorArray,
    biases: FactorArray | None,
    gram_diagonal: Float64Array | None = None,
    *,
    n_threads: int = 1,
    cancel: npt.NDArray[np.uint8] | None = None,
) -> HalfStep:
    """Solve every row exactly in as many numbers as it has neighbours, where the Gramian is diagonal.

    With ``D = diag(unobserved_weight * gram_diagonal + ridge)`` and n neighbours, Woodbury's identity leaves an
    n x n system whose eigenvalues are at least 1::

        Z = W^1/2 Y D^-1/2,      (I + Z Z^T) t = W^-1/2 c,      x = D^-1/2 Z^T t

    A row where some w or some D is not above zero is solved as `solve_exact` does it.

    Parameters and returns as in `solve_exact`; `gram_diagonal` (k,) are the Gramian's eigenvalues.

    Notes
    -----
    O(n^2 k + n^3) a row of n neighbours. Source: Woodbury 1950.
    """
    gram = None if gram_diagonal is None else np.diag(gram_diagonal)
    loss, n_singular = 0.0, 0
    for row in _rows(problem, factors, biases):
        system = row_system(problem, row, fixed_factors, fixed_biases, gram)
        D = _own_diagonal(problem, row, fixed_factors.shape[1], gram_diagonal)
        if (system.weights > 0).all() and (D > 0).all():
            Z = np.sqrt(system.weights)[:, None] * system.columns / np.sqrt(D)
            t = np.linalg.solve(np.eye(len(Z)) + Z @ Z.T, system.pulls / np.sqrt(system.weights))
            x = (Z.T @ t) / np.sqrt(D)
        else:
            x, is_singular = solve_symmetric(system.A, system.b)
            n_singular += is_singular
        loss += system.loss(x)
        _store(x, row, factors, biases)
    return HalfStep(loss, n_singular)


def solve_cg(
    problem: RowProblem,
    fixed_factors: FactorArray,
    fixed_biases: FactorArray | None,
    factors: FactorArray,
    biases: FactorArray | None,
    gram_diagonal: Float64Array | None = None,
    *,
    n_steps: int,
    least_gain: float = 0.0,
    n_threads: int = 1,
    cancel: npt.NDArray[np.uint8] | None = None,
) -> HalfStep:
    """A few preconditioned conjugate-gradient steps a row, from where the row stands.

    The factors must be in the eigenbasis of the Gramian, so that only its diagonal counts:
    ``A = D + sum_j w_j y_j y_j^T`` with ``D = diag(unobserved_weight * gram_diagonal + ridge)``. D is the
    preconditioner; without an all-pairs term it is the diagonal of A.

    A step takes ``length * r.z`` off the loss, and the next is expected to take ``r.z after / r.z before`` times as
    much. After its first step a row stops where that is at most `least_gain` times its number of neighbours, which is
    what a step costs.

    Parameters and returns as in `solve_exact`; `gram_diagonal` (k,) are the Gramian's eigenvalues, `n_steps` the most a
    row takes.

    Notes
    -----
    O(nnz k) a step. Source: Hestenes & Stiefel 1952; Takacs et al. 2011 for ALS.
    """
    gram = None if gram_diagonal is None else np.diag(gram_diagonal)
    loss, gain, n_step_pairs = 0.0, 0.0, 0
    for row in _rows(problem, factors, biases):
        system = row_system(problem, row, fixed_factors, fixed_biases, gram)
        own_part = system.columns.T**2 @ system.weights
        diagonal = np.diag(system.A) if gram is None else np.diag(system.A) - own_part
        # Far below the largest a direction is the rounding of float32 factors: it stays, or moves with care.
        largest = diagonal.max()
        inverse = np.where(diagonal > 1e-12 * largest, 1 / np.maximum(diagonal, 1e-7 * largest or 1.0), 0)
        x = _start(row, factors, biases)
        r = system.b - system.A @ x
        z = inverse * r
        p = z
        residual = r @ z
        scale = residual + x @ (system.A @ x)
        for _ in range(n_steps):
            q = system.A @ p
            if residual <= 1e-14 * scale or p @ q <= 0:
                break
            length = residual / (p @ q)
            step_gain = length * residual
            gain += float(step_gain)
            n_step_pairs += len(system.weights)
            x = x + length * p
            r = r - length * q
            z = inverse * r
            residual, previous = r @ z, residual
            p = z + residual / previous * p
            if step_gain * residual / previous <= least_gain * len(system.weights):
                break
        loss += system.loss(x)
        _store(x, row, factors, biases)
    return HalfStep(loss, n_step_pairs=n_step_pairs, gain=gain)


def solve_non_negative(
    problem: RowProblem,
    fixed_factors: FactorArray,
    fixed_biases: FactorArray | None,
    factors: FactorArray,
    biases: FactorArray | None,
    gram: Float64Array | None = None,
    *,
    n_threads: int = 1,
    cancel: npt.NDArray[np.uint8] | None = None,
) -> HalfStep:
    """Solve every row with its factors >= 0 (the bias is free), by coordinate descent from where the row stands.

    Each coordinate goes to its own minimum, ``x_i <- max(0, x_i - g_i / A_ii)`` with ``g = A x - b``, until nothing
    moves much; then coordinates are exchanged between zero and positive until the solution is exact.

    Parameters and returns as in `solve_exact`.

    Notes
    -----
    Source: Hsieh & Dhillon 2011, section 3; Lawson & Hanson 1974, chapter 23.
    """
    gram = _gram_of(problem, fixed_factors, gram)
    n_factors = fixed_factors.shape[1]
    loss = 0.0
    for row in _rows(problem, factors, biases):
        system = row_system(problem, row, fixed_factors, fixed_biases, gram)
        x = _start(row, factors, biases)
        x[:n_factors] = np.maximum(x[:n_factors], 0)
        x = _exchange(system, _coordinate_descent(system, x, n_factors), n_factors)
        loss += system.loss(x)
        _store(x, row, factors, biases)
    return HalfStep(loss)


def _coordinate_descent(system: RowSystem, x: Float64Array, n_factors: int) -> Float64Array:
    curvature = np.diag(system.A)
    root = np.sqrt(curvature)
    gradient = system.A @ x - system.b
    for _ in range(500):
        largest_step = 0.0
        for i in np.flatnonzero(curvature > 0):
            value = x[i] - gradient[i] / curvature[i]
            if i < n_factors:
                value = max(0.0, value)
            step = value - x[i]
            x[i] = value
            gradient += step * system.A[:, i]
            largest_step = max(largest_step, root[i] * abs(step))
        if largest_step <= 1e-12 * np.abs(root * x).max(initial=0.0):
            break
    return x


def _exchange(system: RowSystem, x: Float64Array, n_factors: int) -> Float64Array:
    """The exact solution: solve on the positive coordinates, drop those that turn negative, take in those that fall."""
    is_factor = np.arange(len(x)) < n_factors
    entering = -1
    for _ in range(3 * len(x)):
        support = np.flatnonzero((x > 0) | ~is_factor | (np.arange(len(x)) == entering))
        if len(support):
            y, is_singular = solve_symmetric(system.A[np.ix_(support, support)], system.b[support])
            if is_singular:
                return x
            falling = np.flatnonzero(is_factor[support] & (y <= 0))
            way = x[support] - y
            shares = np.array([x[support[i]] / way[i] if way[i] > 0 else 0.0 for i in falling])
            share = min(1.0, shares.min(initial=1.0))
            if share == 0 and entering >= 0:
                return x
            x[support] -= share * way
            if share < 1:
                x[support[falling[shares.argmin()]]] = 0
            x[is_factor] = np.maximum(x[is_factor], 0)
            entering = -1
            if share < 1:
                continue
        terms = np.abs(system.A * x).sum(axis=1) + np.abs(system.b)
        gradient = system.A @ x - system.b
        wants = is_factor & (x <= 0) & (np.diag(system.A) > 0) & (gradient < -1e-12 * terms)
        if not wants.any():
            return x
        slopes = np.where(wants, gradient / np.sqrt(np.where(wants, np.diag(system.A), 1)), 0)
        entering = int(slopes.argmin())
    return x
