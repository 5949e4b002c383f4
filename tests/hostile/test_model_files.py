"""Broken, foreign and malicious model files: each is one clear error, without an allocation larger than the file."""

import hashlib
import json
import subprocess
import sys
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy

from ridgeback import storage
from ridgeback.errors import ModelFileError
from ridgeback.storage import header as header_module

SLACK = 200_000  # bytes of Python objects that opening any file may take
ZEROS = "0" * 64


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    """The bytes of a small file of every dtype."""
    path = tmp_path_factory.mktemp("good") / "good.ridge"
    rng = np.random.default_rng(5)
    tensors = {
        "user_factors": rng.standard_normal((50, 3)).astype(np.float32),
        "exact": rng.standard_normal(7),
        "user_ids": np.arange(50),
        "index": np.arange(9, dtype=np.int32),
        "bytes": np.arange(33, dtype=np.uint8),
    }
    storage.write(path, tensors, {"family": "implicit", "parameters": {"n_factors": 3}})
    return path.read_bytes()


@pytest.fixture
def refuse(tmp_path):
    """Write bytes to a file and see that opening it is one ModelFileError, within a memory bound.

    A damaged file is found out before anything of its size is allocated. A header whose hash is right is parsed, in
    a few pieces none of which is larger than the file.
    """

    def check(raw, match, verify=False, n_copies=0):
        path = tmp_path / "bad.ridge"
        path.write_bytes(raw)
        tracemalloc.start()
        try:
            with pytest.raises(ModelFileError, match=match) as caught:
                storage.read(path, verify)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        assert peak <= n_copies * len(raw) + SLACK
        message = str(caught.value)
        assert str(path) in message
        assert "\n" not in message
        assert message.endswith(".")
        message.encode()
        return message

    return check


def split(raw):
    """Header as parsed JSON, and payload."""
    begin = 8 + int.from_bytes(raw[:8], "little")
    return json.loads(raw[8:begin]), raw[begin:]


def sealed(json_text, payload, alignment=64):
    """A file of this header, whatever it says, whose header hash is right."""
    text = json_text if isinstance(json_text, bytes) else json_text.encode()
    text += b" " * (-(8 + len(text)) % alignment)
    raw = len(text).to_bytes(8, "little") + text
    place = raw.index(b'"header_sha256":"') + len(b'"header_sha256":"')
    blank = raw[:place] + ZEROS.encode() + raw[place + 64 :]
    return blank[:place] + hashlib.sha256(blank).hexdigest().encode() + blank[place + 64 :] + payload


def compact(header):
    return json.dumps(header, separators=(",", ":"))


def test_the_good_file_opens(good, tmp_path):
    (tmp_path / "good.ridge").write_bytes(good)
    assert storage.read(tmp_path / "good.ridge")[1]["family"] == "implicit"
    header, payload = split(good)
    assert sealed(compact(header), payload) == good


class TestTruncated:
    def test_at_every_length(self, good, refuse):
        begin = len(good) - len(split(good)[1])
        lengths = {*range(0, 80), *range(80, begin, 61), *range(begin - 3, begin + 4), *range(begin, len(good), 97)}
        for length in sorted(lengths | {len(good) - 1}):
            if length < 8:
                match = "is not a Ridgeback model: it has"
            elif length < begin:
                match = "is not a Ridgeback model, or cut off: it announces a header of"
            else:
                match = (
                    r"is not a valid model file: its tensors take .* bytes and .* follow the header \(it is cut off\)"
                )
            refuse(good[:length], match)

    def test_with_something_appended(self, good, refuse):
        for more in (b"\x00", good):
            refuse(good + more, r"\(something was appended\)")


