"""``ridgeback similar``: the closest items or users."""

from __future__ import annotations

from typing import Any

import click

from ridgeback.cli.command import Command, json_option, option, reranked, reranking_options, reranking_words
from ridgeback.cli.data_options import title_options
from ridgeback.cli.model_file import open_model
from ridgeback.cli.output import Output
from ridgeback.cli.paths import input_file


@click.command("similar", cls=Command, short_help="List the items or users closest to one.")
@click.argument("model", callback=input_file)
@option("--item", metavar="ID|TITLE", help="The item whose neighbours to list.")
@option("--user", metavar="ID", help="The user whose neighbours to list.")
@option("-k", "--k", type=click.IntRange(min=1), default=10, show_default=True, help="How many.")
@reranking_options
@title_options
@json_option
def command(
    model: str, item: str | None, user: str | None, k: int, popularity_penalty: float, diversity: float,
    n_candidates: int | None, as_json: bool, **titles: Any,
) -> None:  # fmt: skip
    """List the items or users whose factors point the same way (cosine; 1 is the same direction).

    \b
    ridgeback similar shop.ridge --item 1
    ridgeback similar shop.ridge --item "toy story"
    """
    if (item is None) == (user is None):
        raise click.UsageError("give either --item or --user.")
    order: dict[str, Any] = {
        "popularity_penalty": popularity_penalty,
        "diversity": diversity,
        "n_candidates": n_candidates,
    }
    if user is not None and (popularity_penalty or diversity or n_candidates is not None):
        raise click.UsageError("--popularity-penalty, --diversity and --n-candidates order items; give --item.")
    out = Output(as_json)
    opened = open_model(model, titles)
    if item is not None:
        wanted = opened.finder.find(item)
        found = opened.model.similar_items(wanted, k=k, **order)
        out.heading(f"closest to {opened.name(wanted)}")
        items, scores = list(found.items), list(found.scores)
        neighbours = [{"item": i, "title": opened.title(i), "cosine": s} for i, s in zip(items, scores, strict=True)]
        columns, changed = {"cosine": scores}, reranked(order)
        if found.ranking_scores is not None:
            columns["ranking"] = list(found.ranking_scores)
            for entry, value in zip(neighbours, found.ranking_scores, strict=True):
                entry["ranking_score"] = value
        out.table(*opened.item_table(items, **columns))
        if changed:
            out.say(f"\n{reranking_words(changed)}")
        value = f"={opened.model._rating_range[1]:g}" if opened.needs_ratings and opened.model._rating_range else ""
        next_commands = [["fold-in", model, "--items", f"{wanted}{value}"]] if opened.can_fold_in else []
        more = {"reranking": changed} if changed else {}
        out.finish({"item": wanted, "title": opened.title(wanted), "neighbours": neighbours, **more}, next_commands)
        return
    assert user is not None
    someone = opened.user(user)
    found = opened.model.similar_users(someone, k=k)
    users, scores = list(found.users), list(found.scores)
    out.heading(f"closest to user {someone}")
    out.table(["user", "cosine"], [[str(u), s] for u, s in zip(users, scores, strict=True)])
    neighbours = [{"user": u, "cosine": s} for u, s in zip(users, scores, strict=True)]
    out.finish({"user": someone, "neighbours": neighbours}, [["recommend", model, "--user", str(someone)]])
