"""What every fitted model answers, against NumPy on the same arrays."""

from __future__ import annotations

import copy
import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from ridgeback import Interactions, Titles
from ridgeback.data import Ids, Text
from ridgeback.errors import (
    HistoryMissingError,
    NotFittedError,
    ParameterError,
    RidgebackError,
    UnknownIdError,
    UnsupportedError,
)
from ridgeback.models.recommender import Recommender
from ridgeback.recommend.recommendations import Recommendations


class Planted(Recommender):
    """Factors drawn by seed: every answer can be checked without a solver."""

    link = "preference"

    def __init__(self, n_factors: int = 7, with_biases: bool = False, n_threads: int | None = None) -> None:
        self.n_factors = n_factors
        self.with_biases = with_biases
        self.n_threads = n_threads

    def fit(self, data: Interactions) -> Planted:
        rng = np.random.default_rng(0)
        self._remember(data)

        def draw(*shape: int) -> np.ndarray:
            return rng.normal(size=shape).astype(np.float32)

        has_history = (self._user_counts > 0)[:, None]
        self.user_factors_ = draw(data.n_users, self.n_factors) * has_history
        self.item_factors_ = draw(data.n_items, self.n_factors)
        self.user_biases_ = draw(data.n_users) * has_history[:, 0] if self.with_biases else None
        self.item_biases_ = draw(data.n_items) if self.with_biases else None
        self.mean_ = 2.5 if self.with_biases else 0.0
        return self


class PlantedRatings(Planted):
    link = "rating"

    def fit(self, data: Interactions) -> Planted:
        super().fit(data)
        self._rating_range = (1.0, 5.0)
        return self


class PlantedProbabilities(Planted):
    link = "probability"


def table(n_users: int = 60, n_items: int = 45, n: int = 700) -> Interactions:
    """Users 0, 10, 20, ... and items "i000" ...; user 590 and item "i044" have nothing."""
    rng = np.random.default_rng(1)
    pairs = np.unique(np.stack([rng.integers(0, n_users - 1, n), rng.integers(0, n_items - 1, n)], 1), axis=0)
    dense = np.zeros((n_users, n_items), dtype=np.float32)
    dense[pairs[:, 0], pairs[:, 1]] = rng.integers(1, 6, len(pairs))
    from ridgeback import Csr

    matrix = Csr.from_pairs(pairs[:, 0], pairs[:, 1], dense[pairs[:, 0], pairs[:, 1]], dense.shape)
    titles = Titles(Ids.from_sequence(["i001", "i002"]), Text.from_strings(["하나", "Two"]))
    return Interactions.from_csr(
        matrix, [10 * u for u in range(n_users)], [f"i{i:03d}" for i in range(n_items)], titles=titles
    )


@pytest.fixture(scope="module")
def data() -> Interactions:
    return table()


@pytest.fixture(
    params=[(Planted, False), (PlantedRatings, True), (PlantedProbabilities, True)], ids=lambda p: p[0].link
)
def model(request: pytest.FixtureRequest, data: Interactions) -> Planted:
    kind, with_biases = request.param
    return kind(with_biases=with_biases).fit(data)


def numpy_scores(model: Recommender) -> np.ndarray:
    scores = model.user_factors_.astype(float) @ model.item_factors_.astype(float).T + model.mean_
    if model.user_biases_ is not None:
        scores = scores + model.user_biases_[:, None] + model.item_biases_[None]
    return scores


def seen_rows(data: Interactions, row: int) -> set[int]:
    return set(data.user_items.row(row)[0].tolist())


def test_score_equals_numpy_and_broadcasts(model: Planted) -> None:
    users, items = [0, 30, 590], ["i000", "i044"]
    scores = model.score(np.array(users)[:, None], items)
    assert scores.shape == (3, 2)
    assert scores.dtype == np.float32
    np.testing.assert_allclose(scores, numpy_scores(model)[[0, 3, 59]][:, [0, 44]], atol=1e-5)
    one = model.score(30, "i044")
    assert isinstance(one, float)
    assert one == scores[1, 1]
    assert model.score([], []).shape == (0,)
    assert model.score(np.int64(30), np.str_("i044")) == one


