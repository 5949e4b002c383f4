"""What a model file held, handed out by name, type and shape; what nobody asked for is an error."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from ridgeback.errors import ModelFileError

Array = npt.NDArray[Any]
Shape = tuple[int | None, ...]


class FileContents:
    """Tensors and metadata of one file, each taken once.

    Parameters
    ----------
    path : str
        For messages.
    tensors, metadata : mapping
        As `ridgeback.storage.read` returns them.
    """

    def __init__(self, path: str, tensors: Mapping[str, Array], metadata: Mapping[str, Any]) -> None:
        self.path = path
        self._tensors = dict(tensors)
        self._metadata = dict(metadata)

    def error(self, reason: str) -> ModelFileError:
        """The error for contents that contradict each other."""
        return ModelFileError(f"{self.path} is not a valid model file: {reason}; fit and save the model again.")

    def has_tensor(self, name: str) -> bool:
        """Whether a tensor of this name is left."""
        return name in self._tensors

    def tensor_names(self) -> list[str]:
        """Names of the tensors that are left."""
        return list(self._tensors)

    def tensor(self, name: str, dtype: Any = None, shape: Shape = (None, None)) -> Array:
        """Take a tensor of this dtype (None: any) and shape (None: any size)."""
        if name not in self._tensors:
            raise self.error(f"the tensor {name} is missing")
        array = self._tensors.pop(name)
        if dtype is not None and array.dtype != dtype:
            raise self.error(f"the tensor {name} has dtype {array.dtype}, expected {np.dtype(dtype)}")
        fits = len(shape) == array.ndim and all(
            wanted in (None, size) for wanted, size in zip(shape, array.shape, strict=True)
        )
        if not fits:
            wanted = ", ".join("any" if size is None else str(size) for size in shape)
            raise self.error(f"the tensor {name} has shape {array.shape}, expected ({wanted})")
        return array

    def tensor_or_none(self, name: str, dtype: Any, shape: Shape) -> Array | None:
        """Take a tensor that need not be there."""
        return self.tensor(name, dtype, shape) if self.has_tensor(name) else None

    def value(self, name: str, *types: type) -> Any:
        """Take a metadata value of one of these types; an int is also a float, a bool is neither."""
        if name not in self._metadata:
            raise self.error(f"the metadata {name} is missing")
        value = self._metadata.pop(name)
        if type(value) is int and float in types and int not in types:
            value = float(value)
        if type(value) not in types:
            names = " or ".join(kind.__name__ for kind in types)
            raise self.error(f"the metadata {name} must be {names}, got {type(value).__name__}")
        return value

    def value_or_none(self, name: str, *types: type) -> Any:
        """Take a metadata value that need not be there."""
        return self.value(name, *types, type(None)) if name in self._metadata else None

    def refuse_leftovers(self) -> None:
        """Raise if something was in the file that no reader asked for."""
        left = [ascii(name) for name in (*self._tensors, *self._metadata)]
        if left:
            raise self.error(f"it holds {', '.join(left[:5])}, which a model of this family does not have")
