"""How the neighbourhood term's constants were chosen, and where it wins: NDCG@20 with and without it on six sets.

On the validation part of each set (`defaults.parts`): neighbor_weight, the users' exponent f, the history's exponent p
and how many neighbours are kept, for several numbers of factors. On the test part, once: the default weight against the
same factors alone, with a 95 % interval of the paired difference by bootstrap over users.

Run: python benchmarks/quality/neighbor_weights.py     (some minutes)
"""

from __future__ import annotations

import warnings
from dataclasses import replace
from typing import Any

import numpy as np
from datasets import implicit_sets
from defaults import parts

import ridgeback as rb
from ridgeback.models.defaults import NEIGHBOR_WEIGHT
from ridgeback.models.neighborhood import HISTORY_EXPONENT, ITEM_EXPONENT, USER_EXPONENT, Neighborhood
from ridgeback.solvers.neighbors import item_neighbors

WEIGHTS = (0.0, 0.1, 0.2, 0.3, 0.5, 0.7, 1.0, 1.5)
FACTORS = (32, 64, 128)
N_NEIGHBORS = 200


def with_neighbors(
    model: Any,
    train: rb.Interactions,
    weight: float,
    user_exponent: float = USER_EXPONENT,
    history_exponent: float = HISTORY_EXPONENT,
    n_neighbors: int = N_NEIGHBORS,
) -> Any:
    """The fitted model with a term of its own, its factors as they are."""
    similarity = item_neighbors(
        train.user_items, n_neighbors, item_exponent=ITEM_EXPONENT, user_exponent=user_exponent, n_threads=2
    )
    plain = Neighborhood(similarity, history_exponent=history_exponent)
    model._neighborhood = plain.scaled(weight, model.user_factors_, model.item_factors_, model._seen, 2)
    return model


def ndcg(model: Any, train: rb.Interactions, held_out: rb.Interactions) -> Any:
    """NDCG@20 by user."""
    return rb.evaluate(model, train, held_out, k=20, baselines=False).by_user["ndcg@20"]


def interval(difference: Any) -> tuple[float, float]:
    """95 % of the mean of paired differences, by bootstrap."""
    rng = np.random.default_rng(0)
    means = [rng.choice(difference, len(difference)).mean() for _ in range(1000)]
    return float(np.quantile(means, 0.025)), float(np.quantile(means, 0.975))


def study(name: str) -> None:
    """The table of one set."""
    train, validation, rest, test = parts(name)
    models = {k: rb.ImplicitALS(n_factors=k).fit(train) for k in FACTORS}
    print(f"\n{name}: validation NDCG@20 by neighbor_weight\n  factors " + " ".join(f"{w:7.1f}" for w in WEIGHTS))
    for k, model in models.items():
        figures = [ndcg(with_neighbors(model, train, weight), train, validation).mean() for weight in WEIGHTS]
        print(f"  {k:7d} " + " ".join(f"{figure:7.4f}" for figure in figures), flush=True)
    base: dict[str, Any] = {"weight": NEIGHBOR_WEIGHT}
    for change in (
        {"user_exponent": 0.8},
        {"user_exponent": 1.0},
        {"history_exponent": 0.3},
        {"history_exponent": 0.5},
        {"n_neighbors": 50},
        {"n_neighbors": 1000},
    ):
        figure = ndcg(with_neighbors(models[64], train, **(base | change)), train, validation).mean()
        print(f"  64 factors, default weight, {change}: {figure:.4f}", flush=True)
    for k in FACTORS:
        model = rb.ImplicitALS(n_factors=k, n_neighbors=N_NEIGHBORS).fit(rest)
        seconds = model.history_[-1]["elapsed_s"]
        joined = ndcg(model, rest, test)
        model._neighborhood = replace(model._neighborhood, factor=0.0)
        alone = ndcg(model, rest, test)
        low, high = interval(joined - alone)
        print(
            f"  test, {k} factors: alone {alone.mean():.4f}, with neighbours {joined.mean():.4f} "
            f"({low:+.4f} to {high:+.4f}), {seconds:.1f} s",
            flush=True,
        )


def main() -> None:
    """Every set."""
    warnings.simplefilter("ignore", rb.RidgebackWarning)
    for name in implicit_sets():
        study(name)


if __name__ == "__main__":
    main()
