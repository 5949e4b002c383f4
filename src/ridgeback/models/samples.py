"""The kept samples of a chain: what intervals and new rows are drawn from."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from ridgeback.models.alternation import SideName
from ridgeback.models.gibbs import Chain
from ridgeback.solvers.posterior import RowPrior
from ridgeback.solvers.problem import Float32Array, Float64Array


@dataclass
class SideSamples:
    """One side of every kept sample.

    Attributes
    ----------
    rows : float32 array, shape (n_rows, n_samples * size)
        ``[factors, bias]`` of each row, sample after sample.
    vectors : float32 array, shape (n_vectors, n_samples * size), or None
        The vectors of the side's sets: those of a user's set belong to the items. None: no sets.
    means : float64 array, shape (n_samples, size)
    precisions : float64 array, shape (n_samples, size * size)
        The normal prior of the side's own rows.
    weights : float32 array, shape (n_rows, n_samples), or None
        How precise each row's ratings are. None: all alike.
    """

    rows: Float32Array
    vectors: Float32Array | None
    means: Float64Array
    precisions: Float64Array
    weights: Float32Array | None

    def first(self, n: int, size: int) -> SideSamples:
        """Views of the first n samples."""
        vectors = None if self.vectors is None else self.vectors[:, : n * size]
        weights = None if self.weights is None else self.weights[:, :n]
        return SideSamples(self.rows[:, : n * size], vectors, self.means[:n], self.precisions[:n], weights)


@dataclass(frozen=True)
class PairSamples:
    """What every sample says of some pairs, in units of the ratings.

    Attributes
    ----------
    scores : float64 array, shape (n, n_samples)
        Less the model's mean.
    deviations : float64 array, shape (n, n_samples)
        The standard deviation of a rating around its score.
    """

    scores: Float64Array
    deviations: Float64Array


@dataclass
class Samples:
    """Kept samples, in units of the ratings' standard deviation.

    Attributes
    ----------
    users, items : SideSamples
    noise_precisions : float64 array, shape (n_samples,)
    scale : float
        The standard deviation of the training ratings: what one unit is.
    seed : int
        Of the noise that new rows are drawn with.
    size : int
        n_factors + 1.
    """

    users: SideSamples
    items: SideSamples
    noise_precisions: Float64Array
    scale: float
    seed: int
    size: int

    @classmethod
    def empty(cls, chain: Chain, n_samples: int, scale: float) -> Samples:
        """Room for so many samples of a chain."""
        size = chain.sides["users"].factors.shape[1] + 1
        sides = {}
        for name, side in chain.sides.items():
            n_vectors = side.vectors[0].shape[0] if side.has_sets else None
            sides[name] = SideSamples(
                np.zeros((len(side.factors), n_samples * size), dtype=np.float32),
                None if n_vectors is None else np.zeros((n_vectors, n_samples * size), dtype=np.float32),
                np.zeros((n_samples, size)),
                np.zeros((n_samples, size * size)),
                np.ones((len(side.factors), n_samples), dtype=np.float32) if chain.has_weights else None,
            )
        return cls(sides["users"], sides["items"], np.zeros(n_samples), scale, chain.seed, size)

    @property
    def n_samples(self) -> int:
        """How many there are."""
        return len(self.noise_precisions)

    def keep(self, place: int, chain: Chain) -> None:
        """Copy what the chain drew last."""
        at = self.columns(place)
        for name in ("users", "items"):
            side, kept = chain.sides[name], self.side(name)
            kept.rows[:, at] = np.column_stack([side.factors, side.biases])
            if kept.vectors is not None:
                kept.vectors[:, at] = side.vectors[0]
            if kept.weights is not None and side.weights is not None:
                kept.weights[:, place] = side.weights
            kept.means[place], kept.precisions[place] = side.prior.mean, side.prior.precision.ravel()
        self.noise_precisions[place] = chain.beta

    def first(self, n: int) -> Samples:
        """Views of the first n samples."""
        users, items = (side.first(n, self.size) for side in (self.users, self.items))
        return Samples(users, items, self.noise_precisions[:n], self.scale, self.seed, self.size)

    def without_user(self, row: int) -> Samples:
        """Copies without a user: neither rows nor what the sets of items hold of them."""

        def dropped(array: Float32Array | None) -> Float32Array | None:
            return None if array is None else np.delete(array, row, axis=0)

        users = replace(self.users, rows=np.delete(self.users.rows, row, axis=0), weights=dropped(self.users.weights))
        return replace(self, users=users, items=replace(self.items, vectors=dropped(self.items.vectors)))

    def side(self, name: SideName) -> SideSamples:
        """Users or items."""
        return self.users if name == "users" else self.items

    def columns(self, place: int) -> slice:
        """The columns of one sample."""
        return slice(place * self.size, (place + 1) * self.size)

    def prior(self, name: SideName, place: int, shifts: Float32Array | None) -> RowPrior:
        """The prior of rows of one side in one sample."""
        side = self.side(name)
        return RowPrior(side.means[place], side.precisions[place].reshape(self.size, self.size), shifts)

    def pairs(
        self,
        user_rows: Float32Array,
        item_rows: Float32Array,
        user_weights: Float32Array | None,
        item_weights: Float32Array | None,
        is_new_user: npt.NDArray[np.bool_],
        is_new_item: npt.NDArray[np.bool_],
    ) -> PairSamples:
        """Scores and noise of pairs of rows in every sample.

        Parameters
        ----------
        user_rows, item_rows : float32 arrays, shape (n, n_samples * size)
        user_weights, item_weights : float32 arrays, shape (n, n_samples), or None
        is_new_user, is_new_item : bool arrays, shape (n,)
            Of whom nothing is known: their row is 0, and the spread of their prior belongs to the noise.
        """
        x, y = self._by_sample(user_rows), self._by_sample(item_rows)
        scores = np.einsum("psf,psf->ps", x[:, :, :-1], y[:, :, :-1]) + x[:, :, -1] + y[:, :, -1]
        variances = np.broadcast_to(1 / self.noise_precisions, scores.shape).copy()
        for weights in (user_weights, item_weights):
            if weights is not None:
                variances /= weights
        for side, known, is_new in ((self.users, y, is_new_user), (self.items, x, is_new_item)):
            if is_new.any():
                variances[is_new] += self._prior_variances(side, known[is_new])
        return PairSamples(self.scale * scores, self.scale * np.sqrt(variances))

    def _by_sample(self, rows: Float32Array) -> Float64Array:
        return rows.reshape(len(rows), self.n_samples, self.size).astype(np.float64)

    def _prior_variances(self, side: SideSamples, known: Float64Array) -> Float64Array:
        """Variance of ``[x, b] . [y, 1]`` for a row drawn from the prior of a side, y being known, (n, n_samples)."""
        columns = known.copy()
        columns[:, :, -1] = 1
        inverses = np.linalg.inv(side.precisions.reshape(-1, self.size, self.size))
        return np.asarray(np.einsum("psf,sfg,psg->ps", columns, inverses, columns, optimize=True))
