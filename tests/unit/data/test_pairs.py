import numpy as np
import pytest

from ridgeback.data.pairs import RULES, PairTable, check_rule, merge_pairs
from ridgeback.errors import ParameterError


def merge_slowly(users, items, values, weights, times, rule):
    """The twin: a dictionary of rows."""
    groups = {}
    for row, pair in enumerate(zip(users.tolist(), items.tolist(), strict=True)):
        groups.setdefault(pair, []).append(row)
    entries = []
    for pair in sorted(groups):
        rows = groups[pair]
        latest = max(rows, key=lambda row: (times[row], row))
        value = {
            "sum": values[rows].sum(),
            "mean": values[rows].mean(),
            "max": values[rows].max(),
            "last": values[latest],
        }[rule]
        entries.append((*pair, value, weights[latest], times[latest], len(rows)))
    return entries


@pytest.mark.parametrize("is_wide", [False, True])
@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize(("n", "shape"), [(0, (3, 4)), (1, (1, 1)), (3000, (37, 53)), (70_000, (5000, 40))])
def test_agrees_with_the_slow_twin(n, shape, rule, is_wide):
    rng = np.random.default_rng(n)
    users, items = (rng.integers(0, size, n).astype(np.int32) for size in shape)
    values = rng.integers(-5, 5, n).astype(np.float32)
    weights = rng.random(n).astype(np.float32)
    times = rng.integers(0, 4, n)
    expected = merge_slowly(users, items, values, weights, times, rule)
    table = PairTable(users, items, values, weights, times)
    merged = merge_pairs(table, shape, rule, with_counts=True, is_wide=is_wide, n_threads=3)
    columns = (
        merged.matrix.row_of_entry(),
        merged.matrix.indices,
        merged.matrix.values(),
        merged.weights,
        merged.timestamps,
        merged.counts,
    )
    assert len(merged.matrix.indices) == len(expected)
    assert merged.n_duplicates == n - len(expected)
    for column, wanted in zip(columns, zip(*expected, strict=True), strict=False):
        np.testing.assert_allclose(column, wanted, rtol=1e-6)


def test_threads_do_not_change_the_result():
    rng = np.random.default_rng(1)
    users, items = (rng.integers(0, size, 300_000).astype(np.int32) for size in (1000, 700))
    values = rng.random(300_000).astype(np.float32)
    results = [
        merge_pairs(PairTable(users, items, values), (1000, 700), "sum", n_threads=n).matrix.data for n in (1, 3, 64)
    ]
    assert (results[0] == results[1]).all()
    assert (results[0] == results[2]).all()


def test_rows_without_values_are_counted_by_sum_only():
    pairs = np.int32([0, 0, 1]), np.int32([2, 2, 0])
    assert merge_pairs(PairTable(*pairs), (2, 3), "sum").matrix.data.tolist() == [2, 1]
    assert merge_pairs(PairTable(*pairs), (2, 3), "max").matrix.data is None


def test_a_table_is_merged_once():
    table = PairTable(np.int32([0]), np.int32([0]))
    merge_pairs(table, (1, 1), "sum")
    with pytest.raises(ParameterError, match="already merged"):
        merge_pairs(table, (1, 1), "sum")


def test_unknown_rule():
    with pytest.raises(ParameterError, match=r"'duplicates' parameter must be one of 'sum', .* Got 'first' instead"):
        check_rule("first")
