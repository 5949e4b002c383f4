import copy
import datetime
import decimal
import enum
import pickle
import uuid

import numpy as np
import pandas as pd
import polars as pl
import pytest

from ridgeback.data.ids import Ids
from ridgeback.data.labels import canonical_int
from ridgeback.data.text import Text
from ridgeback.errors import DataError, UnknownIdError

MIN, MAX = -(2**63), 2**63 - 1
ODD_TEXT = ["", "\x00", "a\x00", "a", "007", "7", "기생충", "x" * 100_000, "𝄞", " a", "A"]


class Shop(enum.IntEnum):
    SEOUL = 3


class TestFactorize:
    def test_ints_ascend_by_value(self):
        codes, ids = Ids.factorize(np.array([5, -3, MAX, 5, MIN]))
        assert codes.tolist() == [2, 1, 3, 2, 0]
        assert codes.dtype == np.int32
        assert list(ids) == [MIN, -3, 5, MAX]
        assert ids.to_numpy().dtype == np.int64
        assert not ids.is_text
        assert ids.is_sorted

    def test_ints_close_together(self):
        codes, ids = Ids.factorize([12, 10, 12, 13])
        assert (codes.tolist(), list(ids)) == ([1, 0, 1, 2], [10, 12, 13])

    def test_text_ascends_by_utf8_bytes(self):
        codes, ids = Ids.factorize(ODD_TEXT)
        expected = sorted(ODD_TEXT, key=str.encode)
        assert list(ids) == expected
        assert [ids[c] for c in codes] == ODD_TEXT
        assert ids.is_text
        assert ids.is_sorted

    def test_text_beyond_the_first_eight_bytes(self):
        values = ["abcdefgh", "abcdefghb", "abcdefgha", "abcdefgh\x00", "abcdefg"]
        assert list(Ids.factorize(values)[1]) == sorted(values)

    def test_many_values_with_repeats(self):
        numbers = np.random.default_rng(0).integers(0, 10**12, 30_000)
        numbers = np.concatenate([numbers, numbers[:10_000]])
        for values in (numbers, numbers.astype(str)):
            codes, ids = Ids.factorize(values)
            unique, inverse = np.unique(values, return_inverse=True)
            assert np.array_equal(codes, inverse)
            assert list(ids) == unique.tolist()

    @pytest.mark.parametrize("values", [[], np.array([], np.int64), np.array([], object), Text.from_strings([])])
    def test_nothing(self, values):
        codes, ids = Ids.factorize(values)
        assert (len(codes), len(ids)) == (0, 0)


class TestAcceptedTypes:
    @pytest.mark.parametrize(
        "values",
        [
            [1, 2],
            (1, 2),
            [np.int8(1), np.uint64(2)],
            np.array([1, 2], np.int16),
            np.array([1, 2], np.uint64),
            np.array([1, 2], object),
            np.array([1, 2], ">i4"),
            np.array([1, 0, 2, 0])[::2],
            pd.Series([1, 2]),
            pd.Index([1, 2]),
            pl.Series([1, 2]),
            range(1, 3),
            {1: "x", 2: "y"}.keys(),
        ],
    )
    def test_ints(self, values):
        assert list(Ids.from_sequence(values)) == [1, 2]
        assert not Ids.from_sequence(values).is_text

    def test_int_subclasses(self):
        assert list(Ids.from_sequence([Shop.SEOUL])) == [3]

    @pytest.mark.parametrize(
        "values",
        [
            ["a", "나"],
            [np.str_("a"), "나"],
            np.array(["a", "나"]),
            np.array(["a", "나"], object),
            pd.Series(["a", "나"]),
            pd.Series(["a", "나"], dtype="category"),
            pl.Series(["a", "나"]),
            Text.from_strings(["a", "나"]),
        ],
    )
    def test_text(self, values):
        assert list(Ids.from_sequence(values)) == ["a", "나"]
        assert Ids.from_sequence(values).is_text

    def test_spelling_is_kept(self):
        assert list(Ids.from_sequence(["007", "7", " 7"])) == ["007", "7", " 7"]

    def test_uuids_become_their_text(self):
        one = uuid.UUID("0A0b0c0d-0000-0000-0000-000000000001")
        ids = Ids.from_sequence([one])
        assert list(ids) == ["0a0b0c0d-0000-0000-0000-000000000001"]
        assert ids.row(one) == 0

    @pytest.mark.parametrize(
        ("value", "text"),
        [
            (datetime.date(2026, 1, 31), "2026-01-31"),
            (datetime.datetime(2026, 1, 31, 12), "2026-01-31 12:00:00"),
            (datetime.datetime(2026, 1, 31, 12, 0, 0, 250_000), "2026-01-31 12:00:00.25"),
            (np.datetime64("2026-01-31"), "2026-01-31"),
            (np.datetime64("2026-01-31T12:00:00.500000000"), "2026-01-31 12:00:00.5"),
            (pd.Timestamp("2026-01-31 12:00"), "2026-01-31 12:00:00"),
        ],
    )
    def test_dates_become_their_text(self, value, text):
        ids = Ids.from_sequence([value])
        assert list(ids) == [text]
        assert (ids.row(value), ids.row(text), ids.rows([value]).tolist()) == (0, 0, [0])

    def test_arrays_of_dates(self):
        assert list(Ids.from_sequence(np.array(["2026-01-31"], "M8[D]"))) == ["2026-01-31"]
        assert list(Ids.from_sequence(np.array(["2026-01-31T01"], "M8[ns]"))) == ["2026-01-31 01:00:00"]
        assert list(Ids.from_sequence(pd.Series(pd.to_datetime(["2026-01-31"])))) == ["2026-01-31 00:00:00"]


