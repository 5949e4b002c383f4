"""What was tried to make ImplicitALS's lists better after the fit, and what it brings: NDCG@20 on validation parts.

The parts are those of defaults.py. Against the fit with the defaults (64 factors), by paired bootstrap over users:

- smoothing the item factors over each item's neighbours once after the fit, ``(1 - t) Y + t P Y`` P being the
  neighbourhood term's S with rows that sum to 1, with the users as they are, and with the users solved anew;
- against 128 factors, which cost as much to serve: adding up the scores of 32 and 96 factors, and of 64 and 64 from two
  seeds.

What wins on three sets or more, its interval above 0, is worth keeping.

Run: python benchmarks/quality/linear_extras.py [set ...]     (five minutes)
"""

from __future__ import annotations

import sys
import warnings
from copy import copy
from typing import Any

import numpy as np
from datasets import implicit_sets
from defaults import parts

import ridgeback as rb
from ridgeback.evaluation.bootstrap import Resampling
from ridgeback.solvers.neighbors import item_neighbors

SHARES = (0.05, 0.15, 0.3)


def with_factors(model: Any, users: np.ndarray, items: np.ndarray) -> Any:
    """A copy of the model with other factors."""
    other = copy(model)
    other.user_factors_, other.item_factors_ = np.ascontiguousarray(users), np.ascontiguousarray(items)
    return other


def smoothed(model: Any, train: rb.Interactions, share: float) -> np.ndarray:
    """Item factors, each mixed with the mean of its neighbours'."""
    S = item_neighbors(train.user_items, 200, item_exponent=0.5, user_exponent=0.6, n_threads=1)
    sums = np.zeros_like(model.item_factors_, dtype=np.float64)
    values, rows = S.values().astype(np.float64), S.row_of_entry()
    totals = np.bincount(rows, values, S.n_rows)
    for column in range(sums.shape[1]):
        sums[:, column] = np.bincount(rows, values * model.item_factors_[S.indices, column], S.n_rows)
    has_any = totals > 0
    sums[has_any] /= totals[has_any, None]
    mixed = np.where(has_any[:, None], (1 - share) * model.item_factors_ + share * sums, model.item_factors_)
    return mixed.astype(np.float32)


def solved_anew(model: Any, train: rb.Interactions) -> Any:
    """The model with every user folded in on its items."""
    having = np.flatnonzero(train.user_items.counts() > 0)
    folded = model.fold_in_many(train)
    users = model.user_factors_.copy()
    for row in having:
        users[row] = folded[row].factors
    return with_factors(model, users, model.item_factors_)


def report(model: Any, train: rb.Interactions, validation: rb.Interactions) -> rb.Report:
    """Judged on the validation part."""
    return rb.evaluate(model, train, validation, k=20, baselines=False, n_resamples=0)


def line(what: str, one: rb.Report, other: rb.Report) -> str:
    """The difference in words."""
    comparison = one.compare(other, n_resamples=Resampling().n_resamples)
    return f"  {what:<48} {one.metrics['ndcg@20']:.4f}  {comparison.sentence('ndcg@20')}"


def study(name: str) -> None:
    """Everything on one set."""
    train, validation, _, _ = parts(name)
    model = rb.ImplicitALS(n_factors=64, n_threads=1).fit(train)
    plain = report(model, train, validation)
    print(f"{name}: the defaults {plain.metrics['ndcg@20']:.4f}", flush=True)
    for share in SHARES:
        mixed = with_factors(model, model.user_factors_, smoothed(model, train, share))
        print(line(f"items smoothed by {share:g}", report(mixed, train, validation), plain), flush=True)
        anew = solved_anew(mixed, train)
        print(line("  and users solved anew", report(anew, train, validation), plain), flush=True)
    wide = report(rb.ImplicitALS(n_factors=128, n_threads=1).fit(train), train, validation)
    print(f"  128 factors: {wide.metrics['ndcg@20']:.4f}")
    seeds = model, rb.ImplicitALS(n_factors=64, random_state=1, n_threads=1).fit(train)
    ranks = tuple(rb.ImplicitALS(n_factors=n, n_threads=1).fit(train) for n in (32, 96))
    for what, pair in (("64 factors of two seeds, added", seeds), ("32 and 96 factors, added", ranks)):
        joined = with_factors(
            model, *(np.hstack([getattr(one, f"{side}_factors_") for one in pair]) for side in ("user", "item"))
        )
        print(line(f"{what}, against 128", report(joined, train, validation), wide), flush=True)


def main() -> None:
    """Every set, or those named."""
    warnings.simplefilter("ignore", rb.RidgebackWarning)
    for name in sys.argv[1:] or implicit_sets():
        study(name)


if __name__ == "__main__":
    main()
