"""Model files: named tensors and plain metadata in one safetensors file. The format is in docs/model-file.md."""

from __future__ import annotations

import hashlib
import mmap
import os
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from ridgeback.errors import ModelFileError
from ridgeback.storage.header import DTYPES, Header, Tensor, decode, dtype_name, encode, file_order
from ridgeback.storage.replacing import Block, replace_file

Array = npt.NDArray[Any]

_BLOCK_BYTES = 1 << 20


def write(path: str | os.PathLike[str], tensors: Mapping[str, Array], metadata: Mapping[str, Any]) -> None:
    """Write tensors and metadata; the file at `path` is replaced in one step.

    Parameters
    ----------
    path : str or path
    tensors : mapping of str to ndarray
        float64, int64, float32, int32 or uint8, of at most two dimensions; floats must be finite.
    metadata : mapping of str to plain values
        What JSON can express.

    Raises
    ------
    ModelFileError
        If a tensor or metadata cannot be stored, or the file cannot be written; then the old file is as it was.

    Notes
    -----
    Reads every tensor twice, once for its hash and once to write it, and copies none that is contiguous.
    """
    arrays = {name: _storable(name, array) for name, array in tensors.items()}
    places: dict[str, Tensor] = {}
    begin = 0
    for name in file_order(arrays):
        array = arrays[name]
        digest, is_finite = _digest(array)
        if not is_finite:
            raise ModelFileError(f"{name} holds NaN or infinity; such a model is not saved: refit it on checked data.")
        places[name] = Tensor(array.dtype, array.shape, begin, begin + array.nbytes, digest)
        begin += array.nbytes
    header = encode(places, metadata)
    replace_file(path, _blocks(header, [arrays[name] for name in places]))


def read(path: str | os.PathLike[str], verify: bool = True) -> tuple[dict[str, Array], dict[str, Any]]:
    """Open a model file: read-only tensors mapped from disk, and the metadata.

    Parameters
    ----------
    path : str or path
    verify : bool
        Also read every tensor once, and check its SHA-256 and that floats are finite. Structure, sizes and the hash of
        the header are checked always.

    Raises
    ------
    ModelFileError
        If the file cannot be opened, is not a model, is damaged or of a later format.

    Notes
    -----
    Without `verify` some pages are read, whatever the size of the file. The mapped tensors stay valid when the file is
    replaced; a program that shortens the file in place ends its readers.
    """
    name = os.fsdecode(path)
    raw = _mapped(name)
    header = decode(memoryview(raw), name)
    tensors = {key: _view(raw, header, tensor) for key, tensor in header.tensors.items()}
    if verify:
        _verify(tensors, header, name)
    return tensors, header.metadata


def _mapped(path: str) -> mmap.mmap | bytes:
    """The bytes of a file, mapped; an empty file cannot be."""
    try:
        with open(path, "rb") as file:
            if os.fstat(file.fileno()).st_size == 0:
                return b""
            return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise ModelFileError(f"cannot open the model file {path}: {reason}; check the path.") from error


def _view(raw: mmap.mmap | bytes, header: Header, tensor: Tensor) -> Array:
    """A tensor as a read-only view of the mapped file."""
    n_items = (tensor.end - tensor.begin) // tensor.dtype.itemsize
    if n_items == 0:
        return np.frombuffer(b"", tensor.dtype).reshape(tensor.shape)
    return np.frombuffer(raw, tensor.dtype, n_items, header.payload_begin + tensor.begin).reshape(tensor.shape)


def _verify(tensors: Mapping[str, Array], header: Header, path: str) -> None:
    """Compare every tensor with its hash, and look for floats that are not finite."""
    for name, array in tensors.items():
        digest, is_finite = _digest(array)
        if digest != header.tensors[name].sha256:
            raise ModelFileError(
                f"{path} is damaged: the tensor {name!a} does not have the SHA-256 that the header states; "
                "take an undamaged copy or save the model again."
            )
        if not is_finite:
            raise ModelFileError(
                f"{path} holds NaN or infinity in the tensor {name!a} and cannot be used; fit and save it again."
            )


def _digest(array: Array) -> tuple[str, bool]:
    """SHA-256 of the bytes of a contiguous array, and whether all its floats are finite, in one pass."""
    digest = hashlib.sha256()
    is_finite = True
    flat = array.reshape(-1)
    step = _BLOCK_BYTES // array.dtype.itemsize
    for start in range(0, len(flat), step):
        block = flat[start : start + step]
        digest.update(block.data)
        is_finite = is_finite and (array.dtype.kind != "f" or bool(np.isfinite(block).all()))
    return digest.hexdigest(), is_finite


def _storable(name: str, array: Array) -> Array:
    """The array as it goes into the file: contiguous, little-endian, of a known dtype."""
    if name == "__metadata__":
        raise ModelFileError("the tensor name '__metadata__' is taken by the format; choose another.")
    values = np.asarray(array)
    values = np.ascontiguousarray(values, values.dtype.newbyteorder("<")).reshape(values.shape)
    if dtype_name(values.dtype) is None or values.ndim > 2:
        raise ModelFileError(
            f"the tensor {name} has dtype {values.dtype} and {values.ndim} dimensions; model files hold "
            f"{', '.join(str(dtype) for dtype in DTYPES.values())} of at most two."
        )
    return values


def _blocks(header: bytes, arrays: list[Array]) -> Iterator[Block]:
    """The bytes of the file."""
    yield header
    for array in arrays:
        if array.size:
            yield array.reshape(-1).view(np.uint8).data
