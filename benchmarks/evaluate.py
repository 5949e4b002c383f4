"""What a report costs: full ranking of 25,000 items for 100,000 users, every metric and interval, on two threads.

    python benchmarks/evaluate.py [--users 100000] [--items 25000] [--pairs 5000000] [--factors 64]

Data are power-law pairs by seed; a share of each user's pairs is held out and a model is fitted on the rest before the
clock starts. Printed are the seconds of `evaluate`, with and without baselines, the processor time, and the peak of
memory beside what data and model take.
"""

from __future__ import annotations

import argparse
import time

import ridgeback as rb
from machine import forget_peak, memory_bytes
from ridgeback.data.synthetic import power_law


def main() -> None:
    """Fit once, evaluate, print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--users", type=int, default=100_000)
    parser.add_argument("--items", type=int, default=25_000)
    parser.add_argument("--pairs", type=int, default=5_000_000)
    parser.add_argument("--factors", type=int, default=64)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    train, test = rb.split.random_per_user(power_law(options.users, options.items, options.pairs))
    model = rb.ImplicitALS(options.factors, n_iterations=2, n_threads=options.threads).fit(train)
    print(f"{options.users:,} users x {options.items:,} items, {options.factors} factors, {options.threads} threads")
    print(f"{train.nnz:,} pairs to learn from, {test.nnz:,} held out")
    for words, more in (
        ("lists, AUC, tenths", {"baselines": False, "n_resamples": 0}),
        ("and 1,000 resamples", {"baselines": False}),
        ("and baselines", {}),
    ):
        forget_peak()
        before, began, used = memory_bytes("VmRSS"), time.perf_counter(), time.process_time()
        report = rb.evaluate(model, train, test, **more)
        seconds, used = time.perf_counter() - began, time.process_time() - used
        peak = (memory_bytes("VmHWM") - before) / 1e6
        print(f"{words:<22}{seconds:>8.1f} s {used:>8.1f} s of processors {peak:>8.0f} MB above what was held before")
    print(f"{report.n_users:,} users judged, ndcg@20 {report.metrics['ndcg@20']:.4f}; {', '.join(report.baselines)}")
    print(*(note for note in report.notes if "item model" in note), sep="\n")


if __name__ == "__main__":
    main()