class TestRefusedTypes:
    @pytest.mark.parametrize(
        ("values", "message"),
        [
            ([1.0, 2.0], r"got float \(1.0\) at position 0; if these are whole numbers .*astype\('int64'\)"),
            (np.array([1.0]), r"got float64 .*astype\('int64'\)"),
            (np.array([], np.float32), "got float32"),
            ([np.float32(2)], "got float32"),
            ([float("nan")], "must not be missing; got float at position 0; leave such rows out"),
            (["a", float("nan")], "missing; got float at position 1"),
            (["a", None], "missing; got NoneType at position 1"),
            (pd.Series([1, None], dtype="Int64"), "missing; got float64 at position 1"),
            (pd.Series(["a", None]), "missing; got .* at position 1"),
            (pl.Series([1, None]), "missing; got float64 at position 1"),
            (np.array(["2026-01-31", "NaT"], "M8[D]"), "missing; got NaT at position 1"),
            ([np.datetime64("NaT")], "missing; got NaT at position 0"),
            ([pd.NaT], "missing; got NaTType at position 0"),
            ([True], r"got bool \(True\) at position 0"),
            ([1, True], r"got bool \(True\) at position 1"),
            (np.array([True]), "got bool"),
            ([np.bool_(False)], "got bool"),
            ([1, "a"], r"one kind; got int at position 0 \(1\) and text at position 1 \('a'\); convert all of them"),
            (np.array(["a", 1], object), "one kind; got text at position 0"),
            ([datetime.date(2026, 1, 1), "2026-01-01"], "one kind; got date .* and text"),
            ([b"a"], "got bytes .*decode"),
            (np.array([b"a"]), "got bytes8 .*decode"),
            ([decimal.Decimal(1)], r"got Decimal .*str\(\)"),
            ([(1, 2)], "got tuple"),
            (np.array([1j]), "got complex128"),
            (np.array([2**63], np.uint64), "must fit 64 bits .* got 9223372036854775808 at position 0; convert"),
            ([1, MAX + 1], "got 9223372036854775808 at position 1"),
            ([MIN - 1], "must fit 64 bits"),
            (["\ud800"], "half of a surrogate pair"),
            (np.array([[1, 2]]), r"one-dimensional; got shape \(1, 2\)"),
            ("abc", "sequence of ids, .* got str .* into a list"),
            (b"abc", "got bytes .* into a list"),
            (7, "got int .* into a list"),
            (None, "got NoneType"),
            ({"a": 1}, "got dict"),
        ],
    )
    def test_message_says_what_to_do(self, values, message):
        for make in (Ids.factorize, Ids.from_sequence):
            with pytest.raises(DataError, match=message):
                make(values)

    def test_message_uses_the_callers_name(self):
        with pytest.raises(DataError, match=r"^candidates must"):
            Ids.from_sequence([1.5], "candidates")

    @pytest.mark.parametrize(
        "values", [["a", "b", "a"], [3, 1, 3], np.array([3, 1, 3]), Text.from_strings(["a", "b", "a"])]
    )
    def test_repeats(self, values):
        with pytest.raises(DataError, match=r"unique; got .* at positions 0 and 2; leave out one"):
            Ids.from_sequence(values)


