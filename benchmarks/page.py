"""Write docs/benchmarks.md from benchmarks/results/*.json; every figure and verdict on the page comes from them.

python benchmarks/page.py                     # `make bench-page` draws the plots too
python benchmarks/page.py --check             # fails where the page is not what the results say
"""

from __future__ import annotations

import argparse
import importlib
import itertools
import json
import math
import re
import sys
from pathlib import Path
from typing import Any

from goals import Goal, goals_of
from results import HERE, table

PAGE = HERE.parent / "docs" / "benchmarks.md"
TITLES = {
    "epoch": "An implicit epoch",
    "epoch_parts": "Where an implicit epoch's time goes",
    "objective": "Seconds to an objective",
    "exact_epoch": "An exact epoch",
    "explicit": "An explicit epoch",
    "recommend": "Recommending to everybody",
    "fold_in": "Folding in a user",
    "read": "Reading",
    "memory": "Memory of a fit",
    "growth": "Growth",
    "roofline": "What the machine can do",
    "row_errors": "Row errors on real data",
    "cg_steps": "Tried: how many conjugate-gradient steps",
    "acceleration": "Tried: accelerating the outer iteration",
}
INTRODUCTION = """\
# Benchmarks

`make bench` measures everything on this page, prints the tables, draws the plots and writes the page anew. The other
libraries live in an environment of their own (`make bench-env`: the versions and hashes of `requirements/bench.txt`).
Each section is one script of `benchmarks/`, which runs alone as well, `--quick` on small data; its result, raw runs
included, is the JSON file of the same name in `benchmarks/results/`. Contestants take turns in fresh processes, each
warmed up; figures are medians. This page is generated from those files, verdicts included.
"""


def page(folder: Path) -> str:
    """The whole page."""
    reports = {
        name: json.loads(path.read_text(encoding="utf-8"))
        for name in TITLES
        if (path := folder / f"{name}.json").exists()
    }
    parts = [INTRODUCTION, *machines(reports), verdicts(reports)]
    for name, report in reports.items():
        parts.append(section(name, report))
        if name == "growth" and "roofline" in reports:
            parts.append(explanation(report, reports["roofline"]["rates"]))
    missing = [f"`{name}.py`" for name in TITLES if name not in reports and (HERE / f"{name}.py").exists()]
    if missing:
        parts.append(f"Not measured for this page: {', '.join(missing)}.\n")
    return "\n".join(parts)


def machines(reports: dict[str, Any]) -> list[str]:
    """On what, and with which versions."""
    facts: dict[str, list[str]] = {}
    for name, report in reports.items():
        m = report["machine"]
        caches = ", ".join(f"{level} {size}" for level, size in m["caches"].items())
        words = (
            f"{m['processor']}, {m['n_cores']} cores ({caches}), {m['memory_bytes'] / 2**30:.0f} GB, {m['system']}, "
            f"Python {m['python']}, instruction set {m['instruction_set']}"
        )
        facts.setdefault(words, []).append(name)
    if len(facts) == 1:
        lines = [f"Machine: {words}.\n" for words in facts]
    else:
        lines = [f"Machine of {', '.join(names)}: {words}.\n" for words, names in facts.items()]
    versions = {library: version for report in reports.values() for library, version in report["versions"].items()}
    if versions:
        listed = ", ".join(f"{library} {version}" for library, version in sorted(versions.items()))
        lines.append(f"Versions: {listed}.\n")
    return lines


def verdicts(reports: dict[str, Any]) -> str:
    """What was won and what was lost."""
    found = [goal for name, report in reports.items() for goal in goals_of(name, report)]
    if not found:
        return ""
    met, missed = ([goal for goal in found if goal.is_met is is_met] for is_met in (True, False))
    lines = ["## Won and lost\n", f"{len(met)} of {len(found)} goals are met, {len(missed)} are missed.\n"]
    for words, goals in (("Won", met), ("Lost", missed)):
        if goals:
            lines += [f"### {words}\n", table(("what", "goal", "measured"), [cells(goal) for goal in goals]) + "\n"]
    return "\n".join(lines)


