"""What a fit did to its matrices, step by step: the record, and the narrators that read it."""

from ridgeback.trace.trace import Trace

__all__ = ["Trace"]