@pytest.fixture(params=["sorted ints", "ints", "text"])
def table(request):
    return {
        "sorted ints": Ids.from_sequence([MIN, -1, 0, 7, 12_345, MAX]),
        "ints": Ids.from_sequence([7, MAX, 0, MIN, 12_345, -1]),
        "text": Ids.from_sequence(ODD_TEXT),
    }[request.param]


class TestLookup:
    def test_every_id_has_its_row(self, table):
        n = len(table)
        assert [table.row(v) for v in table] == list(range(n))
        assert table.rows(list(table)).tolist() == list(range(n))
        assert table.rows(table.to_numpy()).tolist() == list(range(n))
        assert table.rows(table).tolist() == list(range(n))
        assert table.rows(list(table)).dtype == np.int32
        assert all(v in table for v in table)

    def test_without_ids(self):
        for empty in (Ids.from_sequence([]), Ids.from_sequence(np.array([], np.int64))):
            assert empty.rows([1]).tolist() == [-1]
            assert empty.rows(["a"]).tolist() == [-1]
            assert empty.closest("a") == []
            with pytest.raises(UnknownIdError, match=r"^id 1 is unknown among 0 ids"):
                empty.row(1)

    def test_numpy_scalars(self):
        ids = Ids.from_sequence([5, 6])
        assert [ids.row(kind(6)) for kind in (int, np.int8, np.uint64, np.int64)] == [1] * 4
        assert Ids.from_sequence(["a"]).row(np.str_("a")) == 0
        assert (type(ids[0]), type(ids[np.int32(1)])) == (int, int)

    def test_unknown_is_minus_one(self):
        assert Ids.from_sequence([5, 6]).rows([6, 8, -5]).tolist() == [1, -1, -1]
        assert Ids.from_sequence([6, 5]).rows([6, 8, -5]).tolist() == [0, -1, -1]
        assert Ids.from_sequence(["a", "b"]).rows(["c", "a", "", "a\x00"]).tolist() == [-1, 0, -1, -1]
        assert Ids.from_sequence(["a"]).rows([]).tolist() == []

    def test_types_are_kept_apart(self):
        assert Ids.from_sequence(["5"]).rows([5]).tolist() == [-1]
        assert Ids.from_sequence([5]).rows(["5"]).tolist() == [-1]
        assert Ids.from_sequence([5]).rows(["5", 5, 2**70, Shop.SEOUL]).tolist() == [-1, 0, -1, -1]
        assert Ids.from_sequence(["a"]).rows(["\ud800", "a"]).tolist() == [-1, 0]
        for odd in (1, 1.0, True, None, "1.0", b"1", [1], float("nan")):
            assert odd not in Ids.from_sequence(["1"])
        for odd in ("1", 1.0, True, None, 2**70):
            assert odd not in Ids.from_sequence([1])

    @pytest.mark.parametrize("values", [[1.0], [None], [1, True], "abc", 7, np.array([1.5])])
    def test_what_cannot_be_an_id_is_refused(self, values):
        with pytest.raises(DataError, match="ids must"):
            Ids.from_sequence([1]).rows(values)

    def test_a_broken_table_is_harmless(self):
        values = Text.from_strings(["a", "b", "c"])
        for slot in (0, 3, 1 << 30, -7):
            table = np.full(8, slot, np.int32)
            assert Ids(values, index=table).rows(["x", "y"]).tolist() == [-1, -1]

    def test_given_index_is_used(self, monkeypatch):
        ids = Ids.from_sequence(["a", "b"])
        monkeypatch.setattr("ridgeback.data.ids._build_table", None)
        assert Ids(ids.values, index=ids.index).row("b") == 1
        assert Ids.from_sequence(np.array([1, 2])).index is None


