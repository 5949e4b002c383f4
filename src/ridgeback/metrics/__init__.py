"""Ranking and rating metrics: functions on arrays."""

from ridgeback.metrics.auc import auc_by_user, standing
from ridgeback.metrics.calibration import calibration_error, reliability
from ridgeback.metrics.exposure import gini, popularity_bias
from ridgeback.metrics.names import is_higher_better, parse
from ridgeback.metrics.ranking import judge, mean_over_users, ranking_metric
from ridgeback.metrics.rating import log_loss, mae, rmse
from ridgeback.metrics.similarity import intra_list_similarity

__all__ = [
    "auc_by_user",
    "calibration_error",
    "gini",
    "intra_list_similarity",
    "is_higher_better",
    "judge",
    "log_loss",
    "mae",
    "mean_over_users",
    "parse",
    "popularity_bias",
    "ranking_metric",
    "reliability",
    "rmse",
    "standing",
]
