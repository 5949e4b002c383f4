"""How the regularization of EASE, the baseline of every report, was chosen: NDCG@20 on validation parts of six sets.

The parts are those of defaults.py. Candidates are constants, and multiples of (sqrt(n_u) + sqrt(n_i))^2, n_u and n_i
being the mean interactions of a user and of an item: about the largest eigenvalue that chance alone gives the matrix of
counts. What is least far behind each set's best on the set where it is furthest behind is chosen; "without" is what the
other sets would have chosen.

Run: python benchmarks/quality/ease_regularization.py [results.json]     (some minutes; the file is read and added to)
"""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path

import numpy as np
from datasets import implicit_sets
from defaults import ndcg, parts

from ridgeback.evaluation.item_models import Ease, ease_regularization

GRID = tuple(float(value) for value in np.geomspace(4.0, 4096.0, 11).round(1))
MULTIPLES = tuple(float(value) for value in np.geomspace(0.1, 4.0, 17).round(2))


def main() -> None:
    """Measure what is not in the file yet, and print."""
    file = Path(sys.argv[1]) if len(sys.argv) > 1 else None
    found: dict[str, dict[str, float]] = json.loads(file.read_text()) if file is not None and file.exists() else {}
    names, scales = list(implicit_sets()), {}
    for name in names:
        train, validation, _, _ = parts(name)
        scales[name] = ease_regularization(train, 1.0)
        known = found.setdefault(name, {})
        for value in GRID:
            if str(value) not in known:
                known[str(value)] = round(ndcg(Ease(value), train, validation), 5)
                if file is not None:
                    file.write_text(json.dumps(found, indent=0))
    print("validation NDCG@20 by regularization\n" + " " * 10 + "".join(f"{name:>10}" for name in names))
    for value in GRID:
        print(f"{value:>10.1f}" + "".join(f"{found[name][str(value)]:10.4f}" for name in names))

    def relative(name: str, regularization: float) -> float:
        """NDCG@20 over the set's best; between the values of the grid along straight lines on its logarithm."""
        curve = [found[name][str(value)] for value in GRID]
        return float(np.interp(math.log(regularization), np.log(GRID), curve)) / max(curve)

    rules = {f"{value:g}": dict.fromkeys(names, value) for value in GRID}
    rules |= {f"{m:g} noise": {name: m * scales[name] for name in names} for m in MULTIPLES}
    rules |= {f"{m:g} root of noise": {name: m * 20 * scales[name] ** 0.5 for name in names} for m in MULTIPLES}
    kept = {
        rule: np.array([relative(name, values[name]) for name in names])
        for rule, values in rules.items()
        if all(GRID[0] <= value <= GRID[-1] for value in values.values())
    }
    print("\nover each set's best\n" + " " * 20 + "".join(f"{name:>10}" for name in names) + "     least")
    for rule, row in sorted(kept.items(), key=lambda pair: -pair[1].min()):
        print(f"{rule:>20}" + "".join(f"{value:10.3f}" for value in row) + f"{row.min():10.3f}")
    for place, name in enumerate(names):
        other = max(kept, key=lambda rule: float(np.delete(kept[rule], place).min()))
        print(f"without {name:<9} {other:>20}, there {kept[other][place]:.3f}")


if __name__ == "__main__":
    main()