class TestUnknown:
    @pytest.mark.parametrize(
        ("known", "asked", "message"),
        [
            (["alice", "bob"], "alise", r"^id 'alise' is unknown among 2 ids; the closest is 'alice'\.$"),
            (["alice", "bob"], "ALICE", "closest is 'alice'"),
            (["알파벳", "beta"], "알파벨", "closest is '알파벳'"),
            (["alice"], "zzz", r"^id 'zzz' is unknown among 1 ids\.$"),
            ([10, 20, 30, 40], 21, "closest are 20, 30, 10"),
            ([40, 10, 30, 20], 21, "closest are 20, 30, 10"),
            ([1, 2], "2", r"'2' is unknown among 2 ids, which are ints; the closest are 2, 1"),
            (["7", "8"], 7, r"7 is unknown among 2 ids, which are text; the closest are '7', '8'"),
            ([1, 2], 2.0, r"2.0 is unknown among 2 ids, which are ints\."),
            ([1, 2], 10**30, "closest are 2, 1"),
            (["a"], "\ud800", r"unknown"),
        ],
    )
    def test_message_names_the_closest(self, known, asked, message):
        with pytest.raises(UnknownIdError, match=message):
            Ids.from_sequence(known).row(asked)

    def test_message_uses_the_callers_name(self):
        with pytest.raises(UnknownIdError, match=r"^user 3 is unknown"):
            Ids.from_sequence([1]).row(3, "user")

    def test_closest_is_the_edit_distance(self):
        words = ["kitten", "sitting", "Saturday", "Sunday", "", "k", "x" * 300]
        ids = Ids.from_sequence(words)
        assert ids.closest("sittin") == ["sitting", "kitten"]
        assert ids.closest("sunday", n=2) == ["Sunday", "Saturday"]
        assert ids.closest("saturdai", n=1) == ["Saturday"]
        assert ids.closest("x" * 299) == ["x" * 300]
        assert ids.closest("") == ["", "k"]
        assert ids.closest("kitten", n=0) == []

    def test_search_is_bounded(self, monkeypatch):
        monkeypatch.setattr("ridgeback.data.closest._MAX_COMPARED", 10)
        ids = Ids.from_sequence([f"user-{i:03d}" for i in range(500)])
        assert "user-250" in ids.closest("user-250x")
        unsorted = Ids.from_sequence([f"user-{i:03d}" for i in range(499, -1, -1)])
        assert unsorted.closest("user-250x")[0] in list(unsorted)[:10]


class TestTwoTables:
    def test_same_kind(self, table):
        other = table.take(np.arange(len(table))[::-1])
        assert table.match(other).tolist() == list(range(len(table)))[::-1]

    def test_ints_match_their_canonical_text(self):
        numbers = Ids.from_sequence([7, -5, MAX, MIN, 0])
        words = Ids.from_sequence(
            ["007", "7", "-5", "+7", "-0", "0", " 7", str(MAX), str(MIN), str(MAX + 1), "", "7\x00"]
        )
        assert numbers.match(words).tolist() == [-1, 0, 1, -1, -1, 4, -1, 2, 3, -1, -1, -1]
        assert words.match(numbers).tolist() == [1, 2, 7, 8, 5]
        assert words.rows(numbers).tolist() == [1, 2, 7, 8, 5]

    @pytest.mark.parametrize(
        "text", ["007", "7", "-5", "+7", "-0", "0", " 7", str(MAX), str(MAX + 1), "", "٣", "²", "1_0", "-"]
    )
    def test_one_definition_of_canonical(self, text):
        found = Ids.from_sequence([7, -5, 0, MAX, 3, 10]).match(Ids.from_sequence([text]))[0]
        assert (canonical_int(text) is None) == (found < 0)

    def test_parse(self):
        assert Ids.from_sequence([7]).parse("12") == 12
        assert Ids.from_sequence(["7"]).parse("007") == "007"
        with pytest.raises(UnknownIdError, match="id '007' is unknown among 1 ids, which are ints; the closest is 7"):
            Ids.from_sequence([7]).parse("007")

    def test_append(self):
        text = Ids.from_sequence(["b", "a"]).append(Ids.from_sequence(["c"]))
        assert (list(text), text.row("c"), text.is_sorted) == (["b", "a", "c"], 2, False)
        ints = Ids.from_sequence([5, 9]).append(Ids.from_sequence([7]))
        assert (list(ints), ints.row(7), ints.is_sorted) == ([5, 9, 7], 2, False)
        assert list(Ids.from_sequence(["a"]).append(Ids.from_sequence([7]))) == ["a", "7"]
        assert list(Ids.from_sequence([1]).append(Ids.from_sequence(["7"]))) == [1, 7]
        with pytest.raises(DataError, match="are ints; got the text '07'"):
            Ids.from_sequence([1]).append(Ids.from_sequence(["7", "07"]))
        for one in (Ids.from_sequence([1]), Ids.from_sequence(["1"])):
            with pytest.raises(DataError, match="must be unique"):
                one.append(Ids.from_sequence([1]))

    def test_take_and_drop(self, table):
        values = list(table)
        assert list(table.take([3, 0])) == [values[3], values[0]]
        assert list(table.drop(1)) == values[:1] + values[2:]
        assert table.drop(1).rows([values[1], values[2]]).tolist() == [-1, 1]
        with pytest.raises(IndexError, match="rows must be from 0"):
            table.take([-1])


