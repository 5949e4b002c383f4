"""Ids, text and interactions as named tensors of the model file, and back."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import numpy.typing as npt

from ridgeback.data.csr import Csr
from ridgeback.data.ids import Ids
from ridgeback.data.text import Text, check_offsets
from ridgeback.errors import DataError
from ridgeback.models.file_contents import FileContents

Array = npt.NDArray[Any]


def text_tensors(name: str, text: Text) -> dict[str, Array]:
    """`NAME.offsets` and `NAME.bytes`."""
    return {f"{name}.offsets": text.offsets, f"{name}.bytes": text.data}


def read_text(contents: FileContents, name: str, n: int, verify: bool) -> Text:
    """n strings; whether they are UTF-8 is checked only with `verify`."""
    offsets = contents.tensor(f"{name}.offsets", np.int64, (n + 1,))
    text = Text(offsets, contents.tensor(f"{name}.bytes", np.uint8, (None,)))
    try:
        check_offsets(offsets, len(text.data))
        if verify:
            text.check_utf8()
    except DataError as error:
        raise contents.error(f"{name} is broken: {error}") from None
    return text


def id_tensors(name: str, ids: Ids) -> dict[str, Array]:
    """`NAME` for ints; `NAME.offsets`, `NAME.bytes` and the hash table `NAME.index` for text."""
    if isinstance(ids.values, Text):
        assert ids.index is not None
        return text_tensors(name, ids.values) | {f"{name}.index": ids.index}
    return {name: ids.values}


def read_ids(contents: FileContents, name: str, n: int, verify: bool) -> Ids:
    """n ids; with `verify` each is looked up, so that none comes twice and the hash table leads to it."""
    if contents.has_tensor(name):
        ids = Ids(contents.tensor(name, np.int64, (n,)))
    else:
        index = contents.tensor(f"{name}.index", np.int32, (index_size(n),))
        ids = Ids(read_text(contents, name, n, verify), index)
    if verify and not np.array_equal(ids.rows(ids), np.arange(n)):
        raise contents.error(f"{name} is broken: an id comes twice, or its hash table does not lead to it")
    return ids


def index_size(n: int) -> int:
    """Slots of the hash table over n text ids: the smallest power of two that is at least 2 n and at least 2."""
    return max(2, 1 << (2 * n - 1).bit_length()) if n else 2


def csr_tensors(name: str, matrix: Csr) -> dict[str, Array]:
    """`NAME.indptr`, `NAME.items`, and `NAME.values` unless all are 1."""
    tensors: dict[str, Array] = {f"{name}.indptr": matrix.indptr, f"{name}.items": matrix.indices}
    return tensors if matrix.data is None else tensors | {f"{name}.values": matrix.data}


def read_csr(contents: FileContents, name: str, shape: tuple[int, int], verify: bool) -> Csr:
    """A matrix; row pointers are checked always, columns (in range, ascending in each row) only with `verify`."""
    indptr = contents.tensor(f"{name}.indptr", np.int64, (shape[0] + 1,))
    indices = contents.tensor(f"{name}.items", np.int32, (None,))
    data = contents.tensor_or_none(f"{name}.values", np.float32, indices.shape)
    try:
        check_offsets(indptr, len(indices))
        if verify:
            raw = SimpleNamespace(format="csr", indptr=indptr, indices=indices, shape=shape)
            if Csr.from_any(raw).indices is not indices:
                raise DataError("the columns of a row do not ascend")
    except DataError as error:
        raise contents.error(f"{name} is broken: {error}") from None
    return Csr(indptr, indices, data, shape)
