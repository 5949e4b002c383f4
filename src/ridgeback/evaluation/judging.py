"""Judge a model on interactions it has not seen, beside what popularity and biases alone reach."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ridgeback.data.interactions import Interactions
from ridgeback.errors import DataError, ParameterError
from ridgeback.evaluation.bootstrap import Interval, Resampling
from ridgeback.evaluation.cases import CandidateLists, Cases, IdPairs, find_cases
from ridgeback.evaluation.deciles import by_popularity
from ridgeback.evaluation.item_models import (
    MOST_ITEMS_EASE,
    MOST_STEPS,
    Ease,
    ItemKnn,
    steps_of,
)
from ridgeback.evaluation.judged import Judged, counting, directions_of, fingerprint_of, renamed, seen_pairs
from ridgeback.evaluation.remarks import behind, nobody, notes, warn_if_seen, what_to_try
from ridgeback.evaluation.report import Report
from ridgeback.metrics.names import list_lengths
from ridgeback.models.baselines import BiasBaseline, Popularity
from ridgeback.models.recommender import Recommender
from ridgeback.recommend.reranking import Reranking

FloatArray = NDArray[np.float64]


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
    history = None if history is None else counting(_without_weight_zero(_interactions(history)), fitted)
    lists = None if candidates is None else CandidateLists(candidates, test.user_ids)
    cases = find_cases(test, _known(fitted, train, history, test), seen_pairs(fitted, train, history), threshold, lists)
    warn_if_seen(cases, IdPairs(train.user_items, train.user_ids, train.item_ids).has(test))
    kind = _kind_of_values(fitted, test)
    if not cases.is_judged.any() and kind is None:
        raise DataError(nobody(cases))

    protocol = {
        "ranked": "all items somebody has" if lists is None else "relevant items and candidates",
        "asked": "trained users" if history is None else "new users with a history",
        "relevant": "value > 0" if threshold is None else f"value >= {threshold:g}",
        "k": list(lengths),
        **({"reranking": asdict(reranking)} if reranking.is_on else {}),
        **_provenance({"train": train, "history": history, "test": test}),
    }
    directions = directions_of(fitted)
    if directions is not None:
        protocol["similarity_by"] = fingerprint_of(directions)
    compared, left_out = _baselines(fitted, train, kind, cases) if baselines else ([], [])
    judged = {"": Judged(fitted, train, test, history, cases, lengths, lists, kind, directions, reranking)}
    for baseline in compared:
        known = baseline.fit(train)
        own_directions = None if directions is None else renamed(directions, fitted, known)
        judged[type(baseline).__name__] = Judged(
            known, train, test, history, cases, lengths, lists, kind, own_directions
        )
    own = judged.pop("")
    if history is None and lists is None and cases.is_judged.any():
        own.add_calibration(fitted, test, threshold)
    draws = {name: one.resampled(resampling) for name, one in {"": own, **judged}.items()}
    differences = {
        name: _intervals(
            {metric: values - draws[name][metric] for metric, values in draws[""].items() if metric in draws[name]},
            resampling,
        )
        for name in judged
    }
    advice = what_to_try(getattr(fitted, "parameters_", {}), reranking.is_on)
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
        differences=differences,
        resampling=resampling,
        notes=(
            *notes(cases, own, kind, test),
            *left_out,
            *behind(own.metrics, {name: one.metrics for name, one in judged.items()}, differences, lengths[0], advice),
        ),
        elapsed_s=time.perf_counter() - started,
    )


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
                **_file_of(part),
            }
            for name, part in given.items()
        },
    }


def _file_of(part: Interactions) -> dict[str, str]:
    """The name of the file that a part was read from, without its folder; nothing where it was none."""
    source = part.report.get("source")
    if not isinstance(source, str) or not os.path.isfile(source):
        return {}
    return {"source": os.path.basename(source)}


def _interactions(data: Any) -> Interactions:
    return data if isinstance(data, Interactions) else Interactions.from_csr(data)


def _without_weight_zero(data: Interactions) -> Interactions:
    """Leave out observations of weight 0, as the models do."""
    if data.weights is None or (data.weights > 0).all():
        return data
    return data.subset(data.weights > 0)


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


def _kind_of_values(model: Recommender, test: Interactions) -> str | None:
    """Whether predicted ratings or probabilities are judged beside the lists."""
    if model.link == "probability":
        return "probability"
    return "rating" if model.link == "rating" and test.has_ratings else None


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
