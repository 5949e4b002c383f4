"""ExplicitALS, or BayesianALS, on the five official folds of MovieLens 100K: RMSE with clipping.

Run: python benchmarks/quality/ml_100k.py [explicit | bayesian] [n_threads]

BayesianALS runs plain, with both sets, and with attributes (age, sex, occupation; genres). Its rank is that of
`bayesian_rank.py`, which looks at a validation part of the first fold's training part only; the length of the chain is
the default. Published on u1: GC-MC .905, GLocal-K .889; a Bayesian factorisation machine with both sets .891, with
attributes .887. Mean of the five folds: SVD .934, SVD++ .919 (other folds), Bayesian factorisation machine .884.
"""

from __future__ import annotations

import sys

from datasets import ml_100k, ml_100k_attributes, without
from held_out import Judged, judge, summary

import ridgeback as rb

RANK = 31


def variants(name: str, n_threads: int | None) -> dict[str, rb.models.Recommender]:
    """The models to judge."""
    if name == "explicit":
        model = rb.ExplicitALS(n_factors=20, regularization=0.12, bias_regularization=0.05, n_iterations=12)
        return {"ExplicitALS": model}
    users, items = ml_100k_attributes()
    plain = rb.BayesianALS(n_factors=RANK, n_threads=n_threads)
    sets = plain.clone().set_params(user_sets=True, item_sets=True)
    return {
        "BayesianALS": plain,
        "BayesianALS, one noise for all": plain.clone().set_params(row_noise=False),
        "BayesianALS, both sets": sets,
        "BayesianALS, both sets and attributes": sets.clone().set_params(user_attributes=users, item_attributes=items),
    }


def main() -> None:
    """Print RMSE and MAE of each fold and their means."""
    name = sys.argv[1] if len(sys.argv) > 1 else "explicit"
    n_threads = int(sys.argv[2]) if len(sys.argv) > 2 else None
    everything, folds = ml_100k()
    for label, model in variants(name, n_threads).items():
        results: list[Judged] = []
        for number, part in enumerate(folds, start=1):
            results.append(judge(model, without(everything, part), part))
            print(f"u{number}, {label}: {results[-1]}", flush=True)
        print(summary(f"five folds, {label}", results), flush=True)


if __name__ == "__main__":
    main()
