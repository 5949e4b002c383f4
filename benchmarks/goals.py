"""The goals of speed and memory, and whether the results meet them. Imports nothing beyond the standard library."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

Report = dict[str, Any]
Row = dict[str, Any]


@dataclass(frozen=True)
class Goal:
    """One goal beside what was measured; a ratio is ours to theirs or theirs to ours, as the words say."""

    what: str
    wanted: float
    measured: float | None  # None: there is nothing to compare with
    is_upper: bool  # whether less is better
    unit: str = "x"
    note: str = ""

    @property
    def is_met(self) -> bool:
        if self.measured is None:
            return False
        return self.measured <= self.wanted if self.is_upper else self.measured >= self.wanted

    @property
    def wanted_words(self) -> str:
        return f"{'at most' if self.is_upper else 'at least'} {number(self.wanted, self.unit)}"

    @property
    def measured_words(self) -> str:
        found = "nothing comparable" if self.measured is None else number(self.measured, self.unit)
        return f"{found} ({self.note})" if self.note else found


def number(value: float, unit: str) -> str:
    """With three digits at most."""
    return f"{value:.0f}{unit}" if value >= 100 else f"{value:.3g}{unit}"


def fastest(rows: list[Row]) -> Row | None:
    """The row with the fewest seconds an epoch."""
    return min(rows, key=lambda row: row["epoch_s"], default=None)


def of_library(rows: list[Row], library: str) -> list[Row]:
    """The rows of one library."""
    return [row for row in rows if row["library"] == library]


def named(rows: list[Row], contestant: str) -> Row | None:
    """The row of one contestant."""
    return next((row for row in rows if row["contestant"] == contestant), None)


def by(rows: list[Row], *keys: str) -> Iterator[tuple[str, list[Row]]]:
    """Groups of rows that agree in some keys, with words for them."""
    words = {"k": "k = {}", "data": "{}", "ids": "{} ids", "model": "{}"}
    groups: dict[tuple[Any, ...], list[Row]] = {}
    for row in rows:
        groups.setdefault(tuple(row[key] for key in keys), []).append(row)
    for values, group in groups.items():
        yield ", ".join(words[key].format(value) for key, value in zip(keys, values, strict=True)), group


def epoch_goals(report: Report) -> Iterator[Goal]:
    """The fastest of our settings whose rows are no further off than the peer's, on either side."""
    for words, rows in by(report["rows"], "k"):
        for peer, wanted in ((named(rows, "implicit, CG"), 10.0), (fastest(of_library(rows, "irspack")), 5.0)):
            if peer is None:
                continue
            as_exact = [
                row
                for row in of_library(rows, "ridgeback")
                if all(row["row_errors"][side] <= peer["row_errors"][side] for side in ("users", "items"))
            ]
            own = fastest(as_exact)
            what = f"implicit epoch at no larger row error, {words}: times as fast as {peer['contestant']}"
            ratio, note = (
                (peer["epoch_s"] / own["epoch_s"], own["contestant"]) if own else (None, "no setting as exact")
            )
            yield Goal(what, wanted, ratio, False, note=note)


def objective_goals(report: Report) -> Iterator[Goal]:
    """The default, and our fastest setting, against the fastest peer that gets there."""
    for words, rows in by(report["rows"], "data"):
        reached = sorted((row for row in rows if row["is_reached"]), key=lambda row: row["seconds"])
        ours = [row for row in reached if row["library"] == "ridgeback"]
        peers = [row for row in reached if row["library"] != "ridgeback"]
        for own in (named(ours, "Ridgeback"), ours[0] if ours else None):
            if own and peers:
                what = f"seconds to the exact objective + 0.1 %, {words}: times as fast as the best peer"
                note = f"{own['contestant']}; {peers[0]['contestant']}"
                yield Goal(what, 10.0, peers[0]["seconds"] / own["seconds"], False, note=note)


def exact_goals(report: Report) -> Iterator[Goal]:
    """Against irspack's Cholesky, and against our own approximate default."""
    for words, rows in by(report["rows"], "k"):
        k = rows[0]["k"]
        own = named(rows, "Ridgeback, exact")
        peer, approximate = named(rows, "irspack, Cholesky"), named(rows, "Ridgeback")
        if own and peer:
            wanted = 3.5 if k <= 64 else 5.0
            what = f"exact epoch, {words}: times as fast as irspack's Cholesky"
            yield Goal(what, wanted, peer["epoch_s"] / own["epoch_s"], False)
        limits = {64: 2.5, 256: 8.0}
        if own and approximate and k in limits:
            ratio = own["epoch_s"] / approximate["epoch_s"]
            yield Goal(f"exact epoch, {words}: times as long as our own default", limits[k], ratio, True)


