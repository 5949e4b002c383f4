"""Commands whose help is laid out in sections, and the option that every one of them has."""

from __future__ import annotations

from collections.abc import Callable, Mapping
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
_RERANKING = (
    option("--popularity-penalty", type=float, default=0.0, show_default=True, metavar="NUMBER", section="Order",
           help="Rank popular items lower: at 1 a standard deviation of log popularity costs one of the scores."),
    option("--diversity", type=float, default=0.0, show_default=True, metavar="NUMBER", section="Order",
           help="Rank items lower that are like those above them: from 0, the score alone, to 1, being unlike alone."),
    option("--n-candidates", type=int, metavar="INTEGER", section="Order",
           help="The best items that a diverse list is chosen from. [default: ten for each place]"),
)  # fmt: skip


def reranking_options(function: F) -> F:
    """Add the options that order lists in another way than by their scores."""
    for add in reversed(_RERANKING):
        function = add(function)
    return function


def reranked(wanted: Mapping[str, Any]) -> dict[str, Any]:
    """What of the keywords orders lists in another way than by their scores; nothing where nothing does."""
    order = {name: wanted[name] for name in ("popularity_penalty", "diversity", "n_candidates")}
    return order if order["popularity_penalty"] or order["diversity"] else {}


def reranking_words(order: Mapping[str, Any]) -> str:
    """What lists are ordered by, for reading."""
    parts = []
    if order["popularity_penalty"]:
        parts.append(f"a popularity penalty of {order['popularity_penalty']:g}")
    if order["diversity"]:
        parts.append(f"diversity {order['diversity']:g}")
    return f"ranking: in this order by {' and '.join(parts)}; the score is the model's own"


json_option = option("--json", "as_json", is_flag=True, help="Write one JSON document instead of text.")
