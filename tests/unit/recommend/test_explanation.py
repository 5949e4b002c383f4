"""Explanations in words, as bars and as a page: what is shown adds up to the score that is shown, to the last digit."""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import ridgeback as rb
from ridgeback.recommend.explanation import Contribution, Explanation, rounded

HOSTILE = "<script>alert('&\"')</script>\u202e\x00\ud800"


def explanation(values: list[float], *, baseline: float = 0.0, rest: float = 0.0, **more: Any) -> Explanation:
    parts = [Contribution(i, f"Film {i}", value, 1.0 + i) for i, value in enumerate(sorted(values, reverse=True))]
    total = baseline + sum(values) + rest
    return Explanation(**{"user": "ann", "item": 9, "title": "Heat", **more}, score=total, baseline=baseline,
                       contributions=parts, rest=rest)  # fmt: skip


def shown_sum(text: str) -> tuple[Decimal, Decimal]:
    """The sum of the figures above the last line, and the figure on it."""
    figures = [Decimal(found) for found in re.findall(r"^ +([+-]\d+\.\d+)  ", text, re.MULTILINE)]
    return sum(figures[:-1], Decimal(0)), figures[-1]


@pytest.mark.parametrize("n", [0, 1, 3, 12, 40])
def test_figures_add_up_as_shown(n: int) -> None:
    rng = np.random.default_rng(n)
    for baseline, rest in ((0.0, 0.0), (3.51234, 0.0), (-1.2, -0.77777)):
        one = explanation(rng.normal(size=n).round(6).tolist(), baseline=baseline, rest=rest)
        total, score = shown_sum(str(one))
        assert total == score == round(Decimal(one.score), 4)
        for k in (0, 1, 5, n):
            parts = one.parts(k)
            assert sum(part.value for part in parts) == pytest.approx(one.score, abs=1e-9)
            assert sum(Decimal(f"{part.figure:.4f}") for part in parts) == round(Decimal(one.score), 4)
            assert all(abs(part.figure - part.value) <= 1.001e-4 for part in parts)
            assert sum(part.source is not None for part in parts) == min(k, n)


def test_rounded_numbers_are_at_most_a_unit_off() -> None:
    values = [0.00004] * 7 + [-0.00003]
    shown = rounded(values, sum(values))
    assert f"{sum(shown):.4f}" == f"{sum(values):.4f}"
    assert f"{sum(rounded([0.00025], 0.00025)):.4f}" == f"{0.00025:.4f}"
    assert np.abs(np.array(shown) - values).max() <= 1e-4
    assert rounded([], 0.0) == []
    assert rounded([1e300, 1.0], 1e300) == [1e300, 1.0]
    assert rounded([1.0], 5.0) == [1.0]  # no rounding makes these add up


def test_words_name_what_speaks_for_it_and_against_it() -> None:
    assert explanation([0.5, 0.25, 0.125, 0.0625, -0.25, -0.5]).words() == (
        "Heat: score 0.1875 for user ann, because you had Film 0 (+0.5000), Film 1 (+0.2500) and Film 2 (+0.1250); "
        "against it: Film 5 (-0.5000) and Film 4 (-0.2500)."
    )
    assert explanation([0.5]).words() == "Heat: score 0.5000 for user ann, because you had Film 0 (+0.5000)."
    assert explanation([-0.5], user=None, title=None).words() == (
        "9: score -0.5000 for a new user, nothing that you had speaks for it; against it: Film 0 (-0.5000)."
    )
    assert explanation([]).words() == (
        "Heat: score 0.0000 for user ann, nothing of your own is known to explain it by."
    )
    assert explanation([0.25, -0.5], baseline=3.5, link="rating").words() == (
        "Heat: 3.2500 for user ann, where anyone gets 3.5000, because you rated Film 0 1 (+0.2500); "
        "against it: Film 1 2 (-0.5000)."
    )
    assert explanation([0.25], link="probability", chance=0.56218).words() == (
        "Heat: log-odds 0.2500 (a chance of 56.2%) for user ann, because you had Film 0 (+0.2500)."
    )
    refused = explanation([-0.25], link="probability")
    refused.contributions[0] = Contribution(3, None, -0.25, 0.0)
    assert "against it: 3, turned down (-0.2500)." in refused.words()


