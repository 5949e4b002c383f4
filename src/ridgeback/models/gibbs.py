"""The Gibbs sampler of BayesianALS: one sweep draws everything once, given everything else.

::

    for each side, users first:
        z, vectors that rows share    | the other side, with the side's own rows integrated out
        the priors of z               | z
        rows                          | z, the other side, their prior                 (the row problem, drawn)
        the prior of the rows         | rows less their shifts
    the weights of users and items    | all rows                                   (how precise each one's ratings are)
    beta, the ratings' precision      | all rows and weights
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ridgeback.models.alternation import OTHER, Interrupted, SideName
from ridgeback.models.training import ListedPairs
from ridgeback.solvers.hyperpriors import draw_freedom, draw_noise_precision, draw_prior, draw_weights, first_prior
from ridgeback.solvers.matrices import aligned
from ridgeback.solvers.posterior import RowPrior, Stream
from ridgeback.solvers.posterior_native import draw_rows, inform_rows, squared_errors
from ridgeback.solvers.problem import Float32Array, Float64Array, RowProblem
from ridgeback.solvers.shared_vectors import SharedTable, draw_shared

SIDES: tuple[SideName, SideName] = ("users", "items")
N_CG_STEPS = 8  # of the shared vectors' draw; 25 steps gave the same error on held-out ratings
_FIRST_DEVIATION = 0.1  # of the factors that a chain starts from
_PURPOSES = (
    "start",
    "rows",
    "information",
    "shared",
    "hyperpriors",
    "weights",
    "noise",
)  # what a stream of noise is for


@dataclass
class SampledSide:
    """One side of the chain: its pairs, and what was drawn last.

    Attributes
    ----------
    pairs : ListedPairs
        By row of this side; values in units of the ratings' standard deviation, less their mean.
    tables : sequence of SharedTable
        What the rows share, that of their sets first where `has_sets`.
    factors, biases : float32 arrays, shapes (n_rows, k) and (n_rows,)
        Shifts included: the score is ``b_u + b_i + x_u . y_i``.
    prior : RowPrior
        Of rows less their shifts.
    vectors, table_priors : lists, one entry a table
    shifts : float32 array, shape (n_rows, k + 1), or None
    weights : float64 array, shape (n_rows,), or None
        A rating's precision is beta times its user's weight times its item's. None: 1.
    freedom : float
        Degrees of freedom of the weights' gamma prior.
    """

    pairs: ListedPairs
    tables: Sequence[SharedTable]
    has_sets: bool
    factors: Float32Array
    biases: Float32Array
    prior: RowPrior
    vectors: list[Float64Array]
    table_priors: list[RowPrior]
    shifts: Float32Array | None = None
    weights: Float64Array | None = None
    freedom: float = 10.0

    @classmethod
    def started(
        cls,
        pairs: ListedPairs,
        tables: Sequence[SharedTable],
        has_sets: bool,
        n_factors: int,
        rng: np.random.Generator,
    ) -> SampledSide:
        """Small random factors; everything else at 0."""
        n_rows, size = pairs.rows.n_rows, n_factors + 1
        factors = aligned(n_rows, n_factors)
        factors[:] = _FIRST_DEVIATION * rng.standard_normal((n_rows, n_factors))
        factors[pairs.rows.counts() == 0] = 0
        vectors = [np.zeros((table.n_vectors, size)) for table in tables]
        priors = [first_prior(size) for _ in tables]
        biases = np.zeros(n_rows, dtype=np.float32)
        return cls(pairs, tables, has_sets, factors, biases, first_prior(size), vectors, priors)

    def own_rows(self) -> Float32Array:
        """``[factors, bias]`` less the shifts, of the rows that have pairs."""
        rows = np.column_stack([self.factors, self.biases])
        if self.shifts is not None:
            rows -= self.shifts
        return rows[self.pairs.rows.counts() > 0]


@dataclass
class Chain:
    """The state of the sampler.

    Attributes
    ----------
    sides : dict
    seed : int
    n_threads : int
    cancel : uint8 array of length 1
    beta : float
        Precision of the ratings in units of their standard deviation.
    n_sweeps : int
    squared_error : float
        ``sum w (t - s)^2`` after the last sweep, in these units; w as given, beta and the drawn weights aside.
    has_weights : bool
        Whether users and items have weights of their own.
    """

    sides: dict[SideName, SampledSide]
    seed: int
    n_threads: int
    cancel: npt.NDArray[np.uint8]
    beta: float = 1.0
    n_sweeps: int = 0
    squared_error: float = 0.0
    has_weights: bool = True

    def sweep(self) -> None:
        """Draw everything once.

        Raises
        ------
        Interrupted
            Where ctrl-C came; rows already drawn stay drawn.
        """
        for side in SIDES:
            self._draw_side(side)
        self.squared_error = weighted = float(self._squared_errors("users", None).sum())
        if self.has_weights:
            users, items = self.sides["users"], self.sides["items"]
            self._draw_weights("users", self._squared_errors("users", items.weights))
            errors = self._squared_errors("items", users.weights)
            weighted = float(self._draw_weights("items", errors) @ errors)
        n_pairs = self.sides["users"].pairs.rows.nnz
        self.beta = draw_noise_precision(weighted, n_pairs, self._rng("noise", "users"))
        self.n_sweeps += 1

    def noise(self) -> float:
        """The standard deviation of a rating of a usual user and a usual item around its score."""
        logarithm = math.log(self.beta)
        for side in self.sides.values():
            if side.weights is not None:
                logarithm += float(np.log(side.weights[side.pairs.rows.counts() > 0]).mean())
        return math.exp(-logarithm / 2)

    def _draw_side(self, side: SideName) -> None:
        own, other = self.sides[side], self.sides[OTHER[side]]
        problem = self._problem(side)
        if own.tables:
            self._draw_shared(side, problem)
        prior = RowPrior(own.prior.mean, own.prior.precision, own.shifts)
        is_complete = draw_rows(
            problem,
            other.factors,
            other.biases,
            own.factors,
            own.biases,
            prior,
            self._stream("rows", side),
            n_threads=self.n_threads,
            cancel=self.cancel,
        )
        if not is_complete:
            raise Interrupted
        own.prior = draw_prior(own.own_rows(), self._rng("hyperpriors", side), self.n_threads)

    def _draw_shared(self, side: SideName, problem: RowProblem) -> None:
        """Draw the vectors that the rows of a side share, then these vectors' priors, and form the shifts."""
        own, other = self.sides[side], self.sides[OTHER[side]]
        run = {"n_threads": self.n_threads, "cancel": self.cancel}
        stream, rng = self._stream("information", side), self._rng("shared", side)
        information = inform_rows(problem, other.factors, other.biases, own.prior, stream, **run)  # type: ignore[arg-type]
        self._hear()
        vectors = draw_shared(
            own.tables,
            own.table_priors,
            information,
            own.vectors,
            rng,
            n_steps=N_CG_STEPS,
            **run,  # type: ignore[arg-type]
        )
        shifts = np.zeros((problem.rows.n_rows, len(own.prior.mean)))
        for table, drawn in zip(own.tables, vectors, strict=True):
            shifts += table.shifts(drawn, **run)  # type: ignore[arg-type]
        self._hear()
        own.vectors, own.shifts = vectors, shifts.astype(np.float32)
        own.table_priors = [draw_prior(drawn.astype(np.float32), rng, self.n_threads) for drawn in vectors]

    def _squared_errors(self, side: SideName, other_weights: Float64Array | None) -> Float64Array:
        """Each row's sum of squares, its pairs weighted by weights of the other side."""
        own, other = self.sides[side], self.sides[OTHER[side]]
        problem = self._problem(side).weighted(np.ones(own.pairs.rows.n_rows), other_weights)
        errors = squared_errors(
            problem, other.factors, other.biases, own.factors, own.biases, n_threads=self.n_threads, cancel=self.cancel
        )
        self._hear()
        return errors

    def _draw_weights(self, side: SideName, errors: Float64Array) -> Float64Array:
        own, rng = self.sides[side], self._rng("weights", side)
        counts = own.pairs.rows.counts()
        weights = draw_weights(self.beta * errors, counts, own.freedom, rng)
        own.freedom = draw_freedom(weights[counts > 0], rng)
        own.weights = weights
        return weights

    def _problem(self, side: SideName) -> RowProblem:
        """The row problem of one side: a rating weighs as much as it is precise."""
        own, other = self.sides[side], self.sides[OTHER[side]]
        pairs, zeros = own.pairs, np.zeros(own.pairs.rows.n_rows)
        return RowProblem(
            rows=pairs.rows,
            ridges=zeros,
            bias_ridges=zeros,
            pull="target",
            targets=pairs.rows.values(),
            confidences=pairs.weights,
            row_scales=self.beta * (np.ones(pairs.rows.n_rows) if own.weights is None else own.weights),
            column_scales=other.weights,
        )

    def _hear(self) -> None:
        if self.cancel[0]:
            raise Interrupted

    def _stream(self, purpose: str, side: SideName) -> Stream:
        """The noise of one purpose in this sweep."""
        return Stream(self.seed, (self.n_sweeps * len(_PURPOSES) + _PURPOSES.index(purpose)) * 2 + SIDES.index(side))

    def _rng(self, purpose: str, side: SideName) -> np.random.Generator:
        return generator_of(self._stream(purpose, side))


def generator_of(stream: Stream) -> np.random.Generator:
    """A generator for what is drawn in one thread."""
    return np.random.Generator(np.random.Philox(key=np.array([stream.seed, stream.number], dtype=np.uint64)))


def started_chain(
    pairs: dict[SideName, ListedPairs],
    tables: dict[SideName, Sequence[SharedTable]],
    has_sets: dict[SideName, bool],
    n_factors: int,
    seed: int,
    n_threads: int,
    cancel: npt.NDArray[np.uint8],
    has_weights: bool = True,
) -> Chain:
    """A chain before its first sweep."""
    sides = {
        side: SampledSide.started(
            pairs[side], tables[side], has_sets[side], n_factors, generator_of(Stream(seed, SIDES.index(side)))
        )
        for side in SIDES
    }
    return Chain(sides, seed, n_threads, cancel, has_weights=has_weights)