def test_recommend_equals_brute_force(model: Planted, data: Interactions) -> None:
    scores = model.score(np.array(list(data.user_ids))[:, None], list(data.item_ids))
    for row, user in enumerate(data.user_ids):
        if row == 59:
            continue
        answer = model.recommend(user, k=8)
        seen = seen_rows(data, row)
        order = [i for i in np.lexsort((np.arange(45), -scores[row])) if i not in seen and i != 44][:8]
        assert answer.user == user
        assert answer.fallback is None
        assert answer.items.tolist() == [f"i{i:03d}" for i in order]
        np.testing.assert_array_equal(answer.scores, scores[row, order])


def test_score_and_recommend_agree_to_the_bit(model: Planted, data: Interactions) -> None:
    for answer in model.recommend(list(data.user_ids)[:59], k=100, exclude_seen=False):
        np.testing.assert_array_equal(
            model.score(answer.user, answer.items).view(np.uint32), answer.scores.view(np.uint32)
        )


def test_many_users_equal_one_by_one(model: Planted) -> None:
    users = [590, 0, 580, 0, 10]
    together = model.recommend(users, k=6)
    assert together == [model.recommend(user, k=6) for user in users]
    assert [answer.fallback is None for answer in together] == [False, True, True, True, True]
    assert model.recommend(np.array(users), k=6) == together
    assert model.recommend([], k=6) == []
    assert len(model.recommend([0])) == 1


def test_recommendations_are_a_sequence_with_titles(model: Planted) -> None:
    answer = model.recommend(0, k=50, exclude_seen=False, candidates=["i001", "i002", "i003"])
    titles = {entry.item: entry.title for entry in answer}
    assert titles == {"i001": "하나", "i002": "Two", "i003": None}
    assert len(answer) == 3
    assert answer[0].score == answer.scores[0] >= answer[-1].score
    assert [entry.item for entry in answer[:2]] == answer.items[:2].tolist()
    with pytest.raises(IndexError):
        answer[3]
    assert answer.to_dicts()[0].keys() == {"item", "score", "title"}
    assert "user 0" in repr(answer)
    assert answer == pickle.loads(pickle.dumps(answer))


def test_frames(model: Planted) -> None:
    pandas = pytest.importorskip("pandas")
    frame = model.recommend(0, k=4).to_frame()
    assert isinstance(frame, pandas.DataFrame)
    assert list(frame.columns) == ["item", "score", "title"]
    assert len(frame) == 4


def test_users_without_history_get_the_fallback(data: Interactions) -> None:
    share = data.user_items.column_counts() / data.n_users
    popular = Planted().fit(data).recommend(590, k=5)
    order = np.lexsort((np.arange(45), -share))[:5]
    assert popular.fallback == "popularity"
    assert popular.items.tolist() == [f"i{i:03d}" for i in order]
    np.testing.assert_allclose(popular.scores, share[order], rtol=1e-6)
    probable = PlantedProbabilities().fit(data).recommend(590, k=5, as_="probability")
    np.testing.assert_array_equal(probable.scores, popular.scores)

    rated = PlantedRatings(with_biases=True).fit(data)
    mean = rated.recommend(590, k=5)
    assert mean.fallback == "mean"
    np.testing.assert_allclose(mean.scores, np.sort((2.5 + rated.item_biases_)[:44])[::-1][:5], rtol=1e-6)
    assert rated.score(590, "i003") == pytest.approx(2.5 + float(rated.item_biases_[3]), rel=1e-6)


def test_items_nobody_has_are_served_only_as_candidates(model: Planted, data: Interactions) -> None:
    for user in (0, 590):
        assert "i044" not in model.recommend(user, k=99, exclude_seen=False).items
        assert model.recommend(user, k=99, candidates=["i044"]).items.tolist() == ["i044"]


def test_candidates_and_exclude_for_everyone(model: Planted, data: Interactions) -> None:
    wanted = ["i003", "i001", "i044", "i030", "i003"]
    for answer in model.recommend(
        [0, 10, 590], k=9, candidates=wanted, exclude={"i030", "unknown"}, exclude_seen=False
    ):
        assert sorted(answer.items) == ["i001", "i003", "i044"]
    seen = [f"i{i:03d}" for i in seen_rows(data, 0)]
    assert len(model.recommend(0, candidates=seen)) == 0
    assert not set(model.recommend(0, k=99, exclude=["i001"]).items) & {"i001", *seen}
    assert len(model.recommend(0, exclude=list(data.item_ids), exclude_seen=False)) == 0


