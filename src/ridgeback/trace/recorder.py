"""Writes a trace while a fit runs: a reader of the fit's records that looks at both sides after every half-step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from ridgeback._version import __version__
from ridgeback.data.csr import Csr
from ridgeback.errors import ParameterError
from ridgeback.solvers.matrices import gram, one_blas_thread
from ridgeback.solvers.problem import Float64Array, RowProblem
from ridgeback.trace.rows import Labels, Method, Numbers, Rows, pair_numbers, tell
from ridgeback.trace.trace import FORMAT, VERSION, Trace

LARGEST_WHOLE = 10_000  # users times items
LARGEST_BYTES = 1 << 30  # of factors kept over all steps
OTHER = {"users": "items", "items": "users"}


class FitState(Protocol):
    """What a recorder looks at: both sides of a running fit, and what solves them."""

    problems: Any  # side name -> RowProblem
    sides: Any  # side name -> factors and biases
    rotation: Float64Array | None  # from the axes of the start to those the sides stand in
    n_threads: int
    n_singular: int  # row systems so far that got the minimum-norm solution
    n_unbounded: int  # rows so far that have no finite optimum

    def method(self, side: str) -> Method:
        """How the last half-step of this side ("users", "items", "final users") moved its rows."""
        ...


@dataclass(frozen=True)
class Table:
    """The recorded rows of one side, ascending: all of them, or the watched ones and the neighbours of watched ones."""

    rows: npt.NDArray[np.int64]
    is_watched: npt.NDArray[np.bool_]
    labels: Labels
    n: int

    @property
    def places(self) -> npt.NDArray[np.int64]:
        """Place in the table of every row of the side, -1 where it is not in."""
        places = np.full(self.n, -1, dtype=np.int64)
        places[self.rows] = np.arange(len(self.rows))
        return places


class Recorder:
    """Turns the half-steps of one fit into the steps of a trace.

    Parameters
    ----------
    trace : Trace
        Forgets what it held before.
    facts : dict
        What the header says of the model: model, family, loss, link, precision, parameters, init, mean, n_factors.
    state : FitState
    tables : dict of side name to Table
    """

    def __init__(self, trace: Trace, facts: Mapping[str, Any], state: FitState, tables: dict[str, Table]) -> None:
        self.trace = trace
        self.state = state
        self.tables = tables
        self.mean = float(facts["mean"])
        self.is_logistic = facts["family"] == "logistic"
        self.problems = {side: compact(state.problems[side], tables[side], tables[OTHER[side]]) for side in OTHER}
        self._watched = {side: tables[side].is_watched.nonzero()[0] for side in OTHER}
        self._squares: dict[str, Float64Array] = {}  # AdaGrad's, as the last step left them
        self._before: dict[str, Numbers] = {}
        self._notes: list[str] = []
        self._counted = state.n_singular, state.n_unbounded
        trace.steps = []
        kind = "whole" if trace.is_whole else "watched"
        trace.header = header(kind, facts, state.problems, tables, self._pairs())

    def __call__(self, record: Mapping[str, Any]) -> None:
        """Record the half-step that has just ended."""
        name = str(record["side"])
        side = "users" if name == "final users" else name
        after = {each: self._numbers(each) for each in OTHER}
        method = None
        if name != "start":
            method = replace(self.state.method(name), stored=self.state.sides[side].factors.dtype)
        fixed_gram = None if method is None else self._gram(OTHER[side], after)
        step = {**blank_step(), **{key: record[key] for key in HISTORY}, **self._matrices(after)}
        self._count(side)
        if method is not None:
            rows = self._rows(side, method, after, fixed_gram)
            rows.check()
            change = after[side].factors - self._before[side].factors
            step |= {"method": method.name, "gram": fixed_gram, "change": change, "rows": rows}
        self._append(step, after)

    def rotated(self, rotation: Float64Array) -> None:
        """Record the rotation from the axes of the start to the principal ones; the losses stay."""
        after = {each: self._numbers(each) for each in OTHER}
        step = {**blank_step(), **{key: self.trace.steps[-1][key] for key in HISTORY}, **self._matrices(after)}
        self._append(step | {"side": "rotation", "rotation": rotation}, after)

    def restored(self) -> None:
        """Remember that the items went back to those of the best iteration."""
        self._notes.append("the item factors went back to those of the best iteration")

    def _count(self, side: str) -> None:
        """Remember what a reader of the step must know of its rows."""
        singular, unbounded = self.state.n_singular, self.state.n_unbounded
        if singular > self._counted[0]:
            self._notes.append(
                f"{singular - self._counted[0]} of the {side} have a singular A: the solution of least norm"
            )
        if unbounded > self._counted[1]:
            self._notes.append(
                f"{unbounded - self._counted[1]} of the {side} have no finite optimum and stay as they were"
            )
        self._counted = singular, unbounded

    def _append(self, step: dict[str, Any], after: dict[str, Numbers]) -> None:
        rmse = step["rmse"]
        step |= {
            "index": len(self.trace.steps),
            "mse": None if rmse is None else rmse**2,
            "note": "; ".join(self._notes) or None,
        }
        self._notes = []
        self.trace.steps.append(step)
        self._before = after

    def _numbers(self, side: str) -> Numbers:
        """The recorded rows of one side in the axes of the start, in float64 from what the fit holds."""
        held, rows = self.state.sides[side], self.tables[side].rows
        factors = held.factors[rows].astype(np.float64)
        if self.state.rotation is not None:
            with one_blas_thread():
                factors = factors @ self.state.rotation.T
        return Numbers(factors, None if held.biases is None else held.biases[rows].astype(np.float64))

    def _gram(self, side: str, after: Mapping[str, Numbers]) -> Float64Array | None:
        """The Gramian of all rows of one side in the axes of the start, where it counts."""
        if not self.state.problems["users"].unobserved_weight:
            return None
        with one_blas_thread():
            if self.trace.is_whole:
                factors = after[side].factors
                return np.asarray(factors.T @ factors)
            held = gram(self.state.sides[side].factors, n_threads=self.state.n_threads)
            turn = self.state.rotation
            return held if turn is None else turn @ held @ turn.T

    def _rows(self, side: str, method: Method, after: dict[str, Numbers], fixed_gram: Float64Array | None) -> Rows:
        squares = None
        if method.squares is not None:
            now = method.squares[self.tables[side].rows[self._watched[side]]]
            squares = (self._squares.get(side, np.zeros_like(now)), now)
            self._squares[side] = now
        return Rows(
            side,
            self.tables[side].labels,
            self._watched[side],
            self.problems[side],
            after[OTHER[side]],
            self._before[side],
            after[side],
            fixed_gram,
            method,
            self.mean,
            squares,
        )

    def _matrices(self, after: Mapping[str, Numbers]) -> dict[str, Any]:
        """Factors and biases after the step, and for whole traces everything that they say of every pair."""
        users, items = after["users"], after["items"]
        shown: dict[str, Any] = {
            "user_factors": users.factors,
            "item_factors": items.factors,
            "user_biases": users.biases,
            "item_biases": items.biases,
        }
        if not self.trace.is_whole:
            return shown
        return shown | matrices(users, items, self.mean, self.problems["users"], self.is_logistic)

    def _pairs(self) -> dict[str, Any]:
        """The listed pairs of watched rows, by user and item, each once."""
        parts = [listed(self.problems["users"], self._watched["users"])]
        if not self.trace.is_whole:
            users, items, *rest = listed(self.problems["items"], self._watched["items"])
            parts.append((items, users, *rest))
        columns = [np.concatenate(part) for part in zip(*parts, strict=True)]
        return pairs_of(columns, len(self.tables["items"].rows), self.is_logistic)


HISTORY = (
    "iteration",
    "side",
    "loss",
    "observed_loss",
    "unobserved_loss",
    "regularization_loss",
    "rmse",
    "cross_entropy",
    "elapsed_s",
    "validation",
)
_STEP = (
    "index",
    *HISTORY[:2],
    "method",
    *HISTORY[2:],
    "mse",
    "user_factors",
    "item_factors",
    "user_biases",
    "item_biases",
    "change",
    "gram",
    "predictions",
    "scores",
    "differences",
    "terms",
    "rotation",
    "rows",
    "note",
)


def blank_step() -> dict[str, Any]:
    """A step with every key and no value."""
    return dict.fromkeys(_STEP) | {"rows": []}


def header(
    kind: str,
    facts: Mapping[str, Any],
    problems: Mapping[Any, RowProblem],
    tables: Mapping[str, Table],
    pairs: dict[str, Any],
) -> dict[str, Any]:
    """Everything of a trace but its steps."""
    return {
        "format": FORMAT,
        "version": VERSION,
        "written_by": f"ridgeback {__version__}",
        "title": None,
        "kind": kind,
        **facts,
        "unobserved_weight": float(problems["users"].unobserved_weight),
        **{side: _described(tables[side], problems.get(side)) for side in ("users", "items")},
        "pairs": pairs,
        "example": None,
    }


def pairs_of(columns: list[npt.NDArray[Any]], n_items: int, is_logistic: bool) -> dict[str, Any]:
    """The header's pairs from their user, item, value, target, weight and pull: by user and item, each once."""
    _, kept = np.unique(columns[0] * max(1, n_items) + columns[1], return_index=True)
    user, item, value, target, weight, pull = (column[kept] for column in columns)
    return {
        "user": user.tolist(),
        "item": item.tolist(),
        "value": np.where(value < 0, 0.0, value) if is_logistic else value,
        "target": target,
        "weight": weight,
        "pull": None if is_logistic else pull,
        "is_implied": ((value < 0) & is_logistic).tolist(),
    }


