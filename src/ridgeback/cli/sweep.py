"""``ridgeback sweep``: errors in training and held out by the number of factors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from ridgeback.cli.command import Command, json_option, option
from ridgeback.cli.data_options import event_options, read_data
from ridgeback.cli.model_options import build_model, model_options
from ridgeback.cli.next_commands import data_arguments, model_arguments
from ridgeback.cli.output import Output
from ridgeback.cli.paths import check_not_among, event_file, input_file, output_file
from ridgeback.cli.progress import Progress
from ridgeback.plain_text import duration_text

if TYPE_CHECKING:
    from ridgeback.evaluation import SweepRow

_SECTION = "Sweep"


def numbers(ctx: click.Context, param: click.Parameter, value: str) -> tuple[int, ...]:
    """Callback of ``8,16,32``."""
    parts = [part.strip() for part in value.split(",") if part.strip()]
    if not parts or not all(part.isascii() and part.isdecimal() and int(part) > 0 for part in parts):
        raise click.BadParameter(f"expected numbers of at least 1, such as 8,16,32; got '{value}'")
    return tuple(sorted({int(part) for part in parts}))


@click.command("sweep", cls=Command, short_help="Find out how many factors help.")
@click.argument("file", required=False, callback=event_file)
@option("--n-factors", "sizes", callback=numbers, default="8,16,32,64", show_default=True, metavar="N,...",
        section=_SECTION, help="Numbers of factors to try.")  # fmt: skip
@option("--metric", metavar="NAME", section=_SECTION,
        help="What to judge on the held-out part. [default: ndcg@10, explicit rmse]")  # fmt: skip
@option("--test", callback=input_file, metavar="FILE", section=_SECTION,
        help="Judge on this file instead of holding a part out; read with the same options.")  # fmt: skip
@option("--test-fraction", type=click.FloatRange(0, 1, min_open=True, max_open=True), metavar="NUMBER",
        section=_SECTION, help="Share held out at random. [default: 0.2]")  # fmt: skip
@option("--seed", type=click.IntRange(min=0), default=0, show_default=True, metavar="INTEGER", section=_SECTION,
        help="Seed of the split.")  # fmt: skip
@option("--level", type=click.FloatRange(0, 1, min_open=True, max_open=True), default=0.95, show_default=True,
        metavar="NUMBER", section=_SECTION, help="Of the intervals by bootstrap over users.")  # fmt: skip
@option("--n-resamples", type=click.IntRange(min=0), default=1000, show_default=True, metavar="INTEGER",
        section=_SECTION, help="Draws of users for the intervals; 0: none.")  # fmt: skip
@option("--warm-start", type=click.Choice(["auto", "always", "never"]), default="auto", show_default=True,
        section=_SECTION, help="Start a fit from the one before, padded, with half the iterations; auto: where that "
        "fit had factors to spare, which is where it pays.")  # fmt: skip
@option("--html", callback=output_file, metavar="FILE", section=_SECTION, help="Also write the curves as a page.")
@event_options
@model_options(default="implicit", without=("n_factors",))
@json_option
def command(
    file: str | None, sizes: tuple[int, ...], metric: str | None, test: str | None, test_fraction: float | None,
    seed: int, level: float, n_resamples: int, warm_start: str, html: str | None, family: str, as_json: bool,
    **options: Any,
) -> None:  # fmt: skip
    """Fit a model with several numbers of factors, and judge each fit on its own data and on what was held out.

    More factors always describe the training part better; where the held-out part stops getting better they describe
    chance, and that row is marked. So is the knee: the smallest number that is as good as the best, for all that the
    held-out part can tell.

    \b
    ridgeback sweep ratings.csv --model explicit --n-factors 4,8,16,32
    """
    from ridgeback.evaluation import sweep_factors

    if family == "bayesian":
        raise click.UsageError(
            "--model bayesian cannot be swept: its chain starts anew at every rank; use --model explicit, or fit each."
        )
    if family in ("popularity", "bias"):
        raise click.UsageError(f"--model {family} has no factors; use --model implicit, explicit or logistic.")
    if test is not None and test_fraction is not None:
        raise click.UsageError("--test-fraction has no meaning with --test, which holds nothing out.")
    if html is not None:
        check_not_among(html, (file, test))
    out = Output(as_json)
    model = build_model(family, options)
    data = read_data(file, options)
    out.say(data.describe())
    held_out = None if test is None else read_data(test, {**options, "query": None})
    done: list[SweepRow] = []
    with Progress("sweep", "fits", len(sizes)) as progress:

        def forecast(n_factors: int, seconds: float) -> None:
            progress.show(len(done), len(sizes), f"{n_factors} factors: about {duration_text(seconds)}")

        def show(row: SweepRow) -> None:
            done.append(row)
            progress.show(len(done), len(sizes), f"{row.n_factors} factors: {row.held_out:.4f}")

        sweep = sweep_factors(
            model,
            data,
            held_out,
            n_factors=sizes,
            metric=metric,
            test_fraction=test_fraction or 0.2,
            random_state=seed,
            on_row=show,
            on_start=forecast,
            level=level,
            n_resamples=n_resamples,
            warm_start="auto" if warm_start == "auto" else warm_start == "always",
        )
    out.say()
    out.table(sweep.columns(), sweep.values())
    out.say(f"\n{sweep.summary()}")
    for note in sweep.notes():
        out.say(note)
    payload = sweep.to_dict()
    if html is not None:
        sweep.to_html(html)
        out.say(f"wrote {html}")
        payload["html"] = html
    fit = ["fit", *data_arguments(file, options, with_titles=True), *model_arguments(family, options)]
    worth_fitting = [sweep.best] if sweep.knee is None else dict.fromkeys([sweep.best, sweep.knee])
    most = sweep.rows[-1].n_factors
    if sweep.best.n_factors == most and sweep.same_as(sweep.best) is None:
        further = ",".join(str(n) for n in (most, 2 * most, 4 * most))
        same = [*data_arguments(file, options, with_titles=False), *model_arguments(family, options)]
        judged_on = [] if test is None else ["--test", test]
        judged_by = [] if metric is None else ["--metric", metric]
        out.finish(payload, [["sweep", *same, "--n-factors", further, *judged_on, *judged_by]])
        return
    out.finish(payload, [[*fit, "--n-factors", str(row.n_factors), "-o", "model.ridge"] for row in worth_fitting])
