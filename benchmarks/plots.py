"""Draw the plots of docs/benchmarks.md from benchmarks/results/*.json, with matplotlib from the peers' environment.

    .venv-bench/bin/python benchmarks/plots.py    # as part of `make bench-page`

The same results give the same bytes: identifiers are derived from a fixed salt, and no date or version is written.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("svg")
import matplotlib.pyplot as plt

HERE = Path(__file__).resolve().parent
COLOURS = {
    "ridgeback": "#0b6e4f",
    "implicit": "#8a8f98",
    "irspack": "#5b7fa6",
    "rusket": "#b08968",
    "cmfrec": "#9c5b8a",
}
COLOURS |= {"duckdb": "#c2a83e", "pandas": "#6a4c93"}
Report = dict[str, Any]


def colour(row: dict[str, Any]) -> str:
    """A library's colour."""
    return COLOURS.get(row["library"], "#444444")


def bars(groups: dict[str, list[dict[str, Any]]], figure_of: Callable[[dict[str, Any]], float], words: str) -> Any:
    """A panel a group, a bar a contestant, its figure at its end."""
    n_bars = max(len(rows) for rows in groups.values())
    figure, panels = plt.subplots(
        1, len(groups), figsize=(4.2 * len(groups), 0.8 + 0.34 * n_bars), squeeze=False, layout="constrained"
    )
    for panel, (title, rows) in zip(panels[0], groups.items(), strict=True):
        values = [figure_of(row) for row in rows]
        names = [row.get("contestant") or row["library"] for row in rows]
        places = range(len(rows))
        panel.barh(places, values, color=[colour(row) for row in rows])
        panel.set_yticks(places, names)
        panel.invert_yaxis()
        for place, value in enumerate(values):
            panel.text(value, place, f" {value:.3g}", va="center", fontsize=8)
        panel.set_xlim(0, 1.2 * max(values))
        panel.set_title(title, fontsize=10)
        panel.set_xlabel(words)
    return figure


def grouped(report: Report, *keys: str) -> dict[str, list[dict[str, Any]]]:
    """Rows by some of their keys."""
    groups: dict[str, list[dict[str, Any]]] = {}
    for row in report["rows"]:
        title = ", ".join(f"k = {row[key]}" if key == "k" else str(row[key]) for key in keys)
        groups.setdefault(title, []).append(row)
    return groups


def draw_epoch(report: Report) -> Any:
    return bars(grouped(report, "k"), lambda row: row["epoch_s"], "seconds an epoch")


def draw_explicit(report: Report) -> Any:
    return bars(grouped(report, "data", "k"), lambda row: row["epoch_s"], "seconds an epoch")


def draw_recommend(report: Report) -> Any:
    return bars({f"top {report['settings']['k']}": report["rows"]}, lambda row: row["seconds"], "seconds")


def draw_read(report: Report) -> Any:
    return bars(grouped(report, "ids"), lambda row: row["seconds"], "seconds")


def draw_memory(report: Report) -> Any:
    return bars(grouped(report, "k"), lambda row: row["ratio"], "peak over data and factors")


def draw_objective(report: Report) -> Any:
    """Share above the yardstick over seconds, both axes logarithmic."""
    groups = grouped(report, "data")
    figure, panels = plt.subplots(1, len(groups), figsize=(5.2 * len(groups), 3.6), squeeze=False, layout="constrained")
    styles = ("-", "--", ":", "-.")
    for panel, (title, rows) in zip(panels[0], groups.items(), strict=True):
        drawn: dict[str, int] = {}
        for row in rows:
            share = [max(value / row["yardstick"] - 1, 1e-6) for value in row["objectives"]]
            each = row["seconds"] / len(share)
            style = styles[drawn.get(row["library"], 0) % len(styles)]
            drawn[row["library"]] = drawn.get(row["library"], 0) + 1
            seconds = [each * (place + 1) for place in range(len(share))]
            panel.plot(seconds, share, style, color=colour(row), label=row["contestant"], linewidth=1.4)
        panel.axhline(report["settings"]["tolerance"], color="#bbbbbb", linewidth=0.8)
        panel.set_xscale("log")
        panel.set_yscale("log")
        panel.set_title(title, fontsize=10)
        panel.set_xlabel("seconds")
        panel.set_ylabel("objective above the exact optimum, share")
        panel.legend(fontsize=7)
    return figure


def draw_growth(report: Report) -> Any:
    """Processor time an interaction over the number of interactions."""
    figure, panel = plt.subplots(figsize=(5.2, 3.4), layout="constrained")
    for title, rows in grouped(report, "model", "k").items():
        panel.plot(
            [row["n_interactions"] for row in rows], [row["cpu_ns_per_interaction"] for row in rows], "o-", label=title
        )
    panel.set_xscale("log")
    panel.set_ylim(bottom=0)
    panel.set_xlabel("interactions")
    panel.set_ylabel("processor ns an interaction and epoch")
    panel.legend(fontsize=8)
    return figure


def draw_roofline(report: Report) -> Any:
    """How many times the binding limit every kernel takes."""
    groups = grouped(report, "k")
    for rows in groups.values():
        for row in rows:
            row |= {"contestant": row["kernel"], "library": "ridgeback"}
    figure = bars(groups, lambda row: row["times_the_limit"], "times the limit that binds")
    for panel in figure.axes:
        panel.axvline(1.0, color="#bbbbbb", linewidth=0.8)
    return figure


DRAWINGS: dict[str, Callable[[Report], Any]] = {
    "epoch": draw_epoch,
    "objective": draw_objective,
    "exact_epoch": draw_epoch,
    "explicit": draw_explicit,
    "recommend": draw_recommend,
    "read": draw_read,
    "memory": draw_memory,
    "growth": draw_growth,
    "roofline": draw_roofline,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--results", type=Path, default=HERE / "results")
    parser.add_argument("--output", type=Path, default=HERE.parent / "docs" / "benchmarks")
    arguments = parser.parse_args()
    plt.rcParams.update({"svg.hashsalt": "ridgeback", "font.size": 9, "axes.spines.top": False})
    plt.rcParams.update({"axes.spines.right": False, "svg.fonttype": "none", "font.family": "sans-serif"})
    arguments.output.mkdir(parents=True, exist_ok=True)
    for name, draw in DRAWINGS.items():
        path = arguments.results / f"{name}.json"
        if path.exists():
            figure = draw(json.loads(path.read_text(encoding="utf-8")))
            nothing = {"Date": None, "Creator": None}
            figure.savefig(arguments.output / f"{name}.svg", bbox_inches="tight", metadata=nothing)
            plt.close(figure)


if __name__ == "__main__":
    main()
