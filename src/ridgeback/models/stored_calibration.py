"""A calibration as tensors and metadata of the model file, and back."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ridgeback.metrics.calibration import ReliabilityBin
from ridgeback.models.file_contents import FileContents
from ridgeback.recommend.probability_maps import IsotonicMap, PlattMap, ProbabilityMap
from ridgeback.recommend.reliability import Calibration, Reliability

Array = npt.NDArray[Any]

_ORIGIN = ("n_held_out", "n_fitted")  # files of before they were recorded have neither
_COUNTS = ("n_users", "n_pairs", "n_yes", "n_used", "k")
_BINS = ("bins", "recommended_bins")


def calibration_tensors(calibration: Calibration) -> dict[str, Array]:
    """The corners of an isotonic map; nothing for a sigmoid."""
    if isinstance(calibration.map, PlattMap):
        return {}
    return {
        "calibration.scores": np.asarray(calibration.map.scores, dtype=np.float64),
        "calibration.probabilities": np.asarray(calibration.map.probabilities, dtype=np.float64),
    }


def calibration_values(calibration: Calibration) -> dict[str, Any]:
    """The method, the two numbers of a sigmoid, and the reliability, bins as one list a field."""
    found, given = calibration.reliability, calibration.map
    values: dict[str, Any] = {"method": calibration.method}
    if isinstance(given, PlattMap):
        values |= {"slope": given.slope, "intercept": given.intercept}
    origin = {name: getattr(calibration, name) for name in _ORIGIN}
    values |= {name: int(n) for name, n in origin.items() if n is not None}
    values |= {name: int(getattr(found, name)) for name in _COUNTS}
    values["left_out"] = {name: int(n) for name, n in found.left_out.items()}
    for name in _BINS:
        bins = getattr(found, name)
        values[name] = {field: [getattr(one, field) for one in bins] for field in ReliabilityBin._fields}
    return values


def read_calibration(contents: FileContents) -> Calibration | None:
    """The calibration of a file, or None where it has none."""
    values = contents.value_or_none("calibration", dict)
    if values is None:
        return None
    try:
        origin = {name: _count(values[name]) for name in _ORIGIN if name in values}
        return Calibration(str(values["method"]), _map(contents, values), _reliability(values), **origin)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise contents.error(f"its calibration is broken ({type(error).__name__}: {error})") from None


def _map(contents: FileContents, values: dict[str, Any]) -> ProbabilityMap:
    if values["method"] == "platt":
        slope, intercept = _number(values["slope"]), _number(values["intercept"])
        if slope < 0:
            raise contents.error(f"its calibration has the slope {slope:g}, and none is below 0")
        return PlattMap(slope, intercept)
    if values["method"] != "isotonic":
        raise contents.error(f"its calibration is by {values['method']!a}, and known are isotonic, platt")
    scores = contents.tensor("calibration.scores", np.float64, (None,))
    probabilities = contents.tensor("calibration.probabilities", np.float64, scores.shape)
    is_sound = (
        len(scores) > 0
        and bool(np.isfinite(scores).all())
        and bool((np.diff(scores) > 0).all())
        and bool((np.diff(probabilities) >= 0).all())
        and 0 <= probabilities[0] <= probabilities[-1] <= 1
    )
    if not is_sound:
        raise contents.error("the corners of its calibration must rise, with probabilities from 0 to 1")
    return IsotonicMap(scores, probabilities)


def _reliability(values: dict[str, Any]) -> Reliability:
    bins = {
        name: [
            ReliabilityBin(*map(_number, row))
            for row in zip(*(values[name][field] for field in ReliabilityBin._fields), strict=True)
        ]
        for name in _BINS
    }
    if not all(bins.values()):
        raise ValueError("no bins")
    counts = {name: _count(values[name]) for name in _COUNTS}
    left_out = {str(name): _count(n) for name, n in values["left_out"].items()}
    return Reliability(**counts, **bins, left_out=left_out)  # type: ignore[arg-type]


def _number(value: Any) -> float:
    if type(value) not in (int, float):
        raise TypeError(f"{value!a:.40} is not a number")
    return float(value)


def _count(value: Any) -> int:
    if type(value) is not int or value < 0:
        raise TypeError(f"{value!a:.40} is not a count")
    return value
