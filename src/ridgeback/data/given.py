"""What counts as data wherever interactions are asked for: Interactions, or a CSR matrix whose rows are users."""

from __future__ import annotations

import os
from typing import Any

from ridgeback.data.interactions import Interactions
from ridgeback.errors import DataError


def as_interactions(data: Any) -> Interactions:
    """Interactions as given, or made from a CSR matrix whose rows are users."""
    if isinstance(data, Interactions):
        return data
    if isinstance(data, (str, os.PathLike)):
        raise DataError(f"data must be Interactions; got a path. Read it first: rb.read_interactions({str(data)!r}).")
    if hasattr(data, "columns") or hasattr(data, "__arrow_c_stream__"):
        raise DataError(
            f"data must be Interactions; got a {type(data).__name__}. Say which columns are what: "
            "rb.Interactions.from_frame(frame, user=..., item=...)."
        )
    return Interactions.from_csr(data)
