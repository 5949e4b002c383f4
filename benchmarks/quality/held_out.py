"""A model judged on held-out ratings as the published tables judge it: every pair, clipped, with time and memory."""

from __future__ import annotations

import resource
import time
from dataclasses import dataclass

import numpy as np

import ridgeback as rb


@dataclass(frozen=True)
class Judged:
    """What one fit gave on one test part."""

    rmse: float
    mae: float
    coverage: float
    seconds: float
    cpu_seconds: float

    def __str__(self) -> str:
        covered = "" if np.isnan(self.coverage) else f", 90 % interval holds {100 * self.coverage:.1f} %"
        return (
            f"RMSE {self.rmse:.4f}, MAE {self.mae:.4f}{covered}, {self.seconds:.0f} s ({self.cpu_seconds:.0f} s of CPU)"
        )


def interactions(rows: np.ndarray) -> rb.Interactions:
    """Rows (user, item, rating) as data."""
    return rb.Interactions.from_arrays(rows[:, 0], rows[:, 1], ratings=rows[:, 2])


def judge(model, train: np.ndarray, test: np.ndarray) -> Judged:
    """Fit on rows (user, item, rating) and predict others.

    Pairs of users and items that training does not have count too: with the fallback of `rb.evaluate`.
    """
    began, cpu_began = time.perf_counter(), time.process_time()
    model = model.clone().fit(interactions(train))
    seconds, cpu_seconds = time.perf_counter() - began, time.process_time() - cpu_began
    metrics = rb.evaluate(model, interactions(train), interactions(test), baselines=False).metrics
    coverage = np.nan
    if isinstance(model, rb.BayesianALS):
        known = np.isin(test[:, 0], train[:, 0]) & np.isin(test[:, 1], train[:, 1])
        interval = model.predict_interval(test[known, 0], test[known, 1], level=0.9)
        coverage = np.mean((test[known, 2] >= interval.low) & (test[known, 2] <= interval.high))
    return Judged(metrics["rmse"], metrics["mae"], float(coverage), seconds, cpu_seconds)


def summary(name: str, results: list[Judged]) -> str:
    """Means over parts or seeds, the RMSE with its standard deviation and the interval of its mean."""
    rmse = np.array([one.rmse for one in results])
    deviation = rmse.std(ddof=1) if len(rmse) > 1 else 0.0
    half = 1.96 * deviation / np.sqrt(len(rmse))
    covered = np.mean([one.coverage for one in results])
    text = f"{name}: mean RMSE {rmse.mean():.4f} of {len(rmse)}, standard deviation {deviation:.4f}, "
    text += f"95 % between {rmse.mean() - half:.4f} and {rmse.mean() + half:.4f}"
    text += "" if np.isnan(covered) else f", 90 % interval holds {100 * covered:.1f} %"
    seconds, cpu_seconds = (np.mean([getattr(one, name) for one in results]) for name in ("seconds", "cpu_seconds"))
    text += f", {seconds:.0f} s ({cpu_seconds:.0f} s of CPU) a fit"
    return text + f", peak memory {peak_megabytes():.0f} MB"


def peak_megabytes() -> float:
    """The most memory that this process has had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