@pytest.mark.parametrize("exclude_seen", [True, False])
def test_candidates_and_exclude_by_user(model: Planted, data: Interactions, exclude_seen: bool) -> None:
    candidates = {0: ["i001", "i044"], 10: [], 590: ["i002", "i003"], 77: ["i001"]}
    exclude = {0: ["i001", "nothing"], 590: ["i003"]}
    first, second, third = model.recommend(
        [0, 10, 590], k=9, candidates=candidates, exclude=exclude, exclude_seen=exclude_seen
    )
    assert first.items.tolist() == ["i044"]
    assert second.items.tolist() == []
    assert third.items.tolist() == ["i002"]
    assert third.fallback is not None
    left = model.recommend([0, 10], k=99, exclude=exclude, exclude_seen=exclude_seen)
    whole = model.recommend([0, 10], k=99, exclude_seen=exclude_seen)
    assert left[0].items.tolist() == [item for item in whole[0].items if item != "i001"]
    assert left[1] == whole[1]
    narrowed = model.recommend(0, k=9, candidates={0: ["i005", "i044"]}, exclude=["i005"], exclude_seen=exclude_seen)
    assert narrowed.items.tolist() == ["i044"]


def test_a_user_who_has_seen_everything_gets_nothing() -> None:
    full = Interactions.from_arrays(["ann"] * 3 + ["bob"], [1, 2, 3, 1])
    model = Planted().fit(full)
    answer = model.recommend("ann", k=10)
    assert len(answer) == 0
    assert answer.scores.dtype == np.float32
    assert set(model.recommend("bob", k=10).items.tolist()) == {2, 3}


def test_all_scores_negative_is_no_reason_for_item_zero() -> None:
    """Item 0 must not come up at 0.0 when every real score is below zero."""
    data = Interactions.from_arrays([1, 1, 2, 2, 3], [10, 20, 10, 30, 30])
    model = Planted(n_factors=1).fit(data)
    model.user_factors_ = np.ones((3, 1), dtype=np.float32)
    model.item_factors_ = -np.array([[3.0], [1.0], [2.0]], dtype=np.float32)
    answer = model.recommend(1, k=10)
    assert [(entry.item, entry.score) for entry in answer] == [(30, -2.0)]


def test_one_user_one_item() -> None:
    model = Planted().fit(Interactions.from_arrays(["u"], ["i"]))
    assert len(model.recommend("u")) == 0
    assert model.recommend("u", exclude_seen=False).items.tolist() == ["i"]
    assert len(model.similar_items("i")) == len(model.similar_users("u")) == 0


def test_predictions_are_on_the_scale_of_the_data(data: Interactions) -> None:
    rated = PlantedRatings(with_biases=True).fit(data)
    raw, clipped = rated.predict(0, list(data.item_ids), clip=False), rated.predict(0, list(data.item_ids))
    np.testing.assert_array_equal(raw, rated.score(0, list(data.item_ids)))
    assert raw.max() > 5
    np.testing.assert_array_equal(clipped, np.clip(raw, 1, 5))
    preference = Planted().fit(data)
    assert preference.predict(0, "i001") == preference.score(0, "i001")
    logistic = PlantedProbabilities().fit(data)
    assert logistic.predict(0, "i001") == pytest.approx(1 / (1 + np.exp(-logistic.score(0, "i001"))))


def test_probability_keeps_the_order(data: Interactions) -> None:
    model = PlantedProbabilities().fit(data)
    scores, probabilities = model.recommend(0, k=20), model.recommend(0, k=20, as_="probability")
    assert scores.items.tolist() == probabilities.items.tolist()
    np.testing.assert_array_equal(probabilities.scores, model.predict(0, probabilities.items))


def test_recommend_all_equals_recommend(model: Planted, data: Interactions) -> None:
    answers = iter(model.recommend(list(data.user_ids), k=4))
    n_users = 0
    for users, items, scores, counts in model.recommend_all(k=4):
        n_users += len(users)
        ends = np.cumsum(counts)
        assert len(items) == len(scores) == ends[-1]
        for user, begin, end in zip(users, ends - counts, ends, strict=True):
            answer = next(answers)
            assert answer.user == user
            assert answer.items.tolist() == items[begin:end].tolist()
            np.testing.assert_array_equal(answer.scores, scores[begin:end])
    assert n_users == data.n_users


