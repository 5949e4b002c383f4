"""Judge a model on interactions it has not seen, beside what popularity and biases alone reach."""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ridgeback.data.interactions import Interactions
from ridgeback.errors import DataError, ParameterError, RidgebackWarning
from ridgeback.evaluation.askers import AskerSource, FoldedAskers, TrainedAskers
from ridgeback.evaluation.bootstrap import Interval, Resampling, figures_of_users, resampled
from ridgeback.evaluation.cases import CandidateLists, Cases, IdPairs, find_cases
from ridgeback.evaluation.deciles import by_popularity
from ridgeback.evaluation.item_models import (
    MOST_ITEMS_EASE,
    MOST_STEPS,
    Ease,
    ItemKnn,
    ItemModel,
    steps_of,
    users_a_block,
)
from ridgeback.evaluation.ranking import RankingJudge
from ridgeback.evaluation.rating import RatingJudge
from ridgeback.evaluation.report import Report
from ridgeback.metrics.calibration import calibration_error
from ridgeback.metrics.names import is_higher_better, list_lengths
from ridgeback.models.baselines import BiasBaseline, Popularity
from ridgeback.models.calibrating import held_out_of, scored_pairs
from ridgeback.models.recommender import Recommender
from ridgeback.recommend.reranking import OFF, Reranking
from ridgeback.recommend.top_k import inverse_norms

FloatArray = NDArray[np.float64]

_USERS_A_BLOCK = 4096


