"""From scores to the chance that a recommended item is taken: the pairs of a held-out part, and maps fitted to them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ridgeback.data.csr import Csr
from ridgeback.errors import DataError, ParameterError
from ridgeback.metrics.calibration import reliability
from ridgeback.metrics.ranking import contains
from ridgeback.models import checks
from ridgeback.models.training import training_interactions
from ridgeback.recommend.probability_maps import ProbabilityMap, isotonic, platt
from ridgeback.recommend.reliability import Calibration, Reliability
from ridgeback.recommend.scoring_arrays import Floats
from ridgeback.recommend.top_k import best_items
from ridgeback.solvers.negatives import sample_negatives

if TYPE_CHECKING:
    from ridgeback.models.scorer import Scorer

_MOST_NOES = 1_000_000  # that "auto" looks at
_N_FOLDS = 5
_K = 10

Float64s = npt.NDArray[np.float64]
Probabilities = Callable[[Floats, npt.NDArray[np.int32]], Float64s]


@dataclass(frozen=True)
class Pairs:
    """Scored pairs of some users: a yes where the user had the item in the held-out part.

    Attributes
    ----------
    users : int32 array
        Places among the users judged, 0 to n_users - 1.
    scores : float32 array
    is_yes : bool array
    weights : float64 array
        How many pairs each stands for.
    """

    users: npt.NDArray[np.int32]
    scores: Floats
    is_yes: npt.NDArray[np.bool_]
    weights: Float64s

    def of(self, mask: npt.NDArray[np.bool_]) -> Pairs:
        """Those where the mask is true."""
        return Pairs(self.users[mask], self.scores[mask], self.is_yes[mask], self.weights[mask])


@dataclass(frozen=True)
class HeldOut:
    """The users of a held-out part whom the model can recommend to, and what they had then.

    Attributes
    ----------
    users : int32 array, shape (n,)
        Their rows in the model.
    taken : Csr, shape (n, n_items)
        Items, in the model's rows, that could be recommended and that they had in the held-out part.
    seen : Csr, shape (n, n_items)
        What they had before.
    eligible : int32 array
        Items that somebody had before.
    left_out : dict of str to int
        What of the held-out part is not in here, by reason.
    n_pairs : int
        Of the held-out part as it was given.
    """

    users: npt.NDArray[np.int32]
    taken: Csr
    seen: Csr
    eligible: npt.NDArray[np.int32]
    left_out: dict[str, int]
    n_pairs: int


def calibrate(
    model: Scorer, validation: Any, method: str, relevant_from: Any, n_negatives: Any, random_state: Any
) -> Calibration:
    """Fit a map to the validation part; see `Recommender.calibrate`."""
    owner = type(model).__name__
    if not isinstance(method, str) or method not in _METHODS:
        raise ParameterError(f"The parameter 'method' must be 'isotonic' or 'platt'. Got {method!r} instead.")
    held_out = held_out_of(model, validation, "validation", relevant_from)
    if held_out.taken.nnz == 0:
        reasons = ", ".join(f"{n:,} {name.replace('_', ' ')}" for name, n in held_out.left_out.items() if n)
        raise DataError(
            f"validation has no yes among the items that {owner} may recommend to its users"
            + (f" ({reasons})" if reasons else "")
            + ". Split one table with rb.split and fit on the other part."
        )
    pairs = scored_pairs(model, held_out, n_negatives, random_state)
    if len(held_out.users) < 2:
        raise DataError(
            "validation has one user, and a calibration is judged by users whom it was not fitted to. "
            "Give at least two."
        )
    if pairs.is_yes.all():
        raise DataError(
            "validation has no no: its users took every item that could be recommended to them. Calibrate on a part "
            "that leaves something out."
        )
    fit = _METHODS[method]
    folds = np.random.default_rng(_seed(random_state)).permutation(len(held_out.users)) % _N_FOLDS
    maps = [fit(pairs.of(folds[pairs.users] != fold)) for fold in range(_N_FOLDS)]

    def unseen(scores: Floats, users: npt.NDArray[np.int32]) -> Float64s:
        """Each user's probabilities by the map that did not see the user."""
        found = np.empty(len(scores))
        for fold, fitted in enumerate(maps):
            is_here = folds[users] == fold
            found[is_here] = fitted(scores[is_here])
        return found

    n_fitted = model._history(exclude_seen=False).nnz
    return Calibration(method, fit(pairs), judged(model, held_out, pairs, unseen), held_out.n_pairs, n_fitted)


