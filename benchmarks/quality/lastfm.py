"""LogisticMF with its defaults on the listening counts of Last.fm, beside popularity, on a fifth of the pairs.

Run: python benchmarks/quality/lastfm.py
"""

from __future__ import annotations

import time

from datasets import lastfm

import ridgeback as rb


def main() -> None:
    """Fit, judge, print one line."""
    train, test = rb.split.random(lastfm(), test_fraction=0.2, random_state=0)
    began = time.perf_counter()
    model = rb.LogisticMF().fit(train)
    seconds = time.perf_counter() - began
    ndcg, popularity = (
        rb.evaluate(judged, train, test, k=10, baselines=False).metrics["ndcg@10"]
        for judged in (model, rb.Popularity().fit(train))
    )
    print({name: model.parameters_[name] for name in ("regularization", "bias_regularization", "n_negatives")})
    print(
        f"LogisticMF, {model.n_factors} factors: NDCG@10 {ndcg:.4f}, popularity {popularity:.4f}, "
        f"ratio {ndcg / popularity:.2f}, fitted in {seconds:.1f} s"
    )


if __name__ == "__main__":
    main()