def evaluate(
    model: Any,
    train: Any,
    test: Any,
    history: Any = None,
    k: int | Iterable[int] = (10, 20),
    candidates: Any = None,
    relevant_from: float | None = None,
    baselines: bool = True,
    level: float = 0.95,
    n_resamples: int = 1000,
    random_state: int = 0,
    popularity_penalty: float = 0.0,
    diversity: float = 0.0,
    n_candidates: int | None = None,
) -> Report:
    """Judge a model's ranked lists and, where it predicts ratings or probabilities, these too.

    What is measured is what is served: lists as `recommend` gives them (items of the user's own training history are
    left out, equal scores stand in row order, items nobody has are not ranked), values as `predict` gives them. All
    items that somebody has are ranked unless `candidates` says otherwise.

    Parameters
    ----------
    model : estimator
        Unfitted: a clone is fitted on `train`, the model stays as it is. Fitted: it is judged as it is.
    train : Interactions, or CSR matrix whose rows are users
        What the model learns from, and the baselines.
    test : Interactions, or CSR matrix
        What it is judged by. Parts with other id tables are matched by id.
    history : Interactions, or CSR matrix, optional
        Strong generalisation: test users are folded in with these interactions (see `split.by_user`), and these are
        what they have seen.
    k : int or several, default=(10, 20)
        List lengths.
    candidates : mapping of user id to item ids, or one list for all, optional
        Rank the user's relevant items together with these, each once, as in "1 + 99" protocols. Items that the model
        does not know cannot be ranked.
    relevant_from : float, optional
        Test pairs with a value from here on are relevant. None: those with a value above 0.
    baselines : bool, default=True
        Judge Popularity, on small data an item model (EASE, or cosine neighbours with more than 2,000 items), and
        BiasBaseline where ratings are predicted in the same way.
    level : float in (0, 1), default=0.95
        Of the bootstrap intervals over users.
    n_resamples : int, default=1000
        Draws of users; 0: no intervals.
    random_state : int, default=0
        Seeds these draws.
    popularity_penalty, diversity, n_candidates
        The order of the model's lists, as in `recommend`; the baselines', values and auc stay as they are. One list of
        the largest `k` is made, and its beginning is judged for the others: None of `n_candidates` is ten times that.

    Returns
    -------
    Report
        ``report.metrics["ndcg@10"]``, ``report.by_user["ndcg@10"]`` aligned with ``report.users``; test users left out
        of the ranking are counted in ``report.excluded``.

    Raises
    ------
    ParameterError
        If `k`, `candidates`, `relevant_from`, `level`, `n_resamples` or `random_state` cannot be used.
    DataError
        If no test user can be judged.

    Notes
    -----
    Users in test whom training never saw cannot be ranked for and are left out; their ratings are predicted by the
    fallback (mean and item bias). Users without relevant items are left out too: they would lower every average by how
    many they are. Relevant items that the user already had are no case, since nothing is recommended twice. Relevant
    items that training never saw count as missed. Memory beside the model: the test part, one number a user and
    metric, and blocks of 4,096 users.

    Examples
    --------
    >>> import ridgeback as rb
    >>> train = rb.Interactions.from_arrays([1, 1, 2, 2, 3], ["a", "b", "a", "c", "a"])
    >>> test = rb.Interactions.from_arrays([1, 3, 9], ["c", "b", "a"])
    >>> report = rb.evaluate(rb.Popularity(), train, test, k=1, baselines=False)
    >>> report.metrics["recall@1"], report.excluded
    (1.0, 1)
    """
    started = time.perf_counter()
    lengths = list_lengths(k)
    reranking = Reranking.of(popularity_penalty, diversity, n_candidates, lengths[-1])
    resampling = Resampling(level, n_resamples, random_state)
    threshold = _threshold(relevant_from)
    train, test = _interactions(train), _without_weight_zero(_interactions(test))
    if test.nnz == 0:
        raise DataError("The test part has no interaction to judge by; check how the data was split.")
    fitted = model if _is_fitted(model) else model.clone().fit(train)
    if reranking.diversity:
        fitted._check_factors("diversity")
    history = None if history is None else _counting(_without_weight_zero(_interactions(history)), fitted)
    lists = None if candidates is None else CandidateLists(candidates, test.user_ids)
    cases = find_cases(test, _known(fitted, train, history, test), _seen(fitted, train, history), threshold, lists)
    _warn_if_seen(cases)
    kind = _kind_of_values(fitted, test)
    if not cases.is_judged.any() and kind is None:
        raise DataError(_nobody(cases))

    protocol = {
        "ranked": "all items somebody has" if lists is None else "relevant items and candidates",
        "asked": "trained users" if history is None else "new users with a history",
        "relevant": "value > 0" if threshold is None else f"value >= {threshold:g}",
        "k": list(lengths),
        **({"reranking": asdict(reranking)} if reranking.is_on else {}),
        **_provenance({"train": train, "history": history, "test": test}),
    }
    compared, left_out = _baselines(fitted, train, kind, cases) if baselines else ([], [])
    directions = _directions(fitted)
    judged = {"": _Judged(fitted, train, test, history, cases, lengths, lists, kind, directions, reranking)}
    for baseline in compared:
        known = baseline.fit(train)
        own_directions = None if directions is None else _renamed(directions, fitted, known)
        judged[type(baseline).__name__] = _Judged(
            known, train, test, history, cases, lengths, lists, kind, own_directions
        )
    own = judged.pop("")
    if history is None and lists is None and cases.is_judged.any():
        own.add_calibration(fitted, test, threshold)
    draws = {name: one.resampled(resampling) for name, one in {"": own, **judged}.items()}
    return Report(
        model=repr(model),
        parameters=dict(getattr(fitted, "parameters_", {})),
        protocol=protocol,
        metrics=own.metrics,
        by_user=own.by_user,
        activity=own.activity,
        pair_sums=own.pair_sums,
        item_deciles=tuple(by_popularity(own.items)),
        users=test.user_ids.take(np.flatnonzero(cases.is_judged)),
        exclusions=cases.exclusions,
        baselines={name: result.metrics for name, result in judged.items()},
        baselines_by_user={name: result.by_user for name, result in judged.items()},
        intervals=_intervals(draws[""], resampling),
        baseline_intervals={name: _intervals(draws[name], resampling) for name in judged},
        differences={
            name: _intervals(
                {metric: values - draws[name][metric] for metric, values in draws[""].items() if metric in draws[name]},
                resampling,
            )
            for name in judged
        },
        resampling=resampling,
        notes=(
            *_notes(cases, own, kind, test),
            *left_out,
            *_behind(own.metrics, {name: result.metrics for name, result in judged.items()}, lengths[0]),
        ),
        elapsed_s=time.perf_counter() - started,
    )


class _Judged:
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


def _intervals(draws: dict[str, FloatArray], resampling: Resampling) -> dict[str, Interval]:
    """The interval of each figure that has one."""
    found = {name: resampling.interval(values) for name, values in draws.items()}
    return {name: interval for name, interval in found.items() if interval is not None}


