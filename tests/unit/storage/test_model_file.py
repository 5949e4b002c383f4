import hashlib
import json
import os
import resource
import stat
import subprocess
import sys

import numpy as np
import pytest
import safetensors
import safetensors.numpy

from ridgeback import storage
from ridgeback.errors import ModelFileError
from ridgeback.storage import model_file, replacing

TENSORS = {
    "user_factors": np.arange(12, dtype=np.float32).reshape(4, 3),
    "user_ids": np.array([-5, 2**62], np.int64),
    "exact": np.array([0.1, 0.2]),
    "index": np.array([1, -1], np.int32),
    "bytes": np.frombuffer("영화".encode(), np.uint8),
    "nothing": np.zeros((0, 3), np.float32),
}
METADATA = {"family": "implicit", "numbers": [1, 2.5, None, True], "deep": {"text": '"\\ 영화 \U0001d11e', "empty": {}}}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.ridge"


@pytest.mark.parametrize("verify", [True, False])
def test_gives_back_what_was_written(path, verify):
    storage.write(path, TENSORS, METADATA)
    tensors, metadata = storage.read(path, verify)
    assert metadata == METADATA
    assert tensors.keys() == TENSORS.keys()
    for name, array in TENSORS.items():
        assert tensors[name].dtype == array.dtype
        assert tensors[name].shape == array.shape
        assert np.array_equal(tensors[name], array)
        assert not tensors[name].flags.writeable


def test_without_tensors(path):
    storage.write(path, {}, {})
    assert storage.read(path) == ({}, {})


def test_opens_with_the_safetensors_package(path):
    storage.write(path, TENSORS, METADATA)
    for name, array in safetensors.numpy.load_file(path).items():
        assert np.array_equal(array, TENSORS[name])
    with safetensors.safe_open(path, "np") as file:
        assert json.loads(file.metadata()["deep"]) == METADATA["deep"]
        assert file.metadata()["ridgeback_model"] == "1"


def test_layout_is_as_specified(path):
    storage.write(path, TENSORS, METADATA)
    raw = path.read_bytes()
    begin = 8 + int.from_bytes(raw[:8], "little")
    header = json.loads(raw[8:begin])
    metadata = header.pop("__metadata__")
    assert begin % 64 == 0
    assert raw[8:].startswith(b'{"__metadata__":{"ridgeback_model":"1","header_sha256":"')
    assert raw[begin - 1 : begin] in (b" ", b"}")
    places = [tuple(entry["data_offsets"]) for entry in header.values()]
    assert places == sorted(places)
    assert [b for b, _ in places] == [0, *[e for _, e in places][:-1]]
    assert begin + places[-1][1] == len(raw)
    assert list(header) == ["exact", "user_ids", "index", "nothing", "user_factors", "bytes"]
    for name, digest in json.loads(metadata["tensor_sha256"]).items():
        first, last = header[name]["data_offsets"]
        assert hashlib.sha256(raw[begin + first : begin + last]).hexdigest() == digest
    own = metadata["header_sha256"].encode()
    assert hashlib.sha256(raw[:begin].replace(own, b"0" * 64)).hexdigest().encode() == own


def test_same_contents_give_the_same_bytes(path, tmp_path):
    storage.write(path, TENSORS, METADATA)
    storage.write(tmp_path / "twin", dict(reversed(TENSORS.items())), METADATA)
    assert path.read_bytes() == (tmp_path / "twin").read_bytes()


def test_any_memory_layout_is_written(path):
    wide = np.arange(24, dtype=np.float32).reshape(4, 6)
    given = {"columns": wide[:, ::2], "transposed": wide.T, "big": wide.astype(">f4")}
    storage.write(path, given, {})
    for name, array in storage.read(path)[0].items():
        assert np.array_equal(array, given[name])


@pytest.mark.parametrize(
    "array", [np.zeros(2, np.float16), np.zeros(2, bool), np.array(["a"]), np.array([None]), np.zeros((1, 1, 1))]
)
def test_refuses_what_files_do_not_hold(path, array):
    with pytest.raises(ModelFileError, match=r"the tensor odd has dtype .* model files hold float64, int64"):
        storage.write(path, {"odd": array}, {})
    assert not path.exists()


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("place", [0, 700_000])
def test_refuses_to_write_numbers_that_are_not_finite(path, bad, place):
    factors = np.zeros(800_000, np.float32)
    factors[place] = bad
    with pytest.raises(ModelFileError, match="user_factors holds NaN or infinity; such a model is not saved"):
        storage.write(path, {"user_factors": factors}, {})


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (float("nan"), "'odd' cannot be stored"),
        (object(), "'odd' cannot be stored"),
        (10**30, "more than 20 digits"),
        ([[[[[[[[[1]]]]]]]]], "nested deeper than 8"),
        ([[]] * 5_000, "more than 1024 lists"),
        ([1] * 70_000, "70008 values, more than 33912; shorten"),
        ("x" * 2**24, "header of the model file would take 16777"),
    ],
)
def test_refuses_metadata_that_would_not_be_read_again(path, value, message):
    with pytest.raises(ModelFileError, match=message):
        storage.write(path, {}, {"odd": value})
    assert not path.exists()


