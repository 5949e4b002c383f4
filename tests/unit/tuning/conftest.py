"""Data that a search can learn something from within a second."""

from __future__ import annotations

import numpy as np
import pytest

import ridgeback as rb
from ridgeback.data.synthetic import low_rank_ratings


@pytest.fixture(scope="session")
def ratings() -> rb.Interactions:
    """Ratings of rank 3 with little noise: the default regularization is far too strong for them."""
    return low_rank_ratings(120, 80, n_factors=3, density=0.25, random_state=1)


@pytest.fixture(scope="session")
def events() -> rb.Interactions:
    """Users of four tastes who took items of their taste, and some by chance."""
    rng = np.random.default_rng(4)
    tastes_of_users, tastes_of_items = rng.integers(4, size=150), rng.integers(4, size=90)
    likes = np.where(tastes_of_users[:, None] == tastes_of_items, 0.3, 0.03)
    users, items = np.nonzero(rng.random((150, 90)) < likes)
    return rb.Interactions.from_arrays(users, items)
