"""Rows that are no interactions: refused with their place, or skipped and counted."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

from ridgeback.errors import BadRowsError, ParameterError

OnBadRows = Literal["error", "skip"]
N_EXAMPLES = 5

# Why a row is bad, in the order of native/event_block.hpp.
MISSING, NOT_A_NUMBER, NOT_FINITE, NEGATIVE, NOT_A_TIME, UNKNOWN_KIND, NOT_UTF8, NOT_AN_ID = range(8)
TOO_FEW_CELLS, TOO_MANY_CELLS, UNCLOSED_QUOTE, TEXT_AFTER_QUOTE = range(8, 12)

_REASONS = {
    MISSING: "is missing",
    NOT_A_NUMBER: "is not a number",
    NOT_FINITE: "is not a finite number within float32",
    NEGATIVE: "is negative, which a weight may not be",
    NOT_A_TIME: "is not a whole number or an ISO 8601 date or date-time such as 2026-01-31 12:30:00+09:00",
    NOT_UTF8: "is not UTF-8; pass encoding='latin-1', 'cp949' or what else the file is written in",
    NOT_AN_ID: "is not an int or text",
}
_ROW_REASONS = {
    TOO_FEW_CELLS: "has only",
    TOO_MANY_CELLS: "has",
    UNCLOSED_QUOTE: "opens a quote that is not closed",
    TEXT_AFTER_QUOTE: "has text between a closing quote and the next separator",
}

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*(e[+-]?\d+)?|nan|inf)", re.IGNORECASE)


def check_on_bad_rows(on_bad_rows: str) -> OnBadRows:
    """Return the argument, or raise ParameterError."""
    if on_bad_rows not in get_args(OnBadRows):
        raise ParameterError(f"The 'on_bad_rows' parameter must be 'error' or 'skip'. Got {on_bad_rows!r} instead.")
    return on_bad_rows  # type: ignore[return-value]


@dataclass(frozen=True)
class RowPlaces:
    """How messages say where a row is: by line of a text file, or by row counted from 0."""

    source: str
    has_lines: bool = False

    def of(self, row: int, line: int) -> str:
        """``ratings.csv line 4812`` or ``events.parquet row 17``."""
        return f"{self.source} line {line}" if self.has_lines else f"{self.source} row {row}"

    def objection(self, row: int) -> str | None:
        """What is wrong with the row before its columns are looked at, where the source knows; else None."""
        return None


def describe_bad_row(
    bad: tuple[int, int, int, int, int, bytes],
    places: RowPlaces,
    columns: Sequence[str],
    n_cells: int | None = None,
    kinds: Sequence[str] = (),
) -> str:
    """One sentence: place, column, value and what is wrong with it.

    Parameters
    ----------
    bad : (row, line, place in columns or -1, problem, detail, value)
        As the native table notes it.
    places : RowPlaces
        What the source is called.
    columns : sequence of str
        Names of the columns in use.
    n_cells : int, optional
        Cells that a row of text must have.
    kinds : sequence of str
        Kinds of events that have a weight.
    """
    row, line, column, problem, detail, raw = bad
    value = show(raw.decode("utf-8", "replace"))
    where = places.of(row, line)
    objection = places.objection(row)
    if objection is not None:
        return f"{where} {objection}"
    if column < 0:
        reason = _ROW_REASONS[problem]
        if problem in (TOO_FEW_CELLS, TOO_MANY_CELLS):
            reason += f" {detail} {'cell' if detail == 1 else 'cells'}, {n_cells} are expected"
        return f"{where} {reason}: {value}"
    if problem == MISSING:
        return f"{where}: {columns[column]} is {'empty' if places.has_lines else 'missing'}"
    reason = _REASONS.get(problem) or f"has no weight in event_weights ({', '.join(kinds)})"
    return f"{where}: {columns[column]} {value} {reason}"


def refusal(sentence: str, problem: int, *, can_skip: bool = True, guessed: str | None = None) -> BadRowsError:
    """The error for a bad row, with the way out; `guessed` is the part of its column, where that was guessed."""
    if problem == NOT_UTF8:
        return BadRowsError(f"{sentence}.")
    if guessed in ("rating", "timestamp"):
        sentence += f" (the column was guessed; {guessed}=False leaves it out)"
    if not can_skip:
        return BadRowsError(f"{sentence}; fix the row.")
    return BadRowsError(
        f"{sentence}; fix the row or pass on_bad_rows='skip' (--on-bad-rows skip) to leave such rows out "
        "(they are counted)."
    )


def show(value: Any, limit: int = 80) -> str:
    """A value as it is put into a message: one line, quoted unless it is a number, shortened when long."""
    text = "".join(c if c.isprintable() else repr(c)[1:-1] for c in str(value))
    if _NUMBER.fullmatch(text):
        return text
    return f'"{text}"' if len(text) <= limit else f'"{text[: limit - 3]}..."'
