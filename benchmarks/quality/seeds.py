"""Whether factors mean the same from seed to seed: the ten top items of each factor, for every pair of five seeds.

On the ratings of 4 and 5 in MovieLens 1M, each a pair. For each of the leading factors and each pair of seeds: how
many of the ten items with the largest entries both fits have, after turning the second factor round where more are
shared then.

Run: python benchmarks/quality/seeds.py [8 | 64]     (8 factors: 100 exact iterations; 64: the defaults)
"""

from __future__ import annotations

import itertools
import sys

import numpy as np
from datasets import ml_1m_ratings

import ridgeback as rb

SEEDS = range(5)
N_TOP = 10
N_SHOWN = 8


def top_items(values: np.ndarray) -> set[int]:
    """Rows of the largest entries."""
    return set(np.argsort(-values, kind="stable")[:N_TOP].tolist())


def shared(one: np.ndarray, other: np.ndarray) -> tuple[int, int]:
    """Shared top items as the factors stand, and after turning the second round."""
    top = top_items(one)
    return len(top & top_items(other)), len(top & top_items(-other))


def table(models: list[rb.ImplicitALS]) -> np.ndarray:
    """Shared top items as they stand and turned round, shape (n_factors, pairs of seeds, 2)."""
    pairs = list(itertools.combinations([model.item_factors_ for model in models], 2))
    n_factors = models[0].item_factors_.shape[1]
    return np.array([[shared(one[:, f], other[:, f]) for one, other in pairs] for f in range(n_factors)])


def report(words: str, models: list[rb.ImplicitALS]) -> None:
    """Print a line a factor, then what holds for all."""
    found = table(models)
    best = found.max(axis=2)
    described = models[0].describe_factors(n=1)
    print(f"\n{words}\n{'factor':>6} {'energy':>7}  shared of {N_TOP}, pair by pair")
    for factor in range(min(N_SHOWN, len(best))):
        marks = str(described[factor]).splitlines()[0].partition("energy")[2]
        print(f"{factor:>6} {described[factor].energy_share:>7.1%}  {' '.join(f'{n:2d}' for n in best[factor])}{marks}")
    is_turned = found[:, :, 1] > found[:, :, 0]
    n_round, n_mixed = (
        sum(one.is_either_way_round for one in described),
        sum(bool(one.exchangeable_with) for one in described),
    )
    marked = np.array([one.is_either_way_round for one in described])
    print(
        f"all {len(best)} factors: {best.mean():.2f} shared on average, "
        f"{np.mean(best.min(axis=1) >= 8):.0%} of them at least 8 for every pair; "
        f"{is_turned.mean():.1%} of the pairs stand the other way round, "
        f"{is_turned[marked].mean() if marked.any() else 0:.1%} of those marked so"
    )
    print(f"marked: {n_round} either way round, {n_mixed} exchangeable with a neighbour, of {len(best)}")
    print(f"leading five factors: at least {best[:5].min()} of {N_TOP} shared by every pair of {len(models)} seeds")


def main(only: str = "") -> None:
    """Fit and print."""
    data = ml_1m_ratings(at_least=4)
    if only in ("", "64"):
        models = [rb.ImplicitALS(random_state=seed).fit(data) for seed in SEEDS]
        report("the defaults, 64 factors", models)
    if only in ("", "8"):
        settings = {"n_factors": 8, "n_iterations": 100, "solver": "exact"}
        models = [rb.ImplicitALS(**settings, random_state=seed).fit(data) for seed in SEEDS]
        report("8 factors, 100 exact iterations", models)


if __name__ == "__main__":
    main(*sys.argv[1:])
