"""``ridgeback trace``: what a fit does to its matrices, step by step."""

from __future__ import annotations

import inspect
import json
import re
import sys
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ridgeback.cli.application import Failure
from ridgeback.cli.command import Command, json_option, option
from ridgeback.cli.data_options import data_options, read_data
from ridgeback.cli.fit import EVERY_VALUE_IS_ONE, fit_with_progress, takes_every_value_as_one, was_named
from ridgeback.cli.model_options import all_parameters, build_model, model_options, option_name, parse_value
from ridgeback.cli.output import Output
from ridgeback.cli.paths import check_not_among, event_file, output_file
from ridgeback.cli.trace_matrices import TypedMatrices
from ridgeback.cli.trace_new_user import NewUser, is_large
from ridgeback.cli.typed_matrix import parse_row

if TYPE_CHECKING:
    from ridgeback.data import Ids, Interactions
    from ridgeback.trace import Trace

EXAMPLES = ("explicit_2x2", "implicit_2x2", "new_user_2x2")
_WITHOUT_STEPS = ("bayesian", "popularity", "bias")
_MATRICES, _SHOWN, _WRITTEN = "Matrices", "What is shown", "What is written"
_OF_MATRICES = ("user_factors", "item_factors", "users", "items")
_NARRATORS = {"html": ("to_html", "page"), "python": ("to_python", "script"), "json_out": ("to_json", "record")}
_LONGEST = 100
N_RECOMMENDATIONS = 5


@click.command("trace", cls=Command, short_help="Show every matrix of a fit at every step.")
@click.argument("file", required=False, callback=event_file)
@option("--ratings", metavar="MATRIX", section=_MATRICES,
        help='A row a user, a column an item: "4 2; 3 .", where . is a missing rating.')  # fmt: skip
@option("--user-factors", metavar="MATRIX", section=_MATRICES,
        help='Start from these: ".5 .2; .3 .1", a row a user, a column a factor. [default: drawn]')  # fmt: skip
@option("--item-factors", metavar="MATRIX", section=_MATRICES, help="The same of the items.")
@option("--users", metavar="NAME,...", section=_MATRICES, help="Names of the users. [default: u1,u2,...]")
@option("--items", metavar="NAME,...", section=_MATRICES, help="Names of the items. [default: i1,i2,...]")
@option("--new-user", metavar="ROW|LIST", section=_MATRICES,
        help='Then solve for a new user: with --ratings a value an item, "1 0"; with a FILE what they have, "1,2,3" or '
        '"1=5,2=3.5", as in fold-in.')  # fmt: skip
@option("--example", type=click.Choice(EXAMPLES), section="Worked examples",
        help="A worked example, beside what a well-known tutorial prints.")  # fmt: skip
@option("--count", type=float, metavar="NUMBER", section="Worked examples",
        help="new_user_2x2: how often the new user had the item. [default: 1]")  # fmt: skip
@option("--watch-user", multiple=True, metavar="ID", section="Watching", help="Record this user alone, in data of any "
        "size; may be given several times.")  # fmt: skip
@option("--watch-item", multiple=True, metavar="ID", section="Watching", help="Record this item alone.")
@option("--show-user", metavar="ID", section=_SHOWN, help="Show how this user is solved, with the numbers put in.")
@option("--show-item", metavar="ID", section=_SHOWN,
        help="Show how this item is solved; with --show-user, the pair's score too.")  # fmt: skip
@option("--step", multiple=True, type=int, metavar="INTEGER", section=_SHOWN,
        help="Show this step alone, -1 being the last; may be given several times.")  # fmt: skip
@option(
    "--all-steps", is_flag=True, section=_SHOWN, help="Show every step of a long fit, not the first and last alone."
)
@option("--rows", type=click.IntRange(min=1), default=10, show_default=True, metavar="INTEGER", section=_SHOWN,
        help="Rows of a matrix to show at most.")  # fmt: skip
@option("--html", callback=output_file, metavar="FILE", section=_WRITTEN,
        help="Write one HTML page: every step, every number computed again where you point.")  # fmt: skip
@option("--python", callback=output_file, metavar="FILE", section=_WRITTEN,
        help="Write a NumPy script that explains and computes every step again.")  # fmt: skip
