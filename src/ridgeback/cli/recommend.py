"""``ridgeback recommend``: items for one user, for several, or for all."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ridgeback.cli.application import Failure
from ridgeback.cli.command import Command, as_option, json_option, option, reranked, reranking_options, reranking_words
from ridgeback.cli.data_options import text_settings, title_options
from ridgeback.cli.model_file import OpenModel, open_model
from ridgeback.cli.output import Output, size_text
from ridgeback.cli.paths import check_input, check_not_among, input_file, output_file
from ridgeback.cli.progress import Progress

if TYPE_CHECKING:
    from ridgeback.recommend.recommendations import Recommendations


@click.command("recommend", cls=Command, short_help="Recommend items to one user or to all.")
@click.argument("model", callback=input_file)
@option("--user", "users", multiple=True, metavar="ID", help="The user to recommend to; may be repeated.")
@option("--all", "for_all", is_flag=True, help="Recommend to every user, into the file of -o.")
@option("-o", "--output", callback=output_file, metavar="FILE", help="With --all: a .parquet or .csv file.")
@option("-k", "--k", type=click.IntRange(min=1), default=10, show_default=True, help="Items a user.")
@option("--exclude-seen/--no-exclude-seen", default=True, show_default=True, help="Leave out what the user has.")
@option("--candidates", metavar="FILE", help="Recommend only these items: a file with one id a line ('-': stdin).")
@option("--where", metavar="SQL", help="Recommend only items whose row in the titles' file fulfils this condition.")
@as_option
@reranking_options
@title_options
@json_option
def command(
    model: str,
    users: tuple[str, ...],
    for_all: bool,
    output: str | None,
    k: int,
    exclude_seen: bool,
    candidates: str | None,
    where: str | None,
    as_: str,
    popularity_penalty: float,
    diversity: float,
    n_candidates: int | None,
    as_json: bool,
    **titles: Any,
) -> None:
    """Recommend items to one user, or to all users at once.

    \b
    ridgeback recommend shop.ridge --user 42
    ridgeback recommend shop.ridge --user 42 --titles movies.csv --where "genres like '%Drama%'"
    ridgeback recommend shop.ridge --all -o recommendations.parquet
    """
    _check_question(users, for_all, output, candidates, where, titles)
    if output is not None:
        check_not_among(output, (model, titles["titles"], candidates))
    out = Output(as_json)
    opened = open_model(model, titles)
    opened.check_as(as_)
    wanted: dict[str, Any] = {"k": k, "exclude_seen": exclude_seen, "as_": as_}
    order = {"popularity_penalty": popularity_penalty, "diversity": diversity, "n_candidates": n_candidates}
    wanted |= order
    if candidates is not None:
        wanted["candidates"] = [opened.model.item_ids_.parse(line) for line in _lines(candidates)]
    if where is not None:
        wanted["candidates"] = _candidates_where(out, opened, where, titles)
    if for_all:
        assert output is not None
        _recommend_to_all(out, opened, output, wanted)
    else:
        _recommend_to_some(out, opened, [opened.user(text) for text in users], wanted)


def _check_question(
    users: tuple[str, ...],
    for_all: bool,
    output: str | None,
    candidates: str | None,
    where: str | None,
    titles: dict[str, Any],
) -> None:
    """Refuse what cannot be meant, before the model is opened."""
    if for_all == bool(users):
        raise click.UsageError("give --user ID for one user, or --all -o FILE for every user.")
    if for_all and output is None:
        raise click.UsageError("--all needs -o FILE, a .parquet or .csv file to write.")
    if output is not None and not for_all:
        raise click.UsageError("-o goes with --all; for one user, redirect the output: ... --json > file.json.")
    if output is not None and Path(output).suffix.lower() not in (".parquet", ".csv"):
        raise click.UsageError(f"-o must end in .parquet or .csv; got '{output}'.")
    if candidates is not None and where is not None:
        raise click.UsageError("--candidates and --where both choose the items; give one of them.")
    if where is not None and titles["titles"] is None:
        raise click.UsageError("--where is a condition on the titles' file; give it with --titles FILE.")


def _recommend_to_some(out: Output, opened: OpenModel, users: list[Any], wanted: dict[str, Any]) -> None:
    """Print one list a user."""
    lists: list[Recommendations] = opened.model.recommend(users, **wanted)
    for recommendations in lists:
        out.heading(_describe(recommendations))
        items = list(recommendations.items)
        columns = {wanted["as_"]: list(recommendations.scores)}
        if recommendations.ranking_scores is not None:
            columns["ranking"] = list(recommendations.ranking_scores)
        out.table(*opened.item_table(items, **columns))
    words = opened.as_words(wanted["as_"])
    if words is not None and any(each.fallback is None for each in lists):
        out.say(f"\n{words}")
    order = reranked(wanted)
    if order:
        out.say(f"\n{reranking_words(order)}")
    next_commands = []
    first = lists[0]
    if len(first):
        asked = ["--user", str(first.user), "--item", str(first.items[0])]
        next_commands = [["explain", opened.path, *asked] if opened.can_explain else ["inspect", opened.path]]
    payloads = [_payload(opened, recommendations, wanted["as_"]) for recommendations in lists]
    more = ({} if words is None else {"chance_of": opened.model._chance_of()}) | ({"reranking": order} if order else {})
    out.finish({"recommendations": payloads, **more}, next_commands)


def _recommend_to_all(out: Output, opened: OpenModel, output: str, wanted: dict[str, Any]) -> None:
    """Write the lists of all users into a file, block by block."""
    blocks = opened.model.recommend_all(**wanted)
    write = blocks.to_parquet if Path(output).suffix.lower() == ".parquet" else blocks.to_csv
    n_users = blocks.n_users
    with Progress("recommend", "users", n_users) as progress:
        write(output, progress=progress.show)
    size = Path(output).stat().st_size
    out.say(f"wrote {output}: up to {wanted['k']} items for each of {n_users} users ({size_text(size)})")
    words = opened.as_words(wanted["as_"])
    if words is not None:
        out.say(words)
    order = reranked(wanted)
    if order:
        out.say(reranking_words(order))
    more = {"reranking": order} if order else {}
    out.finish(
        {"output": output, "n_users": n_users, "k": wanted["k"], "size_bytes": size, **more},
        [["recommend", opened.path, "--user", str(opened.model.user_ids_[0])]],
    )


def _describe(recommendations: Recommendations) -> str:
    """'user 42: 10 items', with the reason where it is not their own taste."""
    count = len(recommendations)
    text = f"user {recommendations.user}: {count} item{'' if count == 1 else 's'}"
    if recommendations.fallback is not None:
        text += f" (no history is stored for this user: ranked by {recommendations.fallback})"
    return text


def _payload(opened: OpenModel, recommendations: Recommendations, as_: str) -> dict[str, Any]:
    """What --json writes for one user."""
    items = [
        {"item": item, "title": opened.title(item), "score": score}
        for item, score in zip(recommendations.items, recommendations.scores, strict=True)
    ]
    if recommendations.ranking_scores is not None:
        for entry, value in zip(items, recommendations.ranking_scores, strict=True):
            entry["ranking_score"] = value
    return {"user": recommendations.user, "as": as_, "fallback": recommendations.fallback, "items": items}


def _candidates_where(out: Output, opened: OpenModel, condition: str, titles: dict[str, Any]) -> list[Any]:
    """The model's items that fulfil --where."""
    from ridgeback.data.catalogue import items_where

    found = items_where(titles["titles"], condition, item=titles["title_id"], **text_settings(titles))
    ids = opened.model.item_ids_
    rows = ids.match(found)
    known = [ids[int(row)] for row in rows[rows >= 0]]
    if not len(found):
        raise Failure(f"no row of {titles['titles']} fulfils {condition!r}; loosen the condition.")
    if not known:
        raise Failure(
            f"{len(found)} rows of {titles['titles']} fulfil {condition!r}, and the model knows none of these items; "
            f"compare the ids: {found[0]!r} in the file, {ids[0]!r} in the model."
        )
    out.say(f"{len(known)} of the model's {len(ids)} items fulfil {condition}")
    return known


def _lines(path: str) -> list[str]:
    """The ids of a file with one id a line."""
    if path == "-":
        text = sys.stdin.read()
    else:
        check_input(path)
        try:
            text = Path(path).read_text(encoding="utf-8-sig")
        except UnicodeDecodeError as error:
            raise Failure(
                f"{path} is not UTF-8 text (byte {error.start}); give a text file with one id a line."
            ) from error
    ids = [line.strip() for line in text.splitlines() if line.strip()]
    if not ids:
        raise Failure(f"{path} holds no ids; give a text file with one id a line.")
    return ids
