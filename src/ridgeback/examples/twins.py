"""The models by hand: the same fit loop on the readable solvers, in float64 throughout, recorded step by step."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from ridgeback import objective
from ridgeback.data.csr import Csr
from ridgeback.data.interactions import Interactions
from ridgeback.errors import DataError, RidgebackWarning, UnsupportedError
from ridgeback.models.alternation import OTHER, Alternation, ObservedLoss, SideName
from ridgeback.models.defaults import N_FIRST_CG_STEPS
from ridgeback.models.factor_model import FactorModel
from ridgeback.models.histories import histories_of
from ridgeback.models.initialization import is_declared
from ridgeback.models.row_solver import RowSolver, Side
from ridgeback.models.tracing import fold_in_trace
from ridgeback.solvers import logistic_reference, reference
from ridgeback.solvers.problem import Float64Array, HalfStep, RowProblem
from ridgeback.trace import Trace
from ridgeback.trace.rows import Method, pair_numbers, tell


class HandSide(Side):
    """A side in float64."""

    def copy(self) -> Side:
        """A side of its own."""
        return HandSide(self.factors.copy(), None if self.biases is None else self.biases.copy())

    def zeros_like(self, n_rows: int) -> Side:
        """A side of `n_rows` zero rows with as many factors."""
        zeros: Any = np.zeros((n_rows, self.factors.shape[1]))
        return HandSide(zeros, None if self.biases is None else np.zeros(n_rows))  # type: ignore[arg-type]


class HandAlternation(Alternation):
    """The state of a fit in NumPy."""

    def _form_gram(self, side: Side) -> Float64Array:
        factors: Float64Array = np.asarray(side.factors, dtype=np.float64)
        return np.asarray(factors.T @ factors)

    def _rotate(self, vectors: Float64Array) -> None:
        for side in self.sides.values():
            side.factors[...] = side.factors @ vectors
        self._grams = {"users": None, "items": None}

    def _principal_axes(self) -> Float64Array:
        items = self.sides["items"]
        vectors = np.linalg.eigh(self._form_gram(items))[1][:, ::-1]
        turned = items.factors @ vectors
        largest = turned[np.abs(turned).argmax(axis=0), np.arange(turned.shape[1])]
        return np.where(largest < 0, -vectors, vectors)

    def _observed_part(self, name: SideName, own: Side, known: float) -> float:
        return self.observed_loss(self.problems[name], self.sides[OTHER[name]], own, 1)

    def _form_penalty(self, problem: RowProblem, side: Side) -> float:
        return objective.penalty(side.factors, problem.ridges, side.biases, problem.bias_ridges)  # type: ignore[arg-type]


@dataclass(frozen=True)
class ByHand:
    """A readable solver of `ridgeback.solvers` as the fit loop calls it."""

    name: str
    solve_rows: Callable[..., HalfStep]
    takes_gram: bool = True
    settings: Mapping[str, Any] = field(default_factory=dict)
    squares: dict[int, Float64Array] = field(default_factory=dict)

    @property
    def uses_eigenbasis(self) -> bool:
        """Conjugate gradient only."""
        return self.name == "cg"

    @property
    def may_not_raise(self) -> bool:
        """Everything but conjugate gradient."""
        return self.name != "cg"

    def solve(
        self,
        problem: RowProblem,
        fixed: Side,
        own: Side,
        gram: Float64Array | None,
        *,
        n_threads: int,
        cancel: npt.NDArray[np.uint8] | None,
    ) -> HalfStep:
        """Solve every row."""
        arguments: list[Any] = [problem, fixed.factors, fixed.biases, own.factors, own.biases]
        if self.takes_gram:
            arguments.append(np.diag(gram).copy() if self.uses_eigenbasis and gram is not None else gram)
        if self.name == "adagrad":
            n_rows, k = own.factors.shape
            arguments.append(self.squares.setdefault(id(problem.rows), np.zeros((n_rows, k + problem.has_biases))))
        return self.solve_rows(*arguments, **self.settings)

    def method(self, problem: RowProblem) -> Method:
        """What the record says of the last half-step."""
        return Method(
            self.name,
            n_steps=self.settings.get("n_steps", 0),
            step_size=self.settings.get("step_size"),
            squares=self.squares.get(id(problem.rows)),
        )


class _HandModel(FactorModel):
    """Mixed into a model: everything that its fit computes, it computes here."""

    def _item_gram(self) -> Float64Array:
        return np.asarray(self.item_factors_.T @ self.item_factors_)

    def _start(self, data: Interactions, parameters: dict[str, Any]) -> tuple[Side, Side]:
        sides = super()._start(data, parameters)
        doubles: list[Side] = []
        for place, side in enumerate(sides):
            factors: Any = side.factors.astype(np.float64)
            if is_declared(self.init):  # checked above, and here without the rounding to float32
                kept = factors.any(axis=1)
                factors[kept] = np.asarray(self.init[place], dtype=np.float64)[kept]
            doubles.append(HandSide(factors, None if side.biases is None else side.biases.astype(np.float64)))
        return doubles[0], doubles[1]

    def _alternation(
        self, problems: dict[SideName, RowProblem], sides: dict[SideName, Side], cancel: npt.NDArray[np.uint8]
    ) -> Alternation:
        return HandAlternation(problems, sides, self._row_solver(), self._observed_loss(), 1, cancel)

    def _observed_loss(self) -> ObservedLoss:
        is_logistic = self.family == "logistic"

        def observed(problem: RowProblem, fixed: Side, own: Side, n_threads: int) -> float:
            """The terms themselves, added up: nothing cancels where a fit is perfect."""
            loss = 0.0
            for r in range(problem.rows.n_rows):
                neighbours, _ = problem.rows.row(r)
                scores = fixed.factors[neighbours] @ own.factors[r]
                if fixed.biases is not None and own.biases is not None:
                    scores = scores + fixed.biases[neighbours] + own.biases[r]
                loss += float(tell(problem, is_logistic, scores, *pair_numbers(problem, r), 0.0)["terms"].sum())
            return loss

        return observed

    def _row_solver(self) -> RowSolver:
        p = self.parameters_
        if self.family == "logistic":
            settings = {} if p["solver"] == "majorize" else {"step_size": p["step_size"]}
            name = {"gradient": "gradient_step", "adagrad": "adagrad_step"}.get(p["solver"], "majorize")
            return ByHand(p["solver"], getattr(logistic_reference, name), takes_gram=False, settings=settings)
        if p["non_negative"]:
            return ByHand("non_negative", reference.solve_non_negative)
        if p["solver"] == "exact":
            return ByHand("exact", reference.solve_exact)
        n_steps = N_FIRST_CG_STEPS[self.family] if p["n_cg_steps"] == "auto" else p["n_cg_steps"]
        return ByHand("cg", reference.solve_cg, settings={"n_steps": n_steps})

    def _final_solver(self) -> RowSolver:
        if self.family == "logistic":
            return ByHand("newton", logistic_reference.newton, takes_gram=False)
        solver = self._row_solver()
        if isinstance(solver, ByHand) and solver.name == "non_negative":
            return solver
        return ByHand("exact", reference.solve_exact)


def by_hand(model: FactorModel) -> FactorModel:
    """An unfitted twin of a model whose fit runs in float64 on the readable solvers, one thread.

    Parameters
    ----------
    model : ExplicitALS, ImplicitALS or LogisticMF
        Its parameters are taken over.

    Examples
    --------
    >>> import ridgeback as rb
    >>> trace = rb.Trace()
    >>> twin = rb.examples.by_hand(rb.ExplicitALS(1, n_iterations=1))
    >>> _ = twin.fit(rb.examples.matrix_interactions([[4, 2], [3, 5]]), trace=trace)
    >>> trace.header["precision"], trace.steps[1]["method"]
    ('double', 'exact')

    Notes
    -----
    Its rows are solved exactly where ``solver="auto"``: small matrices need no approximation. A fitted twin holds
    float64 factors, which only its trace is meant to be asked for.
    """
    kind = type(model)
    parameters = model.get_params()
    if parameters.get("solver") == "auto":
        parameters["solver"] = "exact"
    parameters["n_threads"] = 1
    twin: FactorModel = type(kind.__name__, (_HandModel, kind), {"__init__": kind.__init__})(**parameters)
    return twin


def trace_matrix(
    model: FactorModel, ratings: Any, users: Sequence[Any] | None = None, items: Sequence[Any] | None = None
) -> Trace:
    """The trace of a model on a matrix of values, fitted in float64: ``ridgeback trace --ratings`` in Python.

    Parameters
    ----------
    model : ExplicitALS, ImplicitALS or LogisticMF
        Unfitted, and left so: its twin of `by_hand` is fitted.
    ratings : array, shape (n_users, n_items)
        NaN where a pair is missing.
    users, items : sequences of ids, optional
        Left out: "user 1", ... and "item 1", ...

    Returns
    -------
    Trace
        Prints with ``.show()``; ``.steps`` holds every matrix, ``.to_html(path)`` and ``.to_python(path)`` write it.

    Raises
    ------
    DataError
        When it is not a matrix of numbers, or not finite where it is not NaN.

    Notes
    -----
    Warnings of the fit stay silent: what they say is a step's note.

    Examples
    --------
    >>> import ridgeback as rb
    >>> nan = float("nan")
    >>> model = rb.ExplicitALS(
    ...     2, regularization=0.1, biases=False, frequency_exponent=0, orientation="start", n_iterations=3
    ... )
    >>> trace = rb.examples.trace_matrix(model, [[4, 2], [3, nan]], users=["ann", "bob"], items=["tea", "milk"])
    >>> [step["side"] for step in trace.steps[:3]], trace.header["precision"]
    (['start', 'users', 'items'], 'double')
    >>> trace.steps[-1]["predictions"].shape
    (2, 2)
    """
    trace = Trace()
    twin = model if isinstance(model, _HandModel) else by_hand(model)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RidgebackWarning)
        twin.fit(matrix_interactions(ratings, users, items), trace=trace)
    return trace


def fold_in_by_hand(model: FactorModel, items: Any, ratings: Any = None) -> Trace:
    """The trace of a new user of a fitted twin, in float64: preferences, weights, A and b, factors, scores.

    Parameters
    ----------
    model : fitted twin, of `by_hand`
    items, ratings
        As in `FactorModel.fold_in`.

    Raises
    ------
    UnsupportedError
        When nothing given is known, or the row has no finite optimum.

    Examples
    --------
    >>> import ridgeback as rb
    >>> model = rb.examples.by_hand(rb.ExplicitALS(1, n_iterations=1, biases=False))
    >>> _ = model.fit(rb.examples.matrix_interactions([[4, 2], [3, 5]], items=["tea", "milk"]))
    >>> rb.examples.fold_in_by_hand(model, ["tea"], [5]).steps[0]["side"]
    'fold-in'
    """
    history = histories_of(model, [(items, ratings, None)], "items").pairs
    if history.rows.nnz == 0:
        raise UnsupportedError("There is no row to solve: nothing of the new user's history is known.")
    problem = model._row_problem("users", model._listed(history))
    held: Any = model
    fixed = HandSide(held.item_factors_, held.item_biases_)
    user = fixed.zeros_like(1)
    gram = model._item_gram() if problem.unobserved_weight else None
    result = model._final_solver().solve(problem, fixed, user, gram, n_threads=1, cancel=None)
    if result.n_unbounded:
        raise UnsupportedError(
            "This user's row has no finite optimum: without regularization the loss falls for ever while the factors "
            "grow, since the pairs can be separated. Set regularization above 0."
        )
    return fold_in_trace(model, history, user)


def matrix_interactions(
    ratings: Any, users: Sequence[Any] | None = None, items: Sequence[Any] | None = None
) -> Interactions:
    """A matrix of values, NaN where a pair is missing, as interactions; zeros are kept as zeros.

    Parameters
    ----------
    ratings : array, shape (n_users, n_items)
    users, items : sequences of ids, optional
        Left out: "user 1", ... and "item 1", ...

    Raises
    ------
    DataError
        When it is not a matrix of numbers, or not finite where it is not NaN.

    Examples
    --------
    >>> import numpy as np
    >>> import ridgeback as rb
    >>> rb.examples.matrix_interactions(np.array([[4, 2], [3, np.nan]]), users=["ann", "bob"])
    Interactions(2 users x 2 items, 3 interactions)
    """
    matrix = as_matrix("ratings", ratings, may_lack=True)
    given = ~np.isnan(matrix)
    rows, columns = np.nonzero(given)
    csr = Csr.from_pairs(rows, columns, matrix[given].astype(np.float32), shape=matrix.shape)
    names = [
        [f"{word} {place + 1}" for place in range(n)] if ids is None else list(ids)
        for word, n, ids in zip(("user", "item"), matrix.shape, (users, items), strict=True)
    ]
    return Interactions.from_csr(csr, user_ids=names[0], item_ids=names[1])


def as_matrix(name: str, values: Any, *, may_lack: bool = False) -> Float64Array:
    """A float64 matrix of at least one row and column; finite, or NaN where something `may_lack`.

    Raises
    ------
    DataError
    """
    try:
        matrix = np.array(values, dtype=np.float64)
    except (TypeError, ValueError):
        raise DataError(f"{name} must be a matrix of numbers, every row of one length; got {values!r:.80}.") from None
    if matrix.ndim != 2 or 0 in matrix.shape:
        raise DataError(f"{name} must be a matrix of at least one row and one column; got shape {matrix.shape}.")
    wrong = np.isinf(matrix) if may_lack else ~np.isfinite(matrix)
    if wrong.any():
        row, column = (int(place) for place in np.argwhere(wrong)[0])
        raise DataError(
            f"{name}: row {row + 1}, column {column + 1} is {matrix[row, column]}; finite numbers are needed."
        )
    return matrix