class TestAsObject:
    def test_equality(self, table):
        assert table == table.take(np.arange(len(table)))
        assert table != table.drop(0)
        assert Ids.from_sequence([1]) != Ids.from_sequence(["1"])
        assert Ids.from_sequence(["1"]) != Ids.from_sequence([1])
        assert table != list(table)

    def test_copies(self, table):
        for twin in (copy.copy(table), copy.deepcopy(table), pickle.loads(pickle.dumps(table))):
            assert twin == table
            assert twin.row(table[2]) == 2

    def test_repr(self):
        assert repr(Ids.from_sequence([4, 5, 6, 7])) == "Ids(4 int: 4, 5, 6, ...)"

    def test_holds_no_python_object_an_id(self):
        ids = Ids.factorize([f"user-{i}" for i in range(10_000)])[1]
        assert all(isinstance(part, np.ndarray) for part in (ids.values.offsets, ids.values.data, ids.index))
        assert ids.nbytes < 10_000 * (8 + 9 + 16) + 100_000


class TestHashTable:
    """The table as docs/model-file.md specifies it, once more in plain Python."""

    @staticmethod
    def specified_table(strings):
        size = 2
        while size < 2 * len(strings):
            size *= 2
        table = [-1] * size
        for row, string in enumerate(strings):
            value = 0xCBF29CE484222325
            for byte in string.encode():
                value = ((value ^ byte) * 0x100000001B3) % 2**64
            slot = (value * 0x9E3779B97F4A7C15 % 2**64) >> (64 - (size.bit_length() - 1))
            while table[slot] >= 0:
                slot = (slot + 1) % size
            table[slot] = row
        return table

    @pytest.mark.parametrize("n", [0, 1, 2, 3, 4, 1000])
    def test_follows_the_specification(self, n):
        strings = [f"영화 {i}" for i in range(n)]
        assert Ids.from_sequence(strings).index.tolist() == self.specified_table(strings)

    def test_searches_stay_short(self):
        n = 100_000
        for pattern in ("user-{:07d}", "{}", "{:x}", "https://shop.example/item/{}?ref=mail"):
            strings = [pattern.format(i) for i in range(n)]
            table = Ids.from_sequence(strings).index
            taken = np.flatnonzero(table >= 0)
            gaps = np.diff(np.flatnonzero(np.concatenate([[True], table < 0, [True]])))
            assert len(taken) == n
            assert gaps.max() < 200, pattern


def test_a_million_ids():
    n = 1_000_000
    numbers = np.random.default_rng(3).permutation(n) * 11
    text = Text.from_strings([f"u{v}" for v in numbers.tolist()])
    for values in (numbers, text):
        codes, ids = Ids.factorize(values)
        assert (len(ids), ids.is_sorted) == (n, True)
        assert np.array_equal(ids.rows(values), codes)
        assert np.array_equal(np.sort(codes), np.arange(n))
        kept = Ids.from_sequence(values)
        assert np.array_equal(kept.rows(values), np.arange(n))
