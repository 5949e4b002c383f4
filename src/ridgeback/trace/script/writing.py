"""Puts a script together: what is given, what is recorded, and the lecture between them."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ridgeback.errors import DataError, ParameterError, RidgebackError, TraceMismatchError
from ridgeback.trace.script.composing import Lecture, composed
from ridgeback.trace.script.facts import Facts
from ridgeback.trace.script.literals import assigned
from ridgeback.trace.script.rehearsal import rehearse

if TYPE_CHECKING:
    from ridgeback.trace.trace import Trace

LARGEST = 500_000  # numbers in a script: about 12 MB of Python
RULE = "# " + "=" * 118
GIVEN = "GIVEN: the data, the settings and where the factors begin; nothing here follows from anything else"
COMPARING = "The lecture; first how numbers are held against the record"
RECORDED = "RECORDED: what the fit wrote down; each of these numbers is computed above and compared"


def script(trace: Trace) -> str:
    """A Python script that computes a trace again, explains each formula, and asserts each number.

    Parameters
    ----------
    trace : Trace

    Returns
    -------
    str
        Needs NumPy only. Two marked blocks hold what is given (data, settings, starting matrices) and what is recorded;
        nothing in the first follows from the rest.

    Raises
    ------
    ParameterError
        When nothing is recorded, or the script would hold more than 500,000 numbers.
    DataError
        When the record lacks what a script needs.
    TraceMismatchError
        When a number of the record is not what the script computes: it was changed, or is a bug.

    Notes
    -----
    The script is run before it is handed out. Numbers that are rounding of 0 are written as 0.
    """
    trace._check_recorded()
    if not trace.steps:
        raise ParameterError("This trace has no steps, so there is nothing to write a script about.")
    try:
        _check_size(trace.header, trace.steps)
        return _written(Facts(trace.header, trace.steps))
    except RidgebackError:
        raise
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        raise DataError(
            f"This trace is not one that a fit wrote: {type(error).__name__}: {error}. "
            "Write it again with Trace.to_json."
        ) from error


def _written(facts: Facts) -> str:
    """The script, rehearsed."""
    lecture = _bounded_lecture(facts)
    return _rehearsed(facts, lecture)


def _bounded_lecture(facts: Facts) -> Lecture:
    """The lecture with the most steps that conjugate gradient took as its bound, unless all rows end by themselves."""
    is_replayed = facts.header["precision"] == "double" and facts.kind != "watched"
    cg = [row for step in facts.steps if step["method"] == "cg" for row in step["rows"]] if is_replayed else []
    most = max((row["n_steps"] for row in cg), default=0)
    if not most:
        return composed(facts)
    try:
        _rehearsed(facts, composed(facts, most + 1))
    except TraceMismatchError:
        return composed(facts, most)
    return composed(facts)


def _rehearsed(facts: Facts, lecture: Lecture) -> str:
    """The script of a lecture, after a run of it."""
    head, block = _head(facts, lecture.leaves_out), lecture.recorded
    given = f"{_title(GIVEN)}\nnan = np.nan\n{lecture.given}\n{_title('END OF GIVEN')}\n"
    given += f"{_title(COMPARING)}\n{lecture.constants}"
    rehearse("\n".join([head, given, lecture.text, lecture.run]), block, lecture.within)
    recorded = f"{_title(RECORDED)}\n{assigned('RECORDED', block)}\n{_title('END OF RECORDED')}"
    return "\n".join([head, given, lecture.check, "", lecture.text, "", recorded, lecture.run])


def _title(words: str) -> str:
    return f"{RULE}\n# {words}\n{RULE}\n"


def _head(facts: Facts, leaves_out: str) -> str:
    """Docstring and imports."""
    model = re.sub(r"[^A-Za-z0-9_]", "", str(facts.header["model"]))[:60]
    return (
        f'"""{model}, step by step, in NumPy alone.\n\n'
        "Run it: it prints every matrix on the way, and ends with an error where a number is not the recorded one.\n\n"
        f'{leaves_out}"""\n\nimport sys\n\nimport numpy as np\n\n'
        'if hasattr(sys.stdout, "reconfigure"):\n'
        '    sys.stdout.reconfigure(errors="backslashreplace")  # names may hold what a terminal cannot show\n'
    )


def _check_size(header: Mapping[str, Any], steps: list[dict[str, Any]]) -> None:
    """Refuse what would be too long to read or run, before any row is worked out."""
    n_numbers = math.ceil(sum(_n_numbers(header, step) for step in steps))
    if n_numbers > LARGEST:
        raise ParameterError(
            f"This script would hold about {n_numbers:,} numbers ({n_numbers * 24 / 1e6:,.0f} MB of Python); scripts "
            f"are written up to {LARGEST:,}. Watch a few rows instead, Trace(watch_users=[...], watch_items=[...]), or "
            "trace a fit with fewer factors or iterations."
        )


def _n_numbers(header: Mapping[str, Any], step: Mapping[str, Any]) -> float:
    """About how many numbers a step puts into the script."""
    size = int(header["n_factors"]) + 1
    n_users, n_items = len(header["users"]["ids"]), len(header["items"]["ids"])
    matrices = 0 if step["predictions"] is None else 2 * n_users * n_items
    has_systems = step["method"] not in ("gradient", "adagrad")
    per_row = size * size * has_systems + 4 * size
    n_pairs = len(header["pairs"]["user"])
    return matrices + len(step["rows"]) * per_row + 6 * n_pairs + size * (n_users + n_items) + size * size
