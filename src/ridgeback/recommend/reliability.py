"""How far a model's probabilities keep their word, for all pairs and for what is recommended; and a calibration."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from ridgeback.charts.escaping import escaped
from ridgeback.charts.page import details, page, plain_table, written
from ridgeback.charts.reliability import reliability_diagram
from ridgeback.metrics.calibration import ReliabilityBin, error_of
from ridgeback.recommend.probability_maps import PlattMap, ProbabilityMap

LEFT_OUT = {
    "unknown_users": "users whom the model does not know",
    "users_without_history": "users without a history",
    "unknown_items": "pairs with items that nobody has",
    "had_before": "pairs that the user already had",
}
_COLUMNS = ("promised", "came true", "pairs", "from", "to")


@dataclass(frozen=True, repr=False)
class Reliability:
    """What was promised beside what came true, on held-out interactions.

    The pairs are, for each user of the held-out part, all items that `recommend` may return by default; a yes is one
    that the user then had.

    Attributes
    ----------
    n_users : int
        Users judged.
    n_pairs, n_yes : int
        Pairs they stand for, and yeses among them.
    n_used : int
        Pairs that were looked at: all yeses, and the noes or a sample of them.
    bins : list of ReliabilityBin
        Of all pairs; each holds about equally many expected yeses.
    recommended_bins : list of ReliabilityBin
        Of the first `k` recommendations of each user; each holds about equally many of them.
    k : int
    left_out : dict of str to int
        What of the held-out part could not be judged, by reason.
    """

    n_users: int
    n_pairs: int
    n_yes: int
    n_used: int
    bins: list[ReliabilityBin]
    recommended_bins: list[ReliabilityBin]
    k: int
    left_out: Mapping[str, int]

    @property
    def ece(self) -> float:
        """Expected calibration error over all pairs: mean of ``|promised - came true|`` over the bins."""
        return error_of(self.bins)

    @property
    def recommended_ece(self) -> float:
        """The same over what is recommended: the first `k` of each user."""
        return error_of(self.recommended_bins)

    def summary(self) -> str:
        """What was judged, in one sentence."""
        used = "" if self.n_used == self.n_pairs else f" ({self.n_used:,} of them looked at, the noes reweighted)"
        left_out = [f"{n:,} {LEFT_OUT.get(reason, reason)}" for reason, n in self.left_out.items() if n]
        return (
            f"{self.n_users:,} users, {self.n_pairs:,} pairs{used}, {self.n_yes:,} yeses"
            + (f"; left out: {', '.join(left_out)}" if left_out else "")
            + "."
        )

    def __repr__(self) -> str:
        return f"Reliability(n_users={self.n_users}, ece={self.ece:.2g}, recommended_ece={self.recommended_ece:.2g})"

    def __str__(self) -> str:
        return "\n".join(
            [
                self.summary(),
                "",
                f"first {self.k} recommendations of each user: expected calibration error {self.recommended_ece:.4f}",
                *_text_table(self.recommended_bins),
                "",
                f"all pairs: expected calibration error {self.ece:.2g}",
                *_text_table(self.bins),
            ]
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        found = asdict(self)
        for name in ("bins", "recommended_bins"):
            found[name] = [one._asdict() for one in getattr(self, name)]
        return {**found, "left_out": dict(self.left_out), "ece": self.ece, "recommended_ece": self.recommended_ece}

    def to_json(self, path: str | os.PathLike[str] | None = None) -> str:
        """Return the figures as JSON, written to `path` where one is given."""
        return written(json.dumps(self.to_dict(), indent=2), path)

    def to_html(self, path: str | os.PathLike[str] | None = None) -> str:
        """Return one page that needs nothing else, with the diagrams; written to `path` where one is given."""
        return written(page("Reliability", f"<h1>Reliability</h1>{self._html()}"), path)

    def _repr_html_(self) -> str:
        return self._html()

    def _html(self) -> str:
        return f"<p>{escaped(self.summary())}</p>" + "".join(
            f"<h2>{escaped(heading)}</h2><p>Expected calibration error {error:.2g}.</p>"
            + reliability_diagram(
                f"{heading}: what was promised against what came true",
                [(one.probability, one.share, one.n_pairs / sum(b.n_pairs for b in bins)) for one in bins],
                is_log=is_log,
            )
            + details("The same as a table", plain_table(heading, _COLUMNS, _cells(bins)))
            for heading, error, bins, is_log in (
                (f"First {self.k} recommendations of each user", self.recommended_ece, self.recommended_bins, False),
                ("All pairs", self.ece, self.bins, True),
            )
        )


@dataclass(frozen=True, repr=False)
class Calibration:
    """A map from scores to the chance of being held out, and how well it holds for users whom it was not fitted to.

    Attributes
    ----------
    method : {"isotonic", "platt"}
    map : IsotonicMap or PlattMap
        From scores to probabilities, fitted to all users of the validation part.
    reliability : Reliability
        Of maps fitted to four fifths of the users, on the fifth each did not see: on its own users an isotonic map is
        right by construction.
    n_held_out, n_fitted : int or None
        Pairs of the validation part, and pairs that the model was fitted to: the chance is that of being among the
        former. None in calibrations of before they were recorded.
    """

    method: str
    map: ProbabilityMap
    reliability: Reliability
    n_held_out: int | None = None
    n_fitted: int | None = None

    @property
    def chance_of(self) -> str:
        """What a chance is a chance of: "of being among the 20 % of events held out for calibration"."""
        if self.n_held_out is None or self.n_fitted is None:
            return "of being among the events held out for calibration"
        share = self.n_held_out / max(1, self.n_held_out + self.n_fitted)
        return f"of being among the {100 * share:.3g} % of events held out for calibration"

    def meaning(self) -> str:
        """What a chance says of an item, in one sentence with the counts."""
        counts = "" if self.n_held_out is None else f" ({self.n_held_out:,} held out, {self.n_fitted or 0:,} fitted to)"
        return f"A chance is the user's chance {self.chance_of}{counts}."

    @property
    def ece(self) -> float:
        """Expected calibration error over all pairs."""
        return self.reliability.ece

    @property
    def recommended_ece(self) -> float:
        """Expected calibration error over the first ten recommendations of each user."""
        return self.reliability.recommended_ece

    @property
    def bins(self) -> list[ReliabilityBin]:
        """The reliability diagram of all pairs."""
        return self.reliability.bins

    def summary(self) -> str:
        """The method, in one sentence."""
        if isinstance(self.map, PlattMap):
            return f"Platt scaling: probability = sigmoid({self.map.slope:.6g} * score {self.map.intercept:+.6g})."
        return (
            f"Isotonic regression: {len(self.map.scores)} corners from score {self.map.scores[0]:.4g} "
            f"(probability {self.map.probabilities[0]:.2g}) to {self.map.scores[-1]:.4g} "
            f"({self.map.probabilities[-1]:.2g})."
        )

    def __repr__(self) -> str:
        return f"Calibration({self.method!r}, ece={self.ece:.2g}, recommended_ece={self.recommended_ece:.2g})"

    def __str__(self) -> str:
        return f"{self.summary()}\n{self.meaning()}\n{self.reliability}"

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON; the map itself is in the model file."""
        origin = {"n_held_out": self.n_held_out, "n_fitted": self.n_fitted, "chance_of": self.chance_of}
        return {"method": self.method, **origin, **self.reliability.to_dict()}

    def to_json(self, path: str | os.PathLike[str] | None = None) -> str:
        """Return the figures as JSON, written to `path` where one is given."""
        return written(json.dumps(self.to_dict(), indent=2), path)

    def to_html(self, path: str | os.PathLike[str] | None = None) -> str:
        """Return one page that needs nothing else, with the diagrams; written to `path` where one is given."""
        return written(page("Calibration", f"<h1>Calibration</h1>{self._repr_html_()}"), path)

    def _repr_html_(self) -> str:
        return f"<p>{escaped(self.summary())} {escaped(self.meaning())}</p>{self.reliability._repr_html_()}"


def _cells(bins: list[ReliabilityBin]) -> list[list[str]]:
    return [
        [f"{one.probability:.4g}", f"{one.share:.4g}", f"{one.n_pairs:,.0f}", f"{one.low:.4g}", f"{one.high:.4g}"]
        for one in bins
    ]


def _text_table(bins: list[ReliabilityBin], width: int = 30) -> list[str]:
    """A line a bin: the figures, and two bars on one scale."""
    highest = max([max(one.probability, one.share) for one in bins], default=0.0) or 1.0
    lines = [f"{'promised':>10} {'came true':>10} {'pairs':>12}   promised (o) and came true (x)"]
    for one in bins:
        places = {round(width * one.share / highest): "x"}
        promised = round(width * one.probability / highest)
        places[promised] = "*" if promised in places else "o"
        scale = "".join(places.get(place, "-" if place <= max(places) else " ") for place in range(width + 1))
        lines.append(f"{one.probability:>10.4g} {one.share:>10.4g} {one.n_pairs:>12,.0f}   |{scale.rstrip()}")
    return lines
