"""``ridgeback explain``: the sum behind one score."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from ridgeback.cli.command import Command, json_option, option
from ridgeback.cli.data_options import title_options
from ridgeback.cli.model_file import OpenModel, open_model
from ridgeback.cli.output import Output
from ridgeback.cli.paths import check_not_among, input_file, output_file

if TYPE_CHECKING:
    from ridgeback.models import Recommender
    from ridgeback.recommend.explanation import Explanation

_BAR_CELLS = 20


@click.command("explain", cls=Command, short_help="Say why a user is recommended an item.")
@click.argument("model", callback=input_file)
@option("--user", required=True, metavar="ID", help="The user.")
@option("--item", required=True, metavar="ID|TITLE", help="The item.")
@option("--top", type=click.IntRange(min=1), default=10, show_default=True, help="Contributions to list.")
@option("--html", callback=output_file, metavar="FILE", help="Also write the explanation as a page with bars.")
@title_options
@json_option
def command(model: str, user: str, item: str, top: int, html: str | None, as_json: bool, **titles: Any) -> None:
    """Take a score apart: what each item of the user's history adds to it. The parts add up to the score.

    Also says the score's percentile, and the chance that it stands for where the model has chances. Bars are scaled to
    the largest single part; sums have none.

    \b
    ridgeback explain shop.ridge --user 42 --item "toy story"
    """
    if html is not None:
        check_not_among(html, (model, titles["titles"]))
    out = Output(as_json)
    opened = open_model(model, titles)
    someone, wanted = opened.user(user), opened.finder.find(item)
    explanation = opened.model.explain(someone, wanted)
    percentile = percentile_of(opened.model, someone, wanted)
    out.heading(f"user {someone}, {opened.name(wanted)}")
    out.table_without_head(_answers(explanation, percentile))
    out.say()
    show_explanation(out, opened, explanation, top)
    payload = {
        "user": someone,
        "item": wanted,
        "title": opened.title(wanted),
        "score": explanation.score,
        "percentile": percentile,
        "chance": explanation.chance,
        "chance_of": explanation.chance_of,
        "baseline": explanation.baseline,
        "rest": explanation.rest,
        "words": explanation.words(top),
        "contributions": [
            {"item": c.item, "title": opened.title(c.item), "value": c.value, "contribution": c.contribution}
            for c in explanation.contributions
        ],
    }
    if html is not None:
        explanation.to_html(html)
        out.say(f"\nwrote {html}")
        payload["html"] = html
    out.finish(payload, [["similar", model, "--item", str(wanted)]])


def percentile_of(model: Recommender, user: Any, item: Any) -> float:
    """The share of the items that somebody has that score no higher for the user, in percent."""
    found = model.recommend(user, k=1, candidates=[item], exclude_seen=False, as_="percentile")
    return float(found[0].score)


def _answers(explanation: Explanation, percentile: float) -> list[list[str]]:
    """The three questions: what the model sorts by, where that stands, what it promises."""
    answers = [
        ["score", f"{explanation.score:.4f}", "what the model sorts by"],
        ["percentile", f"{percentile:.1f}", "so many of 100 items score no higher for this user"],
    ]
    if explanation.chance is not None:
        has_it = any(c.item == explanation.item for c in explanation.contributions)
        doubt = "; meant for items that the user does not have, unlike this one" if has_it else ""
        answers.append(["chance", f"{explanation.chance:.1%}", f"{explanation.chance_of}{doubt}"])
    return answers


def show_explanation(out: Output, opened: OpenModel, explanation: Explanation, top: int) -> None:
    """Print the sentence, and the largest contributions, the others together and what is not the user's, with bars."""
    from ridgeback.charts.bars import text_bars

    parts = explanation.parts(top)
    bars = text_bars([None if part.source is None else part.figure for part in parts], _BAR_CELLS)
    rows: list[tuple[str, float, str]] = [
        (part.name if part.source is None else opened.name(part.source.item), part.figure, bar)
        for part, bar in zip(parts, bars, strict=True)
    ]
    out.say(explanation.words(top))
    out.say()
    out.table(["because of", "adds", ""], [*rows, ("score", explanation.score, "")])
