"""Matrices typed on the command line: rows separated by semicolons, numbers by spaces or commas."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import click

from ridgeback.plain_text import printable

if TYPE_CHECKING:
    from ridgeback.solvers.problem import Float64Array

MISSING = "."
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_LARGEST = 3.4e38  # of float32, in which data are kept
_EXAMPLE = 'rows with ; between them, such as "4 2; 3 5"'


def parse_matrix(option: str, text: str, *, may_lack: bool = False) -> Float64Array:
    """A matrix of float64 numbers; NaN where a ``.`` stands, which is for ratings alone.

    Raises
    ------
    click.UsageError
        Naming the option, the row and the column.
    """
    import numpy as np

    rows = re.split(r"[;\n]", text.strip().rstrip(";"))
    cells = [_cells(option, row, number) for number, row in enumerate(rows, 1)]
    if cells == [[]]:
        raise click.UsageError(f"{option} is empty; write {_EXAMPLE}.")
    for number, row in enumerate(cells, 1):
        if len(row) != len(cells[0]):
            missing = f" ({MISSING} where one is missing)" if may_lack else ""
            raise click.UsageError(
                f"{option}: row {number} has {_count(len(row), 'number')} and row 1 has {len(cells[0])}; every row "
                f"needs as many{missing}."
            )
    values = [
        [_number(option, cell, row, column, may_lack) for column, cell in enumerate(line, 1)]
        for row, line in enumerate(cells, 1)
    ]
    return np.array(values, dtype=np.float64)


def parse_row(option: str, text: str, n: int, word: str) -> Float64Array:
    """One row of `n` numbers, NaN where a ``.`` stands."""
    matrix = parse_matrix(option, text, may_lack=True)
    if len(matrix) != 1:
        raise click.UsageError(f"{option} takes one row of {_count(n, 'number')}; got {len(matrix)} rows.")
    if matrix.shape[1] != n:
        raise click.UsageError(
            f"{option} has {_count(matrix.shape[1], 'number')}, but there {'is' if n == 1 else 'are'} "
            f"{_count(n, word)}: give one number each, {MISSING} where it is unknown."
        )
    row: Float64Array = matrix[0]
    return row


def parse_names(option: str, text: str | None, n: int, prefix: str) -> list[str]:
    """`n` different names, separated by commas (or spaces, where there is no comma); left out: u1, u2, ..."""
    if text is None:
        return [f"{prefix}{place}" for place in range(1, n + 1)]
    names = [name.strip() for name in text.split(",")] if "," in text else text.split()
    if len(names) != n or "" in names:
        raise click.UsageError(
            f"{option} needs {_count(n, 'name')}, separated by commas; got {len([*filter(None, names)])}."
        )
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise click.UsageError(f"{option} has '{_short(twice)}' twice; every name must be another one.")
    return names


def check_shape(option: str, matrix: Float64Array, n_rows: int, word: str, n_factors: int | None = None) -> None:
    """Refuse a matrix of factors that has not one row for every user or item, or not the number of factors."""
    needed = f"{n_rows} x {'n_factors' if n_factors is None else n_factors}"
    if matrix.shape[0] == n_rows and n_factors in (None, matrix.shape[1]):
        return
    shape = f"{matrix.shape[0]} x {matrix.shape[1]}"
    is_turned = matrix.shape[1] == n_rows and n_factors in (None, matrix.shape[0])
    looks = f"; it looks transposed: its rows are {word}s, its columns factors" if is_turned else ""
    raise click.UsageError(f"{option} is {shape}, but must be {needed}, for {_count(n_rows, word)}{looks}.")


def _cells(option: str, row: str, number: int) -> list[str]:
    """The words of one row; two commas in a row are refused, since they hide a gap."""
    parts = row.split(",")
    if len(parts) > 1 and any(not part.strip() for part in parts):
        raise click.UsageError(f"{option}: row {number} has nothing between two commas, or a comma at an end.")
    return [word for part in parts for word in part.split()]


def _number(option: str, cell: str, row: int, column: int, may_lack: bool) -> float:
    where = f"{option}: row {row}, column {column}"
    if cell == MISSING:
        if may_lack:
            return float("nan")
        raise click.UsageError(f"{where} is missing ({MISSING}); a factor must be a number.")
    if cell.lower().lstrip("+-") in ("nan", "inf", "infinity"):
        advice = f"; write {MISSING} where a rating is missing" if may_lack else ""
        raise click.UsageError(f"{where} is {_short(cell)}, which is not a finite number{advice}.")
    if _NUMBER.fullmatch(cell) is None:
        advice = f"; {MISSING} stands for a missing one" if may_lack else ""
        raise click.UsageError(f"{where}: '{_short(cell)}' is not a number{advice}.")
    value = float(cell)
    if abs(value) > _LARGEST:
        raise click.UsageError(f"{where} is {_short(cell)}, which is beyond what float32 can hold; scale it down.")
    return value


def _short(text: Any, longest: int = 24) -> str:
    shown = printable(str(text))
    return shown if len(shown) <= longest else f"{shown[:longest]}... ({len(shown):,} characters)"


def _count(n: int, word: str) -> str:
    return f"{n:,} {word}{'' if n == 1 else 's'}"
