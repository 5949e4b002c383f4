"""ImplicitALS on the leave-one-out split of NCF (He et al. 2017): each user's last item among 99 that the user lacks.

    python benchmarks/quality/ncf.py                        # the published settings and the recipe, five seeds each
    python benchmarks/quality/ncf.py --validation           # the same on the validation part, one seed
    python benchmarks/quality/ncf.py --search 40            # the search: two rounds of so many trials

Everything in `RECIPE` was found by two rounds of some 40 trials as `--search` runs them, then rounded, on a validation
part that is made of the training part (`leave_one_out.validation_parts`); the test part judged it once. A recipe of
several models is the sum of their scores, `a.score(u, i) + b.score(u, i)`, which is one linear model: their factors
side by side, their neighbours added.

Published: iALS .730 / .453 with 192 factors (Rendle et al. 2022), NeuMF .709 / .435, popularity .4535 / .2543. Metrics
of 99 drawn negatives need not order models as ranking all items does (Krichene, Rendle 2020): this is for comparison
with papers.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

import numpy as np
from held_out import peak_megabytes
from leave_one_out import Cases, gains, hits, test_parts, validation_parts
from ncf_search import search
from written import BENCHMARKS, save, table

import ridgeback as rb

PUBLISHED = {
    "n_factors": 192,
    "regularization": 0.007,
    "unobserved_weight": 0.3,
    "frequency_exponent": 1.0,
    "weight_exponents": (0.0, 0.0),
    "n_iterations": 12,
}
NEIGHBORS = {"n_neighbors": 400}
RECIPE: tuple[dict[str, Any], ...] = (
    PUBLISHED | {"weight_exponents": (0.0, 0.12)},
    {
        "n_factors": 384,
        "regularization": 12.4,
        "unobserved_weight": 0.38,
        "frequency_exponent": 0.0,
        "weight_exponents": (0.0, 0.15),
        "n_iterations": 8,
    },
    {
        "n_factors": 192,
        "regularization": 0.018,
        "unobserved_weight": 0.36,
        "frequency_exponent": 0.9,
        "weight_exponents": (0.27, 0.22),
        "n_iterations": 10,
        "neighbor_weight": 0.05,
    }
    | NEIGHBORS,
    {
        "n_factors": 192,
        "regularization": 0.06,
        "unobserved_weight": 0.44,
        "frequency_exponent": 0.71,
        "weight_exponents": (0.22, 0.18),
        "n_iterations": 10,
        "neighbor_weight": 0.06,
    }
    | NEIGHBORS,
)


def fitted_scores(settings: dict[str, Any], train: rb.Interactions, cases: Cases, **others: Any) -> np.ndarray:
    """Scores of the cases' items by a model fitted with these settings."""
    return cases.scores(rb.ImplicitALS(**settings, **others).fit(train))


def interval(values: np.ndarray) -> tuple[float, float]:
    """95 % of the mean over users, by bootstrap."""
    rng = np.random.default_rng(0)
    means = [rng.choice(values, len(values)).mean() for _ in range(1000)]
    return float(np.quantile(means, 0.025)), float(np.quantile(means, 0.975))


def judge(
    recipe: tuple[dict[str, Any], ...],
    train: rb.Interactions,
    cases: Cases,
    seeds: list[int],
    n_threads: int,
) -> list[dict[str, Any]]:
    """A row a seed, and one of the means over seeds with their intervals over users."""
    rows, by_case = [], []
    for seed in seeds:
        began, cpu_began = time.perf_counter(), time.process_time()
        scores = sum(fitted_scores(one, train, cases, random_state=seed, n_threads=n_threads) for one in recipe)
        seconds = {"elapsed_s": time.perf_counter() - began, "cpu_s": time.process_time() - cpu_began}
        by_case.append((hits(scores), gains(scores)))
        hit_rate, ndcg = (float(values.mean()) for values in by_case[-1])
        rows.append({"seed": seed, "hit_rate": hit_rate, "ndcg": ndcg} | seconds)
    of_hits, of_gains = np.mean(by_case, axis=0)
    mean = {
        "seed": "mean",
        "hit_rate": float(of_hits.mean()),
        "ndcg": float(of_gains.mean()),
        "elapsed_s": float(np.mean([row["elapsed_s"] for row in rows])),
        "cpu_s": float(np.mean([row["cpu_s"] for row in rows])),
        "hit_rate_between": interval(of_hits),
        "ndcg_between": interval(of_gains),
    }
    return [*rows, mean]


def show(rows: list[dict[str, Any]]) -> None:
    """Print the table of `judge`."""
    lines = []
    for row in rows:
        cells = [f"{row[name]:.4f}" for name in ("hit_rate", "ndcg")]
        if "ndcg_between" in row:
            pairs = [row[f"{name}_between"] for name in ("hit_rate", "ndcg")]
            cells = [f"{cell} ({low:.4f} to {high:.4f})" for cell, (low, high) in zip(cells, pairs, strict=True)]
        lines.append((row["seed"], *cells, f"{row['elapsed_s']:.1f}", f"{row['cpu_s']:.1f}"))
    print(table(["seed", "HR@10", "NDCG@10", "seconds", "of CPU"], lines))


def main() -> None:
    """Judge on the test part and write the file, or look at the validation part alone."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--search", type=int, metavar="TRIALS", help="look for a recipe instead, on validation")
    parser.add_argument("--validation", action="store_true", help="judge on the validation part; no file is written")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4])
    parser.add_argument("--n-threads", type=int, default=2)
    parser.add_argument("--output", type=Path, default=BENCHMARKS / "results" / "ncf.json")
    arguments = parser.parse_args()
    if arguments.search is not None:
        search(arguments.search, [PUBLISHED, PUBLISHED | {"weight_exponents": (0.0, 0.12)}], arguments.n_threads)
        return
    train, cases = validation_parts() if arguments.validation else test_parts()
    judged = {}
    for name, recipe in {"published settings": (PUBLISHED,), "recipe": RECIPE}.items():
        judged[name] = judge(
            recipe, train, cases, arguments.seeds[:1] if arguments.validation else arguments.seeds, arguments.n_threads
        )
        print(f"\n{name}, on the {'validation' if arguments.validation else 'test'} part\n")
        show(judged[name])
    print(f"peak memory {peak_megabytes():.0f} MB", flush=True)
    if not arguments.validation:
        rows = [{"model": name} | row for name, found in judged.items() for row in found]
        save("ncf", arguments, rows, recipe=RECIPE, published=PUBLISHED, peak_memory_mb=round(peak_megabytes()))
    for name, found in judged.items():
        print(f"{name}: HR@10 {found[-1]['hit_rate']:.4f}, NDCG@10 {found[-1]['ndcg']:.4f}")


if __name__ == "__main__":
    main()
