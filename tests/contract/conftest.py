"""Every contract test runs for every model."""

from __future__ import annotations

from typing import Any

import pytest

from contract.cases import CASES, Case, interactions
from ridgeback import Interactions


@pytest.fixture(scope="session")
def data() -> Interactions:
    return interactions()


@pytest.fixture(params=CASES, ids=str)
def case(request: pytest.FixtureRequest) -> Case:
    one: Case = request.param
    return one


_FITTED: dict[str, Any] = {}


@pytest.fixture
def fitted(case: Case, data: Interactions) -> Any:
    """The case's model, fitted once; tests that change it take a copy."""
    if case.name not in _FITTED:
        _FITTED[case.name] = case.make().fit(data)
    return _FITTED[case.name]
