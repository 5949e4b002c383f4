"""``ridgeback similar``: the closest items or users."""

from __future__ import annotations

from typing import Any

import click

from ridgeback.cli.command import Command, json_option, option
from ridgeback.cli.data_options import title_options
from ridgeback.cli.model_file import open_model
from ridgeback.cli.output import Output
from ridgeback.cli.paths import input_file


@click.command("similar", cls=Command, short_help="List the items or users closest to one.")
@click.argument("model", callback=input_file)
@option("--item", metavar="ID|TITLE", help="The item whose neighbours to list.")
@option("--user", metavar="ID", help="The user whose neighbours to list.")
@option("-k", "--k", type=click.IntRange(min=1), default=10, show_default=True, help="How many.")
@title_options
@json_option
def command(model: str, item: str | None, user: str | None, k: int, as_json: bool, **titles: Any) -> None:
    """List the items or users whose factors point the same way (cosine; 1 is the same direction).

    \b
    ridgeback similar shop.ridge --item 1
    ridgeback similar shop.ridge --item "toy story"
    """
    if (item is None) == (user is None):
        raise click.UsageError("give either --item or --user.")
    out = Output(as_json)
    opened = open_model(model, titles)
    if item is not None:
        wanted = opened.finder.find(item)
        found = opened.model.similar_items(wanted, k=k)
        out.heading(f"closest to {opened.name(wanted)}")
        items, scores = list(found.items), list(found.scores)
        out.table(*opened.item_table(items, cosine=scores))
        neighbours = [{"item": i, "title": opened.title(i), "cosine": s} for i, s in zip(items, scores, strict=True)]
        value = f"={opened.model._rating_range[1]:g}" if opened.needs_ratings and opened.model._rating_range else ""
        next_commands = [["fold-in", model, "--items", f"{wanted}{value}"]] if opened.can_fold_in else []
        out.finish({"item": wanted, "title": opened.title(wanted), "neighbours": neighbours}, next_commands)
        return
    assert user is not None
    someone = opened.user(user)
    found = opened.model.similar_users(someone, k=k)
    users, scores = list(found.users), list(found.scores)
    out.heading(f"closest to user {someone}")
    out.table(["user", "cosine"], [[str(u), s] for u, s in zip(users, scores, strict=True)])
    neighbours = [{"user": u, "cosine": s} for u, s in zip(users, scores, strict=True)]
    out.finish({"user": someone, "neighbours": neighbours}, [["recommend", model, "--user", str(someone)]])
