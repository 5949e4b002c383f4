"""Which parts a lecture has, in which order, for a whole trace, watched rows or one new user."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ridgeback.trace.script import given, recorded, watched
from ridgeback.trace.script.facts import Facts, Settings, counts_all, settings_of
from ridgeback.trace.script.lecture import comparing, least_squares, logistic, pairs, walk, watching
from ridgeback.trace.script.templates import filled

LARGEST_CONDITION = 1e6  # beyond, a replay of many steps drifts from the record by more than 1e-9
MOVES = {"majorize", "gradient", "adagrad"}
BY_FAMILY = {"explicit": pairs.EXPLICIT, "implicit": pairs.IMPLICIT, "logistic": pairs.LOGISTIC}
WATCHED_BY_FAMILY = {
    "explicit": watching.PAIRS_EXPLICIT,
    "implicit": watching.PAIRS_IMPLICIT,
    "logistic": watching.PAIRS_LOGISTIC,
}


@dataclass(frozen=True)
class Lecture:
    """The parts of a script.

    Attributes
    ----------
    given : str
        The first block.
    recorded : dict
        The second block.
    within : float
        What a number may be off by, as a share of what its terms are worth.
    constants, check, text, run : str
        Tolerances, how numbers are compared (a rehearsal brings its own), the lecture, and the lines that run it all.
    leaves_out : str
        What the script does not compute, for its docstring.
    """

    given: str
    recorded: dict[str, Any]
    within: float
    constants: str
    check: str
    text: str
    run: str
    leaves_out: str


def composed(facts: Facts, n_cg_steps: int = 0) -> Lecture:
    """Everything of the script about a trace; `n_cg_steps` bounds conjugate gradient in a replay, where that counts."""
    settings = settings_of(facts)
    is_watched = facts.kind == "watched"
    is_replayed = not is_watched and _replays(facts)
    flags = _flags(facts, settings, is_replayed) | ({"cg_bound"} if n_cg_steps else set())
    within = 1e-9 if is_replayed else 1e-11
    if is_watched:
        given_block, block = watched.blocks(facts, settings.weights)
    else:
        given_block, block = given.given(facts, settings, n_cg_steps), recorded.recorded(facts, is_replayed)
    reaches = {"WITHIN": within, **_reaches(facts, is_replayed)}
    return Lecture(
        given_block,
        block,
        within,
        "".join(f"{name} = {value!r}  # {TOLERANCES[name]}\n" for name, value in reaches.items()),
        filled(comparing.CHECK, flags),
        "\n\n".join(filled(part, flags) for part in _parts(facts, flags)),
        filled(watching.RUN if is_watched else walk.RUN, flags),
        _leaves_out(facts, is_replayed),
    )


TOLERANCES = {
    "WITHIN": "what a number may be off by, as a share of what its terms are worth",
    "REACH": "what the fit's float32 rows may be off by",
    "STEPS_REACH": "the same after conjugate gradient in float32",
    "LOSS_REACH": "what losses summed from float32 rows may be off by",
    "AXES_REACH": "how nearly Y^T Y is diagonal in the principal axes",
}


def _replays(facts: Facts) -> bool:
    """Whether the script can walk from the start by itself: float64 throughout, and no row that magnifies rounding."""
    if facts.header["precision"] != "double":
        return False
    rows = [(step["method"], row) for step in facts.steps if step["method"] != "newton" for row in step["rows"]]
    if max((row["condition"] for _, row in rows if row["condition"] is not None), default=1.0) > LARGEST_CONDITION:
        return False
    return not recorded.goes_back(facts) and not any(
        method == "non_negative" and row["is_singular"] for method, row in rows
    )


def _flags(facts: Facts, settings: Settings, is_replayed: bool) -> set[str]:
    """What the templates ask for."""
    methods = {step["method"] for step in facts.steps if step["method"] is not None}
    first = facts.steps[0]
    has_implied = bool(facts.is_implied.any())
    asked = {
        "biases": facts.has_biases,
        "gram": facts.has_gram,
        "complete": facts.is_complete,
        "full_gram": facts.has_gram and facts.is_complete,
        "replayed": is_replayed,
        "single": facts.header["precision"] == "single",
        "mean": settings.has_mean,
        "follows": settings.has_ridges,
        "exponent": "frequency_exponent" in settings.values,
        "counts_all": counts_all(facts),
        "counted": bool(
            {"frequency_exponent", "user_weight_exponent", "item_weight_exponent"} & settings.values.keys()
        ),
        "user_frequent": "user_weight_exponent" in settings.values,
        "item_frequent": "item_weight_exponent" in settings.values,
        "all_noes": has_implied and given.takes_all_noes(facts),
        "drawn_noes": has_implied and not given.takes_all_noes(facts),
        "new_user": facts.kind == "fold-in",
        "singular": any(row["is_singular"] for step in facts.steps for row in step["rows"]),
        "moves": bool(methods & MOVES),
        "moves_gently": bool(methods & {*MOVES, "cg"}),
        "methods": "cg" in methods or ("newton" in methods and bool(methods & MOVES)),
        "rotation": any(step["side"] == "rotation" for step in facts.steps),
        "goes_back": recorded.goes_back(facts),
        "uses_before": facts.family == "logistic" or "cg" in methods,
        "user_biases": first["user_biases"] is not None and bool(facts.numbers(first["user_biases"]).any()),
        "item_biases": first["item_biases"] is not None and bool(facts.numbers(first["item_biases"]).any()),
    }
    return {name for name, is_set in asked.items() if is_set} | methods | {facts.family, facts.loss, settings.weights}


def _parts(facts: Facts, flags: set[str]) -> list[str]:
    """The templates of the lecture."""
    shown = [comparing.SHOW] + [comparing.SOLUTION] * bool(flags & {"explicit", "implicit", "majorize"})
    if facts.kind == "watched":
        parts = [*shown, WATCHED_BY_FAMILY[facts.family], watching.RIDGE, *_solving(flags), watching.LOOK]
        return [*parts, *[watching.ROTATE] * ("rotation" in flags), watching.WALK]
    frequent = [pairs.FREQUENT] * bool(flags & {"user_frequent", "item_frequent"})
    losses = walk.CHECK_LOSS if flags & {"replayed", "new_user"} else walk.BOUND_LOSS
    return [
        *shown,
        pairs.SIDES,
        BY_FAMILY[facts.family],
        *frequent,
        pairs.RIDGES,
        pairs.CHECK_DATA,
        *_solving(flags),
        walk.START,
        walk.SCORES + losses + walk.SHOW_LOSS,
        walk.HALF_STEP,
        *[walk.ROTATION] * ("rotation" in flags),
        walk.STEPS,
        walk.RECOMMEND,
    ]


def _solving(flags: set[str]) -> list[str]:
    """How a row is solved, by family and method."""
    if "logistic" not in flags:
        return [
            least_squares.SOLVE,
            *[least_squares.LEAST_NORM] * ("singular" in flags and "non_negative" not in flags),
            *[least_squares.NON_NEGATIVE] * ("non_negative" in flags),
            *[least_squares.CHECKED_MINIMUM] * ("singular" in flags and "non_negative" in flags),
            *[least_squares.CONJUGATE_GRADIENT] * ("cg" in flags),
        ]
    return [
        logistic.CURVES,
        *[logistic.MAJORIZE] * ("majorize" in flags),
        *[logistic.SINGULAR_MAJORIZE] * ("majorize" in flags and "singular" in flags),
        *[logistic.DESCEND] * bool(flags & {"gradient", "adagrad"}),
        *[logistic.NEWTON] * ("newton" in flags),
        *[logistic.MOVE] * ("moves" in flags),
        logistic.SOLVE,
    ]


def _reaches(facts: Facts, is_replayed: bool) -> dict[str, float]:
    """How far stored float32 numbers may be from what they stand for."""
    reaches: dict[str, float] = {}
    if facts.kind == "whole" and any(step["side"] == "rotation" for step in facts.steps):
        reaches["AXES_REACH"] = 1e-9 if is_replayed else 1e-4
    if is_replayed:
        return reaches
    exact = [row["distance"] for step in facts.steps if step["method"] != "cg" for row in step["rows"]]
    gap = max((one for one in exact if one is not None), default=0.0)
    reaches["REACH"] = next((bound for bound in (1e-5, 1e-4, 1e-3, 1e-2, 0.1, 1.0) if gap <= bound / 2), 2 * gap)
    if any(step["method"] == "cg" for step in facts.steps):
        reaches["STEPS_REACH"] = 3e-3
    return reaches | ({"LOSS_REACH": 1e-3} if facts.kind == "whole" else {})


def _leaves_out(facts: Facts, is_replayed: bool) -> str:
    """How the script goes, and what it leaves out."""
    bounded = "Residuals and condition numbers are bounded or shown, not compared.\n"
    if facts.kind == "watched":
        return (
            "Each step of the watched rows is computed in float64 from what is stored of it: the neighbours' factors,\n"
            "the weights and the Gramian. Not computed: all other rows, and with them these factors, the Gramians and\n"
            f"the losses of the whole fit; seconds and validation metrics.\n{bounded}"
        )
    how = (
        "It walks from where the factors begin to the end, in float64 as the fit did.\n"
        if is_replayed
        else "Each step is computed in float64 from the numbers that the fit held before it.\n"
    )
    has_validation = any(step["validation"] is not None for step in facts.steps)
    left = "Not computed: seconds" + (" and validation metrics" if has_validation else "")
    return f"{how}{left}. {bounded}"
