"""Why a score is what it is, in words, as bars and as a page: parts that add up to the score."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from ridgeback.charts.bars import signed_bars, text_bars
from ridgeback.charts.escaping import escaped
from ridgeback.charts.page import details, page, plain_table, written

DIGITS = 4
_NAMED_FOR, _NAMED_AGAINST = 3, 2
_MOST_PARTS = 12
_STANDS_OUT = 0.05  # of the sum of all magnitudes: where no part is larger, the words say so


@dataclass(frozen=True)
class Contribution:
    """One item of the user's history and its share of the score.

    Attributes
    ----------
    item : id
    title : str or None
    contribution : float
    value : float
        What is stored of the pair: a rating, a count, 0 for an observed no.
    """

    item: Any
    title: str | None
    contribution: float
    value: float = 1.0

    @property
    def name(self) -> str:
        """The title, or the id where there is none."""
        return str(self.title or self.item)


@dataclass(frozen=True)
class Part:
    """A line of an explanation.

    Attributes
    ----------
    name : str
    value : float
    figure : float
        The value as it is shown: rounded such that the figures add up to the score's.
    source : Contribution or None
        The contribution that this part is, which a bar is drawn for; None for sums of others, baseline and rest.
    """

    name: str
    value: float
    figure: float
    source: Contribution | None


@dataclass(frozen=True)
class Explanation:
    """``score = baseline + sum of contributions + rest``; prints as a sentence and bars.

    Attributes
    ----------
    user, item : ids (user None for a folded-in one)
    title : str or None
    score : float
        Of the row's own solution, computed now in float64.
    baseline : float
        Mean plus item bias; 0 for ImplicitALS.
    contributions : list of Contribution
        Largest first.
    rest : float
        LogisticMF: the listed pairs outside the user's own items, added up from their own terms. 0 elsewhere.
    link : {"rating", "preference", "probability"}
        What the model's scores are: the words depend on it.
    chance : float or None
        The chance that the score stands for, of LogisticMF and calibrated models.
    chance_of : str or None
        Of what: "of being among the 20 % of events held out for calibration".
    """

    user: Any
    item: Any
    title: str | None
    score: float
    baseline: float
    contributions: list[Contribution]
    rest: float
    link: str = "preference"
    chance: float | None = None
    chance_of: str | None = None

    @property
    def name(self) -> str:
        """The item's title, or its id where it has none."""
        return str(self.title or self.item)

    def words(self, n: int = _MOST_PARTS) -> str:
        """Say it in a sentence: what speaks for the item most, and what against it; figures as `parts(n)` has them."""
        parts = self.parts(n)
        figures = {id(part.source): part.figure for part in parts if part.source is not None}
        baseline = parts[0].figure if self.baseline else 0.0
        own = [c for c in self.contributions if c.contribution > 0][:_NAMED_FOR]
        against = [c for c in reversed(self.contributions) if c.contribution < 0][:_NAMED_AGAINST]
        verb = "rated" if self.link == "rating" else "had"
        if own:
            spread, named = self._spread(verb), _listed([self._phrase(c, figures) for c in own])
            reason = f"because you {verb} {named}" if spread is None else f"{spread}; most for it: {named}"
        elif self.contributions:
            reason = f"nothing that you {verb} speaks for it"
        else:
            reason = "nothing of your own is known to explain it by"
        if against:
            reason += f"; against it: {_listed([self._phrase(c, figures) for c in against])}"
        return f"{self.name}: {self._score_in_words(baseline)}, {reason}."

    def _spread(self, verb: str) -> str | None:
        """ "spread over 232 items that you had, none above 3 %", where no contribution stands out; else None."""
        sizes = [abs(c.contribution) for c in self.contributions]
        largest = max(sizes) / math.fsum(sizes) if any(sizes) else 1.0
        if not largest < _STANDS_OUT:
            return None
        return f"spread over {len(sizes)} items that you {verb}, none above {math.ceil(100 * largest)} %"

    def parts(self, n: int = _MOST_PARTS) -> list[Part]:
        """Take the score apart: baseline, the `n` largest contributions, the others together, the rest.

        Parameters
        ----------
        n : int, default=12
            Contributions that get a part of their own, chosen by size and listed from the most positive on.

        Returns
        -------
        list of Part
            Their values add up to the score, and their figures to the score as it is shown, to the last digit.
        """
        largest = sorted(self.contributions, key=lambda c: -abs(c.contribution))
        others, shown = largest[n:], {id(c) for c in largest[:n]}
        parts: list[tuple[str, float, Contribution | None]] = []
        if self.baseline:
            parts.append(("baseline (mean and item bias)", self.baseline, None))
        parts += [(c.name, c.contribution, c) for c in self.contributions if id(c) in shown]
        if others:
            words = "1 more item" if len(others) == 1 else f"{len(others)} more items, as a sum"
            parts.append((words, float(sum(c.contribution for c in others)), None))
        if self.rest:
            parts.append(("what the user has not (the noes)", self.rest, None))
        figures = rounded([value for _, value, _ in parts], self.score)
        return [Part(name, value, figure, source) for (name, value, source), figure in zip(parts, figures, strict=True)]

    def __str__(self) -> str:
        parts = self.parts()
        bars = text_bars([None if part.source is None else part.figure for part in parts])
        lines = [f"  {part.figure:>+10.{DIGITS}f}  {bar}  {part.name}" for part, bar in zip(parts, bars, strict=True)]
        return "\n".join([self.words(), "", *lines, f"  {self.score:>+10.{DIGITS}f}  {'=' * 25}  score"])

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return asdict(self)

    def to_html(self, path: str | os.PathLike[str] | None = None) -> str:
        """Return one page that needs nothing else: the sentence, the bars, and every part in a table.

        Parameters
        ----------
        path : path, optional
            Where to write it; None: nowhere.
        """
        return written(page(f"Why {self.name}", f"<h1>Why {escaped(self.name)}</h1>{self._repr_html_()}"), path)

    def _repr_html_(self) -> str:
        parts = self.parts()
        chart = signed_bars(
            f"What adds up to the score of {self.name}, {self.score:.{DIGITS}f}",
            [*((part.name, part.figure) for part in parts), ("score", self.score)],
            without_bar=[place for place, part in enumerate(parts) if part.source is None] + [len(parts)],
        )
        every = self.parts(len(self.contributions))
        figures = rounded([part.value for part in every], self.score, 6)
        rows = [(part.name, f"{figure:+.6f}") for part, figure in zip(every, figures, strict=True)]
        table = plain_table("Every part of the score", ["because of", "adds"], [*rows, ("score", f"{self.score:+.6f}")])
        return f"<p>{escaped(self.words())}</p>{chart}{details('Every part as a table', table)}"

    def _phrase(self, c: Contribution, figures: Mapping[int, float]) -> str:
        """An item with what is stored of it, and its contribution."""
        stored = f" {c.value:g}" if self.link == "rating" else ", turned down" if c.value == 0 else ""
        return f"{c.name}{stored} ({figures.get(id(c), c.contribution):+.{DIGITS}f})"

    def _score_in_words(self, baseline: float) -> str:
        who = "a new user" if self.user is None else f"user {self.user}"
        if self.link == "rating":
            return f"{self.score:.{DIGITS}f} for {who}, where anyone gets {baseline:.{DIGITS}f}"
        of_what = "" if self.chance_of is None else f" {self.chance_of}"
        chance = "" if self.chance is None else f" (a chance of {self.chance:.1%}{of_what})"
        return f"{'log-odds' if self.link == 'probability' else 'score'} {self.score:.{DIGITS}f}{chance} for {who}"


def rounded(values: Sequence[float], total: float, digits: int = DIGITS) -> list[float]:
    """Round numbers so that what is shown adds up to the rounded total, to the last digit.

    Each is at most one unit of the last digit from its value: those nearest to the other side give way. Where the
    values miss the total by more than that, they are rounded one by one.
    """
    unit = 10.0**-digits
    scaled = np.asarray(values, dtype=np.float64) / unit
    if not len(scaled) or not np.isfinite(scaled).all() or np.abs(scaled).max() > 2**52:
        return [float(value) for value in values]
    whole = np.round(scaled)
    missing = round(float(f"{total:.{digits}f}") / unit) - int(whole.sum())  # what the total is shown as
    if 0 < abs(missing) <= len(scaled):
        gaps = (scaled - whole) * np.sign(missing)
        whole[np.argsort(-gaps, kind="stable")[: abs(missing)]] += np.sign(missing)
    return [float(value) * unit for value in whole]


def _listed(words: list[str]) -> str:
    """Words with commas, and the last one after an "and"."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
