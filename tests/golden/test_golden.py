import json
import runpy
from pathlib import Path

import pytest
import safetensors.numpy

import ridgeback as rb

FOLDER = Path(__file__).resolve().parent
SCRIPT = runpy.run_path(str(FOLDER / "regenerate.py"))
GOLDEN, TRACES = SCRIPT["GOLDEN"], SCRIPT["TRACES"]


@pytest.mark.parametrize("name", GOLDEN)
def test_bytes_are_as_they_were(name):
    assert GOLDEN[name]() == (FOLDER / name).read_bytes(), "if this is meant, run python tests/golden/regenerate.py"


def differences(ours, theirs, place="trace"):
    """Where two records differ: in structure or words at all, in numbers by more than 1e-9."""
    if isinstance(theirs, dict) and isinstance(ours, dict) and list(ours) == list(theirs):
        return [found for name in theirs for found in differences(ours[name], theirs[name], f"{place}.{name}")]
    if isinstance(theirs, list) and isinstance(ours, list) and len(ours) == len(theirs):
        pairs = enumerate(zip(ours, theirs, strict=True))
        return [found for i, pair in pairs for found in differences(*pair, f"{place}[{i}]")]
    if isinstance(theirs, float) and isinstance(ours, float):
        return [] if ours == pytest.approx(theirs, rel=1e-9, abs=1e-9) else [f"{place}: {ours} is not {theirs}"]
    return [] if ours == theirs and type(ours) is type(theirs) else [f"{place}: {ours!r:.80} is not {theirs!r:.80}"]


@pytest.mark.parametrize("name", TRACES)
def test_traces_are_as_they_were(name):
    found = differences(json.loads(TRACES[name]()), json.loads((FOLDER / name).read_text(encoding="utf-8")))
    assert not found, "if this is meant, run python tests/golden/regenerate.py"


def test_a_changed_trace_is_noticed():
    record = json.loads((FOLDER / "trace-hu.json").read_text(encoding="utf-8"))
    changed = json.loads((FOLDER / "trace-hu.json").read_text(encoding="utf-8"))
    changed["steps"][1]["rows"][0]["x"][0] *= 1 + 1e-8
    del changed["steps"][2]["note"]
    assert len(differences(changed, record)) == 2
    assert rb.Trace.from_json(FOLDER / "trace-hu.json").steps[1]["rows"][0]["A"].shape == (2, 2)


def test_a_file_of_format_1_still_loads():
    model, expected = rb.load(FOLDER / "model-format-1.safetensors"), SCRIPT["tiny_model"]()
    assert list(model.user_ids_) == ["ann", "bob", "철수"]
    assert list(model.titles_) == ["Heat", "기생충", ""]
    assert model.score("ann", "m2") == expected.score("ann", "m2")
    assert model._seen.data.tolist() == expected._seen.data.tolist()
    assert model._seen_weights.tolist() == expected._seen_weights.tolist()


@pytest.mark.parametrize(
    ("name", "make"), [("calibrated", "calibrated_before_counts"), ("calibrated-of-what", "calibrated_model")]
)
def test_a_calibrated_file_of_format_1_still_loads(name, make):
    model, expected = rb.load(FOLDER / f"model-format-1-{name}.safetensors"), SCRIPT[make]()
    assert model.calibration_ == expected.calibration_
    assert "of being among the" in str(model.calibration_)
    assert model.probability("ann", "m1") == expected.probability("ann", "m1")
    assert rb.load(FOLDER / "model-format-1.safetensors").calibration_ is None


def test_an_independent_reader_opens_it():
    tensors = safetensors.numpy.load_file(FOLDER / "model-format-1.safetensors")
    assert bytes(tensors["item_ids.bytes"]).decode() == "m1m2m3"
    assert tensors["seen.items"].tolist() == [1, 0, 1, 2]
    assert tensors["item_counts"].tolist() == [1, 2, 1]
