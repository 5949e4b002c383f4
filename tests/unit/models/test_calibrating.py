"""Calibration: its pairs by brute force, a planted truth found again, what keeps it and what drops it, refusals."""

from __future__ import annotations

import copy
import dataclasses
import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import ridgeback as rb
from ridgeback.errors import DataError, HistoryMissingError, NotFittedError, ParameterError, UnsupportedError
from ridgeback.models import calibrating
from ridgeback.recommend.probability_maps import sigmoid

N_USERS, N_ITEMS = 300, 120


def planted(seed: int = 0) -> tuple[rb.ImplicitALS, rb.Interactions]:
    """A model whose scores are s, and a later part in which each new pair is a yes with chance sigmoid(4 s - 1)."""
    rng = np.random.default_rng(seed)
    had = rng.random((N_USERS, N_ITEMS)) < 0.15
    had[:, -1] = False
    model = rb.ImplicitALS(n_factors=3, n_iterations=1).fit(rb.Interactions.from_csr(csr(had)))
    model.user_factors_ = rng.normal(size=(N_USERS, 3)).astype(np.float32)
    model.item_factors_ = (rng.normal(size=(N_ITEMS, 3)) / 3).astype(np.float32)
    truth = sigmoid(4.0 * model.user_factors_.astype(float) @ model.item_factors_.astype(float).T - 1)
    return model, rb.Interactions.from_csr(csr((rng.random(truth.shape) < truth) & ~had))


def csr(mask: np.ndarray) -> rb.Csr:
    return rb.Csr.from_pairs(*np.nonzero(mask), None, mask.shape)


@pytest.fixture
def model() -> rb.ImplicitALS:
    return planted()[0]


@pytest.fixture
def later() -> rb.Interactions:
    return planted()[1]


@pytest.mark.parametrize("method", ["isotonic", "platt"])
@pytest.mark.parametrize("n_negatives", ["all", 25])
def test_a_planted_truth_is_found(model: Any, later: rb.Interactions, method: str, n_negatives: Any) -> None:
    found = model.calibrate(later, method=method, n_negatives=n_negatives)
    scores = np.linspace(-0.5, 0.5, 9)
    np.testing.assert_allclose(found.map(scores), sigmoid(4 * scores - 1), atol=0.05)
    assert found.ece < 0.015
    assert found.method == method
    if method == "platt":
        assert found.map.slope == pytest.approx(4, rel=0.1)
        assert found.map.intercept == pytest.approx(-1, abs=0.1)
    fresh = planted(seed=0)[1]
    judged = model.reliability(fresh)
    assert judged.ece < 0.015
    assert judged.n_yes == found.reliability.n_yes


def test_the_pairs_are_those_that_recommend_may_return(model: Any, later: rb.Interactions) -> None:
    """One by one: seen ones and items that nobody has are none, everything else is one."""
    held_out = calibrating.held_out_of(model, later, "validation", None)
    pairs = calibrating.scored_pairs(model, held_out, "all", 0)
    expected = []
    for place, user in enumerate(held_out.users.tolist()):
        taken = set(later.user_items.row(user)[0].tolist())
        for entry in model.recommend(user, k=N_ITEMS):
            expected.append((place, np.float32(entry.score), entry.item in taken))
    got = zip(pairs.users.tolist(), pairs.scores, pairs.is_yes.tolist(), strict=True)
    assert sorted(got) == sorted(expected)
    assert (pairs.weights == 1).all()


def test_drawn_noes_stand_for_all_of_them(model: Any, later: rb.Interactions) -> None:
    held_out = calibrating.held_out_of(model, later, "validation", None)
    everything = calibrating.scored_pairs(model, held_out, "all", 0)
    drawn = calibrating.scored_pairs(model, held_out, 7, 3)
    again = calibrating.scored_pairs(model, held_out, 7, 3)
    other = calibrating.scored_pairs(model, held_out, 7, 4)
    np.testing.assert_array_equal(drawn.scores, again.scores)
    assert not np.array_equal(drawn.scores, other.scores)
    assert drawn.is_yes.sum() == everything.is_yes.sum()
    assert (drawn.weights[drawn.is_yes] == 1).all()
    for user in range(20):
        assert drawn.weights[drawn.users == user].sum() == pytest.approx((everything.users == user).sum())
        assert ((drawn.users == user) & ~drawn.is_yes).sum() == 7
    with_all = model.calibrate(later, n_negatives="all")
    with_some = model.calibrate(later, n_negatives=30)
    assert with_some.reliability.n_pairs == with_all.reliability.n_pairs == with_all.reliability.n_used
    assert with_some.reliability.n_used == with_all.reliability.n_yes + 30 * N_USERS
    np.testing.assert_allclose(with_some.map([-0.3, 0.0, 0.3]), with_all.map([-0.3, 0.0, 0.3]), atol=0.04)


