"""Judging models: protocols, reports and their comparison."""

from ridgeback.evaluation.comparison import Comparison
from ridgeback.evaluation.judging import evaluate
from ridgeback.evaluation.report import Report

__all__ = ["Comparison", "Report", "evaluate"]