def explicit_goals(report: Report) -> Iterator[Goal]:
    """The fastest of our settings whose held-out RMSE is within 0.001 of cmfrec's, or below it."""
    for words, rows in by(report["rows"], "data", "k"):
        peer = fastest(of_library(rows, "cmfrec"))
        if peer is None:
            continue
        own = fastest([row for row in of_library(rows, "ridgeback") if row["rmse"] <= peer["rmse"] + 1e-3])
        ratio, note = (peer["epoch_s"] / own["epoch_s"], own["contestant"]) if own else (None, "no setting as good")
        yield Goal(f"explicit epoch at equal RMSE, {words}: times as fast as cmfrec", 10.0, ratio, False, note=note)


def recommend_goals(report: Report) -> Iterator[Goal]:
    """Against implicit."""
    rows = {row["library"]: row for row in report["rows"]}
    if {"ridgeback", "implicit"} <= set(rows):
        ratio = rows["implicit"]["seconds"] / rows["ridgeback"]["seconds"]
        yield Goal(f"top {report['settings']['k']} for all users: times as fast as implicit", 5.0, ratio, False)


def fold_in_goals(report: Report) -> Iterator[Goal]:
    """One user of 30 items at k = 64, ids and all."""
    for row in report["rows"]:
        if (row["k"], row["n_known"]) == (64, 30) and row["way"] in ("int ids", "text ids"):
            what = f"folding one user in, k = 64, 30 items, {row['way']}"
            yield Goal(what, 50.0, row["median_us"], True, unit=" µs")


def read_goals(report: Report) -> Iterator[Goal]:
    """Against DuckDB's bare read and against pandas, and the peak."""
    for words, rows in by(report["rows"], "ids"):
        seconds = {row["contestant"]: row["seconds"] for row in rows}
        for peer, wanted in (("DuckDB", 1.8), ("pandas + SciPy", 0.7)):
            ratio = seconds["Ridgeback"] / seconds[peer]
            yield Goal(f"reading CSV, {words}: times as long as {peer}", wanted, ratio, True)
        own = named(rows, "Ridgeback")
        if own and report["settings"]["n_rows"] == 20_000_000:
            peak = own["peak_rss_bytes"] / 1e9
            yield Goal(f"reading 20 million rows, {words}: peak memory", 1.0, peak, True, unit=" GB")


def memory_goals(report: Report) -> Iterator[Goal]:
    """Over what a fit needs."""
    for words, rows in by(of_library(report["rows"], "ridgeback"), "k"):
        for row in rows:
            what = f"peak memory of a fit, {row['contestant']}, {words}: times data and factors"
            yield Goal(what, 1.25, row["ratio"], True)


def growth_goals(report: Report) -> Iterator[Goal]:
    """From the smallest to the largest size whose factors are well beyond a core's own cache."""
    cache = own_cache_bytes(report)
    for words, rows in by(report["rows"], "model", "k"):
        large = [row for row in rows if row["table_bytes"] > 4 * cache]
        if len(large) > 1:
            figures = [row["cpu_ns_per_interaction"] for row in large]
            sizes = " to ".join(f"{row['n_interactions'] / 1e6:.0f} M" for row in (large[0], large[-1]))
            what = f"growth, {words}, {sizes} interactions: processor time an interaction rises by"
            yield Goal(what, 15.0, 100 * (max(figures) / min(figures) - 1), True, unit=" %")


def own_cache_bytes(report: Report) -> int:
    """A core's second-level cache."""
    found = re.match(r"(\d+)K", report["machine"]["caches"].get("L2", ""))
    return int(found.group(1)) * 1024 if found else 1 << 20


def roofline_goals(report: Report) -> Iterator[Goal]:
    """Every kernel and k."""
    for row in report["rows"]:
        what = f"{row['kernel']}, k = {row['k']}: times the limit that binds"
        yield Goal(what, 1.5, row["times_the_limit"], True, note=row["binding_limit"])


GOALS: dict[str, Callable[[Report], Iterator[Goal]]] = {
    "epoch": epoch_goals,
    "objective": objective_goals,
    "exact_epoch": exact_goals,
    "explicit": explicit_goals,
    "recommend": recommend_goals,
    "fold_in": fold_in_goals,
    "read": read_goals,
    "memory": memory_goals,
    "growth": growth_goals,
    "roofline": roofline_goals,
}


def goals_of(name: str, report: Report) -> list[Goal]:
    """All goals that one result speaks to."""
    return list(GOALS[name](report)) if name in GOALS else []