def test_automatic_draws_where_there_are_many(model: Any, later: rb.Interactions, monkeypatch: Any) -> None:
    monkeypatch.setattr(calibrating, "_MOST_NOES", 3000)
    found = model.calibrate(later).reliability
    assert found.n_used == found.n_yes + 10 * N_USERS
    assert "looked at, the noes reweighted" in str(found)


def test_it_is_judged_on_users_whom_the_map_had_not_seen() -> None:
    """Answers that have nothing to do with the scores: on its own users an isotonic map looks perfect all the same."""
    model, _ = planted()
    rng = np.random.default_rng(8)
    noise = rb.Interactions.from_csr(csr(rng.random((N_USERS, N_ITEMS)) < 0.05))
    calibration = model.calibrate(noise)
    assert calibration.recommended_ece > 2 * model.reliability(noise).recommended_ece


def test_no_chance_is_0_or_1(model: Any, later: rb.Interactions) -> None:
    ends = model.calibrate(later).map([-1e9, 1e9])
    assert 0 < ends[0] < ends[1] < 1
    one_user = rb.Interactions.from_arrays([0, 1], [int(model.recommend(u, k=1)[0].item) for u in (0, 1)])
    ends = model.calibrate(one_user, method="platt").map([-1e9, 1e9])
    assert 0 <= ends[0] <= ends[1] <= 1


def test_everywhere_the_same_chance(model: Any, later: rb.Interactions) -> None:
    calibration = model.calibrate(later)
    assert model.calibration_ is calibration
    plain, shown = model.recommend([0, 5], k=8), model.recommend([0, 5], k=8, as_="probability")
    for one, other in zip(plain, shown, strict=True):
        assert one.items.tolist() == other.items.tolist()
        expected = calibration.map(one.scores).astype(np.float32)
        assert other.scores.tolist() == expected.tolist()
        assert (np.diff(other.scores) <= 0).all()
        np.testing.assert_array_equal(model.probability(other.user, other.items), other.scores)
    assert model.probability(0, 3) == pytest.approx(float(calibration.map(model.score(0, 3))))
    blocks = list(model.recommend_all(k=8, as_="probability"))
    assert blocks[0].scores[:8].tolist() == shown[0].scores.tolist()
    folded = model.fold_in([1, 2, 3])
    best = folded.recommend(k=3, as_="probability")
    assert best.scores.tolist() == calibration.map(folded.recommend(k=3).scores).astype(np.float32).tolist()
    assert folded.probability(best.items[0]) == best[0].score
    assert folded.probability(list(best.items)).tolist() == best.scores.tolist()
    assert model.predict(0, 3) == model.score(0, 3)  # a preference stays one


