"""What a trace costs: fits of MovieLens 1M without one, with a user and an item watched, and with fifty of both.

    python benchmarks/trace.py

Fits alternate, the medians of seven are shown. The factors must be the same to the bit.
"""

from __future__ import annotations

import statistics
import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent / "quality"))

from datasets import ml_1m

import ridgeback as rb

ROUNDS = 7
WATCHED = {"without": 0, "1 user, 1 item": 1, "50 users, 50 items": 50}


def main() -> None:
    """Print seconds and the ratio to the fit without a trace."""
    data = ml_1m()
    for model in (rb.ImplicitALS(), rb.ImplicitALS(solver="exact")):
        seconds: dict[str, list[float]] = {name: [] for name in WATCHED}
        bits = set()
        for _ in range(ROUNDS):
            for name, n in WATCHED.items():
                trace = rb.Trace(_some(data.user_ids, n), _some(data.item_ids, n)) if n else None
                began = time.perf_counter()
                fitted = model.clone().fit(data, trace=trace)
                seconds[name].append(time.perf_counter() - began)
                bits.add(fitted.user_factors_.tobytes() + fitted.item_factors_.tobytes())
        base = statistics.median(seconds["without"])
        print(f"{model}: {len(bits)} distinct result{'s' if len(bits) > 1 else ''} over all fits")
        for name, taken in seconds.items():
            print(f"  {name:<20} {statistics.median(taken):.3f} s  {statistics.median(taken) / base:.2f} x")


def _some(ids: rb.Ids, n: int) -> list[object]:
    """n ids spread over the table."""
    return [ids[int(row)] for row in np.linspace(0, len(ids) - 1, n).astype(int)]


if __name__ == "__main__":
    main()
