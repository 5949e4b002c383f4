"""Rating metrics against scikit-learn and by hand."""

import numpy as np
import pytest
import sklearn.metrics

from ridgeback.errors import ParameterError
from ridgeback.metrics.names import is_higher_better, list_lengths
from ridgeback.metrics.rating import log_loss, mae, rmse


@pytest.fixture
def pairs():
    rng = np.random.default_rng(3)
    return rng.integers(1, 6, 501).astype(np.float32), rng.uniform(1, 5, 501).astype(np.float32)


def test_rmse_and_mae_by_hand():
    assert rmse([1, 2, 3], [1, 4, 2]) == pytest.approx(np.sqrt(5 / 3))
    assert mae([1, 2, 3], [1, 4, 2]) == pytest.approx(1.0)


def test_rmse_and_mae_against_scikit_learn(pairs):
    actual, predicted = (array.astype(np.float64) for array in pairs)
    assert rmse(*pairs) == pytest.approx(sklearn.metrics.root_mean_squared_error(actual, predicted), rel=1e-12)
    assert mae(*pairs) == pytest.approx(sklearn.metrics.mean_absolute_error(actual, predicted), rel=1e-12)


def test_log_loss_against_scikit_learn(pairs):
    yes = pairs[0] > 2
    probability = (pairs[1].astype(np.float64) - 1) / 4
    assert log_loss(yes, probability) == pytest.approx(sklearn.metrics.log_loss(yes, probability), rel=1e-12)


def test_log_loss_of_a_sure_mistake_is_finite():
    assert log_loss([1, 0], [0.0, 1.0]) == pytest.approx(52 * np.log(2))
    assert log_loss([1, 0], [1.0, 0.0]) == pytest.approx(0.0, abs=1e-15)
    assert log_loss([True, False], [0.5, 0.5]) == pytest.approx(np.log(2))


def test_what_cannot_be_judged_is_refused():
    with pytest.raises(ParameterError, match=r"Got shapes \(2,\) and \(3,\)"):
        rmse([1, 2], [1, 2, 3])
    with pytest.raises(ParameterError, match="no pair to judge"):
        mae([], [])
    with pytest.raises(ParameterError, match=r"must lie in \[0, 1\]. Got 0.5 to 1.5"):
        log_loss([1, 0], [0.5, 1.5])


def test_which_way_is_better():
    assert is_higher_better("ndcg@10")
    assert not is_higher_better("rmse")


def test_list_lengths():
    assert list_lengths(10) == (10,)
    assert list_lengths((20, 10, np.int64(10))) == (10, 20)
    for bad in ((), 0, (5, 0), True, 2.5, "ab"):
        with pytest.raises(ParameterError, match="'k' parameter must be list lengths"):
            list_lengths(bad)
