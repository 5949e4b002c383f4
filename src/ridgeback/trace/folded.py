"""The trace of one new user: preferences to weights to A and b to factors to scores, for every item."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from ridgeback.solvers.matrices import one_blas_thread
from ridgeback.solvers.problem import Float64Array, RowProblem
from ridgeback.trace.recorder import Table, blank_step, compact, header, listed, matrices, pairs_of
from ridgeback.trace.rows import Labels, Method, Numbers, Rows
from ridgeback.trace.trace import Trace

MOST_ITEMS = 10_000
N_BEST = 100


def fold_in_trace(
    facts: Mapping[str, Any],
    problem: RowProblem,
    items: Numbers,
    gram: Float64Array | None,
    user: Numbers,
    item_labels: tuple[Any, Any],
    method: Method,
) -> Trace:
    """A trace of one step, "fold-in".

    Parameters
    ----------
    facts : mapping
        What the header says of the model.
    problem : RowProblem
        One row, the new user's; its columns are all items.
    items : Numbers
        All items.
    gram : float64 array, shape (k, k), or None
    user : Numbers
        The new user as it was solved, one row.
    item_labels : (Ids, Text or None)
        Ids and titles of all items.
    method : Method

    Notes
    -----
    Beyond 10,000 items the trace shows the user's own items and the hundred of highest score.
    """
    rows = np.arange(len(items.factors))
    if len(rows) > MOST_ITEMS:
        scores = items.factors @ user.factors[0] + (0.0 if items.biases is None else items.biases)
        rows = np.union1d(problem.rows.indices, np.argsort(-scores, kind="stable")[:N_BEST])
    ids, titles = item_labels
    tables = {
        "users": Table(np.zeros(1, dtype=np.int64), np.ones(1, dtype=bool), Labels([None], None), 1),
        "items": Table(
            rows.astype(np.int64),
            np.zeros(len(rows), dtype=bool),
            Labels(
                [ids[int(row)] for row in rows], None if titles is None else [titles[int(row)] or None for row in rows]
            ),
            len(items.factors),
        ),
    }
    problem = compact(problem, tables["users"], tables["items"])
    items = Numbers(items.factors[rows], None if items.biases is None else items.biases[rows])
    is_logistic = facts["family"] == "logistic"
    mean = float(facts["mean"])
    before = Numbers(np.zeros_like(user.factors), None if user.biases is None else np.zeros_like(user.biases))
    shown = matrices(user, items, mean, problem, is_logistic)
    step = {
        **blank_step(),
        **_losses(problem, user, gram, shown["terms"], is_logistic),
        **shown,
        "index": 0,
        "iteration": 0,
        "side": "fold-in",
        "method": method.name,
        "user_factors": user.factors,
        "item_factors": items.factors,
        "user_biases": user.biases,
        "item_biases": items.biases,
        "change": user.factors,
        "gram": gram,
        "rows": Rows(
            "users",
            tables["users"].labels,
            np.zeros(1, dtype=np.int64),
            problem,
            items,
            before,
            user,
            gram,
            replace(method, stored=np.float64),
            mean,
        ),
    }
    step["rows"].check()
    trace = Trace()
    columns = [np.asarray(column) for column in listed(problem, np.zeros(1, dtype=np.int64))]
    pairs = pairs_of(columns, len(rows), is_logistic)
    trace.header = header("fold-in", facts, {"users": problem}, tables, pairs)
    trace.steps = [step]
    return trace


def _losses(
    problem: RowProblem, user: Numbers, gram: Float64Array | None, terms: Float64Array | None, is_logistic: bool
) -> dict[str, Any]:
    """The new row's own share of the loss, in its parts."""
    assert terms is not None
    x = user.factors[0]
    observed = float(np.nansum(terms))
    with one_blas_thread():
        unobserved = 0.0 if gram is None else problem.unobserved_weight * float(x @ gram @ x)
    penalty = float(problem.ridges[0] * (x @ x))
    if problem.bias_ridges is not None and user.biases is not None:
        penalty += float(problem.bias_ridges[0] * user.biases[0] ** 2)
    total_weight = problem.rows.nnz if problem.confidences is None else float(problem.confidences.sum(dtype=np.float64))
    is_explicit = problem.pull == "target" and not is_logistic
    mse = observed / total_weight if is_explicit and total_weight else None
    return {
        "loss": observed + unobserved + penalty,
        "observed_loss": observed,
        "unobserved_loss": unobserved,
        "regularization_loss": penalty,
        "rmse": None if mse is None else float(np.sqrt(mse)),
        "mse": mse,
        "cross_entropy": observed / total_weight if is_logistic and total_weight else None,
    }
