"""``ridgeback tune``: the parameters that serve held-out events best, and the model that they make."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click

from ridgeback.cli.application import Interrupted
from ridgeback.cli.command import Command, json_option, option
from ridgeback.cli.data_options import data_options, read_data
from ridgeback.cli.model_options import build_model, model_options, option_name
from ridgeback.cli.next_commands import data_arguments, model_arguments
from ridgeback.cli.output import Output, size_text
from ridgeback.cli.paths import check_not_among, event_file, input_file, output_file
from ridgeback.cli.progress import Progress, describe_step
from ridgeback.errors import ParameterError

if TYPE_CHECKING:
    from ridgeback.models.factor_model import FactorModel
    from ridgeback.tuning import TunedTrial, Tuning

_SECTION = "Search"


def words(ctx: click.Context, param: click.Parameter, value: str | None) -> tuple[str, ...] | None:
    """Callback of ``regularization,n-factors``: names as in Python; None stays None."""
    if value is None:
        return None
    return tuple(part.strip().replace("-", "_") for part in value.split(",") if part.strip())


@click.command("tune", cls=Command, short_help="Find the parameters that serve best.")
@click.argument("file", required=False, callback=event_file)
@option("--minutes", type=float, metavar="NUMBER", section=_SECTION,
        help="Time for everything, the final fit too. [default: 5, where --n-trials is left out]")  # fmt: skip
@option(
    "--n-trials",
    type=int,
    metavar="INTEGER",
    section=_SECTION,
    help="Settings to try in this call, beside those that --study holds.",
)
@option("--metric", metavar="NAME", section=_SECTION,
        help="What to judge on the held-out part. [default: ndcg@10, explicit rmse]")  # fmt: skip
@option("--study", metavar="FILE", section=_SECTION,
        help="An SQLite file that keeps what was tried: named again, the search goes on.")  # fmt: skip
@option("--search", callback=words, metavar="NAME,...", section=_SECTION,
        help="Search these parameters alone, such as regularization,n-factors. [default: all that no option "
        "sets]")  # fmt: skip
@option("--validation", callback=input_file, metavar="FILE", section=_SECTION,
        help="Judge on this file instead of holding a part out; read with the same options.")  # fmt: skip
@option("--validation-fraction", type=click.FloatRange(0, 1, min_open=True, max_open=True), metavar="NUMBER",
        section=_SECTION, help="Share of each user's rows that is held out. [default: 0.2]")  # fmt: skip
@option("--seed", type=click.IntRange(min=0), default=0, show_default=True, metavar="INTEGER", section=_SECTION,
        help="Seed of the split and the draws.")  # fmt: skip
@option("-o", "--output", callback=output_file, metavar="FILE", section="Output",
        help="The model file: the best so far while the search runs, at its end the fit to everything.")  # fmt: skip
@option("--include-history/--no-include-history", default=True, show_default=True, section="Output",
        help="Keep who has what in the file: needed to leave out what was seen and to explain.")  # fmt: skip
@option("--html", callback=output_file, metavar="FILE", section="Output", help="Also write what was found as a page.")
@data_options
@model_options(default="implicit")
@json_option
def command(
    file: str | None, minutes: float | None, n_trials: int | None, metric: str | None, study: str | None,
    search: tuple[str, ...] | None, validation: str | None, validation_fraction: float | None, seed: int,
    output: str | None, include_history: bool, html: str | None, family: str, as_json: bool, **options: Any,
) -> None:  # fmt: skip
    """Search a model's parameters on held-out events, beside the untuned model, and fit the best to everything.

    Parameters given as options stay as they are; the others are searched around their measured defaults. Judge the
    result on events that the search did not see.

    \b
    ridgeback tune events.csv --minutes 5 --study tune.db -o model.ridge
    ridgeback tune ratings.csv --model explicit --n-factors 32 --n-trials 40
    """
    from ridgeback.tuning import tune
    from ridgeback.tuning.tuning import check_arguments

    if family not in ("implicit", "explicit", "logistic"):
        raise click.UsageError(f"--model {family} has nothing to tune; use --model implicit, explicit or logistic.")
    if validation is not None and validation_fraction is not None:
        raise click.UsageError("--validation-fraction has no meaning with --validation, which holds nothing out.")
    for written in (output, html, study):
        if written is not None:
            check_not_among(written, (file, validation, options["titles"]))
    out = Output(as_json)
    model = build_model(family, options)
    search = _not_given(model, options, search)
    check_arguments(cast("FactorModel", model), metric, search, (), minutes, n_trials)
    data = read_data(file, options)
    out.say(data.describe())
    held_out = None if validation is None else read_data(validation, {**options, "query": None})
    with _SearchProgress(minutes, n_trials) as progress, _study_for_storage(), _nothing_saved(study):
        found = tune(
            model,
            data,
            held_out,
            metric=metric,
            minutes=minutes,
            n_trials=n_trials,
            storage=study,
            search=search,
            validation_fraction=validation_fraction or 0.2,
            random_state=seed,
            output=output,
            include_history=include_history,
            on_trial=progress.ended,
            on_step=progress.stepped,
            on_message=out.say,
        )
    _show(out, found)
    payload = {**found.to_dict(), "output": output, "study": study}
    if html is not None:
        found.to_html(html)
        out.say(f"wrote {html}")
        payload["html"] = html
    if output is not None and found.model is not None:
        out.say(f"saved in {output} ({size_text(Path(output).stat().st_size)})")
    if found.stopped_by == "interrupted":
        if as_json:
            out.finish(payload)
        raise Interrupted(f"interrupted after {len(found.trials)} settings; {_kept(found, output, study)}.")
    out.finish(payload, _next_commands(found, file, family, output, options))


def _not_given(model: Any, options: dict[str, Any], search: tuple[str, ...] | None) -> tuple[str, ...] | None:
    """What to search: what --search names, or all that no option sets, be it to the default."""
    from ridgeback.tuning.spaces import parameter_names

    names = parameter_names(model)
    given = [name for name in names if options.get(name) is not None]
    for name in search or ():
        if name in given:
            raise click.UsageError(
                f"--search names {name.replace('_', '-')}, which {option_name(name)} sets; give one of them."
            )
    if search is not None or not given:
        return search
    return tuple(name for name in names if name not in given)


@contextmanager
def _study_for_storage() -> Iterator[None]:
    """Call Python's argument `storage` by its option."""
    try:
        yield
    except ParameterError as error:
        raise ParameterError(str(error).replace("'storage' parameter", "'study' parameter")) from error


