"""A report as one HTML page: tables, no script, nothing from the network."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ridgeback.charts.escaping import escaped
from ridgeback.charts.page import page, table

if TYPE_CHECKING:
    from ridgeback.evaluation.report import Report

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
    "gini": "how unevenly places go to items: 0 evenly, near 1 to one item",
    "popularity_bias": "mean popularity of the list over that of the user's history, minus 1",
    "auc": "share of pairs of a relevant and an irrelevant item in the right order",
    "rmse": "root mean squared error over all test pairs",
    "mae": "mean absolute error over all test pairs",
    "calibration_error": "mean distance of probabilities from the shares that came true",
    "log_loss": "mean cross-entropy over all test pairs, in nats",
}


def render(report: Report) -> str:
    """Return the page."""
    notes = "".join(f"<li>{escaped(note)}</li>" for note in report.notes)
    body = f"""<h1>Evaluation</h1>
<p><code>{escaped(report.model)}</code></p>
<p>{escaped(report.summary())}</p>
{_metrics(report)}
{f"<h2>To know</h2><ul>{notes}</ul>" if notes else ""}
{_exclusions(report)}
{_parameters(report)}"""
    return page(f"Evaluation of {report.model}", body)


def _metrics(report: Report) -> str:
    """The table of metrics, the best figure of each row in bold."""
    from ridgeback.evaluation.report import figure
    from ridgeback.metrics.names import is_higher_better

    names = ["model", *report.baselines]
    head = "".join(f'<th scope="col">{escaped(name)}</th>' for name in names)
    body = []
    for row in report.rows():
        metric = row["metric"]
        judged = [row[name] for name in names if row[name] is not None and row[name] == row[name]]
        best = (max if is_higher_better(metric) else min)(judged, default=None)
        cells = "".join(
            f"<td{' class=best' if row[name] is not None and row[name] == best else ''}>{figure(row[name])}</td>"
            for name in names
        )
        meaning = escaped(_MEANINGS[metric.partition("@")[0]])
        body.append(f'<tr><th scope="row">{escaped(metric)}</th>{cells}<td class=words>{meaning}</td></tr>')
    return table(
        "Metrics, the best of each row in bold",
        f'<th scope="col">metric</th>{head}<th scope="col" class=words>meaning</th>',
        body,
    )


def _exclusions(report: Report) -> str:
    """The table of users left out."""
    from ridgeback.evaluation.report import REASONS

    rows = [
        f'<tr><th scope="row">{escaped(REASONS.get(reason, reason))}</th><td>{n:,}</td></tr>'
        for reason, n in report.exclusions.items()
    ]
    return table("Test users left out of the ranking", '<th scope="col">why</th><th scope="col">users</th>', rows)


def _parameters(report: Report) -> str:
    """The table of parameters as the fit used them."""
    rows = [
        f'<tr><th scope="row">{escaped(name)}</th><td>{escaped(repr(value))}</td></tr>'
        for name, value in report.parameters.items()
    ]
    head = '<th scope="col">parameter</th><th scope="col">value</th>'
    return table("Parameters as the fit used them", head, rows) if rows else ""
