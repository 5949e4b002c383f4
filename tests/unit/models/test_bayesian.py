"""BayesianALS: what it learns, its intervals, new rows, files, interruptions, and what it refuses."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import ridgeback as rb
from ridgeback import storage
from ridgeback.errors import DataError, ParameterError, UnsupportedError
from ridgeback.models.gibbs import started_chain
from ridgeback.models.intervals import mixture_quantiles
from ridgeback.models.posterior_mean import PosteriorMean
from ridgeback.models.training import ListedPairs

SHORT: dict[str, Any] = {"n_factors": 3, "n_samples": 10, "n_burn_in": 10, "thinning": 2}


def ratings(seed: int = 0, n_users: int = 120, n_items: int = 60, noise: float = 0.5) -> tuple[Any, Any]:
    """Ratings of rank 2 with biases and noise: (train, test)."""
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(n_users, 2)), rng.normal(size=(n_items, 2))
    users, items = np.nonzero(rng.random((n_users, n_items)) < 0.4)
    means = 3 + rng.normal(size=n_users)[users] * 0.5 + np.sum(x[users] * y[items], axis=1)
    values = means + rng.normal(size=len(users)) * noise
    data = rb.Interactions.from_arrays(users, items, ratings=values)
    return rb.split.random(data, test_fraction=0.2, random_state=0)


def pairs_of(test: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return test.user_items.row_of_entry(), test.user_items.indices, test.user_items.values()


@pytest.fixture(scope="module")
def fitted() -> tuple[Any, Any, Any]:
    train, test = ratings()
    return rb.BayesianALS(**SHORT, user_sets=True, item_sets=True).fit(train), train, test


def test_it_finds_the_noise_and_covers_what_it_did_not_see(fitted: Any) -> None:
    model, _, test = fitted
    users, items, values = pairs_of(test)
    rmse = np.sqrt(np.mean((model.predict(users, items) - values) ** 2))
    assert rmse < 0.65  # noise of 0.5, ratings of a deviation of 1.7
    assert model.history_[-1]["noise"] == pytest.approx(0.5, abs=0.1)
    for level in (0.5, 0.9):
        interval = model.predict_interval(users, items, level=level)
        covered = np.mean((values >= interval.low) & (values <= interval.high))
        assert covered == pytest.approx(level, abs=0.07)
    np.testing.assert_array_equal(interval.mean, model.predict(users, items))
    wide, narrow = model.predict_interval(3, 4, level=0.99), model.predict_interval(3, 4, level=0.5)
    assert wide.low < narrow.low < narrow.mean < narrow.high < wide.high
    assert isinstance(wide.low, float)
    assert model.predict_interval([[1], [2]], [3, 4, 5]).low.shape == (2, 3)


def test_noisy_users_get_wider_intervals() -> None:
    rng = np.random.default_rng(0)
    users, items = np.nonzero(rng.random((60, 50)) < 0.5)
    deviations = np.where(users < 30, 0.2, 1.5)
    data = rb.Interactions.from_arrays(
        users, items, ratings=rng.normal(size=50)[items] + deviations * rng.normal(size=len(users))
    )
    widths = {}
    for row_noise in (True, False):
        model = rb.BayesianALS(**SHORT, row_noise=row_noise).fit(data)
        interval = model.predict_interval(np.arange(60)[:, None], np.arange(50))
        width = (interval.high - interval.low).mean(axis=1)
        widths[row_noise] = width[30:].mean() / width[:30].mean()
    assert widths[True] > 1.5 * widths[False]


def test_a_new_user_s_interval_holds_the_spread_of_all_users() -> None:
    train, _ = ratings()
    rows = train.user_items
    data = rb.Interactions.from_csr(rb.Csr(np.append(rows.indptr, rows.indptr[-1]), rows.indices, rows.data, (121, 60)))
    model = rb.BayesianALS(**SHORT).fit(data)
    known, unknown = (model.predict_interval(user, np.arange(60)) for user in (5, 120))
    assert (unknown.high - unknown.low).mean() > 1.3 * (known.high - known.low).mean()


def test_the_served_mean_is_that_of_the_sweeps() -> None:
    """Of whole sweeps added one by one, against the mean of their products; the width holds all of them."""
    rng = np.random.default_rng(0)
    mean, products, biases = PosteriorMean(40, 25, width=25), np.zeros((40, 25)), np.zeros(40)
    turn = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    for n in range(12):
        x, y = rng.normal(size=(40, 3)).astype(np.float32), rng.normal(size=(25, 3)).astype(np.float32)
        x[7] = 0
        b = rng.normal(size=40).astype(np.float32)
        mean.add(x @ turn.astype(np.float32), b, y @ turn.astype(np.float32), np.zeros(25, dtype=np.float32))
        products, biases = products + (x @ y.T - products) / (n + 1), biases + (b - biases) / (n + 1)
    users, items = mean.served(3.0)
    np.testing.assert_allclose(users.factors @ items.factors.T, 3 * products, atol=3e-5)
    np.testing.assert_allclose(users.biases, 3 * biases, atol=1e-5)
    assert (users.factors[7] == 0).all()
    energies = np.sum(items.factors.astype(np.float64) ** 2, axis=0)
    assert (np.diff(energies) <= 1e-6).all()
    gramian = items.factors.T.astype(np.float64) @ items.factors
    assert np.abs(gramian - np.diag(np.diag(gramian))).max() < 1e-5 * energies[0]


def test_quantiles_of_mixtures() -> None:
    one = mixture_quantiles(np.array([[2.0]]), np.array([3.0]), 0.95)
    assert one[0] == pytest.approx(2 + 3 * 1.644854, abs=1e-5)
    rng = np.random.default_rng(0)
    means, deviations = rng.normal(size=(5, 7)) * 3, rng.uniform(0.5, 2, (5, 7))
    found = mixture_quantiles(means, deviations, 0.2)
    draws = rng.normal(size=(5, 7, 40_000)) * deviations[:, :, None] + means[:, :, None]
    np.testing.assert_allclose(np.mean(draws.reshape(5, -1) < found[:, None], axis=1), 0.2, atol=0.005)


def test_geweke_the_chain_agrees_with_its_own_prior() -> None:
    """Data drawn from the chain's state, and the chain from the data, in turn: beta then keeps its prior, Exp(1).

    A sampler with a wrong conditional distribution drifts away from it (Geweke 2004).
    """
    rng = np.random.default_rng(3)
    rows = rb.Csr.from_pairs(
        np.repeat(np.arange(4), 3), np.tile(np.arange(3), 4), np.ones(12, dtype=np.float32), (4, 3)
    )
    users = ListedPairs(rows.with_data(rng.normal(size=12).astype(np.float32)))
    chain = started_chain(
        {"users": users, "items": users.transpose()}, {"users": [], "items": []}, {"users": False, "items": False},
        1, 5, 1, np.zeros(1, dtype=np.uint8), False,
    )  # fmt: skip
    betas = []
    for _ in range(1500):
        chain.sweep()
        u, i = chain.sides["users"], chain.sides["items"]
        scores = u.factors @ i.factors.T + u.biases[:, None] + i.biases
        drawn = scores + rng.normal(size=(4, 3)) / np.sqrt(chain.beta)
        u.pairs = ListedPairs(rows.with_data(drawn.ravel().astype(np.float32)))
        i.pairs = u.pairs.transpose()
        betas.append(chain.beta)
    beta = np.array(betas)
    batches = np.log(beta).reshape(20, -1).mean(axis=1)
    error = batches.std(ddof=1) / np.sqrt(20)
    assert abs(np.log(beta).mean() - -0.57722) < 4 * error  # the mean of the logarithm of an Exp(1)
    assert error < 0.15


def test_folded_users_score_nearly_as_trained_ones(fitted: Any) -> None:
    model, train, _ = fitted
    folded = model.fold_in_many(train)
    items = np.arange(60)
    scores = np.array([one.score(items) for one in folded])
    trained = model.score(np.arange(120)[:, None], items)
    assert np.corrcoef(scores.ravel(), trained.ravel())[0, 1] > 0.98
    history = dict(zip(*(part.tolist() for part in train.user_items.row(7)), strict=True))
    alone = model.fold_in(history)
    np.testing.assert_array_equal(alone.factors, folded[7].factors)
    assert alone.recommend(k=3).items.tolist() == folded[7].recommend(k=3).items.tolist()
    interval = alone.predict_interval(5)
    assert interval.low < alone.predict(5) == interval.mean < interval.high
    unknown = model.fold_in({999: 4.0})
    assert unknown.unknown_items == [999]
    assert unknown.fallback == "mean"
    assert unknown.score(3) == pytest.approx(model.mean_ + model.item_biases_[3], abs=1e-5)
    wide = unknown.predict_interval(5)
    assert wide.high - wide.low > interval.high - interval.low
    users, values = train.item_users.row(4)
    new = model.fold_in_item(users.tolist(), values)
    assert np.corrcoef(new.score(np.arange(120)), model.score(np.arange(120), 4))[0, 1] > 0.95
    for refused in (alone.explain, lambda _: alone.trace()):
        with pytest.raises(UnsupportedError, match="BayesianALS has no"):
            refused(5)


def test_judged_with_a_history(fitted: Any) -> None:
    train, history, test = rb.split.by_user(ratings()[0], random_state=0)
    model = rb.BayesianALS(**SHORT).fit(train)
    report = rb.evaluate(model, train, test, history=history, baselines=False)
    assert report.metrics["rmse"] < 1.5


def test_a_file_brings_everything_back(fitted: Any, tmp_path: Path) -> None:
    model, _train, test = fitted
    users, items, _ = pairs_of(test)
    for include_history in (True, False):
        model.save(tmp_path / "model.ridge", include_history=include_history)
        loaded = rb.load(tmp_path / "model.ridge")
        for name in ("mean", "low", "high"):
            expected = getattr(model.predict_interval(users, items), name)
            np.testing.assert_array_equal(getattr(loaded.predict_interval(users, items), name), expected)
        np.testing.assert_array_equal(loaded.fold_in({1: 4.0}).factors, model.fold_in({1: 4.0}).factors)
        assert loaded.parameters_ == model.parameters_
        assert loaded.history_ == model.history_


def test_the_page_of_the_file_names_its_samples(fitted: Any, tmp_path: Path) -> None:
    page = Path(__file__).resolve().parents[3] / "docs" / "model-file.md"
    section = page.read_text(encoding="utf-8").split("\n## Samples\n")[1].split("\n## ")[0]
    fitted[0].save(tmp_path / "model.ridge")
    tensors, metadata = storage.read(str(tmp_path / "model.ridge"), True)
    names = {name: array for name, array in tensors.items() if name.startswith("samples.")}
    rows = [
        [cell.strip() for cell in row.strip("|").split("|")] for row in section.splitlines() if row.startswith("| `")
    ]
    assert {row[0].strip("`") for row in rows} == names.keys()
    for name, dtype, *_ in rows:
        assert {"F32": np.float32, "F64": np.float64}[dtype] == names[name.strip("`")].dtype
    assert metadata["samples"].keys() == {"scale", "seed", "n_factors"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"samples": {"scale": 1.0, "seed": 1}}, "its samples must have scale, seed and n_factors"),
        ({"samples": {"scale": -1.0, "seed": 1, "n_factors": 3}}, "out of range"),
        ({"samples": {"scale": 1.0, "seed": 1, "n_factors": 4}}, "has shape"),
        ({"samples": None}, "must be dict"),
    ],
)
def test_damaged_samples(fitted: Any, tmp_path: Path, change: dict[str, Any], message: str) -> None:
    fitted[0].save(tmp_path / "model.ridge")
    tensors, metadata = storage.read(str(tmp_path / "model.ridge"), True)
    storage.write(str(tmp_path / "other.ridge"), dict(tensors), {**metadata, **change})
    with pytest.raises(rb.errors.ModelFileError, match=message):
        rb.load(tmp_path / "other.ridge")


def test_attributes_are_not_in_the_file(tmp_path: Path) -> None:
    train, _ = ratings()
    model = rb.BayesianALS(**SHORT, user_attributes={str(u): u % 3 for u in range(120)}).fit(train)
    with pytest.warns(rb.RidgebackWarning, match="does not hold the argument user_attributes"):
        model.save(tmp_path / "model.ridge")
    assert rb.load(tmp_path / "model.ridge").user_attributes is None


def test_a_forgotten_user_leaves_no_row(fitted: Any) -> None:
    model, train, _ = fitted
    changed = rb.BayesianALS(**SHORT, user_sets=True, item_sets=True).fit(train)
    changed.fold_in_item({1: 3.0})
    changed.forget(7)
    assert 7 not in changed.user_ids_
    assert len(changed.user_factors_) == len(changed._samples.users.rows) == len(changed._samples.items.vectors) == 119
    np.testing.assert_array_equal(changed.score(8, [1, 2]), model.score(8, [1, 2]))
    assert changed.predict_interval(8, 3) == model.predict_interval(8, 3)
    assert np.isfinite(changed.fold_in_item({8: 3.0}).factors).all()


def test_records_callbacks_validation_and_patience() -> None:
    train, test = ratings()
    seen: list[tuple[int, float]] = []

    def third(model: Any, record: dict[str, Any]) -> bool:
        seen.append((record["iteration"], model.predict(1, 1)))
        return record["iteration"] == 13

    model = rb.BayesianALS(**SHORT).fit(train, validation=test, callbacks=[third])
    assert model.stopped_by_ == "callback"
    assert [record["iteration"] for record in model.history_] == list(range(1, 14)) == [number for number, _ in seen]
    assert {record["side"] for record in model.history_} == {"sweep"}
    assert [record["validation"] is None for record in model.history_] == [True] * 10 + [False] * 3
    users, items, values = pairs_of(test)
    rmse = np.sqrt(np.mean((model.predict(users, items) - values) ** 2))
    assert model.history_[-1]["validation"] == pytest.approx(rmse, abs=1e-5)
    assert model._samples.n_samples == 1
    assert model.predict_interval(1, 1).low < model.predict(1, 1)
    early = rb.BayesianALS(**{**SHORT, "n_samples": 100}).fit(train, validation=test, patience=2)
    assert early.stopped_by_ == "early_stopping"
    assert early.n_iterations_ < 210


@pytest.mark.parametrize("at", [3, 15])
def test_ctrl_c_leaves_a_usable_model(at: int) -> None:
    """In the burn-in and behind it."""
    train, _ = ratings()
    model = rb.BayesianALS(**SHORT, user_sets=True)

    def interrupt(_: Any, record: dict[str, Any]) -> None:
        if record["iteration"] == at:
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        model.fit(train, callbacks=[interrupt])
    assert model.stopped_by_ == "interrupted"
    assert model.n_iterations_ <= at + 1
    assert len(model.recommend(3, k=4)) == 4
    assert np.isfinite(model.predict_interval(3, [1, 2]).high).all()


ATTRIBUTES: list[tuple[str, Any, str]] = [
    ("nothing", {}, "user_attributes is empty"),
    ("no ids of the data", {"zoe": 1, "yan": 2}, r"knows none of the 120 ids of the data: it has 'zoe', the data 0"),
    ("infinity", {0: 1.0, 1: np.inf}, r"column '0' holds an infinite number"),
    ("numbers and text", {0: "red", 1: 3}, r"column '0' mixes numbers and text"),
    ("lists of two lengths", {0: [1, 2], 1: [3]}, "values of different length, 1 and 2"),
    ("one value", {0: 5, 1: 5, 2: 5}, "no column of more than one value"),
    ("all missing", {0: None, 1: np.nan}, "no column of more than one value"),
    ("no frame", 7, "must be a mapping id -> values, a frame of pandas, polars or pyarrow"),
    ("no such file", "/nowhere/users.csv", "cannot be read as CSV"),
]


@pytest.mark.parametrize(
    ("attributes", "message"), [part[1:] for part in ATTRIBUTES], ids=[part[0] for part in ATTRIBUTES]
)
def test_attributes_that_cannot_be_used(attributes: Any, message: str) -> None:
    train, _ = ratings()
    with pytest.raises(DataError, match=message):
        rb.BayesianALS(**SHORT, user_attributes=attributes).fit(train)


def test_attributes_in_every_form_say_the_same(tmp_path: Path) -> None:
    """Missing values, rows without attributes and ids that the data do not have are allowed."""
    pd, pa, pl = (pytest.importorskip(name) for name in ("pandas", "pyarrow", "polars"))
    train, _ = ratings()
    columns = {"user": [*range(100), 5000], "age": [*(20.0 + u % 40 for u in range(100)), 1e6]}
    columns["age"][3] = None  # type: ignore[call-overload]
    columns["kind"] = ["a" if u % 3 else "b" for u in range(101)]
    columns["kind"][4] = None
    mapping = {u: {"age": a, "kind": k} for u, a, k in zip(*columns.values(), strict=True)}
    (tmp_path / "users.csv").write_text(pd.DataFrame(columns).to_csv(index=False))
    forms = (
        mapping,
        {u: (v["age"], v["kind"]) for u, v in mapping.items()},
        pd.DataFrame(columns),
        pa.table(columns),
        pl.DataFrame(columns),
        str(tmp_path / "users.csv"),
    )
    expected = rb.BayesianALS(**SHORT, user_attributes=mapping).fit(train)
    assert not np.array_equal(expected.user_factors_, rb.BayesianALS(**SHORT).fit(train).user_factors_)
    for form in forms[1:]:
        model = rb.BayesianALS(**SHORT, user_attributes=form).fit(train)
        np.testing.assert_array_equal(model.user_factors_, expected.user_factors_)


def test_attributes_help_where_ratings_are_few() -> None:
    """Items whose taste is their genre's: two ratings each, and the genre known."""
    rng = np.random.default_rng(0)
    genre, tastes = rng.integers(0, 4, 300), rng.normal(size=(40, 4)) * 2
    users, items = rng.integers(0, 40, 900), np.repeat(np.arange(300), 3)
    data = rb.Interactions.from_arrays(users, items, ratings=tastes[users, genre[items]] + 0.3 * rng.normal(size=900))
    train, test = rb.split.random(data, test_fraction=0.25, random_state=0)
    plain, informed = (
        rb.evaluate(rb.BayesianALS(**SHORT, item_attributes=known), train, test, baselines=False).metrics["rmse"]
        for known in (None, {i: {"genre": {f"g{genre[i]}"}} for i in range(300)})
    )
    assert informed < 0.8 * plain


