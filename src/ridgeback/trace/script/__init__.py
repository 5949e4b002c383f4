"""A trace as a Python script: NumPy only, every step replayed and explained, every number held against the record."""

from ridgeback.trace.script.writing import script

__all__ = ["script"]
