"""The fit of BayesianALS: run the chain, report after each sweep, add up the mean, keep samples.

::

    for sweep = 1 ... n_burn_in + n_samples * thinning:
        draw everything once                                              (ridgeback.models.gibbs)
        behind the burn-in: add x_u . y_i and the biases to the mean; keep every `thinning`-th sweep as a sample
        stop if validation no longer improves, or if a callback says so
"""

from __future__ import annotations

import contextlib
import copy
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ridgeback.data.interactions import Interactions
from ridgeback.models.alternation import OTHER, Interrupted, SideName
from ridgeback.models.gibbs import SIDES, Chain, started_chain
from ridgeback.models.interrupts import interruptible
from ridgeback.models.posterior_mean import PosteriorMean
from ridgeback.models.samples import Samples
from ridgeback.models.training import ListedPairs
from ridgeback.models.validation import Validation
from ridgeback.solvers.shared_vectors import SharedTable

if TYPE_CHECKING:
    from ridgeback.models.bayesian import BayesianALS

WIDTH = 4  # columns of the posterior mean for each factor of a sample; what more of them are worth: docs/bayesian.md


@dataclass(frozen=True)
class Plan:
    """How long a chain is, and what of it is kept."""

    n_factors: int
    n_samples: int
    n_burn_in: int
    thinning: int
    patience: int | None

    @property
    def n_sweeps(self) -> int:
        """All sweeps."""
        return self.n_burn_in + self.n_samples * self.thinning


