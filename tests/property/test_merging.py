"""Merging later events gives what reading all rows at once would have given."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ridgeback.data import Interactions

RULES = ["sum", "mean", "max", "last"]
rows = st.lists(
    st.tuples(st.integers(0, 6), st.sampled_from("abcde"), st.integers(-4, 9), st.integers(0, 3)),
    min_size=1,
    max_size=40,
)


def build(table, rule, with_weights):
    users, items, values, weights = zip(*table, strict=True)
    return Interactions.from_arrays(users, items, values, weights=weights if with_weights else None, duplicates=rule)


def entries(data):
    matrix = data.user_items
    weights = np.ones(data.nnz) if data.weights is None else data.weights
    users = [data.user_ids[row] for row in matrix.row_of_entry().tolist()]
    items = [data.item_ids[row] for row in matrix.indices.tolist()]
    numbers = zip(matrix.values().tolist(), weights.tolist(), strict=True)
    return dict(zip(zip(users, items, strict=True), numbers, strict=True))


@given(rows, rows, st.sampled_from(RULES), st.booleans())
def test_merge_is_reading_all_at_once(stored, events, rule, with_weights):
    first = build(stored, rule, with_weights)
    merged, touched_users, touched_items = first.merge(build(events, rule, with_weights))
    whole = build(stored + events, rule, with_weights)
    assert entries(merged).keys() == entries(whole).keys()
    for pair, values in entries(whole).items():
        np.testing.assert_allclose(entries(merged)[pair], values, rtol=1e-5, atol=1e-6)
    # Rows stay; new ids follow in ascending order; the touched rows are those of the events.
    assert list(merged.user_ids)[: first.n_users] == list(first.user_ids)
    new = list(merged.user_ids)[first.n_users :]
    assert new == sorted(new)
    assert {merged.user_ids[row] for row in touched_users} == {row[0] for row in events}
    assert {merged.item_ids[row] for row in touched_items} == {row[1] for row in events}
    if rule == "mean":
        assert merged.merged_counts.sum() == len(stored) + len(events)


@given(rows, st.data())
def test_without_user_is_reading_without_the_rows(table, data):
    whole = build(table, "sum", False)
    row = data.draw(st.integers(0, whole.n_users - 1))
    rest = whole.without_user(row)
    gone = whole.user_ids[row]
    assert entries(rest) == {pair: values for pair, values in entries(whole).items() if pair[0] != gone}
    assert rest.shape == (whole.n_users - 1, whole.n_items)
