"""One model judged on all cases, block by block of users."""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray

from ridgeback.data.interactions import Interactions
from ridgeback.errors import DataError
from ridgeback.evaluation.askers import AskerSource, FoldedAskers, TrainedAskers
from ridgeback.evaluation.bootstrap import Resampling, figures_of_users, resampled
from ridgeback.evaluation.cases import CandidateLists, Cases, IdPairs
from ridgeback.evaluation.item_models import ItemModel, users_a_block
from ridgeback.evaluation.ranking import RankingJudge
from ridgeback.evaluation.rating import RatingJudge
from ridgeback.metrics.calibration import calibration_error
from ridgeback.models.calibrating import held_out_of, scored_pairs
from ridgeback.models.recommender import Recommender
from ridgeback.recommend.reranking import OFF, Reranking
from ridgeback.recommend.top_k import inverse_norms

FloatArray = NDArray[np.float64]

_USERS_A_BLOCK = 4096


class Judged:
    """One model judged on all cases: metrics, and metrics by judged user.

    Parameters
    ----------
    model : Recommender
        Fitted.
    kind : "rating" or "probability" or None
        Which values are judged beside the lists.
    directions : ndarray of float32, shape (n_items, n_factors), or None
        How alike items are.
    reranking : Reranking
        How lists are ordered.
    """

    def __init__(
        self,
        model: Recommender,
        train: Interactions,
        test: Interactions,
        history: Interactions | None,
        cases: Cases,
        lengths: tuple[int, ...],
        candidates: CandidateLists | None,
        kind: str | None,
        directions: NDArray[np.float32] | None = None,
        reranking: Reranking = OFF,
    ) -> None:
        _check_finite(model)
        ranking = RankingJudge(model, test, cases, lengths, candidates, reranking, directions)
        rating = RatingJudge(model, test, kind == "probability") if _predicts(model, kind) else None
        asked = np.flatnonzero(test.user_items.counts() > 0)
        if rating is None:
            asked = asked[cases.is_judged[asked]]
        source = _askers(model, train, history, test)
        size = _USERS_A_BLOCK
        if isinstance(model, ItemModel):
            size = min(size, users_a_block(len(model.item_ids_)))
        for begin in range(0, len(asked), size):
            users = asked[begin : begin + size]
            askers = source.take(users)
            if rating is not None:
                rating.add(users, askers)
            is_judged = cases.is_judged[users]
            if is_judged.any():
                ranking.add(users[is_judged], askers.chosen(is_judged))
        self.metrics = ranking.metrics() if cases.is_judged.any() else {}
        self.by_user = ranking.by_user()
        self.activity = ranking.activity()
        self.items = ranking.items() if rating is None else rating.add_to(ranking.items())
        self.pair_sums = None if rating is None else rating.user_sums()
        self.n_unreachable, self.n_short = ranking.n_unreachable, ranking.n_short
        self.is_sampled = candidates is not None
        self.n_calibration_pairs = 0
        self.n_unknown_items = 0 if rating is None else rating.n_unknown_items
        if rating is not None:
            self.metrics |= rating.metrics()
            self.by_user |= rating.by_user(np.flatnonzero(cases.is_judged))

    def resampled(self, resampling: Resampling) -> dict[str, FloatArray]:
        """Every figure that is made of users, for each draw of them."""
        if not resampling.n_resamples:
            return {}
        return resampled(figures_of_users(self.by_user, self.pair_sums), resampling)

    def add_calibration(self, model: Recommender, test: Interactions, threshold: float | None) -> None:
        """Judge probabilities over all items that could be recommended, where no observed no is there to judge by."""
        has_probabilities = model.link == "probability" or model.calibration_ is not None
        if has_probabilities and model._seen is not None and "calibration_error" not in self.metrics:
            pairs = scored_pairs(model, held_out_of(model, test, "test", threshold), "auto", 0)
            if len(pairs.scores):
                chances = model._probabilities(pairs.scores)
                error = calibration_error(pairs.is_yes, chances, pairs.weights, equal="yeses")
                self.metrics["calibration_error"] = error
                self.n_calibration_pairs = round(float(pairs.weights.sum()))


def directions_of(model: Recommender) -> NDArray[np.float32] | None:
    """The model's items as vectors of length 1 or 0: how alike two of any list are; None without factors."""
    _check_finite(model)
    factors = model.item_factors_
    return factors * inverse_norms(factors, n_threads=model._thread_count())[:, None] if factors.shape[1] else None


def fingerprint_of(directions: NDArray[np.float32]) -> str:
    """What tells one model's measure of alikeness from another's: SHA-256 in hexadecimal."""
    return hashlib.sha256(np.ascontiguousarray(directions).data).hexdigest()


def renamed(directions: NDArray[np.float32], model: Recommender, other: Recommender) -> NDArray[np.float32]:
    """The same in the rows of another model; zeros for items that the first does not know."""
    rows = model.item_ids_.match(other.item_ids_)
    return np.where((rows >= 0)[:, None], directions[rows], np.float32(0))


def counting(data: Interactions, model: Recommender) -> Interactions:
    """Leave out zeros where they mean no interaction."""
    values = data.user_items.data
    if model.family != "implicit" or values is None or (values > 0).all():
        return data
    return data.subset(values > 0)


def seen_pairs(model: Recommender, train: Interactions, history: Interactions | None) -> IdPairs:
    """What is not recommended again: the history given, the model's own, or (saved without one) the training part."""
    if history is None and model._seen is not None:
        return IdPairs(model._seen, model.user_ids_, model.item_ids_)
    part = counting(train, model) if history is None else history
    return IdPairs(part.user_items, part.user_ids, part.item_ids)


def _askers(model: Recommender, train: Interactions, history: Interactions | None, test: Interactions) -> AskerSource:
    if history is None:
        return TrainedAskers(model, seen_pairs(model, train, history), test.user_ids)
    return FoldedAskers(model, history, test.user_ids)


def _predicts(model: Recommender, kind: str | None) -> bool:
    if kind == "probability":
        return model.link == "probability" or model.family == "popularity"
    return kind == "rating" and model.link == "rating"


def _check_finite(model: Recommender) -> None:
    """Refuse a model that has become NaN."""
    for name in ("user_factors_", "item_factors_", "user_biases_", "item_biases_"):
        values = getattr(model, name)
        if values is not None and not np.isfinite(values).all():
            n_bad = int(np.count_nonzero(~np.isfinite(values)))
            raise DataError(
                f"{type(model).__name__} cannot be judged: {n_bad:,} of {values.size:,} values of its {name} are "
                "NaN or infinite. Fit again with more regularization, or look for absurd values in the data."
            )