class Sampler:
    """One fit of one model.

    Parameters
    ----------
    model : BayesianALS
        Its data remembered; what is learned is set here.
    data : Interactions
    plan : Plan
    attributes : dict
        Tables of attributes of each side.
    seed : int
    """

    def __init__(
        self,
        model: BayesianALS,
        data: Interactions,
        plan: Plan,
        attributes: dict[SideName, list[SharedTable]],
        seed: int,
    ) -> None:
        self._model, self._plan, self._attributes, self._seed = model, plan, attributes, seed
        parameters = model.parameters_
        self._n_threads = int(parameters["n_threads"])
        values = data.user_items.values().astype(np.float64)
        weights = None if data.weights is None else data.weights.astype(np.float64)
        model.mean_ = float(np.average(values, weights=weights))
        deviation = math.sqrt(float(np.average((values - model.mean_) ** 2, weights=weights)))
        self._scale = deviation if deviation > 1e-6 * max(1.0, abs(model.mean_)) else 1.0  # constant: any unit will do
        model._weight_scale = 1.0 if weights is None else float(weights.mean())
        self._n_pairs = len(values)
        users = ListedPairs(
            data.user_items.with_data(((values - model.mean_) / self._scale).astype(np.float32)),
            None if weights is None else (weights / model._weight_scale).astype(np.float32),
        )
        self._pairs: dict[SideName, ListedPairs] = {"users": users, "items": users.transpose()}
        self._mean = PosteriorMean(data.n_users, data.n_items, WIDTH * plan.n_factors, self._n_threads)
        self._n_kept = 0
        self._began = time.perf_counter()

    def run(
        self,
        held_out: Validation | None,
        readers: Sequence[Callable[[Any, dict[str, Any]], Any]],
        progress: bool,
    ) -> None:
        """Run the chain and leave the model fitted, also where ctrl-C ends it early."""
        model, plan = self._model, self._plan
        model.history_ = []
        stopped_by = "n_iterations"
        with interruptible() as cancel, contextlib.ExitStack() as shown:
            self._chain = self._start(cancel)
            self._samples = Samples.empty(self._chain, plan.n_samples, self._scale)
            bar = self._bar(shown) if progress else None
            best, n_worse = math.inf, 0
            try:
                for sweep in range(1, plan.n_sweeps + 1):
                    self._chain.sweep()
                    is_burnt_in = sweep > plan.n_burn_in
                    if is_burnt_in:
                        self._collect(sweep - plan.n_burn_in)
                    record = self._record(sweep, held_out, cancel)
                    if bar is not None:
                        bar(record)
                    if readers:
                        self._take()
                        answers = [reader(model, record) for reader in readers]  # every one is called
                        if any(answers):
                            stopped_by = "callback"
                            break
                    if held_out is not None and plan.patience is not None and is_burnt_in:
                        value = record["validation"]
                        is_better = best is math.inf or held_out.is_better(value, best)
                        best, n_worse = (value, 0) if is_better else (best, n_worse + 1)
                        if n_worse >= plan.patience:
                            stopped_by = "early_stopping"
                            break
            except (Interrupted, KeyboardInterrupt):
                stopped_by = "interrupted"
        self._take()
        if self._n_kept < plan.n_samples:
            model._samples = copy.deepcopy(model._samples)  # what was not drawn takes no memory
        model.n_iterations_, model.stopped_by_ = self._chain.n_sweeps, stopped_by

    def _start(self, cancel: Any) -> Chain:
        pairs, parameters = self._pairs, self._model.parameters_
        has_sets: dict[SideName, bool] = {"users": parameters["user_sets"], "items": parameters["item_sets"]}
        tables: dict[SideName, Sequence[SharedTable]] = {}
        for side in SIDES:
            sets = [SharedTable.of_sets(pairs[side].rows, pairs[OTHER[side]].rows)] if has_sets[side] else []
            tables[side] = [*sets, *self._attributes[side]]
        return started_chain(
            pairs, tables, has_sets, self._plan.n_factors, self._seed, self._n_threads, cancel, parameters["row_noise"]
        )

    def _collect(self, number: int) -> None:
        """Add the sweep to the mean, and keep it where it is one to keep."""
        self._add_to(self._mean)
        if number % self._plan.thinning == 0:
            self._samples.keep(self._n_kept, self._chain)
            self._n_kept += 1

    def _add_to(self, mean: PosteriorMean) -> None:
        users, items = self._chain.sides["users"], self._chain.sides["items"]
        mean.add(users.factors, users.biases, items.factors, items.biases)

    def _take(self) -> None:
        """Put what there is into the model; before the first sample this is the chain's last draw."""
        model, mean, samples, n_kept = self._model, self._mean, self._samples, self._n_kept
        if mean.n_added == 0:
            mean = PosteriorMean(
                len(mean.user_biases), len(mean.item_biases), WIDTH * self._plan.n_factors, self._n_threads
            )
            self._add_to(mean)
        if n_kept == 0:
            samples, n_kept = Samples.empty(self._chain, 1, self._scale), 1
            samples.keep(0, self._chain)
        users, items = mean.served(self._scale)
        model.user_factors_, model.user_biases_ = users.factors, users.biases
        model.item_factors_, model.item_biases_ = items.factors, items.biases
        model._samples = samples.first(n_kept)

    def _record(self, sweep: int, held_out: Validation | None, cancel: Any) -> dict[str, Any]:
        chain, mean = self._chain, self._mean
        loss = chain.squared_error * self._scale**2 * self._model._weight_scale
        validation = None
        if held_out is not None and mean.n_added:
            validation = held_out.measure(*mean.served(self._scale), cancel)
        record = {
            "iteration": sweep,
            "side": "sweep",
            "loss": loss,
            "observed_loss": loss,
            "unobserved_loss": 0.0,
            "regularization_loss": 0.0,
            "rmse": self._scale * math.sqrt(chain.squared_error / self._n_pairs),
            "cross_entropy": None,
            "elapsed_s": time.perf_counter() - self._began,
            "validation": validation,
            "noise": self._scale * chain.noise(),
        }
        self._model.history_.append(record)
        return record

    def _bar(self, shown: contextlib.ExitStack) -> Callable[[dict[str, Any]], Any]:
        from ridgeback.models.progress import ProgressReader

        return shown.enter_context(ProgressReader("BayesianALS", self._plan.n_sweeps, "sweeps"))
