"""New users and items of a BayesianALS: their rows drawn against each kept sample, and these draws as one vector.

A draw u_s of a new user belongs to the item factors V_s of its sample. What is served is one vector for the model's own
item factors Y: with ``V_s = Y T_s`` in the least-squares sense is ``mean_s V_s u_s = Y (mean_s T_s u_s)``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from ridgeback.data.interactions import Interactions
from ridgeback.errors import DataError, UnsupportedError
from ridgeback.models.alternation import OTHER, SideName
from ridgeback.models.folding import FoldedItem, FoldedUser
from ridgeback.models.histories import Histories, histories_of, histories_of_table, taken_apart
from ridgeback.models.intervals import PredictionInterval
from ridgeback.models.posterior_intervals import intervals_of_pairs
from ridgeback.models.training import ListedPairs
from ridgeback.recommend.id_rows import rows_of
from ridgeback.solvers.matrices import gram, one_blas_thread
from ridgeback.solvers.posterior import Stream
from ridgeback.solvers.posterior_native import draw_rows
from ridgeback.solvers.problem import Float32Array, Float64Array, RowProblem
from ridgeback.solvers.shared_vectors import SharedTable

if TYPE_CHECKING:
    from ridgeback.models.bayesian import BayesianALS

_FIRST_STREAM = 1 << 62  # far behind those of any sweep
_SMALLEST = 1e-7  # of the largest eigenvalue of a Gramian of float32 factors


def fold_in(model: BayesianALS, items: Any, ratings: Any, weights: Any) -> SampledUser:
    """One new user; see `BayesianALS.fold_in`."""
    return _folded_users(model, histories_of(model, [(items, ratings, weights)], "items"))[0]


def fold_in_many(model: BayesianALS, histories: Any) -> list[SampledUser]:
    """Many new users; see `BayesianALS.fold_in_many`."""
    if isinstance(histories, Interactions):
        return _folded_users(model, histories_of_table(model, histories))
    if isinstance(histories, (str, bytes, dict)) or not hasattr(histories, "__iter__"):
        raise DataError(
            f"histories must be Interactions or a sequence of histories; got {type(histories).__name__}. "
            "For one user call fold_in."
        )
    return _folded_users(model, histories_of(model, [taken_apart(history) for history in histories], "items"))


def fold_in_item(model: BayesianALS, users: Any, ratings: Any, weights: Any) -> FoldedItem:
    """One new item; see `BayesianALS.fold_in_item`."""
    histories = histories_of(model, [(users, ratings, weights)], "users")
    rows = draw_new_rows(model, "items", histories.pairs)
    factors, biases = _served(model, "items", rows)
    return FoldedItem(model, factors[0], float(biases[0]), histories.unknown[0])


def draw_new_rows(model: BayesianALS, side: SideName, pairs: ListedPairs) -> Float32Array:
    """``[factors, bias]`` of new rows in every sample, shape (n, n_samples * size); without pairs 0."""
    samples = model._samples
    other, size = samples.side(OTHER[side]), samples.size
    own_vectors = samples.side(side).vectors
    n = pairs.rows.n_rows
    problem = RowProblem(
        rows=pairs.rows,
        ridges=np.zeros(n),
        bias_ridges=np.zeros(n),
        pull="target",
        targets=((pairs.rows.values() - model.mean_) / samples.scale).astype(np.float32),
        confidences=None if pairs.weights is None else pairs.weights / np.float32(model._weight_scale),
    )
    sets = None if own_vectors is None else SharedTable.of_sets(pairs.rows, pairs.rows)
    rows = np.zeros((n, samples.n_samples * size), dtype=np.float32)
    for place in range(samples.n_samples):
        at = samples.columns(place)
        fixed, shifts = other.rows[:, at], None
        if sets is not None and own_vectors is not None:
            vectors = own_vectors[:, at].astype(np.float64)
            shifts = sets.shifts(vectors, model._thread_count()).astype(np.float32)
        factors, biases = np.zeros((n, size - 1), dtype=np.float32), np.zeros(n, dtype=np.float32)
        column_scales = None if other.weights is None else other.weights[:, place].astype(np.float64)
        draw_rows(
            problem.weighted(np.full(n, samples.noise_precisions[place]), column_scales),
            np.ascontiguousarray(fixed[:, :-1]),
            np.ascontiguousarray(fixed[:, -1]),
            factors,
            biases,
            samples.prior(side, place, shifts),
            Stream(samples.seed, _FIRST_STREAM + 2 * place + (side == "items"), is_shared=True),
            n_threads=model._thread_count(),
        )
        rows[:, at] = np.column_stack([factors, biases])
    return rows


def _served(model: BayesianALS, side: SideName, rows: Float32Array) -> tuple[Float32Array, Float32Array]:
    """Factors for the model's own factors of the other side, and biases, from rows in every sample."""
    samples = model._samples
    by_sample = rows.reshape(len(rows), samples.n_samples, samples.size).astype(np.float64)
    own = np.ascontiguousarray(by_sample[:, :, :-1]).reshape(len(rows), -1)
    maps = _maps(model, OTHER[side])
    with one_blas_thread():
        factors = own @ maps.T / samples.n_samples
    biases = samples.scale * by_sample[:, :, -1].mean(axis=1)
    return factors.astype(np.float32), biases.astype(np.float32)