def measure(
    model: Scorer, test: Any, relevant_from: Any, n_negatives: Any, random_state: Any, probabilities: Probabilities
) -> Reliability:
    """Judge a model's probabilities on a held-out part; see `Recommender.reliability`."""
    held_out = held_out_of(model, test, "test", relevant_from)
    return judged(model, held_out, scored_pairs(model, held_out, n_negatives, random_state), probabilities)


def held_out_of(model: Scorer, data: Any, name: str, relevant_from: Any) -> HeldOut:
    """Match held-out interactions to the model by id, and keep what `recommend` could have returned.

    Raises
    ------
    DataError
        If no user of the data has a history in the model.
    """
    threshold = _threshold(relevant_from)
    data = training_interactions(data, type(model).__name__, drops_zeros=False, refuses_negatives=False, name=name)
    asked = np.flatnonzero(data.user_items.counts() > 0)
    rows = model.user_ids_.match(data.user_ids)[asked]
    is_known = rows >= 0
    has_history = is_known & (model._user_counts[rows] > 0)
    left_out = {
        "unknown_users": int(np.count_nonzero(~is_known)),
        "users_without_history": int(np.count_nonzero(is_known & ~has_history)),
    }
    if not has_history.any():
        raise DataError(
            f"{name} has no user with a history in the model: of its {len(asked):,} users "
            f"{left_out['unknown_users']:,} are unknown and {left_out['users_without_history']:,} have no history. "
            "Check that ids are spelt alike, or split one table with rb.split and fit on the other part."
        )
    users = rows[has_history].astype(np.int32)
    own = data.user_items.take(asked[has_history])
    values, places = own.values(), own.row_of_entry()
    items = model.item_ids_.match(data.item_ids)[own.indices]
    is_yes = (values > 0) if threshold is None else (values >= threshold)
    seen = model._history(exclude_seen=False).take(users)
    is_eligible = (items >= 0) & (model._item_counts[items] > 0)
    was_seen = np.zeros(len(items), dtype=bool)
    was_seen[is_eligible] = contains(seen.with_data(None), places[is_eligible], items[is_eligible])
    left_out["unknown_items"] = int(np.count_nonzero(is_yes & ~is_eligible))
    left_out["had_before"] = int(np.count_nonzero(is_yes & was_seen))
    kept = is_yes & is_eligible & ~was_seen
    shape = (len(users), len(model.item_ids_))
    taken = Csr.from_pairs(places[kept], items[kept], None, shape)
    eligible = np.flatnonzero(model._item_counts > 0).astype(np.int32)
    return HeldOut(users, taken, seen.with_data(None), eligible, left_out, data.nnz)


def scored_pairs(model: Scorer, held_out: HeldOut, n_negatives: Any, random_state: Any) -> Pairs:
    """All yeses, and the noes or so many a user drawn from them, scored as `recommend` scores."""
    n_users = len(held_out.users)
    held = _union(held_out.seen, held_out.taken)
    n_noes = len(held_out.eligible) - _counts_within(held, held_out.eligible)
    wanted = _noes_a_user(n_negatives, n_users, int(n_noes.sum()), len(held_out.eligible))
    drawn = sample_negatives(held, held_out.eligible, wanted, _seed(random_state), model._thread_count())
    places = np.concatenate([held_out.taken.row_of_entry(), drawn.row_of_entry()])
    items = np.concatenate([held_out.taken.indices, drawn.indices])
    each = n_noes / np.maximum(drawn.counts(), 1)
    n_yes = held_out.taken.nnz
    return Pairs(
        places,
        model._scores(held_out.users[places], items),
        np.arange(len(items)) < n_yes,
        np.concatenate([np.ones(n_yes), each[drawn.row_of_entry()]]),
    )


