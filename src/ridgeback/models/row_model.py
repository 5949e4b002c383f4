"""Answers that solve a row: new users and items, reasons, new events, with the fitted factors fixed."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from ridgeback.errors import RidgebackWarning
from ridgeback.models import explaining, folding, updating
from ridgeback.models.recommender import Recommender
from ridgeback.solvers.matrices import gram

if TYPE_CHECKING:
    from ridgeback.data.interactions import Interactions
    from ridgeback.models.alternation import SideName
    from ridgeback.models.explaining import Shares
    from ridgeback.models.folding import FoldedItem, FoldedUser
    from ridgeback.models.row_solver import RowSolver
    from ridgeback.models.training import ListedPairs
    from ridgeback.recommend.explanation import Explanation
    from ridgeback.solvers.problem import Float64Array, RowProblem

Solved = TypeVar("Solved", bound="RowModel")


class RowModel(Recommender):
    """A model each of whose rows is the solution of a row problem, of `ridgeback.solvers.problem`.

    A subclass says how a side's row problem is made of the listed pairs, and what solves it.
    """

    init: Any

    _is_final: bool
    _weight_scale: float
    _fit_user_counts: np.ndarray[Any, np.dtype[np.int64]]
    _fit_item_counts: np.ndarray[Any, np.dtype[np.int64]]

    # What a subclass says ------------------------------------------------------------------------------------------

    def _training_data(self, data: Any, name: str = "data") -> Interactions:
        """The data as this model reads them: checked, without pairs that do not count."""
        raise NotImplementedError

    def _listed(self, pairs: ListedPairs, side: SideName = "users") -> ListedPairs:
        """All pairs that the rows of one side are made of: the stored ones, and those a model adds."""
        return pairs

    def _row_problem(self, side: SideName, pairs: ListedPairs) -> RowProblem:
        """The row problem of one side, from its listed pairs and what was frozen."""
        raise NotImplementedError

    def _final_solver(self) -> RowSolver:
        """The solver of the final user half-step and of fold-in: in float64."""
        raise NotImplementedError

    @property
    def _final_depends_on_start(self) -> bool:
        return False

    def _shares(self, history: ListedPairs, item_row: int) -> Shares:
        """What adds up to the score of one item, from a history."""
        raise NotImplementedError

    def _check_new_rows(self, n_users: int, n_items: int) -> None:
        """Refuse new ids that this model cannot add."""

    # New users and items, reasons, new events -----------------------------------------------------------------------

    def fold_in(self, items: Any, ratings: Any = None, weights: Any = None) -> FoldedUser:
        """The factors of a new user, with the fitted items fixed: the row problem of the last half-step, in float64.

        A training user folded in with their own history gets the factors that the fit gave them.

        Parameters
        ----------
        items : ids, or a mapping id -> rating
            What the user had. Unknown ids are listed in ``.unknown_items``.
        ratings : sequence of float, optional
            One an item; needed by ExplicitALS.
        weights : sequence of float, optional
            How much each counts.

        Returns
        -------
        FoldedUser

        Notes
        -----
        A new user is not ``preferences @ item_factors``: that multiplies a vector over items with one over factors.
        Source: Hu et al. 2008, equation 4.
        """
        self._check_fitted()
        self._warn_unless_final()
        return folding.fold_in(self, items, ratings, weights)

    def fold_in_many(self, histories: Any) -> list[FoldedUser]:
        """Fold in many users at once, across threads.

        Parameters
        ----------
        histories : Interactions, or a sequence of histories
            A history is a sequence of ids, a mapping id -> rating, or a tuple (items, ratings[, weights]).

        Returns
        -------
        list of FoldedUser, in the order given
        """
        self._check_fitted()
        self._warn_unless_final()
        return folding.fold_in_many(self, histories)

    def fold_in_item(self, users: Any, ratings: Any = None, weights: Any = None) -> FoldedItem:
        """The factors of a new item, with the fitted users fixed.

        Parameters
        ----------
        users : ids, or a mapping id -> rating
        ratings, weights : sequences of float, optional

        Returns
        -------
        FoldedItem

        Notes
        -----
        Training ends on the users, so an item of the training set folded in with its own users differs by some per
        cent from the fitted one.
        """
        self._check_fitted()
        return folding.fold_in_item(self, users, ratings, weights)

    def explain(self, user: Any, item: Any) -> Explanation:
        """Why a score is what it is: a share for each item of the user's history (Hu et al. 2008, section 5).

        Returns
        -------
        Explanation
            ``.score = .baseline + sum of .contributions + .rest``, to 1e-5 of max(1, abs(score)). Prints as a sentence
            and bars; ``.to_html(path)`` writes a page.

        Raises
        ------
        UnknownIdError, HistoryMissingError
        """
        self._check_fitted()
        self._warn_unless_final()
        return explaining.explain(self, user, item)

    def partial_fit(self: Solved, events: Any, refresh_users: bool = False) -> Solved:
        """Learn from new events: merge them, then solve the touched users, the touched items, the touched users again.

        Parameters
        ----------
        events : Interactions
            Only the new ones; they count as later than what is stored. New ids are added behind the known ones.
        refresh_users : bool, default=False
            Solve every user in the last step.

        Returns
        -------
        self

        Notes
        -----
        Mean and weight scale stay as fitted. An error or ctrl-C leaves the model as it was.
        """
        self._check_fitted()
        updating.partial_fit(self, events, refresh_users)
        return self

    def forget(self: Solved, user: Any) -> Solved:
        """Remove a user: row, history and id. Item factors, frequencies, mean and scale stay as fitted.

        Raises
        ------
        UnknownIdError
        """
        self._check_fitted()
        updating.forget(self, user)
        return self

    def _item_gram(self) -> Float64Array:
        """``Y^T Y`` of the fitted items; kept until the items change."""
        kept = self.__dict__.get("_kept_item_gram")
        if kept is None or kept[0] is not self.item_factors_:
            kept = self._kept_item_gram = (self.item_factors_, gram(self.item_factors_))
        return kept[1]

    def _warn_unless_final(self) -> None:
        """Warn the caller of the caller after an interrupted fit."""
        if not getattr(self, "_is_final", True):  # a callback may ask while the fit runs
            warnings.warn(
                "The fit was interrupted before its final user half-step, so stored users differ from folded-in ones. "
                "Call partial_fit(..., refresh_users=True) or fit again.",
                RidgebackWarning,
                stacklevel=3,
            )
