"""The names of metrics: ``"ndcg@10"`` is a metric and a list length, ``"rmse"`` a metric alone."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from ridgeback.errors import ParameterError

RANKING = ("recall", "recall_capped", "precision", "ndcg", "map", "mrr", "hit_rate", "coverage", "novelty")
EXPOSURE = ("gini", "popularity_bias")
SIMILARITY = ("list_similarity",)
RATING = ("rmse", "mae", "log_loss", "calibration_error")
REPORTED_ONLY = frozenset({*EXPOSURE, *SIMILARITY, "auc", "calibration_error"})  # by `evaluate`, not by a fit
_WITH_LENGTH = (*RANKING, *EXPOSURE, *SIMILARITY)
_ALONE = ("auc", *RATING)
_LOWER_IS_BETTER = frozenset({*RATING, *EXPOSURE, *SIMILARITY})


def parse(metric: str) -> tuple[str, int | None]:
    """Take a metric's name apart.

    Parameters
    ----------
    metric : str
        One of `RANKING`, `EXPOSURE` or `SIMILARITY` with its list length (``"ndcg@10"``), ``"auc"``, or one of
        `RATING`.

    Returns
    -------
    tuple of (str, int or None)
        The bare name, and the list length (None without one).

    Raises
    ------
    ParameterError
        If there is no such metric, or its list length is missing, superfluous or below 1.
    """
    name, at, length = metric.partition("@") if isinstance(metric, str) else (repr(metric), "", "")
    if name in _ALONE and not at:
        return name, None
    if name in _WITH_LENGTH and length.isascii() and length.isdigit() and int(length) >= 1:
        return name, int(length)
    choices = ", ".join([*(f"{name}@k" for name in RANKING), *(name for name in RATING if name not in REPORTED_ONLY)])
    meant = "".join(f" Did you mean '{closest}'?" for closest in _closest(name, length))
    raise ParameterError(
        f"The 'metric' parameter must be one of {choices} (k a list length of at least 1, as in 'ndcg@10'). "
        f"Got {metric!r} instead.{meant}"
    )


def _closest(name: str, length: str) -> list[str]:
    """The metric that was probably meant, with a list length where it has one."""
    near = difflib.get_close_matches(name.lower(), (*_WITH_LENGTH, *_ALONE), n=1)
    is_length = length.isascii() and length.isdigit() and int(length) >= 1
    return [f"{one}@{int(length) if is_length else 10}" if one in _WITH_LENGTH else one for one in near]


def is_higher_better(metric: str) -> bool:
    """Say whether a larger value of the metric is the better one."""
    return parse(metric)[0] not in _LOWER_IS_BETTER


def list_lengths(k: int | Iterable[int]) -> tuple[int, ...]:
    """Return the list lengths asked for, ascending and each once.

    Raises
    ------
    ParameterError
        If one is not an integer of at least 1, or there is none.
    """
    lengths = (k,) if not isinstance(k, Iterable) else tuple(k)
    if not lengths or any(isinstance(n, bool) or not hasattr(n, "__index__") or n < 1 for n in lengths):
        raise ParameterError(
            f"The 'k' parameter must be list lengths of at least 1, as in (10, 20). Got {k!r} instead."
        )
    return tuple(sorted({int(n) for n in lengths}))
