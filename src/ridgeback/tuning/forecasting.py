"""How long a setting takes: the cost model of `ridgeback.data.fit_cost`, corrected by the fits seen so far.

To a fit's half-steps come what a search adds: measuring the validation part after every iteration, and the neighbours
of `n_neighbors`. How far the model is off differs with the number of factors more than with anything else, so a fit
counts the more for a forecast the nearer its number of factors is.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

from ridgeback.cpus import available_cpus
from ridgeback.data.fit_cost import THREAD_SHARE, DataSize, fit_cost

# CPU seconds, from three sets of 0.04 to 0.5 million pairs (benchmarks/forecast.py shows how far off they are).
SCORE = 1.35e-11  # of a measured list: a user, item and factor
SELECT = 4.0e-10  # a user and item
ASK = 5.0e-6  # a user
ADD = 3.0e-9  # a neighbour of an item of a user's history
MEETING = 3.0e-9  # of building neighbours: a pair of items that one user has
LINE_UP = 3.0e-6  # an item
SPREAD = 6.0e-5  # of scaling the neighbourhood term: a sampled user, and as much again for every MANY of their items
MANY = 50
_MOST_SAMPLED = 1000
_PRIOR = 0.05  # fits that the uncorrected model counts for
_OTHER_KIND = 0.1  # what a fit counts for one with neighbours where it has none, and the other way round


@dataclass(frozen=True)
class Work:
    """What a fit of a search does.

    Attributes
    ----------
    n_iterations : int
    n_measured : int
        Users whose lists are measured after each iteration; 0 for the final fit.
    n_meetings : int
        Pairs of items that one user has, over all users: what building neighbours costs.
    """

    n_iterations: int
    n_measured: int = 0
    n_meetings: int = 0


@dataclass
class Forecast:
    """Seconds of fits on data of one size.

    Parameters
    ----------
    size : DataSize
    has_weights : bool, default=False
    """

    size: DataSize
    has_weights: bool = False
    _seen: list[tuple[float, bool, float]] = field(default_factory=list)  # log2 factors, neighbours, log of the ratio

    def seconds(self, model: Any, work: Work) -> float:
        """Of one fit of the model, on the wall clock.

        Parameters
        ----------
        model : estimator
        work : Work
        """
        return self._modelled(model, work) * math.exp(self._correction(*_kind(model)))

    def for_size(self, size: DataSize) -> Forecast:
        """The same, with what was learned, for data of another size."""
        return Forecast(size, self.has_weights, self._seen)

    def learn(self, model: Any, work: Work, elapsed_s: float) -> None:
        """Take in what a fit took.

        Parameters
        ----------
        model : estimator
        work : Work
            What it did, as far as it ran.
        elapsed_s : float
        """
        if work.n_iterations > 0 and elapsed_s > 0:
            self._seen.append((*_kind(model), math.log(elapsed_s / self._modelled(model, work))))

    def _correction(self, log_factors: float, has_neighbors: bool) -> float:
        """Logarithm of what to multiply with: a mean over the fits seen, those with as many factors first."""
        total, weights = 0.0, _PRIOR
        for other, other_neighbors, ratio in self._seen:
            weight = math.exp(-((other - log_factors) ** 2) / 2)
            weight *= 1.0 if other_neighbors == has_neighbors else _OTHER_KIND
            total, weights = total + weight * ratio, weights + weight
        return total / weights

    def _modelled(self, model: Any, work: Work) -> float:
        own = model.clone().set_params(n_iterations=work.n_iterations)
        n_threads = model.n_threads or available_cpus()
        share = 1.0 + THREAD_SHARE * (n_threads - 1)
        n_items, k = self.size.n_items, int(model.n_factors)
        measuring = work.n_measured * (ASK + n_items * (SELECT + SCORE * k)) / share
        building = 0.0
        n_neighbors = min(model.get_params().get("n_neighbors", 0), n_items)
        if n_neighbors:
            mean_history = self.size.n_interactions / max(1, self.size.n_users)
            measuring += ADD * work.n_measured * mean_history * n_neighbors / share
            building = (MEETING * work.n_meetings + LINE_UP * n_items) / share
            building += SPREAD * min(_MOST_SAMPLED, self.size.n_users) * (1 + mean_history / MANY)
        fitting = fit_cost(own, self.size, has_weights=self.has_weights).seconds
        return fitting + building + work.n_iterations * measuring


def _kind(model: Any) -> tuple[float, bool]:
    return math.log2(model.n_factors), bool(model.get_params().get("n_neighbors"))
