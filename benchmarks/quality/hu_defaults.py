"""How the defaults of ImplicitALS(loss="hu") were chosen: NDCG@20 on validation parts of six sets.

The parts are those of defaults.py, and what is chosen is chosen as there: least far behind each set's best on the set
where it is furthest behind; "without" is what the other five sets would have chosen. alpha makes a typical value count
`confidence`: a constant, or one over a multiple of the root of the density, as the zeros of "ials" are weighed. The
regularization puts what chance alone makes at `edge`, the pulls being 1 + alpha times some typical value.

At the end the chosen setting, the one before and each set's own best are fitted to training and validation part and
judged on the test part, once.

Run: python benchmarks/quality/hu_defaults.py [results.json]     (a quarter of an hour; the file is read and added to)
"""

from __future__ import annotations

import json
import math
import sys
import warnings
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from datasets import implicit_sets
from defaults import ndcg, parts

import ridgeback as rb
from ridgeback.models.defaults import DataShape, ials_regularization

TYPICAL = {
    "median": np.median,
    "mean": np.mean,
    "log mean": lambda values: np.exp(np.log(values).mean()),
    "root mean square": lambda values: np.sqrt(np.mean(values.astype(np.float64) ** 2)),
}


@dataclass(frozen=True)
class Setting:
    """One setting.

    Attributes
    ----------
    multiple : float or None
        What a typical value counts: 1 / (multiple * sqrt(density)).
    constant : float or None
        The same as a number.
    edge : float
        Where the largest singular value of noise stands, 1 being where it can leave zero.
    value : str
        Which value is typical for alpha.
    pull : str
        Which is for the regularization.
    fixed : (float, float) or None
        alpha and regularization as numbers, instead of all that.
    """

    multiple: float | None = 0.7
    constant: float | None = None
    edge: float = 1.8
    value: str = "median"
    pull: str = "mean"
    fixed: tuple[float, float] | None = None

    def parameters(self, train: rb.Interactions) -> dict[str, Any]:
        """Constructor arguments on this data."""
        if self.fixed is not None:
            return {"loss": "hu", "alpha": self.fixed[0], "regularization": self.fixed[1]}
        shape, values = DataShape(train.n_users, train.n_items, train.nnz), train.user_items.values()
        counts = 1 / (self.multiple * math.sqrt(shape.density)) if self.multiple is not None else self.constant
        alpha = counts / float(TYPICAL[self.value](values))
        noise = ials_regularization(shape, 0.0, 0.0, noise_edge=self.edge)
        return {
            "loss": "hu",
            "alpha": alpha,
            "regularization": (1 + alpha * float(TYPICAL[self.pull](values))) * noise,
        }

    def __str__(self) -> str:
        if self.fixed is not None:
            return f"alpha {self.fixed[0]:g}, regularization {self.fixed[1]:g}"
        counts = f"{self.multiple:4.2f} sqrt(density)" if self.multiple is not None else f"constant {self.constant:g}"
        return f"{counts:<18} edge {self.edge:4.2f}  {self.value}, {self.pull}"

    def key(self) -> str:
        """What it is known by in a file."""
        return ",".join(f"{value}" for value in asdict(self).values())


BEFORE = Setting(fixed=(10.0, 1.0))


def settings() -> list[Setting]:
    """What was the default, a grid of confidence and edge, and other typical values."""
    center = Setting()
    return [
        BEFORE,
        *(replace(center, multiple=m, edge=e) for m in (0.35, 0.7, 1.4, 2.8) for e in (1.3, 1.8, 2.5, 3.5)),
        *(Setting(None, c, e) for c in (3.0, 10.0, 30.0) for e in (1.8, 2.5)),
        *(
            replace(center, edge=e, value=value, pull=pull)
            for e in (1.8, 2.5)
            for value, pull in (
                ("median", "median"),
                ("mean", "mean"),
                ("mean", "root mean square"),
                ("log mean", "log mean"),
                ("median", "root mean square"),
            )
        ),
    ]


def measured(names: list[str], tried: list[Setting], file: Path | None) -> dict[str, dict[str, float]]:
    """The validation NDCG@20, by set and setting."""
    found: dict[str, dict[str, float]] = json.loads(file.read_text()) if file is not None and file.exists() else {}
    for name in names:
        train, validation, _, _ = parts(name)
        known = found.setdefault(name, {})
        for setting in tried:
            if setting.key() not in known:
                model = rb.ImplicitALS(**setting.parameters(train)).fit(train)
                known[setting.key()] = round(ndcg(model, train, validation), 5)
                if file is not None:
                    file.write_text(json.dumps(found, indent=0))
    return found


def show(found: dict[str, dict[str, float]], names: list[str], tried: list[Setting]) -> Setting:
    """Print every setting, what is chosen, and what would have been chosen without each set."""
    table = np.array([[found[name][setting.key()] for name in names] for setting in tried])
    table /= table.max(axis=0)
    print("NDCG@20 on the validation part, over the best of each set")
    print(f"{'':<60}" + " ".join(f"{name:>8}" for name in names) + "     mean   least")
    for place in np.argsort(-table.min(axis=1), kind="stable"):
        row = table[place]
        print(f"{tried[place]!s:<60}" + " ".join(f"{v:8.3f}" for v in row) + f"   {row.mean():6.3f}  {row.min():6.3f}")
    best = int(np.argmax(table.min(axis=1)))
    print(f"\nchosen: {tried[best]}")
    for place, name in enumerate(names):
        other = int(np.argmax(np.delete(table, place, axis=1).min(axis=1)))
        print(f"without {name:<9} {tried[other]}, there {table[other, place]:.3f}")
    return tried[best]


def judge(found: dict[str, dict[str, float]], names: list[str], tried: list[Setting], chosen: Setting) -> None:
    """Print the test part's NDCG@20 of the chosen setting, the set's own best on validation, before, and of "ials"."""
    print("\nNDCG@20 on the test part: chosen, the set's own best, before, loss 'ials' by default, popularity")
    for name in names:
        _, _, rest, test = parts(name)
        own = max(tried, key=lambda one: found[name][one.key()])
        models = [rb.ImplicitALS(**one.parameters(rest)) for one in (chosen, own, BEFORE)]
        figures = [ndcg(model.fit(rest), rest, test) for model in (*models, rb.ImplicitALS(), rb.Popularity())]
        chosen_at = chosen.parameters(rest)
        print(
            f"  {name:<9} "
            + "  ".join(f"{figure:.4f}" for figure in figures)
            + f"   alpha {chosen_at['alpha']:.3g}, regularization {chosen_at['regularization']:.3g}; own: {own}",
            flush=True,
        )


def main() -> None:
    """Measure what is not in the file yet, and print."""
    warnings.simplefilter("ignore", rb.RidgebackWarning)  # some settings end at zero, as their figures show
    names, tried = list(implicit_sets()), settings()
    found = measured(names, tried, Path(sys.argv[1]) if len(sys.argv) > 1 else None)
    judge(found, names, tried, show(found, names, tried))


if __name__ == "__main__":
    main()