def cells(goal: Goal) -> list[str]:
    """A goal's line."""
    return [goal.what, goal.wanted_words, goal.measured_words]


def section(name: str, report: dict[str, Any]) -> str:
    """One script's result: what it does in its own words, its settings, its table, its plot."""
    script = importlib.import_module(name)
    paragraphs = (script.__doc__ or "").strip().split("\n\n")
    words = [text for text in paragraphs if not text.startswith("    ")]
    s = {key: value for key, value in report["settings"].items() if value not in (None, False)}
    listed = ", ".join(
        f"{key} {' '.join(map(str, value)) if isinstance(value, list) else value}" for key, value in s.items()
    )
    lines = [f"## {TITLES[name]}\n", "\n\n".join(words) + "\n", f"Settings: {listed}; {report['date'][:10]}.\n"]
    goals = goals_of(name, report)
    if goals:
        lines.append(f"{sum(goal.is_met for goal in goals)} of {len(goals)} goals met.\n")
    lines.append(script.show(report) + "\n")
    plot = PAGE.parent / "benchmarks" / f"{name}.svg"
    if plot.exists():
        lines.append(f"![{TITLES[name]}](benchmarks/{name}.svg)\n")
    return "\n".join(lines)


def explanation(growth: dict[str, Any], rates: dict[str, Any]) -> str:
    """Growth by the roofline: what gathering rows costs at the rate measured for tables of that size."""
    rows = []
    for row in growth["rows"]:
        gather_ns = 0.0
        for side in ("user", "item"):
            rate = gather_rate(rates, row["k"], row[f"{side}_table_bytes"])
            if rate is None:
                return ""
            gather_ns += 4 * row["k"] / rate
        measured = row["cpu_ns_per_interaction"]
        cells = (row["model"], row["k"], f"{row['n_interactions']:,}", f"{measured:.1f}", f"{gather_ns:.1f}")
        rows.append((*cells, f"{measured - gather_ns:.1f}"))
    header = (
        "model",
        "k",
        "interactions",
        "processor ns an interaction",
        "of it gathering, by the roofline",
        "the rest",
    )
    words = (
        "The roofline explains what grows: once an interaction and half-step the other side's row is read from a table "
        "of that side's size, at the rate that roofline.py measured for random rows of such a table. The rest is "
        "arithmetic and what is read again from cache.\n\n"
    )
    return words + table(header, rows) + "\n"


def gather_rate(rates: dict[str, Any], k: int, table_bytes: int) -> float | None:
    """GB/s of random rows, between the measured sizes on a logarithmic scale."""
    found = [(re.fullmatch(rf"gather_k{k}_(\d+)mb_gbs", name), rate["median"]) for name, rate in rates.items()]
    points = sorted((math.log(int(match.group(1))), rate) for match, rate in found if match)
    if not points:
        return None
    place = math.log(max(table_bytes / 2**20, 1e-3))
    for (low, low_rate), (high, high_rate) in itertools.pairwise(points):
        if low <= place <= high:
            return float(low_rate + (high_rate - low_rate) * (place - low) / (high - low))
    return float(points[0][1] if place < points[0][0] else points[-1][1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--results", type=Path, default=HERE / "results")
    parser.add_argument("--output", type=Path, default=PAGE)
    parser.add_argument("--check", action="store_true")
    arguments = parser.parse_args()
    text = page(arguments.results)
    if not arguments.check:
        arguments.output.write_text(text, encoding="utf-8")
    elif arguments.output.read_text(encoding="utf-8") != text:
        sys.exit(f"{arguments.output} is not what the results say: run `make bench-page`, and review the difference.")


if __name__ == "__main__":
    main()