def _maps(model: BayesianALS, fixed: SideName) -> Float64Array:
    """``[T_1 ... T_S]`` with ``V_s scale = Y T_s`` for the fixed side, shape (width, n_samples * k); kept."""
    served = model.user_factors_ if fixed == "users" else model.item_factors_
    kept = model.__dict__.get("_kept_maps", {}).get(fixed)
    if kept is not None and kept[0] is served:
        return np.asarray(kept[1])
    samples = model._samples
    by_sample = samples.side(fixed).rows.reshape(len(served), samples.n_samples, samples.size)[:, :, :-1]
    with one_blas_thread():
        values, vectors = np.linalg.eigh(gram(served, n_threads=model._thread_count()))
        is_kept = values > _SMALLEST * max(values[-1], 1e-300)
        projection = (vectors[:, is_kept] / values[is_kept]) @ vectors[:, is_kept].T
        products = served.T @ np.ascontiguousarray(by_sample).reshape(len(served), -1)
        maps: Float64Array = samples.scale * (projection @ products.astype(np.float64))
    model.__dict__["_kept_maps"] = {**model.__dict__.get("_kept_maps", {}), fixed: (served, maps)}
    return maps


def _folded_users(model: BayesianALS, histories: Histories) -> list[SampledUser]:
    pairs = histories.pairs
    rows = draw_new_rows(model, "users", pairs)
    factors, biases = _served(model, "users", rows)
    is_empty = (pairs.rows.counts() == 0).tolist()
    return [
        SampledUser(
            model,
            factors[row],
            float(biases[row]),
            histories.unknown[row],
            model._fallback() if is_empty[row] else None,
            pairs.take(np.array([row], dtype=np.int64)),
            rows[row],
        )
        for row in range(len(histories.unknown))
    ]


class SampledUser(FoldedUser):
    """A new user, drawn against every kept sample: factors, and what the model says to them.

    Attributes
    ----------
    factors : float32 array, shape (width,)
        For the model's ``item_factors_``.
    samples : float32 array, shape (n_samples * (n_factors + 1),)
        The draws, ``[factors, bias]`` sample after sample.
    """

    def __init__(
        self,
        model: BayesianALS,
        factors: Float32Array,
        bias: float,
        unknown_items: list[Any],
        fallback: str | None,
        history: ListedPairs,
        samples: Float32Array,
    ) -> None:
        super().__init__(model, factors, bias, unknown_items, fallback, history)
        self._sampled = model
        self.samples = samples

    def predict_interval(self, item: Any, level: float = 0.9) -> PredictionInterval:
        """Between what this user's rating of an item lies, as `BayesianALS.predict_interval`."""
        rows = rows_of(self._sampled.item_ids_, item, "item")
        means = np.asarray(self.score(item), dtype=np.float64)

        def own(at: slice) -> Float32Array:
            return np.broadcast_to(self.samples, (len(range(rows.size)[at]), len(self.samples)))

        is_new = np.full(rows.size, self.fallback is not None)
        return intervals_of_pairs(self._sampled, own, None, rows.ravel(), means.ravel(), is_new, level, rows.shape)

    def explain(self, item: Any) -> NoReturn:
        """Refused: a posterior mean is no sum over one history."""
        self._sampled.explain(None, item)

    def trace(self) -> NoReturn:
        """Refused: a row of samples has no single system."""
        raise UnsupportedError(
            "BayesianALS has no trace of a new user: the row was drawn once a sample, from as many systems. "
            "Use ExplicitALS."
        )