def matrices(
    users: Numbers, items: Numbers, mean: float, problem: RowProblem, is_logistic: bool
) -> dict[str, Float64Array | None]:
    """Scores of all pairs, and differences and terms of the listed ones (NaN elsewhere), (n_users, n_items) each."""
    with one_blas_thread():
        scores = users.factors @ items.factors.T + mean
    if users.biases is not None and items.biases is not None:
        scores = scores + users.biases[:, None] + items.biases[None, :]
    weights, targets = np.zeros_like(scores), np.full_like(scores, np.nan)
    for r in range(problem.rows.n_rows):
        neighbours, _ = problem.rows.row(r)
        weights[r, neighbours], targets[r, neighbours] = pair_numbers(problem, r)
    told = tell(problem, is_logistic, scores, weights, targets, mean)
    unlisted = np.isnan(targets)
    return {
        "predictions": told["predictions"],
        "scores": scores if is_logistic else None,
        "differences": told["differences"],
        "terms": np.where(unlisted, np.nan, told["terms"]),
    }


def tables_of(
    trace: Trace, problems: Mapping[Any, RowProblem], ids: Mapping[str, Any], titles: Any, n_factors: int, n_steps: int
) -> dict[str, Table]:
    """Which rows are recorded, and the refusal of what would be too much.

    Parameters
    ----------
    trace : Trace
    problems : dict of side name to RowProblem
    ids : dict of side name to Ids
    titles : Text or None
        Of all items.
    n_factors, n_steps : int

    Raises
    ------
    ParameterError
        With the cost, and what to do instead.
    UnknownIdError
        When a watched id is not in the data.
    """
    sizes = {side: problems[side].rows.n_rows for side in OTHER}
    if trace.is_whole:
        if sizes["users"] * sizes["items"] > LARGEST_WHOLE:
            n_bytes = n_steps * _step_bytes(sum(sizes.values()), n_factors, sizes["users"] * sizes["items"])
            raise ParameterError(
                f"Trace() records every matrix at every step, for up to {LARGEST_WHOLE:,} pairs of users and items. "
                f"{sizes['users']:,} users x {sizes['items']:,} items over {n_steps} steps would take "
                f"{n_bytes / 1e6:,.0f} MB, without the rows' systems. "
                "Watch some rows instead: Trace(watch_users=[...], watch_items=[...])."
            )
        chosen = {side: np.arange(n) for side, n in sizes.items()}
        watched = chosen
    else:
        asked = {"users": trace.watch_users or [], "items": trace.watch_items or []}
        watched = {side: np.unique([ids[side].row(one) for one in asked[side]]).astype(np.int64) for side in OTHER}
        chosen = {
            side: np.union1d(watched[side], problems[OTHER[side]].rows.take(watched[OTHER[side]]).indices)
            for side in OTHER
        }
    n_rows = sum(len(rows) for rows in chosen.values())
    n_pairs = sizes["users"] * sizes["items"] if trace.is_whole else 0
    trace.expected_bytes = n_steps * _step_bytes(n_rows, n_factors, n_pairs)
    if trace.expected_bytes > LARGEST_BYTES:
        raise ParameterError(
            f"This trace would keep {trace.expected_bytes / 1e9:,.1f} GB: {n_steps} steps of {n_rows:,} rows of "
            f"{n_factors} factors. "
            "Watch fewer rows (an item brings all its users along), or fit fewer factors or iterations."
        )
    return {
        side: Table(
            chosen[side].astype(np.int64),
            np.isin(chosen[side], watched[side]),
            Labels(
                [ids[side][int(row)] for row in chosen[side]],
                None if side == "users" or titles is None else [titles[int(row)] or None for row in chosen[side]],
            ),
            sizes[side],
        )
        for side in OTHER
    }