def _provenance(parts: dict[str, Interactions | None]) -> dict[str, Any]:
    """What made the parts (None where it was none of `ridgeback.split`), and what tells them from others."""
    given = {name: part for name, part in parts.items() if part is not None}
    records = [part.report.get("split") for part in given.values()]
    bare = [record and {name: value for name, value in record.items() if name != "part"} for record in records]
    return {
        "split": bare[0] if all(record == bare[0] for record in bare) else None,
        "parts": {
            name: {
                "n_users": int(np.count_nonzero(part.user_items.counts())),
                "n_pairs": part.nnz,
                "fingerprint": part.fingerprint(),
            }
            for name, part in given.items()
        },
    }


def _interactions(data: Any) -> Interactions:
    return data if isinstance(data, Interactions) else Interactions.from_csr(data)


def _without_weight_zero(data: Interactions) -> Interactions:
    """Leave out observations of weight 0, as the models do."""
    if data.weights is None or (data.weights > 0).all():
        return data
    return data.subset(data.weights > 0)


def _counting(data: Interactions, model: Recommender) -> Interactions:
    """Leave out zeros where they mean no interaction."""
    values = data.user_items.data
    if model.family != "implicit" or values is None or (values > 0).all():
        return data
    return data.subset(values > 0)


def _directions(model: Recommender) -> NDArray[np.float32] | None:
    """The model's items as vectors of length 1 or 0: how alike two of any list are; None without factors."""
    _check_finite(model)
    factors = model.item_factors_
    return factors * inverse_norms(factors, n_threads=model._thread_count())[:, None] if factors.shape[1] else None


def _renamed(directions: NDArray[np.float32], model: Recommender, other: Recommender) -> NDArray[np.float32]:
    """The same in the rows of another model; zeros for items that the first does not know."""
    rows = model.item_ids_.match(other.item_ids_)
    return np.where((rows >= 0)[:, None], directions[rows], np.float32(0))


def _threshold(relevant_from: float | None) -> float | None:
    """The value from which on test pairs are relevant."""
    if relevant_from is None:
        return None
    if isinstance(relevant_from, bool) or not isinstance(relevant_from, (int, float, np.number)):
        raise ParameterError(f"The 'relevant_from' parameter must be a number or None. Got {relevant_from!r} instead.")
    if math.isnan(relevant_from):
        raise ParameterError("The 'relevant_from' parameter must not be NaN. Leave it out to count values above 0.")
    return float(relevant_from)


def _is_fitted(model: Any) -> bool:
    if not isinstance(model, Recommender):
        raise ParameterError(
            "The 'model' parameter must be a model of this library, such as ImplicitALS(). "
            f"Got {type(model).__name__}{' (the class: call it)' if isinstance(model, type) else ''} instead."
        )
    return "item_factors_" in vars(model)


def _known(model: Recommender, train: Interactions, history: Interactions | None, test: Interactions) -> list[Any]:
    """Masks over the test users: whom one can rank for."""
    if history is not None:
        return [IdPairs(history.user_items, history.user_ids, history.item_ids).has_user(test.user_ids)]
    rows = model.user_ids_.match(test.user_ids)
    is_trained = (rows >= 0) & (model._user_counts[rows] > 0)
    return [IdPairs(train.user_items, train.user_ids, train.item_ids).has_user(test.user_ids), is_trained]


def _seen(model: Recommender, train: Interactions, history: Interactions | None) -> IdPairs:
    """What is not recommended again: the history given, the model's own, or (saved without one) the training part."""
    if history is None and model._seen is not None:
        return IdPairs(model._seen, model.user_ids_, model.item_ids_)
    part = _counting(train, model) if history is None else history
    return IdPairs(part.user_items, part.user_ids, part.item_ids)


def _askers(model: Recommender, train: Interactions, history: Interactions | None, test: Interactions) -> AskerSource:
    if history is None:
        return TrainedAskers(model, _seen(model, train, history), test.user_ids)
    return FoldedAskers(model, history, test.user_ids)


def _kind_of_values(model: Recommender, test: Interactions) -> str | None:
    """Whether predicted ratings or probabilities are judged beside the lists."""
    if model.link == "probability":
        return "probability"
    return "rating" if model.link == "rating" and test.has_ratings else None


