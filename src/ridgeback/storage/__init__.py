"""The model file: functions on arrays and plain values."""

from ridgeback.storage.model_file import read, write

__all__ = ["read", "write"]
