"""Whatever is written as delimited text is read back, however the file is cut into blocks."""

import csv
import io
import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ridgeback import _native, read_interactions

VALUE, ID = 1, 0
CELL, WORD = 1, 0

ids = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=6)
tables = st.lists(st.tuples(ids, ids, st.floats(-1e6, 1e6, width=32)), min_size=1, max_size=30)


def as_csv(rows, line_end):
    out = io.StringIO()
    csv.writer(out, lineterminator=line_end, quoting=csv.QUOTE_ALL).writerows(rows)
    return out.getvalue().encode()


def read_blocks(text, cuts):
    """User ids, item ids and values by row, the text being fed in pieces."""
    table = _native.EventTable([ID, ID, VALUE], [CELL, CELL, WORD], [], [], True, 5)
    table.set_dialect(",", True, 3, [0, 1, 2], 0)
    edges = [0, *sorted(cuts), len(text)]
    for begin, end in itertools.pairwise(edges):
        assert table.add_text(text[begin:end], False, 2)
    assert table.add_text(b"", True, 2)
    table.finish(2)
    return [labels(table.ids(role), table.codes(role)) for role in (0, 1)] + [table.floats(2).tolist()]


def labels(ids, codes):
    if isinstance(ids, tuple):
        offsets, data = ids
        words = [data[a:b].tobytes().decode() for a, b in itertools.pairwise(offsets)]
        assert words == sorted(words, key=str.encode)
    else:
        words = [str(id) for id in ids.tolist()]
        assert (np.diff(ids) > 0).all()
    return [words[code] for code in codes.tolist()]


@given(tables, st.sampled_from(["\n", "\r\n"]), st.lists(st.integers(0, 400), max_size=6))
def test_quoted_text_comes_back_whatever_is_in_it(rows, line_end, cuts):
    text = as_csv(rows, line_end)
    users, items, values = read_blocks(text, [min(cut, len(text)) for cut in cuts])
    assert users == [row[0] for row in rows]
    assert items == [row[1] for row in rows]
    assert values == [row[2] for row in rows]


@given(tables)
@settings(max_examples=20)
def test_every_cut_gives_the_same(rows):
    text = as_csv(rows, "\r\n")
    assert read_blocks(text, range(len(text))) == read_blocks(text, [])


@given(st.lists(st.tuples(st.integers(-(2**63), 2**63 - 1), st.integers(0, 50)), min_size=1, max_size=50))
def test_ints_stay_ints(tmp_path_factory, rows):
    path = tmp_path_factory.mktemp("ints") / "events.csv"
    path.write_text("user,item\n" + "".join(f"{user},{item}\n" for user, item in rows))
    data = read_interactions(path)
    assert list(data.user_ids) == sorted({user for user, _ in rows})
    assert data.user_items.values().sum() == len(rows)


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False, width=32), min_size=1, max_size=50), st.data())
def test_numbers_are_read_to_the_bit(values, data):
    spelled = [
        data.draw(st.sampled_from([repr, "{:.9e}".format, "{:.60f}".format])).__call__(value) for value in values
    ]
    text = "".join(f"a,{row},{word}\n" for row, word in enumerate(spelled)).encode()
    assert np.float32(read_blocks(text, [])[2]).tobytes() == np.float32(values).tobytes()


def test_a_large_quoted_file_agrees_with_the_csv_module(tmp_path):
    rng = np.random.default_rng(3)
    words = ["plain", 'with "quotes"', "two\nlines", "comma, inside", "기생충", "carriage\r\nreturn", ""]
    rows = [
        (f"u{u} {words[w]}", f"{words[v]}#{i}", value)
        for u, w, v, i, value in zip(
            *(rng.integers(0, n, 120_000).tolist() for n in (5000, 7, 7, 300)),
            rng.random(120_000).tolist(),
            strict=True,
        )
    ]
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(rows)
    text = out.getvalue().encode()
    assert len(text) > 4_000_000  # several pieces
    users, items, values = read_blocks(text, [1_000_003, 3_000_000])
    assert users == [row[0] for row in rows]
    assert items == [row[1] for row in rows]
    np.testing.assert_array_equal(np.float32(values), np.float32([row[2] for row in rows]))


@pytest.mark.parametrize(
    "stages", [("small", "large"), ("large", "words"), ("small", "words"), ("small", "large", "words")]
)
def test_ids_that_turn_out_to_be_of_another_kind_late(stages):
    rng = np.random.default_rng(len(stages))
    kinds = {
        "small": lambda n: [str(id) for id in rng.integers(0, 5000, n)],
        "large": lambda n: [str(id) for id in rng.integers(-(2**62), 2**62, n) // 2**50 * 2**40 + 3],
        "words": lambda n: [f"w{id}" for id in rng.integers(0, 3000, n)],
    }
    users = [id for stage in stages for id in kinds[stage](60_000)]
    text = "".join(f"{user},1,1\n" for user in users).encode()
    cuts = range(0, len(text), 400_000)
    assert read_blocks(text, cuts)[0] == users


def test_sparse_ints_are_numbered_without_a_table_as_long_as_the_largest():
    users = (np.random.default_rng(0).integers(0, 2**31 - 1, 3000) // 1000 * 1000).tolist()
    assert read_blocks("".join(f"{user},1,1\n" for user in users).encode(), [])[0] == [str(user) for user in users]
