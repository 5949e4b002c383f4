"""What a reader of a report should know, in words."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterable

import numpy as np

from ridgeback.data.interactions import Interactions
from ridgeback.errors import RidgebackWarning
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


def behind(metrics: dict[str, float], baselines: dict[str, dict[str, float]], k: int) -> Iterable[str]:
    """Say it in words where a baseline is ahead: nobody should have to find it in the table."""
    for metric in (f"ndcg@{k}", "rmse", "log_loss"):
        for name, found in baselines.items():
            value, other = metrics.get(metric, math.nan), found.get(metric, math.nan)
            if (other > value) if is_higher_better(metric) else (other < value):
                yield (
                    f"{name} is ahead on {metric}: {other:.4f} against {value:.4f}. Try another regularization, fewer "
                    "factors or another model before using this one for that."
                )


def warn_if_seen(cases: Cases) -> None:
    n_seen, n_relevant = cases.n_seen_pairs, int(np.count_nonzero(cases.is_relevant))
    if n_seen > n_relevant:
        warnings.warn(
            f"{n_seen:,} of {n_seen + n_relevant:,} relevant test pairs are in what the model has seen: it was "
            "probably fitted on the test part too. Fit it on train alone.",
            RidgebackWarning,
            stacklevel=3,
        )


def nobody(cases: Cases) -> str:
    reasons = ", ".join(f"{n:,} {name.replace('_', ' ')}" for name, n in cases.exclusions.items() if n)
    return (
        f"No test user can be judged: {reasons or 'none has interactions'}. Check that train and test come from one "
        "split and spell their ids alike."
    )
