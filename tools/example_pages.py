"""Write the tables of the worked examples' pages by running the examples: ``python tools/example_pages.py``.

A test compares the pages with what this would write, so that they cannot go stale; review the diff.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import ridgeback as rb

DOCS = Path(__file__).resolve().parent.parent / "docs"


def number(value: float) -> str:
    """Six decimals, without trailing zeros; what is zero up to rounding is 0."""
    return "0" if abs(value) < 5e-7 else f"{value:.6f}".rstrip("0").rstrip(".")


def shown(value: Any) -> str:
    """A number or a matrix."""
    if np.ndim(value) == 0:
        return number(float(value))
    return "[" + ", ".join(shown(part) for part in value) + "]"


def comparison(trace: rb.Trace) -> str:
    """What the tutorial prints, what is right, and why."""
    lines = ["| what | printed there | right | why |", "|---|---|---|---|"]
    for line in trace.header["example"]["comparison"]:
        lines.append(f"| {line['what']} | {shown(line['printed'])} | **{shown(line['right'])}** | {line['why']} |")
    return "\n".join(lines)


def path(*traces: rb.Trace, names: tuple[str, ...], measure: str | None) -> str:
    """Losses after each half-step of several traces, and a second measure."""
    head = ["step"]
    for name in names:
        head += [f"{name}: loss", *([f"{name}: {measure.replace('_', '-')}"] if measure else [])]
    lines = [f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
    for steps in zip(*(trace.steps for trace in traces), strict=True):
        first = steps[0]
        cells = [
            first["side"] if first["side"] in ("start", "final users") else f"{first['side']} {first['iteration']}"
        ]
        for step in steps:
            cells += [number(step["loss"]), *([number(step[measure])] if measure else [])]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def recommendation(trace: rb.Trace) -> str:
    """The pairs that nobody has, best first."""
    lines = ["| user | item | score | prediction |", "|---|---|---|---|"]
    for one in trace.header["example"]["recommendations"]:
        user = "new user" if one["user"] is None else one["user"]
        lines.append(f"| {user} | {one['item']} | {number(one['score'])} | {number(one['prediction'])} |")
    return "\n".join(lines)


def remarks(trace: rb.Trace) -> str:
    """What the example says beside its numbers."""
    return "\n".join(f"- {remark}" for remark in trace.header["example"]["remarks"])


def systems() -> str:
    """The new user's row in every model."""
    lines = ["| model | weight, pull | A | b | factors | scores | read as |", "|---|---|---|---|---|---|---|"]
    for loss, words in (
        ("hu", "preference"),
        ("ials", "preference"),
        ("logistic", "probability"),
        ("explicit", "rating"),
    ):
        for count in (1, 3) if loss != "explicit" else (1,):
            step = rb.examples.new_user_2x2(loss, count=count).steps[0]
            row = step["rows"][0]
            scores = step["predictions"] if step["scores"] is None else step["scores"]
            weight = row["weights"] if row["confidences"] is None else row["confidences"]
            pull = "-" if row["pulls"] is None else shown(row["pulls"][0])
            cells = [
                f"{loss}, a count of {count}" if count > 1 else loss,
                f"{shown(weight[0])}, {pull}",
                "-" if row["b"] is None else shown(row["A"]),
                "-" if row["b"] is None else shown(row["b"]),
                shown(row["x"]),
                shown(scores[0]),
                f"{words} {shown(step['predictions'][0])}",
            ]
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


PARTS: dict[str, dict[str, Callable[[], str]]] = {
    "example-explicit.md": {
        "comparison": lambda: comparison(rb.examples.explicit_2x2()),
        "paths": lambda: path(
            *(rb.examples.explicit_2x2(reg, k) for k, reg in ((2, 0.0), (2, 0.1), (1, 0.0), (1, 0.1))),
            names=("k = 2, reg 0", "k = 2, reg .1", "k = 1, reg 0", "k = 1, reg .1"),
            measure="mse",
        ),
        "remarks": lambda: remarks(rb.examples.explicit_2x2(0.1)),
        "recommendation": lambda: recommendation(rb.examples.explicit_2x2(0.1, n_iterations=200)),
    },
    "example-implicit.md": {
        "comparison": lambda: comparison(rb.examples.implicit_2x2()),
        "gradient": lambda: path(rb.examples.implicit_2x2(), names=("logistic",), measure="cross_entropy"),
        "remarks": lambda: remarks(rb.examples.implicit_2x2()),
        "paths": lambda: path(
            rb.examples.implicit_2x2("hu"), rb.examples.implicit_2x2("ials"), names=("hu", "ials"), measure=None
        ),
        "recommendation": lambda: recommendation(rb.examples.implicit_2x2("ials", n_iterations=200)),
    },
    "example-new-user.md": {
        "comparison": lambda: comparison(rb.examples.new_user_2x2()),
        "systems": systems,
        "remarks": lambda: remarks(rb.examples.new_user_2x2("hu", count=3)),
    },
}


def page(name: str) -> str:
    """One page with fresh parts."""
    text = (DOCS / name).read_text(encoding="utf-8")
    for part, write in PARTS[name].items():
        begin, end = f"<!-- {part}: begin -->", f"<!-- {part}: end -->"
        before, after = text.split(begin)[0], text.split(end)[1]
        text = f"{before}{begin}\n\n{write()}\n\n{end}{after}"
    return text


if __name__ == "__main__":
    for name in PARTS:
        (DOCS / name).write_text(page(name), encoding="utf-8")
        print(f"wrote {name}")
