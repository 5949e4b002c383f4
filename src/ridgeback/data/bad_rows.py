"""Rows that are no interactions: refused with their place, or skipped and counted."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt

from ridgeback.errors import BadRowsError, ParameterError

OnBadRows = Literal["error", "skip"]
N_EXAMPLES = 5


def check_on_bad_rows(on_bad_rows: str) -> OnBadRows:
    """Return the argument, or raise ParameterError."""
    if on_bad_rows not in get_args(OnBadRows):
        raise ParameterError(f"The 'on_bad_rows' parameter must be 'error' or 'skip'. Got {on_bad_rows!r} instead.")
    return on_bad_rows  # type: ignore[return-value]


@dataclass(frozen=True)
class BadRow:
    """One refused row: where it is, which column, what it holds and what is wrong with that."""

    place: str
    column: str
    value: str
    reason: str

    def __str__(self) -> str:
        return f"{self.place}: {self.column} {self.value} {self.reason}"


@dataclass
class BadRows:
    """Bad rows met so far. In "error" mode the first one raises; in "skip" mode they are counted.

    Parameters
    ----------
    on_bad_rows : {"error", "skip"}
        What to do.
    source : str
        File name or kind of object, put before the row number.
    first_row : int
        Number that messages give to the first row.
    """

    on_bad_rows: OnBadRows = "error"
    source: str = "arrays"
    first_row: int = 0
    n_skipped: int = 0
    examples: list[str] = field(default_factory=list)

    def add(self, bad: BadRow, n: int = 1) -> None:
        """Count n bad rows of which this is the first, or raise BadRowsError."""
        if self.on_bad_rows == "error":
            raise BadRowsError(
                f"{bad}; fix the row or pass on_bad_rows='skip' (--on-bad-rows skip) to leave such rows out "
                "(they are counted)."
            )
        self.n_skipped += n
        if len(self.examples) < N_EXAMPLES:
            self.examples.append(str(bad))

    def add_mask(self, is_bad: npt.NDArray[np.bool_], column: str, values: Any, reason: str) -> None:
        """Add each row where `is_bad`, shape (n_rows,), is true; `values` are those of the column."""
        rows = np.flatnonzero(is_bad)
        for row in rows[:N_EXAMPLES].tolist():
            self.add(BadRow(f"{self.source} row {row + self.first_row}", column, show(values[row]), reason))
        self.n_skipped += max(0, len(rows) - N_EXAMPLES)


def show(value: Any, limit: int = 60) -> str:
    """A value as it is put into a message: quoted when text, shortened when long."""
    text = f'"{value}"' if isinstance(value, str) else str(value)
    return text if len(text) <= limit else text[: limit - 3] + "..."
