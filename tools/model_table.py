"""Write the tables of docs/models.md by asking every model for everything: ``python tools/model_table.py``.

A test compares the page with what this would write, so that it cannot go stale; review the diff.
"""

from __future__ import annotations

import re
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ridgeback as rb
from ridgeback.errors import HistoryMissingError, RidgebackWarning, UnsupportedError

PAGE = Path(__file__).resolve().parent.parent / "docs" / "models.md"
BEGIN, END = "<!-- tables: begin -->", "<!-- tables: end -->"

MODELS: dict[str, Callable[[], Any]] = {
    "ExplicitALS": lambda: rb.ExplicitALS(n_factors=2, n_iterations=2),
    "ImplicitALS": lambda: rb.ImplicitALS(n_factors=2, n_iterations=2),
    "LogisticMF": lambda: rb.LogisticMF(n_factors=2, n_iterations=2),
    "BayesianALS": lambda: rb.BayesianALS(n_factors=2, n_samples=2, n_burn_in=2, thinning=1),
    "Popularity": rb.Popularity,
    "BiasBaseline": rb.BiasBaseline,
}


def data() -> rb.Interactions:
    """Four users and three items."""
    users, items = [1, 1, 2, 2, 3, 4, 4], ["a", "b", "a", "c", "b", "a", "c"]
    return rb.Interactions.from_arrays(users, items, ratings=[5, 3, 4, 1, 2, 5, 2])


def later() -> rb.Interactions:
    """What three of them took afterwards."""
    return rb.Interactions.from_arrays([1, 2, 3], ["c", "b", "a"])


def calibrate_and_recommend(model: Any) -> Any:
    """A list with the chances of a calibrated model."""
    model.calibrate(later())
    return model.recommend(1, as_="probability")


def save_and_load(model: Any) -> Any:
    """The model from its file."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "model.ridge"
        model.save(path)
        return rb.load(path).recommend(1)


METHODS: dict[str, Callable[[Any], Any]] = {
    "fit": lambda model: model.fit(data()),
    "score": lambda model: model.score(1, "c"),
    "predict": lambda model: model.predict(1, "c"),
    "probability": lambda model: model.probability(1, "c"),
    'recommend(as_="score")': lambda model: model.recommend(1),
    'recommend(as_="probability")': lambda model: model.recommend(1, as_="probability"),
    'recommend(as_="percentile")': lambda model: model.recommend(1, as_="percentile"),
    "recommend(popularity_penalty=0.3)": lambda model: model.recommend(1, popularity_penalty=0.3),
    "recommend(diversity=0.3)": lambda model: model.recommend(1, diversity=0.3),
    "recommend_all": lambda model: list(model.recommend_all(k=1)),
    "similar_items": lambda model: model.similar_items("a"),
    "similar_users": lambda model: model.similar_users(1),
    "describe_factors": lambda model: model.describe_factors(),
    "explain": lambda model: model.explain(1, "c"),
    "fold_in": lambda model: model.fold_in({"a": 4.0}),
    "fold_in_many": lambda model: model.fold_in_many([{"a": 4.0}]),
    "fold_in_item": lambda model: model.fold_in_item({1: 4.0}),
    "partial_fit": lambda model: model.partial_fit(rb.Interactions.from_arrays([1, 5], ["c", "d"], ratings=[4, 2])),
    "forget": lambda model: model.forget(4),
    "save, load": save_and_load,
    "starting_values": lambda model: model.starting_values(data()),
    "predict_interval": lambda model: model.predict_interval(1, "c"),
    "calibrate": lambda model: model.calibrate(later()),
    "reliability": lambda model: model.reliability(later()),
    'recommend(as_="probability"), calibrated': calibrate_and_recommend,
}


def _sampled() -> Any:
    return rb.LogisticMF(n_factors=2, n_iterations=2, n_negatives=1).fit(data())


def _without_history(**parameters: Any) -> Any:
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "model.ridge"
        rb.ImplicitALS(n_factors=2, n_iterations=2, **parameters).fit(data()).save(path, include_history=False)
        return rb.load(path)


CONDITIONS: dict[str, Callable[[], Any]] = {
    "`LogisticMF` with a number of negatives a user: `fold_in_item`": lambda: _sampled().fold_in_item([1]),
    "`LogisticMF` with a number of negatives a user: `partial_fit` with new items": lambda: METHODS["partial_fit"](
        _sampled()
    ),
    "`LogisticMF` without regularization: `explain`": lambda: (
        rb.LogisticMF(n_factors=2, regularization=0.0, n_iterations=2, n_negatives="all").fit(data()).explain(1, "c")
    ),
    "Any model from a file without history: `recommend`, `recommend_all`": lambda: _without_history().recommend(1),
    "Any model from a file without history: `explain`, `partial_fit`": lambda: _without_history().explain(1, "c"),
    "`ImplicitALS` with neighbours from a file without history: `score`, `predict`, `recommend`": lambda: (
        _without_history(n_neighbors=2).score(1, "c")
    ),
    "`ImplicitALS` with neighbours: `fit(trace=...)`, `fold_in(...).trace()`": lambda: rb.ImplicitALS(
        n_factors=2, n_iterations=2, n_neighbors=2
    ).fit(data(), trace=rb.Trace()),
}


def refusal(ask: Callable[[], Any]) -> str | None:
    """Why a question is refused, or None where it is answered."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RidgebackWarning)
            ask()
    except (UnsupportedError, HistoryMissingError) as error:
        return str(error)
    return None


def shortened(reason: str | None, model: str, method: str) -> str | None:
    """A reason with MODEL and METHOD for their names, so that like refusals share a line."""
    return None if reason is None else re.sub(rf"\b{method}\b", "METHOD", re.sub(rf"^{model}\b", "MODEL", reason))


def tables() -> str:
    """Who answers what, and every refusal's own words."""
    refusals = {
        (method, name): shortened(refusal(lambda ask=ask, make=make: ask(make().fit(data()))), name, method)
        for method, ask in METHODS.items()
        for name, make in MODELS.items()
    }
    reasons = list(dict.fromkeys(reason for reason in refusals.values() if reason is not None))
    lines = ["| | " + " | ".join(f"`{name}`" for name in MODELS) + " |", "|---|" + "---|" * len(MODELS)]
    for method in METHODS:
        cells = []
        for name in MODELS:
            reason = refusals[method, name]
            cells.append("yes" if reason is None else f"no [{reasons.index(reason) + 1}]")
        lines.append(f"| `{method}` | " + " | ".join(cells) + " |")
    lines += ["", "What is refused raises `UnsupportedError`, in these words:", ""]
    lines += [f"{place}. {reason}" for place, reason in enumerate(reasons, start=1)]
    lines += ["", "Some answers depend on how the model was fitted or saved:", ""]
    for condition, ask in CONDITIONS.items():
        reason = refusal(ask)
        assert reason is not None, condition
        lines.append(f"- {condition}: {reason}")
    return "\n".join(lines)


def page() -> str:
    """The page with fresh tables."""
    text = PAGE.read_text(encoding="utf-8")
    before, after = text.split(BEGIN)[0], text.split(END)[1]
    return f"{before}{BEGIN}\n\n{tables()}\n\n{END}{after}"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    print(f"wrote {PAGE.name}")
