"""Lists in another order than that of the scores: popularity as a cost, and items unlike each other."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from ridgeback.errors import ParameterError
from ridgeback.recommend.diversity import most_diverse
from ridgeback.recommend.lists import RowLists, TopK
from ridgeback.recommend.scoring import Scoring
from ridgeback.recommend.scoring_arrays import Floats
from ridgeback.recommend.top_k import best_items, inverse_norms, list_length, scores_of, similar

CANDIDATES_A_PLACE = 10


@dataclass(frozen=True)
class Reranking:
    """How lists are ordered.

    Attributes
    ----------
    popularity_penalty : float, >= 0
        Standard deviations of the scores that a standard deviation of log popularity costs; see
        `ridgeback.recommend.popularity`.
    diversity : float, 0 to 1
        Weight of being unlike what stands above; see `ridgeback.recommend.diversity`.
    n_candidates : int or None
        How many of the best items the list is chosen from where `diversity` is above 0. None: ten for each place.
    """

    popularity_penalty: float = 0.0
    diversity: float = 0.0
    n_candidates: int | None = None

    @classmethod
    def of(cls, popularity_penalty: Any, diversity: Any, n_candidates: Any, k: Any) -> Reranking:
        """Check what a caller gave.

        Raises
        ------
        ParameterError
            If a number is not one that it can be, or `n_candidates` is below `k`.
        """
        k = list_length(k)
        penalty, share = _number(popularity_penalty), _number(diversity)
        if penalty is None or penalty < 0:
            raise ParameterError(
                "The 'popularity_penalty' parameter must be a finite number of at least 0: how many standard deviations"
                f" of the scores a standard deviation of log popularity costs. Got {popularity_penalty!r:.80} instead."
            )
        if share is None or not 0 <= share <= 1:
            raise ParameterError(
                "The 'diversity' parameter must be a number from 0 (the score alone) to 1 (being unlike what stands "
                f"above alone). Got {diversity!r:.80} instead."
            )
        if n_candidates is not None:
            is_whole = isinstance(n_candidates, (int, np.integer)) and not isinstance(n_candidates, (bool, np.bool_))
            if not is_whole or n_candidates < k:
                raise ParameterError(
                    f"The 'n_candidates' parameter must be a whole number of at least k = {k}: the best items that a "
                    f"list is chosen from. Got {n_candidates!r:.80} instead; None takes {CANDIDATES_A_PLACE} for each "
                    "place."
                )
            n_candidates = int(n_candidates)
        return cls(penalty, share, n_candidates)

    @property
    def is_on(self) -> bool:
        """Whether lists are in another order than that of the scores."""
        return self.popularity_penalty > 0 or self.diversity > 0

    def pool_size(self, k: int) -> int:
        """How many of the best items are looked at for a list of `k`."""
        if self.diversity == 0:
            return k
        return CANDIDATES_A_PLACE * k if self.n_candidates is None else self.n_candidates


OFF = Reranking()


def reranked_items(
    scoring: Scoring,
    reranking: Reranking,
    *,
    k: int,
    penalties: Floats | None,
    directions: Floats,
    n_threads: int = 1,
    **chosen: Any,
) -> TopK:
    """Find every user's `k` items in the order of their ranking scores.

    Parameters
    ----------
    scoring : Scoring
    reranking : Reranking
    k : int
    penalties : float32 array of shape (n_items,), or None
        What each item loses.
    directions : float32 array of shape (n_items, n_factors)
        Whose cosines say how alike items are.
    n_threads : int
    **chosen
        Items, candidates and exclude as in `top_k`.

    Returns
    -------
    TopK
        ``scores`` are those of `top_k`, to the bit; ``ranking_scores`` what the lists are ordered by.
    """
    lowered = scoring if penalties is None else scoring.lowered(penalties)
    pool = best_items(lowered, k=reranking.pool_size(k), n_threads=n_threads, **chosen)
    ranked = _diverse(pool, directions, reranking, k, n_threads)
    scores = scores_of(scoring, ranked.users(), ranked.items, n_threads=n_threads)
    return TopK(ranked.items, scores, ranked.counts, ranked.scores)


def reranked_similar(
    query_factors: Floats,
    factors: Floats,
    reranking: Reranking,
    *,
    k: int,
    penalties: Floats | None,
    exclude: RowLists | None = None,
    n_threads: int = 1,
) -> TopK:
    """Find the `k` rows nearest to each query in the order of their ranking scores; parameters as in `similar`.

    Returns
    -------
    TopK
        ``scores`` are the cosines, ``ranking_scores`` what the lists are ordered by.
    """
    pool = similar(
        query_factors,
        factors,
        k=reranking.pool_size(k),
        exclude=exclude,
        row_biases=None if penalties is None else -penalties,
        n_threads=n_threads,
    )
    ranked = _diverse(pool, factors, reranking, k, n_threads)
    rows, places = np.unique(ranked.items, return_inverse=True)
    queries, found = (
        each * inverse_norms(each, n_threads=n_threads)[:, None] for each in (query_factors, factors[rows])
    )
    cosines = scores_of(Scoring(queries, found), ranked.users(), places.ravel(), n_threads=n_threads).clip(-1, 1)
    return TopK(ranked.items, cosines, ranked.counts, ranked.scores)


def _diverse(pool: TopK, directions: Floats, reranking: Reranking, k: int, n_threads: int) -> TopK:
    """The pool itself, or what is chosen from it."""
    if reranking.diversity == 0:
        return pool
    return most_diverse(pool, directions, k=k, diversity=reranking.diversity, n_threads=n_threads)


def _number(value: Any) -> float | None:
    """The value as a float; None where it is no finite number."""
    is_number = isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, (bool, np.bool_))
    return float(value) if is_number and math.isfinite(value) else None
