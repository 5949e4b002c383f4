"""What a study is a study of: by this a file of another one is refused."""

from __future__ import annotations

import numpy as np

from ridgeback.data.interactions import Interactions
from ridgeback.models.factor_model import FactorModel
from ridgeback.tuning.spaces import Dimension

SIZE = " size"  # of a part: told beside it, and nothing that is compared


def identity(
    model: FactorModel, metric: str, train: Interactions, validation: Interactions, chosen: tuple[Dimension, ...]
) -> dict[str, str]:
    """What makes a study another one, by name.

    Parameters
    ----------
    model : FactorModel
    metric : str
    train, validation : Interactions
    chosen : tuple of Dimension
    """
    free = {"n_threads", *(dimension.parameter for dimension in chosen)}
    stated = [
        f"{name}={type(value).__name__ if isinstance(value, np.random.Generator) else repr(value)}"
        for name, value in model.get_params().items()
        if name not in free
    ]
    return {
        "model": f"{type(model).__name__}({', '.join(stated)})",
        "metric": metric,
        "training part": train.fingerprint(),
        f"training part{SIZE}": _size(train),
        "validation part": validation.fingerprint(),
        f"validation part{SIZE}": _size(validation),
        "search space": ", ".join(f"{d.name} {d.low:g} to {d.high:g}" for d in chosen),
    }


def difference(stored: dict[str, str], here: dict[str, str]) -> str:
    """How a stored study differs from the one that was asked for, in words; empty where it does not.

    Parameters
    ----------
    stored, here : dict of str to str
        As of `identity`.
    """
    differing = [name for name in here if not name.endswith(SIZE) and stored.get(name) != here[name]]
    if not differing:
        return ""
    first = differing[0]
    words = f"is of another {' and another '.join(differing)}"
    if f"{first}{SIZE}" not in here:
        return f"{words}: there {_short(stored.get(first))}, here {_short(here[first])}"
    there, now = stored.get(f"{first}{SIZE}"), here[f"{first}{SIZE}"]
    if there == now:
        return f"{words}: of the same size, {now}, with other pairs, as another seed draws them"
    return f"{words}: there {there or 'pairs'}, here {now}"


def _size(data: Interactions) -> str:
    return f"{data.n_users:,} users x {data.n_items:,} items with {data.nnz:,} pairs"


def _short(text: str | None) -> str:
    return "nothing" if text is None else text if len(text) <= 60 else f"{text[:57]}..."
