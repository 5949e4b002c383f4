"""Parquet, JSON Lines, queries, database connections and frames."""

import bz2
import datetime as dt
import gzip
import json
import sqlite3
import subprocess
import sys
import textwrap
import uuid
from decimal import Decimal

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from ridgeback import Interactions, read_interactions, read_titles
from ridgeback.errors import BadRowsError, DataError, ParameterError


def entries(data):
    matrix = data.user_items
    return [
        (data.user_ids[user], data.item_ids[item], value)
        for user, item, value in zip(
            matrix.row_of_entry().tolist(), matrix.indices.tolist(), matrix.values().tolist(), strict=True
        )
    ]


ROWS = [("ann", 10, 5.0), ("ann", 20, 1.5), ("bob", 10, 3.0)]
TIMES = [dt.datetime(2020, 1, 1), dt.datetime(2020, 1, 2, 12), dt.datetime(2020, 1, 3)]
MICROS = [1_577_836_800_000_000, 1_577_966_400_000_000, 1_578_009_600_000_000]
COLUMNS = {
    "user": [row[0] for row in ROWS],
    "item": [row[1] for row in ROWS],
    "rating": [row[2] for row in ROWS],
    "time": TIMES,
}


class StreamOnly:
    """A frame of some library that nobody knows."""

    def __init__(self, frame):
        self.frame = frame

    def __arrow_c_stream__(self, requested_schema=None):
        return self.frame.__arrow_c_stream__(requested_schema)


def as_arrow():
    return pa.table(COLUMNS)


def as_chunked_arrow():
    table = as_arrow()
    return pa.concat_tables([table.slice(0, 1), table.slice(1, 0), table.slice(1)])


FRAMES = {
    "pandas": lambda: pd.DataFrame(COLUMNS),
    "pandas with its own types": lambda: pd.DataFrame(COLUMNS).convert_dtypes(),
    "pandas with categories": lambda: pd.DataFrame(COLUMNS).astype({"user": "category", "item": "category"}),
    "pandas backed by arrow": lambda: pd.DataFrame(COLUMNS).convert_dtypes(dtype_backend="pyarrow"),
    "polars": lambda: pl.DataFrame(COLUMNS),
    "polars with categories": lambda: pl.DataFrame(COLUMNS).with_columns(pl.col("user").cast(pl.Categorical)),
    "polars with small types": lambda: pl.DataFrame(COLUMNS).cast({"item": pl.UInt8, "rating": pl.Float32}),
    "pyarrow": as_arrow,
    "pyarrow in chunks": as_chunked_arrow,
    "pyarrow with a dictionary": lambda: as_arrow().set_column(
        0, "user", pa.array(COLUMNS["user"]).dictionary_encode()
    ),
    "pyarrow with large text": lambda: as_arrow().set_column(0, "user", pa.array(COLUMNS["user"], pa.large_string())),
    "another library": lambda: StreamOnly(as_arrow()),
    "mapping": lambda: {**COLUMNS, "rating": np.float64(COLUMNS["rating"])},
}


@pytest.mark.parametrize("kind", FRAMES)
def test_frames(kind):
    frame = FRAMES[kind]()
    for data in (Interactions.from_frame(frame), read_interactions(frame)):
        assert entries(data) == ROWS
        assert data.timestamps.tolist() == MICROS
        assert data.report["guessed"] == ["user", "item", "rating", "timestamp"]


