"""What a fit was expected to cost beside what it did cost: seconds and peak memory, up to 2,048 factors.

    python benchmarks/fit_cost.py                                  # ml-1m and lastfm, cg and exact, on one thread
    python benchmarks/fit_cost.py --n-factors 1024 --solvers cg    # one of them

Each fit in a process of its own, with few iterations; the peak is the highest resident size during the fit above that
before the data were read. Both forecasts are for the very fit that is run.
"""

from __future__ import annotations

import argparse
import json
import sys
import time

from machine import forget_peak, memory_bytes
from results import run_fresh, table

HEADER = ("data", "model", "factors", "forecast (s)", "fit (s)", "ratio", "forecast (MB)", "peak (MB)", "ratio")
NAMES = ("ml-1m", "lastfm")


def work(name: str, solver: str, n_factors: int, n_iterations: int, n_threads: int) -> None:
    """In a process of its own: a small fit, then the data and the measured fit."""
    import ridgeback as rb
    from quality.datasets import implicit_sets
    from ridgeback.data.fit_cost import DataSize, fit_cost

    model = rb.ImplicitALS(n_factors, solver=solver, n_iterations=n_iterations, n_threads=n_threads)
    rb.ImplicitALS(4, n_iterations=1, regularization=0.01).fit(rb.Interactions.from_arrays([1, 1, 2], [1, 2, 1]))
    before = memory_bytes("VmRSS")
    data = implicit_sets()[name]()
    cost = fit_cost(model, DataSize.of(data))
    forget_peak()
    began = time.process_time()
    model.fit(data)
    seconds = time.process_time() - began
    found = {"seconds": seconds, "peak_bytes": memory_bytes("VmHWM") - before, "live_rank": model.live_rank_}
    print(json.dumps(found | {"forecast_s": cost.seconds, "forecast_bytes": cost.peak_bytes}))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", nargs="+", choices=NAMES, default=list(NAMES))
    parser.add_argument("--solvers", nargs="+", choices=("cg", "exact"), default=["cg", "exact"])
    parser.add_argument("--n-factors", type=int, nargs="+", default=[64, 128, 256, 512, 1024, 2048])
    parser.add_argument("--n-iterations", type=int, default=2)
    parser.add_argument("--n-threads", type=int, default=1)
    parser.add_argument("--work", nargs=3, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    shared = [f"--n-iterations={arguments.n_iterations}", f"--n-threads={arguments.n_threads}"]
    if arguments.work:
        name, solver, n_factors = arguments.work
        work(name, solver, int(n_factors), arguments.n_iterations, arguments.n_threads)
        return
    lines = []
    for name in arguments.data:
        for solver in arguments.solvers:
            for n_factors in arguments.n_factors:
                run = run_fresh(sys.executable, "fit_cost.py", ["--work", name, solver, str(n_factors), *shared], {})
                figures = [
                    f"{value:.{digits}f}"
                    for expected, found, unit, digits in (
                        (run["forecast_s"], run["seconds"], 1.0, 2),
                        (run["forecast_bytes"], run["peak_bytes"], 1e6, 0),
                    )
                    for value in (expected / unit, found / unit)
                ]
                ratios = (run["forecast_s"] / run["seconds"], run["forecast_bytes"] / run["peak_bytes"])
                cells = [
                    name,
                    solver,
                    str(n_factors),
                    *figures[:2],
                    f"{ratios[0]:.2f}",
                    *figures[2:],
                    f"{ratios[1]:.2f}",
                ]
                lines.append(cells)
                print(" ".join(cells), file=sys.stderr, flush=True)
    print(table(HEADER, lines))


if __name__ == "__main__":
    main()
