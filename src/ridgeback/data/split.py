"""Cut interactions into parts to learn from and parts to judge by.

Every split is a partition: each stored pair is in exactly one part, with its value, weight and timestamp. All parts
share the id tables of the whole, so a row is the same user or item everywhere. A CSR matrix whose rows are users is
taken as fit takes it, its ids being 0 .. n - 1.

Each split takes `min_user_count` and `min_item_count` (default 1): then it is a partition of what `k_core` keeps, and
says how much that left out. ``part.report["split"]`` holds the split's name, parameters, seed and counts; `evaluate`
writes it into its report.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ridgeback.data.interactions import Interactions
from ridgeback.data.k_core import check_count, k_core
from ridgeback.data.moments import Moment, moment_of, timestamps_for
from ridgeback.data.split_record import Seed, SplitRecord
from ridgeback.errors import DataError, ParameterError

__all__ = ["by_time", "by_user", "k_core", "k_fold", "leave_last_out", "random", "random_per_user"]

Mask = NDArray[np.bool_]


def random(
    data: Any,
    test_fraction: float = 0.2,
    random_state: int | np.random.Generator | None = 0,
    *,
    min_user_count: int = 1,
    min_item_count: int = 1,
) -> tuple[Interactions, Interactions]:
    """Put a share of all pairs, chosen by chance, into the test part.

    Parameters
    ----------
    data : Interactions, or a CSR matrix whose rows are users
    test_fraction : float in (0, 1), default=0.2
        ``round(test_fraction * data.nnz)`` pairs go to the test part.
    random_state : int or numpy.random.Generator, default=0
    min_user_count, min_item_count : int, default=1
        Pairs each user and item must have; see `k_core`.

    Returns
    -------
    tuple of (Interactions, Interactions)
        Training part and test part. A user may be in one of them only.

    Raises
    ------
    ParameterError
        If the fraction is not in (0, 1).
    DataError
        If a part would be empty.

    Examples
    --------
    >>> import ridgeback as rb
    >>> data = rb.Interactions.from_arrays([1, 1, 2, 2, 3], ["a", "b", "a", "c", "b"])
    >>> train, test = rb.split.random(data, test_fraction=0.4)
    >>> train.nnz, test.nnz, train.n_users
    (3, 2, 3)
    """
    data = k_core(data, min_user_count, min_item_count)
    fraction, seed = _fraction(test_fraction, "test_fraction"), Seed.of(random_state)
    is_test = np.zeros(data.nnz, dtype=bool)
    is_test[seed.rng.permutation(data.nnz)[: round(fraction * data.nnz)]] = True
    return _cut(data, is_test, SplitRecord("random", {"test_fraction": fraction}, seed.recorded))


def random_per_user(
    data: Any,
    test_fraction: float = 0.2,
    random_state: int | np.random.Generator | None = 0,
    *,
    min_user_count: int = 1,
    min_item_count: int = 1,
) -> tuple[Interactions, Interactions]:
    """Put a share of each user's pairs, chosen by chance, into the test part.

    Parameters
    ----------
    data : Interactions, or a CSR matrix whose rows are users
    test_fraction : float in (0, 1), default=0.2
        Rounded for each user, but at least one pair is tested and at least one stays for training. Users with a single
        pair stay whole in the training part.
    random_state : int or numpy.random.Generator, default=0
    min_user_count, min_item_count : int, default=1
        Pairs each user and item must have; see `k_core`.

    Returns
    -------
    tuple of (Interactions, Interactions)
        Training part and test part. Every user of the test part is in the training part too.

    Raises
    ------
    ParameterError
        If the fraction is not in (0, 1).
    DataError
        If no user has more than one pair.

    Examples
    --------
    >>> import ridgeback as rb
    >>> data = rb.Interactions.from_arrays([1, 1, 1, 1, 2, 2, 3], ["a", "b", "c", "d", "a", "c", "b"])
    >>> train, test = rb.split.random_per_user(data, test_fraction=0.25)
    >>> train.user_items.counts(), test.user_items.counts()
    (array([3, 1, 1]), array([1, 1, 0]))
    """
    data = k_core(data, min_user_count, min_item_count)
    fraction, seed = _fraction(test_fraction, "test_fraction"), Seed.of(random_state)
    counts = data.user_items.counts()
    is_test = _first_by_chance(data, np.where(counts > 1, _rounded_share(fraction, counts), 0), seed.rng)
    if data.nnz and not is_test.any():
        raise DataError(
            f"split.random_per_user leaves the test part empty: no user has more than one of the {data.nnz} pairs; "
            "use split.random."
        )
    return _cut(data, is_test, SplitRecord("random_per_user", {"test_fraction": fraction}, seed.recorded))


def leave_last_out(
    data: Any, n: int = 1, *, min_user_count: int = 1, min_item_count: int = 1
) -> tuple[Interactions, Interactions]:
    """Put each user's n latest pairs into the test part.

    Users with no more than n pairs stay whole in the training part. Among pairs of a user with equal timestamps the one
    with the higher item row counts as later.

    Parameters
    ----------
    data : Interactions, or a CSR matrix whose rows are users
        With timestamps.
    n : int, default=1
        At least 1.
    min_user_count, min_item_count : int, default=1
        Pairs each user and item must have; see `k_core`.

    Returns
    -------
    tuple of (Interactions, Interactions)
        Training part and test part.

    Raises
    ------
    ParameterError
        If n is not an integer of at least 1.
    DataError
        If there are no timestamps, or no user has more than n pairs.
    """
    data = k_core(data, min_user_count, min_item_count)
    check_count(n, "n", 1)
    timestamps = timestamps_for(data, "leave_last_out")
    counts = data.user_items.counts()
    users = np.repeat(np.arange(data.n_users), counts)
    order = np.lexsort([np.arange(data.nnz), timestamps, users])
    from_end = np.cumsum(counts)[users] - np.arange(data.nnz)
    is_test = np.zeros(data.nnz, dtype=bool)
    is_test[order] = (from_end <= n) & (counts[users] > n)
    if data.nnz and not is_test.any():
        raise DataError(
            f"split.leave_last_out(n={n}) leaves the test part empty: no user has more than {n} of the "
            f"{data.nnz} pairs; take a smaller n, or split.random."
        )
    return _cut(data, is_test, SplitRecord("leave_last_out", {"n": int(n)}))


def by_time(
    data: Any,
    test_fraction: float = 0.2,
    cutoff: Moment | None = None,
    *,
    min_user_count: int = 1,
    min_item_count: int = 1,
) -> tuple[Interactions, Interactions]:
    """Put what happened from one moment on into the test part.

    Parameters
    ----------
    data : Interactions, or a CSR matrix whose rows are users
        With timestamps.
    test_fraction : float in (0, 1), default=0.2
        Without a cutoff: the moment is chosen such that the test part's share comes as near to this as equal
        timestamps, which are never parted, let it.
    cutoff : int, float, datetime.date, datetime.datetime or numpy.datetime64, optional
        Pairs at or after it are tested; `test_fraction` is then not used. A number is in the unit of the timestamps;
        dates (UTC where they name no zone) are for timestamps that were read from dates.
    min_user_count, min_item_count : int, default=1
        Pairs each user and item must have; see `k_core`.

    Returns
    -------
    tuple of (Interactions, Interactions)
        Training part and test part.

    Raises
    ------
    ParameterError
        If the fraction is not in (0, 1), or the cutoff is not a moment.
    DataError
        If there are no timestamps, or a part would be empty.
    """
    data = k_core(data, min_user_count, min_item_count)
    timestamps = timestamps_for(data, "by_time")
    if cutoff is None:
        fraction = _fraction(test_fraction, "test_fraction")
        moments, counts = np.unique(timestamps, return_counts=True)
        n_from = np.cumsum(counts[::-1])[::-1]
        if len(moments) < 2:
            raise DataError(
                f"split.by_time cannot part {data.nnz} pairs with {len(moments)} distinct timestamp(s); "
                "use split.random."
            )
        moment: float = moments[1 + np.argmin(np.abs(n_from[1:] - fraction * data.nnz))]
    else:
        moment = moment_of(cutoff)
        if data.nnz and not timestamps.min() < moment <= timestamps.max():
            raise DataError(
                f"split.by_time(cutoff={cutoff!r}) leaves a part empty: the timestamps run from {timestamps.min()} to "
                f"{timestamps.max()}, the cutoff is at {moment}; choose one after the first and at most the last."
            )
    asked = {"test_fraction": float(test_fraction)} if cutoff is None else {}
    moment = int(moment) if float(moment).is_integer() else float(moment)
    return _cut(data, timestamps >= moment, SplitRecord("by_time", {**asked, "cutoff": moment}))


def k_fold(
    data: Any,
    n_folds: int = 5,
    random_state: int | np.random.Generator | None = 0,
    *,
    min_user_count: int = 1,
    min_item_count: int = 1,
) -> Iterator[tuple[Interactions, Interactions]]:
    """Yield n training and test parts; each pair is tested in exactly one of them.

    Parameters
    ----------
    data : Interactions, or a CSR matrix whose rows are users
        With at least `n_folds` pairs.
    n_folds : int, default=5
        At least 2. The folds' sizes differ by one pair at most.
    random_state : int or numpy.random.Generator, default=0
    min_user_count, min_item_count : int, default=1
        Pairs each user and item must have; see `k_core`.

    Returns
    -------
    iterator of tuples (Interactions, Interactions)
        Training part and test part of each fold.

    Raises
    ------
    ParameterError
        If `n_folds` is not an integer of at least 2.
    DataError
        If there are fewer pairs than folds.
    """
    data = k_core(data, min_user_count, min_item_count)
    check_count(n_folds, "n_folds", 2)
    if data.nnz < n_folds:
        raise DataError(f"split.k_fold needs a pair for each fold: got {data.nnz} pairs for n_folds={n_folds}.")
    seed = Seed.of(random_state)
    folds = seed.rng.permutation(data.nnz) % n_folds
    return (
        _cut(data, folds == fold, SplitRecord("k_fold", {"n_folds": int(n_folds), "fold": fold}, seed.recorded))
        for fold in range(n_folds)
    )


def by_user(
    data: Any,
    test_fraction: float = 0.2,
    history_fraction: float = 0.8,
    random_state: int | np.random.Generator | None = 0,
    *,
    min_user_count: int = 1,
    min_item_count: int = 1,
) -> tuple[Interactions, Interactions, Interactions]:
    """Set whole users aside, for judging what a model does for people it never saw (strong generalisation).

    Parameters
    ----------
    data : Interactions, or a CSR matrix whose rows are users
    test_fraction : float in (0, 1), default=0.2
        Share of the users that have pairs; rounded, but at least one. Only users with two or more pairs are chosen.
    history_fraction : float in (0, 1), default=0.8
        Share of each chosen user's pairs, by chance, that the model may see when it is asked: rounded, but at least one
        pair is shown and at least one is kept for the test.
    random_state : int or numpy.random.Generator, default=0
    min_user_count, min_item_count : int, default=1
        Pairs each user and item must have; see `k_core`.

    Returns
    -------
    tuple of (Interactions, Interactions, Interactions)
        All pairs of the other users; the shown pairs of the chosen ones; their remaining pairs.

    Raises
    ------
    ParameterError
        If a fraction is not in (0, 1).
    DataError
        If there are too few users with two or more pairs, or no user would be left for training.

    References
    ----------
    B. Marlin, "Collaborative filtering: a machine learning perspective", Master's thesis, University of Toronto 2004
    ("strong generalization").
    """
    data = k_core(data, min_user_count, min_item_count)
    test_share = _fraction(test_fraction, "test_fraction")
    history_share = _fraction(history_fraction, "history_fraction")
    seed = Seed.of(random_state)
    counts = data.user_items.counts()
    eligible = np.flatnonzero(counts >= 2)
    n_active = int(np.count_nonzero(counts))
    n_chosen = max(1, round(test_share * n_active))
    if n_chosen > len(eligible) or n_chosen >= n_active:
        raise DataError(
            f"split.by_user(test_fraction={test_fraction}) needs {n_chosen} users with two or more pairs and at least "
            f"one other user: got {len(eligible)} such users of {n_active}; take a smaller fraction, or split.random."
        )
    is_chosen = np.zeros(data.n_users, dtype=bool)
    is_chosen[seed.rng.permutation(eligible)[:n_chosen]] = True
    is_shown = _first_by_chance(data, _rounded_share(history_share, counts), seed.rng)
    chosen = np.repeat(is_chosen, counts)
    record = SplitRecord("by_user", {"test_fraction": test_share, "history_fraction": history_share}, seed.recorded)
    train, history, test = record.parts(
        data, {"train": ~chosen, "history": chosen & is_shown, "test": chosen & ~is_shown}
    )
    return train, history, test


def _rounded_share(fraction: float, counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """A share of each count, at least 1 and leaving at least 1 where there are two or more."""
    share: NDArray[np.int64] = np.clip(np.rint(fraction * counts), 1, np.maximum(counts - 1, 1)).astype(np.int64)
    return share


def _first_by_chance(data: Interactions, wanted: NDArray[np.int64], rng: np.random.Generator) -> Mask:
    """Choose so many of each user's pairs by chance, shape (nnz,)."""
    counts = data.user_items.counts()
    users: NDArray[Any] = data.user_items.row_of_entry()
    order = np.lexsort([rng.random(data.nnz), users])
    places = np.arange(data.nnz) - (np.cumsum(counts) - counts)[users]
    is_first = np.empty(data.nnz, dtype=bool)
    is_first[order] = places < wanted[users]
    return is_first


def _cut(data: Interactions, is_test: Mask, record: SplitRecord) -> tuple[Interactions, Interactions]:
    """Return the training and the test part, both with pairs in them."""
    n_test = int(np.count_nonzero(is_test))
    if n_test in (0, data.nnz):
        empty = "test" if n_test == 0 else "training"
        raise DataError(
            f"The split leaves the {empty} part empty: {n_test} of {data.nnz} pairs would be tested; "
            "choose another fraction or bring more data."
        )
    train, test = record.parts(data, {"train": ~is_test, "test": is_test})
    return train, test


def _fraction(value: float, name: str) -> float:
    """Return a share that is strictly between 0 and 1."""
    if isinstance(value, bool) or not isinstance(value, (int, float, np.floating)) or not 0.0 < value < 1.0:
        raise ParameterError(f"The '{name}' parameter must be a float in (0, 1). Got {value!r} instead.")
    return float(value)
