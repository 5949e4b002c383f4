"""Choosing a model's parameters: where to look, how long a setting takes, which are given up early, and the search."""

from ridgeback.tuning.study import TunedTrial, Tuning
from ridgeback.tuning.tuning import tune

__all__ = ["TunedTrial", "Tuning", "tune"]
