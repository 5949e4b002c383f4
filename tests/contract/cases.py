"""The models that the contract is held against, and small data that any of them can learn from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

import ridgeback as rb
from ridgeback.models import Recommender
from ridgeback.models.factor_model import FactorModel


@dataclass(frozen=True)
class Case:
    """One model with one set of parameters."""

    name: str
    model: Callable[..., Recommender]
    parameters: dict[str, Any] = field(default_factory=dict)

    def make(self, **more: Any) -> Any:
        """A new, unfitted one."""
        return self.model(**{**self.parameters, **more})

    @property
    def is_baseline(self) -> bool:
        return self.model in (rb.Popularity, rb.BiasBaseline)

    @property
    def has_row_problems(self) -> bool:
        """Whether it is one of the models that alternate, which explain and learn from new events."""
        return issubclass(self.model, FactorModel)  # type: ignore[arg-type]

    @property
    def width(self) -> int:
        """Columns of the factors on the small data."""
        return {rb.Popularity: 0, rb.BiasBaseline: 0, rb.BayesianALS: 19}.get(self.model, 5)  # type: ignore[arg-type]

    @property
    def link(self) -> str:
        return self.model.link  # type: ignore[attr-defined,no-any-return]

    @property
    def has_neighbors(self) -> bool:
        return bool(self.parameters.get("n_neighbors"))

    @property
    def has_biases(self) -> bool:
        return self.model is not rb.ImplicitALS and self.parameters.get("biases", True) is True

    def __str__(self) -> str:
        return self.name


def _factors(**parameters: Any) -> dict[str, Any]:
    return {"n_factors": 5, "n_iterations": 3, **parameters}


def _sampled(**parameters: Any) -> dict[str, Any]:
    return {"n_factors": 5, "n_samples": 6, "n_burn_in": 4, "thinning": 2, **parameters}


def _logistic(**parameters: Any) -> dict[str, Any]:
    return _factors(regularization=0.1, bias_regularization=0.2, **parameters)


CASES = [
    Case("ExplicitALS", rb.ExplicitALS, _factors()),
    Case("ExplicitALS cg", rb.ExplicitALS, _factors(solver="cg")),
    Case("ExplicitALS without biases", rb.ExplicitALS, _factors(biases=False, frequency_exponent=0.0)),
    Case("ExplicitALS non-negative", rb.ExplicitALS, _factors(non_negative=True)),
    Case("ImplicitALS ials", rb.ImplicitALS, _factors()),
    Case("ImplicitALS ials exact", rb.ImplicitALS, _factors(solver="exact", alpha=0.5)),
    Case("ImplicitALS ials observed", rb.ImplicitALS, _factors(frequency_counts="observed", weight_exponents=(0.5, 0))),
    Case("ImplicitALS ials non-negative", rb.ImplicitALS, _factors(non_negative=True)),
    Case("ImplicitALS hu", rb.ImplicitALS, _factors(loss="hu")),
    Case("ImplicitALS hu exact", rb.ImplicitALS, _factors(loss="hu", solver="exact", weight_exponents=(0.3, 0.3))),
    Case("ImplicitALS hu non-negative", rb.ImplicitALS, _factors(loss="hu", non_negative=True)),
    Case("ImplicitALS neighbours", rb.ImplicitALS, _factors(n_neighbors=4)),
    Case("ImplicitALS hu neighbours", rb.ImplicitALS, _factors(loss="hu", n_neighbors=99, neighbor_weight=2.0)),
    Case("LogisticMF", rb.LogisticMF, _logistic()),
    Case("LogisticMF gradient", rb.LogisticMF, _logistic(solver="gradient", step_size=0.1, frequency_exponent=0.5)),
    Case("LogisticMF adagrad", rb.LogisticMF, _logistic(solver="adagrad", alpha=0.5)),
    Case("LogisticMF sampled", rb.LogisticMF, _logistic(n_negatives=4)),
    Case("LogisticMF listed", rb.LogisticMF, _logistic(n_negatives=0)),
    Case("LogisticMF without biases", rb.LogisticMF, _logistic(biases=False)),
    Case("BayesianALS", rb.BayesianALS, _sampled()),
    Case("BayesianALS sets", rb.BayesianALS, _sampled(user_sets=True, item_sets=True)),
    Case("Popularity", rb.Popularity),
    Case("BiasBaseline", rb.BiasBaseline),
]
FACTOR_CASES = [case for case in CASES if case.has_row_problems]


def interactions(
    seed: int = 0, n_users: int = 30, n_items: int = 20, *, text: bool = False, weighted: bool = False
) -> rb.Interactions:
    """Values 0 to 5 (a few zeros); the last user has no pair, and nobody has the last item; item 2 has a title."""
    rng = np.random.default_rng(seed)
    observed = rng.random((n_users, n_items)) < 0.3
    observed[np.arange(n_users), rng.integers(0, n_items - 1, n_users)] = True
    observed[rng.integers(0, n_users - 1, n_items), np.arange(n_items)] = True
    observed[-1], observed[:, -1] = False, False
    users, items = np.nonzero(observed)
    values = rng.integers(1, 6, len(users)).astype(np.float32)
    values[:: len(values) // 4] = 0
    item_ids: list[Any] = [f"이-{i:03d}" for i in range(n_items)] if text else list(range(1000, 1000 + n_items))
    user_ids: list[Any] = [f"user {u:03d}" for u in range(n_users)] if text else [10 * u for u in range(n_users)]
    data = rb.Interactions.from_csr(
        rb.Csr.from_pairs(users, items, values, (n_users, n_items)),
        user_ids,
        item_ids,
        titles=rb.Titles(rb.Ids.from_sequence([item_ids[2]]), rb.data.Text.from_strings(["Second best"])),
    )
    if weighted:
        data.weights = rng.choice([0.5, 1.0, 2.0], data.nnz).astype(np.float32)
    return data
