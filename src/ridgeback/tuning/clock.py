"""How much time a search has, and how much of it is kept for the end."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field


@dataclass
class Clock:
    """Counts from the moment that it is made.

    Attributes
    ----------
    seconds : float
        In all; infinite where nothing limits them.
    kept : float
        What the end needs: the final fit and the comparison.
    """

    seconds: float = math.inf
    kept: float = 0.0
    _began: float = field(default_factory=time.perf_counter)

    @property
    def elapsed(self) -> float:
        """Seconds since the beginning."""
        return time.perf_counter() - self._began

    @property
    def left(self) -> float:
        """Seconds until the search must end; below 0 where it is late."""
        return self.seconds - self.kept - self.elapsed

    @property
    def left_in_all(self) -> float:
        """Seconds until everything must be done."""
        return self.seconds - self.elapsed
