"""``ridgeback check``: a look at the data before any fit."""

from __future__ import annotations

from typing import Any

import click

from ridgeback.cli.application import Failure
from ridgeback.cli.command import Command, json_option
from ridgeback.cli.data_options import data_options, read_data
from ridgeback.cli.model_options import build_named_model, model_options
from ridgeback.cli.next_commands import fit_arguments
from ridgeback.cli.output import Output
from ridgeback.cli.paths import event_file
from ridgeback.cli.wording import as_options


@click.command("check", cls=Command, short_help="Look at a table of events before fitting.")
@click.argument("file", required=False, callback=event_file)
@data_options
@model_options(default=None)
@json_option
def command(file: str | None, family: str | None, as_json: bool, **options: Any) -> None:
    """Report what a table of events holds, what looks wrong in it, and what to do about it.

    With --model, also the time and memory that its fit will take. Nothing is changed.

    \b
    ridgeback check ratings.csv
    ridgeback check ratings.csv --model implicit --n-factors 128
    """
    out = Output(as_json)
    model = build_named_model(family, options)
    data = read_data(file, options)
    out.say(data.describe())
    report = data.check(model)
    names = {parameter.name or "" for parameter in click.get_current_context().command.params}
    out.say(f"\n{as_options(str(report), names | {'candidates'})}")
    n_errors = sum(finding.level == "error" for finding in report.findings)
    arguments = fit_arguments(file, family, options)
    out.finish({"report": data.report, **report.to_dict()}, [] if n_errors else [arguments])
    if n_errors:
        raise Failure(f"{n_errors} finding{'s' if n_errors > 1 else ''} above must be settled before a fit.")
