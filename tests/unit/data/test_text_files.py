import os
import signal
import subprocess
import sys
import textwrap
import threading

import numpy as np
import pytest

from ridgeback import Titles, read_interactions, read_titles
from ridgeback.errors import BadRowsError, DataError, ParameterError


def test_report_says_what_was_read_and_what_was_guessed(tmp_path):
    path = tmp_path / "ratings.csv"
    path.write_text("userId,movieId,stars\n1,10,5\n1,10,4\n2,10,3\n")
    data = read_interactions(path, rating="stars")
    report = data.report
    assert report["source"] == str(path)
    assert report["columns"] == {"user": "userId", "item": "movieId", "rating": "stars"}
    assert report["guessed"] == ["user", "item"]
    assert (report["n_rows"], report["n_duplicates"], report["duplicates"], report["n_skipped"]) == (3, 1, "last", 0)
    assert (report["separator"], report["has_header"]) == (",", True)
    assert "user = userId (guessed)" in data.describe()


def test_events_weights_and_duplicates(tmp_path):
    path = tmp_path / "events.tsv"
    path.write_text(
        "user\titem\tkind\tsure\ntime\n".replace("\ntime", "\ttime") + "a\tx\tview\t1\t1\na\tx\tbuy\t.5\t2\n"
    )
    data = read_interactions(path, event="kind", event_weights={"view": 1, "buy": 10}, weight="sure")
    assert data.user_items.data.tolist() == [11]
    assert data.weights.tolist() == [0.5]
    assert data.timestamps.tolist() == [2]
    with pytest.raises(BadRowsError, match=r'line 3: kind "buy" has no weight in event_weights \(view\)'):
        read_interactions(path, event="kind", event_weights={"view": 1})
    path.write_text("user,item,sure\na,x,-1\n")
    with pytest.raises(BadRowsError, match="line 2: sure -1 is negative, which a weight may not be"):
        read_interactions(path, weight="sure")


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("964982703", 964982703),
        ("964982703.0", 964982703),
        ("9.64982703e8", 964982703),
        ("-5", -5),
        ("9223372036854775807", 2**63 - 1),
        ("1970-01-02", 86_400_000_000),
        ("1969-12-31 23:59:59", -1_000_000),
        ("2020-02-29T12:30:00.25Z", 1_582_979_400_250_000),
        ("2020-02-29T12:30:00+09:00", 1_582_947_000_000_000),
        ("2020-02-29 12:30-0330", 1_582_992_000_000_000),
        ("2020-02-29 12:30:00.123456789 UTC", 1_582_979_400_123_456),
        ("0001-01-01", -62_135_596_800_000_000),
        ("9999-12-31T23:59:59.999999", 253_402_300_799_999_999),
    ],
)
def test_timestamps_in_text(tmp_path, written, expected):
    path = tmp_path / "a.csv"
    path.write_text(f"user,item,time\n1,1,{written}\n")
    assert read_interactions(path).timestamps.tolist() == [expected]


@pytest.mark.parametrize(
    "written",
    ["2019-02-29", "2020-13-01", "2020-00-10", "2020-1-1", "20:00", "2020-01-01T24:00", "2020-01-01T10:60", "1.5", "x",
     "2020-01-01T10:00:00+25:00", "2020-01-01T10:00:00.", "2020-01-01 ", "01/02/2020", "9223372036854775808", "nan"],
)  # fmt: skip
def test_what_is_no_timestamp(tmp_path, written):
    path = tmp_path / "a.csv"
    path.write_text(f"user,item,time\n1,1,{written}\n")
    if written.strip() == "2020-01-01":
        assert read_interactions(path).timestamps.tolist() == [1_577_836_800_000_000]
        return
    with pytest.raises(BadRowsError, match=r"line 2: time .* is not a whole number or an ISO 8601 date"):
        read_interactions(path)


def test_titles(tmp_path):
    path = tmp_path / "movies.csv"
    path.write_bytes('movieId,title,genres\n7,"Misérables, Les (1995)",Drama\n9,,None\n7,Again,x\n'.encode("latin-1"))
    titles = read_titles(path, encoding="latin-1")
    assert isinstance(titles, Titles)
    assert (titles.get(7), titles.get(9), titles.get(8)) == ("Again", "", None)
    (tmp_path / "r.csv").write_text("user,item\n1,7\n")
    data = read_interactions(tmp_path / "r.csv", titles=titles)
    assert data.titles is titles
    path.write_text("item,name\n7,Ronin\n")
    assert read_interactions(tmp_path / "r.csv", titles=path).titles.get(7) == "Ronin"
    path.write_bytes("movieId,title\n7,Misérables\n".encode("latin-1"))
    with pytest.raises(BadRowsError, match=r"line 2: title .* is not UTF-8; pass encoding='latin-1'[^;]*\.$"):
        read_titles(path)
    path.write_text("item,title\n,Ronin\n")
    with pytest.raises(BadRowsError, match=r"line 2: item is empty; fix the row\.$"):
        read_titles(path)