@pytest.mark.parametrize(
    "frame",
    [
        pd.DataFrame({"user": ["a", None, "c"], "item": [1, 2, 3]}),
        pd.DataFrame({"user": pd.array([1, None, 3], dtype="Int64"), "item": ["a", "b", "c"]}),
        pl.DataFrame({"user": [1, None, 3], "item": ["a", "b", "c"]}),
        pa.table({"user": pa.array([1, None, 3]), "item": ["a", "b", "c"]}),
        pd.DataFrame({"user": pd.to_datetime(["2020-01-01", None, "2020-01-02"]), "item": [1, 2, 3]}),
    ],
)
def test_null_ids_are_bad_rows(frame):
    with pytest.raises(BadRowsError, match=r"(DataFrame|Table) row 1: user is missing"):
        Interactions.from_frame(frame)
    data = Interactions.from_frame(frame, on_bad_rows="skip")
    assert data.nnz == 2
    assert data.report["n_skipped"] == 1


@pytest.mark.parametrize(
    ("frame", "match"),
    [
        (pd.DataFrame({"user": [1.0, 2.0], "item": [1, 2]}), r"user must be ints, text.*astype\('int64'\)"),
        (pl.DataFrame({"user": [1.0, 2.0], "item": [1, 2]}), r"user is of type DOUBLE, .*cast\(user as bigint\)"),
        (pl.DataFrame({"user": [1], "item": [True]}), "item is of type BOOLEAN"),
        (pl.DataFrame({"user": [1], "item": [[1]]}), r"item is of type BIGINT\[\]"),
        (pl.DataFrame({"user": [1], "item": [b"x"]}), "item is of type BLOB|cannot read DataFrame"),
        (pl.DataFrame({"user": [1], "item": [1], "rating": [[2]]}), "rating column must hold numbers"),
        (pd.DataFrame({"user": [True], "item": [1]}), "user must be ints, text"),
        (pd.DataFrame({"a": [1], "b": [1]}), "no column that looks like the user and item"),
        (pl.DataFrame({"user": [1], "item": [2]}).lazy(), r"got LazyFrame.*Call \.collect\(\) first"),
        (np.eye(3), "got ndarray. Arrays go into from_arrays, sparse matrices into from_csr"),
        (5, "got int"),
    ],
)
def test_frames_that_do_not_fit(frame, match):
    with pytest.raises(DataError, match=match):
        Interactions.from_frame(frame)


def test_nan_in_a_frame_is_named_by_its_row():
    for frame in (pd.DataFrame({"user": [1, 2], "item": [1, 2], "rating": [1, np.nan]}),
                  pl.DataFrame({"user": [1, 2], "item": [1, 2], "rating": [1.0, float("nan")]})):  # fmt: skip
        with pytest.raises(BadRowsError, match="DataFrame row 1: rating nan is not a finite number"):
            Interactions.from_frame(frame)


def test_ids_beyond_64_bits_become_text():
    data = Interactions.from_frame(pl.DataFrame({"user": pl.Series([2**63, 5], dtype=pl.UInt64), "item": [1, 1]}))
    assert list(data.user_ids) == ["5", "9223372036854775808"]


def test_dates_uuids_and_decimals():
    first, second = sorted([uuid.uuid4(), uuid.uuid4()])
    days = [dt.date(2020, 1, 2), dt.date(2020, 1, 1)]
    arrays = Interactions.from_arrays([first, second], days, [Decimal("1.5"), Decimal(2)])
    assert entries(arrays) == [(str(first), "2020-01-02", 1.5), (str(second), "2020-01-01", 2)]
    frame = pa.table(
        {"user": pa.array(days), "item": pa.array([1, 2]), "rating": pa.array([Decimal("1.5"), Decimal(2)])}
    )
    assert entries(Interactions.from_frame(frame)) == [("2020-01-01", 2, 2), ("2020-01-02", 1, 1.5)]


def test_zones_are_brought_to_utc():
    seoul = pd.DataFrame(COLUMNS).assign(time=pd.to_datetime(TIMES).tz_localize("Asia/Seoul"))
    expected = [micros - 9 * 3_600_000_000 for micros in MICROS]
    assert Interactions.from_frame(seoul).timestamps.tolist() == expected
    polars = pl.DataFrame(COLUMNS).with_columns(pl.col("time").dt.replace_time_zone("Asia/Seoul"))
    assert Interactions.from_frame(polars).timestamps.tolist() == expected


