"""Lines that are written only where the model uses them: ``code  #? biases !explicit``."""

from __future__ import annotations

import re
from collections.abc import Set

MARK = "#?"
# Arguments that a model without the flag has no use for, and what stands there instead.
ARGUMENTS = {
    "biases": (("method, Y", "method, Z"), (", offsets", ""), (" + offsets", "")),
    "methods": ((", method", ""), (', step["method"]', "")),
    "adagrad": (("(side, row", "(row"), ("    side, row", "    row"), ("u, g, squares, Z", "u, g, Z")),
    "uses_before": (
        ("ridge, before", "ridge"),
        ("ridges_of(side, r), before[r]", "ridges_of(side, r)"),
        ("ridge_of(given), before", "ridge_of(given)"),
    ),
}


def filled(template: str, flags: Set[str]) -> str:
    """The lines of a template whose every flag is set (with ``!``: not set), without the marks."""
    text = "\n".join(_kept(template, flags))
    for flag, arguments in ARGUMENTS.items():
        for written, instead in arguments if flag not in flags else ():
            text = text.replace(written, instead)
    return re.sub(r"\n{4,}", "\n\n\n", text.strip("\n")) + "\n"


def _kept(template: str, flags: Set[str]) -> list[str]:
    kept = []
    for line in template.strip("\n").split("\n"):
        code, _, marks = line.partition(MARK)
        if all((mark[1:] not in flags) if mark.startswith("!") else (mark in flags) for mark in marks.split()):
            kept.append(code.rstrip())
    return kept
