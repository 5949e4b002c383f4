"""The words of the commands that an output proposes to run next, with the options that were given."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click


def data_arguments(file: str | None, options: Mapping[str, Any], *, with_titles: bool) -> list[str]:
    """FILE and the options of `data_options` that the user gave, spelt again."""
    words = [] if file is None else [file]
    command = click.get_current_context().command
    for parameter in command.params:
        if getattr(parameter, "section", None) not in (("Data", "Titles") if with_titles else ("Data",)):
            continue
        value = options.get(parameter.name or "")
        if value is None or value == getattr(parameter, "default", None):
            continue
        words += _spell(parameter, value)
    return words


def model_arguments(family: str | None, options: Mapping[str, Any]) -> list[str]:
    """--model and the model parameters that the user gave, spelt again."""
    if family is None:
        return []
    words = ["--model", family]
    for parameter in click.get_current_context().command.params:
        value = options.get(parameter.name or "")
        if getattr(parameter, "section", None) == "Model parameters" and value is not None:
            words += _spell(parameter, value)
    return words


def fit_arguments(file: str | None, family: str | None, options: Mapping[str, Any]) -> list[str]:
    """The fit that follows a check."""
    model = model_arguments(family, options)
    return ["fit", *data_arguments(file, options, with_titles=True), *model, "-o", "model.ridge"]


def _spell(parameter: click.Parameter, value: Any) -> list[str]:
    if isinstance(value, bool):
        return (parameter.opts if value else parameter.secondary_opts)[:1]
    if isinstance(value, Mapping):
        value = ",".join(f"{key}={number:g}" for key, number in value.items())
    text = {"\t": r"\t"}.get(value, str(value))
    return [parameter.opts[0], text]