def test_parquet_and_queries(tmp_path):
    path = tmp_path / "it's [1]*.parquet"
    pl.DataFrame(COLUMNS).write_parquet(path)
    data = read_interactions(path)
    assert entries(data) == ROWS
    assert data.timestamps.tolist() == MICROS
    with duckdb.connect() as connection:
        connection.execute(f"copy (select 1 as user, 2 as item, 3 as rating) to '{tmp_path}/b.parquet'")
    query = f"select \"user\", item, count(*) as count from '{tmp_path}/b.parquet' group by all"
    data = read_interactions(query=query)
    assert entries(data) == [(1, 2, 1)]
    assert data.report["query"] == query


def test_queries_do_not_see_variables_and_say_what_is_wrong():
    frame = pd.DataFrame(COLUMNS)
    assert len(frame)
    for query, match in [
        ("select * from frame", "cannot read the query: .*frame"),
        ("selct 1", "cannot read the query: .*syntax error"),
        ("create table t (user int, item int)", "query has no column|returns no rows"),
        ("select 1 as user, 2 as item where false", "query has no rows"),
        ("select 1 as user, 'x' as item, 'n/a' as rating", 'query row 0: rating "n/a" is not a number'),
        ("select 1 as user, 2 as item, interval 1 day as rating", "rating is of type INTERVAL"),
    ]:
        with pytest.raises(DataError, match=match):
            read_interactions(query=query)


def test_json_lines(tmp_path):
    path = tmp_path / "events.jsonl"
    rows = [
        {"user": "007", "item": 'a"b\n', "rating": 5, "time": "2020-01-01T00:00:00Z"},
        {"item": "기생충", "user": "7", "time": "2020-01-02", "rating": "4.5"},
    ]
    path.write_text("\n\n".join(json.dumps(row) for row in rows))
    data = read_interactions(path)
    assert entries(data) == [("007", 'a"b\n', 5), ("7", "기생충", 4.5)]
    assert data.timestamps.tolist() == [1_577_836_800_000_000, 1_577_923_200_000_000]
    (tmp_path / "array.json").write_text(json.dumps(rows))
    assert read_interactions(tmp_path / "array.json").fingerprint() == data.fingerprint()
    with gzip.open(tmp_path / "packed.jsonl.gz", "wb") as file:
        file.write(path.read_bytes())
    assert read_interactions(tmp_path / "packed.jsonl.gz").fingerprint() == data.fingerprint()
    (tmp_path / "packed.jsonl.gz").write_bytes((tmp_path / "packed.jsonl.gz").read_bytes()[:-4])
    with pytest.raises(DataError, match=r"packed\.jsonl\.gz is cut off"):
        read_interactions(tmp_path / "packed.jsonl.gz")
    (tmp_path / "packed.jsonl.bz2").write_bytes(bz2.compress(path.read_bytes()))
    with pytest.raises(DataError, match="unpack it, or pack it with gzip"):
        read_interactions(tmp_path / "packed.jsonl.bz2")
    (tmp_path / "titles.jsonl").write_text('{"item": 1, "title": "Heat"}\n{"item": 2, "title": null}\n')
    assert read_titles(tmp_path / "titles.jsonl").get(1) == "Heat"


