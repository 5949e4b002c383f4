"""``ridgeback fold-in``: recommendations for someone the model has never seen."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from ridgeback.cli.application import Failure
from ridgeback.cli.command import Command, as_option, json_option, option
from ridgeback.cli.data_options import title_options
from ridgeback.cli.fit import takes_every_value_as_one
from ridgeback.cli.items import TypedItem
from ridgeback.cli.model_file import OpenModel, open_model
from ridgeback.cli.output import Output
from ridgeback.cli.paths import input_file


@click.command("fold-in", cls=Command, short_help="Recommend to a new user, given what they like.")
@click.argument("model", callback=input_file)
@option("--items", required=True, metavar="LIST", help='What the new user has: "1,2,3", or with values "1=5,2=3.5"; '
        "titles, or parts of them that only one title has, may stand for ids.")  # fmt: skip
@option("-k", "--k", type=click.IntRange(min=1), default=10, show_default=True, help="Items to recommend.")
@option("--exclude-seen/--no-exclude-seen", default=True, show_default=True, help="Leave the given items out.")
@as_option
@title_options
@json_option
def command(model: str, items: str, k: int, exclude_seen: bool, as_: str, as_json: bool, **titles: Any) -> None:
    """Recommend to a new user from a few items: one ridge regression, nothing is stored.

    \b
    ridgeback fold-in shop.ridge --items "1,2,3"
    ridgeback fold-in shop.ridge --items "toy story=5, heat=1"
    """
    out = Output(as_json)
    opened = open_model(model, titles)
    opened.check_as(as_)
    typed = opened.finder.find_all(items)
    payload = new_user(out, opened, typed, k, exclude_seen, as_)
    known = next((item.id for item in typed if item.is_known), None)
    out.finish(payload, [] if known is None else [["similar", model, "--item", str(known)]])


def new_user(
    out: Output, opened: OpenModel, typed: list[TypedItem], k: int, exclude_seen: bool = True, as_: str = "score"
) -> dict[str, Any]:
    """Fold the typed items in and print the list that comes of it; returns the payload."""
    check_values(typed, opened.needs_ratings, opened.name)
    show_typed(out, opened, typed)
    ids = [item.id for item in typed]
    ratings = [item.rating for item in typed]
    if any(rating is not None for rating in ratings) and takes_every_value_as_one(opened.model):
        out.say("note: this model takes every item as a yes; the values make no difference to it")
    folded = opened.model.fold_in(ids, ratings=None if None in ratings else ratings)
    found = folded.recommend(k, exclude_seen=exclude_seen, as_=as_)
    unknown = list(folded.unknown_items)
    if unknown:
        out.say(f"not in the model, left out: {', '.join(str(item) for item in unknown)}")
    why = f" (nothing given is known: ranked by {found.fallback})" if found.fallback is not None else ""
    out.heading(f"{len(found)} item{'' if len(found) == 1 else 's'} for this new user{why}")
    out.table(*opened.item_table(list(found.items), **{as_: list(found.scores)}))
    words = opened.as_words(as_)
    if words is not None and found.fallback is None:
        out.say(f"\n{words}")
    return {
        "given": [{"item": t.id, "title": opened.title(t.id), "rating": t.rating} for t in typed if t.is_known],
        "unknown_items": unknown,
        "fallback": found.fallback,
        "as": as_,
        "items": [
            {"item": item, "title": opened.title(item), "score": score}
            for item, score in zip(found.items, found.scores, strict=True)
        ],
    }


def show_typed(out: Output, opened: OpenModel, typed: list[TypedItem]) -> None:
    """Say which items the typed words were taken for."""
    known = [item for item in typed if item.is_known]
    if not known:
        return
    out.heading("given")
    values = {} if all(item.rating is None for item in known) else {"value": [item.rating for item in known]}
    out.table(*opened.item_table([item.id for item in known], **values))


def check_values(typed: list[TypedItem], needs_ratings: bool, name: Callable[[int | str], str]) -> None:
    """All items with a value or none; ratings where the model is fitted on them. `name` says an item in prose."""
    without = [item for item in typed if item.rating is None]
    if without and len(without) < len(typed):
        raise Failure(f"give every item a value (item=value) or none; {name(without[0].id)} has none.")
    if without and needs_ratings:
        raise Failure(
            f"this model is fitted on ratings and needs one for {name(without[0].id)}; write item=rating, such as 1=5."
        )