def judged(model: Scorer, held_out: HeldOut, pairs: Pairs, probabilities: Probabilities) -> Reliability:
    """What the probabilities promised for all pairs and for each user's first recommendations, and what came true."""
    users, biases = held_out.users, model.user_biases_
    own_biases = None if biases is None else biases[users]
    found = best_items(
        model._scoring(model.user_factors_[users], own_biases, model._neighbor_term(users)),
        k=_K,
        items=held_out.eligible,
        exclude=held_out.seen,
        n_threads=model._thread_count(),
    )
    places = np.repeat(np.arange(len(users), dtype=np.int32), found.counts)
    return Reliability(
        n_users=len(users),
        n_pairs=round(float(pairs.weights.sum())),
        n_yes=held_out.taken.nnz,
        n_used=len(pairs.scores),
        bins=reliability(pairs.is_yes, probabilities(pairs.scores, pairs.users), pairs.weights, equal="yeses"),
        recommended_bins=reliability(
            contains(held_out.taken, places, found.items), probabilities(found.scores, places)
        ),
        k=_K,
        left_out=held_out.left_out,
    )


def _isotonic(pairs: Pairs) -> ProbabilityMap:
    """The rising map, with a yes added at the lowest score and a no at the highest: no chance comes out as 0 or 1."""
    ends = [pairs.scores.min(), pairs.scores.max()]
    return isotonic(
        np.concatenate([pairs.scores, ends]),
        np.concatenate([pairs.is_yes, [True, False]]),
        np.concatenate([pairs.weights, [1.0, 1.0]]),
    )


def _platt(pairs: Pairs) -> ProbabilityMap:
    """The sigmoid; its targets are away from 0 and 1 already."""
    return platt(pairs.scores, pairs.is_yes, pairs.weights)


_METHODS = {"isotonic": _isotonic, "platt": _platt}


def _union(one: Csr, other: Csr) -> Csr:
    """The entries of two matrices that share none, without values."""
    rows = np.concatenate([one.row_of_entry(), other.row_of_entry()])
    return Csr.from_pairs(rows, np.concatenate([one.indices, other.indices]), None, one.shape)


def _counts_within(rows: Csr, columns: npt.NDArray[np.int32]) -> npt.NDArray[np.int64]:
    """How many entries of each row are in these columns."""
    is_within = np.zeros(rows.n_columns, dtype=bool)
    is_within[columns] = True
    before = np.concatenate([[0], np.cumsum(is_within[rows.indices], dtype=np.int64)])
    return np.diff(before[rows.indptr])


def _noes_a_user(n_negatives: Any, n_users: int, n_noes: int, n_items: int) -> int:
    """How many noes a user are looked at."""
    if isinstance(n_negatives, str) and n_negatives in ("all", "auto"):
        is_all = n_negatives == "all" or n_noes <= _MOST_NOES
        return n_items if is_all else max(1, _MOST_NOES // n_users)
    if isinstance(n_negatives, (bool, str)) or not isinstance(n_negatives, (int, np.integer)) or n_negatives < 1:
        raise ParameterError(
            "The parameter 'n_negatives' must be a whole number of at least 1, 'all' or 'auto'. "
            f"Got {n_negatives!r} instead."
        )
    return int(n_negatives)


def _seed(random_state: Any) -> int:
    return checks.check_count("calibrate", "random_state", random_state) % 2**64


def _threshold(relevant_from: Any) -> float | None:
    if relevant_from is None:
        return None
    is_number = isinstance(relevant_from, (int, float, np.integer, np.floating)) and not isinstance(relevant_from, bool)
    if not is_number or not np.isfinite(relevant_from):
        raise ParameterError(
            f"The parameter 'relevant_from' must be a finite number or None. Got {relevant_from!r} instead."
        )
    return float(relevant_from)
