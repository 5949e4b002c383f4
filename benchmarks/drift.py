"""How far partial_fit drifts from fitting again: NDCG@10 after ten daily steps on a growing stream.

    python benchmarks/drift.py

A fifth of all events is held out by chance. A model is fitted on what is left of the past, then takes in the events of
ten days, one partial_fit a day, new users and new items among them. Beside it stand the same model fitted again on
everything, and the model of the first day with every user folded in anew (items as they were). The streams: a made-up
catalogue, its last fifth cut into ten parts, a twentieth of its items released during them; and the ten days after the
middle of MovieLens 1M's dated half, every rating an event, where ../shared/data or RIDGEBACK_DATA has it.
"""

from __future__ import annotations

import argparse
import copy
import functools
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import ridgeback as rb
from ridgeback.data.synthetic import plant_catalogue

REPOSITORY = Path(__file__).resolve().parents[1]
DATA = Path(os.environ.get("RIDGEBACK_DATA") or REPOSITORY.parent / "shared" / "data")
ML_1M = DATA / "ml-1m" / "ratings_first487650.dat.gz"
N_DAYS = 10
METRIC = "ndcg@10"


@dataclass(frozen=True)
class Stream:
    """Events in the order of time; day 0 is the past."""

    name: str
    users: np.ndarray
    items: np.ndarray
    days: np.ndarray
    held_out: np.ndarray

    def interactions(self, mask: np.ndarray) -> rb.Interactions:
        return rb.Interactions.from_arrays(self.users[mask], self.items[mask])

    def until(self, day: int) -> rb.Interactions:
        return self.interactions((self.days <= day) & ~self.held_out)

    def of(self, day: int) -> rb.Interactions:
        return self.interactions((self.days == day) & ~self.held_out)

    @property
    def test(self) -> rb.Interactions:
        return self.interactions(self.held_out)


def synthetic(seed: int, n_users: int = 4_000, n_items: int = 800) -> Stream:
    """A catalogue by seed; its last fifth is the ten days."""
    planted, rng = plant_catalogue(n_users, n_items, seed), np.random.default_rng(seed)
    order = np.argsort(planted.timestamps, kind="stable")
    users, items = planted.users[order], planted.items[order]
    place = np.arange(len(users)) / len(users)
    days = np.clip(np.ceil((place - 0.8) * 5 * N_DAYS), 0, N_DAYS).astype(int)
    released = np.zeros(n_items + 1, dtype=int)
    late = rng.choice(np.arange(1, n_items + 1), n_items // 20, replace=False)
    released[late] = rng.integers(1, N_DAYS + 1, len(late))
    kept = days >= released[items]
    return Stream("made-up catalogue", users[kept], items[kept], days[kept], rng.random(kept.sum()) < 0.2)


def movielens(seed: int) -> Stream:
    """The ten days from the middle of the dated half on."""
    data = rb.read_interactions(ML_1M, separator="::", header=False, user=0, item=1, rating=2, timestamp=3)
    moments = data.timestamps
    assert moments is not None
    middle = int(np.median(moments)) // 86_400
    days = np.maximum(moments // 86_400 - middle + 1, 0)
    kept = days <= N_DAYS
    rng = np.random.default_rng(seed)
    users, items = data.user_ids.to_numpy()[data.user_items.row_of_entry()], data.item_ids.to_numpy()
    return Stream(
        "ml-1m by day", users[kept], items[data.user_items.indices][kept], days[kept], rng.random(kept.sum()) < 0.2
    )


@dataclass(frozen=True)
class Outcome:
    """NDCG by way of keeping up, for all judged users and for those active in the ten days; seconds."""

    all: dict[str, float]
    active: dict[str, float]
    n_all: int
    n_active: int
    step_s: float
    refit_s: float


def measure(stream: Stream, model: Any) -> Outcome:
    """Keep up with a stream in four ways."""
    past, everything = stream.until(0), stream.until(N_DAYS)
    began = time.perf_counter()
    again = model.clone().fit(everything)
    refit_s = time.perf_counter() - began
    first = model.clone().fit(past)
    updated, refreshed = copy.copy(first), copy.copy(first)
    began = time.perf_counter()
    for day in range(1, N_DAYS + 1):
        updated.partial_fit(stream.of(day))
    step_s = (time.perf_counter() - began) / N_DAYS
    for day in range(1, N_DAYS + 1):
        refreshed.partial_fit(stream.of(day), refresh_users=day == N_DAYS)
    judge = functools.partial(rb.evaluate, test=stream.test, k=10, baselines=False)
    reports = {
        "refit": judge(again, everything),
        "partial_fit": judge(updated, everything),
        "and refresh_users": judge(refreshed, everything),
        "items of day 0": judge(first, past, history=everything),
    }
    users = reports["refit"].users
    active = np.unique(stream.users[(stream.days > 0) & ~stream.held_out])
    active = active[users.rows(active) >= 0]
    return Outcome(
        {name: float(report.by_user[METRIC].mean()) for name, report in reports.items()},
        {name: float(report.by_user[METRIC][report.users.rows(active)].mean()) for name, report in reports.items()},
        len(users),
        len(active),
        step_s,
        refit_s,
    )


def average(values: list[dict[str, float]]) -> dict[str, float]:
    """Mean by name."""
    return {name: float(np.mean([value[name] for value in values])) for name in values[0]}


def show(stream: Stream, model: Any, n_seeds: int) -> None:
    """Print the averages over starts of the model: one refit differs from the next by about 2 %."""
    outcomes = [measure(stream, model.clone().set_params(random_state=seed)) for seed in range(n_seeds)]
    n_past, n_all = stream.until(0).nnz, stream.until(N_DAYS).nnz
    step_s, refit_s = (min(getattr(one, name) for one in outcomes) for name in ("step_s", "refit_s"))
    print(f"\n{stream.name}: {model!r}, mean of {n_seeds} starts")
    print(f"  {n_past:,} events, {n_all:,} ten days later; a step {step_s:.2f} s, a refit {refit_s:.2f} s")
    for who, label in (
        ("all", f"{outcomes[0].n_all:,} users"),
        ("active", f"the {outcomes[0].n_active:,} active ones"),
    ):
        means = average([getattr(one, who) for one in outcomes])
        for name, value in means.items():
            gap = 100 * (value / means["refit"] - 1)
            print(f"  {label:20s} {name:18s} {METRIC} {value:.4f}  {gap:+6.2f} % of the refit")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--n-factors", type=int, default=32)
    parser.add_argument("--n-seeds", type=int, default=5)
    arguments = parser.parse_args()
    models = [
        rb.ImplicitALS(n_factors=arguments.n_factors),
        rb.ImplicitALS(n_factors=arguments.n_factors, loss="hu", alpha=10.0, regularization=1.0),
    ]
    for model in models:
        show(synthetic(arguments.seed), model, arguments.n_seeds)
    logistic = rb.LogisticMF(n_factors=arguments.n_factors, n_negatives="all")
    show(synthetic(arguments.seed, n_users=1_500, n_items=400), logistic, arguments.n_seeds)
    if not ML_1M.is_file():
        print(f"\n{ML_1M} is not there: MovieLens left out")
        return
    for model in models:
        show(movielens(arguments.seed), model, arguments.n_seeds)


if __name__ == "__main__":
    main()
