"""Ranking metrics on cases small enough to work out by hand."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from ridgeback.data.csr import Csr
from ridgeback.errors import ParameterError
from ridgeback.metrics.ranking import (
    average_precision,
    coverage,
    hit_rate,
    judge,
    mean_over_users,
    ndcg,
    novelty,
    precision,
    ranking_metric,
    recall,
    recall_capped,
    reciprocal_rank,
)

# User 0: list 4 1 3, relevant 1 3 5 7. User 1: list 0 2, relevant 0. User 2: empty list, relevant 6.
# User 3: list 2 5, nothing relevant.
ITEMS = np.array([4, 1, 3, 0, 2, 2, 5], dtype=np.int32)
COUNTS = np.array([3, 2, 0, 2])
RELEVANT = Csr(np.array([0, 4, 5, 6, 6]), np.array([1, 3, 5, 7, 0, 6], dtype=np.int32), None, (4, 8))
LISTS = judge(ITEMS, COUNTS, RELEVANT)


def test_hits_are_marked_user_by_user():
    assert LISTS.is_hit.tolist() == [False, True, True, True, False, False, False]
    assert LISTS.ranks.tolist() == [1, 2, 3, 1, 2, 1, 2]
    assert LISTS.hits_so_far.tolist() == [0, 1, 2, 1, 1, 0, 0]


def test_recall_divides_by_all_relevant_items():
    assert_allclose(recall(LISTS, 3), [2 / 4, 1, 0, np.nan])
    assert_allclose(recall(LISTS, 2), [1 / 4, 1, 0, np.nan])


def test_recall_capped_divides_by_what_k_places_can_hold():
    assert_allclose(recall_capped(LISTS, 3), [2 / 3, 1, 0, np.nan])
    assert_allclose(recall_capped(LISTS, 2), [1 / 2, 1, 0, np.nan])


def test_precision_divides_by_k_even_for_short_lists_and_few_relevant_items():
    assert_allclose(precision(LISTS, 3), [2 / 3, 1 / 3, 0, np.nan])
    assert_allclose(precision(LISTS, 10), [2 / 10, 1 / 10, 0, np.nan])


def test_precision_is_not_capped_recall():
    relevant = Csr(np.array([0, 1]), np.array([2], dtype=np.int32), None, (1, 8))
    lists = judge(np.array([2, 3, 4, 5]), np.array([4]), relevant)
    assert precision(lists, 4).tolist() == [0.25]
    assert recall_capped(lists, 4).tolist() == [1.0]


def test_hit_rate():
    assert_allclose(hit_rate(LISTS, 3), [1, 1, 0, np.nan])
    assert_allclose(hit_rate(LISTS, 1), [0, 1, 0, np.nan])


def test_ndcg_has_binary_gain_and_the_ideal_of_min_k_relevant():
    gain = 1 / np.log2(3) + 1 / np.log2(4)
    ideal = 1 + 1 / np.log2(3) + 1 / np.log2(4)
    assert_allclose(ndcg(LISTS, 3), [gain / ideal, 1, 0, np.nan])
    assert_allclose(ndcg(LISTS, 10), [gain / (ideal + 1 / np.log2(5)), 1, 0, np.nan])


def test_map_divides_by_min_k_relevant():
    assert_allclose(average_precision(LISTS, 3), [(1 / 2 + 2 / 3) / 3, 1, 0, np.nan])
    assert_allclose(average_precision(LISTS, 10), [(1 / 2 + 2 / 3) / 4, 1, 0, np.nan])


def test_mrr_is_zero_when_nothing_is_found():
    assert_allclose(reciprocal_rank(LISTS, 3), [1 / 2, 1, 0, np.nan])
    assert_allclose(reciprocal_rank(LISTS, 1), [0, 1, 0, np.nan])


def test_novelty_is_mean_surprisal_in_bits():
    counts = np.array([8, 4, 2, 1, 8, 8, 0, 8])
    values = novelty(LISTS, 3, counts, n_users=8)
    assert_allclose(values, [(0 + 1 + 3) / 3, (0 + 2) / 2, np.nan, np.nan])


def test_novelty_of_an_item_nobody_has_is_finite():
    lists = judge(np.array([0]), np.array([1]), Csr(np.array([0, 1]), np.array([1], dtype=np.int32), None, (1, 2)))
    assert novelty(lists, 1, np.array([0, 3]), n_users=8).tolist() == [3.0]


def test_coverage_counts_items_shown_to_judged_users():
    assert coverage(LISTS, 3, 8) == 5 / 8  # 4 1 3 0 2; item 5 went to a user without relevant items alone
    assert coverage(LISTS, 1, 8) == 2 / 8


def test_users_without_relevant_items_do_not_lower_the_mean():
    assert mean_over_users(recall(LISTS, 3)) == pytest.approx((0.5 + 1 + 0) / 3)
    assert ranking_metric("recall@3", ITEMS, COUNTS, RELEVANT) == pytest.approx(0.5)


def test_relevant_items_without_a_column_count_as_missed():
    lists = judge(ITEMS, COUNTS, RELEVANT, n_relevant=np.array([8, 1, 1, 0]))
    assert recall(lists, 3)[0] == 2 / 8


def test_no_user_to_judge_gives_nan():
    empty = Csr(np.array([0, 0]), np.empty(0, dtype=np.int32), None, (1, 8))
    assert np.isnan(ranking_metric("ndcg@3", np.array([1, 2]), np.array([2]), empty))


def test_ranking_metric_of_the_whole_lists():
    counts = np.array([8, 4, 2, 1, 8, 8, 0, 8])
    assert ranking_metric("coverage@3", ITEMS, COUNTS, RELEVANT, item_counts=counts) == 5 / 7
    assert ranking_metric("novelty@3", ITEMS, COUNTS, RELEVANT, item_counts=counts, n_users=8) == pytest.approx(7 / 6)
    with pytest.raises(ParameterError, match="needs the training counts"):
        ranking_metric("novelty@3", ITEMS, COUNTS, RELEVANT, item_counts=counts)


@pytest.mark.parametrize("metric", ["ndcg", "ndcg@0", "ndcg@-1", "ndcg@x", "rmse@3", "auc@²", "", 3])
def test_unknown_metrics_are_refused(metric):
    with pytest.raises(ParameterError, match="'metric' parameter must be one of recall@k"):
        ranking_metric(metric, ITEMS, COUNTS, RELEVANT)


def test_rating_metrics_are_refused():
    with pytest.raises(ParameterError, match="'rmse' judges ratings"):
        ranking_metric("rmse", ITEMS, COUNTS, RELEVANT)


def test_lists_that_do_not_fit_are_refused():
    with pytest.raises(ParameterError, match="3 counts that sum to 5 for 4 users and 7 items"):
        judge(ITEMS, COUNTS[:3], RELEVANT)
