"""``ridgeback evaluate``: how good a model is on what it has not seen, beside the baselines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from ridgeback.cli.command import Command, json_option, option, reranking_options
from ridgeback.cli.data_options import event_options, read_data
from ridgeback.cli.fit import fit_with_progress
from ridgeback.cli.model_options import build_model, model_options
from ridgeback.cli.next_commands import data_arguments, model_arguments
from ridgeback.cli.output import Output
from ridgeback.cli.paths import check_not_among, event_file, input_file, output_file
from ridgeback.cli.saved_model import check_options, is_model_file, load_with_training

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ridgeback.data import Interactions
    from ridgeback.evaluation import Report

_SPLIT = "Split"
_RULES = ("random", "random-per-user", "leave-last-out", "by-time", "by-user")


def list_lengths(ctx: click.Context, param: click.Parameter, value: str) -> tuple[int, ...]:
    """Callback of ``10,20``."""
    parts = [part.strip() for part in value.split(",") if part.strip()]
    if not parts or not all(part.isdecimal() and int(part) > 0 for part in parts):
        raise click.BadParameter(f"expected lengths of at least 1, such as 10,20; got '{value}'")
    return tuple(int(part) for part in parts)


@click.command("evaluate", cls=Command, short_help="Judge a model on data it has not seen.")
@click.argument("file", required=False, callback=event_file)
@option("--split", "rule", type=click.Choice(_RULES),
        default="random", show_default=True, section=_SPLIT, help="What is held out: random rows, a share of each "
        "user's rows, each user's last, all after a moment, or parts of users that the fit never saw.")  # fmt: skip
@option("--test", callback=input_file, metavar="FILE", section=_SPLIT,
        help="Judge on this file instead of holding a part out; read with the same options.")  # fmt: skip
@option("--test-fraction", type=click.FloatRange(0, 1, min_open=True, max_open=True), metavar="NUMBER", section=_SPLIT,
        help="Share held out. [default: 0.2]")  # fmt: skip
@option("--history-fraction", type=click.FloatRange(0, 1, min_open=True, max_open=True), metavar="NUMBER",
        section=_SPLIT, help="by-user: share of a held-out user's rows that are shown. [default: 0.8]")  # fmt: skip
@option("--n-last", type=click.IntRange(min=1), metavar="INTEGER", section=_SPLIT,
        help="leave-last-out: rows a user. [default: 1]")  # fmt: skip
@option("--cutoff", metavar="TIME", section=_SPLIT, help="by-time: hold out what comes after this timestamp.")
@option("--min-user-count", type=click.IntRange(min=1), metavar="INTEGER", section=_SPLIT,
        help="Leave out users with fewer rows (and items, until nobody has too few). [default: 1]")  # fmt: skip
@option("--min-item-count", type=click.IntRange(min=1), metavar="INTEGER", section=_SPLIT,
        help="Leave out items with fewer rows. [default: 1]")  # fmt: skip
@option("--seed", type=int, default=0, show_default=True, metavar="INTEGER", section=_SPLIT, help="Seed of the split.")
@option("-k", "--k", callback=list_lengths, default="10,20", show_default=True, metavar="N,...", section="Judging",
        help="Lengths of the lists.")  # fmt: skip
@option("--relevant-from", type=float, metavar="NUMBER", section="Judging",
        help="Count a held-out row as a hit from this value on. [default: above 0]")  # fmt: skip
@option("--baselines/--no-baselines", default=True, show_default=True, section="Judging",
        help="Show the baselines beside the model.")  # fmt: skip
@option("--level", type=click.FloatRange(0, 1, min_open=True, max_open=True), default=0.95, show_default=True,
        metavar="NUMBER", section="Judging", help="Level of the intervals, drawn over users.")  # fmt: skip
@option("--n-resamples", type=click.IntRange(min=0), default=1000, show_default=True, metavar="INTEGER",
        section="Judging", help="Draws of users that the intervals are made of; 0 for none.")  # fmt: skip
@option("--html", callback=output_file, metavar="FILE", section="Judging",
        help="Also write the report as a page with charts.")  # fmt: skip
@reranking_options
@event_options
@model_options(default="implicit")
@json_option
def command(
    file: str | None, rule: str, test: str | None, k: tuple[int, ...], relevant_from: float | None, baselines: bool,
    level: float, n_resamples: int, html: str | None, popularity_penalty: float, diversity: float,
    n_candidates: int | None, family: str, as_json: bool, **options: Any,
) -> None:  # fmt: skip
    """Fit a model on one part of the data and judge it on the other, beside the baselines.

    Recommendations leave out what the training part holds, as when they are served. A saved model is judged as it is,
    on the events of --test, which it must not have seen; two models are compared in Python (Report.compare).

    \b
    ridgeback evaluate ratings.csv --model implicit
    ridgeback evaluate ratings.csv --model explicit --split leave-last-out
    ridgeback evaluate shop.ridge --test new.csv
    """
    from ridgeback.evaluation import evaluate

    is_saved = file is not None and is_model_file(file)
    if file is not None and is_saved:
        check_options(file, test)
    _check_split_options(rule, test, options)
    if html is not None:
        check_not_among(html, (file, test))
    out = Output(as_json)
    model: Any
    if file is not None and is_saved:
        model, data = load_with_training(file)
    else:
        model, data = build_model(family, options), read_data(file, options)
    out.say(data.describe())
    history = None
    if test is not None:
        train, held_out, rule = data, read_data(test, {**options, "query": None}), f"the rows of {test}"
    else:
        train, history, held_out = _split(data, rule, options)
    _say_left_out(out, train)
    out.say(f"fitted on {train.nnz:,} pairs, judged on {held_out.nnz:,} ({rule})")
    if not is_saved and fit_with_progress(model, train, family, {}):
        raise KeyboardInterrupt
    report = evaluate(
        model, train, held_out, history=history, k=k, relevant_from=relevant_from, baselines=baselines,
        level=level, n_resamples=n_resamples, popularity_penalty=popularity_penalty, diversity=diversity,
        n_candidates=n_candidates,
    )  # fmt: skip
    show_report(out, report)
    payload = {"split": rule, "n_train": train.nnz, "n_test": held_out.nnz, **report.to_dict()}
    if html is not None:
        report.to_html(html)
        out.say(f"wrote {html}")
        payload["html"] = html
    out.finish(
        payload,
        []
        if is_saved
        else [
            [
                "fit",
                *data_arguments(file, options, with_titles=True),
                *model_arguments(family, options),
                "-o",
                "model.ridge",
            ]
        ],
    )


def show_report(out: Output, report: Report, names: Sequence[str] | None = None) -> None:
    """Print the metrics (these, or all) of the model beside the baselines, and what a reader should know."""
    rows = [row for row in report.rows() if names is None or row["metric"] in names]
    model = report.model.partition("(")[0]
    others = [name for name in report.baselines if name != model]
    from ridgeback.evaluation.report import interval_text

    out.say(report.summary())
    out.say()
    share = [f"{100 * report.resampling.level:g} %"] if report.intervals else []
    table = [
        [row["metric"], row["model"], *(interval_text(report.intervals.get(row["metric"])) for _ in share),
         *(row[other] for other in others)]
        for row in rows
    ]  # fmt: skip
    own = f"{model}, reranked" if report.protocol.get("reranking") else model
    out.table(["metric", own, *share, *others], table)
    for verdict in report.verdicts():
        out.say(verdict)
    for note in report.notes:
        out.say(f"note: {note}")


def _check_split_options(rule: str, test: str | None, options: dict[str, Any]) -> None:
    """Refuse options that the split does not have, instead of leaving them aside in silence."""
    belongs = {
        "test_fraction": ("random", "random-per-user", "by-time", "by-user"),
        "history_fraction": ("by-user",),
        "n_last": ("leave-last-out",),
        "cutoff": ("by-time",),
        "min_user_count": _RULES,
        "min_item_count": _RULES,
    }
    for name, rules in belongs.items():
        if options[name] is None:
            continue
        if test is not None:
            raise click.UsageError(f"--{name.replace('_', '-')} has no meaning with --test, which holds nothing out.")
        if rule not in rules:
            raise click.UsageError(
                f"--{name.replace('_', '-')} goes with --split {' or '.join(rules)}, not with {rule}."
            )
    if options["cutoff"] is not None and options["test_fraction"] is not None:
        raise click.UsageError("--cutoff and --test-fraction both say where time is cut; give one of them.")


def _split(
    data: Interactions, rule: str, options: dict[str, Any]
) -> tuple[Interactions, Interactions | None, Interactions]:
    """(train, history, test) by the rule of --split."""
    from ridgeback.data import split

    fraction, seed = options["test_fraction"] or 0.2, options["seed"]
    least = {name: options[name] or 1 for name in ("min_user_count", "min_item_count")}
    if rule == "by-user":
        share = options["history_fraction"] or 0.8
        return split.by_user(data, test_fraction=fraction, history_fraction=share, random_state=seed, **least)
    if rule == "leave-last-out":
        train, test = split.leave_last_out(data, n=options["n_last"] or 1, **least)
    elif rule == "by-time":
        cutoff = None if options["cutoff"] is None else _time(options["cutoff"])
        train, test = split.by_time(data, test_fraction=fraction, cutoff=cutoff, **least)
    else:
        draw = split.random if rule == "random" else split.random_per_user
        train, test = draw(data, test_fraction=fraction, random_state=seed, **least)
    return train, None, test


def _say_left_out(out: Output, train: Interactions) -> None:
    """Say whom --min-user-count and --min-item-count left out."""
    left_out = (train.report.get("split") or {}).get("minimum_counts")
    if left_out:
        out.say(
            f"left out for their counts: {left_out['n_users_left_out']:,} users, {left_out['n_items_left_out']:,} "
            f"items, {left_out['n_pairs_left_out']:,} rows"
        )


def _time(text: str) -> int:
    """A timestamp: the number itself, or a date, which the data holds as microseconds since 1970 UTC."""
    from datetime import datetime, timezone

    try:
        return int(text)
    except ValueError:
        pass
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise click.BadParameter(
            f"expected a number or a date such as 2024-12-31; got '{text}'", param_hint="'--cutoff'"
        ) from error
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=timezone.utc)
    return int((moment - datetime(1970, 1, 1, tzinfo=timezone.utc)).total_seconds() * 1_000_000)
