"""Files of recommendations for everyone: whole or not there, and in bounded memory."""

from __future__ import annotations

import csv
import os
import stat
from pathlib import Path

import duckdb
import numpy as np
import pytest

from ridgeback import Interactions, Popularity, Titles
from ridgeback.data import Ids, Text
from ridgeback.recommend import all_users
from ridgeback.recommend.all_users import AllRecommendations
from ridgeback.recommend.lists import TopK


def model(as_text: bool) -> Popularity:
    rng = np.random.default_rng(0)
    users, items = rng.integers(0, 300, 3000), rng.integers(0, 80, 3000)
    titles = Titles(Ids.from_sequence(["it,em 1"]), Text.from_strings(['기생충 "Parasite"\n'])) if as_text else None
    if as_text:
        return Popularity().fit(
            Interactions.from_arrays([f"user {u}" for u in users], [f"it,em {i}" for i in items], titles=titles)
        )
    return Popularity().fit(Interactions.from_arrays(users, items))


def expected_rows(fitted: Popularity, k: int) -> list[tuple]:
    return [
        (answer.user, rank, entry.item, entry.score)
        for answer in fitted.recommend(list(fitted.user_ids_), k=k)
        for rank, entry in enumerate(answer, start=1)
    ]


@pytest.mark.parametrize("as_text", [False, True])
def test_csv_and_parquet_hold_the_recommendations(tmp_path: Path, as_text: bool, monkeypatch) -> None:
    monkeypatch.setattr(all_users, "_ROWS_PER_BLOCK", 200)
    monkeypatch.setattr(all_users, "_ROWS_PER_PART", 700)
    fitted = model(as_text)
    seen: list[tuple[int, int]] = []
    everyone = fitted.recommend_all(k=3)
    everyone.to_csv(tmp_path / "recs.csv", progress=lambda done, total: seen.append((done, total)))
    everyone.to_parquet(str(tmp_path / "recs.parquet"), progress=lambda done, total: seen.append((done, total)))
    expected = expected_rows(fitted, 3)

    with (tmp_path / "recs.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    kind = str if as_text else int
    got = [(kind(r["user"]), int(r["rank"]), kind(r["item"]), float(np.float32(r["score"]))) for r in rows]
    assert got == expected

    relation = duckdb.sql(f"SELECT * FROM read_parquet('{tmp_path / 'recs.parquet'}')")
    assert relation.columns == ["user", "rank", "item", "score"] + (["title"] if as_text else [])
    label = "VARCHAR" if as_text else "BIGINT"
    assert [str(t) for t in relation.types[:4]] == [label, "INTEGER", label, "FLOAT"]
    assert [row[:4] for row in relation.fetchall()] == expected
    if as_text:
        titles = {r["item"]: r["title"] for r in rows}
        assert titles["it,em 1"] == '기생충 "Parasite"\n'
        assert {title for item, title in titles.items() if item != "it,em 1"} == {""}
    assert sorted(os.listdir(tmp_path)) == ["recs.csv", "recs.parquet"]
    assert seen[-1] == (300, 300)
    assert len(seen) > 4


def failing(after: int) -> AllRecommendations:
    """Answers some blocks, then fails."""
    ids = Ids(np.arange(1000))

    def best(begin: int, end: int) -> TopK:
        if begin >= after:
            raise KeyboardInterrupt
        n = end - begin
        return TopK(np.zeros(n, np.int32), np.zeros(n, np.float32), np.ones(n, np.int32))

    everyone = AllRecommendations(best, ids, ids, None, 1)
    everyone._users_per_block = 100
    return everyone


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_an_interrupt_leaves_the_old_file(tmp_path: Path, kind: str) -> None:
    target = tmp_path / f"recs.{kind}"
    target.write_text("old")
    with pytest.raises(KeyboardInterrupt):
        getattr(failing(after=500), f"to_{kind}")(target)
    assert target.read_text() == "old"
    assert os.listdir(tmp_path) == [target.name]


@pytest.mark.skipif(os.name != "posix", reason="file modes are POSIX")
@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_files_have_the_usual_mode(tmp_path: Path, kind: str) -> None:
    plain, target = tmp_path / "plain", tmp_path / f"recs.{kind}"
    plain.touch()
    getattr(failing(after=2000), f"to_{kind}")(target)
    assert stat.S_IMODE(target.stat().st_mode) == stat.S_IMODE(plain.stat().st_mode)


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_nobody_gives_an_empty_file_with_columns(tmp_path: Path, kind: str) -> None:
    nobody = AllRecommendations(
        lambda begin, end: TopK(np.empty(0, np.int32), np.empty(0, np.float32), np.zeros(end - begin, np.int32)),
        Ids(np.arange(3)),
        Ids(np.arange(3)),
        None,
        5,
    )
    target = tmp_path / f"it's.{kind}"
    getattr(nobody, f"to_{kind}")(target)
    if kind == "csv":
        assert target.read_text() == "user,rank,item,score\n"
    else:
        with duckdb.connect() as connection:
            relation = connection.execute("SELECT * FROM read_parquet(?)", [str(target)])
            assert [column[0] for column in relation.description] == ["user", "rank", "item", "score"]
            assert relation.fetchall() == []


def test_iterating_twice_answers_twice() -> None:
    everyone = model(as_text=False).recommend_all(k=2)
    first, second = ([block.items.tolist() for block in everyone] for _ in range(2))
    assert first == second
    assert everyone.n_users == 300
