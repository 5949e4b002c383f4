"""The search behind `ncf.py`: settings of ImplicitALS by Optuna on the validation part, then which of them to add up.

A first round draws from wide ranges around the defaults, a second from narrower ones around the best of the first and
the published settings. Then models are added up greedily, their scores as they are.
"""

from __future__ import annotations

import time
import warnings
from typing import Any

import numpy as np
from leave_one_out import gains, hits, validation_parts
from settings import Setting

import ridgeback as rb

MOST_TOGETHER = 5
N_NEIGHBORS = 400
Range = tuple[float, float]
WIDE: dict[str, Range] = {
    "edge": (1.2, 5.0),
    "density_multiple": (0.3, 2.5),
    "frequency_exponent": (0.0, 1.5),
    "user_exponent": (0.0, 0.6),
    "item_exponent": (0.0, 0.45),
    "neighbor_weight": (-0.1, 0.4),
    "n_iterations": (4, 20),
}
NARROW: dict[str, Range] = {
    "edge": (1.6, 3.4),
    "density_multiple": (0.8, 2.2),
    "frequency_exponent": (0.25, 1.5),
    "user_exponent": (0.0, 0.3),
    "item_exponent": (0.0, 0.3),
    "neighbor_weight": (-0.05, 0.15),
    "n_iterations": (6, 16),
}


def suggested(trial: Any, train: rb.Interactions, ranges: dict[str, Range], n_factors: list[int]) -> dict[str, Any]:
    """Settings in the units in which the defaults are functions of the data's shape; no neighbours at a weight <= 0."""
    names = ("edge", "density_multiple", "frequency_exponent", "user_exponent", "item_exponent")
    drawn = {name: trial.suggest_float(name, *ranges[name], log=name in names[:2]) for name in names}
    setting = Setting(**drawn, n_factors=trial.suggest_categorical("n_factors", n_factors))
    n_iterations = trial.suggest_int("n_iterations", *ranges["n_iterations"], step=2)
    weight = trial.suggest_float("neighbor_weight", *ranges["neighbor_weight"])
    parameters = setting.parameters(train) | {"n_iterations": n_iterations}
    return parameters | ({"n_neighbors": N_NEIGHBORS, "neighbor_weight": weight} if weight > 0 else {})


def search(n_trials: int, starts: list[dict[str, Any]], n_threads: int) -> None:
    """Print `n_trials` trials of each round, then the sum of models that `added_up` finds among them."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    warnings.simplefilter("ignore", rb.RidgebackWarning)  # some settings end at zero, as their figures show
    train, cases = validation_parts()
    tried: list[tuple[dict[str, Any], np.ndarray]] = []

    def judged(settings: dict[str, Any]) -> float:
        began = time.perf_counter()
        scores = cases.scores(rb.ImplicitALS(**settings, random_state=0, n_threads=n_threads).fit(train))
        tried.append((settings, scores.astype(np.float32)))
        print(f"{words(scores)}  {time.perf_counter() - began:5.1f} s  {rounded(settings)}", flush=True)
        return value(scores)

    for settings in starts:
        judged(settings)
    rounds = ((WIDE, [64, 96, 128, 192, 256, 384]), (NARROW, [96, 128, 192, 256, 320]))
    for seed, (ranges, n_factors) in enumerate(rounds):
        sampler = optuna.samplers.TPESampler(seed=seed, multivariate=True)
        study = optuna.create_study(direction="maximize", sampler=sampler)
        study.optimize(
            lambda trial, ranges=ranges, sizes=n_factors: judged(suggested(trial, train, ranges, sizes)), n_trials
        )
    added_up(tried)


def value(scores: np.ndarray) -> float:
    """What is made large: the mean of both metrics."""
    return float((hits(scores).mean() + gains(scores).mean()) / 2)


def added_up(tried: list[tuple[dict[str, Any], np.ndarray]]) -> None:
    """Print the sum that grows best, a model at a time, none of them weighted."""
    total, best = np.zeros_like(tried[0][1]), 0.0
    print("\nadded up on the validation part")
    for _ in range(MOST_TOGETHER):
        settings, scores = max(tried, key=lambda one: value(total + one[1]))
        if value(total + scores) <= best:
            break
        total, best = total + scores, value(total + scores)
        print(f"{words(total)}  + {rounded(settings)}", flush=True)


def words(scores: np.ndarray) -> str:
    """Both metrics."""
    return f"HR@10 {hits(scores).mean():.4f}  NDCG@10 {gains(scores).mean():.4f}"


def rounded(settings: dict[str, Any]) -> dict[str, Any]:
    """Settings to be read."""
    return {name: float(f"{x:.4g}") if isinstance(x, float) else x for name, x in settings.items()}
