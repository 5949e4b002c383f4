"""Questions to fitted arrays: the best items, their percentiles, similar rows, scores of pairs."""

from __future__ import annotations

from ridgeback.recommend.lists import TopK
from ridgeback.recommend.percentiles import percentiles
from ridgeback.recommend.top_k import score_pairs, similar, top_k

__all__ = ["TopK", "percentiles", "score_pairs", "similar", "top_k"]
