"""A script is run before it is handed out: what it could not reproduce never leaves."""

from __future__ import annotations

from typing import Any

import numpy as np

from ridgeback.errors import TraceMismatchError

SMALLEST = 300  # times what rounding may do: smaller numbers could change by 1 % unseen, so they are written as 0


def rehearse(code: str, block: dict[str, Any], within: float) -> int:
    """Run the lecture on the recorded block; numbers that are rounding of zero become 0 there.

    Parameters
    ----------
    code : str
        The script without its recorded block and without its `check`; written by this package, every value in it a
        number or a quoted name.
    block : dict
        The recorded block; changed in place.
    within : float
        What the script's `check` allows where nothing else is said.

    Returns
    -------
    int
        How many numbers were compared.

    Raises
    ------
    TraceMismatchError
        When a number is not what the script computes.
    """
    n_compared = 0

    def check(record: dict[str, Any], name: str, here: Any, size: Any = None, within: float = within) -> None:
        nonlocal n_compared
        computed, there = np.asarray(here, dtype=float), np.asarray(record[name], dtype=float)
        if computed.shape != there.shape:
            raise AssertionError(f"{name}: computed {computed.shape} numbers, recorded {there.shape}")
        allowed = within * np.broadcast_to(np.abs(computed) if size is None else size, computed.shape)
        is_rounding = np.abs(there) <= SMALLEST * allowed
        if not (
            np.abs(computed - np.where(is_rounding, 0.0, there)) <= np.where(is_rounding, SMALLEST, 1) * allowed
        ).all():
            raise AssertionError(f"{name}: computed {computed}, recorded {there}")
        n_compared += computed.size
        if is_rounding.any() and not isinstance(record[name], int):
            record[name] = np.where(is_rounding, 0.0, there).tolist()

    names: dict[str, Any] = {
        "__name__": "rehearsal",
        "RECORDED": block,
        "check": check,
        "n_compared": 0,
        "print": lambda *told, **how: None,
    }
    try:
        with np.errstate(all="ignore"):
            exec(compile(code, "<script of a trace>", "exec"), names)
    except (AssertionError, np.linalg.LinAlgError) as error:
        raise TraceMismatchError(
            f"The script would not reproduce this trace: {error}. If the trace comes from a file, the file was changed "
            "or written by another version; otherwise please report it with the data and the parameters."
        ) from None
    return n_compared
