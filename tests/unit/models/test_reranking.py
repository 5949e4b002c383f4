"""recommend, recommend_all, similar_items and fold-in in another order than that of the scores."""

from __future__ import annotations

import csv
from pathlib import Path

import duckdb
import numpy as np
import pytest

import ridgeback as rb
from ridgeback.data.synthetic import catalogue
from ridgeback.errors import DataError, HistoryMissingError, ParameterError, UnsupportedError
from ridgeback.models.score_spread import cosine_spread, score_spread
from ridgeback.recommend.popularity import standard_popularity
from ridgeback.recommend.reranking import OFF

USERS = [0, 1, 2, 70]


@pytest.fixture(scope="module")
def data() -> rb.Interactions:
    whole = catalogue(n_users=70, n_items=50, random_state=3)
    nobody = rb.Interactions.from_csr(
        rb.Csr(
            np.append(whole.user_items.indptr, whole.nnz),
            whole.user_items.indices,
            whole.user_items.data,
            (71, whole.n_items),
        ),
        list(range(71)),
        list(whole.item_ids),
    )
    return nobody  # user 70 has nothing


MODELS = {
    "implicit": lambda: rb.ImplicitALS(n_factors=6, n_iterations=3, regularization=0.02, unobserved_weight=0.1),
    "neighbours": lambda: rb.ImplicitALS(n_factors=6, n_iterations=3, n_neighbors=5, neighbor_weight=0.5),
    "explicit": lambda: rb.ExplicitALS(n_factors=6, n_iterations=3, regularization=0.1),
    "logistic": lambda: rb.LogisticMF(n_factors=6, n_iterations=3, regularization=0.1, n_negatives="all"),
    "bayesian": lambda: rb.BayesianALS(n_factors=3, n_samples=4, n_burn_in=2, thinning=1),
}


@pytest.fixture(scope="module")
def fitted(data: rb.Interactions) -> dict[str, rb.models.Recommender]:
    return {name: make().fit(data) for name, make in MODELS.items()}


@pytest.fixture(params=MODELS)
def model(request: pytest.FixtureRequest, fitted: dict) -> rb.models.Recommender:
    return fitted[request.param]


def everything(model: rb.models.Recommender, user: int) -> dict:
    """The score of every item that the user may get."""
    return {entry.item: entry.score for entry in model.recommend(user, k=10_000)}


def test_the_spread_is_that_of_the_scores(model: rb.models.Recommender, data: rb.Interactions) -> None:
    known = list(data.user_ids)[:70]
    items = [item for item, n in zip(data.item_ids, model._item_counts, strict=True) if n > 0]
    scores = model.score(np.array(known)[:, None], items).astype(float)
    assert score_spread(model) == pytest.approx(np.sqrt(scores.var(axis=1).mean()), rel=1e-6)


def test_recommend_with_a_penalty(model: rb.models.Recommender, data: rb.Interactions) -> None:
    lost = dict(zip(data.item_ids, 0.6 * score_spread(model) * standard_popularity(model._item_counts), strict=True))
    assert max(lost.values()) > 0 > min(lost.values())
    changed = 0
    for user in USERS[:3]:
        scores = everything(model, user)
        order = sorted(scores, key=lambda item: -(scores[item] - lost[item]))[:8]
        found = model.recommend(user, k=8, popularity_penalty=0.6)
        assert found.items.tolist() == order
        assert found.scores.tolist() == [scores[item] for item in order]
        np.testing.assert_allclose(found.ranking_scores, [scores[i] - lost[i] for i in order], atol=1e-5)
        changed += found.items.tolist() != model.recommend(user, k=8).items.tolist()
    assert changed == 3


def test_more_penalty_shows_less_popular_items(model: rb.models.Recommender, data: rb.Interactions) -> None:
    counts = dict(zip(data.item_ids, model._item_counts.tolist(), strict=True))
    means = [
        np.mean([counts[i] for u in range(70) for i in model.recommend(u, k=5, popularity_penalty=penalty).items])
        for penalty in (0.0, 0.5, 1.0, 4.0)
    ]
    assert means[0] > means[1] > means[2] > means[3]


