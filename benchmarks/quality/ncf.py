"""ImplicitALS on the leave-one-out split of NCF (He et al. 2017), one positive among 99 negatives.

Published for these settings (Rendle et al. 2022): HR@10 .730, NDCG@10 .453; popularity .4535 / .2543.
Run: python benchmarks/quality/ncf.py [n_factors]
"""

from __future__ import annotations

import sys
import time

from datasets import ncf_ml_1m

import ridgeback as rb


def main() -> None:
    """Fit, judge, print one line a model."""
    n_factors = int(sys.argv[1]) if len(sys.argv) > 1 else 192
    train, test, negatives = ncf_ml_1m()
    model = rb.ImplicitALS(
        n_factors,
        regularization=0.007,
        unobserved_weight=0.3,
        frequency_exponent=1.0,
        weight_exponents=(0.0, 0.0),
        init_scale=0.1,
        n_iterations=12,
    )
    began = time.perf_counter()
    model.fit(train)
    seconds = time.perf_counter() - began
    report = rb.evaluate(model, train, test, k=10, candidates=negatives)
    print(report)
    print(
        f"ImplicitALS, {n_factors} factors: HR@10 {report.metrics['hit_rate@10']:.4f}, "
        f"NDCG@10 {report.metrics['ndcg@10']:.4f}, fitted in {seconds:.1f} s"
    )


if __name__ == "__main__":
    main()