@contextmanager
def _nothing_saved(study: str | None) -> Iterator[None]:
    """Say what there is when ctrl-C comes before there is a setting."""
    is_new = study is not None and not Path(study).exists()
    try:
        yield
    except KeyboardInterrupt as error:
        words = "interrupted before the first setting ended: nothing was saved"
        if study is not None:
            words += f", and --study {study} holds {'no setting yet' if is_new else 'what it held before'}"
        raise Interrupted(f"{words}.") from error


class _SearchProgress(Progress):
    """A bar that moves with every half-step, towards the end of the time or of the settings."""

    def __init__(self, minutes: float | None, n_trials: int | None) -> None:
        from math import isfinite
        from time import perf_counter

        self._now, self._began = perf_counter, perf_counter()
        self._n_trials, self._n_done, self._best = n_trials, 0, ""
        self._seconds = 60 * (minutes or 5) if minutes is not None or n_trials is None else None
        total = n_trials or 0 if self._seconds is None else round(self._seconds) if isfinite(self._seconds) else 0
        super().__init__("tune", "settings" if self._seconds is None else "s", total, "untuned model: cutting the data")

    def stepped(self, number: int, record: dict[str, Any]) -> None:
        """A half-step of a fit, the final one's number being -1."""
        words = "fit to everything" if number < 0 else f"setting {number}"
        self._move(f"{self._best}{words}: {describe_step(record)}")

    def ended(self, trial: TunedTrial) -> None:
        """A setting is done with."""
        self._n_done += 1
        if trial.value is not None:
            self._best = f"last {trial.value:.4f}  "
        self._move(f"{self._best}setting {trial.number}: {trial.state}")

    def _move(self, description: str) -> None:
        if self._seconds is not None:
            self.show(min(round(self._now() - self._began), round(self._seconds)), round(self._seconds), description)
        else:
            self.show(self._n_done, self._n_trials or 0, description)


def _show(out: Output, found: Tuning) -> None:
    """Print the table and the sentences."""
    out.say()
    out.table(found.columns(), found.cells())
    out.say(f"\n{found.summary()}")
    for line in (
        found.rescaled(),
        found.difference(),
        found.mattered(),
        found.forecasts(),
        found.spent(),
        *found.notes,
    ):
        if line:
            out.say(line)


def _kept(found: Tuning, output: str | None, study: str | None) -> str:
    """What there is after ctrl-C."""
    kept = []
    if output is not None and found.model is not None:
        how = "fitted to everything" if found.is_refitted else "fitted to the training part alone"
        kept.append(f"the best model so far, {how}, was saved in {output}")
    if study is not None:
        kept.append(f"--study {study} goes on from here")
    return " and ".join(kept) or "nothing was to be saved: name --study or --output"


def _next_commands(
    found: Tuning, file: str | None, family: str, output: str | None, options: dict[str, Any]
) -> list[list[str]]:
    """Ask the model where there is one; and the fit of the same parameters."""
    fixed = {name: value for name, value in options.items() if name not in found.best_params}
    arguments = [*data_arguments(file, options, with_titles=True), *model_arguments(family, fixed)]
    for name, value in found.best_params.items():
        text = ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
        arguments += [option_name(name), text]
    place = None if output is None else Path(output)  # whose model is not to be written over
    again = "model.ridge" if place is None else str(place.with_name(f"{place.stem}-again{place.suffix}"))
    fit = ["fit", *arguments, "-o", again]
    if output is None or found.model is None:
        return [fit]
    return [["recommend", output, "--user", str(found.model.user_ids_[0])], fit]
