"""Conditions in SQL over a file of titles."""

from __future__ import annotations

import json
from pathlib import Path

import duckdb
import pytest

from ridgeback.data.catalogue import items_where
from ridgeback.errors import DataError

ROWS = [(1, "Heat", "Crime|Drama", 1995), (2, "Amélie", "Comedy", 2001), (30, "쉬리", "Drama", 1999)]


def write(path: Path, separator: str = ",", header: bool = True, encoding: str = "utf-8") -> Path:
    lines = [separator.join(map(str, row)) for row in ROWS]
    if header:
        lines.insert(0, separator.join(("movieId", "title", "genres", "year")))
    path.write_bytes(("\n".join(lines) + "\n").encode(encoding, "replace"))
    return path


@pytest.mark.parametrize(
    ("condition", "items"),
    [
        ("genres like '%Drama%'", [1, 30]), ("year > 1999", [2]), ("title = '쉬리' or movieId = 1", [1, 30]),
        ("year > 3000", []), ("movieId in (1, 2) and not genres = 'Comedy'", [1]),
        ("year = (select max(year) from catalogue)", [2]),
    ],
)  # fmt: skip
def test_conditions(tmp_path: Path, condition: str, items: list[int]) -> None:
    assert list(items_where(write(tmp_path / "movies.csv"), condition)) == items


def test_without_header_columns_have_numbers(tmp_path: Path) -> None:
    path = write(tmp_path / "movies.dat", separator="::", header=False, encoding="latin-1")
    found = items_where(path, "column2 like '%Comedy%' or column3 = 1999", item="0", encoding="latin-1")
    assert list(found) == [2, 30]


def test_an_encoding_that_only_python_knows(tmp_path: Path) -> None:
    path = write(tmp_path / "movies.csv", encoding="cp949")
    assert list(items_where(path, "title = '쉬리'", encoding="cp949")) == [30]


def test_typed_files(tmp_path: Path) -> None:
    write(tmp_path / "movies.csv")
    duckdb.sql(f"copy (from '{tmp_path}/movies.csv') to '{tmp_path}/movies.parquet'")
    lines = [json.dumps(dict(zip(("movieId", "title", "genres", "year"), row, strict=True))) for row in ROWS]
    (tmp_path / "movies.jsonl").write_text("\n".join(lines))
    for name in ("movies.parquet", "movies.jsonl"):
        assert list(items_where(tmp_path / name, "year < 2000", item="movieId")) == [1, 30]


def test_ids_are_spelt_as_in_the_file_and_columns_are_typed(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text('id,title\n007,"Bond, James"\n008,Bill\n')
    assert list(items_where(tmp_path / "t.csv", "id = 7 or title = 'Bill'", item="id")) == ["007", "008"]


def test_ids_of_text_stay_text(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("id,title\n007,Bond\nb,B\n,nobody\n")
    assert list(items_where(tmp_path / "t.csv", "true", item="id")) == ["007", "b"]


@pytest.mark.parametrize(
    "condition",
    [
        "genre = 'Drama'", "", "1=1) union select * from catalogue --", "true; drop table catalogue", "select 1",
        "movieId in (select movieId from read_csv('movies.csv'))",
        "title = (select content from read_text('movies.csv'))",
        "sum(year) > 1", "year > 'x'",
    ],
)  # fmt: skip
def test_what_is_no_condition_on_this_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, condition: str) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "movies.csv")
    with pytest.raises(DataError, match=r"cannot be used: .* The columns are movieId, title, genres, year\.") as caught:
        items_where("movies.csv", condition)
    assert "\n" not in str(caught.value)


def test_no_frame_of_the_caller_can_be_read(tmp_path: Path) -> None:
    pandas = pytest.importorskip("pandas")
    secret = pandas.DataFrame({"x": [1]})
    with pytest.raises(DataError, match="secret"):
        items_where(write(tmp_path / "movies.csv"), "movieId in (select x from secret)")
    assert len(secret) == 1


def test_a_file_that_is_no_table(tmp_path: Path) -> None:
    (tmp_path / "movies.parquet").write_text("no")
    with pytest.raises(DataError, match=r"movies\.parquet cannot be read as a table"):
        items_where(tmp_path / "movies.parquet", "true")
    with pytest.raises(DataError, match="there is no file"):
        items_where(tmp_path / "films.csv", "true")
