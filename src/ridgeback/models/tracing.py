"""What a model tells a trace about itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ridgeback.errors import UnsupportedError
from ridgeback.models.alternation import Alternation
from ridgeback.models.initialization import is_declared, is_model
from ridgeback.models.row_solver import Side
from ridgeback.models.stored_parameters import described
from ridgeback.models.training import ListedPairs
from ridgeback.trace import Trace, folded
from ridgeback.trace.recorder import Recorder, tables_of
from ridgeback.trace.rows import Numbers

if TYPE_CHECKING:
    from ridgeback.models.factor_model import FactorModel
    from ridgeback.models.row_model import RowModel


def refuse_what_no_trace_shows(parameters: dict[str, Any]) -> None:
    """Refuse the neighbourhood term: a trace shows how every score comes from the factors, and it does not.

    Raises
    ------
    UnsupportedError
    """
    if parameters.get("n_neighbors"):
        raise UnsupportedError(
            "A trace shows how scores come from the factors alone, and this model adds what neighbours say. Fit with "
            "n_neighbors=0 to trace: the factors are the same."
        )


def recorder(model: FactorModel, trace: Trace, state: Alternation) -> Recorder:
    """The recorder of one fit.

    Raises
    ------
    ParameterError
        When the trace would be too large; nothing was fitted then.
    """
    p = model.parameters_
    tables = tables_of(
        trace,
        state.problems,
        {"users": model.user_ids_, "items": model.item_ids_},
        model.titles_,
        p["n_factors"],
        2 * p["n_iterations"] + 3,
    )
    precision = "single" if state.sides["users"].factors.dtype.itemsize == 4 else "double"
    return Recorder(trace, facts(model, precision), state, tables)


def facts(model: RowModel, precision: str) -> dict[str, Any]:
    """The header's lines about the model: what it is and how its factors started."""
    p = model.parameters_
    method = p["init"]
    if is_declared(model.init):
        method = "declared"
    elif is_model(model.init):
        method = "warm start"
    is_drawn = method not in ("declared", "warm start")
    return {
        "model": type(model).__name__,
        "family": model.family,
        "loss": {"explicit": "squared", "logistic": "logistic"}.get(model.family) or p["loss"],
        "link": model.link,
        "precision": precision,
        "parameters": described(p),
        "init": {
            "method": method,
            "scale": p["init_scale"] if is_drawn and method != "standard_normal" else None,
            "random_state": p["random_state"] if is_drawn else None,
        },
        "mean": model.mean_,
        "n_factors": p["n_factors"],
    }


def fold_in_trace(model: RowModel, history: ListedPairs, user: Side) -> Trace:
    """The trace of one new user that was solved from this history."""
    refuse_what_no_trace_shows(model.parameters_)
    problem = model._row_problem("users", model._listed(history))
    gram = model._item_gram() if problem.unobserved_weight else None
    return folded.fold_in_trace(
        {
            **facts(model, "single" if user.factors.dtype.itemsize == 4 else "double"),
            "rating_range": None if model._rating_range is None else list(model._rating_range),
        },
        problem,
        _numbers(Side(model.item_factors_, model.item_biases_)),
        gram,
        _numbers(user),
        (model.item_ids_, model.titles_),
        model._final_solver().method(problem),
    )


def _numbers(side: Side) -> Numbers:
    biases = None if side.biases is None else side.biases.astype(np.float64)
    return Numbers(side.factors.astype(np.float64), biases)
