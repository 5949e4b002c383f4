import pickle

import numpy as np
import pytest

from ridgeback.data.text import Text
from ridgeback.errors import DataError

ODD = ["", "a", "\x00", "a\x00b", "기생충", "𝄞", "é" * 5_000, "", "line\nbreak"]


def test_holds_what_was_given():
    text = Text.from_strings(ODD)
    assert list(text) == ODD
    assert [text[i] for i in range(len(text))] == ODD
    assert text[-1] == ODD[-1]
    assert text.to_numpy().tolist() == ODD
    assert text.offsets.dtype == np.int64
    assert text.data.dtype == np.uint8
    assert text.nbytes == 8 * (len(ODD) + 1) + sum(len(s.encode()) for s in ODD)


def test_empty():
    text = Text.from_strings([])
    assert (len(text), list(text), text == Text.from_buffers([0], b"")) == (0, [], True)


def test_iterates_over_more_than_one_block():
    strings = [str(i) for i in range(150_000)]
    assert list(Text.from_strings(strings)) == strings


@pytest.mark.parametrize("place", [len(ODD), -len(ODD) - 1])
def test_position_outside(place):
    with pytest.raises(IndexError, match="outside a text of 9 strings"):
        Text.from_strings(ODD)[place]


def test_take_keeps_order_and_repeats():
    text = Text.from_strings(ODD)
    assert list(text.take([4, 4, 0])) == [ODD[4], ODD[4], ODD[0]]
    assert list(text.take(np.array([], np.int32))) == []
    assert list(text.take(np.arange(9) == 5)) == ["𝄞"]
    with pytest.raises(IndexError, match="rows must be from 0 to 8; got -1 to 2"):
        text.take([2, -1])
    with pytest.raises(DataError, match="one value a row, 9"):
        text.take(np.array([True]))


def test_equality_and_pickle():
    text = Text.from_strings(ODD)
    assert text == Text.from_strings(ODD)
    assert text != Text.from_strings(ODD[::-1])
    assert text != ODD
    assert pickle.loads(pickle.dumps(text)) == text
    with pytest.raises(TypeError, match="unhashable"):
        hash(text)


def test_repr_is_short():
    assert repr(Text.from_strings(["a", "b"])) == "Text(['a', 'b'])"
    assert repr(Text.from_strings("abcde")) == "Text(['a', 'b', 'c', ... 5 in all])"


def test_refuses_what_is_no_string():
    with pytest.raises(DataError, match=r"strings only; got int \(7\) at position 1; convert"):
        Text.from_strings(["a", 7])


def test_refuses_half_a_surrogate_pair():
    with pytest.raises(DataError, match=r"position 1 \('\\udc80'\) holds half of a surrogate pair"):
        Text.from_strings(["a", "\udc80"])


@pytest.mark.parametrize(
    ("offsets", "data", "message"),
    [
        ([], b"", "from 0 to the number of bytes, 0; got nothing"),
        ([1, 2], b"ab", "got 1 to 2"),
        ([0, 1], b"ab", "number of bytes, 2; got 0 to 1"),
        ([0, 3], b"ab", "got 0 to 3"),
        ([0, 2, 1, 2], b"ab", "must not fall; got 2 then 1 at positions 1 and 2"),
        ([0, 1, 2], b"a\xff", r"position 1 is not valid UTF-8: b'\\xff'"),
        ([0, 1, 3], "é!".encode(), r"position 0 is not valid UTF-8"),
        ([[0, 1]], b"a", "one-dimensional"),
    ],
)
def test_checks_buffers_from_elsewhere(offsets, data, message):
    with pytest.raises(DataError, match=message):
        Text.from_buffers(offsets, data)


@pytest.mark.parametrize(
    "bad",
    [
        b"\x80",
        b"\xc0\xaf",
        b"\xc1\x81",
        b"\xe0\x80\xaf",
        b"\xed\xa0\x80",
        b"\xf0\x80\x80\x80",
        b"\xf4\x90\x80\x80",
        b"\xf5",
        b"\xe2\x82",
        b"12345678\xc3",
    ],
)
def test_knows_malformed_utf8(bad):
    with pytest.raises(UnicodeDecodeError):
        bad.decode()
    with pytest.raises(DataError, match="not valid UTF-8"):
        Text.from_buffers([0, len(bad)], bad)


def test_accepts_every_code_point():
    every = "".join(map(chr, [*range(0xD800), *range(0xE000, 0x110000)]))
    raw = every.encode()
    assert Text.from_buffers([0, len(raw)], raw)[0] == every
