import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ridgeback.data.ids import Ids

words = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
numbers = st.integers(-(2**63), 2**63 - 1)
ids_of_one_kind = (
    st.lists(words, max_size=40) | st.lists(numbers, max_size=40) | st.lists(st.integers(-9, 9), max_size=40)
)


@given(ids_of_one_kind)
def test_factorize_round_trip(values):
    codes, ids = Ids.factorize(values)
    assert [ids[c] for c in codes] == values
    assert list(ids) == sorted(set(values))
    assert np.array_equal(ids.rows(values), codes)
    assert [ids.row(v) for v in values] == codes.tolist()


@given(ids_of_one_kind.map(lambda values: list(dict.fromkeys(values))), st.randoms())
def test_order_is_kept(values, random):
    random.shuffle(values)
    ids = Ids.from_sequence(values)
    assert list(ids) == values
    assert ids.rows(values).tolist() == list(range(len(values)))
    assert ids.is_sorted == (values == sorted(values))


@given(st.lists(words | numbers.map(str), unique=True, max_size=20), st.lists(numbers, unique=True, max_size=20))
def test_ints_match_their_text_and_nothing_else(texts, ints):
    text_table, int_table = Ids.from_sequence(texts), Ids.from_sequence(ints)
    expected = [texts.index(str(v)) if str(v) in texts else -1 for v in ints]
    assert text_table.match(int_table).tolist() == expected if ints and texts else True
    back = {str(v): row for row, v in enumerate(ints)}
    if ints and texts:
        assert int_table.match(text_table).tolist() == [back.get(t, -1) for t in texts]


@given(st.lists(words, min_size=1, max_size=30, unique=True), words)
def test_closest_agrees_with_the_textbook_distance(known, asked):
    found = Ids.from_sequence(known).closest(asked, n=2)
    limit = max(1, (len(asked) + 1) // 2)
    ranked = sorted((distance(fold(w), fold(asked)), row) for row, w in enumerate(known))
    assert found == [known[row] for d, row in ranked[:2] if d <= limit]


def fold(word):
    return "".join(c.lower() if c.isascii() else c for c in word)


def distance(a, b):
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        diagonal, row[0] = row[0], i
        for j, y in enumerate(b, 1):
            diagonal, row[j] = row[j], min(diagonal + (x != y), row[j] + 1, row[j - 1] + 1)
    return row[-1]
