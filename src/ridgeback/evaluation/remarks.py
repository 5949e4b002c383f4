"""What a reader of a report should know, in words."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ridgeback.data.interactions import Interactions
from ridgeback.errors import RidgebackWarning
from ridgeback.evaluation.bootstrap import Interval
from ridgeback.evaluation.cases import Cases
from ridgeback.evaluation.judged import Judged
from ridgeback.metrics.names import is_higher_better


def notes(cases: Cases, own: Judged, kind: str | None, test: Interactions) -> Iterable[str]:
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


def behind(
    metrics: dict[str, float],
    baselines: dict[str, dict[str, float]],
    differences: Mapping[str, Mapping[str, Interval]],
    k: int,
    advice: str,
) -> Iterable[str]:
    """Say it in words where a baseline is ahead, for all that the paired interval tells."""
    for metric in (f"ndcg@{k}", "rmse", "log_loss"):
        for name, found in baselines.items():
            value, other = metrics.get(metric, math.nan), found.get(metric, math.nan)
            if not ((other > value) if is_higher_better(metric) else (other < value)):
                continue
            between = differences.get(name, {}).get(metric)
            if between is not None and between.low <= 0 <= between.high:
                continue  # the sentence against this baseline says "no clear difference"
            about_lists = metric == f"ndcg@{k}"
            todo = advice if about_lists else advice.removeprefix(_RERANKED)
            yield f"{name} is ahead on {metric}: {other:.4f} against {value:.4f}. {todo}"


_RERANKED = (
    "The model's lists were reranked, the baseline's were not: judge the model without reranking first, since an order "
    "away from the scores costs hits by itself. If the baseline is ahead then too: "
)


def what_to_try(parameters: Mapping[str, Any], is_reranked: bool) -> str:
    """What could help a model that a baseline is ahead of, by what the model has to tune."""
    if "regularization" in parameters:
        advice = "Try another regularization, fewer factors or another model before using this one for that."
    elif "n_factors" in parameters:
        advice = "Try another number of factors or another model before using this one for that."
    else:
        advice = "Try another model before using this one for that."
    return _RERANKED + advice if is_reranked else advice


def warn_if_seen(cases: Cases, is_in_train: NDArray[np.bool_]) -> None:
    """Warn where most of the test part is known already: because training holds it, or because the fit saw more."""
    n_seen, n_relevant = cases.n_seen_pairs, int(np.count_nonzero(cases.is_relevant))
    if n_seen > n_relevant:
        todo = (
            "it was probably fitted on the test part too. Fit it on train alone."
            if np.count_nonzero(is_in_train) < n_seen
            else "the training part holds them too. Give a test part with other pairs."
        )
        warnings.warn(
            f"{n_seen:,} of {n_seen + n_relevant:,} relevant test pairs are in what the model has seen: {todo}",
            RidgebackWarning,
            stacklevel=3,
        )


def nobody(cases: Cases) -> str:
    """Why no test user can be judged."""
    if cases.n_seen_pairs and not cases.is_relevant.any():
        return (
            f"No test user can be judged: all {cases.n_seen_pairs:,} relevant test pairs were in training already, and "
            "nothing is recommended twice. Give a test part with pairs that training does not have."
        )
    reasons = ", ".join(f"{n:,} {name.replace('_', ' ')}" for name, n in cases.exclusions.items() if n)
    return (
        f"No test user can be judged: {reasons or 'none has interactions'}. Check that train and test come from one "
        "split and spell their ids alike."
    )