def _predicts(model: Recommender, kind: str | None) -> bool:
    if kind == "probability":
        return model.link == "probability" or model.family == "popularity"
    return kind == "rating" and model.link == "rating"


def _baselines(model: Recommender, train: Interactions, kind: str | None, cases: Cases) -> tuple[list[Any], list[str]]:
    """What stands beside the model, and a note on what is left out.

    Popularity always, an item model on data that are small enough, biases where ratings are predicted.
    """
    compared: list[Any] = [Popularity()]
    notes = []
    if kind == "rating":
        compared.append(BiasBaseline())
    if cases.is_judged.any():
        steps = steps_of(train)
        if steps > MOST_STEPS:
            notes.append(
                f"No item model beside this report: it would take {steps:.1e} steps on these data, more than "
                f"{MOST_STEPS:.0e}; compare with Popularity."
            )
        else:
            compared.append(Ease() if train.n_items <= MOST_ITEMS_EASE else ItemKnn())
    return compared, notes


def _warn_if_seen(cases: Cases) -> None:
    n_seen, n_relevant = cases.n_seen_pairs, int(np.count_nonzero(cases.is_relevant))
    if n_seen > n_relevant:
        warnings.warn(
            f"{n_seen:,} of {n_seen + n_relevant:,} relevant test pairs are in what the model has seen: it was "
            "probably fitted on the test part too. Fit it on train alone.",
            RidgebackWarning,
            stacklevel=3,
        )


def _nobody(cases: Cases) -> str:
    reasons = ", ".join(f"{n:,} {name.replace('_', ' ')}" for name, n in cases.exclusions.items() if n)
    return (
        f"No test user can be judged: {reasons or 'none has interactions'}. Check that train and test come from one "
        "split and spell their ids alike."
    )


def _behind(metrics: dict[str, float], baselines: dict[str, dict[str, float]], k: int) -> Iterable[str]:
    """Say it in words where a baseline is ahead: nobody should have to find it in the table."""
    for metric in (f"ndcg@{k}", "rmse", "log_loss"):
        for name, found in baselines.items():
            value, other = metrics.get(metric, math.nan), found.get(metric, math.nan)
            if (other > value) if is_higher_better(metric) else (other < value):
                yield (
                    f"{name} is ahead on {metric}: {other:.4f} against {value:.4f}. Try another regularization, fewer "
                    "factors or another model before using this one for that."
                )


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


def _notes(cases: Cases, own: _Judged, kind: str | None, test: Interactions) -> Iterable[str]:
    """What a reader of the figures should know."""
    if own.is_sampled:
        yield (
            "Sampled: each user's relevant items were ranked among given candidates, not among all items. Such figures "
            "are high, need not order models as all items do, and are for comparing with papers that sample alike "
            "(Krichene, Rendle 2020)."
        )
    for k, n in own.n_short.items():
        if n:
            yield (
                f"{n:,} of {int(np.count_nonzero(cases.is_judged)):,} users have fewer than {k} items to be ranked, so "
                f"that their lists are shorter; precision@{k} is divided by {k} all the same."
            )
    n_without = int(np.count_nonzero(np.isnan(own.by_user.get("auc", np.empty(0)))))
    if n_without:
        yield f"auc: {n_without:,} users left out, for whom nothing irrelevant could be ranked."
    if own.n_calibration_pairs:
        yield (
            f"calibration_error: over {own.n_calibration_pairs:,} pairs of users with all items that could be "
            "recommended to them, a yes where the test part has the pair."
        )
    if cases.n_seen_pairs:
        yield (
            f"{cases.n_seen_pairs:,} relevant test pairs were in the history already and are no case, since nothing is "
            "recommended twice."
        )
    if own.n_unreachable:
        yield f"{own.n_unreachable:,} relevant test pairs name items that training never saw: they count as missed."
    if own.n_unknown_items:
        yield f"{own.n_unknown_items:,} test pairs name items that training never saw: predicted without them."
    if kind == "probability" and not (test.user_items.values() <= 0).any():
        yield "log_loss: the test part holds no observed no (value 0), so it only tells how sure the model is of a yes."
