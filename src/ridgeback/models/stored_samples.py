"""The kept samples of a chain as tensors and values of the model file, and back."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ridgeback.models.file_contents import FileContents
from ridgeback.models.samples import Samples, SideSamples

_SIDES = ("users", "items")


def sample_tensors(samples: Samples) -> dict[str, npt.NDArray[Any]]:
    """`samples.noise`, and rows, means, precisions and what else a side has."""
    tensors: dict[str, npt.NDArray[Any]] = {"samples.noise": samples.noise_precisions}
    for side in _SIDES:
        kept: SideSamples = getattr(samples, side)
        for name in ("rows", "means", "precisions", "vectors", "weights"):
            array = getattr(kept, name)
            if array is not None:
                tensors[f"samples.{side}.{name}"] = np.ascontiguousarray(array)
    return tensors


def sample_values(samples: Samples) -> dict[str, Any]:
    """What is no array."""
    return {"samples": {"scale": samples.scale, "seed": samples.seed, "n_factors": samples.size - 1}}


def read_samples(contents: FileContents, n_users: int, n_items: int) -> Samples:
    """The samples of a file, every shape checked."""
    values = contents.value("samples", dict)
    wanted = {"scale": float, "seed": int, "n_factors": int}
    if values.keys() != wanted.keys() or any(type(values[name]) is not kind for name, kind in wanted.items()):
        raise contents.error(f"its samples must have scale, seed and n_factors, got {values!a:.80}")
    size, seed = values["n_factors"] + 1, values["seed"]
    if not (np.isfinite(values["scale"]) and values["scale"] > 0 and 1 < size < 1 << 20 and 0 <= seed < 1 << 63):
        raise contents.error("the values of its samples are out of range")
    noise = contents.tensor("samples.noise", np.float64, (None,))
    n_samples = len(noise)
    if n_samples == 0 or not (noise > 0).all():
        raise contents.error("it has no samples, or samples of negative noise")
    sides = {}
    for side, n_rows, n_others in (("users", n_users, n_items), ("items", n_items, n_users)):
        name = f"samples.{side}"
        sides[side] = SideSamples(
            contents.tensor(f"{name}.rows", np.float32, (n_rows, n_samples * size)),
            contents.tensor_or_none(f"{name}.vectors", np.float32, (n_others, n_samples * size)),
            contents.tensor(f"{name}.means", np.float64, (n_samples, size)),
            contents.tensor(f"{name}.precisions", np.float64, (n_samples, size * size)),
            contents.tensor_or_none(f"{name}.weights", np.float32, (n_rows, n_samples)),
        )
    return Samples(sides["users"], sides["items"], noise, values["scale"], seed, size)
