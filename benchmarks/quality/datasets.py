"""Where the real data sets are: beside the repository, or where RIDGEBACK_DATA says. Their licences keep them out."""

from __future__ import annotations

import gzip
import os
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np

import ridgeback as rb
from ridgeback.data import Text


def _place() -> Path:
    return Path(os.environ.get("RIDGEBACK_DATA", Path(__file__).resolve().parents[3] / "shared" / "data"))


def is_at_hand() -> bool:
    """Whether there are data sets."""
    return _place().is_dir()


def folder() -> Path:
    """The folder of the data sets; exits with a sentence where there is none."""
    path = _place()
    if not path.is_dir():
        sys.exit(f"no data sets at {path}: set RIDGEBACK_DATA to the folder that holds ml-100k, ncf-ml-1m, ...")
    return path


def ml_100k() -> tuple[np.ndarray, list[np.ndarray]]:
    """All rows (user, item, rating) and the five official test parts."""
    base = folder() / "ml-100k"
    everything = np.loadtxt(base / "u.data", dtype=np.int64)[:, :3]
    return everything, [np.loadtxt(base / f"u{fold}.test", dtype=np.int64)[:, :3] for fold in range(1, 6)]


def without(everything: np.ndarray, part: np.ndarray) -> np.ndarray:
    """The rows whose (user, item) is not in the part."""
    key = everything[:, 0] << 32 | everything[:, 1]
    return everything[~np.isin(key, part[:, 0] << 32 | part[:, 1])]


def ml_100k_attributes() -> tuple[dict[int, dict[str, object]], dict[int, dict[str, object]]]:
    """Age, sex and occupation of each user; the genres of each film."""
    base = folder() / "ml-100k"
    users: dict[int, dict[str, object]] = {}
    for line in (base / "u.user").read_text(encoding="latin-1").splitlines():
        user, age, sex, occupation, _ = line.split("|")
        users[int(user)] = {"age": int(age), "sex": sex, "occupation": occupation}
    items: dict[int, dict[str, object]] = {}
    for line in (base / "u.item").read_text(encoding="latin-1").splitlines():
        words = line.split("|")
        items[int(words[0])] = {"genres": {f"genre {n}" for n, flag in enumerate(words[5:]) if flag == "1"}}
    return users, items


def ml_1m_rows() -> np.ndarray:
    """All rows (user, item, rating) of MovieLens 1M."""
    arrays = np.load(folder() / "ml-1m" / "ratings.npz")
    return np.stack([arrays[name].astype(np.int64) for name in ("user", "item", "rating")], axis=1)


def ml_1m() -> rb.Interactions:
    """Every rating of MovieLens 1M a pair, but for one held-out pair of each user."""
    arrays = np.load(folder() / "ncf-ml-1m" / "train.npz")
    return rb.Interactions.from_arrays(arrays["user"].astype(np.int64), arrays["item"].astype(np.int64))


def ml_1m_ratings(at_least: float = 0.0) -> rb.Interactions:
    """The ratings of MovieLens 1M from a value on, with the films' titles."""
    base = folder() / "ml-1m"
    arrays = np.load(base / "ratings.npz")
    kept = arrays["rating"] >= at_least
    with (base / "movies.dat").open(encoding="latin-1") as lines:
        names = [line.split("::")[:2] for line in lines]
    titles = rb.Titles(rb.Ids.from_sequence([int(item) for item, _ in names]), Text.from_strings([t for _, t in names]))
    return rb.Interactions.from_arrays(
        arrays["user"][kept].astype(np.int64),
        arrays["item"][kept].astype(np.int64),
        ratings=arrays["rating"][kept].astype(np.float32),
        titles=titles,
    )


def ncf_ml_1m() -> tuple[rb.Interactions, rb.Interactions, dict[int, list[int]]]:
    """Training pairs, the held-out pair of each user, and 99 negatives each (the positive itself taken out of them)."""
    base, train = folder() / "ncf-ml-1m", ml_1m()
    held_out = np.loadtxt(base / "ml-1m.test.rating", dtype=np.int64)[:, :2]
    test = rb.Interactions.from_arrays(held_out[:, 0], held_out[:, 1])
    positives = {int(user): int(item) for user, item in held_out}
    negatives: dict[int, list[int]] = {}
    with gzip.open(base / "ml-1m.test.negative.gz", "rt") as lines:
        for line in lines:
            pair, *others = line.split("\t")
            user = int(pair.strip("()").split(",")[0])
            negatives[user] = [int(item) for item in others if int(item) != positives[user]]
    return train, test, negatives


def ncf_times(users: np.ndarray, items: np.ndarray) -> np.ndarray:
    """Seconds since 1970 of pairs in NCF's ids, -1 where unknown: half of the users' are at hand."""
    base = folder()
    with gzip.open(base / "ml-1m" / "ratings_first487650.dat.gz", "rt") as lines:
        rows = np.array([line.split("::") for line in lines], dtype=np.int64)
    films = np.load(base / "ncf-ml-1m" / "item_to_movieid.npy").astype(np.int64)
    keys, wanted = (rows[:, 0] - 1) << 32 | rows[:, 1], users.astype(np.int64) << 32 | films[items]
    order = np.argsort(keys)
    places = np.minimum(np.searchsorted(keys[order], wanted), len(keys) - 1)
    return np.where(keys[order][places] == wanted, rows[order, 3][places], -1)


def lastfm() -> rb.Interactions:
    """Listening counts of artists."""
    return rb.read_interactions(folder() / "lastfm-hetrec2011" / "user_artists.dat.gz", user="userID", item="artistID")


def liked_ml_100k() -> rb.Interactions:
    """Films rated 4 or 5 in MovieLens 100K."""
    return _liked(np.loadtxt(folder() / "ml-100k" / "u.data"))


def liked_ml_latest_small() -> rb.Interactions:
    """Films rated 4 or better in the small MovieLens set."""
    return _liked(np.loadtxt(folder() / "ml-latest-small" / "ratings.csv", delimiter=",", skiprows=1))


def liked_kmrd_small() -> rb.Interactions:
    """Films rated 8 or better of 10 in the small set of Korean ratings: 52,000 users with two or three each."""
    rows = np.loadtxt(folder() / "kmrd-small" / "rates.csv", delimiter=",", skiprows=1, usecols=(0, 1, 2))
    return _liked(rows, at_least=8)


def implicit_sets() -> dict[str, Callable[[], rb.Interactions]]:
    """Every set as interactions without ratings, lastfm with its counts, by name."""
    return {
        "ml-100k": liked_ml_100k,
        "ml-small": liked_ml_latest_small,
        "lastfm": lastfm,
        "kmrd": liked_kmrd_small,
        "ml-1m": lambda: ml_1m_ratings(at_least=4),
        "ncf": ml_1m,
    }


def _liked(rows: np.ndarray, at_least: float = 4) -> rb.Interactions:
    liked = rows[rows[:, 2] >= at_least].astype(np.int64)
    return rb.Interactions.from_arrays(liked[:, 0], liked[:, 1])
