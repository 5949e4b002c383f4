"""``ridgeback explain``: the sum behind one score."""

from __future__ import annotations

from typing import Any

import click

from ridgeback.cli.command import Command, json_option, option
from ridgeback.cli.data_options import title_options
from ridgeback.cli.model_file import OpenModel, open_model
from ridgeback.cli.output import Output
from ridgeback.cli.paths import input_file


@click.command("explain", cls=Command, short_help="Say why a user is recommended an item.")
@click.argument("model", callback=input_file)
@option("--user", required=True, metavar="ID", help="The user.")
@option("--item", required=True, metavar="ID|TITLE", help="The item.")
@option("--top", type=click.IntRange(min=1), default=10, show_default=True, help="Contributions to list.")
@title_options
@json_option
def command(model: str, user: str, item: str, top: int, as_json: bool, **titles: Any) -> None:
    """Take a score apart: what each item of the user's history adds to it. The parts add up to the score.

    \b
    ridgeback explain shop.ridge --user 42 --item "toy story"
    """
    out = Output(as_json)
    opened = open_model(model, titles)
    someone, wanted = opened.user(user), opened.finder.find(item)
    explanation = opened.model.explain(someone, wanted)
    out.heading(f"user {someone}, {opened.name(wanted)}: score {explanation.score:.4f}")
    show_explanation(out, opened, explanation, top)
    payload = {
        "user": someone,
        "item": wanted,
        "title": opened.title(wanted),
        "score": explanation.score,
        "baseline": explanation.baseline,
        "rest": explanation.rest,
        "contributions": [
            {"item": c.item, "title": opened.title(c.item), "contribution": c.contribution}
            for c in explanation.contributions
        ],
    }
    out.finish(payload, [["similar", model, "--item", str(wanted)]])


def show_explanation(out: Output, opened: OpenModel, explanation: Any, top: int) -> None:
    """Print the largest contributions, the sum of the smaller ones, and what does not come from the history."""
    ranked = sorted(explanation.contributions, key=lambda c: -abs(c.contribution))
    rows: list[tuple[str, float]] = []
    if explanation.baseline:
        rows.append(("baseline (mean and item bias)", explanation.baseline))
    rows += [(opened.name(c.item), c.contribution) for c in ranked[:top]]
    if len(ranked) > top:
        rows.append((f"{len(ranked) - top} more items", sum(c.contribution for c in ranked[top:])))
    if explanation.rest:
        rows.append(("what the user has not (the noes)", explanation.rest))
    rows.append(("score", explanation.score))
    out.table(["because of", "adds"], rows)
