"""JSON that nobody vouches for: bounded before it is parsed, and strict where Python's parser is lenient.

Bounds are counted over the whole text, inside strings too, so that they also hold for JSON that sits in a string.
"""

from __future__ import annotations

import json
import math
import re
from typing import Any

MAX_DEPTH = 8
MAX_CONTAINERS = 1_024
MAX_DIGITS = 20
MAX_ESCAPED = 16_384

_NOT_ASCII = re.compile(r"[^\x20-\x7e]")


def dumps(value: Any) -> str:
    """Compact ASCII JSON; NaN and infinity are a ValueError."""
    return json.dumps(value, ensure_ascii=True, allow_nan=False, separators=(",", ":"))


def loads(text: str, max_values: int) -> Any:
    r"""Parse compact ASCII JSON, or raise ValueError with the reason.

    Parameters
    ----------
    text : str
        Printable ASCII; with ``\u`` escapes at most 16,384 characters, since one of them can make a string four times
        as large.
    max_values : int
        Values that it may hold, so that a small text cannot become many Python objects.
    """
    _check_size(text, max_values)
    try:
        value = json.loads(
            text,
            object_pairs_hook=_without_repeats,
            parse_constant=_refuse_constant,
            parse_float=_finite_float,
            parse_int=_short_int,
        )
        _check_depth(value, 1)
    except json.JSONDecodeError as error:
        raise ValueError(f"it is not valid JSON ({error.msg} at character {error.pos})") from None
    except RecursionError:
        raise ValueError(f"it is nested deeper than {MAX_DEPTH}") from None
    return value


def _check_size(text: str, max_values: int) -> None:
    """Bound what parsing can cost."""
    if _NOT_ASCII.search(text):
        raise ValueError("it holds characters that are not printable ASCII")
    if len(text) > MAX_ESCAPED and "\\u" in text.replace("\\\\", ""):
        raise ValueError(f"it holds \\u escapes, allowed in at most {MAX_ESCAPED} characters")
    n_values = text.count(",") + text.count(":") + 1
    if n_values > max_values:
        raise ValueError(f"it holds {n_values} values, more than {max_values}")
    if text.count("[") + text.count("{") > MAX_CONTAINERS:
        raise ValueError(f"it holds more than {MAX_CONTAINERS} lists and objects")


def _check_depth(value: Any, depth: int) -> None:
    """Raise ValueError where lists and objects are nested too deeply."""
    if isinstance(value, (list, dict)):
        if depth > MAX_DEPTH:
            raise ValueError(f"it is nested deeper than {MAX_DEPTH}")
        for part in value.values() if isinstance(value, dict) else value:
            _check_depth(part, depth + 1)


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object as a dict; a name that comes twice is an error."""
    result: dict[str, Any] = {}
    for name, value in pairs:
        if name in result:
            raise ValueError(f"the name {name!a} comes twice in it")
        result[name] = value
    return result


def _refuse_constant(word: str) -> Any:
    raise ValueError(f"it holds {word}, which is not JSON")


def _finite_float(word: str) -> float:
    number = float(word)
    if not math.isfinite(number):
        raise ValueError(f"it holds {word[:40]}, which is not a finite number")
    return number


def _short_int(word: str) -> int:
    if len(word.lstrip("-")) > MAX_DIGITS:
        raise ValueError(f"it holds a number of more than {MAX_DIGITS} digits")
    return int(word)
