"""Fit a model with several numbers of factors and see where more of them stop helping."""

from __future__ import annotations

import dataclasses
import inspect
import time
from collections.abc import Callable, Iterable
from typing import Any, Literal

import numpy as np

from ridgeback.data import split
from ridgeback.data.fit_cost import DataSize, fit_cost
from ridgeback.data.given import as_interactions
from ridgeback.data.interactions import Interactions
from ridgeback.errors import ParameterError
from ridgeback.evaluation.bootstrap import FloatArray, Interval, Resampling, figures_of_users, resampled
from ridgeback.evaluation.factor_sweep import FactorSweep, SweepRow
from ridgeback.evaluation.judging import evaluate
from ridgeback.evaluation.report import Report
from ridgeback.metrics import names
from ridgeback.metrics.rating import mae, rmse
from ridgeback.models.factor_model import FactorModel
from ridgeback.models.implicit import ImplicitALS
from ridgeback.models.least_squares import LeastSquaresModel
from ridgeback.recommend.top_k import scores_of

_VALUE_METRICS = {"rmse": rmse, "mae": mae}
WARM_SCALE = 0.5  # init_scale of a warm start's fresh columns: `benchmarks/quality/warm_starts.py` prints what it wins
_MOST_PRODUCTS = 200_000_000  # pairs times factors; beyond, counting what can leave zero takes more than seconds


