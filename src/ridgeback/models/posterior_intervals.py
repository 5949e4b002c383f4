"""Intervals of predicted ratings, from the samples of users and items."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from ridgeback.models import checks
from ridgeback.models.intervals import PredictionInterval, mixture_quantiles
from ridgeback.solvers.problem import Float32Array, Float64Array

if TYPE_CHECKING:
    from ridgeback.models.bayesian import BayesianALS

_BLOCK = 4096  # pairs whose samples are gathered at a time


def intervals_of_pairs(
    model: BayesianALS,
    user_rows: Callable[[slice], Float32Array],
    user_weights: Callable[[slice], Float32Array] | None,
    items: npt.NDArray[np.int32],
    means: Float64Array,
    is_new_user: npt.NDArray[np.bool_],
    level: float,
    shape: tuple[int, ...],
) -> PredictionInterval:
    """Intervals of pairs: rows of samples of their users, block by block, rows of their items, and scores."""
    level = checks.check_number("predict_interval", "level", level, is_open=True)
    if level >= 1:
        raise checks.fail("predict_interval", "level", "above 0 and below 1", level)
    samples = model._samples
    ends = np.empty((2, len(means)))
    for begin in range(0, len(means), _BLOCK):
        at = slice(begin, begin + _BLOCK)
        pairs = samples.pairs(
            user_rows(at),
            samples.items.rows[items[at]],
            None if user_weights is None else user_weights(at),
            None if samples.items.weights is None else samples.items.weights[items[at]],
            is_new_user[at],
            model._item_counts[items[at]] == 0,
        )
        centred = pairs.scores - pairs.scores.mean(axis=1, keepdims=True) + means[at, None]
        for end, share in enumerate(((1 - level) / 2, (1 + level) / 2)):
            ends[end, at] = mixture_quantiles(centred, pairs.deviations, share)
    parts = [model._on_data_scale(part.astype(np.float32), clip=True).reshape(shape) for part in (means, *ends)]
    mean, low, high = (float(part[()]) if part.ndim == 0 else part for part in parts)
    return PredictionInterval(mean, low, high, level)