def test_all_ways_to_ask_give_one_answer(model: rb.models.Recommender) -> None:
    order = {"popularity_penalty": 0.4, "diversity": 0.3, "n_candidates": 20}
    for as_ in ("score", "percentile"):
        together = model.recommend(list(range(71)), k=6, as_=as_, **order)
        (block,) = model.recommend_all(k=6, as_=as_, **order)
        np.testing.assert_array_equal(block.items, np.concatenate([each.items for each in together]))
        np.testing.assert_array_equal(block.scores, np.concatenate([each.scores for each in together]))
        np.testing.assert_array_equal(block.ranking_scores, np.concatenate([each.ranking_scores for each in together]))
        alone = model.recommend(5, k=6, as_=as_, **order)
        assert alone.items.tolist() == together[5].items.tolist()
        assert alone.scores.tolist() == together[5].scores.tolist()
    percentiles = {r.item: r.score for r in model.recommend(5, k=10_000, as_="percentile")}
    assert together[5].scores.tolist() == [percentiles[item] for item in together[5].items]


def test_diverse_lists_are_more_diverse(model: rb.models.Recommender) -> None:
    def similarity(diversity: float) -> float:
        found = [model.recommend(user, k=6, diversity=diversity).rows for user in range(70)]
        ways = model.item_factors_ / np.linalg.norm(model.item_factors_, axis=1, keepdims=True)
        return float(np.mean([(np.abs(ways[rows].sum(axis=0)) ** 2).sum() for rows in found]))

    plain, somewhat, much = (similarity(diversity) for diversity in (0.0, 0.3, 0.7))
    assert plain > somewhat > much


def test_scores_stay_the_models_own(model: rb.models.Recommender) -> None:
    for order in ({"diversity": 0.5}, {"popularity_penalty": 1.0}, {"diversity": 0.5, "popularity_penalty": 1.0}):
        found = model.recommend(3, k=7, **order)
        assert found.scores.tolist() == model.score(3, found.items).tolist()
        assert "in the order of their ranking scores" in repr(found)
        assert found.to_dicts()[0]["ranking_score"] == found.ranking_scores[0]
        assert found.to_frame()["ranking_score"].tolist() == found.ranking_scores.tolist()
    plain = model.recommend(3, k=7, n_candidates=30)
    assert plain.ranking_scores is None
    assert plain == model.recommend(3, k=7)
    assert "ranking_score" not in plain.to_dicts()[0]


def test_a_user_without_history_gets_what_is_popular_whatever_it_costs(model: rb.models.Recommender) -> None:
    plain, corrected = model.recommend(70, k=5), model.recommend(70, k=5, popularity_penalty=2.0)
    assert corrected.fallback == plain.fallback is not None
    assert corrected == plain
    assert corrected.ranking_scores.tolist() == plain.scores.tolist()
    diverse = model.recommend(70, k=5, diversity=0.6)
    assert diverse.items[0] == plain.items[0]
    assert set(diverse.items) <= set(model.recommend(70, k=50).items)


def test_lists_longer_than_the_catalogue(model: rb.models.Recommender) -> None:
    eligible = {entry.item for entry in model.recommend(0, k=10_000)}
    for order in ({"diversity": 0.5}, {"popularity_penalty": 1.0}, {"diversity": 1.0, "n_candidates": 10_000}):
        found = model.recommend(0, k=10_000, **order)
        assert sorted(found.items) == sorted(eligible)
    assert model.recommend(0, k=3, diversity=0.5, candidates=[next(iter(eligible))]).items.tolist() == [
        next(iter(eligible))
    ]
    assert len(model.recommend(0, k=0, diversity=0.5, popularity_penalty=1)) == 0
    assert len(model.recommend(0, k=4, candidates=[], diversity=0.5, popularity_penalty=1)) == 0
    assert model.recommend([], k=4, diversity=0.5, popularity_penalty=1) == []


