"""Values as text for people: numbers with a fixed look, and nothing from a file that could move a cursor."""

from __future__ import annotations

import math
import os
from typing import Any

_CONTROLS = [*range(0x00, 0x20), *range(0x7F, 0xA0), 0x2028, 0x2029, *range(0x202A, 0x202F), *range(0x2066, 0x206A)]
_ESCAPES = {code: (f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}") for code in _CONTROLS}
_ESCAPES_BUT_NEWLINES = {code: escape for code, escape in _ESCAPES.items() if code not in (0x09, 0x0A)}
_NUMBER_DIGITS = 4


def printable(text: str, keep_newlines: bool = False) -> str:
    """Write control characters, and those that turn the direction of writing, as visible escapes."""
    return text.translate(_ESCAPES_BUT_NEWLINES if keep_newlines else _ESCAPES)


def cell_text(value: Any) -> str:
    """A value as a table shows it."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if is_number(value):
        return number_text(value)
    return printable(str(value))


def number_text(value: Any) -> str:
    """A number with four decimals, or in e-notation where these would hide it; whole numbers whole."""
    number = value.item() if hasattr(value, "item") else value
    if isinstance(number, int):
        return str(number)
    if not math.isfinite(number):
        return "-" if math.isnan(number) else str(number)
    if number != 0 and not 5e-5 <= abs(number) < 1e10:
        return f"{number:.{_NUMBER_DIGITS - 1}e}"
    return f"{number:.{_NUMBER_DIGITS}f}"


def is_number(value: Any) -> bool:
    """Whether a value is a number, of Python or of NumPy."""
    if isinstance(value, bool):
        return False
    return isinstance(value, (int, float)) or (
        hasattr(value, "dtype") and value.dtype.kind in "iuf" and value.ndim == 0
    )


def may_colour(stream: Any) -> bool:
    """Whether escape sequences may be written: a terminal that wants them (no NO_COLOR, no TERM=dumb)."""
    return is_terminal(stream) and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def is_terminal(stream: Any) -> bool:
    """Whether a stream leads to a terminal."""
    return bool(getattr(stream, "isatty", lambda: False)())


def duration_text(seconds: float) -> str:
    """A time for reading: "0.2 s", "14 s", "6 min", "3.1 h"."""
    if seconds < 10:
        return f"{max(seconds, 0.1):.1f} s"
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"
