"""One new user in process, as a server asks: ids in, factors out; and the same user on to a list of 10.

    python benchmarks/fold_in.py
    python benchmarks/fold_in.py --quick

The model is fitted on made-up interactions; histories are drawn from its items. Each round takes every history once, on
one thread, and counts microseconds a history; the rows are medians over the rounds. `solver alone` is the native call
on a row that is ready, from the Gramian that the model keeps.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

import ridgeback as rb
from results import median, parse, save, spread, table
from ridgeback.data.synthetic import power_law
from ridgeback.models.row_solver import Side


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--n-users", type=int, default=20_000)
    parser.add_argument("--n-items", type=int, default=27_278)
    parser.add_argument("--n-interactions", type=int, default=1_000_000)
    parser.add_argument("--n-factors", type=int, nargs="+", default=[64, 128, 256])
    parser.add_argument("--n-known", type=int, nargs="+", default=[3, 30, 300], help="items in a history")
    parser.add_argument("--n-histories", type=int, default=300)
    arguments = parse(parser, "fold_in", {"n_factors": [64], "n_interactions": 200_000}, repeats=7)
    matrix = power_law(
        arguments.n_users, arguments.n_items, arguments.n_interactions, random_state=arguments.random_state
    )
    words = rb.Interactions.from_csr(
        matrix, [f"user {row}" for row in range(matrix.n_rows)], [f"item {row}" for row in range(matrix.n_columns)]
    )
    runs = []
    for k in arguments.n_factors:
        by_number, by_word = (rb.ImplicitALS(k, n_iterations=1, n_threads=1).fit(data) for data in (matrix, words))
        for n_known in arguments.n_known:
            runs += measure(by_number, by_word, k, n_known, arguments)
    rows = summaries(runs)
    print(show(save("fold_in", arguments, rows, runs=runs)))


def show(report: dict[str, Any]) -> str:
    """The table of a result."""
    return table(HEADER, [cells(row) for row in report["rows"]])


def measure(
    by_number: rb.ImplicitALS, by_word: rb.ImplicitALS, k: int, n_known: int, arguments: argparse.Namespace
) -> list[dict[str, Any]]:
    """Every round of every way to ask."""
    rng = np.random.default_rng(arguments.random_state)
    drawn = [rng.choice(arguments.n_items, n_known, replace=False) for _ in range(arguments.n_histories)]
    numbers = [rows.tolist() for rows in drawn]
    texts = [[f"item {row}" for row in rows] for rows in numbers]
    ways: dict[str, tuple[Callable[[Any], Any], Sequence[Any]]] = {
        "int ids": (by_number.fold_in, numbers),
        "int array": (by_number.fold_in, drawn),
        "text ids": (by_word.fold_in, texts),
        "int ids, then a list of 10": (lambda ids: by_number.fold_in(ids).recommend(10), numbers),
        "all int ids in one call": (lambda _: by_number.fold_in_many(numbers), [None]),
        "solver alone": (ready_row(by_number, numbers[0]), numbers),
    }
    runs = []
    for repeat in range(arguments.repeats):
        for way, (ask, histories) in ways.items():
            began = time.perf_counter()
            for history in histories:
                ask(history)
            elapsed_us = 1e6 * (time.perf_counter() - began) / len(numbers)
            runs.append({"k": k, "n_known": n_known, "way": way, "repeat": repeat, "elapsed_us": elapsed_us})
    return runs


def ready_row(model: rb.ImplicitALS, history: list[int]) -> Callable[[Any], Any]:
    """The native call alone, on one row."""
    problem = model._row_problem("users", model.fold_in(history)._history)
    fixed, own = Side(model.item_factors_, None), Side(np.zeros_like(model.user_factors_[:1]), None)
    gram, solver = model._item_gram(), model._final_solver()
    return lambda _: solver.solve(problem, fixed, own, gram, n_threads=1, cancel=None)


def summaries(runs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """One row for each k, length and way."""
    keys = ("k", "n_known", "way")
    groups = dict.fromkeys(tuple(run[key] for key in keys) for run in runs)
    rows = []
    for group in groups:
        found = [run["elapsed_us"] for run in runs if tuple(run[key] for key in keys) == group]
        rows.append(dict(zip(keys, group, strict=True)) | {"median_us": median(found), "all_us": found})
    return rows


HEADER = ("k", "items in the history", "what is asked", "µs a user (least - most)")


def cells(row: dict[str, Any]) -> list[str]:
    """A row of the table."""
    return [str(row["k"]), str(row["n_known"]), row["way"], spread(row["all_us"])]


if __name__ == "__main__":
    main()