def test_similar_items_in_another_order(model: rb.models.Recommender, data: rb.Interactions) -> None:
    item = data.item_ids[4]
    cosines = {entry.item: entry.score for entry in model.similar_items(item, k=10_000)}
    lost = dict(zip(data.item_ids, 0.5 * cosine_spread(model) * standard_popularity(model._item_counts), strict=True))
    found = model.similar_items(item, k=6, popularity_penalty=0.5)
    assert found.items.tolist() == sorted(cosines, key=lambda i: -(cosines[i] - lost[i]))[:6]
    assert found.scores.tolist() == [cosines[i] for i in found.items]
    diverse = model.similar_items([item, data.item_ids[5]], k=6, diversity=0.5)
    assert diverse[0].items[0] == model.similar_items(item, k=1).items[0]
    assert diverse[0].items.tolist() != model.similar_items(item, k=6).items.tolist()
    assert item not in diverse[0].items
    assert diverse[0].scores.tolist() == [cosines[i] for i in diverse[0].items]


def test_new_users_and_items_take_the_same_keywords(model: rb.models.Recommender, data: rb.Interactions) -> None:
    own = {data.item_ids[1]: 4.0, data.item_ids[6]: 5.0}
    folded = model.fold_in(own)
    order = {"popularity_penalty": 0.5, "diversity": 0.3}
    found = folded.recommend(k=5, **order)
    assert found.scores.tolist() == folded.score(found.items).tolist()
    assert found.items.tolist() != folded.recommend(k=5).items.tolist()
    new = model.fold_in_item({0: 4.0, 1: 5.0, 2: 3.0})
    assert len(new.similar_items(k=4, **order)) == 4
    assert new.similar_items(k=4, **order).ranking_scores is not None
    with pytest.raises(ParameterError, match=r"'diversity' parameter must be a number from 0 .* Got 3 instead"):
        folded.recommend(diversity=3)
    with pytest.raises(ParameterError, match=r"'popularity_penalty' parameter .* Got -3 instead"):
        new.similar_items(popularity_penalty=-3)


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_files_say_what_lists_are_ordered_by(fitted: dict, tmp_path: Path, kind: str) -> None:
    target = tmp_path / f"lists.{kind}"
    everyone = fitted["implicit"].recommend_all(k=4, popularity_penalty=0.5)
    getattr(everyone, f"to_{kind}")(target)
    rows = duckdb.sql(f"select * from '{target}' where \"user\" = 7 order by rank").fetchall()
    expected = fitted["implicit"].recommend(7, k=4, popularity_penalty=0.5)
    assert [row[2] for row in rows] == expected.items.tolist()
    np.testing.assert_allclose([row[3] for row in rows], expected.scores, rtol=1e-6)
    np.testing.assert_allclose([row[4] for row in rows], expected.ranking_scores, rtol=1e-6)
    if kind == "csv":
        with target.open(encoding="utf-8") as file:
            assert next(csv.reader(file))[:5] == ["user", "rank", "item", "score", "ranking_score"]


def test_the_unit_follows_the_model(data: rb.Interactions) -> None:
    model = MODELS["implicit"]().fit(data)
    before = score_spread(model), standard_popularity(model._item_counts)
    model.recommend(0, k=3, popularity_penalty=0.5)
    item = data.item_ids[int(model._item_counts.argmin())]
    model.partial_fit(rb.Interactions.from_arrays([1, 2, 3, 900], [item] * 4))
    fresh = score_spread(model)
    assert fresh != before[0]
    assert standard_popularity(model._item_counts)[data.item_ids.row(item)] > before[1].min()
    found = model.recommend(900, k=5, popularity_penalty=0.5)
    lost = 0.5 * fresh * standard_popularity(model._item_counts)[found.rows]
    np.testing.assert_allclose(found.ranking_scores, found.scores - lost, atol=1e-5)
    counts = model._item_counts.copy()
    model.forget(900)
    assert model._item_counts[data.item_ids.row(item)] == counts[data.item_ids.row(item)] - 1
    assert score_spread(model) != fresh
    again = MODELS["implicit"]().fit(data)
    assert score_spread(again) == before[0]
    assert score_spread(again.fit(data)) == before[0]


