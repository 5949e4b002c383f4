"""Files that are no clean tables: each gets one clear sentence, or is read for what it is."""

import bz2
import contextlib
import gzip
import lzma
import random
from pathlib import Path

import numpy as np
import pytest

from ridgeback import read_interactions, read_titles
from ridgeback.errors import BadRowsError, DataError, ParameterError, RidgebackError

MODEL = Path(__file__).resolve().parent.parent / "golden" / "model-format-1.safetensors"
HEADER = b"user,item,rating\n"
ROWS = HEADER + b"".join(b"%d,%d,1\n" % (row % 97, row % 89) for row in range(20_000))


@pytest.fixture
def read(tmp_path):
    """Write bytes to a file and read it."""

    def write_and_read(content, name="ratings.csv", **arguments):
        path = tmp_path / name
        path.write_bytes(content)
        return read_interactions(path, **arguments)

    return write_and_read


def ids(data):
    return list(data.user_ids), list(data.item_ids)


@pytest.mark.parametrize(
    ("rows", "match"),
    [
        (
            b"1,3,2\n1,2,n/a\n",
            r'ratings.csv line 3: rating "n/a" is not a number; fix the row or pass on_bad_rows=\'skip\'',
        ),
        (b"1,2,3\n1,3,nan\n", "line 3: rating nan is not a finite number"),
        (b"1,2,-inf\n", "line 2: rating -inf is not a finite number"),
        (b"1,2,1e39\n", "line 2: rating 1e39 is not a finite number within float32"),
        (b"1,2,1e999\n", "line 2: rating 1e999 is not a finite number"),
        (b"1,2,1_000\n", 'line 2: rating "1_000" is not a number'),
        (b"1,2,0x10\n", 'line 2: rating "0x10" is not a number'),
        (b"1,2,\n", "line 2: rating is empty"),
        (b",2,3\n", "line 2: user is empty"),
        (b'1,"",3\n', "line 2: item is empty"),
        (b"1,2,3\n4,5\n", 'line 3 has only 2 cells, 3 are expected: "4,5"'),
        (b"1,2,3\n\n\n4,5,6,7\n", 'line 5 has 4 cells, 3 are expected: "4,5,6,7"'),
        (b"1,2,3\n   \n4,5,6\n", "line 3 has only 1 cell, 3 are expected"),
        (b'1,2,3\n"4,5,6\n7,8,9\n', "line 3 opens a quote that is not closed"),
        (b'"4"x,5,6\n', "line 2 has text between a closing quote and the next separator"),
        (b'"a\nb",2,3\n4,5\n', "line 4 has only 2 cells"),
        ("1,기생충,3\n".encode("cp949"), r"line 2: item .* is not UTF-8; pass encoding='latin-1', 'cp949'"),
    ],
)
def test_a_bad_row_is_named_with_file_line_column_and_value(read, rows, match):
    with pytest.raises(BadRowsError, match=match):
        read(HEADER + rows)


def test_bad_rows_are_skipped_counted_and_the_first_ones_shown(read):
    rows = [b"1,2,3"] + [b"%d,2,bad" % row for row in range(7)] + [b"4,5", b"9,2,4"]
    data = read(HEADER + b"\n".join(rows), on_bad_rows="skip")
    assert ids(data) == ([1, 9], [2])
    assert data.report["n_rows"] == 10
    assert data.report["n_skipped"] == 8
    assert len(data.report["skipped"]) == 5
    assert data.report["skipped"][0].endswith('line 3: rating "bad" is not a number')


def test_an_unclosed_quote_costs_one_line_and_not_the_rest_of_the_file(read):
    data = read(HEADER + b'1,2,3\n"4,5,6\n' + b"7,8,9\n" * 3 + b'"10,2,3\n11,2,3\n', on_bad_rows="skip")
    assert ids(data) == ([1, 7, 11], [2, 8])
    assert data.report["n_skipped"] == 2


def test_a_quote_left_open_in_a_large_file_is_found_without_reading_it_over_and_over(read):
    content = HEADER + b'"0,0,1\n' + ROWS[len(HEADER) :] * 40
    data = read(content, on_bad_rows="skip")
    assert data.report["n_skipped"] == 1
    assert data.report["n_rows"] == 20_000 * 40 + 1


def test_when_every_row_is_bad_that_is_said(read):
    with pytest.raises(DataError, match=r"none of the 2 rows of .* can be used, e.g. .* line 2"):
        read(HEADER + b"1,2,x\n3,4,y\n", on_bad_rows="skip")


