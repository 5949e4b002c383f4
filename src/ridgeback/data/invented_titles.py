"""Readable titles for a catalogue that does not exist: each genre has its own words."""

from __future__ import annotations

import numpy as np

GENRES = (
    "Adventure",
    "Comedy",
    "Crime",
    "Documentary",
    "Horror",
    "Musical",
    "Mystery",
    "Romance",
    "Science Fiction",
    "Western",
)

_WORDS = {
    "Adventure": (
        "Emerald Sunken Golden Amber Northern Forgotten Coral Jungle Ivory Monsoon",
        "Compass Island Passage Idol Expedition Lagoon Map Voyage Temple Caravan",
    ),
    "Comedy": (
        "Accidental Reluctant Borrowed Upside-Down Suburban Clumsy Overdue Lucky Second-Hand Runaway",
        "Landlord Holiday Trombone Wedding Neighbour Casserole Dentist Reunion Goldfish Upstairs",
    ),
    "Crime": (
        "Crooked Midnight Marked Velvet Hollow Double Seventh Unpaid Bitter Concrete",
        "Ledger Alibi Syndicate Vault Informant Heist Verdict Racket Witness Precinct",
    ),
    "Documentary": (
        "Inside Beneath Beyond Counting Following Mapping Saving Listening-to Growing Remembering",
        "Glaciers Beekeepers Railways Whales Lighthouses Deserts Fungi Markets Rivers Bridges",
    ),
    "Horror": (
        "Whispering Rotting Pale Seventh-Floor Crawling Sleepless Bone Cellar Withered Hungry",
        "Orchard Attic Doll Chapel Lullaby Mirror Asylum Harvest Visitor Staircase",
    ),
    "Musical": (
        "Dancing Singing Brass Tap-Shoe Encore Rhinestone Tambourine Footlight Syncopated Grand",
        "Avenue Serenade Revue Parade Rehearsal Carousel Matinee Quartet Curtain Jubilee",
    ),
    "Mystery": (
        "Missing Locked Vanishing Coded Unsigned Thirteenth Veiled Wrong Silver Absent",
        "Letter Conservatory Passenger Heir Cipher Portrait Footprint Manuscript Clockmaker Guest",
    ),
    "Romance": (
        "Tender Autumn Summer Secret Parisian Rain-Soaked Lavender Last Stolen Sunday",
        "Promise Kisses Embrace Letters Waltz Garden Hearts Balcony Farewell Roses",
    ),
    "Science Fiction": (
        "Orbital Quantum Binary Solar Zero-Point Lunar Synthetic Deep Android Stellar",
        "Station Horizon Signal Protocol Colony Paradox Engine Eclipse Gravity Archive",
    ),
    "Western": (
        "Dusty Lonesome Iron Prairie Rattlesnake Bounty Sundown Canyon Tumbleweed Outlaw",
        "Marshal Saddle Saloon Gulch Showdown Trail Frontier Stagecoach Gunsmith Ranch",
    ),
}


N_SERIES = 10  # nouns a genre; titles that share one are a series


def invent_titles(genre_codes: np.ndarray, rng: np.random.Generator) -> tuple[list[str], np.ndarray]:
    """Invent one title an item from the words of its genre, no two alike, and say which series it belongs to.

    Parameters
    ----------
    genre_codes : ndarray of int, shape (n_items,)
        Place of each item's genre in `GENRES`.
    rng : numpy.random.Generator

    Returns
    -------
    titles : list of str
        Such as ``"Orbital Paradox (1987)"``; beyond 100 a genre with a number, ``"Orbital Paradox 2 (1991)"``.
    series : ndarray of int64, shape (n_items,)
        Place of the title's noun among the nouns of its genre.
    """
    titles = [""] * len(genre_codes)
    series = np.zeros(len(genre_codes), dtype=np.int64)
    years = rng.integers(1950, 2024, size=len(genre_codes))
    for code, genre in enumerate(GENRES):
        first, second = (words.split() for words in _WORDS[genre])
        pairs = [f"{a} {b}".replace("-to ", " to ") for a in first for b in second]
        order = rng.permutation(len(pairs))
        for number, item in enumerate(np.flatnonzero(genre_codes == code)):
            volume = number // len(pairs) + 1
            name = pairs[order[number % len(pairs)]] + (f" {volume}" if volume > 1 else "")
            titles[item] = f"{name} ({years[item]})"
            series[item] = order[number % len(pairs)] % len(second)
    return titles, series