def test_callbacks_may_ask_with_a_penalty(data: rb.Interactions) -> None:
    spreads = []
    model = MODELS["implicit"]()
    model.fit(data, callbacks=[lambda model, record: spreads.append(score_spread(model))])
    assert len(set(spreads)) > 3
    kept = score_spread(model)
    assert kept == score_spread(MODELS["implicit"]().fit(data))


def test_saved_models_answer_alike(fitted: dict, tmp_path: Path) -> None:
    order = {"popularity_penalty": 0.5, "diversity": 0.3}
    path = tmp_path / "model.ridge"
    for name in ("implicit", "explicit"):
        fitted[name].save(path, include_history=False)
        found = rb.load(path).recommend(3, k=6, exclude_seen=False, **order)
        expected = fitted[name].recommend(3, k=6, exclude_seen=False, **order)
        assert found == expected
        assert found.ranking_scores.tolist() == expected.ranking_scores.tolist()
    fitted["neighbours"].save(path, include_history=False)
    with pytest.raises(HistoryMissingError, match="its scores need it"):
        rb.load(path).recommend(3, exclude_seen=False, popularity_penalty=0.5)


def test_models_without_factors(data: rb.Interactions) -> None:
    for model in (rb.Popularity().fit(data), rb.BiasBaseline().fit(data)):
        name = type(model).__name__
        found = model.recommend(0, k=4, popularity_penalty=0.5)
        assert found.scores.tolist() == model.score(0, found.items).tolist()
        with pytest.raises(UnsupportedError, match=f"{name} has no factors, which diversity needs. Use ImplicitALS"):
            model.recommend(0, diversity=0.5)
        with pytest.raises(UnsupportedError, match="which diversity needs"):
            model.recommend_all(diversity=0.5)
        with pytest.raises(UnsupportedError, match="which similar_items needs"):
            model.similar_items(data.item_ids[0], diversity=0.5)


def test_one_item_and_items_as_popular_as_each_other() -> None:
    one = rb.Interactions.from_arrays([1, 2], ["a", "a"])
    model = rb.ImplicitALS(n_factors=2, n_iterations=2, regularization=0.01).fit(one)
    found = model.recommend(1, k=3, exclude_seen=False, diversity=0.5, popularity_penalty=1.0)
    assert found.items.tolist() == ["a"]
    assert len(model.similar_items("a", diversity=0.5, popularity_penalty=1.0)) == 0
    alike = rb.Interactions.from_arrays([1, 1, 2, 2], ["a", "b", "c", "d"])
    model = rb.ImplicitALS(n_factors=2, n_iterations=2, regularization=0.01).fit(alike)
    assert model.recommend(1, popularity_penalty=1.0) == model.recommend(1)


def test_scores_that_are_no_numbers_give_no_unit(data: rb.Interactions) -> None:
    model = MODELS["implicit"]().fit(data)
    model.user_factors_ = np.full_like(model.user_factors_, np.nan)
    with pytest.raises(DataError, match="The popularity penalty has no unit"):
        model.recommend(0, popularity_penalty=0.5)


def test_wrong_orders_are_refused_before_work(fitted: dict) -> None:
    model = fitted["implicit"]
    for ask in (model.recommend, lambda _, **order: model.recommend_all(**order), model.similar_items):
        with pytest.raises(ParameterError, match=r"'diversity' parameter .* Got nan instead"):
            ask(0, diversity=float("nan"))
        with pytest.raises(ParameterError, match=r"at least k = 10: .* Got 9 instead"):
            ask(0, n_candidates=9)
    assert not OFF.is_on
