"""One paragraph about a table of interactions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ridgeback.data.interactions import Interactions


def describe(data: Interactions) -> str:
    """What the table holds, which columns were used, and what became of duplicates and bad rows."""
    report = data.report
    density = data.nnz / max(1, data.n_users * data.n_items)
    sentences = [
        f"{data.n_users:,} users x {data.n_items:,} items, {data.nnz:,} interactions ({density:.3%} of all pairs)."
    ]
    if report.get("columns"):
        sentences.append(_columns(report))
    if report.get("n_rows") is not None:
        sentences.append(f"{_rows(report['n_rows'])} read from {report.get('source', 'memory')}.")
    if report.get("n_duplicates"):
        sentences.append(f"{_rows(report['n_duplicates'])} repeated a pair and merged by {data.duplicates!r}.")
    if report.get("n_skipped"):
        examples = "; ".join(report.get("skipped", [])[:3])
        sentences.append(f"{_rows(report['n_skipped'], 'bad row')} skipped, e.g. {examples}.")
    if data.titles is not None:
        sentences.append(f"{len(data.titles):,} titles.")
    return " ".join(sentences)


def _columns(report: Mapping[str, Any]) -> str:
    """The sentence on columns: role = name, guessed ones marked."""
    guessed = set(report.get("guessed", ()))
    used = [
        f"{role} = {name}" + (" (guessed)" if role in guessed else "")
        for role, name in report["columns"].items()
        if name is not None
    ]
    return f"Columns: {', '.join(used)}."


def _rows(n: int, name: str = "row") -> str:
    """``1 row``, ``2,000 rows``."""
    return f"{n:,} {name}" + ("" if n == 1 else "s")
