"""``ridgeback demo``: the whole way, from events to recommendations with reasons, on an invented catalogue."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import click

from ridgeback.cli.command import Command, json_option, option
from ridgeback.cli.evaluate import show_report
from ridgeback.cli.fit import describe_fit, fit_with_progress, show_history
from ridgeback.cli.fold_in import new_user
from ridgeback.cli.model_file import OpenModel
from ridgeback.cli.output import Output
from ridgeback.cli.paths import output_file

if TYPE_CHECKING:
    from ridgeback.data import Interactions
    from ridgeback.data.synthetic import PlantedCatalogue
    from ridgeback.models import Recommender

DEFAULT_LIKES = "quantum colony, lunar engine, zero-point station"
_METRICS = ("recall@10", "ndcg@10", "hit_rate@10", "coverage@10")
_N_FACTORS, _N_ITERATIONS = 16, 8
_N_RECOMMENDATIONS, _N_REASONS = 8, 2
_LONG_HISTORY = 50


@click.command("demo", cls=Command, short_help="Run the whole way on invented data: no file needed.")
@option("--likes", default=DEFAULT_LIKES, show_default=True, metavar="LIST",
        help="What a new user likes: titles of the catalogue, parts of them, or ids.")  # fmt: skip
@option("-o", "--output", callback=output_file, metavar="FILE", help="Keep the model in this file.")
@json_option
def command(likes: str, output: str | None, as_json: bool) -> None:
    """Invent a catalogue of films and people with tastes, fit a model to what they watched, judge it and ask it.

    The model sees who watched what, never a genre; that its answers follow the invented tastes is its own finding.

    \b
    ridgeback demo
    ridgeback demo --likes "midnight heist, seventh heist" -o demo.ridge
    """
    started = time.perf_counter()
    out = Output(as_json)
    planted, data = _invent(out)
    train, model, payload = _fit_and_judge(out, data)
    opened = OpenModel(model, output or "demo.ridge")
    user = _example_user(planted, train)
    payload["recommendations"] = _recommend_with_reasons(out, opened, planted, train, user)
    out.heading(f'5. Somebody new, typed on the command line: --likes "{likes}"')
    payload["new_user"] = new_user(out, opened, opened.finder.find_all(likes), k=_N_RECOMMENDATIONS)
    out.say(f"\nall of this took {time.perf_counter() - started:.1f} s")
    if output is None:
        out.say("nothing was kept; -o demo.ridge keeps the model")
        out.finish(payload, [["demo", "-o", "demo.ridge"], ["check", "your-events.csv"]])
        return
    model.save(output)
    out.say(f"the model is in {output}")
    item = str(payload["recommendations"][0]["item"])
    asks = [["recommend", output, "--user", str(user)], ["explain", output, "--user", str(user), "--item", item]]
    out.finish({**payload, "output": output}, [*asks, ["check", "your-events.csv"]])


def _invent(out: Output) -> tuple[PlantedCatalogue, Interactions]:
    """The catalogue and its events, looked at before any fit."""
    from ridgeback.data import synthetic

    out.heading("1. Events: an invented catalogue, people with invented tastes")
    planted, data = synthetic.plant_catalogue(), synthetic.catalogue()
    out.say(f"{data.n_users:,} people, {data.n_items:,} films, {data.nnz:,} times that somebody watched one")
    report = data.check()
    troubles = [finding for finding in report.findings if finding.level != "info"]
    out.say(f"checked: {len(report.findings)} findings, {len(troubles) or 'none'} to act on")
    for finding in troubles:
        out.say(f"{finding.level}: {finding.message} -> {finding.action}")
    return planted, data


def _fit_and_judge(out: Output, data: Interactions) -> tuple[Interactions, Recommender, dict[str, Any]]:
    """A model of four fifths of the events, and how it does on the last fifth."""
    from ridgeback.data import split
    from ridgeback.evaluation import evaluate
    from ridgeback.models import ImplicitALS

    out.heading("2. Fit: users and items by turns, one ridge regression a row; the loss never rises")
    train, test = split.random(data, test_fraction=0.2, random_state=0)
    model = ImplicitALS(n_factors=_N_FACTORS, n_iterations=_N_ITERATIONS)
    if fit_with_progress(model, train, "implicit", {}):
        raise KeyboardInterrupt
    show_history(out, model)
    out.say(f"\n{describe_fit(model)}")
    out.heading("3. Quality on the fifth of the events that the fit never saw")
    report = evaluate(model, train, test, k=10)
    show_report(out, report, _METRICS)
    return train, model, {"history": model.history_, "quality": report.to_dict()}


def _example_user(planted: PlantedCatalogue, train: Interactions) -> int:
    """Somebody with two clear tastes and a history to see them in: of long histories the strongest second taste."""
    import numpy as np

    rows = train.user_ids.rows(np.arange(1, len(planted.user_tastes) + 1))
    is_long = train.user_items.counts()[rows] >= _LONG_HISTORY
    second = np.sort(planted.user_tastes, axis=1)[:, -2]
    return int(np.argmax(np.where(is_long, second, 0))) + 1


def _recommend_with_reasons(
    out: Output, opened: OpenModel, planted: PlantedCatalogue, train: Interactions, user: int
) -> list[dict[str, Any]]:
    """The best items of one user, each with the items of their history that speak for it most."""
    out.heading(f"4. Recommendations for user {user}, who was invented to like {_taste(planted, user)}")
    genres = dict(zip(planted.item_ids.tolist(), planted.genres, strict=True))
    out.say(f"watched: {_watched(planted, train, user)}")
    found = []
    for item, score, title in opened.model.recommend(user, k=_N_RECOMMENDATIONS):
        explanation = opened.model.explain(user, item)
        reasons = sorted(explanation.contributions, key=lambda c: -c.contribution)[:_N_REASONS]
        because = [opened.title(reason.item) or str(reason.item) for reason in reasons]
        found.append({"item": item, "title": title, "genres": genres[item], "score": score, "because": because})
    out.table(
        ["title", "genres", "score", "because they watched"],
        [[row["title"], row["genres"], row["score"], ", ".join(row["because"])] for row in found],
    )
    return found


def _watched(planted: PlantedCatalogue, train: Interactions, user: int) -> str:
    """'18 Mystery, 13 Horror, 4 Crime': the main genres of what a user has in the training part."""
    from collections import Counter

    row = train.user_ids.row(user)
    items = (train.item_ids[int(item)] for item in train.user_items.row(row)[0])
    genres = dict(zip(planted.item_ids.tolist(), planted.genres, strict=True))
    counts = Counter(genres[item].partition("|")[0] for item in items)
    return ", ".join(f"{count} {genre}" for genre, count in counts.most_common(3))


def _taste(planted: PlantedCatalogue, user: int) -> str:
    """'Horror (54 %) and Crime (41 %)': the two largest planted tastes."""
    from ridgeback.data.invented_titles import GENRES

    tastes = planted.user_tastes[user - 1]
    largest = tastes.argsort()[::-1][:2]
    return " and ".join(f"{GENRES[genre]} ({tastes[genre]:.0%})" for genre in largest)
