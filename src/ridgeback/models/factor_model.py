"""What every model of factors shares in fitting: parameters, the start, the loop, and who is told of it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

import numpy as np
import numpy.typing as npt

from ridgeback.cpus import available_cpus
from ridgeback.data.interactions import Interactions
from ridgeback.errors import ParameterError
from ridgeback.models import checks, fitting, initialization, tracing
from ridgeback.models.acceleration import Nesterov
from ridgeback.models.alternation import Alternation, ObservedLoss, SideName, squared_loss, zero_loss
from ridgeback.models.defaults import DataShape
from ridgeback.models.directions import live_rank
from ridgeback.models.interrupts import interruptible
from ridgeback.models.row_model import RowModel
from ridgeback.models.row_solver import RowSolver, Side
from ridgeback.models.score_spread import forget_spreads
from ridgeback.models.training import ListedPairs, refuse_nothing
from ridgeback.models.validation import Validation
from ridgeback.objective import Objective
from ridgeback.solvers.problem import RowProblem
from ridgeback.trace import Trace

if TYPE_CHECKING:
    from ridgeback.data.csr import Csr
    from ridgeback.recommend.neighbor_term import NeighborTerm

Model = TypeVar("Model", bound="FactorModel")

ORIENTATIONS = ("auto", "principal", "start")


class FactorModel(RowModel):
    """A model whose every half-step is the row problem of `ridgeback.solvers.problem`.

    A subclass says which data it trains on and which solver solves a half-step, beside what `RowModel` asks; the loop
    is the same for all.

    Attributes
    ----------
    parameters_ : dict
        Every parameter as the fit used it.
    history_ : list of dict
        One record a half-step. ``is_rounded`` is in it, and true, where the loss is that of factors rounded to half
        precision, about 1e-4 from the factors' own: conjugate gradient gathers more than 3 MiB from such a copy.
    n_iterations_ : int
        Whole iterations that ran.
    stopped_by_ : {"n_iterations", "tolerance", "early_stopping", "callback", "interrupted"}
    live_rank_ : int
        Factors that say something: singular values of both sides' product, weighted by the roots of the ridges, above a
        thousandth of the largest. None in a model from a file of before.
    """

    default_metric: ClassVar[str] = "ndcg@10"

    n_factors: int
    init_scale: float
    orientation: str
    tolerance: float | None
    random_state: Any
    n_threads: int | None
    n_iterations: int

    history_: list[fitting.Record]
    n_iterations_: int
    stopped_by_: str
    live_rank_: int | None = None

    # What a subclass says ------------------------------------------------------------------------------------------

    def _resolve(self, shape: DataShape) -> dict[str, Any]:
        """Every parameter, checked, with its measured default where it is None."""
        raise NotImplementedError

    def _freeze(self, data: Interactions) -> None:
        """Set what fold-in needs of the training data beyond the factors: mean, weight scale."""
        self.mean_ = 0.0
        self._weight_scale = 1.0

    def _prepare(self, data: Interactions, cancel: npt.NDArray[np.uint8]) -> None:
        """Build what answers need of the training data beside the factors, before the first half-step."""

    def _complete(self) -> None:
        """Set what answers need of the fitted factors, after the last half-step."""

    def _advice_near_zero(self, problems: dict[SideName, RowProblem]) -> str:
        """What to do where the factors of a fit ended near zero."""
        return "Lower the regularization."

    def _neighbors_at(self, users: Side, items: Side, histories: Csr) -> NeighborTerm | None:
        """The neighbourhood term of these histories, were the fit to end with these factors."""
        return None

    def _row_solver(self) -> RowSolver:
        """The solver of the half-steps."""
        raise NotImplementedError

    def _observed_loss(self) -> ObservedLoss:
        """Objective of the listed pairs at given factors."""
        return squared_loss

    def _measures(self, pairs: ListedPairs, problem: RowProblem) -> Callable[[Objective], dict[str, float | None]]:
        """What the history shows beside the loss."""
        return lambda loss: {"rmse": None, "cross_entropy": None}

    @property
    def _has_biases(self) -> bool:
        return bool(self.parameters_.get("biases", False))

    # Fit -----------------------------------------------------------------------------------------------------------

    def fit(
        self: Model,
        data: Any,
        validation: Any = None,
        metric: str | None = None,
        patience: int | None = None,
        trace: Any = None,
        callbacks: Iterable[Callable[[Any, fitting.Record], Any]] = (),
        progress: bool = False,
    ) -> Model:
        """Alternate until done; see `ridgeback.models.fitting` for the algorithm.

        Parameters
        ----------
        data : Interactions, or a CSR matrix of shape (n_users, n_items)
        validation : Interactions, optional
            Held-out interactions of the same users; measured after each iteration with the users re-solved on the
            current items, as they will be served.
        metric : str, optional
            Such as ``"ndcg@10"`` or ``"rmse"``.
        patience : int, optional
            Stop after this many iterations without a better value, and keep the best iteration's item factors.
        trace : Trace, optional
            Records what happens to the matrices; the fit changes in no bit.
        callbacks : iterable of callable
            Each is called as ``callback(model, record)`` after every half-step; a true return value ends the fit. One
            with an attribute ``reads_factors = False`` reads the record alone: the factors are not turned for it.
        progress : bool, default=False
            Show progress on standard error.

        Returns
        -------
        self

        Raises
        ------
        DataError
            When the data cannot be learned from, before any work is done.
        ParameterError
            When a parameter cannot be used.
        KeyboardInterrupt
            After ctrl-C; the model is fitted and usable, with the rows that were solved by then.
        """
        if trace is not None and not isinstance(trace, Trace):
            raise checks.fail_argument(type(self).__name__, "trace", "a ridgeback.Trace", trace)
        interactions = self._training_data(data)
        refuse_nothing(interactions, data, type(self).__name__)
        shape = DataShape.of(interactions)
        parameters = self._resolve(shape)
        if trace is not None:
            tracing.refuse_what_no_trace_shows(parameters)
        checks.check_memory(type(self).__name__, shape, parameters)
        start = self._start(interactions, parameters)
        held_out = self._held_out(interactions, validation, metric, patience)
        readers = checks.check_callbacks(type(self).__name__, callbacks)
        self._forget_fit()
        try:
            self._run(interactions, parameters, start, held_out, patience, readers, progress, trace)
        except BaseException:
            if "_is_final" not in self.__dict__:  # set last: an interrupted fit that has it is usable
                self._forget_fit()
            raise
        return self

    def _start(self, data: Interactions, parameters: dict[str, Any]) -> tuple[Side, Side]:
        """The starting values of both sides, by `init`."""
        owner, n_factors = type(self).__name__, parameters["n_factors"]
        shapes = ((data.n_users, n_factors), (data.n_items, n_factors))
        streams = initialization.generators(self.random_state, owner)
        user_biases = item_biases = None
        has_biases = parameters.get("biases", False)
        if initialization.is_declared(self.init):
            users, items = initialization.declared(self.init, shapes, owner)
        elif initialization.is_model(self.init):
            users, items, user_biases, item_biases = initialization.warm(
                self.init, (data.user_ids, data.item_ids), n_factors, parameters["init_scale"], streams, owner
            )
        else:
            initialization.check_draw(owner, self.init)
            users, items = (
                initialization.draw(self.init, size, parameters["init_scale"], rng)
                for size, rng in zip(shapes, streams, strict=True)
            )
        if parameters.get("non_negative", False):
            if initialization.is_declared(self.init) and (users.min(initial=0) < 0 or items.min(initial=0) < 0):
                raise ParameterError(
                    f"The 'init' parameter of {owner} must not be negative with non_negative=True. Got negative "
                    "entries instead; pass their absolute values, or non_negative=False."
                )
            np.abs(users, out=users)
            np.abs(items, out=items)
        sides = []
        for factors, biases in ((users, user_biases), (items, item_biases)):
            if has_biases and biases is None:
                biases = np.zeros(len(factors), dtype=np.float32)
            sides.append(Side(factors, biases if has_biases else None))
        sides[0].clear(data.user_items.counts() == 0)
        if not initialization.is_declared(self.init):  # what was declared or known before of items stays
            is_empty = data.user_items.column_counts() == 0
            if initialization.is_model(self.init):
                is_empty &= self.init.item_ids_.match(data.item_ids) < 0
            sides[1].clear(is_empty)
        return sides[0], sides[1]

    def _held_out(self, data: Interactions, validation: Any, metric: Any, patience: Any) -> Validation | None:
        owner = type(self).__name__
        if patience is not None:
            checks.check_count(owner, "patience", patience, low=1)
        if validation is None:
            if metric is not None or patience is not None:
                raise ParameterError("fit(metric=, patience=) needs validation=: pass the interactions to measure on.")
            return None
        return Validation.of(self, data, validation, metric or self.default_metric)

    def _run(
        self,
        data: Interactions,
        parameters: dict[str, Any],
        start: tuple[Side, Side],
        held_out: Validation | None,
        patience: int | None,
        callbacks: Sequence[Callable[[Any, fitting.Record], Any]],
        progress: bool,
        trace: Trace | None,
    ) -> None:
        self.parameters_ = parameters
        self._remember(data)
        self._fit_user_counts = data.user_items.counts()
        self._fit_item_counts = self._item_counts.astype(np.int64)
        self._freeze(data)
        stored = ListedPairs(data.user_items, data.weights)
        by_user = self._listed(stored)
        if by_user is stored:
            weights = None if data.weights is None else data.user_items.with_data(data.weights).transpose().data
            by_item = ListedPairs(data.item_users, weights)
        else:
            by_item = by_user.transpose()
        with np.errstate(over="ignore"):  # what is too large for float32 is refused by the first loss
            problems: dict[SideName, RowProblem] = {
                "users": self._row_problem("users", by_user),
                "items": self._row_problem("items", by_item),
            }
        with interruptible() as cancel, contextlib.ExitStack() as shown:
            self._prepare(data, cancel)
            sides: dict[SideName, Side] = {"users": start[0], "items": start[1]}
            state = self._alternation(problems, sides, cancel)
            reporter = fitting.Reporter(
                self._measures(by_user, problems["users"]),
                self._readers(state, callbacks, shown if progress else None),
                zero_loss(problems["users"], self._observed_loss(), parameters["n_threads"]),
                checks.large_parameters(parameters),
                None if trace is None else tracing.recorder(self, trace, state),
            )
            plan = fitting.Plan(
                n_iterations=parameters["n_iterations"],
                tolerance=parameters["tolerance"],
                patience=patience,
                is_principal=parameters["orientation"] == "principal",
                final_solver=self._final_solver(),
                final_depends_on_start=self._final_depends_on_start,
                advice_near_zero=lambda: self._advice_near_zero(problems),
            )
            self.history_ = reporter.history
            ending = fitting.fit(
                state,
                plan,
                reporter,
                None if held_out is None else lambda users: held_out.measure(users, state.sides["items"], cancel),
                None if held_out is None else held_out.is_better,
            )
            self._take(state.sides)
            self._complete()
            self.live_rank_ = live_rank(
                state.sides["users"],
                state.sides["items"],
                problems["users"].ridges,
                problems["items"].ridges,
                parameters["n_threads"],
            )
            self.n_iterations_, self.stopped_by_, self._is_final = (
                ending.n_iterations,
                ending.stopped_by,
                ending.is_final,
            )
        if ending.stopped_by == "interrupted":
            raise KeyboardInterrupt

    def _alternation(
        self, problems: dict[SideName, RowProblem], sides: dict[SideName, Side], cancel: npt.NDArray[np.uint8]
    ) -> Alternation:
        """The state of the fit."""
        return Alternation(
            problems,
            sides,
            self._row_solver(),
            self._observed_loss(),
            self.parameters_["n_threads"],
            cancel,
            Nesterov() if self.parameters_.get("acceleration") else None,
        )

    def _readers(
        self,
        state: Alternation,
        callbacks: Sequence[Callable[[Any, fitting.Record], Any]],
        shown: contextlib.ExitStack | None,
    ) -> list[Callable[[fitting.Record], Any]]:
        """Who reads the records: the progress bar, closed with `shown`, and the callbacks."""
        readers: list[Callable[[fitting.Record], Any]] = []
        if shown is not None:
            from ridgeback.models.progress import ProgressReader

            readers.append(
                shown.enter_context(ProgressReader(type(self).__name__, 2 * self.parameters_["n_iterations"] + 1))
            )
        if callbacks:
            reads_factors = any(getattr(callback, "reads_factors", True) for callback in callbacks)

            def call_all(record: fitting.Record) -> bool:
                if reads_factors:  # whatever axes the solver works in, callbacks see those of the start
                    self._take({name: state.in_start_axes(name) for name in ("users", "items")})
                answers = [callback(self, record) for callback in callbacks]  # every one is called
                return any(answers)

            readers.append(call_all)
        return readers

    def _take(self, sides: dict[SideName, Side]) -> None:
        self.user_factors_, self.user_biases_ = sides["users"].factors, sides["users"].biases
        self.item_factors_, self.item_biases_ = sides["items"].factors, sides["items"].biases
        forget_spreads(self)

    def _forget_fit(self) -> None:
        """Forget everything learned: what is left are the parameters."""
        known = self._parameter_names()
        for name in [name for name in self.__dict__ if name not in known]:
            del self.__dict__[name]

    # Common parts of the subclasses ---------------------------------------------------------------------------------

    def _common_parameters(self) -> dict[str, Any]:
        """The parameters that every model of factors has, checked."""
        owner = type(self).__name__
        parameters = self.get_params()
        parameters["n_factors"] = checks.check_count(owner, "n_factors", self.n_factors, low=1)
        parameters["n_iterations"] = checks.check_count(owner, "n_iterations", self.n_iterations)
        parameters["init_scale"] = checks.check_number(owner, "init_scale", self.init_scale)
        if self.tolerance is not None:
            parameters["tolerance"] = checks.check_number(owner, "tolerance", self.tolerance)
        is_non_negative = parameters.get("non_negative", False)
        orientation = checks.check_choice(owner, "orientation", self.orientation, ORIENTATIONS)
        if orientation == "principal" and is_non_negative:
            raise ParameterError(
                f"The 'orientation' parameter of {owner} must be 'auto' or 'start' with non_negative=True: a rotation "
                "would make factors negative. Got 'principal' instead."
            )
        if orientation == "auto":
            has_meaning = is_non_negative or initialization.is_declared(self.init)
            parameters["orientation"] = "start" if has_meaning else "principal"
        if self.n_threads is None:
            parameters["n_threads"] = available_cpus()
        else:
            parameters["n_threads"] = checks.check_count(owner, "n_threads", self.n_threads, low=1)
        if initialization.is_declared(self.init):
            parameters["init"] = "declared"
        elif initialization.is_model(self.init):
            parameters["init"] = "warm start"
        if isinstance(self.random_state, np.random.Generator):
            parameters["random_state"] = "Generator"
        return parameters
