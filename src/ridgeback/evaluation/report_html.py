"""A report as one HTML page: tables, no script, nothing from the network."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ridgeback.evaluation.report import Report

_STYLE = """
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
.table { overflow-x: auto; }
table { border-collapse: collapse; margin: 1rem 0; }
caption { text-align: left; font-weight: 600; padding-bottom: .5rem; }
th, td { padding: .25rem .9rem; border-bottom: 1px solid color-mix(in srgb, currentColor 25%, transparent); }
th[scope=col], td { text-align: right; font-variant-numeric: tabular-nums; }
th[scope=row], th:first-child, th.words, td.words { text-align: left; }
th[scope=row] { font-weight: 400; }
td.best { font-weight: 700; }
code { overflow-wrap: anywhere; }
"""

_MEANINGS = {
    "recall": "share of the user's relevant items in the first k",
    "recall_capped": "hits over min(k, relevant items)",
    "precision": "hits over k",
    "ndcg": "discounted gain of the hits over that of the best possible list",
    "map": "mean of precision at each hit, over min(k, relevant items)",
    "mrr": "one over the rank of the first hit, 0 without one",
    "hit_rate": "share of users with a hit",
    "coverage": "share of the items that appear in anyone's list",
    "novelty": "mean -log2 of the share of users who have a listed item, in bits",
    "rmse": "root mean squared error over all test pairs",
    "mae": "mean absolute error over all test pairs",
    "log_loss": "mean cross-entropy over all test pairs, in nats",
}


def render(report: Report) -> str:
    """Return the page."""
    notes = "".join(f"<li>{escape(note)}</li>" for note in report.notes)
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Evaluation of {escape(report.model)}</title>
<style>{_STYLE}</style>
</head>
<body>
<main>
<h1>Evaluation</h1>
<p><code>{escape(report.model)}</code></p>
<p>{escape(report.summary())}</p>
{_metrics(report)}
{f"<h2>To know</h2><ul>{notes}</ul>" if notes else ""}
{_exclusions(report)}
{_parameters(report)}
</main>
</body>
</html>"""


def _metrics(report: Report) -> str:
    """The table of metrics, the best figure of each row in bold."""
    from ridgeback.evaluation.report import figure
    from ridgeback.metrics.names import is_higher_better

    names = ["model", *report.baselines]
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in names)
    body = []
    for row in report.rows():
        metric = row["metric"]
        judged = [row[name] for name in names if row[name] is not None and row[name] == row[name]]
        best = (max if is_higher_better(metric) else min)(judged, default=None)
        cells = "".join(
            f"<td{' class=best' if row[name] is not None and row[name] == best else ''}>{figure(row[name])}</td>"
            for name in names
        )
        meaning = escape(_MEANINGS[metric.partition("@")[0]])
        body.append(f'<tr><th scope="row">{escape(metric)}</th>{cells}<td class=words>{meaning}</td></tr>')
    return _table(
        "Metrics, the best of each row in bold",
        f'<th scope="col">metric</th>{head}<th scope="col" class=words>meaning</th>',
        body,
    )


def _exclusions(report: Report) -> str:
    """The table of users left out."""
    from ridgeback.evaluation.report import REASONS

    rows = [
        f'<tr><th scope="row">{escape(REASONS.get(reason, reason))}</th><td>{n:,}</td></tr>'
        for reason, n in report.exclusions.items()
    ]
    return _table("Test users left out of the ranking", '<th scope="col">why</th><th scope="col">users</th>', rows)


def _parameters(report: Report) -> str:
    """The table of parameters as the fit used them."""
    rows = [
        f'<tr><th scope="row">{escape(name)}</th><td>{escape(repr(value))}</td></tr>'
        for name, value in report.parameters.items()
    ]
    head = '<th scope="col">parameter</th><th scope="col">value</th>'
    return _table("Parameters as the fit used them", head, rows) if rows else ""


def _table(caption: str, head: str, rows: list[str]) -> str:
    return (
        f'<div class="table" role="region" tabindex="0" aria-label="{escape(caption)}"><table>'
        f"<caption>{escape(caption)}</caption><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table></div>"
    )