class TestOtherFiles:
    @pytest.mark.parametrize(
        ("raw", "match"),
        [
            (b"", "it has 0 bytes"),
            (b"PK\x03\x04" + bytes(100), "announce a header of 67324752 bytes, and at most 16777216"),
            (
                b"userId,movieId,rating\n1,2,3\n" * 10,
                r"begins like a table .*b'userId,m'.*rb.read_interactions.*ridgeback fit",
            ),
            (b"PAR1" + bytes(100), "begins like a table"),
            (bytes([255] * 8) + bytes(100), "announce a header of [0-9]{18,} bytes, and at most 16777216"),
            (b"\x80\x04\x95\x00\x00\x00\x00\x00" + bytes(100), "announces a header"),
            (bytes(1000), "no header follows its first 8 bytes"),
            ((64).to_bytes(8, "little") + b"x" * 100, "no header follows"),
            ((56).to_bytes(8, "little") + b"{" * 56, "safetensors file of another program, or its header is damaged"),
            ((2**64 - 1).to_bytes(8, "little") + b"{}", "header of 18446744073709551615 bytes"),
            ((2**24 + 1).to_bytes(8, "little") + b"{}", "header of 16777217 bytes, and at most 16777216"),
            ((2**24).to_bytes(8, "little") + b"{}", "header of 16777216 bytes, and 2 follow"),
            ((0).to_bytes(8, "little"), "no header follows"),
        ],
    )
    def test_not_a_model(self, raw, match, refuse):
        assert "is not a Ridgeback model" in refuse(raw, match)

    @pytest.mark.parametrize("metadata", [None, {"format": "pt"}, {"ridgeback_model": "1"}])
    def test_foreign_safetensors(self, metadata, refuse):
        raw = safetensors.numpy.save({"weight": np.ones((3, 4), np.float32)}, metadata)
        refuse(raw, "is not a Ridgeback model: it looks like a safetensors file of another program")

    def test_no_file(self, tmp_path):
        with pytest.raises(
            ModelFileError, match=r"cannot open the model file .*nothing: No such file or directory; check"
        ):
            storage.read(tmp_path / "nothing")
        with pytest.raises(ModelFileError, match="Is a directory"):
            storage.read(tmp_path)

    def test_later_format(self, good, refuse):
        for version in ("2", "10", "999999999"):
            later = good.replace(b'"ridgeback_model":"1"', b'"ridgeback_model":"%s"' % version.encode())
            later = (int.from_bytes(good[:8], "little") + len(version) - 1).to_bytes(8, "little") + later[8:]
            refuse(later, f"has format version {version}, and this Ridgeback reads version 1; upgrade with: pip")


class TestFlippedBits:
    def test_every_byte_of_the_header(self, good, tmp_path):
        begin = len(good) - len(split(good)[1])
        path = tmp_path / "flipped.ridge"
        rng = np.random.default_rng(0)
        for place in range(begin):
            for bit in {int(rng.integers(8)), 5}:
                raw = bytearray(good)
                raw[place] ^= 1 << bit
                path.write_bytes(raw)
                with pytest.raises(
                    ModelFileError, match=r"is not a Ridgeback model|is damaged: its header|format version"
                ):
                    storage.read(path, verify=False)

    def test_every_byte_of_the_tensors(self, good, tmp_path):
        begin = len(good) - len(split(good)[1])
        path = tmp_path / "flipped.ridge"
        for place in range(begin, len(good)):
            raw = bytearray(good)
            raw[place] ^= 1 << place % 8
            path.write_bytes(raw)
            storage.read(path, verify=False)
            with pytest.raises(ModelFileError, match=r"is damaged: the tensor '\w+' does not have the SHA-256"):
                storage.read(path)

    def test_memory_of_a_large_damaged_file(self, refuse, tmp_path):
        path = tmp_path / "large.ridge"
        storage.write(path, {"user_factors": np.zeros((5000, 64), np.float32)}, {"note": "x" * 500_000})
        raw = bytearray(path.read_bytes())
        raw[1000] ^= 1
        refuse(raw, "its header does not have the SHA-256", verify=True)
        raw[1000] ^= 1
        raw[-7] ^= 1
        refuse(raw, "the tensor 'user_factors' does not have the SHA-256", verify=True, n_copies=1)