def test_similar_items_and_users_equal_numpy(model: Planted, data: Interactions) -> None:
    for ids, factors, ask in (
        (list(data.item_ids), model.item_factors_, model.similar_items),
        (list(data.user_ids)[:59], model.user_factors_[:59], model.similar_users),
    ):
        directions = factors / np.linalg.norm(factors.astype(float), axis=1, keepdims=True)
        cosine = directions @ directions.T
        for row in (0, 7):
            answer = ask(ids[row], k=6)
            order = [i for i in np.argsort(-cosine[row]) if i != row][:6]
            assert [entry[0] for entry in answer] == [ids[i] for i in order]
            np.testing.assert_allclose(answer.scores, cosine[row, order], atol=1e-6)
        assert ask(ids[:3], k=6)[2] == ask(ids[2], k=6)
    assert len(model.similar_users(590)) == 0
    assert model.similar_items("i005", k=99)[0].title in (None, "하나", "Two")
    assert model.similar_items("i005").item == "i005"
    assert model.similar_users(10).user == 10


def test_describe_factors(model: Planted) -> None:
    described = model.describe_factors(n=3)
    assert [one.factor for one in described] == list(range(7))
    assert sum(one.energy_share for one in described) == pytest.approx(1)
    column = model.item_factors_[:, 2]
    assert [entry.id for entry in described[2].top_items] == [f"i{i:03d}" for i in np.argsort(-column)[:3]]
    assert [entry.id for entry in described[2].bottom_items] == [f"i{i:03d}" for i in np.argsort(column)[:3]]
    strongest = np.argsort(-np.abs(model.user_factors_[:, 2]))[:3]
    assert [entry.id for entry in described[2].strongest_users] == [10 * u for u in strongest]
    assert described[2].to_dict()["factor"] == 2
    assert "top items" in str(described[2])


def test_factors_that_another_seed_may_turn_or_mix_are_marked(data: Interactions) -> None:
    model = Planted(n_factors=6).fit(data)
    items = np.zeros_like(model.item_factors_)
    items[:2] = [[2.0, 2.0, 1.0, 1.0, 0.0, 0.5], [-1.0, -1.81, -0.9, -0.9001, 0.0, 0.5]]
    items[2, 2] = np.sqrt(0.02)  # energies 5, 7.2761, 1.83, 1.81018, 0, 0.5
    model.item_factors_ = items
    described = model.describe_factors(n=2)
    assert [one.is_either_way_round for one in described] == [False, True, False, True, False, False]
    assert [one.exchangeable_with for one in described] == [(), (), (3,), (2,), (), ()]
    items[0, 0] = np.sqrt(6.2)
    described = model.describe_factors(n=2)
    assert [one.exchangeable_with for one in described] == [(1,), (0,), (3,), (2,), (), ()]
    assert str(described[3]).splitlines()[0] == (
        "factor 4: 9.7% of the energy, either way round, exchangeable with factor 3"
    )
    assert described[3].factor == 3
    assert "near zero" not in str(described[3])
    assert str(described[4]).count("none: all items are near zero at this end") == 2
    assert "bottom items: none: all items are near zero at this end" in str(described[5])
    assert described[3].to_dict()["exchangeable_with"] == (2,)
    assert described[3].to_dict()["is_either_way_round"] is True


def test_unknown_ids_are_named_with_the_closest(model: Planted) -> None:
    with pytest.raises(UnknownIdError, match=r"user 591 is unknown.*590"):
        model.recommend(591)
    with pytest.raises(UnknownIdError, match=r"user 591 is unknown.*590"):
        model.recommend([0, 591])
    with pytest.raises(UnknownIdError, match=r"item 'i01' is unknown.*'i01"):
        model.score(0, ["i001", "i01"])
    with pytest.raises(UnknownIdError, match="user '0' is unknown"):
        model.score("0", "i001")
    with pytest.raises(UnknownIdError, match="candidates: item 'i0x1' is unknown"):
        model.recommend(0, candidates=["i0x1"])
    with pytest.raises(UnknownIdError, match="item 'zz'"):
        model.similar_items("zz")
    with pytest.raises(LookupError):
        model.similar_users(1)


