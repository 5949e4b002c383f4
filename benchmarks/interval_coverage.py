"""How often intervals cover the truth: samples of users from a population whose averages are known.

    python benchmarks/interval_coverage.py [--trials 400] [--users 300]

The population are all judged users of an invented catalogue: the truth is the average over them. Each trial draws some
of them and makes bootstrap intervals, as `evaluate` does, of the figures of two models and of their difference.
"""

from __future__ import annotations

import argparse
import math

import numpy as np

import ridgeback as rb
from ridgeback.data.synthetic import catalogue
from ridgeback.evaluation.bootstrap import Figure, Resampling, figures_of_users, resampled
from ridgeback.evaluation.deciles import UserSums

LEVELS = (0.8, 0.95)
METRICS = ("recall@10", "ndcg@10", "mrr@10", "hit_rate@10", "auc", "novelty@10", "rmse", "mae")


def main() -> None:
    """Print the share of covered truths by figure and level."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--trials", type=int, default=400)
    parser.add_argument("--users", type=int, default=300, help="users a trial")
    parser.add_argument("--population", type=int, default=20_000)
    options = parser.parse_args()
    models = _population(options.population)
    everybody = [_figures(report, np.arange(report.n_users)) for report in models]
    truths = {name: tuple(figures[name].value for figures in everybody) for name in METRICS}
    covered = {(name, kind, level): 0 for name in METRICS for kind in ("figure", "difference") for level in LEVELS}
    rng = np.random.default_rng(0)
    for trial in range(options.trials):
        drawn = rng.choice(models[0].n_users, options.users, replace=False)
        draws = [resampled(_figures(report, drawn), Resampling(random_state=trial)) for report in models]
        for name, (one, two) in truths.items():
            values = {"figure": (draws[0][name], one), "difference": (draws[0][name] - draws[1][name], one - two)}
            for (kind, (resamples, truth)), level in ((pair, level) for pair in values.items() for level in LEVELS):
                interval = Resampling(level).interval(resamples)
                covered[name, kind, level] += interval is not None and interval.low <= truth <= interval.high
    error = math.sqrt(0.05 * 0.95 / options.trials)
    print(f"{models[0].n_users:,} users are the population; {options.trials} trials of {options.users} users each;")
    print(f"95 % has a standard error of {100 * error:.1f} points")
    head = [f"{kind} {100 * level:g} %" for kind in ("figure", "difference") for level in LEVELS]
    print(f"{'':<14}" + "".join(f"{words:>18}" for words in head))
    for name in METRICS:
        shares = [covered[name, kind, level] for kind in ("figure", "difference") for level in LEVELS]
        print(f"{name:<14}" + "".join(f"{100 * share / options.trials:>16.1f} %" for share in shares))


def _population(n_users: int) -> list[rb.Report]:
    """Reports of two models, which judge the same users."""
    data = catalogue(n_users=n_users, n_items=400)
    train, test = rb.split.random_per_user(data, test_fraction=0.3)
    models = (rb.ExplicitALS(n_factors=8, n_iterations=6), rb.BiasBaseline())
    return [rb.evaluate(model, train, test, k=10, baselines=False, n_resamples=0) for model in models]


def _figures(report: rb.Report, rows: np.ndarray) -> dict[str, Figure]:
    """The figures of some judged users."""
    by_user = {name: values[rows] for name, values in report.by_user.items()}
    sums = report.pair_sums
    assert sums is not None
    own = sums.users.match(report.users)[rows]
    pairs = UserSums(
        sums.users.take(own), sums.activity[own], sums.n_pairs[own], {n: v[own] for n, v in sums.sums.items()}
    )
    return figures_of_users(by_user, pairs)


if __name__ == "__main__":
    main()