HOSTILE: list[tuple[dict[str, Any], str]] = [
    ({"n_factors": 0}, "'n_factors' parameter of BayesianALS must be a whole number of at least 1"),
    ({"n_samples": 0}, "'n_samples' parameter"),
    ({"n_burn_in": -1}, "'n_burn_in' parameter"),
    ({"thinning": 1.5}, "'thinning' parameter"),
    ({"user_sets": "yes"}, "'user_sets' parameter of BayesianALS must be True or False"),
    ({"row_noise": None}, "'row_noise' parameter"),
    ({"random_state": "one"}, "random_state"),
    ({"n_factors": 10**6, "n_samples": 10**6}, "leave its samples within memory"),
]


@pytest.mark.parametrize(("parameters", "message"), HOSTILE)
def test_parameters_that_cannot_be_used(parameters: dict[str, Any], message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        rb.BayesianALS(**parameters).fit(ratings()[0])


def test_arguments_that_cannot_be_used(fitted: Any) -> None:
    model, train, test = fitted
    refused: list[tuple[Callable[[], Any], type[Exception], str]] = [
        (lambda: model.predict_interval(1, 1, level=0), ParameterError, "'level' parameter of predict_interval"),
        (lambda: model.predict_interval(1, 1, level=1.0), ParameterError, "above 0 and below 1"),
        (lambda: model.predict_interval(1, 1, level=np.nan), ParameterError, "finite number"),
        (lambda: model.predict_interval(999, 1), rb.errors.UnknownIdError, "user 999 is unknown"),
        (lambda: model.fold_in([1, 2]), DataError, "BayesianALS needs a rating for each id"),
        (lambda: model.fold_in({1: np.nan}), DataError, "needs values finite"),
        (lambda: model.partial_fit(train), UnsupportedError, "no partial_fit.*fold_in"),
        (lambda: model.explain(1, 1), UnsupportedError, "no explain.*ExplicitALS"),
        (lambda: rb.BayesianALS().fit(train, trace=rb.Trace()), UnsupportedError, "BayesianALS has no trace"),
        (lambda: rb.BayesianALS().fit(train, patience=3), ParameterError, "needs validation="),
        (lambda: rb.BayesianALS().fit(train, validation=test, metric="log_loss"), ParameterError, "metric"),
    ]
    for ask, kind, message in refused:
        with pytest.raises(kind, match=message):
            ask()


@pytest.mark.parametrize("scale", [2.0**-20, 2.0**30])
def test_ratings_of_any_scale(scale: float) -> None:
    """The same chain in another unit, to the rounding of float32."""
    train, test = ratings()
    users, items, _ = pairs_of(test)
    scaled = rb.Interactions.from_csr(train.user_items.with_data(train.user_items.values() * np.float32(scale)))
    expected, found = (rb.BayesianALS(**SHORT).fit(data).predict(users, items) for data in (train, scaled))
    np.testing.assert_allclose(found / scale, expected, rtol=1e-5, atol=1e-5)


def test_constant_ratings_are_predicted_and_certain() -> None:
    data = rb.Interactions.from_arrays([1, 1, 2, 3], [1, 2, 2, 3], ratings=[4, 4, 4, 4])
    model = rb.BayesianALS(**SHORT, user_sets=True, item_sets=True).fit(data)
    interval = model.predict_interval(1, 3)
    assert interval.mean == interval.low == interval.high == 4.0  # the range of what was seen
    one = rb.BayesianALS(**SHORT, user_sets=True).fit(rb.Interactions.from_arrays([1], [1], ratings=[3.0]))
    assert one.predict(1, 1) == 3.0


def test_it_predicts_films_better_than_explicit_als(ml_100k: Path) -> None:
    """A tenth of a full chain on the first official fold: by more than .012 of RMSE (ExplicitALS: .931)."""
    rows = np.loadtxt(ml_100k / "u.data", dtype=np.int64)[:, :3]
    part = np.loadtxt(ml_100k / "u1.test", dtype=np.int64)[:, :3]
    key = rows[:, 0] << 32 | rows[:, 1]
    rest = rows[~np.isin(key, part[:, 0] << 32 | part[:, 1])]
    train, test = (rb.Interactions.from_arrays(r[:, 0], r[:, 1], ratings=r[:, 2]) for r in (rest, part))
    chain = rb.BayesianALS(n_factors=7, n_samples=10, n_burn_in=20, thinning=2, user_sets=True, item_sets=True)
    models = (rb.ExplicitALS(n_factors=20, regularization=0.12, bias_regularization=0.05, n_iterations=12), chain)
    explicit, bayesian = (rb.evaluate(m, train, test, baselines=False).metrics["rmse"] for m in models)
    assert bayesian < explicit - 0.012
