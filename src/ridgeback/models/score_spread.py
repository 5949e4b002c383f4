"""How far apart a model's scores and cosines lie: the unit of the popularity correction."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ridgeback.recommend.popularity import sampled, spread_within
from ridgeback.recommend.scoring import Scoring
from ridgeback.recommend.top_k import inverse_norms, scores_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from ridgeback.models.scorer import Scorer


def score_spread(model: Scorer) -> float:
    """Standard deviation within a user: of the scores of at most 1,000 users with a history for 1,000 items."""
    return _kept(model, "_kept_score_spread", _spread_of_scores)


def cosine_spread(model: Scorer) -> float:
    """Standard deviation within an item: of the cosines of at most 1,000 items with each other."""
    return _kept(model, "_kept_cosine_spread", _spread_of_cosines)


def forget_spreads(model: Scorer) -> None:
    """Forget what was measured, since factors change in place during a fit."""
    for name in ("_kept_score_spread", "_kept_cosine_spread"):
        model.__dict__.pop(name, None)


def _kept(model: Scorer, name: str, spread: Callable[[Scorer], float]) -> float:
    """A spread, measured anew when fit, partial_fit or forget replaced an array."""
    arrays = (model.user_factors_, model.item_factors_, model._item_counts)
    kept = model.__dict__.get(name)
    if kept is None or any(one is not other for one, other in zip(kept[0], arrays, strict=True)):
        kept = model.__dict__[name] = (arrays, spread(model))
    return float(kept[1])


def _spread_of_scores(model: Scorer) -> float:
    users, items = (sampled(np.flatnonzero(counts > 0)) for counts in (model._user_counts, model._item_counts))
    scores = model._scores(np.repeat(users, len(items)), np.tile(items, len(users)))
    return spread_within(scores.reshape(len(users), len(items)))


def _spread_of_cosines(model: Scorer) -> float:
    items = model.item_factors_[sampled(np.flatnonzero(model._item_counts > 0))]
    scales = inverse_norms(items)
    ways = (items * scales[:, None])[scales > 0]
    n = len(ways)
    places = np.arange(n, dtype=np.int32)
    pairs = np.repeat(places, n), np.tile(places, n)
    cosines = scores_of(Scoring(ways, ways), *pairs, n_threads=model._thread_count())
    return spread_within(cosines.reshape(n, n)[~np.eye(n, dtype=bool)].reshape(n, max(n - 1, 0)))