def sweep_factors(
    model: Any,
    train: Any,
    test: Any = None,
    n_factors: int | Iterable[int] = (8, 16, 32, 64),
    metric: str | None = None,
    test_fraction: float = 0.2,
    random_state: int = 0,
    on_row: Callable[[SweepRow], object] | None = None,
    on_start: Callable[[int, float], object] | None = None,
    level: float = 0.95,
    n_resamples: int = 1000,
    warm_start: bool | Literal["auto"] = "auto",
) -> FactorSweep:
    """Fit a model with each of several numbers of factors; judge each fit on what it was fitted to and on what was not.

    More factors always describe the training part better. On the held-out part they help until they begin to describe
    chance: that point is marked, and so is the smallest number that is as good as the best (the knee).

    Parameters
    ----------
    model : ExplicitALS, ImplicitALS or LogisticMF, the class or one with parameters
        A clone is fitted for each number of factors, every other parameter as given.
    train : Interactions, or CSR matrix whose rows are users
    test : Interactions, or CSR matrix, optional
        The held-out part. None: a random `test_fraction` of `train`.
    n_factors : int or several, default=(8, 16, 32, 64)
    metric : str, optional
        What is judged on the held-out part, such as ``"ndcg@10"`` or ``"rmse"``. None: rmse for ExplicitALS, ndcg@10
        for the others.
    test_fraction : float, default=0.2
    random_state : int, default=0
        Seeds the split, and the draws of users; the models have their own.
    on_row : callable, optional
        Called with each `SweepRow` when it is there.
    on_start : callable, optional
        Called with a number of factors and the seconds that its fit is expected to take, before it.
    level : float in (0, 1), default=0.95
        Of the intervals by bootstrap over users.
    n_resamples : int, default=1000
        Draws of users; 0: no intervals.
    warm_start : bool or "auto", default="auto"
        Start a fit from the one before, its factors padded with small random columns, and run half the iterations.
        "auto" does so for ImplicitALS and ExplicitALS where the fit before had factors to spare (its live rank is below
        its number of factors): there it reaches the loss of a cold start, and elsewhere it may not (`docs/factors.md`).
        True: for every fit but the first; False: never. The rows say which were warm.

    Returns
    -------
    FactorSweep
        ``.rows``, ``.best``, ``.knee``, ``.overfits_from``; prints as a table, ``.to_html(path)`` draws the curves.

    Raises
    ------
    ParameterError
        If the model has no factors, a number of factors is none, or the metric does not suit the model.
    DataError
        If nothing of the held-out part can be judged.

    Notes
    -----
    Time is that of all fits together; one model is in memory at a time. The training error is of the same kind as the
    held-out one where values are predicted; where lists are judged it is the final loss, or with "log_loss" the mean
    cross-entropy of the listed pairs.

    Examples
    --------
    >>> import ridgeback as rb
    >>> from ridgeback.data.synthetic import low_rank_ratings
    >>> ratings = low_rank_ratings(300, 200, n_factors=3, density=0.2, random_state=1)
    >>> model = rb.ExplicitALS(regularization=0.003, bias_regularization=0.003)
    >>> rb.sweep_factors(model, ratings, n_factors=(1, 2, 3, 12)).best.n_factors
    3
    """
    model = _unfitted(model)
    sizes = _sizes(n_factors)
    resampling = Resampling(level, n_resamples, random_state)
    if warm_start not in (True, False, "auto"):
        raise ParameterError(f"The 'warm_start' parameter must be True, False or 'auto'. Got {warm_start!r} instead.")
    metric = metric or type(model).default_metric
    name, _ = names.parse(metric)
    _check_metric(model, name, metric)
    train, test = as_interactions(train), None if test is None else as_interactions(test)
    if test is None:
        train, test = split.random(train, test_fraction=test_fraction, random_state=random_state)
    rows: list[SweepRow] = []
    draws: list[FloatArray | None] = []
    before: FactorModel | None = None
    for size in sizes:
        own = model.clone().set_params(n_factors=size)
        if before is not None and _starts_warm(warm_start, before):
            warm = {"init": before, "init_scale": WARM_SCALE, "n_iterations": -(-model.n_iterations // 2)}
            own.set_params(**warm)
        row, drawn = _row(own, train, test, metric, resampling, on_start)
        before = own
        rows.append(row)
        draws.append(drawn)
        if on_row is not None:
            on_row(row)
    default = inspect.signature(type(model)).parameters["n_factors"].default
    sweep = FactorSweep(
        model=repr(model.clone().set_params(n_factors=default)),
        metric=metric,
        train_metric=name if name in _VALUE_METRICS else "cross-entropy" if name == "log_loss" else "loss",
        rows=tuple(rows),
        n_train=train.nnz,
        n_test=test.nnz,
        default=default,
        level=level,
        n_startable=_n_startable(model, train, sizes[-1]),
    )
    return dataclasses.replace(sweep, differences=_differences(draws, rows.index(sweep.best), resampling))


def _starts_warm(warm_start: bool | str, before: FactorModel) -> bool:
    """Whether a fit starts from the one with fewer factors."""
    if warm_start != "auto":
        return bool(warm_start)
    has_spare = before.live_rank_ is not None and before.live_rank_ < before.n_factors
    return has_spare and isinstance(before, LeastSquaresModel) and not before.non_negative


def _row(
    model: FactorModel,
    train: Interactions,
    test: Interactions,
    metric: str,
    resampling: Resampling,
    on_start: Callable[[int, float], object] | None,
) -> tuple[SweepRow, FloatArray | None]:
    """Fit and judge one number of factors; the held-out value for each draw of users, where it is made of users."""
    name, k = names.parse(metric)
    forecast_s = fit_cost(model, DataSize.of(train)).seconds
    if on_start is not None:
        on_start(model.n_factors, forecast_s)
    started = time.perf_counter()
    model.fit(train)
    elapsed_s = time.perf_counter() - started
    report = evaluate(model, train, test, k=k or 10, baselines=False, n_resamples=0)
    if metric not in report.metrics:
        raise ParameterError(
            f"The 'metric' parameter {metric!r} cannot be measured here: the held-out part gives "
            f"{', '.join(report.metrics) or 'nothing'}. Use one of these, or data with ratings."
        )
    drawn = _drawn(report, metric, resampling)
    row = SweepRow(
        model.n_factors,
        _train_value(model, train, name),
        report.metrics[metric],
        elapsed_s,
        _factor_bytes(model),
        interval=None if drawn is None else resampling.interval(drawn),
        live_rank=model.live_rank_,
        forecast_s=forecast_s,
        is_warm=not isinstance(model.init, str),
    )
    return row, drawn


def _drawn(report: Report, metric: str, resampling: Resampling) -> FloatArray | None:
    """The metric for each draw of users; the same draws for every report on the same users."""
    figure = figures_of_users(report.by_user, report.pair_sums).get(metric)
    if figure is None or not resampling.n_resamples:
        return None
    return resampled({metric: figure}, resampling)[metric]


def _differences(draws: list[FloatArray | None], best: int, resampling: Resampling) -> tuple[Interval | None, ...]:
    """The interval of each row's value minus the best's; nothing where nothing was drawn."""
    of_best = draws[best]
    if of_best is None:
        return ()
    return tuple(None if drawn is None else resampling.interval(drawn - of_best) for drawn in draws)


def _n_startable(model: FactorModel, train: Interactions, most: int) -> int | None:
    """How many of `most` factors can leave zero, for a model that can say, where it takes seconds."""
    if not isinstance(model, ImplicitALS) or train.nnz * most > _MOST_PRODUCTS or model.regularization == 0:
        return None
    values = model.starting_values(train, n=most)
    return int(np.count_nonzero(values > 1))


def _unfitted(model: Any) -> FactorModel:
    """The model to clone: made of a class, or as given."""
    if inspect.isclass(model) and issubclass(model, FactorModel):
        model = model()
    if not isinstance(model, FactorModel):
        given = model.__name__ if inspect.isclass(model) else type(model).__name__
        raise ParameterError(
            "The 'model' parameter must be a model of factors: ExplicitALS, ImplicitALS or LogisticMF, the class or "
            f"one with parameters. Got {given} instead."
        )
    if not isinstance(model.init, str):
        raise ParameterError(
            "The 'init' parameter of the model must be a way of drawing the start, such as 'normal', since a given "
            "start has one number of factors. Leave init out for a sweep."
        )
    return model


def _sizes(n_factors: Any) -> list[int]:
    """The numbers of factors, ascending, each once."""
    is_several = isinstance(n_factors, Iterable) and not isinstance(n_factors, (str, bytes))
    sizes = list(n_factors) if is_several else [n_factors]
    for size in sizes:
        if isinstance(size, (bool, np.bool_)) or not isinstance(size, (int, np.integer)) or size < 1:
            raise ParameterError(
                "The 'n_factors' parameter must be whole numbers of at least 1, as in (8, 16, 32). "
                f"Got {size!r} {'among them' if is_several else 'instead'}."
            )
    if not sizes:
        raise ParameterError("The 'n_factors' parameter must hold at least one number of factors. Got none.")
    return sorted({int(size) for size in sizes})


def _check_metric(model: FactorModel, name: str, metric: str) -> None:
    suits = {"rmse": "rating", "mae": "rating", "log_loss": "probability"}.get(name)
    if suits is not None and suits != model.link:
        raise ParameterError(
            f"The 'metric' parameter must suit {type(model).__name__}, which predicts a {model.link}. Got {metric!r} "
            "instead; use a ranking metric such as 'ndcg@10'."
        )


def _train_value(model: FactorModel, train: Interactions, name: str) -> float:
    """How well the training part is described: by the metric itself where it judges values, else by the fit's loss."""
    last = model.history_[-1]
    if name == "log_loss":
        return float(last["cross_entropy"])
    if name not in _VALUE_METRICS:
        return float(last["loss"])
    counts = np.ones(train.nnz, dtype=bool) if train.weights is None else train.weights > 0
    pairs = train.user_items
    users, items = pairs.row_of_entry()[counts], pairs.indices[counts]
    scoring = model._scoring(model.user_factors_, model.user_biases_)
    scores = scores_of(scoring, users, items, n_threads=model._thread_count())
    return _VALUE_METRICS[name](pairs.values()[counts], model._on_data_scale(scores, clip=True))


def _factor_bytes(model: FactorModel) -> int:
    arrays = (model.user_factors_, model.item_factors_, model.user_biases_, model.item_biases_)
    return sum(array.nbytes for array in arrays if array is not None)