def test_arguments_that_contradict_each_other(tmp_path):
    with pytest.raises(ParameterError, match=r"Pass 'source' .* or 'query', and not both\. Got neither"):
        read_interactions()
    with pytest.raises(ParameterError, match="Got both"):
        read_interactions("a.csv", query="select 1")
    with pytest.raises(ParameterError, match="'connection' parameter needs 'query'"):
        read_interactions("a.csv", connection=object())


@pytest.mark.parametrize(
    ("name", "arguments", "shape", "nnz"),
    [
        ("ml-latest-small/ratings.csv", {}, (610, 9724), 100_836),
        (
            "ml-1m/ratings_first487650.dat.gz",
            {"user": 0, "item": 1, "rating": 2, "timestamp": 3},
            (2999, 3615),
            487_650,
        ),
        ("ml-100k/u.data", {"user": 0, "item": 1, "rating": 2, "timestamp": 3}, (943, 1682), 100_000),
        ("kmrd-small/rates.csv", {}, (52_028, 600), 134_331),
        ("lastfm-hetrec2011/user_artists.dat.gz", {}, (1892, 17_632), 92_834),
        (
            "spark-sample/sample_movielens_ratings.txt",
            {"user": 0, "item": 1, "rating": 2, "timestamp": 3},
            (30, 100),
            1501,
        ),
    ],
)
def test_public_sets(data_root, name, arguments, shape, nnz):
    if not (data_root / name).exists():
        pytest.skip(f"the data set {name} is not in {data_root}")
    data = read_interactions(data_root / name, **arguments)
    assert data.shape == shape
    assert data.nnz == nnz
    assert data.has_ratings
    assert (data.timestamps is None) == name.startswith("lastfm")


def test_public_titles(ml_1m, kmrd_small, ml_100k):
    titles = read_titles(ml_1m / "movies.dat", item=0, title=1, encoding="latin-1")
    assert titles.get(73) == "Misérables, Les (1995)"
    assert read_titles(kmrd_small / "movies.txt").get(10001) == "시네마 천국"
    assert read_titles(ml_100k / "u.item", item=0, title=1, encoding="latin-1").get(2) == "GoldenEye (1995)"


def test_the_same_interactions_from_text_and_from_arrays(ml_latest_small):
    data = read_interactions(ml_latest_small / "ratings.csv")
    columns = np.loadtxt(ml_latest_small / "ratings.csv", delimiter=",", skiprows=1)
    users, items = columns[:, 0].astype(int), columns[:, 1].astype(int)
    other = type(data).from_arrays(users, items, columns[:, 2], timestamps=columns[:, 3])
    assert other.fingerprint() == data.fingerprint()
    np.testing.assert_array_equal(other.timestamps, data.timestamps)


def test_ctrl_c_ends_a_read_at_once_and_leaves_nothing_behind(tmp_path):
    path = tmp_path / "large.csv"
    path.write_bytes(b"user,item,rating\n" + b"123456,654321,4.5\n" * 3_000_000)
    script = textwrap.dedent(
        f"""
        import ridgeback
        print("ready", flush=True)
        while True:
            ridgeback.read_interactions({str(path)!r})
        """
    )
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    process = subprocess.Popen(
        [sys.executable, "-c", script], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout.readline() == b"ready\n"
    process.send_signal(signal.SIGINT)
    _, complaint = process.communicate(timeout=20)
    assert process.returncode == -signal.SIGINT
    assert b"KeyboardInterrupt" in complaint
    assert [child.name for child in tmp_path.iterdir()] == ["large.csv"]


def test_a_pipe_is_read_once(tmp_path):
    path = tmp_path / "pipe"
    os.mkfifo(path)
    writer = threading.Thread(target=path.write_bytes, args=(b"user,item\n" + b"1,2\n3,4\n" * 200_000,))
    writer.start()
    data = read_interactions(path)
    writer.join()
    assert data.report["n_rows"] == 400_000
    assert data.shape == (2, 2)


def test_a_guessed_column_that_does_not_fit_can_be_left_out(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("user,item,date\n1,2,01/02/2020\n")
    with pytest.raises(BadRowsError, match="the column was guessed; timestamp=False leaves it out"):
        read_interactions(path)
    assert read_interactions(path, timestamp=False).timestamps is None
    with pytest.raises(BadRowsError) as caught:
        read_interactions(path, timestamp="date")
    assert "was guessed" not in str(caught.value)


def test_a_file_that_ends_in_the_middle_of_a_row_is_no_surprise(tmp_path):
    path = tmp_path / "cut.csv"
    path.write_text("user,item,rating\n1,2,3\n4,5")
    with pytest.raises(DataError, match="line 3 has only 2 cells"):
        read_interactions(path)