def test_wrong_arguments_say_what_to_do(model: Planted) -> None:
    with pytest.raises(ParameterError, match="'k' must be an int >= 0"):
        model.recommend(0, k=-1)
    with pytest.raises(ParameterError, match="'k' must be an int >= 0"):
        model.recommend_all(k=1.5)
    with pytest.raises(ParameterError, match="'as_' must be 'score', 'percentile' or 'probability'"):
        model.recommend(0, as_="logit")
    with pytest.raises(ParameterError, match="Got None instead"):
        model.recommend_all(as_=None)
    with pytest.raises(ParameterError, match="Put a single id into a list"):
        model.recommend(0, candidates="i001")
    with pytest.raises(ParameterError, match="'exclude' must be a list of item ids"):
        model.recommend(0, exclude=5)
    with pytest.raises(ParameterError, match="no entry for user 10"):
        model.recommend([0, 10], candidates={0: ["i001"]})
    with pytest.raises(ParameterError, match="must broadcast to one shape"):
        model.score([0, 10, 20], ["i001", "i002"])
    with pytest.raises(ParameterError, match="'n' must be an int >= 1"):
        model.describe_factors(n=0)


def test_probability_is_refused_where_scores_are_none(data: Interactions) -> None:
    with pytest.raises(UnsupportedError, match="LogisticMF"):
        Planted().fit(data).recommend(0, as_="probability")


@pytest.mark.parametrize("name", ["user_factors_", "item_factors_", "mean_", "user_ids_"])
def test_unfitted_attributes_raise_our_error(name: str) -> None:
    with pytest.raises(NotFittedError, match=f"Planted is not fitted yet, so it has no {name}. Call fit"):
        getattr(Planted(), name)
    assert not hasattr(Planted(), name)


@pytest.mark.parametrize(
    "ask",
    [
        lambda m: m.score(0, "i001"),
        lambda m: m.predict(0, "i001"),
        lambda m: m.recommend(0),
        lambda m: m.recommend_all(),
        lambda m: m.similar_items("i001"),
        lambda m: m.similar_users(0),
        lambda m: m.describe_factors(),
        lambda m: m.save("nowhere.ridge"),
    ],
)
def test_unfitted_models_refuse(ask) -> None:
    with pytest.raises(NotFittedError, match="not fitted yet"):
        ask(Planted())


def test_other_missing_attributes_are_plain(data: Interactions) -> None:
    with pytest.raises(AttributeError, match="no attribute 'colour'") as caught:
        _ = Planted().fit(data).colour
    assert not isinstance(caught.value, RidgebackError)


def test_without_history_seen_items_cannot_be_excluded(data: Interactions) -> None:
    model = Planted().fit(data)
    whole = model.recommend(0, k=5, exclude_seen=False)
    model._seen = None
    with pytest.raises(HistoryMissingError, match="exclude_seen=False"):
        model.recommend(0)
    with pytest.raises(HistoryMissingError, match="exclude_seen=False"):
        model.recommend_all()
    assert model.recommend(0, k=5, exclude_seen=False) == whole
    assert model.recommend(590, k=5, exclude_seen=False).fallback == "popularity"
    assert sum(len(block.users) for block in model.recommend_all(exclude_seen=False)) == 60


def test_models_copy_and_pickle(data: Interactions) -> None:
    model = Planted().fit(data)
    answer = model.recommend(0)
    assert pickle.loads(pickle.dumps(model)).recommend(0) == answer
    assert copy.deepcopy(model).recommend(0) == answer
    assert copy.copy(Planted()).n_factors == 7
    assert not hasattr(model.clone(), "user_factors_")


def test_refit_forgets_the_first_data(data: Interactions) -> None:
    model = Planted().fit(data)
    model.recommend(0)
    other = Interactions.from_arrays(["x", "y"], ["p", "q"])
    model.fit(other)
    assert model.recommend("x", k=9).items.tolist() == ["q"]


def test_many_threads_may_ask_at_once(data: Interactions) -> None:
    model = PlantedRatings(with_biases=True).fit(data)
    users = list(data.user_ids)
    expected = [model.recommend(user) for user in users]
    fresh = PlantedRatings(with_biases=True).fit(data)
    with ThreadPoolExecutor(8) as pool:
        for _ in range(5):
            assert list(pool.map(fresh.recommend, users)) == expected


@pytest.mark.parametrize("n_factors", [0, 1, 64, 65])
def test_any_number_of_factors(data: Interactions, n_factors: int) -> None:
    model = PlantedRatings(n_factors=n_factors, with_biases=True).fit(data)
    answer = model.recommend(0, k=7)
    assert isinstance(answer, Recommendations)
    np.testing.assert_array_equal(model.score(0, answer.items), answer.scores)
    if n_factors == 0:
        with pytest.raises(UnsupportedError, match="similar_items needs"):
            model.similar_items("i001")
