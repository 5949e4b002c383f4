"""What a search of some minutes is worth, on a test part that it never saw: the tuned model beside the untuned one.

Ratings from 4 on (lastfm: every artist listened to), each user's pairs cut at random into 80 % for training, 10 % for
validation, which alone chooses, and 10 % for the test. Both models are then fitted to the 90 % and judged on the test
part, paired by user.

Run: python benchmarks/quality/tune.py [--set ml-1m] [--minutes 5] [--n-threads 2]
"""

from __future__ import annotations

import argparse
import resource
import time

from datasets import implicit_sets

import ridgeback as rb


def main() -> None:
    """Search, fit, judge, print."""
    sets = implicit_sets()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--set", choices=list(sets), default="ml-1m")
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--metric", default="ndcg@20")
    parser.add_argument("--n-threads", type=int, default=None)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()

    rest, test = rb.split.random_per_user(sets[asked.set](), test_fraction=0.1, random_state=asked.seed)
    train, validation = rb.split.random_per_user(rest, test_fraction=1 / 9, random_state=asked.seed)
    model = rb.ImplicitALS(n_threads=asked.n_threads)
    print(
        f"{asked.set}: {train.nnz:,} pairs for training, {validation.nnz:,} for validation, {test.nnz:,} for the test"
    )
    began = time.perf_counter()
    study = rb.tune(model, train, validation, metric=asked.metric, minutes=asked.minutes, random_state=asked.seed)
    seconds = time.perf_counter() - began
    print(f"{study}\n\nasked for {60 * asked.minutes:.0f} s, took {seconds:.1f} s; {study.best_params}\n")

    k = int(asked.metric.partition("@")[2])
    reports = [
        rb.evaluate(fitted, rest, test, k=k, baselines=False) for fitted in (study.model, model.clone().fit(rest))
    ]
    for name, report in zip(("tuned", "untuned"), reports, strict=True):
        value, interval = report.metrics[asked.metric], report.intervals[asked.metric]
        print(f"{name:<8} {asked.metric} {value:.4f}, 95 % between {interval.low:.4f} and {interval.high:.4f}")
    ratio = reports[0].metrics[asked.metric] / reports[1].metrics[asked.metric] - 1
    print(f"on the test part: {reports[0].compare(reports[1]).sentence(asked.metric)} ({ratio:+.1%})")
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")


if __name__ == "__main__":
    main()