@pytest.mark.parametrize(
    ("content", "match"),
    [
        (b"", "is empty; expected rows"),
        (b"\n\r\n\n", "is empty; expected rows"),
        (HEADER, "has no rows; expected at least one interaction"),
        (HEADER[:-1], "has no rows"),
        (bytes(3000), "not a text file: its first line holds null bytes"),
        (MODEL.read_bytes(), "is a Ridgeback model, not a table. .* rb.load.* ridgeback inspect"),
        (random.Random(0).randbytes(3000), "first line of .* is not UTF-8"),
        (b"PK\x03\x04....", "a zip archive or a spreadsheet; unpack it"),
        (b"SQLite format 3\x00..", "an SQLite database; pass query=.* connection=sqlite3.connect"),
        (b"\x28\xb5\x2f\xfd....", "packed by zstd"),
        (b"PAR1....PAR1", "cannot read .*ratings.csv"),
        ("user,item\n1,2\n".encode("utf-16"), "is UTF-16; pass encoding='utf-16'"),
        ("유저,item\n1,2\n".encode("cp949"), "first line of .* is not UTF-8; pass encoding="),
        (b"user\n1\n2\n", "has none of the separators"),
        (b"a,b,c\n1,2,3\n", "no column that looks like the user and item; its columns are 'a', 'b', 'c'. Pass user="),
        (b"1,2,3\n4,5,6\n", "no header line to find the user and item by; it has 3 columns: .* user=0, item=1"),
        (b"user,item,item\n1,2,3\n", "several columns that may be the item"),
        (b"user_name,user_age,item\na,2,3\n", "may be the user: 'user_name', 'user_age'; say which with user="),
        (b"user,item,time\n1,2,2020-01-01\n1,3,5\n", "line 3 has a number, .*line 2 a date; write all"),
    ],
)
def test_files_that_are_no_table(read, content, match):
    with pytest.raises(DataError, match=match):
        read(content)


@pytest.mark.parametrize(
    ("name", "pack"), [("r.csv.gz", gzip.compress), ("r.bz2", bz2.compress), ("r.xz", lzma.compress)]
)
def test_packed_files_are_unpacked_and_a_cut_one_is_an_error(read, name, pack):
    packed = pack(ROWS)
    assert read(packed, name).nnz == 97 * 89
    assert read(packed + pack(b"500,500,1\n"), name).nnz == 97 * 89 + 1
    for n_missing in (4, 9, len(packed) // 2):
        with pytest.raises(DataError, match="is cut off: its compressed stream ends early"):
            read(packed[:-n_missing], name)


def test_damage_in_a_packed_file_is_noticed(read):
    packed = bytearray(gzip.compress(ROWS))
    packed[-6] ^= 0xFF
    with pytest.raises(DataError, match="is damaged: CRC check failed"):
        read(bytes(packed), "r.gz")
    with pytest.raises(DataError, match="is damaged"):
        read(gzip.compress(ROWS) + b"garbage", "r.gz")


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbf" + HEADER + b"1,2,3\n4,5,6\n",
        (HEADER + b"1,2,3\n4,5,6\n").replace(b"\n", b"\r\n"),
        (HEADER + b"1,2,3\n4,5,6\n").replace(b"\n", b"\r"),
        b"\r\n\n" + HEADER + b"1,2,3\r\n\r\n4,5,6\r",
        HEADER + b"1,2,3\n4,5,6",
        b'"user","item","rating"\n"1","2","3"\n4,5,"6"\n',
        b"user;item;rating\n1;2;3\n4;5;6\n",
        b"user\titem\trating\n1\t2\t3\n4\t5\t6\n",
        b"user|item|rating\n1|2|3\n4|5|6\n",
        b"user::item::rating\n1::2::3\n4::5::6\n",
        HEADER + b"1,2, 3.0 \n4,5,+6e0\n",
    ],
)
def test_the_same_table_however_it_is_written(read, content):
    data = read(content)
    assert ids(data) == ([1, 4], [2, 5])
    assert data.user_items.data.tolist() == [3, 6]


def test_separators_of_any_length(read):
    assert read(b"user<--->item\n1<--->a<b\n", separator="<--->").item_ids[0] == "a<b"
    with pytest.raises(ParameterError, match="'separator' parameter must be text without quotes and line ends"):
        read(HEADER + b"1,2,3\n", separator="\n")


