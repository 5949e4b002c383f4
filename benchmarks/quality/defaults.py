"""How ImplicitALS's defaults were chosen: NDCG@20 on validation parts of six sets, every setting on every set.

A fifth of each set is put aside as test part; a fifth of the rest is the validation part, which chooses. The chosen
setting, of those with 64 factors, is least far behind each set's best on the set where it is furthest behind; "without"
is what the other sets would have chosen. At the end the chosen setting and each set's own best, of all, are fitted to
training and validation part and judged on the test part, once.

    python benchmarks/quality/defaults.py                              # half an hour on two processors
    python benchmarks/quality/defaults.py --sets ml-100k ml-small kmrd --output some.json

What the output file has of the settings is not measured again.
"""

from __future__ import annotations

import argparse
import json
import time
import warnings
from dataclasses import asdict
from typing import Any

import numpy as np
from datasets import implicit_sets
from settings import Setting, settings
from written import arguments_of, save, table

import ridgeback as rb

Curves = dict[str, dict[str, list[float]]]
N_ITERATIONS = 16
BEFORE = 0  # place among the settings of what the defaults were before


def parts(name: str) -> tuple[rb.Interactions, rb.Interactions, rb.Interactions, rb.Interactions]:
    """Training, validation, training and validation together, test."""
    rest, test = rb.split.random(implicit_sets()[name](), test_fraction=0.2, random_state=0)
    return *rb.split.random(rest, test_fraction=0.2, random_state=1), rest, test


def measured(arguments: argparse.Namespace, tried: list[Setting]) -> Curves:
    """The validation NDCG@20 after each iteration, by set and setting; the file is written after each set."""
    curves: Curves = json.loads(arguments.output.read_text())["curves"] if arguments.output.exists() else {}
    for name in arguments.sets:
        known = curves.setdefault(name, {})
        missing = [setting for setting in tried if setting.key() not in known]
        if missing:
            train, validation, _, _ = parts(name)
        for setting in missing:
            parameters = setting.parameters(train)
            model = rb.ImplicitALS(n_iterations=N_ITERATIONS, n_threads=arguments.n_threads, **parameters)
            model.fit(train, validation=validation, metric="ndcg@20")
            known[setting.key()] = [
                round(record["validation"], 5) for record in model.history_ if record["side"] == "items"
            ]
        save("defaults", arguments, [], curves=curves)
    return curves


def relative(curves: Curves, names: list[str], tried: list[Setting], iteration: int) -> Any:
    """NDCG@20 after an iteration, over the best of the set after any, shape (settings, sets)."""
    best = {name: max(max(curve) for curve in curves[name].values()) for name in names}
    return np.array([[curves[name][setting.key()][iteration - 1] / best[name] for name in names] for setting in tried])


def chosen(shares: Any, tried: list[Setting]) -> int:
    """The row with the highest least value, of those with the default's number of factors."""
    has_default = np.array([setting.n_factors == Setting().n_factors for setting in tried])
    return int(np.argmax(np.where(has_default, shares.min(axis=1), 0.0)))


def without_each(shares: Any, names: list[str], tried: list[Setting]) -> dict[str, tuple[int, float]]:
    """What the other sets would have chosen, and what that gives there."""
    if len(names) == 1:
        return {}
    found = {}
    for place, name in enumerate(names):
        other = chosen(np.delete(shares, place, axis=1), tried)
        found[name] = other, float(shares[other, place])
    return found


def show(curves: Curves, names: list[str], tried: list[Setting]) -> Setting:
    """Print every setting, what was chosen, and what would have been chosen without each set."""
    shares = relative(curves, names, tried, N_ITERATIONS)
    print(f"NDCG@20 on the validation part after {N_ITERATIONS} iterations, over the best of each set\n")
    order = np.argsort(-shares.min(axis=1), kind="stable")
    best, others = chosen(shares, tried), without_each(shares, names, tried)
    lines = [(str(tried[place]), *_digits(shares[place]), f"{shares[place].min():.3f}") for place in order]
    lines.append(("**the best for the other sets**", *_digits([share for _, share in others.values()]), ""))
    print(table(["", *names, "least"], lines))
    print(f"\nchosen: {tried[best]}")
    for name, (other, share) in others.items():
        print(f"without {name:<9} {tried[other]}   there {share:.3f}")
    print("\nthe chosen setting after n iterations")
    iterations = (2, 4, 8, 12, 16)
    rows = [(n, *_digits(relative(curves, names, tried, n)[best])) for n in iterations]
    print(table(["", *names], rows), flush=True)
    return tried[best]


def judge(arguments: argparse.Namespace, curves: Curves, tried: list[Setting], setting: Setting) -> dict[str, Any]:
    """The test part's NDCG@20, printed, of what was before, the chosen setting, the set's own best, and popularity."""
    print("\nNDCG@20 on the test part\n")
    judged: dict[str, Any] = {}
    for name in arguments.sets:
        _, _, rest, test = parts(name)
        own = max(tried, key=lambda one: curves[name][one.key()][-1])
        judged[name] = {"popularity": ndcg(rb.Popularity().fit(rest), rest, test), "own": asdict(own)}
        for word, one in {"before": tried[BEFORE], "chosen": setting, "the set's own best": own}.items():
            began = time.perf_counter()
            model = rb.ImplicitALS(n_iterations=N_ITERATIONS, n_threads=arguments.n_threads, **one.parameters(rest))
            model.fit(rest)
            judged[name][f"{word}, seconds a fit"] = round(time.perf_counter() - began, 2)
            judged[name][word] = ndcg(model, rest, test)
    words = ("popularity", "before", "chosen", "the set's own best")
    rows = [(word, *(f"{judged[name][word]:.4f}" for name in arguments.sets)) for word in words]
    rows.append(("chosen over best", *_digits([judged[n][words[2]] / judged[n][words[3]] for n in arguments.sets])))
    print(table(["NDCG@20", *arguments.sets], rows), flush=True)
    return judged


def ndcg(model: Any, train: rb.Interactions, test: rb.Interactions) -> float:
    """NDCG@20 over all items."""
    report = rb.evaluate(model, train, test, k=20, baselines=False, n_resamples=0)
    return round(float(report.metrics["ndcg@20"]), 5)


def _digits(values: Any) -> list[str]:
    return [f"{value:.3f}" for value in values]


def main() -> None:
    """Measure what is not in the file yet, print, and write the file."""
    arguments = arguments_of(__doc__, "defaults")
    warnings.simplefilter("ignore", rb.RidgebackWarning)  # some settings end at zero, as their figures show
    names, tried = arguments.sets, settings()
    curves = measured(arguments, tried)
    setting = show(curves, names, tried)
    shares = relative(curves, names, tried, N_ITERATIONS)
    rows = [
        {"setting": asdict(one), "share_of_best": dict(zip(names, np.round(share, 4).tolist(), strict=True))}
        for one, share in zip(tried, shares, strict=True)
    ]
    others = {
        name: {"setting": asdict(tried[place]), "share_of_best": round(share, 4)}
        for name, (place, share) in without_each(shares, names, tried).items()
    }
    judged = judge(arguments, curves, tried, setting)
    parts = {"chosen": asdict(setting), "without_each": others, "test": judged, "curves": curves}
    save("defaults", arguments, rows, seeds={"split": [0, 1], "model": 0}, **parts)


if __name__ == "__main__":
    main()
