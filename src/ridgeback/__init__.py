"""Ridgeback: a recommender built on alternating least squares. Ridge regressions, back and forth.

Names are imported when first used, so that ``import ridgeback`` (and ``ridgeback --help``) stays light.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from ridgeback._version import __version__

if TYPE_CHECKING:
    from ridgeback import errors, examples
    from ridgeback.data import Csr, Ids, Interactions, Titles, read_interactions, read_titles, split
    from ridgeback.errors import RidgebackError, RidgebackWarning
    from ridgeback.evaluation import FactorSweep, Report, evaluate, sweep_factors
    from ridgeback.models import BayesianALS, BiasBaseline, ExplicitALS, ImplicitALS, LogisticMF, Popularity, load
    from ridgeback.trace import Trace
    from ridgeback.tuning import Tuning, tune

_LAZY = {
    "Csr": "ridgeback.data",
    "Ids": "ridgeback.data",
    "Interactions": "ridgeback.data",
    "Titles": "ridgeback.data",
    "read_interactions": "ridgeback.data",
    "read_titles": "ridgeback.data",
    "FactorSweep": "ridgeback.evaluation",
    "evaluate": "ridgeback.evaluation",
    "Report": "ridgeback.evaluation",
    "sweep_factors": "ridgeback.evaluation",
    "ExplicitALS": "ridgeback.models",
    "ImplicitALS": "ridgeback.models",
    "LogisticMF": "ridgeback.models",
    "Popularity": "ridgeback.models",
    "BayesianALS": "ridgeback.models",
    "BiasBaseline": "ridgeback.models",
    "load": "ridgeback.models",
    "Trace": "ridgeback.trace",
    "Tuning": "ridgeback.tuning",
    "tune": "ridgeback.tuning",
    "RidgebackError": "ridgeback.errors",
    "RidgebackWarning": "ridgeback.errors",
}
_MODULES = {"examples": "ridgeback.examples", "errors": "ridgeback.errors", "split": "ridgeback.data.split"}

__all__ = [
    "BayesianALS",
    "BiasBaseline",
    "Csr",
    "ExplicitALS",
    "FactorSweep",
    "Ids",
    "ImplicitALS",
    "Interactions",
    "LogisticMF",
    "Popularity",
    "Report",
    "RidgebackError",
    "RidgebackWarning",
    "Titles",
    "Trace",
    "Tuning",
    "__version__",
    "errors",
    "evaluate",
    "examples",
    "load",
    "read_interactions",
    "read_titles",
    "split",
    "sweep_factors",
    "tune",
]


def __getattr__(name: str) -> Any:
    """Import a public name on first use (PEP 562)."""
    if name in _MODULES:
        value: Any = importlib.import_module(_MODULES[name])
    elif name in _LAZY:
        value = getattr(importlib.import_module(_LAZY[name]), name)
    else:
        raise AttributeError(f"module 'ridgeback' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