def _step_bytes(n_rows: int, n_factors: int, n_pairs: int) -> int:
    """What one step keeps: factors and bias of each row and their change, a Gramian, four numbers a pair."""
    return 8 * (n_rows * (2 * n_factors + 1) + n_factors**2 + 4 * n_pairs)


def compact(problem: RowProblem, own: Table, other: Table) -> RowProblem:
    """The watched rows of a problem, their columns as places in the other side's table."""
    watched = problem.take(own.rows[own.is_watched])
    columns = other.places[watched.rows.indices].astype(np.int32)
    rows = Csr(watched.rows.indptr, columns, watched.rows.data, (watched.rows.n_rows, len(other.rows)))
    scales = None if problem.column_scales is None else problem.column_scales[other.rows]
    return replace(watched, rows=rows, column_scales=scales)


def _described(table: Table, problem: RowProblem | None) -> dict[str, Any]:
    """The header's lines about one side; ridges where it is solved."""
    bias_ridges = None if problem is None else problem.bias_ridges
    return {
        "n": table.n,
        "rows": table.rows.tolist(),
        "ids": table.labels.ids,
        "titles": table.labels.titles,
        "is_watched": table.is_watched.tolist(),
        "ridges": None if problem is None else problem.ridges[table.rows],
        "bias_ridges": None if bias_ridges is None else bias_ridges[table.rows],
    }


def listed(problem: RowProblem, places: npt.NDArray[np.int64]) -> tuple[npt.NDArray[Any], ...]:
    """Row, column, value, target, weight and pull of every pair of a side's watched rows."""
    numbers = [pair_numbers(problem, r) for r in range(problem.rows.n_rows)]
    weights = np.concatenate([np.zeros(0), *(weight for weight, _ in numbers)])
    targets = np.concatenate([np.zeros(0), *(target for _, target in numbers)])
    pulls = {"weight": weights, "one_plus_weight": 1 + weights, "target": weights * targets}[problem.pull]
    values = problem.rows.values().astype(np.float64)
    own = np.repeat(places, problem.rows.counts())
    return own, problem.rows.indices.astype(np.int64), values, targets, weights, pulls
