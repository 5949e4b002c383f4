"""What a fitted model says of single pairs: scores, predictions, and the chance of a yes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from ridgeback.errors import ParameterError, UnsupportedError
from ridgeback.models.fitted import Fitted
from ridgeback.recommend.id_rows import rows_of
from ridgeback.recommend.probability_maps import sigmoid
from ridgeback.recommend.scoring import Scoring
from ridgeback.recommend.scoring_arrays import Floats, Rows
from ridgeback.recommend.top_k import scores_of

if TYPE_CHECKING:
    from ridgeback.recommend.neighbor_term import NeighborTerm
    from ridgeback.recommend.reliability import Calibration, Reliability


class Scorer(Fitted):
    """Scores of pairs and what they mean.

    Every score is ``((mean + b_u) + b_i) + x_u . y_i``, and what neighbours add where there are any, in float32, added
    in this order and the product summed factor by factor, so that `score` and `recommend` agree to the last bit.

    Attributes
    ----------
    calibration_ : Calibration or None
        What `calibrate` found; None before, and after another `fit`.
    """

    link: ClassVar[str] = "preference"
    family: ClassVar[str] = ""
    calibration_: Calibration | None = None

    def score(self, user: Any, item: Any) -> Any:
        """Score pairs: ``mean + b_u + b_i + x_u . y_i``, raw; with ``n_neighbors`` plus the neighbourhood term.

        Parameters
        ----------
        user, item : id, or array of ids
            They broadcast as in NumPy.

        Returns
        -------
        float, or float32 array of the broadcast shape

        Raises
        ------
        UnknownIdError
            If an id is unknown; the message names the closest ones.
        HistoryMissingError
            If the model has a neighbourhood term and was saved without its history.
        """
        self._check_fitted()
        users = rows_of(self.user_ids_, user, "user")
        items = rows_of(self.item_ids_, item, "item")
        try:
            users, items = np.broadcast_arrays(users, items)
        except ValueError:
            raise ParameterError(
                f"The parameters 'user' {users.shape} and 'item' {items.shape} must broadcast to one shape. "
                "Use user[:, None] for every user with every item."
            ) from None
        scores = self._scores(users.ravel(), items.ravel()).reshape(users.shape)
        return float(scores[()]) if scores.ndim == 0 else scores

    def _scores(self, users: Rows, items: Rows) -> Floats:
        """Raw scores of pairs of rows."""
        factors, biases, neighbors = self.user_factors_, self.user_biases_, None
        if self._neighborhood is not None:  # histories of the users asked alone
            asked, places = np.unique(users, return_inverse=True)
            factors, biases = factors[asked], None if biases is None else biases[asked]
            users, neighbors = places.astype(np.int32), self._neighbor_term(asked)
        return scores_of(self._scoring(factors, biases, neighbors), users, items, n_threads=self._thread_count())

    def _scoring(self, factors: Floats, biases: Floats | None, neighbors: NeighborTerm | None = None) -> Scoring:
        """What scores of these user vectors for all items are made of."""
        return Scoring(factors, self.item_factors_, biases, self.item_biases_, self.mean_, neighbors)

    def predict(self, user: Any, item: Any, clip: bool = True) -> Any:
        """Predict on the scale of the data: a rating, a preference or a probability.

        Parameters
        ----------
        user, item : id, or array of ids
            They broadcast as in NumPy.
        clip : bool, default=True
            Keep predicted ratings within the range of the training ratings.

        Returns
        -------
        float, or float32 array of the broadcast shape
        """
        scores = self.score(user, item)
        values = self._on_data_scale(np.asarray(scores, dtype=np.float32), clip)
        return float(values[()]) if isinstance(scores, float) else values

    def probability(self, user: Any, item: Any) -> Any:
        """The chance that the item is among the events that were held out of the user for `calibrate`.

        LogisticMF without a calibration gives its own chance of a yes. ``calibration_.chance_of`` says of what.

        Parameters
        ----------
        user, item : id, or array of ids
            They broadcast as in NumPy. A calibrated chance is meant for items that the user does not have yet.

        Returns
        -------
        float, or float32 array of the broadcast shape

        Raises
        ------
        UnsupportedError
            If the model's scores have no probabilities.
        """
        self._check_fitted()
        self._check_as("probability")
        scores = self.score(user, item)
        values = self._probabilities(np.asarray(scores, dtype=np.float32))
        return float(values[()]) if isinstance(scores, float) else values

    def calibrate(
        self,
        validation: Any,
        method: str = "isotonic",
        relevant_from: float | None = None,
        n_negatives: Any = "auto",
        random_state: int = 0,
    ) -> Calibration:
        """Learn the chance that an item is among a user's held-out events, which the model was not fitted to.

        The pairs are, for each user of `validation` with a history, all items that `recommend` may return by default;
        the answer is yes where the user has the item in `validation`. A map from scores to chances is fitted to them.
        Afterwards ``as_="probability"`` works, `probability` answers for single pairs, and both are saved with the
        model.

        Parameters
        ----------
        validation : Interactions, or CSR matrix
            Matched by id. The chance is that of being among these events: calibrated on a fifth of all events drawn at
            random, of being in such a fifth; calibrated on the next month, of a yes within a month.
        method : {"isotonic", "platt"}, default="isotonic"
            Isotonic regression: any rising function; for thousands of yeses. Platt scaling: a sigmoid of two numbers;
            for fewer.
        relevant_from : float, optional
            Values of `validation` from here on are a yes. None: those above 0.
        n_negatives : int, "all" or "auto", default="auto"
            Noes a user that are looked at, drawn at random and reweighted. "auto": all of them up to a million, then as
            many a user as make a million.
        random_state : int, default=0
            Seeds the drawn noes and the fifths by which the calibration is judged.

        Returns
        -------
        Calibration
            ``.ece``, ``.recommended_ece`` and ``.bins``, each judged on users whom the map had not seen; prints as a
            table, ``.to_html(path)`` draws the reliability diagram. Also kept as ``calibration_``.

        Raises
        ------
        UnsupportedError
            If the model predicts ratings.
        DataError
            If no user of `validation` has a history in the model, or there is no yes or no no.
        HistoryMissingError
            If the model was saved without its history.

        Notes
        -----
        The order of recommendations stays the same. `partial_fit` and `forget` keep the calibration, `fit` drops it; to
        fit to everything afterwards, set ``calibration_`` again, at the price that ``docs/scores.md`` measures.
        """
        self._check_fitted()
        self._check_implicit()
        from ridgeback.models.calibrating import calibrate

        self.calibration_ = calibrate(self, validation, method, relevant_from, n_negatives, random_state)
        return self.calibration_

    def reliability(
        self, test: Any, relevant_from: float | None = None, n_negatives: Any = "auto", random_state: int = 0
    ) -> Reliability:
        """Judge the model's probabilities on held-out interactions: what was promised beside what came true.

        Parameters
        ----------
        test : Interactions, or CSR matrix
            Neither fitted to nor calibrated on.
        relevant_from, n_negatives, random_state
            As in `calibrate`.

        Returns
        -------
        Reliability

        Raises
        ------
        UnsupportedError
            If the model has no probabilities.
        DataError, HistoryMissingError
            As `calibrate`.
        """
        self._check_fitted()
        self._check_as("probability")
        from ridgeback.models.calibrating import measure

        def probabilities(scores: Floats, users: Any) -> Any:
            return self._probabilities(scores).astype(np.float64)

        return measure(self, test, relevant_from, n_negatives, random_state, probabilities)

    def _on_data_scale(self, scores: Floats, clip: bool) -> Floats:
        """Scores as ratings, preferences or probabilities."""
        if self.link == "probability":
            return self._probabilities(scores)
        if self.link == "rating" and clip and self._rating_range is not None:
            return np.clip(scores, np.float32(self._rating_range[0]), np.float32(self._rating_range[1]))
        return scores

    def _fallback(self) -> str:
        """What answers for users without history."""
        return "mean" if self.link == "rating" else "popularity"

    def _probabilities(self, scores: Floats) -> Floats:
        """Scores as chances of a yes: by the calibration where there is one."""
        values = scores.astype(np.float64)
        return (sigmoid(values) if self.calibration_ is None else self.calibration_.map(values)).astype(np.float32)

    def _chance_of(self) -> str:
        """What the chances of `_probabilities` are chances of, as the end of a sentence."""
        if self.calibration_ is not None:
            return self.calibration_.chance_of
        negatives = getattr(self, "parameters_", {}).get("n_negatives")
        if negatives == "all":
            return "of being among the events that the model was fitted to"
        if negatives == 0:
            return "of a yes among the pairs that were put to somebody"
        return "of a yes beside as many noes as were drawn for the fit: too high for all items"

    def _check_implicit(self) -> None:
        if self.link == "rating":
            raise UnsupportedError(
                f"{type(self).__name__} predicts ratings, which say nothing of whether an item is taken: there are no "
                "probabilities, calibrated or not. Use ImplicitALS or LogisticMF on the same data."
            )

    def _check_as(self, as_: str) -> None:
        if as_ not in ("score", "percentile", "probability"):
            raise ParameterError(
                f"The parameter 'as_' must be 'score', 'percentile' or 'probability'. Got {as_!r} instead."
            )
        if as_ == "probability" and self.link != "probability" and self.calibration_ is None:
            self._check_implicit()
            raise UnsupportedError(
                f"{type(self).__name__} gives scores that are no probabilities. Call calibrate(validation) first, use "
                "as_='percentile', or LogisticMF, whose scores have probabilities."
            )