@option("--json-out", callback=output_file, metavar="FILE", section=_WRITTEN, help="Write the record as JSON.")
@data_options
@model_options(default=None)
@json_option
def command(
    file: str | None, example: str | None, family: str | None, step: tuple[int, ...], all_steps: bool, rows: int,
    as_json: bool, **options: Any,
) -> None:  # fmt: skip
    """Show what a fit does to its matrices, step by step: every number with the arithmetic behind it.

    Typed matrices are fitted in float64 by readable solvers; without biases, frequency exponents and rotation, with
    alpha 1 in --loss hu and unobserved_weight 0.1 in "ials", unless given. --model is explicit unless named. A table of
    events is fitted as `ridgeback fit` does it.

    \b
    ridgeback trace --ratings "4 2; 3 ." --n-iterations 3 --show-user u1
    ridgeback trace --ratings "1 0; 1 1" --model implicit --new-user "1 0"
    ridgeback trace ratings.csv --watch-user 42
    ridgeback trace ratings.csv --model explicit --new-user "1=5,2=3.5"
    ridgeback trace --example explicit_2x2
    """
    ratings = options["ratings"]
    if sum(source is not None for source in (ratings, example, file or options["query"])) != 1:
        raise click.UsageError('give one of: --ratings "4 2; 3 .", a FILE of events, or --example NAME.')
    _refuse_strays(file or options["query"], ratings, example, family, options)
    for name in _NARRATORS:
        if options[name] is not None:
            check_not_among(options[name], (file, options["titles"]))
    out = Output(as_json)
    more: dict[Any, Any] = {}
    trace: Trace | None
    told = _Telling(out, options, list(step) or ("all" if all_steps else None), rows)
    if example is not None:
        trace, new_user = _example(example, options), None
    elif ratings is not None:
        trace, new_user, more = _typed(out, family or "explicit", options)
    else:
        trace, new_user, more = _watched(out, file, family or "implicit", options)
    told.tell(trace, new_user, more)
    _write(out, trace, new_user, options)
    if as_json:
        print(_as_json(trace, new_user))


class _Telling:
    """What of a trace is shown, and in what order."""

    def __init__(self, out: Output, options: Mapping[str, Any], step: Any, rows: int) -> None:
        self.out, self.step, self.rows = out, step, rows
        self.user, self.item = options["show_user"], options["show_item"]

    def tell(self, trace: Trace | None, new_user: Trace | None, recommended: Mapping[str, Any]) -> None:
        from ridgeback.trace.terminal import show
        from ridgeback.trace.written import in_commands

        if self.out.is_json:
            return
        _refuse_long(self.user, self.item)
        detail = in_commands(self.rows)
        if trace is not None:
            self._check_steps(len(trace.steps))
            show(trace, self.step, self.user, self.item, file=sys.stdout, detail=detail)
        if new_user is not None:
            show(new_user, file=sys.stdout, detail=detail)
        for user, found in recommended.items():
            self.out.heading(f"recommendation for user {user}: items that this user does not have, best first")
            self.out.table(["item", "title", "score"], [[str(item), title, score] for item, score, title in found])
        sys.stdout.flush()

    def _check_steps(self, n: int) -> None:
        for step in self.step if isinstance(self.step, list) else []:
            if not -n <= step < n:
                raise click.UsageError(
                    f"--step {step}: the steps of this fit are 0 to {n - 1}, counted from its end -1 to -{n}."
                )


def _typed(out: Output, family: str, options: Mapping[str, Any]) -> tuple[Trace, Trace | None, dict[str, Any]]:
    """The trace of typed matrices, and that of the new user."""
    from ridgeback.errors import RidgebackWarning
    from ridgeback.examples.twins import fold_in_by_hand

    typed = TypedMatrices(options)
    n_items = typed.ratings.shape[1]
    values = None if options["new_user"] is None else parse_row("--new-user", options["new_user"], n_items, "item")
    model, data = typed.model(family, options), typed.interactions()
    trace = _new_trace(data, options)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RidgebackWarning)  # what they say is a step's note
        _fit(lambda: model.fit(data, trace=trace))
    for note in typed.notes(model):
        out.say(note)
    if values is None:
        return trace, None, {}
    given = {item: float(value) for item, value in zip(typed.items, values, strict=True) if value == value}
    return trace, fold_in_by_hand(model, given), {}


def _watched(
    out: Output, file: str | None, family: str, options: Mapping[str, Any]
) -> tuple[Trace | None, Trace | None, dict[str, Any]]:
    """The trace of a fit on a table of events, that of a new user, and what the watched users are recommended.

    Of data too large to be traced whole, with nothing watched, a new user's trace is made alone.
    """
    model: Any = build_model(family, options)
    data = read_data(file, options)
    out.say(data.describe())
    if takes_every_value_as_one(model) and data.has_ratings:
        out.say(EVERY_VALUE_IS_ONE)
    newcomer = None if options["new_user"] is None else NewUser(options["new_user"], data, model)
    trace: Trace | None = _new_trace(data, options)
    shown = options["show_user"] or options["show_item"]
    if newcomer is not None and is_large(data) and not (shown or options["watch_user"] or options["watch_item"]):
        trace = None  # the new user's row alone
    if _fit(lambda: fit_with_progress(model, data, family, {} if trace is None else {"trace": trace})):
        raise KeyboardInterrupt
    watched = [] if trace is None else trace.watch_users or []
    found = {user: list(model.recommend(user, k=N_RECOMMENDATIONS)) for user in watched}
    return trace, None if newcomer is None else newcomer.trace(out, model), found


