"""Frequency-normalised weights: f_ui = n_u^-a n_i^-b, rescaled to mean 1 over the training interactions."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ridgeback.data.csr import Csr
from ridgeback.solvers.problem import Float64Array


def frequency_scales(counts: npt.NDArray[np.int64], exponent: float) -> Float64Array:
    """``max(n, 1) ** -exponent`` of each row."""
    return np.asarray(np.maximum(counts, 1.0) ** -exponent)


def mean_weight(
    user_items: Csr,
    user_counts: npt.NDArray[np.int64],
    item_counts: npt.NDArray[np.int64],
    exponents: tuple[float, float],
) -> float:
    """Mean of ``n_u^-a n_i^-b`` over the interactions: what weights are divided by."""
    if exponents == (0.0, 0.0):
        return 1.0
    by_item = frequency_scales(item_counts, exponents[1])
    by_user = frequency_scales(user_counts, exponents[0])
    total, block = 0.0, 1 << 16
    for begin in range(0, user_items.n_rows, 65536):  # a run of users at a time keeps the temporary small
        end = min(begin + 65536, user_items.n_rows)
        first, last = int(user_items.indptr[begin]), int(user_items.indptr[end])
        for entry in range(first, last, block):
            stop = min(entry + block, last)
            rows = np.searchsorted(user_items.indptr, np.arange(entry, stop), side="right") - 1
            total += float(np.sum(by_user[rows] * by_item[user_items.indices[entry:stop]]))  # without BLAS
    return total / user_items.nnz
