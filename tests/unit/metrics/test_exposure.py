"""Gini of exposure and popularity lift, by hand."""

import numpy as np
import pytest

from ridgeback.data.csr import Csr
from ridgeback.metrics import gini, judge, popularity_bias


def test_gini_is_half_the_mean_absolute_difference_over_the_mean():
    exposures = np.random.default_rng(0).poisson(3.0, 50)
    differences = np.abs(exposures[:, None] - exposures[None, :]).mean()
    assert gini(exposures) == pytest.approx(differences / (2 * exposures.mean()))
    assert gini(np.full(7, 3)) == 0.0
    assert gini(np.array([0] * 99 + [5])) == pytest.approx(0.99)
    assert np.isnan(gini(np.zeros(3)))


def test_popularity_bias_by_hand():
    relevant = Csr.from_pairs([0, 1, 2], [0, 0, 0], None, (4, 4))
    lists = judge(np.array([0, 1, 3, 0, 1]), np.array([2, 1, 0, 2]), relevant)
    histories = Csr.from_pairs([0, 0, 1, 2, 3], [2, 3, 3, 0, 0], None, (4, 4))
    found = popularity_bias(lists, 2, np.array([8, 4, 2, 0]), histories)
    assert found[0] == pytest.approx((8 + 4) / 2 / ((2 + 0) / 2) - 1)
    assert np.isnan(found[1])  # whose history is of items that nobody has
    assert np.isnan(found[2])  # whose list is empty
    assert np.isnan(found[3])  # who has nothing relevant
    assert popularity_bias(lists, 1, np.array([8, 4, 2, 0]), histories)[0] == pytest.approx(8 / 1 - 1)
