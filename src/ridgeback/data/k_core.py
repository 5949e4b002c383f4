"""Leave out users and items with too few pairs, again and again until nobody has too few."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ridgeback.data.given import as_interactions
from ridgeback.data.interactions import Interactions
from ridgeback.errors import DataError, ParameterError


def k_core(data: Any, min_user_count: int = 1, min_item_count: int = 1) -> Interactions:
    """Keep the largest part in which each user and each item that is left has at least so many pairs.

    Parameters
    ----------
    data : Interactions, or a CSR matrix whose rows are users
    min_user_count, min_item_count : int, default=1
        At least 1, which leaves nobody out.

    Returns
    -------
    Interactions
        With the id tables of the whole; ``report["k_core"]`` says how many users, items and pairs were left out.

    Raises
    ------
    ParameterError
        If a count is not an integer of at least 1.
    DataError
        If nothing is left.

    References
    ----------
    S. B. Seidman, "Network structure and minimum degree", Social Networks 5(3), 1983 (k-cores, here of a bipartite
    graph with a k for either side).
    """
    whole: Interactions = as_interactions(data)
    check_count(min_user_count, "min_user_count", 1)
    check_count(min_item_count, "min_item_count", 1)
    if max(min_user_count, min_item_count) == 1:
        return whole
    users, items = whole.user_items.row_of_entry(), whole.user_items.indices
    kept: NDArray[np.intp] = np.arange(whole.nnz)
    while True:
        user_counts = np.bincount(users[kept], minlength=whole.n_users)
        item_counts = np.bincount(items[kept], minlength=whole.n_items)
        stays = (user_counts[users[kept]] >= min_user_count) & (item_counts[items[kept]] >= min_item_count)
        if stays.all():
            break
        kept = kept[stays]
    if len(kept) == 0:
        raise DataError(
            f"min_user_count={min_user_count} and min_item_count={min_item_count} leave nothing of the {whole.nnz} "
            "pairs: no group of users and items is that dense; take smaller counts."
        )
    mask = np.zeros(whole.nnz, dtype=bool)
    mask[kept] = True
    part = whole.subset(mask)
    part.report["k_core"] = {
        "min_user_count": int(min_user_count),
        "min_item_count": int(min_item_count),
        "n_users_left_out": int(np.count_nonzero(whole.user_items.counts()) - np.count_nonzero(user_counts)),
        "n_items_left_out": int(np.count_nonzero(whole.user_items.column_counts()) - np.count_nonzero(item_counts)),
        "n_pairs_left_out": whole.nnz - len(kept),
    }
    return part


def check_count(value: int, name: str, least: int) -> None:
    """Refuse what is not an integer of at least `least`."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < least:
        raise ParameterError(f"The '{name}' parameter must be an int of at least {least}. Got {value!r} instead.")
