"""Commands whose help is laid out in sections, and the option that every one of them has."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])


class Option(click.Option):
    """An option that stands in a named section of the help page."""

    def __init__(self, *args: Any, section: str = "Options", **settings: Any) -> None:
        super().__init__(*args, **settings)
        self.section = section


class Command(click.Command):
    """A command whose help page lists its options section by section, in the order of their declaration."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the sections; what belongs to none comes last."""
        sections: dict[str, list[tuple[str, str]]] = {}
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx) if isinstance(parameter, click.Option) else None
            if record is not None:
                sections.setdefault(getattr(parameter, "section", "Options"), []).append(record)
        sections["Options"] = sections.pop("Options", [])
        for name, records in sections.items():
            with formatter.section(name):
                formatter.write_dl(records)


def option(*names: str, section: str = "Options", **settings: Any) -> Callable[[F], F]:
    """Declare an option in a section of the help page."""
    return click.option(*names, cls=Option, section=section, **settings)


as_option = option("--as", "as_", type=click.Choice(["score", "percentile", "probability"]), default="score",
                   show_default=True, help="What is shown of an item: the raw score; the share of items that score no "
                   "higher, in percent; or a chance, from --model logistic or fit --calibrate: that of being "
                   "among the events that were held out of the user for calibration.")  # fmt: skip
json_option = option("--json", "as_json", is_flag=True, help="Write one JSON document instead of text.")
