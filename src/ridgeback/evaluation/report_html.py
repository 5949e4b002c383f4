"""A report as one HTML page: charts and tables, no script, nothing from the network."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ridgeback.charts.escaping import escaped
from ridgeback.charts.intervals import interval_chart
from ridgeback.charts.page import details, page, plain_table, table
from ridgeback.evaluation.comparison import reranking_words

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
    "list_similarity": "mean cosine of all pairs of a list's items, by the model's item factors",
    "auc": "share of pairs of a relevant and an irrelevant item in the right order",
    "rmse": "root mean squared error over all test pairs",
    "mae": "mean absolute error over all test pairs",
    "calibration_error": "mean distance of probabilities from the shares that came true",
    "log_loss": "mean cross-entropy over all test pairs, in nats",
}


_NAMES = {"n_pairs": "pairs", "n_users": "users", "random_state": "seed"}


def render(report: Report) -> str:
    """Return the page."""
    notes = "".join(f"<li>{escaped(note)}</li>" for note in report.notes)
    body = f"""<h1>Evaluation</h1>
<p><code>{escaped(report.model)}</code></p>
<p>{escaped(report.summary())}</p>
{_verdicts(report)}
{_charts(report)}
{_metrics(report)}
{_deciles(report)}
{f"<h2>To know</h2><ul>{notes}</ul>" if notes else ""}
{_exclusions(report)}
{_protocol(report)}
{_parameters(report)}"""
    return page(f"Evaluation of {report.model}", body)


def _metrics(report: Report) -> str:
    """The table of metrics, the best figure of each row in bold."""
    from ridgeback.evaluation.report import figure, interval_text
    from ridgeback.metrics.names import EXPOSURE, is_higher_better

    names = ["model", *report.baselines]
    own = "model, reranked" if report.protocol.get("reranking") else "model"
    share = [f"{100 * report.resampling.level:g} % interval"] if report.intervals else []
    head = "".join(f'<th scope="col">{escaped(name)}</th>' for name in [own, *share, *report.baselines])
    body = []
    for row in report.rows():
        metric = row["metric"]
        judged = [row[name] for name in names if row[name] is not None and row[name] == row[name]]
        is_good_or_bad = metric.partition("@")[0] not in EXPOSURE
        best = (max if is_higher_better(metric) else min)(judged, default=None) if is_good_or_bad else None
        interval = interval_text(report.intervals.get(metric)).replace(" ", "&nbsp;")
        between = f"<td>{interval}</td>" if report.intervals else ""
        cells = [
            f"<td{' class=best' if row[name] is not None and row[name] == best else ''}>{figure(row[name])}</td>"
            for name in names
        ]
        meaning = escaped(_MEANINGS[metric.partition("@")[0]])
        figures = f"{cells[0]}{between}{''.join(cells[1:])}"
        body.append(f'<tr><th scope="row">{escaped(metric)}</th>{figures}<td class=words>{meaning}</td></tr>')
    return table(
        "Metrics, the best of a row in bold",
        f'<th scope="col">metric</th>{head}<th scope="col" class=words>meaning</th>',
        body,
    )


def _verdicts(report: Report) -> str:
    """How the model stands against each baseline."""
    found = "".join(f"<li>{escaped(words)}</li>" for words in report.verdicts())
    return f"<ul>{found}</ul>" if found else ""


def _main_metric(report: Report) -> str | None:
    """What the charts show: NDCG at the first list length, or what values are judged by."""
    wanted = (f"ndcg@{report.protocol['k'][0]}", "rmse", "log_loss")
    return next((metric for metric in wanted if metric in report.metrics), None)


def _charts(report: Report) -> str:
    """The main metric of model and baselines with intervals, and by tenth of users and items."""
    metric = _main_metric(report)
    if metric is None:
        return ""
    rows = [(report.model.partition("(")[0], report.metrics[metric], report.intervals.get(metric))]
    rows += [
        (name, found[metric], report.baseline_intervals.get(name, {}).get(metric))
        for name, found in report.baselines.items()
        if metric in found
    ]
    share = f" with {100 * report.resampling.level:g} % intervals" if report.intervals else ""
    return f"<h2>{escaped(metric)}{share}</h2>" + interval_chart(
        f"{metric} of the model and the baselines{share}", rows
    )


def _deciles(report: Report) -> str:
    """Charts and tables by tenth of the users by activity, and of the items by popularity."""
    metric, k = _main_metric(report), report.protocol["k"][0]
    parts = []
    for title, groups, shown, counted, what in (
        ("By activity of the users", report.user_deciles, metric, "n_users", "items before"),
        ("By popularity of the items", report.item_deciles, f"recall@{k}", "n_items", "users"),
        ("Places by popularity of the items", report.item_deciles, f"exposure@{k}", "n_items", "users"),
    ):
        if not groups or shown not in groups[0]["metrics"]:
            continue
        names = [f"{_span(group['low'], group['high'])} {what} ({group[counted]:,})" for group in groups]
        rows = [(name, group["metrics"][shown], None) for name, group in zip(names, groups, strict=True)]
        parts.append(f"<h2>{title}: {shown}</h2>" + interval_chart(f"{shown}, {title[0].lower()}{title[1:]}", rows))
        if shown != f"exposure@{k}":
            parts.append(_decile_table(title, groups, names))
    return "".join(parts)


def _span(low: int, high: int) -> str:
    """Two bounds, or the one number that both are."""
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"


def _decile_table(title: str, groups: Any, names: list[str]) -> str:
    """All figures of the groups."""
    from ridgeback.evaluation.report import figure

    metrics = list(groups[0]["metrics"])
    rows = [
        [name, *(figure(group["metrics"][metric]) for metric in metrics)]
        for name, group in zip(names, groups, strict=True)
    ]
    return details("All figures", plain_table(title, ["group (how many)", *metrics], rows))


def _protocol(report: Report) -> str:
    """The table of what made the parts."""
    split = report.protocol.get("split") or {"name": "none of ridgeback.split"}
    rows = [
        (f"split: {_NAMES.get(name, name.replace('_', ' '))}", _in_words(value))
        for name, value in split.items()
        if value is not None
    ]
    order = reranking_words(report.protocol)
    if order:
        rows.append(("lists", order))
    for part, found in report.protocol.get("parts", {}).items():
        if "source" in found:
            rows.append((f"{part}: file", found["source"]))
        words = f"{found['n_users']:,} users, {found['n_pairs']:,} pairs, SHA-256 {found['fingerprint'][:16]}..."
        rows.append((part, words))
    return plain_table("Protocol", ["what", "value"], rows)


def _in_words(value: Any) -> str:
    """A value of the record of a split for reading: counts by part as "train 80, test 20"."""
    if isinstance(value, Mapping):
        return ", ".join(f"{str(name).replace('_', ' ')} {_in_words(part)}" for name, part in value.items())
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return value if isinstance(value, str) else repr(value)


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