class TestNotFinite:
    @pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
    @pytest.mark.parametrize("name", ["user_factors", "exact"])
    def test_filled(self, good, refuse, bad, name):
        header, payload = split(good)
        begin, end = header[name]["data_offsets"]
        filled = np.full((end - begin) // 4, bad, np.float32).tobytes()
        if name == "exact":
            filled = np.full((end - begin) // 8, bad).tobytes()
        digests = json.loads(header["__metadata__"]["tensor_sha256"])
        digests[name] = hashlib.sha256(filled).hexdigest()
        header["__metadata__"]["tensor_sha256"] = compact(digests)
        raw = sealed(compact(header), payload[:begin] + filled + payload[end:])
        refuse(raw, f"holds NaN or infinity in the tensor '{name}'", verify=True)


class TestMaliciousHeaders:
    """The hash of the header is right here; what it says is not."""

    @pytest.fixture
    def refuse_header(self, good, refuse):
        def check(change, match, payload=None):
            header, own = split(good)
            change(header)
            refuse(
                sealed(compact(header), own if payload is None else payload), "is not a valid model file: .*" + match
            )

        return check

    def test_overlap(self, refuse_header):
        def change(header):
            header["index"]["data_offsets"] = [448, 484]
            header["user_factors"]["data_offsets"] = [480, 1080]

        refuse_header(change, "the tensor 'index' overlaps the one before it: it begins at 448, expected 456")

    def test_same_place_twice(self, refuse_header):
        def change(header):
            header["twin"] = dict(header["exact"])
            digests = json.loads(header["__metadata__"]["tensor_sha256"])
            header["__metadata__"]["tensor_sha256"] = compact(digests | {"twin": digests["exact"]})

        refuse_header(change, "overlaps the one before it")

    def test_hole(self, good, refuse_header):
        def change(header):
            header["bytes"]["data_offsets"] = [n + 4 for n in header["bytes"]["data_offsets"]]

        payload = split(good)[1]
        refuse_header(change, "the tensor 'bytes' leaves a hole before it", payload + bytes(4))

    def test_hole_at_the_beginning(self, good, refuse_header):
        def change(header):
            for name, entry in header.items():
                if name != "__metadata__":
                    entry["data_offsets"] = [n + 8 for n in entry["data_offsets"]]

        refuse_header(change, "leaves a hole before it: it begins at 8, expected 0", bytes(8) + split(good)[1])

    @pytest.mark.parametrize(
        ("name", "field", "value", "match"),
        [
            (
                "exact",
                "shape",
                [8],
                r"shape \[8\] and dtype F64 takes 64 bytes, and its data_offsets \[0, 56\] give 56",
            ),
            ("exact", "shape", [2**62, 2**62], "takes 170141183460469231731687303715884105728 bytes"),
            ("exact", "shape", [2**61 + 7], "takes 18446744073709551672 bytes"),
            ("exact", "shape", [-7], "needs a shape of at most two sizes"),
            ("exact", "shape", [7, 1, 1], "needs a shape of at most two sizes"),
            ("exact", "shape", [True, 7], "needs a shape of at most two sizes"),
            ("exact", "shape", ["7"], "needs a shape"),
            ("exact", "shape", [7.0], "needs a shape"),
            ("exact", "shape", 7, "needs a shape"),
            ("exact", "shape", None, "needs a shape"),
            ("exact", "data_offsets", [0], "needs a shape of at most two sizes and two data_offsets"),
            ("exact", "data_offsets", [0, 56, 56], "two data_offsets"),
            ("exact", "data_offsets", [56, 0], r"data_offsets \[56, 0\] give -56"),
            ("exact", "data_offsets", [-56, 0], "two data_offsets"),
            ("exact", "data_offsets", {"0": 56}, "two data_offsets"),
            ("exact", "dtype", "F16", "has dtype 'F16'; known are F64"),
            ("exact", "dtype", ["F64"], "has dtype"),
            ("exact", "dtype", None, "has dtype None"),
            ("exact", "more", 1, "must have dtype, shape and data_offsets, and nothing else"),
            ("__metadata__", "odd", 1, "__metadata__ must map names to strings"),
            ("__metadata__", "family", "implicit", "the metadata 'family' cannot be read, since it is not valid JSON"),
            ("__metadata__", "family", '"\udc80"', "the metadata 'family' cannot be read, since it holds characters"),
            ("__metadata__", "family", '{"a":1,"a":2}', "the metadata 'family' .* the name 'a' comes twice"),
            ("__metadata__", "family", "NaN", "holds NaN, which is not JSON"),
            ("__metadata__", "family", "-Infinity", "holds -Infinity"),
            ("__metadata__", "family", "1e999", "holds 1e999, which is not a finite number"),
            ("__metadata__", "family", "9" * 5000, "a number of more than 20 digits"),
            ("__metadata__", "family", "[" * 5000, "more than 1024 lists"),
            ("__metadata__", "family", "[" * 100 + "]" * 100, "nested deeper than 8"),
            ("__metadata__", "tensor_sha256", "{}", "tensor_sha256 must name every tensor"),
            ("__metadata__", "tensor_sha256", "[]", "tensor_sha256 must name every tensor"),
        ],
    )
    def test_one_wrong_field(self, refuse_header, name, field, value, match):
        refuse_header(lambda header: header[name].update({field: value}), match)

    @pytest.mark.parametrize("digest", [ZEROS.upper()[:-1], "G" * 64, "A" * 64, 7, None])
    def test_odd_digest(self, refuse_header, digest):
        def change(header):
            digests = json.loads(header["__metadata__"]["tensor_sha256"])
            header["__metadata__"]["tensor_sha256"] = compact(digests | {"exact": digest})

        refuse_header(change, "the SHA-256 of the tensor 'exact' must be 64 hexadecimal digits")

    def test_a_tensor_without_entry(self, refuse_header):
        refuse_header(lambda header: header.pop("bytes"), "tensor_sha256 must name every tensor")
        refuse_header(lambda header: header.update(bytes=[]), "the tensor 'bytes' must have dtype")
        refuse_header(lambda header: header["__metadata__"].pop("tensor_sha256"), "tensor_sha256 must name")

    def test_repeated_names(self, good, refuse):
        text = compact(split(good)[0])
        for name in ("exact", "__metadata__"):
            doubled = f'{text[:-1]},"{name}":{compact(split(good)[0][name])}}}'
            refuse(sealed(doubled, split(good)[1]), f"the name '{name}' comes twice")
        doubled = text.replace('"dtype":"F64"', '"dtype":"F64","dtype":"F64"')
        refuse(sealed(doubled, split(good)[1]), "the name 'dtype' comes twice")

    @pytest.mark.parametrize(
        ("extra", "match"),
        [
            ("[" * 100_000 + "]" * 100_000, "more than 1024 lists and objects"),
            ("[" * 900 + "]" * 900, "nested deeper than 8"),
            ('{"a":' * 900 + "1" + "}" * 900, "nested deeper than 8"),
            ("[" + "[]," * 3000 + "[]]", "more than 1024 lists"),
            ("[" + "1," * 500_000 + "1]", "values, more than"),
            ("1" * 100_000, "a number of more than 20 digits"),
            ("-" + "1" * 5000, "a number of more than 20 digits"),
            ("1e999", "not a finite number"),
            ("NaN", "holds NaN"),
            ("tru", "is not valid JSON"),
            ('"\\ud800"', "must have dtype|must name"),
            ('"é"', "not printable ASCII"),
            ('"\n"', "not printable ASCII"),
            ('"', "is not valid JSON"),
            ("1}", "is not valid JSON"),
        ],
    )
    def test_odd_json(self, good, refuse, extra, match):
        text = compact(split(good)[0])
        refuse(sealed(f'{text[:-1]},"odd":{extra}}}', split(good)[1]), match, n_copies=3)

    def test_many_values_in_the_metadata(self, good, refuse):
        header, payload = split(good)
        header["__metadata__"]["family"] = "[" + "1," * 1_000_000 + "1]"
        refuse(sealed(compact(header), payload), "values, more than", n_copies=3)

    def test_metadata_that_is_not_an_object(self, good, refuse):
        text = compact(split(good)[0])
        end = text.index("},") + 1
        refuse(sealed(text[:end] + "]" + text[end:], split(good)[1]), "is not valid JSON")

    def test_tensors_that_do_not_begin_at_64(self, good, refuse):
        header, payload = split(good)
        for alignment in (1, 8, 32):
            raw = sealed(compact(header) + " " * alignment, payload, alignment)
            if (len(raw) - len(payload)) % 64:
                refuse(raw, "which is not a multiple of 64")

    def test_a_tensor_that_is_not_aligned_to_its_items(self, good, refuse):
        header, _ = split(good)
        metadata = header["__metadata__"]
        payload = bytes(3) + bytes(8)
        entries = {
            "bytes": {"dtype": "U8", "shape": [3], "data_offsets": [0, 3]},
            "exact": {"dtype": "F64", "shape": [1], "data_offsets": [3, 11]},
        }
        metadata["tensor_sha256"] = compact(dict.fromkeys(entries, ZEROS))
        refuse(
            sealed(compact({"__metadata__": metadata} | entries), payload), "begins at 3, which is not a multiple of 8"
        )

    def test_zero_sizes_hide_nothing(self, good, refuse):
        header, payload = split(good)
        header["__metadata__"]["tensor_sha256"] = compact({"none": ZEROS})
        none = {"dtype": "F32", "shape": [0, 2**62], "data_offsets": [0, 0]}
        refuse(
            sealed(compact({"__metadata__": header["__metadata__"], "none": none}), payload), "something was appended"
        )


def test_the_header_limit_is_what_the_documentation_says():
    text = (Path(__file__).resolve().parents[2] / "docs" / "model-file.md").read_text()
    assert f"{header_module.MAX_HEADER_BYTES:,}" in text


def test_a_writer_killed_at_random_moments_leaves_the_old_file_or_the_new_one(tmp_path):
    program = Path(__file__).with_name("kill_writer.py")
    run = subprocess.run(
        [sys.executable, str(program), str(tmp_path / "model.ridge"), "200"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    counts = json.loads(run.stdout)
    assert counts["broken"] == 0
    assert counts["whole"] == 200
    assert counts["killed while writing"] >= 20
    assert counts["versions seen"] >= 10
