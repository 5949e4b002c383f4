"""Synthetic data: same seed, same data; the planted structure is there."""

import numpy as np
import pytest

from ridgeback.data.synthetic import catalogue, low_rank_ratings, plant_catalogue, power_law
from ridgeback.errors import ParameterError


@pytest.fixture(scope="module")
def planted():
    return plant_catalogue(n_users=400, n_items=200, random_state=1)


def test_catalogue_is_the_same_for_the_same_seed():
    first, again, other = (catalogue(60, 40, seed).fingerprint() for seed in (4, 4, 5))
    assert first == again != other


def test_catalogue_has_titles_timestamps_and_ratings_in_halves():
    data = catalogue(60, 40)
    assert data.titles is not None
    assert len(data.titles) == 40
    assert data.timestamps is not None
    assert len(np.unique(data.timestamps)) > 0.9 * data.nnz
    assert set(np.unique(data.user_items.values())) <= set(np.arange(0.5, 5.5, 0.5))
    assert data.has_ratings


def test_catalogue_of_plays_and_of_bare_events():
    plays = catalogue(60, 40, values="plays")
    assert plays.user_items.values().min() == 1
    assert plays.user_items.values().max() > 5
    bare = catalogue(60, 40, values=None)
    assert bare.user_items.data is None
    assert not bare.has_ratings
    np.testing.assert_array_equal(bare.user_items.indices, plays.user_items.indices)


def test_titles_are_distinct_and_readable(planted):
    assert len(set(planted.titles)) == 200
    assert all(title.isascii() and title.strip() == title for title in planted.titles)
    many = plant_catalogue(n_users=1, n_items=3_000).titles
    assert len(set(many)) == 3_000


def test_genres_name_the_main_genre_first(planted):
    for genres, shares in zip(planted.genres, planted.item_genres, strict=True):
        names = genres.split("|")
        assert len(names) == np.count_nonzero(shares)
        assert len(names) in (1, 2)


def test_no_pair_twice_and_every_user_has_events(planted):
    pairs = planted.users * 1_000 + planted.items
    assert len(np.unique(pairs)) == len(pairs)
    assert np.bincount(planted.users, minlength=401)[1:].min() >= 8


def test_users_pick_and_like_what_they_have_a_taste_for(planted):
    liking = planted.user_tastes[planted.users - 1] * planted.item_genres[planted.items - 1]
    liking = liking.sum(axis=1)
    by_chance = (planted.user_tastes @ planted.item_genres.T).mean()
    assert liking.mean() > 2 * by_chance
    assert np.corrcoef(liking, planted.ratings)[0, 1] > 0.5
    assert np.corrcoef(liking, planted.plays)[0, 1] > 0.2


def test_popularity_has_a_long_tail(planted):
    counts = np.sort(np.bincount(planted.items))[::-1]
    assert counts[:20].sum() > 0.2 * counts.sum()


def test_a_catalogue_that_is_too_small_is_refused():
    with pytest.raises(ParameterError, match="at least 1 user and 10 items"):
        catalogue(5, 9)
    with pytest.raises(ParameterError, match="'values' parameter"):
        catalogue(5, 10, values="stars")


@pytest.mark.parametrize(
    ("n_users", "n_items", "n"), [(1, 1, 1), (7, 5, 35), (7, 5, 34), (500, 300, 9_000), (40, 3_000, 20_000)]
)
def test_power_law_has_exactly_the_pairs_asked_for(n_users, n_items, n):
    pairs = power_law(n_users, n_items, n, random_state=2)
    assert pairs.shape == (n_users, n_items)
    assert pairs.nnz == n
    assert pairs.data is None
    assert pairs.indptr.dtype == np.int64
    assert pairs.indices.dtype == np.int32
    places = pairs.row_of_entry().astype(np.int64) * n_items + pairs.indices
    assert (np.diff(places) > 0).all()  # ascending in each row, no pair twice


def test_power_law_is_the_same_for_the_same_seed():
    first, again, other = (power_law(300, 200, 5_000, seed).indices for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_power_law_has_a_long_tail_on_both_sides():
    pairs = power_law(20_000, 4_000, 1_000_000)
    users, items = np.sort(pairs.counts())[::-1], np.sort(pairs.column_counts())[::-1]
    assert users.min() >= 1
    assert users.max() > 10 * np.median(users)
    assert items[:40].sum() > 0.15 * items.sum()
    assert np.median(items) < 0.3 * items.mean()


def test_both_ways_of_drawing_are_the_same_law():
    """Drawing what is missing again and again, and racing, give each item the same chance."""
    from ridgeback.data.long_tail import _draw_distinct, _ZipfMandelbrot

    rng = np.random.default_rng(0)
    law = _ZipfMandelbrot(50, 2.2)
    drawn = _draw_distinct(np.full(4_000, 20), np.arange(50, dtype=np.int32), law, rng)
    raced = np.concatenate([law.race(20, rng) for _ in range(4_000)])
    shares = [np.bincount(sample, minlength=50) / 4_000 for sample in (drawn, raced)]
    np.testing.assert_allclose(*shares, atol=0.04)
    assert shares[0][0] > 2 * shares[0][-1]


@pytest.mark.parametrize("arguments", [(0, 5, 1), (5, 5, 26), (5, 5, 0)])
def test_power_law_refuses_what_cannot_be(arguments):
    with pytest.raises(ParameterError, match="'n_interactions' must be from 1 to"):
        power_law(*arguments)


def test_low_rank_ratings_have_the_rank_and_the_noise():
    full = low_rank_ratings(120, 80, n_factors=3, density=1.0, noise=0.05)
    matrix = full.values().reshape(120, 80).astype(np.float64)
    centred = matrix - matrix.mean(0) - matrix.mean(1, keepdims=True) + matrix.mean()
    energy = np.linalg.svd(centred, compute_uv=False)
    assert energy[2] > 10 * energy[3]
    assert energy[3:].std() < 1
    assert np.sqrt((energy[3:] ** 2).sum() / matrix.size) == pytest.approx(0.05, rel=0.1)
    assert low_rank_ratings(50, 20, density=0.25).nnz == 250