@pytest.mark.parametrize("encoding", ["cp949", "utf-16", "utf-16-le", "euc-kr", "utf-8-sig"])
def test_encodings(read, encoding):
    data = read("user,item\n1,기생충\n2,괴물\n".encode(encoding), encoding=encoding)
    assert list(data.item_ids) == ["괴물", "기생충"]


def test_wrong_encodings(read):
    with pytest.raises(DataError, match="line 3 is not cp949: byte 0xff, illegal multibyte sequence"):
        read(HEADER + b"1,a,2\n1,\xff\xff,2\n", encoding="cp949")
    with pytest.raises(ParameterError, match=r"Got 'cp9949' instead\. Did you mean 'cp949'"):
        read(HEADER, encoding="cp9949")
    for encoding in ("base64", "", "x" * 99):
        with pytest.raises(ParameterError, match="must be a text encoding"):
            read(HEADER, encoding=encoding)


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ([b"1", b"2", b"10"], [1, 2, 10]),
        ([b"9223372036854775807", b"-9223372036854775808"], [-(2**63), 2**63 - 1]),
        ([b"9223372036854775808", b"1"], ["1", "9223372036854775808"]),
        ([b"007", b"7"], ["007", "7"]),
        ([b" 7", b"7"], [" 7", "7"]),
        ([b"7.0", b"7"], ["7", "7.0"]),
        ([b"+7", b"7"], ["+7", "7"]),
        ([b"-0", b"0"], ["-0", "0"]),
        ([b"-5", b"0", b"3"], [-5, 0, 3]),
        ([b"a", b"1"], ["1", "a"]),
        ([b"\xea\xb8\xb0", b"Z"], ["Z", "기"]),
        ([b'"a,""b""\nc"', b'"d\r\ne"'], ['a,"b"\nc', "d\r\ne"]),
        ([b"a\x00b", b"a"], ["a", "a\x00b"]),
        ([b"NULL", b"1"], ["1", "NULL"]),
    ],
)
def test_ids_keep_their_type_and_spelling(read, written, kept):
    data = read(b"user,item\n" + b"".join(b"%s,1\n" % id for id in written))
    assert list(data.user_ids) == kept
    assert data.user_ids.is_text == isinstance(kept[0], str)
    assert data.user_ids.is_sorted


def test_the_first_id_that_keeps_a_column_from_being_ints_is_reported(read):
    data = read(b"user,item\n" + b"".join(b"%d,1\n" % row for row in range(100_000)) + b"NULL,1\n")
    assert data.user_ids.is_text
    assert len(data.user_ids) == 100_001
    assert data.report["ids_kept_as_text"]["user"].endswith('line 100002: "NULL"')


def test_negative_values_and_zeros_are_kept(read):
    assert read(HEADER + b"1,1,-3.5\n1,2,0\n").user_items.data.tolist() == [-3.5, 0]


@pytest.mark.parametrize(
    ("name", "match"),
    [
        ("rating.csv", r"there is no file .*rating.csv; did you mean .*ratings.csv\?"),
        ("zzz", "nothing like it"),
        ("no/such/folder.csv", "the directory .*such does not exist"),
        ("", "is a directory; pass a file.*It holds ratings.csv"),
        ("a\x00b", "embedded null byte"),
    ],
)
def test_paths_that_lead_nowhere(tmp_path, name, match):
    (tmp_path / "ratings.csv").write_bytes(HEADER)
    for reader in (read_interactions, read_titles):
        with pytest.raises(DataError, match=match):
            reader(tmp_path / name if name else tmp_path)


def test_addresses_are_not_fetched():
    with pytest.raises(DataError, match="is an address; download the file first"):
        read_interactions("https://example.org/ratings.csv")


def test_random_bytes_never_crash(tmp_path):
    rng = np.random.default_rng(0)
    alphabet = np.frombuffer(b'0123,,,\n\n"" \r\x00\xffab.', dtype=np.uint8)
    path = tmp_path / "noise.csv"
    for _ in range(300):
        path.write_bytes(HEADER + rng.choice(alphabet, rng.integers(1, 400)).tobytes())
        for on_bad_rows in ("error", "skip"):
            with contextlib.suppress(RidgebackError):
                data = read_interactions(path, on_bad_rows=on_bad_rows)
                assert data.nnz == data.report["n_rows"] - data.report["n_skipped"] - data.report["n_duplicates"]
