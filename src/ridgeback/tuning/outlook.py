"""What the settings of a search will take on average, said once the first has shown what measuring costs."""

from __future__ import annotations

from typing import Any

import numpy as np

from ridgeback.models.defaults import DataShape
from ridgeback.models.factor_model import FactorModel
from ridgeback.tuning import spaces
from ridgeback.tuning.forecasting import Forecast, Work

_N_DRAWN = 24


class _Draw:
    """Draws values evenly, as the first settings of a search are drawn."""

    def __init__(self) -> None:
        self._rng = np.random.default_rng(0)

    def suggest_float(self, name: str, low: float, high: float, *, log: bool = False) -> float:
        if log:
            return float(np.exp(self._rng.uniform(np.log(low), np.log(high))))
        return float(self._rng.uniform(low, high))

    def suggest_int(self, name: str, low: int, high: int, *, log: bool = False) -> int:
        return round(self.suggest_float(name, low, high, log=log))

    def suggest_categorical(self, name: str, choices: Any) -> Any:
        return choices[int(self._rng.integers(len(choices)))]


def mean_seconds(
    model: FactorModel, chosen: tuple[spaces.Dimension, ...], shape: DataShape, forecast: Forecast, work: Work
) -> float:
    """Seconds of a setting on average.

    Parameters
    ----------
    model : ImplicitALS, ExplicitALS or LogisticMF
    chosen : tuple of Dimension
    shape : DataShape
    forecast : Forecast
    work : Work
        Of every setting.
    """
    draw, seconds = _Draw(), []
    for _ in range(_N_DRAWN):
        point = spaces.draw(model, chosen, draw)
        setting = model.clone().set_params(**spaces.parameters(model, point, shape))
        seconds.append(forecast.seconds(setting, work))
    return float(np.mean(seconds))


def time_text(seconds: float) -> str:
    """A time as people say it: 2.4 s, 45 s, 12 minutes, 3.5 hours."""
    if seconds < 90:
        return f"{seconds:.2g} s"
    return f"{seconds / 60:.0f} minutes" if seconds < 5400 else f"{seconds / 3600:.2g} hours"
