"""Write the golden files anew: python tests/golden/regenerate.py. Review the difference before you commit it.

A model file of a format version stays as it is for ever, since every later Ridgeback must read it; a new version of the
format gets a new file.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from unittest import mock

import ridgeback as rb
from ridgeback.data import Ids, Text, Titles
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


def model_file() -> bytes:
    """The file of the tiny model, as version 0.1.0 wrote it."""
    with tempfile.TemporaryDirectory() as folder, mock.patch.object(persistence, "__version__", "0.1.0"):
        path = Path(folder) / "tiny.ridge"
        tiny_model().save(path)
        return path.read_bytes()


GOLDEN: dict[str, Callable[[], bytes]] = {"model-format-1.safetensors": model_file}
"""What each file is made by."""


if __name__ == "__main__":
    for name, make in GOLDEN.items():
        path = FOLDER / name
        contents = make()
        state = "unchanged" if path.is_file() and path.read_bytes() == contents else "written"
        path.write_bytes(contents)
        print(f"{name}: {state}")
