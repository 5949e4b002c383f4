import datetime as dt
import pickle

import numpy as np
import pytest
import scipy.sparse

from ridgeback.data import Csr, Interactions
from ridgeback.errors import BadRowsError, DataError, ParameterError


def entries(data):
    """(user id, item id, value) of each stored pair."""
    matrix = data.user_items
    return [
        (data.user_ids[user], data.item_ids[item], value)
        for user, item, value in zip(
            matrix.row_of_entry().tolist(), matrix.indices.tolist(), matrix.values().tolist(), strict=True
        )
    ]


def small():
    return Interactions.from_arrays(["b", "a", "b", "c"], [7, 7, 3, 3], [5, 4, 3, 2], timestamps=[1, 2, 3, 4])


def test_ids_are_in_ascending_order_and_both_orientations_agree():
    data = small()
    assert list(data.user_ids) == ["a", "b", "c"]
    assert list(data.item_ids) == [3, 7]
    assert entries(data) == [("a", 7, 4), ("b", 3, 3), ("b", 7, 5), ("c", 3, 2)]
    assert data.timestamps.tolist() == [2, 3, 1, 4]
    assert data.shape == (3, 2)
    assert data.nnz == 4
    assert data.item_users is data.item_users
    np.testing.assert_array_equal(data.item_users.to_scipy().toarray(), data.user_items.to_scipy().toarray().T)


@pytest.mark.parametrize(("rule", "value"), [(None, 2.0), ("last", 2.0), ("sum", 11.0), ("mean", 11 / 3), ("max", 5.0)])
def test_duplicate_rules(rule, value):
    data = Interactions.from_arrays(
        [1, 1, 1], [9, 9, 9], [4, 2, 5], timestamps=[0, 8, 7], weights=[1, 2, 3], duplicates=rule
    )
    assert data.user_items.values().tolist() == pytest.approx([value])
    assert data.timestamps.tolist() == [8]
    assert data.weights.tolist() == [2]
    assert data.report["n_duplicates"] == 2
    assert data.report["duplicates"] == data.duplicates == (rule or "last")
    assert (data.merged_counts is not None) == (rule == "mean")


def test_without_ratings_each_row_counts_one_and_repeats_add_up():
    data = Interactions.from_arrays([1, 1, 2], [9, 9, 9])
    assert data.user_items.data.tolist() == [2, 1]
    assert data.duplicates == "sum"
    assert not data.has_ratings
    assert Interactions.from_arrays([1, 2], [9, 9]).user_items.data is None


def test_event_kinds_are_weighted_and_added_up():
    data = Interactions.from_arrays(
        [1, 1, 2], [9, 9, 9], events=["view", "buy", "view"], event_weights={"view": 1, "buy": 10}
    )
    assert data.user_items.data.tolist() == [11, 1]
    assert not data.has_ratings
    with pytest.raises(BadRowsError, match=r'arrays row 1: events "cart" has no weight in event_weights \(view\)'):
        Interactions.from_arrays([1, 1], [9, 9], events=["view", "cart"], event_weights={"view": 1})


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        ({"events": ["view"]}, "needs 'event_weights'"),
        ({"event_weights": {"view": 1}}, "needs 'event'"),
        ({"events": ["view"], "event_weights": {"view": 1}, "ratings": [1]}, "not both"),
        ({"events": ["view"], "event_weights": {"view": float("nan")}}, "must be a finite number"),
        ({"duplicates": "first"}, "'duplicates' parameter"),
        ({"on_bad_rows": "ignore"}, "'on_bad_rows' parameter must be 'error' or 'skip'"),
    ],
)
def test_wrong_arguments(arguments, match):
    with pytest.raises(ParameterError, match=match):
        Interactions.from_arrays([1], [2], **arguments)


