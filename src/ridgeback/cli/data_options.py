"""The options that say how a table of events is read, and the one call that reads it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import click

from ridgeback.cli.command import option
from ridgeback.cli.paths import input_file
from ridgeback.errors import RidgebackError

if TYPE_CHECKING:
    from ridgeback.data import Interactions, Titles

F = TypeVar("F", bound=Callable[..., Any])

_COLUMN = "NAME"
_SEPARATORS = {r"\t": "\t", "tab": "\t", "comma": ",", "semicolon": ";", "pipe": "|", "space": " "}


def separator(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    r"""Callback of a separator: itself, or a name that a shell passes on more easily, such as \t."""
    return None if value is None else _SEPARATORS.get(value, value)


def event_weights(ctx: click.Context, param: click.Parameter, value: str | None) -> dict[str, float] | None:
    """Callback of ``view=1,cart=3``."""
    if value is None:
        return None
    weights: dict[str, float] = {}
    for part in value.split(","):
        kind, equals, number = part.rpartition("=")
        try:
            weights[kind.strip()] = float(number)
        except ValueError:
            equals = ""
        if not equals or not kind.strip():
            raise click.BadParameter(f"expected kind=number, such as view=1,cart=3; got '{part}'")
    return weights


_DATA = [
    option(
        "--user",
        metavar=_COLUMN,
        section="Data",
        help="Column of user ids; a number counts columns from 0 where there is no header.",
    ),
    option("--item", metavar=_COLUMN, section="Data", help="Column of item ids."),
    option(
        "--rating",
        metavar=_COLUMN,
        section="Data",
        help="Column of the value: a rating, a count, an amount. Without one, each row counts 1.",
    ),
    option("--timestamp", metavar=_COLUMN, section="Data", help="Column of times."),
    option(
        "--weight",
        metavar=_COLUMN,
        section="Data",
        help="Column saying how much an observation counts; never guessed.",
    ),
    option("--no-rating", is_flag=True, section="Data", help="Take no column for the value: each row counts 1."),
    option("--no-timestamp", is_flag=True, section="Data", help="Take no column for the time."),
    option("--event", metavar=_COLUMN, section="Data", help="Column of the kind of event."),
    option(
        "--event-weights",
        callback=event_weights,
        metavar="KIND=NUMBER,...",
        section="Data",
        help="The value of each kind of event: view=1,cart=3.",
    ),
    option(
        "--separator",
        callback=separator,
        metavar="TEXT",
        section="Data",
        help=r"What stands between columns, such as ',' '::' or '\t'; found by itself if left out.",
    ),
    option(
        "--header/--no-header",
        default=None,
        section="Data",
        help="Whether the first line names the columns; found by itself if left out.",
    ),
    option(
        "--encoding", default="utf-8", metavar="NAME", show_default=True, section="Data", help="Encoding of the file."
    ),
    option(
        "--query",
        metavar="SQL",
        section="Data",
        help="Read the result of this query over files instead of FILE: \"select * from 'events-*.parquet'\".",
    ),
    option(
        "--duplicates",
        type=click.Choice(["sum", "mean", "max", "last"]),
        section="Data",
        help="What becomes of several rows of one user and item. [default: last where there is a rating, else sum]",
    ),
    option(
        "--on-bad-rows",
        type=click.Choice(["error", "skip"]),
        default="error",
        show_default=True,
        section="Data",
        help="Stop at a row that is not an interaction, or leave such rows out and count them.",
    ),
]

_TITLES = [
    option(
        "--titles",
        callback=input_file,
        metavar="FILE",
        section="Titles",
        help="File of item titles, to show names beside ids.",
    ),
    option("--title-id", metavar=_COLUMN, section="Titles", help="Column of item ids in it."),
    option("--title", metavar=_COLUMN, section="Titles", help="Column of titles in it."),
    option(
        "--titles-separator",
        callback=separator,
        metavar="TEXT",
        section="Titles",
        help="What stands between its columns.",
    ),
    option(
        "--titles-header/--no-titles-header",
        default=None,
        section="Titles",
        help="Whether its first line names the columns.",
    ),
    option(
        "--titles-encoding",
        metavar="NAME",
        section="Titles",
        help="Encoding of the file. [default: that of the data, or utf-8]",
    ),
]


def data_options(command: F) -> F:
    """Declare the options of a table of events and of its titles."""
    return event_options(title_options(command))


def event_options(command: F) -> F:
    """Declare the options of a table of events alone."""
    for declare in reversed(_DATA):
        command = declare(command)
    return command


def title_options(command: F) -> F:
    """Declare the options of a titles' file alone, for commands that read a model."""
    for declare in reversed(_TITLES):
        command = declare(command)
    return command


def read_data(file: str | None, options: Mapping[str, Any]) -> Interactions:
    """Read the table that the options describe; the given options are taken out of nothing else than `data_options`."""
    from ridgeback.data import read_interactions

    if (file is None) == (options["query"] is None):
        raise click.UsageError("give a FILE to read, or --query, and not both.")
    for name in ("rating", "timestamp"):
        if options[name] is not None and options[f"no_{name}"]:
            raise click.UsageError(f"--{name} and --no-{name} contradict each other; give one of them.")
    if options["event_weights"] is not None and options["event"] is None:
        raise click.UsageError("--event-weights needs --event, the column of the kind of event.")
    return read_interactions(
        file,
        user=options["user"],
        item=options["item"],
        rating=False if options["no_rating"] else options["rating"],
        timestamp=False if options["no_timestamp"] else options["timestamp"],
        weight=options["weight"],
        event=options["event"],
        event_weights=options["event_weights"],
        separator=options["separator"],
        header=options["header"],
        encoding=options["encoding"],
        query=options["query"],
        duplicates=options["duplicates"],
        on_bad_rows=options["on_bad_rows"],
        titles=read_title_options(options),
    )


def read_title_options(options: Mapping[str, Any]) -> Titles | None:
    """Read the titles' file that the options name, if they name one."""
    if options.get("titles") is None:
        for name in ("title_id", "title", "titles_separator", "titles_header", "titles_encoding"):
            if options.get(name) is not None:
                raise click.UsageError(f"--{name.replace('_', '-')} needs --titles, the file of titles.")
        return None
    from ridgeback.data import read_titles

    try:
        return read_titles(options["titles"], options["title_id"], options["title"], **text_settings(options))
    except RidgebackError as error:
        raise type(error)(_about_titles(str(error))) from error


def _about_titles(message: str) -> str:
    """A message of `read_titles`, naming the options of the titles' file."""
    message = re.sub(r"\b(encoding|separator|header)=", r"titles_\1=", message)
    return re.sub(r"\bitem=", "title_id=", message)


def text_settings(options: Mapping[str, Any]) -> dict[str, Any]:
    """How the titles' file is written."""
    return {
        "separator": options["titles_separator"],
        "header": options["titles_header"],
        "encoding": options["titles_encoding"] or options.get("encoding") or "utf-8",
    }
