"""What a part remembers of the split that it came from, so that a report can say how its figures came about."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ridgeback.data.interactions import Interactions
from ridgeback.errors import ParameterError


@dataclass(frozen=True)
class Seed:
    """The stream of random numbers of a split, and what makes it again.

    Attributes
    ----------
    rng : numpy.random.Generator
    recorded : int or str
        The seed, or the kind of a generator that came from outside.
    """

    rng: np.random.Generator
    recorded: int | str

    @classmethod
    def of(cls, random_state: int | np.random.Generator | None) -> Seed:
        """Read a `random_state`; None draws a seed, which is recorded.

        Raises
        ------
        ParameterError
            If it is neither an int of at least 0, nor a generator, nor None.
        """
        if isinstance(random_state, np.random.Generator):
            return cls(random_state, f"a generator ({type(random_state.bit_generator).__name__})")
        if random_state is None:
            random_state = int(np.random.default_rng().integers(2**63))
        if isinstance(random_state, bool) or not isinstance(random_state, (int, np.integer)) or random_state < 0:
            raise ParameterError(
                "The 'random_state' parameter must be an int of at least 0, a numpy.random.Generator, or None. "
                f"Got {random_state!r} instead."
            )
        return cls(np.random.default_rng(random_state), int(random_state))


@dataclass(frozen=True)
class SplitRecord:
    """A split by name.

    Attributes
    ----------
    name : str
        Of the function.
    parameters : dict
        As it was called, as far as they say which pairs go where.
    random_state : int or str or None
        The seed; None where nothing is drawn.
    """

    name: str
    parameters: dict[str, Any] = field(default_factory=dict)
    random_state: int | str | None = None

    def parts(self, data: Interactions, masks: dict[str, NDArray[np.bool_]]) -> tuple[Interactions, ...]:
        """Cut the data, each part with this record in ``part.report["split"]``.

        Parameters
        ----------
        data : Interactions
        masks : dict of part's name to ndarray of bool, shape (nnz,)
        """
        cut = {name: data.subset(mask) for name, mask in masks.items()}
        record = {
            "name": self.name,
            "parameters": self.parameters,
            "random_state": self.random_state,
            "minimum_counts": data.report.get("k_core"),
            "n_pairs": {name: part.nnz for name, part in cut.items()},
            "n_users": {name: int(np.count_nonzero(part.user_items.counts())) for name, part in cut.items()},
            "of": data.report.get("split"),
        }
        for name, part in cut.items():
            part.report["split"] = {**record, "part": name}
        return tuple(cut.values())
