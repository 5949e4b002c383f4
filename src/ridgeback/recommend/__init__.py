"""Questions to fitted arrays: the best items, similar rows, scores of pairs."""

from __future__ import annotations

from ridgeback.recommend.top_k import TopK, score_pairs, similar, top_k

__all__ = ["TopK", "score_pairs", "similar", "top_k"]