def test_a_chance_says_of_what(tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    users, items = np.nonzero(rng.random((60, 40)) < 0.4)
    data = rb.Interactions.from_arrays(users, items)
    train, later = rb.split.random(data, test_fraction=0.2)
    model = rb.ImplicitALS(n_factors=2, n_iterations=2).fit(train)
    calibration = model.calibrate(later)
    assert (calibration.n_held_out, calibration.n_fitted) == (later.nnz, train.nnz)
    words = "of being among the 20 % of events held out for calibration"
    assert calibration.chance_of == words
    counts = f"({later.nnz:,} held out, {train.nnz:,} fitted to)"
    assert f"A chance is the user's chance {words} {counts}." in str(calibration)
    assert words in calibration.to_html()
    assert json.loads(calibration.to_json())["chance_of"] == words
    assert words in model.explain(0, 3).words()
    assert model.fold_in([1, 2]).explain(3).chance_of == words
    older = dataclasses.replace(calibration, n_held_out=None, n_fitted=None)
    assert older.chance_of == "of being among the events held out for calibration"
    for each in (calibration, older):
        model.calibration_ = each
        model.save(tmp_path / "model.ridge")
        assert rb.load(tmp_path / "model.ridge").calibration_ == each


@pytest.mark.parametrize(
    ("n_negatives", "words"),
    [
        ("all", "of being among the events that the model was fitted to"),
        (0, "of a yes among the pairs that were put to somebody"),
        (3, "of a yes beside as many noes as were drawn for the fit: too high for all items"),
    ],
)
def test_a_logistic_chance_says_of_what_too(n_negatives: Any, words: str) -> None:
    data = rb.Interactions.from_arrays([0, 0, 1, 2, 2], [0, 1, 2, 0, 3], ratings=[1, 0, 1, 1, 0])
    model = rb.LogisticMF(2, n_iterations=2, n_negatives=n_negatives).fit(data)
    assert model.explain(0, 3).chance_of == words


def test_a_logistic_model_has_one_probability() -> None:
    _, later = planted()
    rng = np.random.default_rng(1)
    had = rng.random((N_USERS, N_ITEMS)) < 0.15
    model = rb.LogisticMF(n_factors=2, n_iterations=3, n_negatives=10).fit(rb.Interactions.from_csr(csr(had)))
    own = model.probability(3, [1, 2])
    np.testing.assert_array_equal(own, model.predict(3, [1, 2]))
    np.testing.assert_allclose(own, sigmoid(model.score(3, [1, 2]).astype(float)), rtol=1e-6)
    before = model.reliability(later)
    calibration = model.calibrate(later)
    assert model.reliability(later).ece < before.ece / 3
    np.testing.assert_array_equal(model.probability(3, [1, 2]), calibration.map(model.score(3, [1, 2])).astype("f4"))
    np.testing.assert_array_equal(model.probability(3, [1, 2]), model.predict(3, [1, 2]))
    assert model.fold_in([1, 2]).predict(5) == model.fold_in([1, 2]).probability(5)


def test_users_without_history_keep_the_share_of_users() -> None:
    data = rb.Interactions.from_csr(rb.Csr.from_pairs([0, 0, 1, 2], [0, 1, 1, 2], None, (4, 4)))
    model = rb.ImplicitALS(n_factors=2, n_iterations=2).fit(data)
    model.calibrate(rb.Interactions.from_arrays([0, 1, 3], [2, 0, 1]))
    assert model.calibration_.reliability.left_out["users_without_history"] == 1
    answer = model.recommend(3, as_="probability")
    assert answer.fallback == "popularity"
    assert answer.scores.tolist() == [0.5, 0.25, 0.25]


def test_what_changes_the_model_keeps_or_drops_it(model: Any, later: rb.Interactions, tmp_path: Path) -> None:
    calibration = model.calibrate(later)
    for twin in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert twin.recommend(0, as_="probability") == model.recommend(0, as_="probability")
    assert model.clone().calibration_ is None
    model.partial_fit(rb.Interactions.from_arrays([0, 1], [5, 6]))
    model.forget(7)
    assert model.calibration_ is calibration
    model.save(tmp_path / "model.ridge")
    assert rb.load(tmp_path / "model.ridge").calibration_ == calibration
    model.fit(later)
    assert model.calibration_ is None
    baseline = rb.Popularity().fit(later)
    baseline.calibrate(rb.Interactions.from_csr(planted(3)[1].user_items))
    assert baseline.recommend(0, as_="probability").scores[0] > 0
    assert baseline.fit(later).calibration_ is None


@pytest.mark.parametrize("method", ["isotonic", "platt"])
@pytest.mark.parametrize("verify", [True, False])
def test_a_file_keeps_it(model: Any, later: rb.Interactions, tmp_path: Path, method: str, verify: bool) -> None:
    calibration = model.calibrate(later, method=method)
    model.save(tmp_path / "model.ridge", include_history=False)
    loaded = rb.load(tmp_path / "model.ridge", verify=verify)
    assert loaded.calibration_ == calibration
    assert str(loaded.calibration_) == str(calibration)
    kept = loaded.recommend(0, as_="probability", exclude_seen=False)
    assert kept == model.recommend(0, as_="probability", exclude_seen=False)
    with pytest.raises(HistoryMissingError, match="saved without its history"):
        loaded.calibrate(later)
    loaded.save(tmp_path / "again.ridge", include_history=False)
    assert (tmp_path / "again.ridge").read_bytes() == (tmp_path / "model.ridge").read_bytes()


def test_ids_are_matched_and_what_cannot_be_judged_is_counted() -> None:
    train = rb.Interactions.from_arrays(["ann", "ann", "bob", "cid"], ["tea", "rum", "tea", "ale"])
    model = rb.ImplicitALS(n_factors=2).fit(train)
    later = rb.Interactions.from_arrays(
        ["zoe", "ann", "ann", "ann", "bob", "cid"],
        ["tea", "tea", "ale", "gin", "rum", "tea"],
        ratings=[1, 1, 1, 1, 1, 0],
    )
    found = model.calibrate(later).reliability
    assert found.left_out == {"unknown_users": 1, "users_without_history": 0, "unknown_items": 1, "had_before": 1}
    assert (found.n_users, found.n_yes, found.n_pairs) == (3, 2, 5)
    assert "1 users whom the model does not know" in str(found)
    assert model.calibrate(later, relevant_from=0).reliability.n_yes == 3


def test_its_figures_are_shown(model: Any, later: rb.Interactions, tmp_path: Path) -> None:
    calibration = model.calibrate(later)
    text = str(calibration)
    assert text.startswith("Isotonic regression: ")
    assert f"expected calibration error {calibration.recommended_ece:.4f}" in text
    assert len(text.splitlines()) > 15
    assert json.loads(calibration.to_json(tmp_path / "c.json"))["ece"] == calibration.ece
    assert json.loads((tmp_path / "c.json").read_text())["bins"][0]["n_pairs"] == calibration.bins[0].n_pairs
    page = calibration.to_html(tmp_path / "c.html")
    assert (tmp_path / "c.html").read_text(encoding="utf-8") == page + "\n"
    assert page.count("<svg") == 2
    assert page.count("<details>") == 2
    assert "<script" not in page
    assert repr(calibration).startswith("Calibration('isotonic', ece=0.0")
    assert repr(calibration.reliability).startswith("Reliability(n_users=300, ece=0.0")
    assert "Platt scaling: probability = sigmoid(" in str(model.calibrate(later, method="platt"))
    assert "<svg" in model.reliability(later)._repr_html_()
    assert model.reliability(later).to_html().startswith("<!doctype html>")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"method": "beta"}, "'method' must be 'isotonic' or 'platt'. Got 'beta'"),
        ({"method": None}, "'method' must be 'isotonic' or 'platt'. Got None"),
        ({"n_negatives": 0}, "'n_negatives' must be a whole number of at least 1, 'all' or 'auto'. Got 0"),
        ({"n_negatives": "some"}, "'n_negatives' must be .* Got 'some'"),
        ({"n_negatives": True}, "'n_negatives' must be .* Got True"),
        ({"relevant_from": np.nan}, "'relevant_from' must be a finite number or None. Got nan"),
        ({"relevant_from": "3"}, "'relevant_from' must be a finite number"),
        ({"random_state": -1}, "'random_state' parameter of calibrate must be a whole number of at least 0. Got -1"),
    ],
)
def test_wrong_arguments(model: Any, later: rb.Interactions, arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        model.calibrate(later, **arguments)
    assert model.calibration_ is None


def test_data_that_cannot_be_calibrated_on(model: Any, later: rb.Interactions) -> None:
    of = rb.Interactions.from_arrays
    with pytest.raises(DataError, match="no user with a history in the model: of its 2 users 2 are unknown"):
        model.calibrate(of(["ann", "bob"], ["x", "y"]))
    seen = model._seen.row(0)[0][:2].tolist()
    with pytest.raises(DataError, match=r"no yes among the items that ImplicitALS may recommend .*\(2 had before\)"):
        model.calibrate(of([0, 0], seen))
    with pytest.raises(DataError, match=r"validation has no yes .*Split one table with rb.split"):
        model.calibrate(of([0, 1], [3, 4], ratings=[0, 0]))
    with pytest.raises(DataError, match="validation has one user"):
        model.calibrate(of([0], [int(model.recommend(0, k=1)[0].item)]))
    full = rb.Interactions.from_csr(csr(np.ones((N_USERS, N_ITEMS), dtype=bool)))
    with pytest.raises(DataError, match="validation has no no"):
        model.calibrate(full)
    broken = rb.Csr(np.array([0, 1]), np.array([0], np.int32), np.array([np.nan], np.float32), (1, 1))
    with pytest.raises(DataError, match="value nan is not a finite number"):
        model.calibrate(broken)
    with pytest.raises(DataError, match="got a path"):
        model.calibrate("ratings.csv")
    with pytest.raises(DataError, match="no user with a history"):
        model.reliability(of(["ann"], ["x"])) if model.calibrate(later) else None
    assert model.calibration_ is not None  # of the last one, which worked


def test_models_without_chances(later: rb.Interactions) -> None:
    for model in (rb.ExplicitALS(n_factors=2, n_iterations=2), rb.BiasBaseline()):
        model.fit(later)
        for ask in (
            lambda m=model: m.calibrate(later),
            lambda m=model: m.probability(0, 1),
            lambda m=model: m.reliability(later),
            lambda m=model: m.recommend(0, as_="probability"),
        ):
            with pytest.raises(UnsupportedError, match=r"predicts ratings, .* Use ImplicitALS or LogisticMF"):
                ask()
    model = rb.ImplicitALS(n_factors=2, n_iterations=2)
    for ask in (lambda: model.calibrate(later), lambda: model.probability(0, 1), lambda: model.reliability(later)):
        with pytest.raises(NotFittedError):
            ask()
    model.fit(later)
    for ask in (
        lambda: model.probability(0, 1),
        lambda: model.reliability(later),
        lambda: model.fold_in([1]).probability(1),
    ):
        with pytest.raises(UnsupportedError, match=r"Call calibrate\(validation\) first"):
            ask()
