"""What a fit will cost: at high ranks the lengths of rows count, what is not told is assumed, and sums add up."""

from __future__ import annotations

import numpy as np
import pytest

import ridgeback as rb
from ridgeback.data.fit_cost import DataSize, Lengths, exact_seconds, fit_cost


def counts(n_rows: int, mean: float) -> np.ndarray:
    return np.random.default_rng(0).poisson(mean, n_rows)


def test_lengths_are_those_of_the_data_or_of_long_tails() -> None:
    rng = np.random.default_rng(1)
    users, items = np.nonzero(rng.random((40, 30)) < 0.2)
    data = rb.Interactions.from_arrays(users, items)
    size = DataSize.of(data)
    assert (size.n_users, size.n_items, size.n_interactions) == (data.n_users, data.n_items, data.nnz)
    assert size == DataSize(data.n_users, data.n_items, data.nnz)
    told = Lengths.of(size.user_counts, size.n_users, size.n_interactions)
    assumed = Lengths.of(None, size.n_users, size.n_interactions)
    assert told.n_rows == pytest.approx(assumed.n_rows) == data.n_users
    assert told.nnz == pytest.approx(assumed.nnz) == data.nnz
    assert assumed.lengths.max() > 3 * assumed.lengths.mean()
    more = Lengths.of(size.user_counts, size.n_users, 2 * size.n_interactions)  # with noes that a model adds
    assert more.nnz == pytest.approx(2 * data.nnz)


def test_short_rows_are_cheap_however_many_factors() -> None:
    short, long = (Lengths.of(counts(1000, mean), 1000, int(counts(1000, mean).sum())) for mean in (50, 3000))
    assert exact_seconds(short, 2048) < 10 * exact_seconds(short, 256)
    assert exact_seconds(long, 2048) > 50 * exact_seconds(long, 256)
    assert exact_seconds(short, 2048) < 0.01 * exact_seconds(long, 2048)


@pytest.mark.parametrize("solver", ["cg", "exact"])
def test_the_axes_take_over_at_very_high_ranks(solver: str) -> None:
    size = DataSize(2000, 1500, 60_000)
    costs = [fit_cost(rb.ImplicitALS(k, solver=solver, n_threads=1), size) for k in (512, 1024, 2048)]
    assert costs[1].seconds > 3 * costs[0].seconds
    assert costs[2].seconds > 5 * costs[1].seconds
    assert costs[2].peak_bytes > 10 * 8 * 2048**2
    two = fit_cost(rb.ImplicitALS(2048, solver=solver, n_threads=2), size)
    assert costs[2].seconds / 2 < two.seconds < costs[2].seconds  # eigenvectors are for one thread
    ratings = fit_cost(rb.ExplicitALS(2048, n_iterations=16, n_threads=1), size)
    assert ratings.seconds < costs[2].seconds


def test_a_fit_that_was_timed_at_512_factors() -> None:
    """2.0 s on one thread: lastfm's shape, two iterations."""
    cost = fit_cost(rb.ImplicitALS(512, n_iterations=2, n_threads=1), DataSize(1892, 17_632, 92_834))
    assert 1.0 < cost.seconds < 4.0
