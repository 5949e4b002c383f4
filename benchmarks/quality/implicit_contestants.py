"""Who is in the implicit table: what each may be tuned over, where its search begins, and its fit.

The tuning process reads the spaces; the fits run in a process of the library's own environment, so every library is
imported inside its function.

Counts may be transformed, for all who listen to them: left out (``binary``), their logarithm (``log``), as they are
(``raw``), each divided by its mean. implicit has one more of its own, BM25.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

MOST_FACTORS = 128
SEED = 0


@dataclass(frozen=True)
class Matrix:
    """Who has what, by user; values are counts, or all 1."""

    indptr: np.ndarray
    indices: np.ndarray
    values: np.ndarray
    shape: tuple[int, int]

    @property
    def has_counts(self) -> bool:
        return bool((self.values != 1).any())

    def transformed(self, how: str) -> Matrix:
        """The values transformed, of mean 1."""
        values = {"binary": np.ones_like, "log": np.log1p, "raw": np.copy}[how](self.values)
        return replace(self, values=(values / values.mean()).astype(np.float32))

    def scipy(self) -> Any:
        """As SciPy's CSR matrix."""
        import scipy.sparse

        arrays = (self.values, self.indices.astype(np.int32), self.indptr.astype(np.int32))
        return scipy.sparse.csr_matrix(arrays, shape=self.shape)

    def interactions(self) -> Any:
        """As Ridgeback's data, values left out where all are 1."""
        import ridgeback as rb

        values = self.values if self.has_counts else None
        return rb.Interactions.from_csr(rb.Csr(self.indptr, self.indices, values, self.shape))

    def best_unseen(self, scores: Callable[[np.ndarray], np.ndarray], users: np.ndarray, k: int) -> np.ndarray:
        """Each user's k items of the highest scores that somebody has and the user has not, shape (len(users), k)."""
        is_unknown = np.bincount(self.indices, minlength=self.shape[1]) == 0
        size = max(1, (1 << 23) // self.shape[1])
        found = [np.empty((0, k), dtype=np.int64)]
        for begin in range(0, len(users), size):
            block = users[begin : begin + size]
            own = np.array(scores(block), dtype=np.float32)
            own[:, is_unknown] = -np.inf
            for place, user in enumerate(block):
                own[place, self.indices[self.indptr[user] : self.indptr[user + 1]]] = -np.inf
            top = np.argpartition(-own, k - 1, axis=1)[:, :k]
            order = np.argsort(-np.take_along_axis(own, top, axis=1), axis=1, kind="stable")
            found.append(np.take_along_axis(top, order, axis=1))
        return np.concatenate(found)


@dataclass(frozen=True)
class Fit:
    """A finished fit: how long it took, and the k best items of users (rows) that they do not have, best first."""

    seconds: float
    cpu_seconds: float
    lists: Callable[[np.ndarray, int], np.ndarray]


@dataclass(frozen=True)
class Range:
    """From where to where a parameter is tuned."""

    low: float
    high: float
    is_log: bool = True

    def suggest(self, trial: Any, name: str) -> Any:
        """A value; whole numbers where both ends are."""
        whole = isinstance(self.low, int) and isinstance(self.high, int)
        return (trial.suggest_int if whole else trial.suggest_float)(name, self.low, self.high, log=self.is_log)

    def __str__(self) -> str:
        return f"{self.low:g} - {self.high:g}"


Space = dict[str, "Range | tuple[str, ...]"]


@dataclass(frozen=True)
class Contestant:
    """A model with its space and the first point of its search.

    Attributes
    ----------
    library : str
    fit : callable of (Matrix, parameters, n_threads), returning Fit
    space : dict
        Nothing in it: nothing to tune.
    first : dict
        Where the search begins: the library's own defaults, or the published ones where it has none.
    transforms : tuple of str
        Choices of ``counts`` on data that has counts; () for who knows only 0 and 1.
    """

    library: str
    fit: Callable[[Matrix, dict[str, Any], int], Fit]
    space: Space
    first: dict[str, Any]
    transforms: tuple[str, ...] = ()

    def space_on(self, has_counts: bool) -> Space:
        """The space on data with or without counts."""
        choices = self.transforms if has_counts else ()
        return self.space | ({"counts": choices} if choices else {})

    def suggest(self, trial: Any, has_counts: bool) -> dict[str, Any]:
        """Parameters of one trial."""
        return {
            name: values.suggest(trial, name)
            if isinstance(values, Range)
            else trial.suggest_categorical(name, list(values))
            for name, values in self.space_on(has_counts).items()
        }


def timed(fit: Callable[[], Any]) -> tuple[Any, float, float]:
    """What a call returns, its seconds, and those of the processor."""
    began, cpu_began = time.perf_counter(), time.process_time()
    found = fit()
    return found, time.perf_counter() - began, time.process_time() - cpu_began


def _scored(matrix: Matrix, seconds: list[float], scores: Callable[[np.ndarray], np.ndarray]) -> Fit:
    """A fit whose lists are made of scores for all items."""
    return Fit(*seconds, lambda users, k: matrix.best_unseen(scores, users, k))


def fit_popularity(matrix: Matrix, parameters: dict[str, Any], n_threads: int) -> Fit:
    """How many users have each item."""
    counts, *seconds = timed(lambda: np.bincount(matrix.indices, minlength=matrix.shape[1]).astype(np.float32))
    return _scored(matrix, seconds, lambda users: np.tile(counts, (len(users), 1)))


def _fit_item_model(model: Any, matrix: Matrix) -> Fit:
    data = matrix.interactions()
    model, *seconds = timed(lambda: model.fit(data))
    return _scored(matrix, seconds, lambda users: model._scores_of(data.user_items.take(users), np.arange(len(users))))


def fit_knn(matrix: Matrix, parameters: dict[str, Any], n_threads: int) -> Fit:
    """Cosine neighbours of items."""
    from ridgeback.evaluation.item_models import ItemKnn

    return _fit_item_model(ItemKnn(parameters["n_neighbors"], parameters["shrinkage"]), matrix)


def fit_ease(matrix: Matrix, parameters: dict[str, Any], n_threads: int) -> Fit:
    """EASE."""
    from ridgeback.evaluation.item_models import Ease

    return _fit_item_model(Ease(parameters["regularization"]), matrix)


def fit_implicit(matrix: Matrix, parameters: dict[str, Any], n_threads: int) -> Fit:
    """implicit's ALS, which takes the confidences: 1 + alpha r."""
    from implicit.cpu.als import AlternatingLeastSquares
    from implicit.nearest_neighbours import bm25_weight

    how = parameters.get("counts", "binary")
    if how == "bm25":
        weighted = bm25_weight(matrix.scipy().T).T.tocsr()
        weighted.data = np.maximum(weighted.data / weighted.data.mean(), 1e-6).astype(np.float32)
    else:
        weighted = matrix.transformed(how).scipy()
    weighted.data = 1 + np.float32(parameters["alpha"]) * weighted.data
    model = AlternatingLeastSquares(
        factors=parameters["n_factors"],
        regularization=parameters["regularization"],
        alpha=1.0,
        iterations=parameters["n_iterations"],
        num_threads=n_threads,
        random_state=SEED,
    )
    _, *seconds = timed(lambda: model.fit(weighted, show_progress=False))
    return _scored(matrix, seconds, lambda users: model.user_factors[users] @ model.item_factors.T)


def fit_irspack(matrix: Matrix, parameters: dict[str, Any], n_threads: int) -> Fit:
    """irspack's iALS++; `reg` means the same at any `nu` (nu_star 1)."""
    from irspack.recommenders.ials import IALSRecommender

    weighted = matrix.transformed(parameters.get("counts", "binary")).scipy()
    recommender = IALSRecommender(
        weighted,
        n_components=parameters["n_factors"],
        alpha0=parameters["alpha0"],
        reg=parameters["reg"],
        nu=parameters["nu"],
        nu_star=1.0,
        solver_type="IALSPP",
        train_epochs=parameters["n_iterations"],
        n_threads=n_threads,
        random_seed=SEED,
    )
    _, *seconds = timed(recommender.learn)
    users, items = recommender.get_user_embedding(), recommender.get_item_embedding()
    return _scored(matrix, seconds, lambda rows: users[rows] @ items.T)


def fit_ridgeback(matrix: Matrix, parameters: dict[str, Any], n_threads: int) -> Fit:
    """ImplicitALS; `edge` and `density_multiple` are those of settings.py, 1.8 and .7 being the defaults."""
    from settings import Setting

    import ridgeback as rb

    names = ("edge", "density_multiple", "frequency_exponent", "user_exponent", "item_exponent", "n_factors")
    how = parameters.get("counts", "binary")
    data = matrix.transformed(how).interactions()
    model = rb.ImplicitALS(
        **Setting(**{name: parameters[name] for name in names}).parameters(data),
        alpha=None if how == "binary" else 1.0,
        n_iterations=parameters["n_iterations"],
        n_neighbors=200 if "neighbor_weight" in parameters else 0,
        neighbor_weight=parameters.get("neighbor_weight"),
        n_threads=n_threads,
        random_state=SEED,
    )
    _, *seconds = timed(lambda: model.fit(data))

    def lists(users: np.ndarray, k: int) -> np.ndarray:
        items, counts = [], []
        for block in model.recommend_all(k=k):
            items.append(block.items)
            counts.append(block.counts)
        ends = np.cumsum(np.concatenate(counts))
        return np.concatenate(items)[(ends - k)[users, None] + np.arange(k)]

    return Fit(*seconds, lists)


_FACTORS = Range(32, MOST_FACTORS)
_COUNTS = ("binary", "log", "raw")
_OURS: Space = {
    "n_factors": _FACTORS,
    "edge": Range(0.8, 3.5),
    "density_multiple": Range(0.08, 4.0),
    "frequency_exponent": Range(0.0, 1.0, is_log=False),
    "user_exponent": Range(0.0, 0.6, is_log=False),
    "item_exponent": Range(0.0, 0.6, is_log=False),
    "n_iterations": Range(4, 24),
}
_OUR_FIRST: dict[str, Any] = {
    "n_factors": 64,
    "edge": 1.8,
    "density_multiple": 0.7,
    "frequency_exponent": 0.5,
    "user_exponent": 0.45,
    "item_exponent": 0.15,
    "n_iterations": 16,
}

CONTESTANTS = {
    "Ridgeback": Contestant("ridgeback", fit_ridgeback, _OURS, _OUR_FIRST, _COUNTS),
    "Ridgeback, with neighbours": Contestant(
        "ridgeback",
        fit_ridgeback,
        _OURS | {"neighbor_weight": Range(0.05, 2.0)},
        _OUR_FIRST | {"neighbor_weight": 0.2},
        _COUNTS,
    ),
    "implicit, ALS": Contestant(
        "implicit",
        fit_implicit,
        {
            "n_factors": _FACTORS,
            "regularization": Range(0.01, 2000.0),
            "alpha": Range(0.5, 200.0),
            "n_iterations": Range(4, 24),
        },
        {"n_factors": 100, "regularization": 0.01, "alpha": 40.0, "n_iterations": 15},
        (*_COUNTS, "bm25"),
    ),
    "irspack, iALS++": Contestant(
        "irspack",
        fit_irspack,
        {
            "n_factors": _FACTORS,
            "alpha0": Range(0.003, 1.0),
            "reg": Range(1e-4, 0.1),
            "nu": Range(0.0, 1.0, is_log=False),
            "n_iterations": Range(4, 24),
        },
        {"n_factors": 64, "alpha0": 0.1, "reg": 0.003, "nu": 1.0, "n_iterations": 16},
        _COUNTS,
    ),
    "EASE": Contestant("ridgeback", fit_ease, {"regularization": Range(1.0, 10_000.0)}, {"regularization": 300.0}),
    "item k-NN": Contestant(
        "ridgeback",
        fit_knn,
        {"n_neighbors": Range(10, 500), "shrinkage": Range(0.1, 1000.0)},
        {"n_neighbors": 100, "shrinkage": 10.0},
    ),
    "popularity": Contestant("ridgeback", fit_popularity, {}, {}),
}
