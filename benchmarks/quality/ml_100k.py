"""ExplicitALS on the five official folds of MovieLens 100K: RMSE with clipping.

Run: python benchmarks/quality/ml_100k.py
"""

from __future__ import annotations

import numpy as np
from datasets import ml_100k, without

import ridgeback as rb


def main() -> None:
    """Print RMSE and MAE of each fold and their means."""
    everything, folds = ml_100k()
    model = rb.ExplicitALS(n_factors=20, regularization=0.12, bias_regularization=0.05, n_iterations=12)
    rows = []
    for number, part in enumerate(folds, start=1):
        rest = without(everything, part)
        train = rb.Interactions.from_arrays(rest[:, 0], rest[:, 1], ratings=rest[:, 2])
        test = rb.Interactions.from_arrays(part[:, 0], part[:, 1], ratings=part[:, 2])
        report = rb.evaluate(model, train, test)
        rows.append((report.metrics["rmse"], report.metrics["mae"]))
        print(f"u{number}: RMSE {rows[-1][0]:.4f}, MAE {rows[-1][1]:.4f}")
    rmse, mae = np.mean(rows, axis=0)
    print(f"mean of the five folds: RMSE {rmse:.4f}, MAE {mae:.4f}")


if __name__ == "__main__":
    main()
