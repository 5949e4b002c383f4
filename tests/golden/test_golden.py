import runpy
from pathlib import Path

import pytest
import safetensors.numpy

import ridgeback as rb

FOLDER = Path(__file__).resolve().parent
SCRIPT = runpy.run_path(str(FOLDER / "regenerate.py"))
GOLDEN = SCRIPT["GOLDEN"]


@pytest.mark.parametrize("name", GOLDEN)
def test_bytes_are_as_they_were(name):
    assert GOLDEN[name]() == (FOLDER / name).read_bytes(), "if this is meant, run python tests/golden/regenerate.py"


def test_a_file_of_format_1_still_loads():
    model, expected = rb.load(FOLDER / "model-format-1.safetensors"), SCRIPT["tiny_model"]()
    assert list(model.user_ids_) == ["ann", "bob", "철수"]
    assert list(model.titles_) == ["Heat", "기생충", ""]
    assert model.score("ann", "m2") == expected.score("ann", "m2")
    assert model._seen.data.tolist() == expected._seen.data.tolist()
    assert model._seen_weights.tolist() == expected._seen_weights.tolist()


def test_an_independent_reader_opens_it():
    tensors = safetensors.numpy.load_file(FOLDER / "model-format-1.safetensors")
    assert bytes(tensors["item_ids.bytes"]).decode() == "m1m2m3"
    assert tensors["seen.items"].tolist() == [1, 0, 1, 2]
    assert tensors["item_counts"].tolist() == [1, 2, 1]
