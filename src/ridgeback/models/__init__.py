"""The models, and what every one of them answers."""

from __future__ import annotations

from ridgeback.models.baselines import BiasBaseline, Popularity
from ridgeback.models.persistence import load
from ridgeback.models.recommender import Recommender

__all__ = ["BiasBaseline", "Popularity", "Recommender", "load"]
