"""Judging models: protocols, reports and their comparison, and sweeps over the number of factors."""

from ridgeback.evaluation.comparison import Comparison
from ridgeback.evaluation.factor_sweep import FactorSweep, SweepRow
from ridgeback.evaluation.judging import evaluate
from ridgeback.evaluation.report import Report
from ridgeback.evaluation.sweeping import sweep_factors

__all__ = ["Comparison", "FactorSweep", "Report", "SweepRow", "evaluate", "sweep_factors"]