@pytest.mark.parametrize(
    ("column", "values", "match"),
    [
        ("ratings", [1, float("nan"), 3], "row 1: ratings nan is not a finite number within float32"),
        ("ratings", [1, 2, float("-inf")], "row 2: ratings -inf is not a finite number"),
        ("ratings", [1, "n/a", 3], 'row 1: ratings "n/a" is not a number'),
        ("ratings", [1, None, 3], "row 1: ratings is missing"),
        ("ratings", [1, 1e300, 3], "row 1: ratings 1e\\+300 is not"),
        ("weights", [1, -1, 1], "row 1: weights -1 is negative"),
        ("timestamps", [1, 2.5, 3], "row 1: timestamps 2.5 is not a whole number"),
        ("timestamps", ["2020-01-01", "yesterday", None], 'row 1: timestamps "yesterday" is not'),
        ("users", ["a", None, "b"], "row 1: users is missing"),
        ("items", [1, float("nan"), 2], "row 1: items is missing"),
    ],
)
def test_bad_rows_name_row_column_and_value_or_are_skipped_and_counted(column, values, match):
    columns = {"users": [1, 2, 3], "items": [7, 8, 9], column: values}
    with pytest.raises(BadRowsError, match=match + ".*on_bad_rows='skip'"):
        Interactions.from_arrays(**columns)
    data = Interactions.from_arrays(**columns, on_bad_rows="skip")
    n_bad = 2 if values[-1] is None else 1
    assert data.nnz == 3 - n_bad
    assert data.report["n_skipped"] == n_bad
    assert data.report["n_rows"] == 3
    assert len(data.report["skipped"]) == n_bad


def test_negative_values_and_zeros_stay():
    data = Interactions.from_arrays([1, 2], [1, 1], [-3.5, 0])
    assert data.user_items.data.tolist() == [-3.5, 0]


def test_columns_of_different_length():
    with pytest.raises(DataError, match="users 2, items 1"):
        Interactions.from_arrays([1, 2], [1])


@pytest.mark.parametrize(
    ("times", "expected"),
    [
        ([5, -7], [5, -7]),
        ([5.0, 7.0], [5, 7]),
        (["964982703", "5"], [964982703, 5]),
        ([dt.date(1970, 1, 2), dt.date(1970, 1, 1)], [86_400_000_000, 0]),
        (np.array(["1970-01-01T00:00:01", "1969-12-31T23:59:59"], "datetime64[s]"), [1_000_000, -1_000_000]),
        (["1970-01-01T01:00:00+01:00", "1970-01-01 00:00:01.000001Z"], [0, 1_000_001]),
        (
            [dt.datetime(1970, 1, 1, 9, tzinfo=dt.timezone(dt.timedelta(hours=9))), dt.datetime(1970, 1, 1, 1)],
            [0, 3_600_000_000],
        ),
    ],
)
def test_timestamps(times, expected):
    data = Interactions.from_arrays([1, 2], [1, 1], timestamps=times)
    assert data.timestamps.dtype == np.int64
    assert data.timestamps.tolist() == expected


def test_numbers_and_dates_do_not_mix():
    with pytest.raises(DataError, match="arrays row 0 has a number, arrays row 1 a date"):
        Interactions.from_arrays([1, 2], [1, 1], timestamps=[5, "2020-01-01"])


def test_from_csr_keeps_places_and_names_them():
    matrix = scipy.sparse.csr_matrix(np.array([[0, 2, 0], [0, 0, 3]], dtype=np.float64))
    data = Interactions.from_csr(matrix)
    assert list(data.user_ids) == [0, 1]
    assert entries(data) == [(0, 1, 2), (1, 2, 3)]
    named = Interactions.from_csr(matrix, user_ids=["z", "a"], item_ids=[9, 8, 7])
    assert entries(named) == [("z", 8, 2), ("a", 7, 3)]
    assert named.duplicates == "last"
    assert Interactions.from_csr(Csr.from_pairs([0], [0], None, (1, 1))).duplicates == "sum"


def test_from_csr_refuses_what_does_not_fit():
    matrix = scipy.sparse.csr_matrix(np.array([[0, np.nan], [1, 0]]))
    with pytest.raises(DataError, match="row 0, column 1: value nan"):
        Interactions.from_csr(matrix)
    with pytest.raises(DataError, match="user_ids has 1 ids"):
        Interactions.from_csr(scipy.sparse.eye(2, format="csr"), user_ids=["a"])
    with pytest.raises(DataError, match="must be unique"):
        Interactions.from_csr(scipy.sparse.eye(2, format="csr"), user_ids=["a", "a"])


