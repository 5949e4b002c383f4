"""Longer steps between iterations, where somebody wants them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, TypeAlias

Acceleration: TypeAlias = Literal["nesterov"]


@dataclass
class Nesterov:
    """How far the items go on past where an iteration left them.

    Before the users are solved the items become ``Y + (a - 1) / a' (Y - Y_before)`` with
    ``a' = (1 + sqrt(1 + 4 a^2)) / 2``. Where that would raise the loss the step is taken back and a starts anew at 1.

    References
    ----------
    Nesterov 1983; Mitchell, Ye & De Sterck 2020, "Nesterov acceleration of alternating least squares for canonical
    tensor decomposition", which restarts it.
    """

    a: float = 1.0

    @property
    def share(self) -> float:
        """Of the items' last step, what is added to it."""
        return (self.a - 1) / self._following

    def go_on(self) -> None:
        """A step was kept: the next is longer."""
        self.a = self._following

    def start_anew(self) -> None:
        """A step was taken back."""
        self.a = 1.0

    @property
    def _following(self) -> float:
        return (1 + math.sqrt(1 + 4 * self.a * self.a)) / 2
