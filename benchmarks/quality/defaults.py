"""How ImplicitALS's defaults were chosen: NDCG@20 on validation parts of six sets, every setting on every set.

A fifth of each set is put aside as test part; a fifth of the rest is the validation part, which chooses. The chosen
setting, of those with 64 factors, is least far behind each set's best on the set where it is furthest behind; "without"
is what the other five sets would have chosen. At the end the chosen setting and each set's own best, of all, are fitted
to training and validation part and judged on the test part, once.

Run: python benchmarks/quality/defaults.py [results.json]     (half an hour; results.json is read first and added to)
"""

from __future__ import annotations

import json
import sys
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from datasets import implicit_sets
from settings import Setting, settings

import ridgeback as rb

Curves = dict[str, dict[str, list[float]]]
N_ITERATIONS = 16


def parts(name: str) -> tuple[rb.Interactions, rb.Interactions, rb.Interactions, rb.Interactions]:
    """Training, validation, training and validation together, test."""
    rest, test = rb.split.random(implicit_sets()[name](), test_fraction=0.2, random_state=0)
    return *rb.split.random(rest, test_fraction=0.2, random_state=1), rest, test


def measured(names: list[str], tried: list[Setting], file: Path | None) -> Curves:
    """The validation NDCG@20 after each iteration, by set and setting."""
    curves: Curves = json.loads(file.read_text()) if file is not None and file.exists() else {}
    for name in names:
        train, validation, _, _ = parts(name)
        known = curves.setdefault(name, {})
        for setting in tried:
            if setting.key() in known:
                continue
            model = rb.ImplicitALS(n_iterations=N_ITERATIONS, **setting.parameters(train))
            model.fit(train, validation=validation, metric="ndcg@20")
            known[setting.key()] = [
                round(record["validation"], 5) for record in model.history_ if record["side"] == "items"
            ]
            if file is not None:
                file.write_text(json.dumps(curves, indent=0))
    return curves


def relative(curves: Curves, names: list[str], tried: list[Setting], iteration: int) -> Any:
    """NDCG@20 after an iteration, over the best of the set after any, shape (settings, sets)."""
    best = {name: max(max(curve) for curve in curves[name].values()) for name in names}
    return np.array([[curves[name][setting.key()][iteration - 1] / best[name] for name in names] for setting in tried])


def chosen(table: Any, tried: list[Setting]) -> int:
    """The row with the highest least value, of those with the default's number of factors."""
    has_default = np.array([setting.n_factors == Setting().n_factors for setting in tried])
    return int(np.argmax(np.where(has_default, table.min(axis=1), 0.0)))


def show(curves: Curves, names: list[str], tried: list[Setting]) -> Setting:
    """Print every setting, what was chosen, and what would have been chosen without each set."""
    table = relative(curves, names, tried, N_ITERATIONS)
    print(f"NDCG@20 on the validation part after {N_ITERATIONS} iterations, over the best of each set")
    print(f"{'':<74}" + " ".join(f"{name:>8}" for name in names) + "     mean   least")
    for place in np.argsort(-table.min(axis=1), kind="stable"):
        row = table[place]
        print(f"{tried[place]!s:<74}" + " ".join(f"{v:8.3f}" for v in row) + f"   {row.mean():6.3f}  {row.min():6.3f}")
    best = chosen(table, tried)
    print(f"\nchosen: {tried[best]}")
    for place, name in enumerate(names):
        other = chosen(np.delete(table, place, axis=1), tried)
        print(f"without {name:<9} {tried[other]}   there {table[other, place]:.3f}")
    print("\nthe chosen setting after n iterations")
    for iteration in (2, 4, 8, 12, 16):
        values = relative(curves, names, tried, iteration)[best]
        print(f"  {iteration:>2}  " + "  ".join(f"{name} {v:.3f}" for name, v in zip(names, values, strict=True)))
    return tried[best]


def judge(curves: Curves, names: list[str], tried: list[Setting], setting: Setting) -> None:
    """Print the test part's NDCG@20 of the chosen setting and of each set's own best, with popularity."""
    print("\nNDCG@20 on the test part: chosen setting, the set's own best on validation, before, popularity")
    for name in names:
        _, _, rest, test = parts(name)
        own = max(tried, key=lambda one: curves[name][one.key()][-1])
        figures = []
        for one in (setting, own, tried[0]):
            began = time.perf_counter()
            model = rb.ImplicitALS(n_iterations=N_ITERATIONS, **one.parameters(rest)).fit(rest)
            seconds = time.perf_counter() - began
            figures.append(ndcg(model, rest, test))
        popular = ndcg(rb.Popularity().fit(rest), rest, test)
        print(
            f"  {name:<9} {figures[0]:.4f}  {figures[1]:.4f} ({figures[0] / figures[1]:.3f} of it: {own})  "
            f"{figures[2]:.4f}  {popular:.4f}   {seconds:.1f} s a fit",
            flush=True,
        )


def ndcg(model: Any, train: rb.Interactions, test: rb.Interactions) -> float:
    """NDCG@20 over all items."""
    return float(rb.evaluate(model, train, test, k=20, baselines=False).metrics["ndcg@20"])


def main() -> None:
    """Measure what is not in the file yet, and print."""
    warnings.simplefilter("ignore", rb.RidgebackWarning)  # some settings end at zero, as their figures show
    names, tried = list(implicit_sets()), settings()
    curves = measured(names, tried, Path(sys.argv[1]) if len(sys.argv) > 1 else None)
    judge(curves, names, tried, show(curves, names, tried))


if __name__ == "__main__":
    main()
