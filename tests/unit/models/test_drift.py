"""Ten daily partial_fit steps stay within 2 % of the NDCG of a full refit; `benchmarks/drift.py` measures more."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import ridgeback as rb

REPOSITORY = Path(__file__).resolve().parents[3]


def load_script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("drift", REPOSITORY / "benchmarks" / "drift.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["drift"] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


DRIFT = load_script()


@pytest.mark.parametrize("loss", ["ials", "hu"])
def test_ten_days_drift_by_less_than_two_per_cent(loss: Any) -> None:
    """On average over two streams and three starts: one refit differs from the next by as much."""
    outcomes = []
    for seed in (0, 1):
        stream = DRIFT.synthetic(seed, n_users=1_500, n_items=300)
        assert len(set(stream.items[stream.days > 0]) - set(stream.items[stream.days == 0])) >= 10  # new items
        assert len(set(stream.users[stream.days > 0]) - set(stream.users[stream.days == 0])) >= 100  # new users
        models = [rb.ImplicitALS(n_factors=16, loss=loss, random_state=start) for start in range(3)]
        outcomes += [DRIFT.measure(stream, model) for model in models]
    for who in ("all", "active"):
        means = DRIFT.average([getattr(outcome, who) for outcome in outcomes])
        assert means["partial_fit"] >= 0.98 * means["refit"], (who, means)
        assert means["and refresh_users"] >= 0.98 * means["refit"], (who, means)