def test_bad_json_lines_are_named_by_line(tmp_path):
    path = tmp_path / "events.jsonl"
    lines = ['{"user":1,"item":2}', "", '{"user":1,', '{"user":1.5,"item":2}', '{"user":null,"item":2}', "[1]",
             '{"item":3}', '{"user":true,"item":3}', '{"user":18446744073709551616,"item":3}']  # fmt: skip
    path.write_text("\n".join(lines))
    with pytest.raises(BadRowsError, match=r'events.jsonl line 3 is not a JSON object: "\{"user":1,"; fix the row'):
        read_interactions(path)
    data = read_interactions(path, on_bad_rows="skip")
    assert list(data.user_ids) == ["1", "18446744073709551616"]
    assert data.report["n_skipped"] == 6
    places = [example.split("events.jsonl ")[1] for example in data.report["skipped"]]
    assert places == [
        'line 3 is not a JSON object: "{"user":1,"',
        "line 4: user 1.5 is not an int or text",
        "line 5: user is missing",
        'line 6 is not a JSON object: "[1]"',
        "line 7: user is missing",
    ]
    for content, match in [("", "is empty"), ("nonsense\n", "has no JSON objects with keys")]:
        path.write_text(content)
        with pytest.raises(DataError, match=match):
            read_interactions(path)


@pytest.fixture
def database():
    connection = sqlite3.connect(":memory:")
    connection.execute("create table events (user, item, rating, time)")
    rows = [(user, item, rating, str(time)) for (user, item, rating), time in zip(ROWS, TIMES, strict=True)]
    connection.executemany("insert into events values (?, ?, ?, ?)", rows)
    yield connection
    connection.close()


def test_a_database_connection(database):
    data = read_interactions(query="select * from events", connection=database)
    assert entries(data) == ROWS
    assert data.timestamps.tolist() == MICROS
    with duckdb.connect() as connection:
        connection.execute("create table t as select 1 as user, 2 as item, date '2020-01-01' as date")
        data = read_interactions(query="select * from t", connection=connection)
        assert data.timestamps.tolist() == [1_577_836_800_000_000]


def test_a_database_in_many_blocks(database):
    database.execute("create table many (user, item, rating)")
    rows = ((row % 700, f"item {row % 301}", row) for row in range(120_000))
    database.executemany("insert into many values (?, ?, ?)", rows)
    data = read_interactions(query="select * from many", connection=database)
    assert data.report["n_rows"] == 120_000
    assert data.shape == (700, 301)
    assert data.user_items.values().max() == 119_999


def test_databases_that_do_not_fit(database):
    database.execute("insert into events values (null, 1, 2, '2020-01-01')")
    with pytest.raises(BadRowsError, match="query row 3: user is missing"):
        read_interactions(query="select * from events", connection=database)
    assert read_interactions(query="select * from events", connection=database, on_bad_rows="skip").nnz == 3
    for query, match in [
        ("select * from missing", "the query failed: OperationalError: no such table"),
        ("select 1.5 as user, 1 as item", "user must be ints, text, dates or UUIDs; got float"),
        ("select user, item, 'x' as rating from events", 'query row 0: rating "x" is not a number'),
        ("select 1 as user, 2 as item union all select 'a', 2", "user must be of one kind"),
        ("select * from events where false", "query has no rows"),
        ("delete from events", "returns no rows; it must be a SELECT"),
    ]:
        with pytest.raises(DataError, match=match):
            read_interactions(query=query, connection=database)
    with pytest.raises(ParameterError, match=r"must be a DB-API connection.*int has no cursor"):
        read_interactions(query="select 1", connection=5)


def test_nothing_else_is_needed(tmp_path):
    """Parquet, JSON, queries and Arrow streams work where pyarrow, pandas and scipy are not installed."""
    pl.DataFrame(COLUMNS).write_parquet(tmp_path / "a.parquet")
    script = textwrap.dedent(
        f"""
        import sys
        for name in ("pandas", "pyarrow", "scipy"):
            sys.modules[name] = None
        import duckdb, ridgeback as rb
        data = rb.read_interactions({str(tmp_path / "a.parquet")!r})
        assert data.timestamps.tolist() == {MICROS}
        frame = duckdb.read_parquet({str(tmp_path / "a.parquet")!r})
        assert rb.Interactions.from_frame(frame).fingerprint() == data.fingerprint()
        """
    )
    subprocess.run([sys.executable, "-c", script], check=True)
