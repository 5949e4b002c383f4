"""Rows drawn from their posterior in plain NumPy: the algorithm to read, the oracle of the native twins."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ridgeback.solvers.posterior import Information, RowPrior, Stream
from ridgeback.solvers.problem import Float32Array, Float64Array, RowProblem
from ridgeback.solvers.reference import pair_weights


def normals(stream: Stream, row: int, n: int) -> Float64Array:
    """The first n normals of one row: words of Philox4x64-10 (Salmon et al. 2011), made normal by Box and Muller."""
    row = 0 if stream.is_shared else row
    key = np.array([stream.seed, stream.number], dtype=np.uint64)
    words = np.random.Philox(key=key, counter=[0, row, 0, 0]).random_raw(n + n % 2)
    u = ((words[0::2] >> np.uint64(11)) + np.uint64(1)) * 2.0**-53
    v = (words[1::2] >> np.uint64(11)) * 2.0**-53
    radius, angle = np.sqrt(-2 * np.log(u)), 2 * np.pi * v
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1).ravel()[:n]


def draw_rows(
    problem: RowProblem,
    fixed_factors: Float32Array,
    fixed_biases: Float32Array,
    factors: Float32Array,
    biases: Float32Array,
    prior: RowPrior,
    stream: Stream | None,
    *,
    n_threads: int = 1,
    cancel: npt.NDArray[np.uint8] | None = None,
) -> bool:
    """Draw ``x ~ N(P^-1 p, P^-1)`` for every row of one side, in place; without a stream, its mean.

    Parameters
    ----------
    problem : RowProblem
        Of pull "target".
    fixed_factors, fixed_biases : float32 arrays, shapes (n_columns, k) and (n_columns,)
    factors, biases : float32 arrays, shapes (n_rows, k) and (n_rows,)
        Written. A row without neighbours becomes zero.
    prior : RowPrior
    stream : Stream, optional

    Returns
    -------
    bool
        False where it was stopped; rows already drawn stay drawn.

    References
    ----------
    R. Salakhutdinov, A. Mnih, "Bayesian probabilistic matrix factorization using Markov chain Monte Carlo", ICML 2008,
    section 3.3.
    """
    for row in range(problem.rows.n_rows):
        factors[row], biases[row] = 0, 0
        columns, weights, pulls = _columns(problem, row, fixed_factors, fixed_biases)
        if not len(columns):
            continue
        mean = prior.mean if prior.shifts is None else prior.mean + prior.shifts[row]
        U = np.linalg.cholesky(prior.precision + columns.T @ (weights[:, None] * columns)).T  # P = U^T U
        z = np.linalg.solve(U.T, prior.precision @ mean + columns.T @ pulls)
        noise = 0.0 if stream is None else normals(stream, row, len(z))
        x = np.linalg.solve(U, z + noise)
        factors[row], biases[row] = x[:-1], x[-1]
    return True


def inform_rows(
    problem: RowProblem,
    fixed_factors: Float32Array,
    fixed_biases: Float32Array,
    prior: RowPrior,
    stream: Stream,
    *,
    n_threads: int = 1,
    cancel: npt.NDArray[np.uint8] | None = None,
) -> Information:
    """What every row says of its shift, itself integrated out.

    ::

        M = L - L P^-1 L,    h = L P^-1 (b' + l') - l',        L = precision
        b' = sum_j (c_j + sqrt(w_j) noise_j) y_j,              l' = L mean + root noise,   root root^T = L

    Every observation and the prior's mean carry their own noise, so that the expectation of h is what the data say and
    its covariance is M (perturb, then solve: Papandreou & Yuille 2010).

    Parameters
    ----------
    problem, fixed_factors, fixed_biases, prior, stream
        As in `draw_rows`; shifts are not read.
    """
    n_rows, size, L = problem.rows.n_rows, len(prior.mean), prior.precision
    M, h = np.zeros((n_rows, size, size), dtype=np.float32), np.zeros((n_rows, size))
    root = np.linalg.cholesky(L)
    for row in range(n_rows):
        columns, weights, pulls = _columns(problem, row, fixed_factors, fixed_biases)
        if not len(columns):
            continue
        noise = normals(stream, row, size + len(columns))
        pull = L @ prior.mean + root @ noise[:size]
        P = L + columns.T @ (weights[:, None] * columns)
        b = columns.T @ (pulls + np.sqrt(weights) * noise[size:])
        h[row] = L @ np.linalg.solve(P, b + pull) - pull
        M[row] = L - L @ np.linalg.solve(P, L)
    return Information(M, h)


def squared_errors(
    problem: RowProblem,
    fixed_factors: Float32Array,
    fixed_biases: Float32Array,
    factors: Float32Array,
    biases: Float32Array,
    *,
    n_threads: int = 1,
    cancel: npt.NDArray[np.uint8] | None = None,
) -> Float64Array:
    """``sum_j w_j (t_j - x . y_j - bias)^2`` of every row, shape (n_rows,)."""
    errors = np.zeros(problem.rows.n_rows)
    for row in range(problem.rows.n_rows):
        columns, weights, pulls = _columns(problem, row, fixed_factors, fixed_biases)
        if len(columns):
            x = np.append(factors[row], biases[row]).astype(np.float64)
            errors[row] = np.sum(weights * (pulls / weights - columns @ x) ** 2)
    return errors


def _columns(
    problem: RowProblem, row: int, fixed_factors: Float32Array, fixed_biases: Float32Array
) -> tuple[Float64Array, Float64Array, Float64Array]:
    """``y_j = [factors_j, 1]`` of a row's neighbours (n, size), with their weights and pulls."""
    neighbours, _ = problem.rows.row(row)
    weights, pulls, _ = pair_weights(problem, row, fixed_biases)
    columns = np.hstack([fixed_factors[neighbours].astype(np.float64), np.ones((len(neighbours), 1))])
    return columns, weights, pulls