def _new_trace(data: Interactions, options: Mapping[str, Any]) -> Trace:
    """Of the watched rows, or of everything."""
    from ridgeback.trace import Trace

    watched: dict[str, list[Any] | None] = {}
    for word, other, ids in (("user", "item", data.user_ids), ("item", "user", data.item_ids)):
        typed, shown = options[f"watch_{word}"], options[f"show_{word}"]
        _refuse_long(*typed, shown)
        found = [_known(ids, text, word, f"--watch-{word}") for text in typed]
        watched[word] = found or None
        if shown is not None:
            asked = _known(ids, shown, word, f"--show-{word}")
            if found and asked not in found and not options[f"watch_{other}"]:
                raise click.UsageError(f"--show-{word} {shown} is not watched; add --watch-{word} {shown}.")
    return Trace(watch_users=watched["user"], watch_items=watched["item"])


def _known(ids: Ids, text: str, word: str, named: str) -> int | str:
    """The id that was typed; an unknown text raises, naming the closest, an unknown number naming what there is."""
    if ids.is_text:
        ids.row(text, word)
        return text
    if text.isascii() and text.lstrip("-").isdigit() and int(text) in ids:
        return int(text)
    numbers = ids.to_numpy()
    raise Failure(
        f"{named} {text}: no such {word} among {len(ids):,}; {word}s are whole numbers from {numbers.min()} to "
        f"{numbers.max()} in these data."
    )


def _fit(fit: Any) -> Any:
    """Run a fit; the refusal of too large a trace speaks of options."""
    from ridgeback.errors import ParameterError

    try:
        return fit()
    except ParameterError as error:
        message = re.sub(r"Trace\(watch_users=.*?\)", "--watch-user ID or --watch-item ID", str(error))
        raise ParameterError(message.replace("Trace() records", "a trace records")) from error


def _example(name: str, options: Mapping[str, Any]) -> Trace:
    """A worked example with the arguments that were given."""
    import ridgeback.examples

    function = getattr(ridgeback.examples, name)
    takes = inspect.signature(function).parameters
    given = {
        parameter: options[parameter] for parameter in ("count", *all_parameters()) if options[parameter] is not None
    }
    for parameter in given:
        if parameter not in takes:
            known = ", ".join(map(option_name, takes))
            raise click.UsageError(f"--example {name} has no {option_name(parameter)}; it takes: {known}.")
    trace: Trace = function(**{key: parse_value(v) if isinstance(v, str) else v for key, v in given.items()})
    return trace


def _refuse_strays(
    source: str | None, ratings: str | None, example: str | None, family: str | None, options: Mapping[str, Any]
) -> None:
    """Refuse options that go with another source, instead of leaving them aside in silence."""
    if family in _WITHOUT_STEPS:
        raise click.UsageError(f"--model {family} has no half-steps to trace; use explicit, implicit or logistic.")
    if example is not None and family is not None:
        raise click.UsageError(f"--model goes with --ratings or a FILE; --example {example} has its own.")
    if options["count"] is not None and example != "new_user_2x2":
        raise click.UsageError("--count goes with --example new_user_2x2.")
    if options["new_user"] is not None and example is not None:
        raise click.UsageError("--new-user goes with --ratings or a FILE of events.")
    for name in _OF_MATRICES:
        if options[name] is not None and ratings is None:
            raise click.UsageError(f"{option_name(name)} goes with --ratings.")
    if source is None:
        for parameter in click.get_current_context().command.params:
            if getattr(parameter, "section", None) in ("Data", "Titles") and was_named(parameter.name or ""):
                raise click.UsageError(f"{parameter.opts[0]} goes with a FILE of events.")
    if example is not None and (options["watch_user"] or options["watch_item"]):
        raise click.UsageError("--watch-user and --watch-item go with --ratings or a FILE of events.")


def _refuse_long(*ids: str | None) -> None:
    """An id of absurd length gets a line of advice and not its length in print."""
    for text in ids:
        if text is not None and len(text) > _LONGEST:
            raise click.UsageError(f"an id of {len(text):,} characters is none of these data's: '{text[:24]}...'.")


def _write(out: Output, trace: Trace | None, new_user: Trace | None, options: Mapping[str, Any]) -> None:
    """The other narrators' files; of a new user beside the fit's, or alone where the fit was not traced."""
    for name, (narrator, what) in _NARRATORS.items():
        path = options[name]
        if path is None:
            continue
        if trace is not None:
            getattr(trace, narrator)(path)
            out.say(f"\nthe {what} is in {path}")
        if new_user is not None:
            beside = Path(path).with_stem(f"{Path(path).stem}-new-user") if trace is not None else path
            getattr(new_user, narrator)(beside)
            out.say(f"the {what} of the new user is in {beside}")


def _as_json(trace: Trace | None, new_user: Trace | None) -> str:
    """The record; with a new user's both in one document, or that one alone where the fit was not traced."""
    records = [json.loads(one.to_json()) for one in (trace, new_user) if one is not None]
    if trace is not None and new_user is not None:
        return json.dumps({**records[0], "new_user": records[1]}, ensure_ascii=False)
    return json.dumps(records[0], ensure_ascii=False)
