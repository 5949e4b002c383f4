"""The header of a model file: where each tensor lies, what it hashes to, and the metadata. See docs/model-file.md."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ridgeback.errors import ModelFileError
from ridgeback.storage import strict_json

FORMAT_VERSION = 1
ALIGNMENT = 64
LENGTH_BYTES = 8
MAX_HEADER_BYTES = 16 * 2**20
DTYPES: dict[str, np.dtype[Any]] = {
    "F64": np.dtype("<f8"),
    "I64": np.dtype("<i8"),
    "F32": np.dtype("<f4"),
    "I32": np.dtype("<i4"),
    "U8": np.dtype("u1"),
}

_NAMES = {dtype: name for name, dtype in DTYPES.items()}
_RESERVED = ("ridgeback_model", "header_sha256", "tensor_sha256")
_START = b'{"__metadata__":{"ridgeback_model":"%d","header_sha256":"'
_BEGINNING = re.compile(rb'\{"__metadata__":\{"ridgeback_model":"([0-9]{1,9})","header_sha256":"([0-9a-f]{64})"')
_DIGEST = re.compile(r"[0-9a-f]{64}")
_NO_DIGEST = b"0" * 64
_FREE_VALUES = 16_384  # values that the JSON of any file may hold; beyond, one for every 8 bytes of the file


@dataclass(frozen=True)
class Tensor:
    """Where one tensor lies: `begin` and `end` count from the end of the header."""

    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    begin: int
    end: int
    sha256: str


@dataclass(frozen=True)
class Header:
    """What the header says, and where the tensors begin in the file."""

    tensors: dict[str, Tensor]
    metadata: dict[str, Any]
    payload_begin: int


def dtype_name(dtype: np.dtype[Any]) -> str | None:
    """The name of a dtype in the file, or None where files cannot hold it."""
    return _NAMES.get(dtype)


def file_order(arrays: Mapping[str, np.ndarray[Any, Any]]) -> list[str]:
    """Names by item size, widest first, so that every tensor is aligned to its items; then by name."""
    return sorted(arrays, key=lambda name: (-arrays[name].dtype.itemsize, name))


def encode(tensors: Mapping[str, Tensor], metadata: Mapping[str, Any]) -> bytes:
    """The bytes before the payload: length, JSON, spaces up to a multiple of 64, with the header's own hash in it.

    Raises
    ------
    ModelFileError
        If the metadata cannot be expressed as JSON, or is too large to be read again.
    """
    texts = {"tensor_sha256": strict_json.dumps({name: tensor.sha256 for name, tensor in tensors.items()})}
    for name, value in metadata.items():
        if name in _RESERVED:
            raise ModelFileError(f"the metadata name {name!r} is taken by the format; choose another.")
        try:
            texts[name] = strict_json.dumps(value)
        except (TypeError, ValueError) as error:
            raise ModelFileError(f"the metadata {name!r} cannot be stored: {error}; use plain values.") from None
    places = {
        name: {"dtype": _NAMES[t.dtype], "shape": list(t.shape), "data_offsets": [t.begin, t.end]}
        for name, t in tensors.items()
    }
    rest = strict_json.dumps({"__metadata__": texts} | places).encode()
    json = _START % FORMAT_VERSION + _NO_DIGEST + b'",' + rest[len(b'{"__metadata__":{') :]
    json += b" " * (-(LENGTH_BYTES + len(json)) % ALIGNMENT)
    raw = len(json).to_bytes(LENGTH_BYTES, "little") + json
    place = raw.index(_NO_DIGEST)
    raw = raw[:place] + hashlib.sha256(raw).hexdigest().encode() + raw[place + 64 :]
    _check_readable(raw, max((tensor.end for tensor in tensors.values()), default=0))
    return raw


def _check_readable(raw: bytes, n_payload: int) -> None:
    """Raise unless `decode` will accept this header."""
    if len(raw) - LENGTH_BYTES > MAX_HEADER_BYTES:
        raise ModelFileError(
            f"the header of the model file would take {len(raw) - LENGTH_BYTES} bytes; at most {MAX_HEADER_BYTES} are "
            "read again; shorten the metadata (the records of a long fit: model.history_ = model.history_[-1000:])."
        )
    try:
        _parsed(memoryview(raw), len(raw), n_payload)
    except ValueError as error:
        raise ModelFileError(
            f"the model file could not be read again: {error}; shorten or simplify the metadata."
        ) from None


def decode(raw: memoryview, path: str) -> Header:
    """Read and check the header of a whole file.

    Parameters
    ----------
    raw : memoryview of bytes
        The file.
    path : str
        Its name, for messages.

    Raises
    ------
    ModelFileError
        If the file is not a model, is of a later format, or anything in the header contradicts the file.
    """
    payload_begin = _payload_begin(raw, path)
    start = _BEGINNING.match(raw, LENGTH_BYTES, payload_begin)
    if start is None:
        raise ModelFileError(_not_a_model(raw, payload_begin, path))
    if int(start[1]) != FORMAT_VERSION:
        raise ModelFileError(
            f"{path} says it has format version {int(start[1])}, and this Ridgeback reads version {FORMAT_VERSION}; "
            "upgrade with: pip install --upgrade ridgeback."
        )
    if _header_digest(raw[:payload_begin], start.start(2)) != start[2].decode():
        raise ModelFileError(
            f"{path} is damaged: its header does not have the SHA-256 that it states; "
            "take an undamaged copy or save the model again."
        )
    try:
        return _parsed(raw, payload_begin, len(raw) - payload_begin)
    except ValueError as error:
        raise ModelFileError(f"{path} is not a valid model file: {error}; save the model again.") from None


def _payload_begin(raw: memoryview, path: str) -> int:
    """Where the header ends, from the length in the first eight bytes."""
    if len(raw) < LENGTH_BYTES:
        raise ModelFileError(
            f"{path} is not a Ridgeback model: it has {len(raw)} bytes, and the length of a header alone takes "
            f"{LENGTH_BYTES}; it may be cut off."
        )
    length = int.from_bytes(raw[:LENGTH_BYTES], "little")
    start = bytes(raw[:LENGTH_BYTES])
    if (
        start[:4] == b"PAR1"
        or start[:2] == b"\x1f\x8b"
        or all(0x20 <= byte < 0x7F or byte in b"\t\r\n" for byte in start)
    ):
        raise ModelFileError(
            f"{path} is not a Ridgeback model: it begins like a table or another text ({start!r}). Fit a model to a "
            "table first: rb.read_interactions(path), model.fit(data), model.save(path), or the command ridgeback fit."
        )
    if length > MAX_HEADER_BYTES:
        raise ModelFileError(
            f"{path} is not a Ridgeback model: its first {LENGTH_BYTES} bytes announce a header of {length} bytes, "
            f"and at most {MAX_HEADER_BYTES} are allowed; give a file written by model.save."
        )
    if length > len(raw) - LENGTH_BYTES:
        raise ModelFileError(
            f"{path} is not a Ridgeback model, or cut off: it announces a header of {length} bytes, and "
            f"{len(raw) - LENGTH_BYTES} follow; take a whole copy."
        )
    return LENGTH_BYTES + length


def _not_a_model(raw: memoryview, payload_begin: int, path: str) -> str:
    """What a file without our beginning seems to be."""
    if payload_begin > LENGTH_BYTES and raw[LENGTH_BYTES] == ord("{"):
        return (
            f"{path} is not a Ridgeback model: it looks like a safetensors file of another program, or its header is "
            "damaged; give a file written by model.save."
        )
    return f"{path} is not a Ridgeback model: no header follows its first 8 bytes; give a file written by model.save."


def _header_digest(header: memoryview, place: int) -> str:
    """SHA-256 of length and header with its own 64 digits set to zero."""
    digest = hashlib.sha256(header[:place])
    digest.update(_NO_DIGEST)
    digest.update(header[place + 64 :])
    return digest.hexdigest()


def _parsed(raw: memoryview, payload_begin: int, n_payload: int) -> Header:
    """The header from its JSON; ValueError with the reason where it does not fit."""
    if payload_begin % ALIGNMENT:
        raise ValueError(f"its tensors begin at byte {payload_begin}, which is not a multiple of {ALIGNMENT}")
    limit = _FREE_VALUES + (payload_begin + n_payload) // 8
    entries = strict_json.loads(str(raw[LENGTH_BYTES:payload_begin], "latin-1"), limit)
    texts = entries.pop("__metadata__")
    if not isinstance(texts, dict) or not all(isinstance(text, str) for text in texts.values()):
        raise ValueError("its __metadata__ must map names to strings")
    metadata = {name: _metadata_value(name, text, limit) for name, text in texts.items() if name not in _RESERVED[:2]}
    digests = metadata.pop("tensor_sha256", None)
    if not isinstance(digests, dict) or digests.keys() != entries.keys():
        raise ValueError("tensor_sha256 must name every tensor, and nothing else")
    tensors = {name: _checked_tensor(name, entry, digests[name]) for name, entry in entries.items()}
    _check_cover(tensors, n_payload)
    return Header(tensors, metadata, payload_begin)


def _metadata_value(name: str, text: str, limit: int) -> Any:
    """One metadata entry, which is JSON in a string."""
    try:
        return strict_json.loads(text, limit)
    except ValueError as error:
        raise ValueError(f"the metadata {name!a} cannot be read, since {error}") from None


def _checked_tensor(name: str, entry: Any, digest: Any) -> Tensor:
    """One tensor entry, whose shape and place agree."""
    if not isinstance(entry, dict) or entry.keys() != {"dtype", "shape", "data_offsets"}:
        raise ValueError(f"the tensor {name!a} must have dtype, shape and data_offsets, and nothing else")
    dtype: np.dtype[Any] | None = DTYPES.get(entry["dtype"]) if isinstance(entry["dtype"], str) else None
    if dtype is None:
        raise ValueError(f"the tensor {name!a} has dtype {entry['dtype']!a}; known are {', '.join(DTYPES)}")
    shape, offsets = entry["shape"], entry["data_offsets"]
    if not (_are_sizes(shape) and len(shape) <= 2 and _are_sizes(offsets) and len(offsets) == 2):
        raise ValueError(f"the tensor {name!a} needs a shape of at most two sizes and two data_offsets")
    n_items = 1
    for size in shape:
        n_items *= size
    begin, end = offsets
    if end - begin != n_items * dtype.itemsize:
        raise ValueError(
            f"the tensor {name!a} of shape {shape} and dtype {entry['dtype']} takes {n_items * dtype.itemsize} bytes, "
            f"and its data_offsets {offsets} give {end - begin}"
        )
    if begin % dtype.itemsize:
        raise ValueError(f"the tensor {name!a} begins at {begin}, which is not a multiple of {dtype.itemsize}")
    if not isinstance(digest, str) or not _DIGEST.fullmatch(digest):
        raise ValueError(f"the SHA-256 of the tensor {name!a} must be 64 hexadecimal digits")
    return Tensor(dtype, tuple(shape), begin, end, digest)


def _are_sizes(values: Any) -> bool:
    """Whether it is a list of ints that are not negative (bool is not an int here)."""
    return isinstance(values, list) and all(type(value) is int and value >= 0 for value in values)


def _check_cover(tensors: Mapping[str, Tensor], n_payload: int) -> None:
    """Raise ValueError unless the tensors cover the payload without holes or overlaps."""
    place = 0
    for name, tensor in sorted(tensors.items(), key=lambda item: (item[1].begin, item[1].end)):
        if tensor.begin != place:
            wrong = "overlaps the one before it" if tensor.begin < place else "leaves a hole before it"
            raise ValueError(f"the tensor {name!a} {wrong}: it begins at {tensor.begin}, expected {place}")
        place = tensor.end
    if place != n_payload:
        state = "it is cut off" if place > n_payload else "something was appended"
        raise ValueError(f"its tensors take {place} bytes and {n_payload} follow the header ({state})")
