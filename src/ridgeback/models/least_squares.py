"""What ImplicitALS and ExplicitALS share: rows that are ridge regressions, and who solves them."""

from __future__ import annotations

from typing import Any

from ridgeback.errors import ParameterError
from ridgeback.models import checks
from ridgeback.models.defaults import N_FIRST_CG_STEPS
from ridgeback.models.explaining import Shares, least_squares_shares
from ridgeback.models.factor_model import FactorModel
from ridgeback.models.row_solver import AdaptiveConjugateGradient, ConjugateGradient, Exact, NonNegative, RowSolver
from ridgeback.models.training import ListedPairs


class LeastSquaresModel(FactorModel):
    """A model whose rows minimise a sum of squares."""

    solver: str
    n_cg_steps: int | str
    non_negative: bool

    def _resolve_solver(self, automatic: str) -> dict[str, Any]:
        """What `solver`, `n_cg_steps` and `non_negative` mean, checked together."""
        owner = type(self).__name__
        solver = checks.check_choice(owner, "solver", self.solver, ("auto", "exact", "cg"))
        non_negative = checks.check_flag(owner, "non_negative", self.non_negative)
        n_steps = self.n_cg_steps
        if n_steps != "auto":
            n_steps = checks.check_count(owner, "n_cg_steps", self.n_cg_steps, low=1)
        if non_negative and solver == "cg":
            raise ParameterError(
                f"The 'solver' parameter of {owner} must be 'auto' or 'exact' with non_negative=True: conjugate "
                "gradient cannot keep factors non-negative. Got 'cg' instead."
            )
        if solver == "auto":
            solver = "exact" if non_negative else automatic
        return {"solver": solver, "n_cg_steps": n_steps, "non_negative": non_negative}

    def _row_solver(self) -> RowSolver:
        p = self.parameters_
        if p["non_negative"]:
            return NonNegative()
        if p["solver"] == "exact":
            return Exact()
        if p["n_cg_steps"] == "auto":
            return AdaptiveConjugateGradient(N_FIRST_CG_STEPS[self.family])
        return ConjugateGradient(p["n_cg_steps"])

    def _final_solver(self) -> RowSolver:
        return NonNegative() if self.parameters_["non_negative"] else Exact("double")

    @property
    def _final_depends_on_start(self) -> bool:
        return bool(self.parameters_["non_negative"])

    def _shares(self, history: ListedPairs, item_row: int) -> Shares:
        return least_squares_shares(self, history, item_row)
