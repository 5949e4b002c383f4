"""The models: ALS for ratings and implicit data, logistic factorisation, and the baselines they are held against."""

from ridgeback.models.baselines import BiasBaseline, Popularity
from ridgeback.models.bayesian import BayesianALS
from ridgeback.models.explicit import ExplicitALS
from ridgeback.models.implicit import ImplicitALS
from ridgeback.models.logistic import LogisticMF
from ridgeback.models.persistence import load
from ridgeback.models.recommender import Recommender

__all__ = [
    "BayesianALS",
    "BiasBaseline",
    "ExplicitALS",
    "ImplicitALS",
    "LogisticMF",
    "Popularity",
    "Recommender",
    "load",
]
