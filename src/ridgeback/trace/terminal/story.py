"""A trace told from its start to its recommendations, step by step or at one cell."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from rich.text import Text

from ridgeback.errors import ParameterError
from ridgeback.plain_text import cell_text, number_text
from ridgeback.trace import formulas
from ridgeback.trace.reading import BIASES, FACTORS, Reading, solved_side
from ridgeback.trace.systems import compact_system, gram_lines, system
from ridgeback.trace.terminal.arithmetic import tell_lines
from ridgeback.trace.terminal.ending import PARTS, tell_example, tell_factors, tell_losses, tell_recommendations
from ridgeback.trace.terminal.layout import Block, Page, beside, grid
from ridgeback.trace.terminal.matrices import (
    LOWERED,
    RAISED,
    Heads,
    energy_shares,
    factor_heads,
    item_heads,
    matrix,
)
from ridgeback.trace.terminal.new_user import tell_new_user
from ridgeback.trace.written import Detail, number

if TYPE_CHECKING:
    from ridgeback.trace.trace import Trace

MOST_STEPS = 12
N_FIRST, N_LAST = 5, 3
SMALL = 4  # factors and rows up to which every row's system is shown in a line
METHODS = {
    "exact": "each row solved exactly",
    "cg": "each row by conjugate gradient",
    "non_negative": "each row solved with no factor below 0",
    "majorize": "each row to the least of a bound",
    "gradient": "one gradient step a row",
    "adagrad": "one AdaGrad step a row",
    "newton": "each row to its own optimum",
}
STARTS = {
    "declared": "the matrices that were given",
    "warm start": "the factors of a fitted model",
    "normal": "drawn from a normal distribution of mean 0 and standard deviation {scale:g} / root of {k}",
    "standard_normal": "drawn from a normal distribution of mean 0 and standard deviation 1",
    "uniform": "drawn evenly between 0 and {scale:g} / root of {k}",
}
PAIRS = {
    "rating": ("predicted ratings", "rating - prediction"),
    "preference": ("scores", "target - score"),
    "probability": ("probabilities", "probability - target"),
}
HU_PARTS = (
    "all pairs: the sum of s² over all pairs, s being the score; listed pairs: what these add to it, the sum of "
    "c (1 - s)² - s², which may be negative; both together are the loss of Hu et al."
)
Steps = int | str | Iterable[int] | None


def show(
    trace: Trace, step: Steps = None, user: Any = None, item: Any = None, file: Any = None, rows: int = 10,
    width: int | None = None, detail: Detail | None = None,
) -> None:  # fmt: skip
    """Write a trace for a reader; see `Trace.show`.

    `detail` says how much is written and what a reader types for more; without it, `rows` and the words of Python.
    """
    for name, value in (("rows", rows), ("width", 1 if width is None else width)):
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise ParameterError(
                f"The '{name}' parameter of Trace.show must be a whole number of at least 1. Got {value!r:.80} instead."
            )
    _Story(trace, _Focus(trace, user, item), Page(file, width), detail or Detail(rows)).tell(step)


class _Focus:
    """The row or the cell whose arithmetic is asked for."""

    def __init__(self, trace: Trace, user: Any, item: Any) -> None:
        reading = Reading(trace.header)
        self.user = None if user is None else reading.users.place(user)
        self.item = None if item is None else reading.items.place(item)

    @property
    def is_set(self) -> bool:
        return self.user is not None or self.item is not None

    def holds(self, row: Mapping[str, Any]) -> bool:
        """Whether a solved row is the one that is asked for."""
        return bool((self.user if row["side"] == "users" else self.item) == row["row"])


class _Story:
    def __init__(self, trace: Trace, focus: _Focus, page: Page, detail: Detail) -> None:
        self.trace, self.focus, self.page = trace, focus, page
        self.detail, self.n_rows = detail, detail.n_rows
        self.reading = Reading(trace.header)

    def tell(self, step: Steps) -> None:
        """The whole of it, or some steps."""
        header = self.trace.header
        if header["kind"] == "fold-in":
            tell_new_user(self.page, self.reading, self.trace.steps[0], self.detail)
            tell_example(self.page, header["example"])
            return
        if step is not None and step != "all":
            for place in self._asked(step):
                self._tell_step(place)
            return
        self._open()
        self._tell_data()
        self._tell_steps(MOST_STEPS if step is None else len(self.trace.steps))
        tell_losses(self.page, self.trace.steps)
        tell_factors(self.page, self.reading, self.trace.steps[-1], self.n_rows)
        tell_recommendations(self.page, self.reading, self.trace.steps[-1], self.n_rows)
        tell_example(self.page, header["example"])

    def _asked(self, step: Steps) -> list[int]:
        """The steps by number, negative ones counted from the end."""
        is_many = isinstance(step, Iterable) and not isinstance(step, str)
        places: list[Any] = list(step) if is_many else [step]  # type: ignore[arg-type]
        n = len(self.trace.steps)
        for place in places:
            if isinstance(place, bool) or not isinstance(place, (int, np.integer)) or not -n <= place < n:
                raise ParameterError(
                    f"The 'step' parameter of Trace.show must be a step of this trace, 0 to {n - 1}, a list of such, "
                    f"or 'all'. Got {place!r:.80} instead."
                )
        return sorted({int(place) % n for place in places})

    def _open(self) -> None:
        header, page = self.trace.header, self.page
        users, items = header["users"]["n"], header["items"]["n"]
        n = f"{users:,} user{'s' * (users != 1)} × {items:,} item{'s' * (items != 1)}"
        precision = "float64 throughout" if header["precision"] == "double" else "as fitted, in float32"
        page.heading(header["title"] or f"{header['model']}: {n}", precision)
        if header["title"]:
            page.say(f"{header['model']}: {n}")
        fit, score = formulas.objective(header)
        init, k = header["init"], header["n_factors"]
        start = STARTS[init["method"]].format(scale=init["scale"] or 0, k=k)
        seed = "" if init["random_state"] is None else f", random_state {init['random_state']}"
        page.term("minimises", fit)
        if header["loss"] == "hu":
            page.term("its parts", HU_PARTS)
        page.term("score", score)
        if header["mean"]:
            page.term(
                "mean", f"{number(header['mean'])} of all ratings; biases and factors explain what is left of each"
            )
        page.term("start", f"{start}{seed}")
        columns = f"columns f1 to f{k} are the factors" if k > 1 else "the column f1 is the factor"
        page.term("matrices", f"rows are users or items, {columns}; below a factor its share of the energy")
        page.block([Text.assemble("marks      ", (RAISED, "bold bright_blue"), " raised by the half-step, ",
                                  (LOWERED, "bold dark_orange"), " lowered")])  # fmt: skip
        is_small = len(self.reading.users) <= SMALL and len(self.reading.items) <= SMALL and k <= SMALL
        if self.reading.is_whole and not self.focus.is_set and not is_small:
            page.term("arithmetic", f"A, b and x of a row, with every sum: {self.detail.row}")

    def _tell_data(self) -> None:
        """What was observed, and how much it counts where that differs."""
        reading, pairs = self.reading, self.trace.header["pairs"]
        word = "ratings" if reading.family == "explicit" else "values"
        blocks = [self._data(word, "value")]
        if reading.family == "implicit" or (len(pairs["weight"]) and np.ptp(pairs["weight"])):
            blocks.append(self._data("weights w", "weight"))
        self.page.blank()
        self.page.block(beside(blocks, self.page.width))
        n_implied = int(np.sum(pairs["is_implied"]))
        if n_implied:
            self.page.say(f"{n_implied} unknown pairs count as a no too (n_negatives)")

    def _data(self, title: str, name: str) -> Block:
        """A matrix of users by items; of watched users their items below each other, of watched items alike."""
        users, items = self.reading.users, self.reading.items
        if self.reading.is_whole:
            places = list(range(len(users))), list(range(len(items)))
            values = self.reading.table(name, *places)
            title += " (. is unknown)" if name == "value" and np.isnan(values).any() else ""
            heads = item_heads(items, places[1])
            return matrix(title, users, places[0], values, heads, self.page.width, n_rows=self.n_rows)
        watched = [place for place, flag in enumerate(users.is_watched) if flag]
        if watched:
            values = self.reading.table(name, watched, range(len(items))).T
            rows, heads = items, Heads([users[place] for place in watched], "user")
        else:
            watched = [place for place, flag in enumerate(items.is_watched) if flag]
            values = self.reading.table(name, range(len(users)), watched)
            rows, heads = users, item_heads(items, watched)
        filled = [int(place) for place in np.flatnonzero(np.isfinite(values).any(axis=1))]
        return matrix(title, rows, filled, values, heads, self.page.width, n_rows=self.n_rows)

    def _tell_steps(self, most: int) -> None:
        n = len(self.trace.steps)
        shown = list(range(n)) if n <= most else [*range(N_FIRST), *range(n - N_LAST, n)]
        for place in shown:
            if place and place - 1 not in shown:
                self.page.blank()
                self.page.say(
                    f"... {n - len(shown)} more steps; any of them: {self.detail.step.format(N_FIRST)}, all: "
                    f"{self.detail.all_steps}",
                    "dim",
                )
            self._tell_step(place)

    def _tell_step(self, place: int) -> None:
        step = self.trace.steps[place]
        self.page.heading(*_title(step))
        self.page.block(beside(self._matrices(place), self.page.width))
        self._tell_arithmetic(step)
        self.page.blank()
        self.page.say(_loss_line(step, self.trace.steps[place - 1] if place else None))
        if step["note"]:
            self.page.say(f"note: {step['note']}")

    def _matrices(self, place: int) -> list[Block]:
        """The side that moved, or both, and what the pairs are predicted to be."""
        step, previous = self.trace.steps[place], self.trace.steps[place - 1] if place else None
        side = solved_side(step)
        blocks = []
        for name in ("users", "items") if side is None else (side,):
            blocks.append(self._factors(step, previous if side is not None else None, name))
        for name, title in zip(("predictions", "differences"), PAIRS[self.reading.header["link"]], strict=True):
            if step[name] is not None and (side is not None or place == 0):
                blocks.append(self._pairs(step, previous, name, title))
        return blocks

    def _factors(self, step: Mapping[str, Any], previous: Mapping[str, Any] | None, side: str) -> Block:
        names, places = self.reading.names(side), self._rows_of(side)
        shares = energy_shares(self.reading, step["item_factors"])
        heads = factor_heads(step[FACTORS[side]].shape[1], shares)
        values, before = step[FACTORS[side]], None if previous is None else previous[FACTORS[side]]
        if step[BIASES[side]] is not None:
            heads.names, heads.below = ["bias", *heads.names], None if heads.below is None else ["", *heads.below]
            values = np.column_stack([step[BIASES[side]], values])
            before = None if previous is None else np.column_stack([previous[BIASES[side]], previous[FACTORS[side]]])
        return matrix(f"{names.word}s × factors", names, places, values, heads, self.page.width, before, self.n_rows)

    def _pairs(self, step: Mapping[str, Any], previous: Mapping[str, Any] | None, name: str, title: str) -> Block:
        users, items = self._rows_of("users"), self._rows_of("items")
        before = None if previous is None or name == "differences" else previous[name][:, items]
        return matrix(title, self.reading.users, users, step[name][:, items], item_heads(self.reading.items, items),
                      self.page.width, before, self.n_rows)  # fmt: skip

    def _rows_of(self, side: str) -> list[int]:
        """Places of one side, what is asked for or watched first."""
        places = self.reading.names(side).watched_first()
        asked = self.focus.user if side == "users" else self.focus.item
        if asked is None or asked in places[: self.n_rows]:
            return places
        return [asked, *(place for place in places if place != asked)]

    def _tell_arithmetic(self, step: Mapping[str, Any]) -> None:
        rows: Sequence[Mapping[str, Any]] = step["rows"]
        if not self.focus.is_set:
            self._tell_unasked(step, rows)
            return
        asked = [row for row in rows if self.focus.holds(row)]
        self._tell_rows(step, asked)
        if self.focus.user is not None and self.focus.item is not None:
            self.page.blank()
            for line in formulas.score(self.reading, step, self.focus.user, self.focus.item):
                self.page.say(line)

    def _tell_unasked(self, step: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> None:
        """Watched rows without their sums, and small data's rows in a line each."""
        if not self.reading.is_whole:
            self._tell_rows(step, rows[:SMALL], is_brief=True)
            if len(rows) > SMALL:
                self.page.say(f"... {len(rows) - SMALL} more watched rows: {self.detail.row}", "dim")
        elif rows and len(rows) <= SMALL and step["item_factors"].shape[1] <= SMALL:
            self._tell_gram(step)
            self._tell_systems(step, rows)

    def _tell_rows(self, step: Mapping[str, Any], rows: Sequence[Mapping[str, Any]], is_brief: bool = False) -> None:
        if rows and rows[0]["A"] is not None:
            self._tell_gram(step)
        for row in rows:
            self.page.blank()
            tell_lines(self.page, system(self.reading, step, row, self.detail, is_brief))

    def _tell_gram(self, step: Mapping[str, Any]) -> None:
        """What the systems of all rows share, once a step."""
        lines = gram_lines(self.reading, step, self.detail)
        if lines:
            self.page.blank()
            tell_lines(self.page, lines)

    def _tell_systems(self, step: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> None:
        """Every row's system in a line; where lines would be too long, the solution stands below."""
        side = self.reading.names(solved_side(step) or "users")
        told = [[side[int(row["row"])], *compact_system(row)] for row in rows]
        block = _system_grid(told)
        if max(line.cell_len for line in block) > self.page.width:
            block = _system_grid([line for *parts, x in told for line in (parts, ["", x, *[""] * (len(parts) - 2)])])
        self.page.blank()
        self.page.block(block)


def _system_grid(lines: Sequence[Sequence[str]]) -> Block:
    """Lines of a name and parts, aligned."""
    cells = [[Text(part, style="" if n else "bold") for n, part in enumerate(line)] for line in lines]
    return grid(cells, [False] * len(lines[0]))


def _title(step: Mapping[str, Any]) -> tuple[str, str]:
    side, index = step["side"], step["index"]
    if side == "start":
        return f"step {index}: start", ""
    if side == "rotation":
        return f"step {index}: rotation", "both sides turned to the principal axes; no prediction changes"
    fixed = "items" if side != "items" else "users"
    what = "final users" if side == "final users" else f"iteration {step['iteration']}, {side}"
    return f"step {index}: {what}", f"{METHODS[step['method']]}, {fixed} fixed"


def _loss_line(step: Mapping[str, Any], previous: Mapping[str, Any] | None) -> str:
    """The loss with its parts, and what it was before."""
    if step["side"] == "rotation":
        return f"loss {number_text(step['loss'])}, as before"
    parts = [f"{name} {number_text(step[part])}" for part, name, _ in PARTS if step[part]]
    was = "" if previous is None else f"{number_text(previous['loss'])} → "
    text = f"loss {was}{number_text(step['loss'])}"
    if len(parts) > 1:
        text += f" = {' + '.join(parts)}"
    for name, word in (("mse", "MSE"), ("cross_entropy", "mean cross-entropy"), ("validation", "validation")):
        if step[name] is not None:
            text += f"; {word} {cell_text(step[name])}"
    return text


__all__ = ["show"]