def test_reserved_names(path):
    with pytest.raises(ModelFileError, match="'header_sha256' is taken by the format"):
        storage.write(path, {}, {"header_sha256": "x"})
    with pytest.raises(ModelFileError, match="'__metadata__' is taken by the format"):
        storage.write(path, {"__metadata__": np.zeros(1)}, {})


class TestReplacing:
    def test_an_error_leaves_the_old_file(self, path):
        path.write_bytes(b"old")

        def blocks():
            yield b"new"
            raise RuntimeError("out of blocks")

        with pytest.raises(RuntimeError, match="out of blocks"):
            replacing.replace_file(path, blocks())
        assert path.read_bytes() == b"old"
        assert os.listdir(path.parent) == [path.name]

    @pytest.mark.parametrize("function", ["replace", "fsync"])
    def test_a_failing_system_call_leaves_the_old_file(self, path, monkeypatch, function):
        path.write_bytes(b"old")

        def fail(*args, **options):
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(replacing.os, function, fail)
        with pytest.raises(
            ModelFileError,
            match=r"cannot write .*: No space left on device; the file that was there is unchanged; make room",
        ):
            replacing.replace_file(path, [b"new"])
        assert path.read_bytes() == b"old"
        assert os.listdir(path.parent) == [path.name]

    def test_readers_of_the_old_file_keep_it(self, path):
        storage.write(path, TENSORS, {})
        old = storage.read(path, verify=False)[0]
        storage.write(path, {"user_factors": np.zeros((4, 3), np.float32)}, {})
        assert np.array_equal(old["user_factors"], TENSORS["user_factors"])

    def test_permissions(self, path):
        mask = os.umask(0o027)
        try:
            replacing.replace_file(path, [b"new"])
        finally:
            os.umask(mask)
        assert stat.S_IMODE(path.stat().st_mode) == 0o640
        path.chmod(0o604)
        replacing.replace_file(path, [b"newer"])
        assert stat.S_IMODE(path.stat().st_mode) == 0o604

    def test_a_link_is_followed(self, path, tmp_path):
        target = tmp_path / "folder" / "real"
        target.parent.mkdir()
        path.symlink_to(target)
        replacing.replace_file(path, [b"new"])
        assert path.is_symlink()
        assert target.read_bytes() == b"new"
        assert os.listdir(target.parent) == ["real"]

    def test_a_long_name(self, tmp_path):
        path = tmp_path / ("x" * 250)
        replacing.replace_file(path, [b"new"])
        assert path.read_bytes() == b"new"

    def test_a_missing_folder(self, tmp_path):
        with pytest.raises(ModelFileError, match=r"No such file or directory; create the folder first: mkdir -p .*/no"):
            replacing.replace_file(tmp_path / "no" / "model", [b"new"])

    def test_a_folder(self, tmp_path):
        with pytest.raises(ModelFileError, match=r"it is a folder: give the name of a file in it"):
            replacing.replace_file(tmp_path, [b"new"])

    def test_a_full_disk(self, path):
        """The system refuses bytes beyond a limit, in the middle of the writing."""
        path.write_bytes(b"old")
        program = (
            "import signal, resource, sys, numpy\n"
            "from ridgeback import storage\n"
            "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
            f"resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, {resource.getrlimit(resource.RLIMIT_FSIZE)[1]}))\n"
            "storage.write(sys.argv[1], {'big': numpy.zeros(100_000)}, {})\n"
        )
        run = subprocess.run([sys.executable, "-c", program, str(path)], capture_output=True, text=True, check=False)
        assert run.returncode == 1
        assert "File too large; the file that was there is unchanged; make room there or save elsewhere." in run.stderr
        assert path.read_bytes() == b"old"
        assert os.listdir(path.parent) == [path.name]


def test_reads_every_tensor_once_in_blocks(path, monkeypatch):
    storage.write(path, {"big": np.zeros((1000, 1000), np.float32)}, {})
    sizes = []
    monkeypatch.setattr(model_file.np, "isfinite", lambda block: sizes.append(block.nbytes) or np.ones(1, bool))
    storage.read(path)
    assert sum(sizes) == 4_000_000
    assert max(sizes) <= 2**20
