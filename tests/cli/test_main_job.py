"""The whole job on real tables, from the command line alone: check, fit, evaluate, recommend, fold-in, explain.

Each set brings a trap of its own: names to guess; ``::`` in a packed file without header and titles in Latin-1; Korean
titles; counts without titles.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from cli.conftest import Run
from cli.films import strict_json

POSITIONS = ("--user", "0", "--item", "1", "--rating", "2", "--timestamp", "3")
SMALL = ("--n-factors", "32", "--n-iterations", "12")


@dataclass
class Job:
    """One set: its files, and a model of it on disk."""

    events: tuple[str, ...]
    titles: tuple[str, ...]
    run: Run
    model: str

    def ask(self, command: str, *options: str) -> Any:
        """The JSON of a question to the model."""
        return self.answer(command, self.model, *options)

    def answer(self, *arguments: str) -> Any:
        """The JSON of a command that must succeed."""
        result = self.run(*arguments, "--json")
        assert result.exit_code == 0, result.stderr
        return strict_json(result.stdout)


def job(
    run: Run,
    folder: Path,
    name: str,
    events: tuple[str, ...],
    titles: tuple[str, ...] = (),
) -> Job:
    """Check, fit and evaluate a set; its model must beat popularity clearly."""
    made = Job(events, titles, run, str(folder / f"{name}.ridge"))
    checked = made.answer("check", *events, *titles, "--model", "implicit")
    assert not [finding for finding in checked["findings"] if finding["level"] == "error"]
    made.answer("fit", *events, *titles, *SMALL, "-o", made.model)
    judged = made.answer("evaluate", *events, *SMALL, "-k", "10")
    assert judged["metrics"]["ndcg@10"] > 1.15 * judged["baselines"]["Popularity"]["ndcg@10"]
    return made


def titles_of(payload: Any, key: str = "items") -> list[str]:
    return [entry["title"] for entry in payload[key]]


def assert_adds_up(explanation: Any) -> None:
    parts = sum(c["contribution"] for c in explanation["contributions"])
    total = explanation["baseline"] + explanation["rest"] + parts
    assert total == pytest.approx(explanation["score"], abs=1e-5 * max(1, abs(explanation["score"])))


def test_movielens_by_column_names_alone(run: Run, ml_latest_small: Path, tmp_path: Path) -> None:
    titles = ("--titles", str(ml_latest_small / "movies.csv"), "--title-id", "movieId", "--title", "title")
    films = job(run, tmp_path, "small", (str(ml_latest_small / "ratings.csv"),), titles)
    dramas = films.ask("recommend", "--user", "1", "--where", "genres like '%Drama%'", *titles)["recommendations"][0]
    listed = (ml_latest_small / "movies.csv").read_text(encoding="utf-8").splitlines()
    genres = {int(line.split(",")[0]): line.rsplit(",", 1)[1] for line in listed[1:]}
    assert len(dramas["items"]) == 10
    assert all("Drama" in genres[entry["item"]] for entry in dramas["items"])
    near = titles_of(films.ask("similar", "--item", "star wars: episode iv", "-k", "5"), "neighbours")
    assert any("Empire Strikes Back" in title for title in near)
    assert_adds_up(films.ask("explain", "--user", "1", "--item", str(dramas["items"][0]["item"])))


def test_movielens_of_double_colons_packed_and_latin_1(run: Run, ml_1m: Path, tmp_path: Path) -> None:
    latin = ("--titles", str(ml_1m / "movies.dat"), "--title-id", "0", "--title", "1", "--titles-encoding", "latin-1")
    films = job(run, tmp_path, "1m", (str(ml_1m / "ratings_first487650.dat.gz"), *POSITIONS), latin)
    near = titles_of(films.ask("similar", "--item", "Star Wars: Episode IV", "-k", "3"), "neighbours")
    assert "Star Wars: Episode V - The Empire Strikes Back (1980)" in near
    folded = films.ask("fold-in", "--items", "Misérables, Les (1995), Fargo, 999999")
    assert [given["title"] for given in folded["given"]] == ["Misérables, Les (1995)", "Fargo (1996)"]
    assert folded["unknown_items"] == [999999]
    assert len(folded["items"]) == 10
    assert_adds_up(films.ask("explain", "--user", "1", "--item", "fargo"))


def test_korean_films(run: Run, kmrd_small: Path, tmp_path: Path) -> None:
    titles = ("--titles", str(kmrd_small / "movies.txt"))
    films = job(run, tmp_path, "kmrd", (str(kmrd_small / "rates.csv"),), titles)  # most people rated one or two films
    payload = films.ask("recommend", "--user", "0", "-k", "5")["recommendations"][0]
    assert any("가" <= character <= "힣" for title in titles_of(payload) for character in title)
    folded = films.ask("fold-in", "--items", "시네마 천국")
    assert folded["given"] == [{"item": 10001, "title": "시네마 천국", "rating": None}]
    assert_adds_up(films.ask("explain", "--user", "0", "--item", "시네마 천국"))


def test_counts_without_titles(run: Run, lastfm: Path, tmp_path: Path) -> None:
    artists = job(run, tmp_path, "lastfm", (str(lastfm / "user_artists.dat.gz"),))
    payload = artists.ask("recommend", "--user", "2")["recommendations"][0]
    assert titles_of(payload) == [None] * 10
    explanation = artists.ask("explain", "--user", "2", "--item", str(payload["items"][0]["item"]))
    assert explanation["score"] == pytest.approx(payload["items"][0]["score"], abs=1e-3)
    assert_adds_up(explanation)


def test_ratings_of_a_new_user(run: Run, kmrd_small: Path, tmp_path: Path) -> None:
    model = str(tmp_path / "explicit.ridge")
    events = (str(kmrd_small / "rates.csv"), "--titles", str(kmrd_small / "movies.txt"))
    result = run("fit", *events, "--model", "explicit", "--n-iterations", "4", "-o", model)
    assert result.exit_code == 0, result.stderr
    liked, disliked = (
        strict_json(run("fold-in", model, "--items", f"시네마 천국={value},10002={value}", "--json").stdout)["items"]
        for value in (10, 1)
    )
    assert max(entry["score"] for entry in disliked) < max(entry["score"] for entry in liked)