def test_the_others_stand_together() -> None:
    lines = str(explanation([0.1 * i for i in range(-7, 8)], baseline=1.0, rest=-2.0)).splitlines()
    assert lines[2].split("  ")[-1] == "baseline (mean and item bias)"
    assert lines[-3].split("  ")[-1] == "3 more items, as a sum"
    assert lines[-2].split("  ")[-1] == "what the user has not (the noes)"
    assert "1 more item" in str(explanation([0.1] * 13))
    assert "more item" not in str(explanation([0.1] * 12))


def test_bars_show_the_user_s_own_items_only() -> None:
    lines = str(explanation([0.5, -0.5], baseline=100.0, rest=-90.0)).splitlines()[2:]
    assert [(line.count("+") - 1 > 5, line.count("-") > 5) for line in lines[1:3]] == [(True, False), (False, True)]
    for line in (lines[0], lines[3]):
        assert not re.search(r"[+-]{2}", line)


def test_a_sum_of_many_small_parts_neither_dwarfs_nor_hides_them() -> None:
    one = explanation([0.011] + [0.01] * 99)
    assert "spread over 100 items that you had, none above 2 %; most for it: Film 0 (+0.0110), Film 1" in one.words()
    lines = str(one).splitlines()[2:]
    assert re.search(r"\+{24}", lines[0])
    assert "88 more items, as a sum" in lines[-2]
    assert "++" not in lines[-2]
    without_bar = re.findall(r"<rect ", one._repr_html_())
    assert len(without_bar) == 12
    assert "spread over" not in explanation([0.5] + [0.001] * 99).words()
    assert "spread over" not in explanation([0.0] * 30).words()


def test_the_page_stands_alone_and_escapes(tmp_path: Path) -> None:
    one = explanation([0.5, -0.25], baseline=1.0, title=HOSTILE, user=HOSTILE)
    one.contributions[0] = Contribution(1, HOSTILE, 0.5)
    page = one.to_html(tmp_path / "why.html")
    assert (tmp_path / "why.html").read_text(encoding="utf-8") == page + "\n"
    assert "<script" not in page
    assert "http" not in page.replace("http://www.w3.org/2000/svg", "")
    for part in ("<svg", "<title>", "<details>", "color-scheme: light dark", "+1.250000"):
        assert part in page
    assert one._repr_html_() in page
    assert one.to_dict()["contributions"][1]["contribution"] == -0.25


@pytest.mark.parametrize("model", [rb.ImplicitALS, rb.ExplicitALS, rb.LogisticMF])
def test_of_every_model_and_of_new_users(model: Any) -> None:
    rng = np.random.default_rng(3)
    users, items = np.nonzero(rng.random((30, 25)) < 0.3)
    data = rb.Interactions.from_arrays(users, items, ratings=rng.integers(0, 6, len(users)) * 0.5)
    fitted = model(n_factors=3, n_iterations=3).fit(data)
    for user in range(0, 30, 5):
        one = fitted.explain(user, 3)
        total, score = shown_sum(str(one))
        assert total == score
        assert one.link == fitted.link
        stored = dict(zip(*(part.tolist() for part in data.user_items.row(user)), strict=True))
        assert {c.item: c.value for c in one.contributions}.items() <= stored.items()
    assert (fitted.explain(0, 3).chance is None) == (model is not rb.LogisticMF)
    if model is rb.LogisticMF:
        assert fitted.explain(0, 3).chance == pytest.approx(fitted.predict(0, 3), abs=1e-4)
    folded = fitted.fold_in({1: 4.0, 2: 0.5}).explain(3)
    assert "for a new user" in folded.words()
    total, score = shown_sum(str(folded))
    assert total == score


def test_a_calibrated_model_says_the_chance() -> None:
    rng = np.random.default_rng(3)
    users, items = np.nonzero(rng.random((40, 25)) < 0.4)
    train, later = rb.split.random(rb.Interactions.from_arrays(users, items), test_fraction=0.3)
    model = rb.ImplicitALS(n_factors=3, n_iterations=3).fit(train)
    model.calibrate(later)
    one = model.explain(0, 3)
    assert one.chance == pytest.approx(model.probability(0, 3), abs=1e-3)
    assert f"(a chance of {one.chance:.1%} of being among the 30 % of events held out for calibration)" in str(one)
