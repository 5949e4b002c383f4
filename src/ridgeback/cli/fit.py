"""``ridgeback fit``: from a table of events to a model file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ridgeback.cli.application import Interrupted
from ridgeback.cli.command import Command, json_option, option
from ridgeback.cli.data_options import data_options, read_data
from ridgeback.cli.model_options import build_model, model_options
from ridgeback.cli.next_commands import data_arguments, model_arguments
from ridgeback.cli.output import Output, size_text
from ridgeback.cli.paths import check_not_among, event_file, input_file, output_file
from ridgeback.cli.progress import FitProgress
from ridgeback.plain_text import duration_text

if TYPE_CHECKING:
    from ridgeback.data import Interactions
    from ridgeback.models import Recommender

_BASELINES = ("popularity", "bias")
_LONG_S, _LARGE_SHARE = 10.0, 0.25  # a fit beyond either says beforehand what it takes
_MOST_ROWS, _FIRST_ROWS, _LAST_ROWS = 20, 10, 5
_DEFAULT_MODEL = "model: implicit, who takes what (--model explicit predicts the ratings themselves)"
_NOT_REFITTED = (
    "This model was fitted to the rest alone: what was held out is neither learned from nor left out of its lists. "
    "--refit fits to everything afterwards."
)
_REFITTED = (
    "Fitted again to everything. The figures above are those of the fit to the rest; the chances are kept, and "
    "those of the first recommendations now tend to be too low (docs/scores.md)."
)
EVERY_VALUE_IS_ONE = "values: every pair counts as one yes, whatever its value; --alpha makes larger values count more"
_WHY_STOPPED = {
    "n_iterations": "as many as asked for",
    "tolerance": "then the loss hardly fell any more",
    "early_stopping": "then validation no longer improved; the best iteration is kept",
    "interrupted": "then it was interrupted",
}


@click.command("fit", cls=Command, short_help="Fit a model and save it in one file.")
@click.argument("file", required=False, callback=event_file)
@option("-o", "--output", required=True, callback=output_file, metavar="FILE", section="Output",
        help="The model file to write, such as shop.ridge.")  # fmt: skip
@option("--include-history/--no-include-history", default=True, show_default=True, section="Output",
        help="Keep who has what in the file: needed to leave out what was seen and to explain.")  # fmt: skip
@data_options
@model_options(default="implicit")
@option("--validation", callback=input_file, metavar="FILE", section="Validation",
        help="Events to measure on after every iteration; read with the options above.")  # fmt: skip
@option("--validation-fraction", type=click.FloatRange(0, 1, min_open=True, max_open=True), metavar="NUMBER",
        section="Validation", help="Hold out this share of the data instead, drawn at random.")  # fmt: skip
@option(
    "--metric",
    metavar="NAME",
    section="Validation",
    help="What to measure. [default: ndcg@10; explicit, bayesian rmse]",
)
@option("--patience", type=click.IntRange(min=1), metavar="INTEGER", section="Validation",
        help="Stop after this many iterations without a better value; the best one is kept.")  # fmt: skip
@option("--calibrate", type=click.Choice(["isotonic", "platt"]), section="Validation",
        help="Learn from the validation events what chance a score stands for: that of being among events held out "
        "like these. For --as probability.")  # fmt: skip
@option("--refit", is_flag=True, section="Validation",
        help="After --calibrate, fit again to everything, held-out events too, and keep the chances.")  # fmt: skip
@json_option
def command(
    file: str | None, output: str, include_history: bool, family: str, validation: str | None,
    validation_fraction: float | None, metric: str | None, patience: int | None, calibrate: str | None, refit: bool,
    as_json: bool, **options: Any,
) -> None:  # fmt: skip
    """Fit a model on a table of events and save it in one file.

    Columns left out are guessed from their names, and the guess is reported.

    \b
    ridgeback fit ratings.csv -o shop.ridge
    ridgeback fit ratings.csv --user userId --item movieId --rating rating --model explicit -o shop.ridge
    """
    if validation is not None and validation_fraction is not None:
        raise click.UsageError("--validation and --validation-fraction exclude each other; give one of them.")
    if validation is None and validation_fraction is None and (metric is not None or patience is not None):
        raise click.UsageError(
            "--metric and --patience need data to measure on: --validation-fraction 0.1, for example."
        )
    _check_calibration(calibrate, family, validation is not None or validation_fraction is not None)
    if refit and (calibrate is None or validation_fraction is None or patience is not None):
        raise click.UsageError("--refit goes with --calibrate and --validation-fraction, and without --patience.")
    check_not_among(output, (file, validation, options["titles"]))
    out = Output(as_json)
    model = build_model(family, options)
    data = read_data(file, options)
    out.say(data.describe())
    if not was_named("family"):
        out.say(_DEFAULT_MODEL)
    if takes_every_value_as_one(model) and data.has_ratings:
        out.say(EVERY_VALUE_IS_ONE)
    if family not in _BASELINES and (cost := cost_worth_saying(model, data)):
        out.say(cost)
    held_out = read_data(validation, {**options, "query": None}) if validation is not None else None
    everything = data
    if validation_fraction is not None:
        from ridgeback.data import split

        data, held_out = split.random(data, test_fraction=validation_fraction, random_state=0)
    settings = {} if held_out is None else {"validation": held_out, "metric": metric, "patience": patience}
    was_interrupted = fit_with_progress(model, data, family, {} if family in _BASELINES and calibrate else settings)
    if calibrate is not None and not was_interrupted:
        calibration = model.calibrate(held_out, method=calibrate)
        if refit:
            data, model = everything, model.clone()
            was_interrupted = fit_with_progress(model, data, family, {})
            model.calibration_ = calibration
    model.save(output, include_history=include_history)
    if was_interrupted:
        raise Interrupted(
            f"interrupted after {model.n_iterations_} iterations; what there is was saved in {output} and can be used."
        )
    out.say()
    show_history(out, model)
    show_calibration(out, model)
    if calibrate is not None:
        out.say(f"\n{_REFITTED if refit else _NOT_REFITTED}")
    out.say(f"\n{describe_fit(model)}")
    out.say(f"saved in {output} ({size_text(Path(output).stat().st_size)})")
    out.finish(_payload(model, data, output), _next_commands(model, file, family, output, options))


def _check_calibration(method: str | None, family: str, has_validation: bool) -> None:
    """Refuse what cannot be calibrated, before the fit."""
    if method is None:
        return
    if family in ("explicit", "bayesian", "bias"):
        raise click.UsageError(f"--model {family} predicts ratings and no chances; leave --calibrate out.")
    if not has_validation:
        raise click.UsageError("--calibrate needs events to calibrate on: --validation-fraction 0.1, for example.")


def show_calibration(out: Output, model: Recommender) -> None:
    """Print what a calibrated model promises, and how well it keeps it."""
    if model.calibration_ is not None:
        out.heading("calibration, judged on users whom it was not fitted to")
        out.say(str(model.calibration_))


def cost_worth_saying(model: Recommender, data: Interactions) -> str:
    """What a fit is expected to take, where somebody would want to know before it begins; else nothing."""
    from ridgeback.data.fit_cost import DataSize, fit_cost, installed_bytes

    cost = fit_cost(model, DataSize.of(data), has_weights=data.weights is not None)
    installed = installed_bytes()
    is_large = installed is not None and cost.peak_bytes > _LARGE_SHARE * installed
    if cost.seconds < _LONG_S and not is_large:
        return ""
    share = "" if installed is None else f" of this machine's {size_text(installed)}"
    return (
        f"this fit: about {duration_text(cost.seconds)} on {cost.n_threads} thread{'s' * (cost.n_threads != 1)} and "
        f"{size_text(cost.peak_bytes)}{share} ({cost.basis})"
    )


def takes_every_value_as_one(model: Recommender) -> bool:
    """Whether the model reads a value above zero as a yes and no more."""
    return getattr(model, "loss", None) == "ials" and getattr(model, "alpha", 0) is None


def was_named(parameter: str) -> bool:
    """Whether the user gave an option, instead of leaving it at its default."""
    source = click.get_current_context().get_parameter_source(parameter)
    return source is click.core.ParameterSource.COMMANDLINE


def fit_with_progress(model: Recommender, data: Interactions, family: str, settings: dict[str, Any]) -> bool:
    """Fit; whether ctrl-C ended it early, with a model that can be used all the same."""
    if family in _BASELINES:
        if settings:
            raise click.UsageError(f"--model {family} has no iterations to validate; leave --validation out.")
        model.fit(data)
        return False
    try:
        steps = (
            (int(model.n_sweeps), "sweeps") if family == "bayesian" else (2 * int(model.n_iterations) + 1, "half-steps")
        )
        with FitProgress(*steps) as progress:
            model.fit(data, callbacks=(progress,), **settings)
    except KeyboardInterrupt:
        if getattr(model, "stopped_by_", None) != "interrupted":
            raise
        return True
    return False


def show_history(out: Output, model: Recommender) -> None:
    """Print the loss after every half-step, one iteration a line; of a chain its sweeps."""
    records = getattr(model, "history_", [])
    if records and records[0]["side"] == "sweep":
        show_sweeps(out, records)
        return
    by_iteration: dict[int, dict[str, Any]] = {}
    for record in records:
        by_iteration.setdefault(record["iteration"], {})[record["side"]] = record
    rows, names = [], ["iteration", "loss after users", "after items"]
    extra = [name for name in ("rmse", "cross_entropy", "validation") if any(r.get(name) is not None for r in records)]
    for iteration, sides in by_iteration.items():
        last = sides.get("items") or sides.get("users")
        if last is None:
            continue
        losses = [sides[side]["loss"] if side in sides else None for side in ("users", "items")]
        rows.append([iteration, *losses, *(last.get(name) for name in extra)])
    if len(rows) > _MOST_ROWS:
        rows[_FIRST_ROWS:-_LAST_ROWS] = [["..."] * len(rows[0])]
    if rows:
        out.table([*names, *(name.replace("_", " ") for name in extra)], rows)


def show_sweeps(out: Output, records: list[dict[str, Any]]) -> None:
    """Print what each sweep of a chain drew, and how good the mean so far is."""
    names = ["iteration", "rmse", "noise"] + ["validation"] * any(r["validation"] is not None for r in records)
    rows: list[list[Any]] = [[record[name] for name in names] for record in records]
    if len(rows) > _MOST_ROWS:
        rows[_FIRST_ROWS:-_LAST_ROWS] = [["..."] * len(names)]
    out.table(["sweep", "rmse of this draw", *names[2:]], rows)


def describe_fit(model: Recommender) -> str:
    """One sentence on what was fitted."""
    text = f"{type(model).__name__}: {len(model.user_ids_):,} users x {len(model.item_ids_):,} items"
    history = getattr(model, "history_", None)
    if history:
        reason = _WHY_STOPPED.get(model.stopped_by_, model.stopped_by_)
        unit = "sweeps" if history[-1]["side"] == "sweep" else "iterations"
        text += f", {model.parameters_['n_factors']} factors, {model.n_iterations_} {unit}"
        text += f" in {history[-1]['elapsed_s']:.2f} s ({reason})"
        if getattr(model, "live_rank_", None) is not None:
            text += f"; {model.live_rank_} of the factors say something"
    return text


def _payload(model: Recommender, data: Interactions, output: str) -> dict[str, Any]:
    """What --json writes."""
    return {
        "output": output,
        "size_bytes": Path(output).stat().st_size,
        "model": type(model).__name__,
        "n_users": len(model.user_ids_),
        "n_items": len(model.item_ids_),
        "parameters": getattr(model, "parameters_", model.get_params()),
        "n_iterations": getattr(model, "n_iterations_", None),
        "stopped_by": getattr(model, "stopped_by_", None),
        "live_rank": getattr(model, "live_rank_", None),
        "history": getattr(model, "history_", []),
        "data": data.report,
        "calibration": None if model.calibration_ is None else model.calibration_.to_dict(),
    }


def _next_commands(
    model: Recommender, file: str | None, family: str, output: str, options: dict[str, Any]
) -> list[list[str]]:
    """Ask the model, then judge it."""
    first = model.user_ids_[0]
    return [
        ["recommend", output, "--user", str(first)],
        ["evaluate", *data_arguments(file, options, with_titles=False), *model_arguments(family, options)],
    ]
