"""Learning from new events, and forgetting a user, without fitting again; on copies, put in place at the end."""

from __future__ import annotations

import copy
import warnings
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import numpy.typing as npt

from ridgeback.data.csr import Csr
from ridgeback.data.interactions import Interactions
from ridgeback.data.titles import Titles
from ridgeback.errors import ParameterError, RidgebackWarning
from ridgeback.models.folding import solve_rows
from ridgeback.models.initialization import is_declared
from ridgeback.models.row_solver import Side
from ridgeback.models.training import ListedPairs
from ridgeback.recommend.id_rows import rows_of

if TYPE_CHECKING:
    from ridgeback.models.recommender import Recommender
    from ridgeback.models.row_model import RowModel

Array = TypeVar("Array", bound=npt.NDArray[Any])


def partial_fit(model: RowModel, events: Any, refresh_users: bool) -> None:
    """Merge the events and solve the touched rows; see `RowModel.partial_fit`."""
    if not isinstance(events, Interactions):
        events = _events_of_matrix(model, events)
    events = model._training_data(events, "events")
    merged, users, items = stored_interactions(model).merge(events)
    model._check_new_rows(merged.n_users - len(model.user_ids_), merged.n_items - len(model.item_ids_))

    changed = copy.copy(model)
    changed._remember(merged)
    if model._neighborhood is not None:
        changed._neighborhood = model._neighborhood.with_items(merged.n_items)
    changed.user_factors_ = _with_zero_rows(model.user_factors_, merged.n_users)
    changed.item_factors_ = _with_zero_rows(model.item_factors_, merged.n_items)
    if model.user_biases_ is not None and model.item_biases_ is not None:
        changed.user_biases_ = _with_zero_rows(model.user_biases_, merged.n_users)
        changed.item_biases_ = _with_zero_rows(model.item_biases_, merged.n_items)
    changed._fit_user_counts = _with_zero_rows(model._fit_user_counts, merged.n_users)
    changed._fit_user_counts[users] = changed._user_counts[users]
    changed._fit_item_counts = _with_zero_rows(model._fit_item_counts, merged.n_items)
    changed._fit_item_counts[items] = changed._item_counts[items]

    by_user = ListedPairs(merged.user_items, merged.weights)
    _solve(changed, "users", changed._listed(by_user.take(users.astype(np.int64))), users)
    _solve(changed, "items", changed._listed(by_user).transpose().take(items.astype(np.int64)), items)
    last = np.flatnonzero(merged.user_items.counts() > 0) if refresh_users else users
    _solve(changed, "users", changed._listed(by_user.take(last.astype(np.int64))), last)
    if refresh_users:
        changed._is_final = True
    model.__dict__.update(changed.__dict__)


def forget(model: RowModel, user: Any) -> None:
    """Remove one user; see `RowModel.forget`."""
    row = int(rows_of(model.user_ids_, user, "user"))
    changed = copy.copy(model)
    without_user(changed, row)
    changed._fit_user_counts = np.delete(model._fit_user_counts, row)
    if is_declared(model.init) and len(model.init[0]) == len(model.user_ids_):
        changed.init = (np.delete(np.asarray(model.init[0]), row, axis=0), model.init[1])  # a trace of the user too
    model.__dict__.update(changed.__dict__)


def without_user(model: Recommender, row: int) -> None:
    """Take a user's row, history and id out of what every model has."""
    if model._seen is not None:
        model._remember(stored_interactions(model).without_user(row))
    else:
        model.user_ids_ = model.user_ids_.drop(row)
        model._user_counts = np.delete(model._user_counts, row)
    model.user_factors_ = np.delete(model.user_factors_, row, axis=0)
    if model.user_biases_ is not None:
        model.user_biases_ = np.delete(model.user_biases_, row)


def stored_interactions(model: Recommender) -> Interactions:
    """The training interactions that the model holds.

    Raises
    ------
    HistoryMissingError
        When it was saved without them.
    """
    seen = model._history(exclude_seen=False)
    return Interactions(
        seen,
        model.user_ids_,
        model.item_ids_,
        weights=model._seen_weights,
        merged_counts=model._seen_merged,
        titles=None if model.titles_ is None else Titles(model.item_ids_, model.titles_),
        duplicates=model._duplicates,  # type: ignore[arg-type]
        has_ratings=seen.data is not None,
    )


def _events_of_matrix(model: RowModel, events: Any) -> Interactions:
    """A CSR matrix has no ids: its rows and columns are those of a model whose ids are 0 ... n - 1."""
    for name, ids in (("users", model.user_ids_), ("items", model.item_ids_)):
        if ids.is_text or not np.array_equal(ids.to_numpy(), np.arange(len(ids))):
            raise ParameterError(
                f"The 'events' parameter of partial_fit must be Interactions, since the model's {name} have ids of "
                f"their own. Got {type(events).__name__} instead."
            )
    matrix = Csr.from_any(events)
    users, items = np.flatnonzero(matrix.counts()), np.flatnonzero(matrix.column_counts())
    column_of = np.full(matrix.n_columns, -1, dtype=np.int64)
    column_of[items] = np.arange(len(items))
    rows = matrix.take(users)
    compact = Csr(rows.indptr, column_of[rows.indices].astype(np.int32), rows.data, (len(users), len(items)))
    return Interactions.from_csr(compact, users, items)


def _with_zero_rows(array: Array, n_rows: int) -> Array:
    """A copy with zero rows behind, up to n_rows."""
    longer = np.zeros((n_rows, *array.shape[1:]), dtype=array.dtype)
    longer[: len(array)] = array
    return longer  # type: ignore[return-value]


def _solve(model: RowModel, name: Any, listed: ListedPairs, rows: npt.NDArray[Any]) -> None:
    """Solve some rows of one side and put them in place."""
    factors, biases = (
        (model.user_factors_, model.user_biases_) if name == "users" else (model.item_factors_, model.item_biases_)
    )
    current = Side(factors, biases)
    own = current.zeros_like(len(rows)) if model._final_depends_on_start else current.take(rows)
    result = solve_rows(model, name, listed, own)
    if result.n_unbounded:
        warnings.warn(
            f"{result.n_unbounded} of {len(rows)} {name} have no finite optimum with their new events: a "
            "regularization is 0 and their yeses and noes can be separated. They stay as they were.",
            RidgebackWarning,
            stacklevel=4,
        )
    factors[rows] = own.factors
    if biases is not None:
        biases[rows] = own.biases
    model.__dict__.pop("_kept_item_gram", None)  # items were changed in place