def test_fingerprint_sees_ids_structure_values_and_weights_only():
    base = small().fingerprint()
    assert len(base) == 64
    data = small()
    assert data.item_users.nnz == data.nnz
    assert pickle.loads(pickle.dumps(data)).fingerprint() == base
    assert "item_users" not in vars(pickle.loads(pickle.dumps(data)))
    rows = ["b", "a", "b", "c"], [7, 7, 3, 3], [5, 4, 3, 2]
    assert Interactions.from_arrays(*rows).fingerprint() == base
    assert Interactions.from_arrays(*(column[::-1] for column in rows)).fingerprint() == base
    others = [
        Interactions.from_arrays(rows[0], rows[1]),
        Interactions.from_arrays(rows[0], rows[1], [5, 4, 3, 1]),
        Interactions.from_arrays(rows[0], [7, 7, 3, 7], rows[2]),
        Interactions.from_arrays(rows[0], ["7", "7", "3", "3"], rows[2]),
        Interactions.from_arrays(["b", "a", "b", "d"], *rows[1:]),
        Interactions.from_arrays(*rows, weights=[1, 1, 1, 2]),
    ]
    assert len({base, *(other.fingerprint() for other in others)}) == len(others) + 1


def test_subset_keeps_the_id_tables():
    data = small()
    part = data.subset(data.user_items.values() >= 4)
    assert entries(part) == [("a", 7, 4), ("b", 7, 5)]
    assert part.timestamps.tolist() == [2, 1]
    assert part.user_ids is data.user_ids
    assert part.shape == data.shape


def test_without_user():
    rest = small().without_user(1)
    assert entries(rest) == [("a", 7, 4), ("c", 3, 2)]
    assert rest.shape == (2, 2)
    assert rest.timestamps.tolist() == [2, 4]


@pytest.mark.parametrize(("rule", "value"), [("last", 1.0), ("sum", 6.0), ("max", 5.0), ("mean", 3.0)])
def test_merge_counts_events_as_later(rule, value):
    stored = Interactions.from_arrays(["b", "c"], [7, 3], [5, 2], timestamps=[9, 9], duplicates=rule)
    events = Interactions.from_arrays(["b", "aa"], [7, 1], [1, 4], timestamps=[3, 3], duplicates=rule)
    merged, users, items = stored.merge(events)
    assert list(merged.user_ids) == ["b", "c", "aa"]
    assert list(merged.item_ids) == [3, 7, 1]
    assert entries(merged) == [("b", 7, value), ("c", 3, 2), ("aa", 1, 4)]
    assert merged.timestamps.tolist() == [3, 9, 3]
    assert users.tolist() == [0, 2]
    assert items.tolist() == [1, 2]


def test_merge_of_means_knows_how_many_rows_stand_behind_each():
    stored = Interactions.from_arrays([1, 1, 1], [5, 5, 5], [2, 3, 4], duplicates="mean")
    events = Interactions.from_arrays([1, 2], [5, 5], [7, 1], duplicates="mean")
    merged, _, _ = stored.merge(events)
    assert entries(merged) == [(1, 5, 4), (2, 5, 1)]
    assert merged.merged_counts.tolist() == [4, 1]


def test_merge_matches_ints_with_their_text_and_fills_weights():
    stored = Interactions.from_arrays(["7", "x"], [1, 1], [2, 2])
    events = Interactions.from_arrays([7, 8], [1, 2], [3, 4], weights=[0.5, 1])
    merged, _, _ = stored.merge(events)
    assert list(merged.user_ids) == ["7", "x", "8"]
    assert merged.weights.tolist() == [0.5, 1, 1]


def test_merge_refuses_events_already_merged_by_another_rule():
    stored = Interactions.from_arrays([1], [1], duplicates="sum")
    events = Interactions.from_arrays([1, 1], [1, 1], [2, 3])
    with pytest.raises(DataError, match="read the events with duplicates='sum'"):
        stored.merge(events)


def test_describe_says_what_was_done():
    text = Interactions.from_arrays([1, 1, 2], [1, 1, None], [1, 2, 3], on_bad_rows="skip").describe()
    assert "1 users x 1 items, 1 interactions" in text
    assert "1 row repeated a pair and merged by 'last'" in text
    assert "1 bad row skipped" in text
