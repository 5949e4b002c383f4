"""What the start changes on held-out data: five seeds of each way to draw it, ratings and implicit, on MovieLens 100K.

Run: python benchmarks/quality/starts.py
"""

from __future__ import annotations

import numpy as np
from datasets import ml_100k, without

import ridgeback as rb

KINDS = {
    "standard_normal": {"init": "standard_normal"},
    "normal, init_scale .1": {"init": "normal", "init_scale": 0.1},
    "uniform, init_scale .1": {"init": "uniform", "init_scale": 0.1},
    "uniform, init_scale 10": {"init": "uniform", "init_scale": 10.0},
}
SEEDS = range(5)


def main() -> None:
    """Print mean, lowest and highest held-out figure of each start."""
    everything, folds = ml_100k()
    train, test = (_interactions(rows) for rows in (without(everything, folds[0]), folds[0]))
    _table("ExplicitALS, RMSE on u1", rb.ExplicitALS(n_factors=20), train, test, "rmse")
    liked = [_interactions(rows[rows[:, 2] >= 4]) for rows in (without(everything, folds[0]), folds[0])]
    _table("ImplicitALS, ratings >= 4, NDCG@10 on u1", rb.ImplicitALS(), *liked, "ndcg@10")


def _interactions(rows: np.ndarray) -> rb.Interactions:
    return rb.Interactions.from_arrays(rows[:, 0], rows[:, 1], ratings=rows[:, 2])


def _table(
    title: str, model: rb.models.Recommender, train: rb.Interactions, test: rb.Interactions, metric: str
) -> None:
    print(f"{title}: mean over {len(SEEDS)} seeds, lowest, highest, seconds a fit")
    for name, settings in KINDS.items():
        figures, seconds = [], []
        for seed in SEEDS:
            fitted = model.clone().set_params(random_state=seed, **settings).fit(train)
            seconds.append(fitted.history_[-1]["elapsed_s"])
            k = 10 if "@" in metric else (10, 20)
            figures.append(rb.evaluate(fitted, train, test, k=k, baselines=False).metrics[metric])
        print(f"  {name:<24} {np.mean(figures):.4f}  {min(figures):.4f}  {max(figures):.4f}  {np.median(seconds):.2f}")


if __name__ == "__main__":
    main()
