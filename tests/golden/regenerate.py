"""Write the golden files anew: python tests/golden/regenerate.py. Review the difference before you commit it.

A model file of a format version stays as it is for ever, since every later Ridgeback must read it; a new version of the
format gets a new file.
"""

from __future__ import annotations

import dataclasses
import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from unittest import mock

import ridgeback as rb
from ridgeback.data import Ids, Text, Titles
from ridgeback.examples.twins import trace_matrix
from ridgeback.models import persistence

FOLDER = Path(__file__).resolve().parent


def tiny_model() -> rb.Popularity:
    """A model with text ids, titles, values and weights, whose every bit is exact arithmetic."""
    titles = Titles(Ids.from_sequence(["m1", "m2"]), Text.from_strings(["Heat", "기생충"]))
    data = rb.Interactions.from_arrays(
        ["ann", "bob", "bob", "철수"],
        ["m2", "m2", "m1", "m3"],
        ratings=[5, 3, 0.5, 4],
        weights=[1, 2, 1, 1],
        titles=titles,
    )
    return rb.Popularity().fit(data)


def calibrated_model() -> rb.Popularity:
    """The tiny model, calibrated on what three people took later."""
    model = tiny_model()
    model.calibrate(rb.Interactions.from_arrays(["ann", "bob", "철수"], ["m1", "m3", "m2"]))
    return model


def calibrated_before_counts() -> rb.Popularity:
    """The same without the counts of what was held out: the first files of calibrated models have none."""
    model = calibrated_model()
    model.calibration_ = dataclasses.replace(model.calibration_, n_held_out=None, n_fitted=None)
    return model


def model_file(make: Callable[[], rb.Popularity] = tiny_model) -> bytes:
    """The file of a model, as version 0.1.0 wrote it."""
    with tempfile.TemporaryDirectory() as folder, mock.patch.object(persistence, "__version__", "0.1.0"):
        path = Path(folder) / "tiny.ridge"
        make().save(path)
        return path.read_bytes()


def trace(make: Callable[[], rb.Trace]) -> Callable[[], bytes]:
    """The JSON of a trace, without what differs from run to run."""

    def contents() -> bytes:
        record = json.loads(make().to_json())
        record["written_by"] = "ridgeback"
        for step in record["steps"]:
            step["elapsed_s"] = None
        return (json.dumps(record, indent=1, ensure_ascii=False) + "\n").encode("utf-8")

    return contents


def biased_trace() -> rb.Trace:
    """Ratings with biases, a missing one, and a rotation."""
    ratings = [[4, 2, 1], [3, float("nan"), 5], [1, 5, 4]]
    start = ([[0.5, 0.2], [0.3, 0.1], [0.1, 0.4]], [[0.2, 0.4], [0.1, 0.3], [0.5, 0.1]])
    model = rb.ExplicitALS(2, regularization=0.1, bias_regularization=0.2, n_iterations=1, init=start)
    return trace_matrix(model.set_params(orientation="principal"), ratings)


GOLDEN: dict[str, Callable[[], bytes]] = {
    "model-format-1.safetensors": model_file,
    "model-format-1-calibrated.safetensors": lambda: model_file(calibrated_before_counts),
    "model-format-1-calibrated-of-what.safetensors": lambda: model_file(calibrated_model),
}
"""What each file is made by; these are the same to the byte."""

TRACES: dict[str, Callable[[], bytes]] = {
    "trace-explicit.json": trace(lambda: rb.examples.explicit_2x2(regularization=0.1, n_iterations=1)),
    "trace-explicit-biases.json": trace(biased_trace),
    **{
        f"trace-{loss}.json": trace(lambda loss=loss: rb.examples.implicit_2x2(loss, n_iterations=1))  # type: ignore[misc]
        for loss in ("hu", "ials", "logistic")
    },
    "trace-new-user.json": trace(rb.examples.new_user_2x2),
}
"""These have the same structure, and numbers that agree to 1e-9: another BLAS may add in another order."""


if __name__ == "__main__":
    for name, make in (GOLDEN | TRACES).items():
        path = FOLDER / name
        contents = make()
        state = "unchanged" if path.is_file() and path.read_bytes() == contents else "written"
        path.write_bytes(contents)
        print(f"{name}: {state}")
