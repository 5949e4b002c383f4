"""How far off a search's forecasts are: each setting's seconds as forecast from the fits before it, and as it took.

Settings are drawn at random from the search space of ImplicitALS and fitted for eight iterations, each measured on a
validation part, as a search fits them. The first forecast of a set is the cost model alone.

Run: python benchmarks/quality/forecast.py [--n-settings 12] [--cpu]      (--cpu: seconds of CPU, for a busy machine)
"""

from __future__ import annotations

import argparse
import time
import warnings

import numpy as np
import optuna
from datasets import implicit_sets

import ridgeback as rb
from ridgeback.data.fit_cost import DataSize
from ridgeback.models.defaults import DataShape
from ridgeback.tuning import spaces
from ridgeback.tuning.forecasting import Forecast, Work

SETS = ("ml-100k", "lastfm", "ml-1m")
N_ITERATIONS = 8


def forecasts(data: rb.Interactions, n_settings: int, clock) -> list[tuple[rb.ImplicitALS, float, float]]:
    """Each setting with its forecast and what it took."""
    train, validation = rb.split.random_per_user(data, test_fraction=0.2, random_state=0)
    shape = DataShape.of(train)
    counts = train.user_items.counts().astype(np.int64)
    work = Work(N_ITERATIONS, int(np.count_nonzero(validation.user_items.counts())), int(np.sum(counts**2)))
    forecast = Forecast(DataSize.of(train))
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    found = []
    for _ in range(n_settings):
        model = rb.ImplicitALS(n_threads=1).set_params(**spaces.suggest(rb.ImplicitALS(), study.ask(), shape))
        model.set_params(n_iterations=N_ITERATIONS)
        expected = forecast.seconds(model, work)
        began = clock()
        model.fit(train, validation=validation, metric="ndcg@20")
        took = clock() - began
        forecast.learn(model, work, took)
        found.append((model, expected, took))
    return found


def main() -> None:
    """Print every setting, and how many were within a factor of two."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--n-settings", type=int, default=12)
    parser.add_argument("--cpu", action="store_true")
    asked = parser.parse_args()
    clock = time.process_time if asked.cpu else time.perf_counter
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    warnings.simplefilter("ignore", rb.RidgebackWarning)
    for name in SETS:
        ratios = []
        for model, expected, took in forecasts(implicit_sets()[name](), asked.n_settings, clock):
            ratios.append(took / expected)
            kind = f"{model.n_factors:>3} factors{', neighbours' if model.n_neighbors else ''}"
            print(f"{name:<8} {kind:<24} forecast {expected:7.3f} s  took {took:7.3f} s  ratio {ratios[-1]:.2f}")
        n_within = sum(0.5 <= ratio <= 2 for ratio in ratios)
        print(
            f"{name}: {n_within} of {len(ratios)} within a factor of two, from {min(ratios):.2f} to {max(ratios):.2f} "
            f"times the forecast; the first {ratios[0]:.2f}\n",
            flush=True,
        )


if __name__ == "__main__":
    main()
