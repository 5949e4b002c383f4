"""A model file as what ``ridgeback evaluate`` judges: the model, and the training part that its histories are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from ridgeback.cli.application import Failure

if TYPE_CHECKING:
    from ridgeback.data import Interactions
    from ridgeback.models import Recommender

SUFFIX = ".ridge"
_OF_A_FIT = ("Model parameters", "Split")


def is_model_file(file: str | None) -> bool:
    """Whether a name is that of a model and not of a table of events."""
    return file is not None and file.lower().endswith(SUFFIX)


def check_options(file: str, test: str | None) -> None:
    """Refuse what has no meaning beside a fitted model, instead of leaving it aside in silence."""
    context = click.get_current_context()
    if test is None:
        raise click.UsageError(
            f"{file} is fitted already: give --test FILE, events that it has not seen, to judge it by."
        )
    for parameter in context.command.params:
        name = parameter.name or ""
        is_of_a_fit = getattr(parameter, "section", None) in _OF_A_FIT or name in ("family", "query")
        source = context.get_parameter_source(name)
        if name != "test" and is_of_a_fit and source is click.core.ParameterSource.COMMANDLINE:
            raise click.UsageError(f"{parameter.opts[0]} has no meaning with {file}, which is fitted already.")


def load_with_training(file: str) -> tuple[Recommender, Interactions]:
    """The model and what it was fitted on, as far as the file keeps it: who had what, with the values."""
    import ridgeback
    from ridgeback.data import Interactions

    model = ridgeback.load(file)
    if model._seen is None:
        raise Failure(
            f"{file} was saved without the users' histories, and what they had must be left out of their lists; "
            "fit it again and save it with them, or judge it in Python: ridgeback.evaluate(model, train, test)."
        )
    return model, Interactions.from_csr(model._seen, model.user_ids_, model.item_ids_)
