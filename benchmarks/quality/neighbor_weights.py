"""How the neighbourhood term's constants were chosen, and where it wins: NDCG@20 with and without it on six sets.

On the validation part of each set (`defaults.parts`): neighbor_weight, the users' exponent f, the history's exponent p
and how many neighbours are kept, for several numbers of factors. On the test part, once: the default weight against the
same factors alone, with a 95 % interval of the paired difference by bootstrap over users.

    python benchmarks/quality/neighbor_weights.py                          # some minutes
    python benchmarks/quality/neighbor_weights.py --sets ml-100k kmrd --output some.json
"""

from __future__ import annotations

import warnings
from dataclasses import replace
from typing import Any

import numpy as np
from defaults import parts
from written import arguments_of, save, table

import ridgeback as rb
from ridgeback.models.defaults import NEIGHBOR_WEIGHT
from ridgeback.models.neighborhood import HISTORY_EXPONENT, ITEM_EXPONENT, USER_EXPONENT, Neighborhood
from ridgeback.solvers.neighbors import item_neighbors

WEIGHTS = (0.0, 0.1, 0.2, 0.3, 0.5, 0.7, 1.0, 1.5)
FACTORS = (32, 64, 128)
N_NEIGHBORS = 200
CHANGES: tuple[dict[str, Any], ...] = (
    {"user_exponent": 0.8},
    {"user_exponent": 1.0},
    {"history_exponent": 0.3},
    {"history_exponent": 0.5},
    {"n_neighbors": 50},
    {"n_neighbors": 1000},
)


def with_neighbors(
    model: Any,
    train: rb.Interactions,
    n_threads: int,
    weight: float,
    user_exponent: float = USER_EXPONENT,
    history_exponent: float = HISTORY_EXPONENT,
    n_neighbors: int = N_NEIGHBORS,
) -> Any:
    """The fitted model with a term of its own, its factors as they are."""
    similarity = item_neighbors(
        train.user_items, n_neighbors, item_exponent=ITEM_EXPONENT, user_exponent=user_exponent, n_threads=n_threads
    )
    plain = Neighborhood(similarity, history_exponent=history_exponent)
    model._neighborhood = plain.scaled(weight, model.user_factors_, model.item_factors_, model._seen, n_threads)
    return model


def ndcg(model: Any, train: rb.Interactions, held_out: rb.Interactions) -> Any:
    """NDCG@20 by user."""
    return rb.evaluate(model, train, held_out, k=20, baselines=False, n_resamples=0).by_user["ndcg@20"]


def interval(difference: Any) -> tuple[float, float]:
    """95 % of the mean of paired differences, by bootstrap."""
    rng = np.random.default_rng(0)
    means = [rng.choice(difference, len(difference)).mean() for _ in range(1000)]
    return float(np.quantile(means, 0.025)), float(np.quantile(means, 0.975))


def on_validation(name: str, n_threads: int) -> dict[str, Any]:
    """NDCG@20 by factors and weight, and with each constant changed alone."""
    train, validation, _, _ = parts(name)
    models = {k: rb.ImplicitALS(n_factors=k, n_threads=n_threads).fit(train) for k in FACTORS}

    def figure(k: int, **constants: Any) -> float:
        model = with_neighbors(models[k], train, n_threads, **constants)
        return round(float(ndcg(model, train, validation).mean()), 5)

    by_weight = {str(k): {str(weight): figure(k, weight=weight) for weight in WEIGHTS} for k in FACTORS}
    changed = [change | {"ndcg": figure(64, weight=NEIGHBOR_WEIGHT, **change)} for change in CHANGES]
    return {"validation": by_weight, "constants": changed}


def on_test(name: str, n_threads: int) -> dict[str, Any]:
    """NDCG@20 of the default weight beside the same factors alone."""
    _, _, rest, test = parts(name)
    found = {}
    for k in FACTORS:
        model = rb.ImplicitALS(n_factors=k, n_neighbors=N_NEIGHBORS, n_threads=n_threads).fit(rest)
        seconds = model.history_[-1]["elapsed_s"]
        joined = ndcg(model, rest, test)
        model._neighborhood = replace(model._neighborhood, factor=0.0)
        alone = ndcg(model, rest, test)
        found[str(k)] = {
            "alone": round(float(alone.mean()), 5),
            "with_neighbors": round(float(joined.mean()), 5),
            "difference_between": interval(joined - alone),
            "elapsed_s": round(seconds, 2),
        }
    return found


def show(row: dict[str, Any]) -> None:
    """Print what was found on the validation part of a set."""
    lines = [[k, *(f"{figure:.4f}" for figure in figures.values())] for k, figures in row["validation"].items()]
    print(f"\n{row['set']}: NDCG@20 on the validation part by neighbor_weight\n")
    print(table(["factors", *map(str, WEIGHTS)], lines))
    for one in row["constants"]:
        change = {key: value for key, value in one.items() if key != "ndcg"}
        print(f"64 factors, neighbor_weight {NEIGHBOR_WEIGHT}, {change}: {one['ndcg']:.4f}", flush=True)


def shown_test(row: dict[str, Any]) -> list[str]:
    """A line of the table of test parts."""
    cells = []
    for one in row["test"].values():
        low, high = one["difference_between"]
        cells.append(f"{one['alone']:.4f}, {one['with_neighbors']:.4f} ({low:.4f} to {high:.4f})")
    return [row["set"], *cells]


def main() -> None:
    """Every set."""
    arguments = arguments_of(__doc__, "neighbor_weights")
    warnings.simplefilter("ignore", rb.RidgebackWarning)
    rows = []
    for name in arguments.sets:
        row = {"set": name} | on_validation(name, arguments.n_threads) | {"test": on_test(name, arguments.n_threads)}
        rows.append(row)
        show(row)
        save("neighbor_weights", arguments, rows, neighbor_weight=NEIGHBOR_WEIGHT, n_neighbors=N_NEIGHBORS)
    print("\nNDCG@20 on the test part: alone, with neighbours (95 % of the paired difference)\n")
    print(table(["", *(f"{k} factors" for k in FACTORS)], [shown_test(row) for row in rows]))


if __name__ == "__main__":
    main()
