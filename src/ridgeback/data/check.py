"""The pre-flight check: what looks wrong with interactions, what a fit will cost, and what to do about it.

Nothing is changed. Each function looks at one thing and yields what it found.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ridgeback.data.findings import CheckReport, Finding, Level
from ridgeback.data.fit_cost import DataSize, fit_cost, installed_bytes
from ridgeback.data.ids import Ids
from ridgeback.data.interactions import Interactions
from ridgeback.data.values import Values, suited_models
from ridgeback.errors import ParameterError
from ridgeback.plain_text import duration_text

__all__ = ["CheckReport", "Finding", "check"]

_SAMPLE = 100_000
_MOST_PRODUCTS = 2_000_000_000  # pairs times factors; beyond, directions are not counted unasked: half a minute
_FLOAT_ID = re.compile(r"[+-]?\d+\.0*\Z")
_ITEM_WORDS = ("item", "movie", "artist", "product", "track", "book", "film", "song", "title")
_USER_WORDS = ("user", "customer", "member", "reader", "listener", "client", "account")


def check(data: Interactions, model: Any = None) -> CheckReport:
    """Look interactions over before a fit.

    Parameters
    ----------
    data : Interactions
    model : estimator, optional
        Fitted or not; adds whether it suits the data, and the time and memory its fit will take.

    Returns
    -------
    CheckReport
        Its findings in a fixed order; level "error" where a fit will refuse the data.

    Raises
    ------
    ParameterError
        If `model` is no model, or has parameters that its fit refuses.

    Notes
    -----
    Time O(n_interactions); the distribution of values and the spelling of ids are looked at in a sample of at most
    100,000.

    Examples
    --------
    >>> import ridgeback as rb
    >>> data = rb.Interactions.from_arrays([1, 1, 2, 2], ["a", "b", "a", "b"], ratings=[5, 5, 5, 5])
    >>> report = rb.data.check.check(data)
    >>> report.about("constant values")[0].message
    'Every value is 5: the values say nothing.'
    """
    if model is not None and (isinstance(model, type) or not hasattr(model, "get_params")):
        raise ParameterError(
            "The 'model' parameter of check must be a model of this library, such as ImplicitALS(). "
            f"Got {model!r} instead."
        )
    values = Values.of(data.user_items)
    figures: dict[str, Any] = {
        "n_users": data.n_users,
        "n_items": data.n_items,
        "n_interactions": data.nnz,
        "density": data.nnz / max(1, data.n_users * data.n_items),
    }
    findings = list(_shape(data, figures))
    if data.nnz:
        for look in _LOOKS:
            findings += look(data, values, figures)
        findings += _suitability(data, values, model, figures)
        if model is not None:
            findings += _cost(data, model, figures)
            findings += _directions(data, values, model, figures)
    return CheckReport(tuple(findings), figures)


def _shape(data: Interactions, figures: dict[str, Any]) -> Iterator[Finding]:
    """Size and density."""
    if data.nnz == 0:
        yield Finding("error", "shape", "There is no interaction.", "Check the source and its columns.")
        return
    yield Finding(
        "info",
        "shape",
        f"{data.n_users:,} users x {data.n_items:,} items, {data.nnz:,} interactions: {data.nnz / data.n_users:.1f} a "
        f"user, {data.nnz / data.n_items:.1f} an item; density {figures['density']:.3%}.",
        "Compare with what you expect; a wrong column or separator shows here first.",
    )


def _reading(data: Interactions, values: Values, figures: dict[str, Any]) -> Iterator[Finding]:
    """What the reader merged or left out."""
    figures["n_duplicates"] = n_duplicates = int(data.report.get("n_duplicates") or 0)
    figures["n_skipped"] = n_skipped = int(data.report.get("n_skipped") or 0)
    if n_duplicates:
        yield Finding(
            "info",
            "duplicates",
            f"{n_duplicates:,} rows repeated a pair of user and item; the rule was {data.duplicates!r}.",
            "'last' is right for ratings given anew, 'sum' for plays and purchases; duplicates=... sets it.",
        )
    if n_skipped:
        yield Finding(
            "warning",
            "skipped rows",
            f"{n_skipped:,} rows were left out because they are no interactions.",
            "Look at the examples in data.report; they may show a wrong separator or column.",
        )


def _values(data: Interactions, values: Values, figures: dict[str, Any]) -> Iterator[Finding]:
    """Values that a model refuses, or that mean different things to different models."""
    figures["n_not_finite"] = values.n_not_finite
    figures["n_negative"] = values.n_negative
    figures["n_zero"] = values.n_zero
    if values.n_not_finite:
        yield Finding(
            "error",
            "NaN or infinite",
            f"{values.n_not_finite:,} values are NaN or infinite.",
            "Every model refuses them: remove these rows, or replace the values.",
        )
    if values.n_negative:
        yield Finding(
            "warning",
            "negative values",
            f"{values.n_negative:,} values are negative, down to {values.low:g}.",
            "ImplicitALS and LogisticMF refuse them: use ExplicitALS if they are ratings, else remove them (returns?).",
        )
    if values.n_zero:
        yield Finding(
            "info",
            "zeros",
            f"{values.n_zero:,} values are 0.",
            "A zero is a rating of 0 for ExplicitALS, no interaction for ImplicitALS, an observed no for LogisticMF.",
        )
    if data.has_ratings and values.low == values.high and data.nnz > 1:
        yield Finding(
            "warning",
            "constant values",
            f"Every value is {values.low:g}: the values say nothing.",
            "Use ImplicitALS, which learns from who has what, or name the column that holds the ratings.",
        )
    if data.weights is not None and (n_off := int(np.count_nonzero(data.weights == 0))):
        yield Finding("info", "weights", f"{n_off:,} observations have weight 0.", "Models leave them out.")


def _sparse_rows(data: Interactions, values: Values, figures: dict[str, Any]) -> Iterator[Finding]:
    """Users and items with nothing, or with a single interaction."""
    for side, counts, cure in (
        ("users", data.user_items.counts(), "They get the fallback (popular items); fold them in once they have some."),
        ("items", data.user_items.column_counts(), "They are recommended only when named in candidates=..."),
    ):
        n_empty = int(np.count_nonzero(counts == 0))
        n_single = int(np.count_nonzero(counts == 1))
        figures[f"n_empty_{side}"], figures[f"n_single_{side}"] = n_empty, n_single
        if n_empty:
            yield Finding("info", f"empty {side}", f"{n_empty:,} {side} have no interaction.", cure)
        if n_single:
            level: Level = "warning" if n_single > 0.5 * len(counts) else "info"
            yield Finding(
                level,
                f"{side} with one",
                f"{n_single:,} of {len(counts):,} {side} ({n_single / len(counts):.1%}) have a single interaction.",
                "Little can be learnt about them. If these are most, check that ids do not change from event to event.",
            )


def _transposition(data: Interactions, values: Values, figures: dict[str, Any]) -> Iterator[Finding]:
    """Signs that users and items are swapped: column names, titles, and who is spread over whom."""
    signs = []
    columns = data.report.get("columns") or {}
    user_column, item_column = (str(columns.get(side) or "").lower() for side in ("user", "item"))
    if any(word in user_column for word in _ITEM_WORDS) or any(word in item_column for word in _USER_WORDS):
        signs.append(f"the columns are named {user_column!r} for users and {item_column!r} for items")
    if data.titles is not None and len(data.titles):
        n_as_users, n_as_items = (
            int((data.titles.ids.match(ids) >= 0).sum()) for ids in (data.user_ids, data.item_ids)
        )
        if n_as_users > 2 * n_as_items:
            signs.append(f"{n_as_users:,} users have a title and {n_as_items:,} items")
    user_reach = _mean_of_top(data.user_items.counts()) / data.n_items
    item_reach = _mean_of_top(data.user_items.column_counts()) / data.n_users
    if user_reach > 4 * item_reach and data.nnz >= 1_000:
        signs.append(
            f"the most active 1 % of the users have {user_reach:.1%} of all items each, while the most popular 1 % of "
            f"the items have {item_reach:.1%} of all users each"
        )
    figures["transposition_signs"] = len(signs)
    if signs:
        yield Finding(
            "warning",
            "swapped sides?",
            f"Users and items may be swapped: {'; '.join(signs)}.",
            "If so, exchange user= and item= when reading (or transpose the matrix); otherwise nothing needs doing.",
        )


def _id_spelling(data: Interactions, values: Values, figures: dict[str, Any]) -> Iterator[Finding]:
    """Text ids that were numbers once, or carry spaces."""
    for side, ids in (("user", data.user_ids), ("item", data.item_ids)):
        if not ids.is_text:
            continue
        sample = _sampled(ids)
        n_float = sum(_FLOAT_ID.match(id) is not None for id in sample)
        n_spaced = sum(id != id.strip() for id in sample)
        figures[f"{side}_ids_like_floats"] = n_float / len(sample)
        if n_float > 0.5 * len(sample):
            example = next(id for id in sample if _FLOAT_ID.match(id))
            yield Finding(
                "warning",
                f"{side} ids",
                f"{n_float / len(sample):.0%} of the {side} ids look like floats, such as {example!r}.",
                "A missing value probably turned a column of integers into floats: convert it back before reading.",
            )
        if n_spaced:
            example = next(id for id in sample if id != id.strip())
            yield Finding(
                "warning",
                f"{side} ids",
                f"{n_spaced / len(sample):.0%} of the {side} ids begin or end with a space, such as {example!r}.",
                "Ids are kept as they are spelt; strip them before reading if the spaces mean nothing.",
            )


def _long_tail(data: Interactions, values: Values, figures: dict[str, Any]) -> Iterator[Finding]:
    """How much the most popular items hold."""
    counts = np.sort(data.user_items.column_counts())[::-1]
    n_top = max(1, round(0.01 * data.n_items))
    figures["top_1_percent_share"] = share = float(counts[:n_top].sum() / data.nnz)
    yield Finding(
        "info",
        "long tail",
        f"The most popular 1 % of the items ({n_top:,}) hold {share:.1%} of the interactions; the median item has "
        f"{np.median(counts):g}.",
        "How far popularity alone goes is not seen from this: compare with it (every evaluation does), and look at "
        "coverage and novelty.",
    )


_LOOKS: tuple[Callable[[Interactions, Values, dict[str, Any]], Iterator[Finding]], ...] = (
    _reading,
    _values,
    _sparse_rows,
    _transposition,
    _id_spelling,
    _long_tail,
)


def _suitability(data: Interactions, values: Values, model: Any, figures: dict[str, Any]) -> Iterator[Finding]:
    """Which model the values are made for, and whether the given one can take them."""
    suited, reason = suited_models(values, data.has_ratings)
    figures["suited_models"] = list(suited)
    advice = f"Start with {' or '.join(suited)}."
    if suited == ("ExplicitALS",) and values.low >= 0:
        advice = "ExplicitALS predicts ratings; to rank what people will pick, try ImplicitALS too (a rating is a yes)."
    yield Finding("info", "which model", f"{reason[0].upper()}{reason[1:]}.", advice)
    family = getattr(model, "family", None)
    name = type(model).__name__
    if family in ("implicit", "logistic") and values.n_negative:
        yield Finding(
            "error",
            "this model",
            f"{name} refuses the {values.n_negative:,} negative values.",
            "Use ExplicitALS if they are ratings, else remove them.",
        )
    elif family in ("explicit", "bayesian") and "ExplicitALS" not in suited:
        yield Finding(
            "warning",
            "this model",
            f"{name} predicts ratings, and {reason}.",
            f"Use {' or '.join(suited)} to rank what people pick.",
        )
    elif family == "implicit" and suited[0] == "ExplicitALS" and getattr(model, "alpha", None) is not None:
        yield Finding(
            "info",
            "this model",
            f"{name} takes each rating, low ones too, as a yes that weighs alpha times its value.",
            "Keep only the ratings that mean liking if a low one should not count as a yes.",
        )


def _cost(data: Interactions, model: Any, figures: dict[str, Any]) -> Iterator[Finding]:
    """Time and memory of a fit, by the stated cost model."""
    cost = fit_cost(model, DataSize.of(data), has_weights=data.weights is not None)
    figures["fit_seconds"], figures["fit_peak_bytes"] = cost.seconds, cost.peak_bytes
    installed = installed_bytes()
    is_too_big = installed is not None and cost.peak_bytes > 0.8 * installed
    yield Finding(
        "warning" if is_too_big else "info",
        "cost of a fit",
        f"About {duration_text(cost.seconds)} on {cost.n_threads} thread{'s' * (cost.n_threads != 1)} and "
        f"{_size(cost.peak_bytes)} at the peak, data included ({cost.basis}).",
        f"This machine has {_size(installed or 0)}: take fewer factors, or fewer interactions."
        if is_too_big
        else "An estimate, within a factor of three on other machines; n_factors and n_iterations change it most.",
    )


def _directions(data: Interactions, values: Values, model: Any, figures: dict[str, Any]) -> Iterator[Finding]:
    """How many factors can leave zero, for a model that can say."""
    if (
        getattr(model, "family", None) != "implicit"
        or values.n_not_finite
        or values.n_negative
        or values.n_zero == data.nnz
    ):
        return
    n_factors, regularization = int(model.n_factors), model.regularization
    if regularization == 0 or data.nnz * n_factors > _MOST_PRODUCTS:
        return
    found = model.starting_values(data)
    figures["starting_values"] = [round(float(value), 4) for value in found]
    figures["n_startable"] = n_startable = int(np.count_nonzero(found > 1))
    about = f"{n_startable} of {n_factors} factors can start from zero at this regularization"
    shown = f"singular values {found[0]:.2g} ... {found[-1]:.2g}, and above 1 is needed"
    if n_startable == 0:
        yield Finding(
            "warning",
            "directions",
            f"No factor can start from zero at this regularization ({shown}).",
            f"The fit would end at zero. Divide the regularization by {4 / float(found[0]):.2g} or more.",
        )
        return
    yield Finding(
        "info",
        "directions",
        f"{'All' if n_startable == n_factors else 'At most about'} {about} ({shown}).",
        "Factors that cannot start change nothing. A lower regularization lets more in; at some point these describe "
        "chance, so measure on held-out data.",
    )


def _sampled(ids: Ids) -> list[str]:
    """At most `_SAMPLE` of the ids, evenly spread."""
    rows: NDArray[np.int64] = np.unique(np.linspace(0, len(ids) - 1, min(len(ids), _SAMPLE)).astype(np.int64))
    return [str(id) for id in ids.take(rows)]


def _mean_of_top(counts: NDArray[np.int64]) -> float:
    """Mean count of the hundredth part of the rows with the highest counts."""
    n_top = max(1, len(counts) // 100)
    return float(np.partition(counts, len(counts) - n_top)[-n_top:].mean())


def _size(n_bytes: float) -> str:
    """A size that one can read: "340 MB", "1.2 GB"."""
    return f"{n_bytes / 1e6:.0f} MB" if n_bytes < 1e9 else f"{n_bytes / 1e9:.3g} GB"
