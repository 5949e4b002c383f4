"""Synthetic data by seed: a catalogue with planted tastes, power-law pairs for speed trials, low-rank ratings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ridgeback.data.csr import Csr
from ridgeback.data.ids import Ids
from ridgeback.data.interactions import Interactions
from ridgeback.data.invented_titles import GENRES, N_SERIES, invent_titles
from ridgeback.data.long_tail import power_law
from ridgeback.data.text import Text
from ridgeback.data.titles import Titles
from ridgeback.errors import ParameterError

FloatArray = NDArray[np.float64]

__all__ = ["PlantedCatalogue", "catalogue", "low_rank_ratings", "plant_catalogue", "power_law"]

_FIRST_MOMENT = 1_640_995_200  # 2022-01-01 in seconds since 1970
_SECONDS_OF_SIGN_UPS = 2 * 365 * 86_400


@dataclass(frozen=True)
class PlantedCatalogue:
    """Events of a catalogue that does not exist, and the tastes that made them.

    Attributes
    ----------
    users, items : ndarray of int64, shape (n_events,)
        Ids from 1 on, user after user; no pair twice.
    ratings : ndarray of float32, shape (n_events,)
        0.5 to 5 in halves.
    plays : ndarray of float32, shape (n_events,)
        How often, from 1 on.
    timestamps : ndarray of int64, shape (n_events,)
        Seconds since 1970.
    item_ids : ndarray of int64, shape (n_items,)
    titles : list of str
        One an item, no two alike.
    genres : list of str
        One an item, the main genre first, as ``"Crime|Mystery"``.
    user_tastes : ndarray of float64, shape (n_users, n_genres)
        Each user's liking by genre; rows sum to 1.
    item_genres : ndarray of float64, shape (n_items, n_genres)
        Each item's share by genre; rows sum to 1.
    """

    users: NDArray[np.int64]
    items: NDArray[np.int64]
    ratings: NDArray[np.float32]
    plays: NDArray[np.float32]
    timestamps: NDArray[np.int64]
    item_ids: NDArray[np.int64]
    titles: list[str]
    genres: list[str]
    user_tastes: FloatArray
    item_genres: FloatArray


def plant_catalogue(
    n_users: int = 2_000, n_items: int = 600, random_state: int | np.random.Generator = 0
) -> PlantedCatalogue:
    """Invent a catalogue of titles, users with tastes, and what these users did.

    Users love a few genres, and in each genre a few series (titles that share their noun). Liking, an item's
    popularity and chance decide what is picked (a pair at most once); liking, the item's quality, the user's mildness
    and noise decide the rating and the number of plays.

    Parameters
    ----------
    n_users, n_items : int
        At least 1 and at least 10.
    random_state : int or numpy.random.Generator, default=0
        The same seed gives the same events.

    Returns
    -------
    PlantedCatalogue

    Raises
    ------
    ParameterError
        If there are fewer than 1 user or 10 items.

    Notes
    -----
    Time O(n_users * n_items): a quarter of a second at the defaults.
    """
    if n_users < 1 or n_items < 10:
        raise ParameterError(
            f"A catalogue needs at least 1 user and 10 items. Got n_users={n_users} and n_items={n_items} instead."
        )
    rng = np.random.default_rng(random_state)
    main, item_genres = _draw_genres(n_items, rng)
    titles, series = invent_titles(main, rng)
    popularity = rng.permutation(-0.8 * np.log(np.arange(1, n_items + 1) + 0.02 * n_items))
    quality = rng.normal(0.0, 0.45, n_items)
    user_tastes = rng.dirichlet(np.full(len(GENRES), 0.25), n_users)
    series_tastes = rng.dirichlet(np.full(N_SERIES, 0.3), (n_users, len(GENRES)))
    mildness = rng.normal(0.0, 0.35, n_users)
    lengths = np.clip(rng.lognormal(3.5, 0.6, n_users).astype(np.int64), min(8, n_items), max(8, n_items // 3))

    rows, columns, likings = [], [], []
    for start in range(0, n_users, 512):
        tastes = user_tastes[start : start + 512]
        of_series = tastes[:, main] * series_tastes[start : start + 512][:, main, series]
        liking = 0.5 * tastes @ item_genres.T + 0.5 * of_series
        keys = popularity + 0.3 * quality + 12.0 * liking + rng.gumbel(size=liking.shape)
        last = n_items - lengths[start : start + 512, None]
        block_rows, block_columns = np.nonzero(keys >= np.take_along_axis(np.sort(keys, axis=1), last, axis=1))
        rows.append(start + block_rows)
        columns.append(block_columns)
        likings.append(liking[block_rows, block_columns])
    row, column, liking = np.concatenate(rows), np.concatenate(columns), np.concatenate(likings)

    wish = 2.4 + 2.8 * np.sqrt(liking) + quality[column] + mildness[row] + rng.normal(0.0, 0.55, len(row))
    return PlantedCatalogue(
        users=row.astype(np.int64) + 1,
        items=column.astype(np.int64) + 1,
        ratings=np.clip(np.round(2.0 * wish) / 2.0, 0.5, 5.0).astype(np.float32),
        plays=rng.geometric(1.0 / (1.0 + 8.0 * liking)).astype(np.float32),
        timestamps=_draw_timestamps(row, n_users, rng),
        item_ids=np.arange(1, n_items + 1, dtype=np.int64),
        titles=titles,
        genres=[
            "|".join(GENRES[genre] for genre in np.argsort(-shares, kind="stable") if shares[genre] > 0)
            for shares in item_genres
        ],
        user_tastes=user_tastes,
        item_genres=item_genres,
    )


def catalogue(
    n_users: int = 2_000,
    n_items: int = 600,
    random_state: int | np.random.Generator = 0,
    *,
    values: Literal["ratings", "plays"] | None = "ratings",
) -> Interactions:
    """Return the events of `plant_catalogue` as interactions with titles and timestamps.

    Parameters
    ----------
    n_users, n_items, random_state
        As in `plant_catalogue`.
    values : {"ratings", "plays", None}, default="ratings"
        Stars from 0.5 to 5, counts from 1 on, or no value at all (each event counts 1).

    Returns
    -------
    Interactions

    Raises
    ------
    ParameterError
        If `values` is something else, or the catalogue too small.

    Examples
    --------
    >>> from ridgeback.data.synthetic import catalogue
    >>> data = catalogue(n_users=100, n_items=50)
    >>> data.n_users, data.n_items
    (100, 50)
    """
    if values not in ("ratings", "plays", None):
        raise ParameterError(f"The 'values' parameter must be 'ratings', 'plays' or None. Got {values!r} instead.")
    planted = plant_catalogue(n_users, n_items, random_state)
    return Interactions.from_arrays(
        planted.users,
        planted.items,
        ratings=None if values is None else planted.ratings if values == "ratings" else planted.plays,
        timestamps=planted.timestamps,
        titles=Titles(Ids.from_sequence(planted.item_ids), Text.from_strings(planted.titles)),
    )


def low_rank_ratings(
    n_users: int,
    n_items: int,
    *,
    n_factors: int = 4,
    density: float = 0.1,
    noise: float = 0.1,
    mean: float = 3.5,
    random_state: int | np.random.Generator = 0,
) -> Csr:
    """Draw ratings ``mean + b_u + b_i + x_u . y_i + noise`` of a known rank at random places.

    Biases are normal with standard deviation 0.3, ``x . y`` with standard deviation 1; nothing is rounded or clipped.

    Parameters
    ----------
    n_users, n_items : int
        At least 1.
    n_factors : int, default=4
        Rank of the part beyond the biases, 0 or more.
    density : float in (0, 1], default=0.1
        Share of the pairs that are rated; at least one is.
    noise : float, default=0.1
        Standard deviation of the noise: the RMSE that a perfect model is left with.
    mean : float, default=3.5
    random_state : int or numpy.random.Generator, default=0

    Returns
    -------
    Csr, shape (n_users, n_items)

    Raises
    ------
    ParameterError
        If a count or the density is out of range.
    """
    if min(n_users, n_items) < 1 or n_factors < 0 or not 0 < density <= 1:
        raise ParameterError(
            "Low-rank ratings need n_users and n_items of at least 1, n_factors of at least 0 and a density in "
            f"(0, 1]. Got n_users={n_users}, n_items={n_items}, n_factors={n_factors}, density={density} instead."
        )
    rng = np.random.default_rng(random_state)
    users = rng.normal(size=(n_users, n_factors))
    items = rng.normal(size=(n_items, n_factors)) / np.sqrt(max(n_factors, 1))
    user_biases, item_biases = rng.normal(0.0, 0.3, n_users), rng.normal(0.0, 0.3, n_items)
    n_rated = max(1, round(density * n_users * n_items))
    places = np.sort(rng.choice(n_users * n_items, n_rated, replace=False))
    rows, columns = np.divmod(places, n_items)
    scores = mean + user_biases[rows] + item_biases[columns] + np.einsum("pf,pf->p", users[rows], items[columns])
    ratings = (scores + rng.normal(0.0, noise, n_rated)).astype(np.float32)
    indptr = np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=n_users))]).astype(np.int64)
    return Csr(indptr, columns.astype(np.int32), ratings, (n_users, n_items))


def _draw_genres(n_items: int, rng: np.random.Generator) -> tuple[NDArray[np.int64], FloatArray]:
    """Draw each item's main genre and, for a third of them, a second one: (codes, shares)."""
    n_genres = len(GENRES)
    main = rng.integers(n_genres, size=n_items)
    second = (main + rng.integers(1, n_genres, size=n_items)) % n_genres
    has_second = rng.random(n_items) < 1 / 3
    shares = np.zeros((n_items, n_genres))
    rows = np.arange(n_items)
    shares[rows, main] = np.where(has_second, 0.65, 1.0)
    shares[rows[has_second], second[has_second]] = 0.35
    return main, shares


def _draw_timestamps(rows: NDArray[np.int64], n_users: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Draw a moment for each event: users sign up over two years and come back in sessions, items in any order."""
    n = len(rows)
    sign_ups = _FIRST_MOMENT + rng.integers(_SECONDS_OF_SIGN_UPS, size=n_users)
    is_new_session = rng.random(n) < 0.2
    gaps = np.where(is_new_session, rng.exponential(10 * 86_400.0, n), rng.exponential(3_600.0, n)).astype(np.int64) + 1
    elapsed = np.cumsum(gaps)
    first = np.searchsorted(rows, np.arange(n_users))
    moments = sign_ups[rows] + elapsed - elapsed[first][rows]
    shuffled = np.lexsort([rng.random(n), rows])
    return np.asarray(moments[shuffled], dtype=np.int64)
