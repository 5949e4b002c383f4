"""Figures by tenths: of users by how active they are, of items by how popular they are."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ridgeback.data.ids import Ids

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

N_GROUPS = 10
OVER_PAIRS = frozenset({"rmse", "mae", "log_loss"})  # not means over users, though a user has them too
ROOTS = frozenset({"rmse"})  # of a mean over pairs; the other sums over pairs are means as they are


@dataclass(frozen=True)
class UserSums:
    """Sums over each user's test pairs, of which figures over any group of users are made.

    Attributes
    ----------
    users : Ids
        Test users whose values were predicted, those whom training never saw included.
    activity : ndarray of int64, shape (n_users,)
        Pairs that each had before.
    n_pairs : ndarray of float64, shape (n_users,)
    sums : dict of str to ndarray of float64, shape (n_users,)
        ``"rmse"``: squared errors; ``"mae"``: absolute errors; ``"log_loss"``: cross-entropies.
    """

    users: Ids
    activity: IntArray
    n_pairs: FloatArray
    sums: dict[str, FloatArray]


@dataclass(frozen=True)
class ItemTotals:
    """What became of each item, by row of the model.

    Attributes
    ----------
    popularity : ndarray of int, shape (n_items,)
        Training users who have it.
    is_eligible : ndarray of bool, shape (n_items,)
        Whether it could be ranked.
    n_relevant : ndarray of int64, shape (n_items,)
        Judged users to whom it is relevant.
    hits, shown : dict of int to ndarray of int64, shape (n_items,)
        By list length: such users who were shown it, and users who were shown it.
    n_pairs : ndarray of float64, shape (n_items,), optional
        Test pairs with a predicted value.
    sums : dict of str to ndarray of float64, shape (n_items,)
        Over these, as in `UserSums`.
    """

    popularity: NDArray[Any]
    is_eligible: NDArray[np.bool_]
    n_relevant: IntArray
    hits: dict[int, IntArray]
    shown: dict[int, IntArray]
    n_pairs: FloatArray | None = None
    sums: dict[str, FloatArray] = field(default_factory=dict)


def tenths(values: NDArray[Any]) -> list[NDArray[np.intp]]:
    """Places of the values, ascending, in ten groups as equal as ties let them be; equal values stay together."""
    order = np.argsort(values, kind="stable")
    if len(order) == 0:
        return []
    ordered = values[order]
    first = np.flatnonzero(np.concatenate([[True], ordered[1:] > ordered[:-1]]))
    after = np.append(first[1:], len(order))
    groups = ((first + after - 1) / 2 / len(order) * N_GROUPS).astype(np.int64)
    codes = np.repeat(groups, after - first)
    return [part for part in np.split(order, np.flatnonzero(np.diff(codes)) + 1) if len(part)]


def by_activity(
    activity: IntArray, by_user: dict[str, FloatArray], pairs: UserSums | None = None
) -> list[dict[str, Any]]:
    """Each tenth of the users by activity: ``low``, ``high``, ``n_users``, ``metrics``.

    Parameters
    ----------
    activity : ndarray of int64, shape (n_users,)
        Pairs that each judged user had before.
    by_user : dict of str to ndarray, shape (n_users,)
    pairs : UserSums, optional
        For the figures over pairs, which have users of their own; users without history are in the lowest group.
    """
    groups: list[dict[str, Any]] = []
    for places in tenths(activity):
        metrics = {name: _mean(values[places]) for name, values in by_user.items()}
        groups.append(_group(activity[places], len(places), metrics))
    if pairs is not None:
        if not groups:
            groups = [_group(pairs.activity[places], len(places), {}) for places in tenths(pairs.activity)]
        edges = [group["low"] for group in groups[1:]]
        codes = np.searchsorted(edges, pairs.activity, side="right")
        for code, group in enumerate(groups):
            group["metrics"] |= _ratios(pairs.sums, pairs.n_pairs, codes == code)
    return groups


def by_popularity(items: ItemTotals) -> list[dict[str, Any]]:
    """Each tenth of the eligible items by popularity.

    ``low``, ``high``, ``n_items``, ``n_relevant`` and ``metrics``: ``recall@k``, the share of the relevant pairs of
    these items that were found; ``exposure@k``, the share of all places that went to them; and the figures over pairs.
    """
    eligible = np.flatnonzero(items.is_eligible)
    groups = []
    for places in tenths(items.popularity[eligible]):
        rows = eligible[places]
        n_relevant = int(items.n_relevant[rows].sum())
        metrics = {}
        for k, hits in items.hits.items():
            metrics[f"recall@{k}"] = float(hits[rows].sum() / n_relevant) if n_relevant else float("nan")
            total = int(items.shown[k].sum())
            metrics[f"exposure@{k}"] = float(items.shown[k][rows].sum() / total) if total else float("nan")
        if items.n_pairs is not None:
            metrics |= _ratios(items.sums, items.n_pairs, rows)
        group = _group(items.popularity[rows], len(rows), metrics, "n_items")
        groups.append({**group, "n_relevant": n_relevant})
    return groups


def _group(values: NDArray[Any], n: int, metrics: dict[str, float], counted: str = "n_users") -> dict[str, Any]:
    return {"low": int(values.min()), "high": int(values.max()), counted: n, "metrics": metrics}


def _mean(values: FloatArray) -> float:
    """The mean of those that are not NaN."""
    judged = values[~np.isnan(values)]
    return float(judged.mean()) if len(judged) else float("nan")


def _ratios(sums: dict[str, FloatArray], n_pairs: FloatArray, rows: NDArray[Any]) -> dict[str, float]:
    """Figures over the pairs of some users or items."""
    n = float(n_pairs[rows].sum())
    means = {name: float(values[rows].sum()) / n if n else float("nan") for name, values in sums.items()}
    return {name: float(np.sqrt(mean)) if name in ROOTS else mean for name, mean in means.items()}
