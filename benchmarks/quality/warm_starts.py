"""Whether a sweep over n_factors gains by starting each fit from the one with fewer factors.

Each set is fitted with growing numbers of factors on four fifths, drawn at random; each fit from a cold start, and from
the warm fit before, whose principal axes are padded with small random columns (several sizes of "small"). A warm fit
runs as many iterations as the cold one; printed is after how many of them it has the cold fit's final loss, to 1e-4 of
it, and the cold fit's held-out figure, to 5e-3 of it, and the seconds that took beside those of the whole cold fit.

Run: python benchmarks/quality/warm_starts.py [SET ...]     (one thread)
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from typing import Any

from datasets import implicit_sets, ml_1m_ratings, ml_100k

import ridgeback as rb
from ridgeback.data.synthetic import low_rank_ratings

SCALES = (0.1, 0.5)  # init_scale of the fresh columns; 0.1 is the default
LOSS_TOLERANCE, METRIC_TOLERANCE = 1e-4, 5e-3
HEADER = (
    f"{'factors':>7} {'start':>9} {'loss':>13} {'held out':>9} {'live':>5} {'loss reached':>16} {'metric reached':>16}"
)


def ratings_ml_100k() -> rb.Interactions:
    """MovieLens 100K as ratings."""
    rows, _ = ml_100k()
    return rb.Interactions.from_arrays(rows[:, 0], rows[:, 1], ratings=rows[:, 2])


def runs() -> dict[str, tuple[Callable[[], rb.Interactions], Any, tuple[int, ...]]]:
    """Data, model and numbers of factors by name."""
    sets, implicit = implicit_sets(), rb.ImplicitALS(n_threads=1)
    explicit, weak = rb.ExplicitALS(n_threads=1), rb.ExplicitALS(regularization=0.02, n_threads=1)
    planted = functools.partial(low_rank_ratings, 600, 400, n_factors=8, density=0.15, noise=0.1)
    return {
        "ml-100k": (sets["ml-100k"], implicit, (16, 32, 64, 128, 256)),
        "ml-100k exact": (sets["ml-100k"], rb.ImplicitALS(solver="exact", n_threads=1), (16, 32, 64, 128)),
        "lastfm": (sets["lastfm"], implicit, (32, 64, 128, 256, 512)),
        "ml-1m": (sets["ml-1m"], implicit, (32, 64, 128, 256)),
        "rank 8, ratings": (planted, explicit, (4, 8, 16, 32)),
        "ml-100k ratings": (ratings_ml_100k, explicit, (4, 8, 16, 32)),
        "ml-100k ratings, regularization=0.02": (ratings_ml_100k, weak, (4, 8, 16, 32)),
        "ml-1m ratings": (ml_1m_ratings, explicit, (8, 16, 32)),
    }


def fit(model: Any, train: rb.Interactions, test: rb.Interactions) -> tuple[list[dict[str, Any]], Any]:
    """The records after each iteration, and the fitted model."""
    fitted = model.fit(train, validation=test)
    return [record for record in fitted.history_ if record["side"] == "items"], fitted


def reached(records: list[dict[str, Any]], name: str, is_reached: Callable[[float], bool]) -> str:
    """The first iteration at which a figure is there, and the seconds until then."""
    first = next((record for record in records if is_reached(record[name])), None)
    return "never" if first is None else f"{first['iteration']} in {first['elapsed_s']:.2f} s"


def compare(model: Any, data: rb.Interactions, sizes: tuple[int, ...]) -> None:
    """Print a line a number of factors and start."""
    train, test = rb.split.random(data, test_fraction=0.2, random_state=0)
    sign = -1 if type(model).default_metric == "rmse" else 1
    before: dict[float, Any] = {}
    print(HEADER)
    for size in sizes:
        cold, fitted = fit(model.clone().set_params(n_factors=size), train, test)
        loss, held_out = cold[-1]["loss"], cold[-1]["validation"]

        def show(
            start: str, records: list[dict[str, Any]], own: Any, loss: float = loss, value: float = held_out
        ) -> None:
            by_loss = reached(records, "loss", lambda found: found <= loss * (1 + LOSS_TOLERANCE))
            by_metric = reached(
                records, "validation", lambda found: sign * (found - value) >= -METRIC_TOLERANCE * abs(value)
            )
            last = records[-1]
            print(
                f"{own.item_factors_.shape[1]:>7} {start:>9} {last['loss']:>13,.2f} {last['validation']:>9.4f} "
                f"{own.live_rank_:>5} {by_loss:>16} {by_metric:>16}",
                flush=True,
            )

        show("cold", cold, fitted)
        for scale in SCALES:
            if scale in before:
                warm = model.clone().set_params(n_factors=size, init=before[scale], init_scale=scale)
                records, before[scale] = fit(warm, train, test)
                show(f"warm {scale:g}", records, before[scale])
            else:
                before[scale] = fitted


def main(*wanted: str) -> None:
    """Print a table a set."""
    for name, (read, model, sizes) in runs().items():
        if not wanted or name in wanted:
            print(f"\n{name}: {model!r}")
            compare(model, read(), sizes)


if __name__ == "__main__":
    main(*sys.argv[1:])
