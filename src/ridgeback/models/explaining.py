"""Why a score is what it is: the share of each item of the user's own history, adding up to the score."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ridgeback.errors import RidgebackWarning, UnsupportedError
from ridgeback.models.row_solver import Side
from ridgeback.models.training import ListedPairs
from ridgeback.recommend.explanation import Contribution, Explanation
from ridgeback.recommend.id_rows import rows_of
from ridgeback.solvers.matrices import one_blas_thread
from ridgeback.solvers.problem import Float64Array
from ridgeback.solvers.reference import RowSystem, row_system, solve_symmetric

if TYPE_CHECKING:
    from ridgeback.models.row_model import RowModel


LARGEST_GAP = 1e-5  # between a score and what adds up to it, of max(1, abs(score))


@dataclass(frozen=True)
class Shares:
    """A score without its baseline, and what adds up to it."""

    score: float
    contributions: Float64Array
    rest: float = 0.0


def explain(model: RowModel, user: Any, item: Any) -> Explanation:
    """Explain a stored user's score; see `RowModel.explain`."""
    user_row, item_row = int(rows_of(model.user_ids_, user, "user")), int(rows_of(model.item_ids_, item, "item"))
    history = ListedPairs(model._history(exclude_seen=False), model._seen_weights)
    explanation = explain_history(
        model, model.user_ids_[user_row], history.take(np.array([user_row], dtype=np.int64)), item_row
    )
    shown = model.score(model.user_ids_[user_row], model.item_ids_[item_row])
    if getattr(model, "_is_final", True) and abs(shown - explanation.score) > 1e-3 * max(1.0, abs(explanation.score)):
        warnings.warn(
            f"model.score gives {shown:.6g}; solving this user's row now gives {explanation.score:.6g}, since items "
            "changed after the user was solved. Call partial_fit(..., refresh_users=True) or fit again.",
            RidgebackWarning,
            stacklevel=3,
        )
    return explanation


def explain_history(model: RowModel, user: Any, history: ListedPairs, item_row: int) -> Explanation:
    """Explain the score that a history gives to an item."""
    baseline = model.mean_ + (0.0 if model.item_biases_ is None else float(model.item_biases_[item_row]))
    shares = model._shares(history, item_row)
    rounding = np.finfo(np.float64).eps * float(np.abs(shares.contributions).sum())  # in whatever order they are added
    gap = abs(float(shares.contributions.sum()) + shares.rest - shares.score) + rounding
    if not gap <= LARGEST_GAP * max(1.0, abs(baseline + shares.score)):
        raise UnsupportedError(
            f"explain cannot make the shares add up here: they miss the score of {baseline + shares.score:.6g} by "
            f"{gap:.3g}, since the regularization is too small for float64. Fit with a larger regularization."
        )
    own_items, values = history.rows.indices, history.rows.values()
    order = np.argsort(-shares.contributions, kind="stable")
    titles = model.titles_

    def title(row: int) -> str | None:
        return None if titles is None else titles[row] or None

    return Explanation(
        user,
        model.item_ids_[item_row],
        title(item_row),
        baseline + shares.score,
        baseline,
        [
            Contribution(
                model.item_ids_[int(own_items[j])],
                title(int(own_items[j])),
                float(shares.contributions[j]),
                float(values[j]),
            )
            for j in order
        ],
        shares.rest,
        model.link,
        _chance(model, baseline + shares.score),
        model._chance_of() if _has_chances(model) else None,
    )


def _has_chances(model: RowModel) -> bool:
    return model.link == "probability" or model.calibration_ is not None


def _chance(model: RowModel, score: float) -> float | None:
    """The chance of a yes that a score stands for, where the model knows it."""
    if not _has_chances(model):
        return None
    return float(model._probabilities(np.array([score], dtype=np.float32))[0])


def least_squares_shares(model: RowModel, history: ListedPairs, item_row: int) -> Shares:
    """``x.y_i = sum_j c_j y_j^T A^-1 y_i``: each neighbour's pull, carried over by the row's own inverse.

    Source: Hu et al. 2008, section 5. With joint biases the columns are ``[y_j, 1]``; with non-negative factors A is
    restricted to the coordinates that are positive.
    """
    if history.rows.nnz == 0:
        return Shares(0.0, np.zeros(0))
    problem = model._row_problem("users", history)
    fixed_gram = model._item_gram() if problem.unobserved_weight else None
    system = row_system(problem, 0, model.item_factors_, model.item_biases_, fixed_gram)
    target = model.item_factors_[item_row].astype(np.float64)
    if problem.has_biases:
        target = np.append(target, 1.0)
    support = _support(model, history, system)
    ridges = [problem.ridges[0], *([] if problem.bias_ridges is None else [problem.bias_ridges[0]])]
    with one_blas_thread():
        solved, is_singular = solve_symmetric(
            system.A[np.ix_(support, support)], np.column_stack([target, system.b])[support], float(min(ridges))
        )
    if is_singular and model.parameters_.get("non_negative", False):
        raise UnsupportedError(
            "explain needs the one solution of the user's row, and without regularization this row of non-negative "
            "factors has many. Fit with regularization above 0."
        )
    carried, solution = solved.T
    return Shares(float(solution @ target[support]), system.pulls * (system.columns[:, support] @ carried))


def _support(model: RowModel, history: ListedPairs, system: RowSystem) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Coordinates that are free: all of them, or with non-negative factors the positive ones and the bias."""
    size = len(system.b)
    if not model.parameters_.get("non_negative", False):
        return np.arange(size)
    from ridgeback.models.folding import solve_rows

    own = Side(model.item_factors_, model.item_biases_).zeros_like(1)
    solve_rows(model, "users", history, own)
    free = own.factors[0] > 0
    return np.flatnonzero(np.append(free, True) if size > len(free) else free)
