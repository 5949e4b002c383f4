import copy
import json
import re
import warnings
from pathlib import Path

import numpy as np
import pytest
import safetensors

import ridgeback as rb
from ridgeback import storage
from ridgeback.data import Csr, Ids, Text, Titles
from ridgeback.errors import (
    HistoryMissingError,
    ModelFileError,
    NotFittedError,
    ParameterError,
    RidgebackWarning,
    UnsupportedError,
)
from ridgeback.metrics.calibration import ReliabilityBin
from ridgeback.models import persistence
from ridgeback.models.neighborhood import Neighborhood
from ridgeback.models.persistence import load, save
from ridgeback.recommend.probability_maps import IsotonicMap, PlattMap
from ridgeback.recommend.reliability import Calibration, Reliability

PAGE = Path(__file__).resolve().parents[3] / "docs" / "model-file.md"


BINS = [ReliabilityBin(0.1, 0.2, 0.125, 0.25, 8.0), ReliabilityBin(0.5, 0.5, 0.5, 0.75, 4.0)]
RELIABILITY = Reliability(3, 12, 5, 9, BINS, BINS[1:], 10, {"unknown_users": 1, "had_before": 0})
ISOTONIC = Calibration("isotonic", IsotonicMap(np.array([-1.0, 0.5, 2.0]), np.array([0.1, 0.1, 0.75])), RELIABILITY)
PLATT = Calibration("platt", PlattMap(2.5, -1.0), RELIABILITY)


def fitted(parameters=None, with_everything=True, text_ids=True):
    """A model with every attribute that files hold, set by hand."""
    model = rb.ImplicitALS(**({"n_factors": 2} | (parameters or {})))
    users = ["ann", "bob", "기생충"] if text_ids else [-7, 0, 2**62]
    rng = np.random.default_rng(0)
    model.user_factors_ = rng.standard_normal((3, 2)).astype(np.float32)
    model.item_factors_ = rng.standard_normal((4, 2)).astype(np.float32)
    model.user_ids_, model.item_ids_ = Ids.from_sequence(users), Ids.from_sequence([3, 1, 2, 9])
    model.mean_, model.user_biases_, model.item_biases_, model.titles_ = 0.0, None, None, None
    model._seen = Csr.from_pairs([0, 0, 2], [1, 3, 0], None, (3, 4))
    model._seen_weights = model._seen_merged = model._rating_range = None
    model._user_counts, model._item_counts = np.array([2, 0, 1], np.int32), np.array([1, 1, 0, 1], np.int32)
    model._duplicates, model._fingerprint = "sum", "f" * 64
    model.parameters_ = model.get_params() | {"regularization": 0.003}
    model.n_iterations_, model.stopped_by_, model._is_final, model._weight_scale = 3, "tolerance", True, 0.25
    model.live_rank_ = 2
    model._fit_user_counts, model._fit_item_counts = np.array([2, 0, 1]), np.array([1, 1, 0, 1])
    model.history_ = [
        {"iteration": 0, "side": "start", "loss": 3.5, "rmse": None, "elapsed_s": 0.1},
        {"iteration": 1, "side": "users", "loss": 1e-300, "rmse": None, "elapsed_s": 0.2},
    ]
    if with_everything:
        model.mean_, model._rating_range = 3.25, (0.5, 5.0)
        model.user_biases_, model.item_biases_ = np.ones(3, np.float32), np.arange(4, dtype=np.float32)
        model.titles_ = Text.from_strings(["Heat", "", "기생충", "Ronin"])
        model._seen = model._seen.with_data(np.array([1, 2, 0], np.float32))
        model.calibration_ = ISOTONIC
        model._neighborhood = Neighborhood(Csr.from_pairs([0, 1], [1, 0], [0.5, 0.25], (4, 4)), 0.75)
        model._seen_weights, model._seen_merged = np.array([1, 1, 2], np.float32), np.array([1, 3, 1], np.int32)
    return model


@pytest.fixture
def path(tmp_path):
    return tmp_path / "shop.ridge"


def same(one, other):
    """Whether two attribute values are equal, in type too."""
    if isinstance(one, np.ndarray):
        return isinstance(other, np.ndarray) and one.dtype == other.dtype and np.array_equal(one, other)
    if isinstance(one, Csr):
        return one.shape == other.shape and all(
            same(getattr(one, n), getattr(other, n)) for n in ("indptr", "indices", "data")
        )
    if isinstance(one, Neighborhood):
        return isinstance(other, Neighborhood) and same(vars(one), vars(other))
    if isinstance(one, dict) and any(isinstance(value, Csr) for value in one.values()):
        return one.keys() == other.keys() and all(same(value, other[name]) for name, value in one.items())
    return type(one) is type(other) and one == other


@pytest.mark.parametrize("verify", [True, False])
@pytest.mark.parametrize("with_everything", [True, False])
@pytest.mark.parametrize("text_ids", [True, False])
def test_gives_back_every_attribute(path, verify, with_everything, text_ids):
    model = fitted({"weight_exponents": (0.3, 0)}, with_everything, text_ids)
    save(model, path)
    loaded = load(path, verify)
    assert type(loaded) is rb.ImplicitALS
    assert loaded.get_params() == model.get_params()
    assert vars(loaded).keys() == vars(model).keys()
    for name, value in vars(model).items():
        assert same(value, getattr(loaded, name)), name


@pytest.mark.parametrize("model", [rb.Popularity(), rb.BiasBaseline(), rb.BiasBaseline(regularization=2)])
def test_baselines(path, model):
    data = rb.Interactions.from_arrays(["a", "b", "b"], [1, 1, 2], ratings=[5, 3, 4])
    model.fit(data).save(path)
    loaded = load(path)
    assert type(loaded) is type(model)
    assert repr(loaded) == repr(model)
    assert loaded.parameters_ == model.parameters_
    assert loaded.predict("b", 2) == model.predict("b", 2)
    assert [r.item for r in loaded.recommend("a")] == [r.item for r in model.recommend("a")]
    assert loaded._fingerprint == data.fingerprint()


class TestAModelThatLearned:
    """What a loaded model answers and learns is what the model itself would have."""

    @pytest.fixture(params=["explicit", "implicit", "hu", "non-negative", "logistic", "logistic, sampled noes"])
    def model(self, request):
        rng = np.random.default_rng(1)
        users, items = np.divmod(rng.permutation(400)[:150], 20)
        data = rb.Interactions.from_arrays(
            [f"user {u}" for u in users],
            items,
            ratings=rng.integers(1, 6, 150),
            weights=rng.integers(1, 3, 150),
            titles=Titles(Ids.from_sequence(np.arange(20)), Text.from_strings([f"title {i}" for i in range(20)])),
        )
        model = {
            "explicit": rb.ExplicitALS(n_factors=3),
            "implicit": rb.ImplicitALS(n_factors=3, alpha=2.0),
            "hu": rb.ImplicitALS(n_factors=3, loss="hu", weight_exponents=(0.3, 0.1)),
            "non-negative": rb.ExplicitALS(n_factors=3, non_negative=True, n_iterations=3),
            "logistic": rb.LogisticMF(n_factors=3, n_iterations=3),
            "logistic, sampled noes": rb.LogisticMF(n_factors=3, n_iterations=3, n_negatives=5),
        }[request.param]
        return model.fit(data)

    def test_attributes(self, model, path):
        model.save(path)
        loaded = rb.load(path)
        kept = {name: value for name, value in vars(model).items() if not name.startswith(("_eligible", "_kept"))}
        assert vars(loaded).keys() == kept.keys()
        for name, value in kept.items():
            assert same(value, getattr(loaded, name)), name

    def test_answers(self, model, path):
        model.save(path)
        loaded = rb.load(path, verify=False)
        for one, other in zip(
            model.recommend(["user 3", "user 7"]), loaded.recommend(["user 3", "user 7"]), strict=True
        ):
            assert (one.items.tolist(), one.scores.tolist()) == (other.items.tolist(), other.scores.tolist())
        assert [(r.item, r.title, r.score) for r in loaded.similar_items(3)] == [
            (r.item, r.title, r.score) for r in model.similar_items(3)
        ]
        one, other = model.explain("user 3", 5), loaded.explain("user 3", 5)
        assert one.score == other.score
        assert [c.contribution for c in one.contributions] == [c.contribution for c in other.contributions]
        history = {1: 5, 2: 3}
        assert np.array_equal(model.fold_in(history).factors, loaded.fold_in(history).factors)
        users = {"user 1": 5, "user 2": 3}
        if getattr(model, "n_negatives", None) == 5:  # noes were drawn among the items of the fit
            with pytest.raises(UnsupportedError, match="fold_in_item is not defined"):
                loaded.fold_in_item(users)
        else:
            assert np.array_equal(model.fold_in_item(users).factors, loaded.fold_in_item(users).factors)

    def test_goes_on_learning(self, model, path):
        events = rb.Interactions.from_arrays(["user 3", "new"], [5, 5], ratings=[5, 4])
        for verify in (True, False):
            model.save(path)
            loaded = rb.load(path, verify)
            loaded.partial_fit(events).forget("user 7").save(path)
            twin = copy.deepcopy(model).partial_fit(events).forget("user 7")
            again = rb.load(path)
            assert list(again.user_ids_) == list(twin.user_ids_)
            assert np.array_equal(again.user_factors_, twin.user_factors_)
            assert np.array_equal(again.item_factors_, twin.item_factors_)

    def test_a_forgotten_user_is_not_in_the_file(self, model, path):
        model.save(path)
        assert b"user 7user 8" in path.read_bytes()
        rb.load(path).forget("user 7").save(path)
        assert b"user 7" not in path.read_bytes()
        assert b"user 6user 8" in path.read_bytes()

    def test_without_history(self, model, path):
        model.save(path, include_history=False)
        loaded = rb.load(path)
        assert np.array_equal(model.fold_in({1: 5}).factors, loaded.fold_in({1: 5}).factors)
        assert len(loaded.recommend("user 3", exclude_seen=False)) == 10
        for ask in (
            lambda: loaded.recommend("user 3"),
            lambda: loaded.recommend_all(),
            lambda: loaded.explain("user 3", 5),
            lambda: loaded.partial_fit(rb.Interactions.from_arrays(["new"], [5], ratings=[5])),
        ):
            with pytest.raises(HistoryMissingError, match="without its history"):
                ask()


def test_saving_a_loaded_model_gives_the_same_bytes(path, tmp_path):
    save(fitted(), path)
    save(load(path, verify=False), tmp_path / "again")
    save(load(path), path)
    assert (tmp_path / "again").read_bytes() == path.read_bytes()


class TestWithoutHistory:
    def test_holds_no_interactions(self, path):
        save(fitted(), path, include_history=False)
        assert not [name for name in storage.read(path)[0] if name.startswith("seen")]
        loaded = load(path)
        assert (loaded._seen, loaded._seen_weights, loaded._seen_merged) == (None, None, None)
        assert loaded._user_counts.tolist() == [2, 0, 1]
        loaded._neighborhood = None  # what neighbours say depends on the history
        plain = fitted()
        plain._neighborhood = None
        assert loaded.score("ann", 3) == plain.score("ann", 3)

    def test_stays_without(self, path):
        save(fitted(), path, include_history=False)
        save(load(path), path)
        assert load(path)._seen is None


class TestParameters:
    def test_numpy_scalars_become_numbers(self, path):
        save(fitted({"n_factors": np.int64(2), "regularization": np.float32(0.5)}), path)
        assert load(path).get_params()["n_factors"] == 2
        assert load(path).regularization == 0.5

    def test_given_arrays_are_kept(self, path):
        init = (np.ones((3, 2), np.float32), np.arange(8.0).reshape(4, 2))
        save(fitted({"init": init}), path)
        loaded = load(path)
        assert [(a.dtype, a.tolist()) for a in loaded.init] == [(a.dtype, a.tolist()) for a in init]
        assert loaded.parameters_["init"] == "arrays of shape (3, 2) and (4, 2)"

    def test_nested_lists_as_arrays(self, path):
        save(fitted({"init": ([[1, 2]] * 3, [[3, 4]] * 4)}), path)
        assert load(path).init[1].tolist() == [[3, 4]] * 4

    @pytest.mark.parametrize("name", ["init", "random_state"])
    def test_objects_are_left_out_with_a_warning(self, path, name):
        value = {"init": fitted(), "random_state": np.random.default_rng(3)}[name]
        with pytest.warns(
            RidgebackWarning, match=f"does not hold the argument {name} of ImplicitALS; the loaded model answers"
        ):
            save(fitted({name: value}), path)
        assert getattr(load(path), name) == {"init": "normal", "random_state": 0}[name]
        shown = load(path).parameters_[name]
        assert shown == ("Generator" if name == "random_state" else repr(value))

    def test_the_warning_points_at_the_caller(self, path):
        with pytest.warns(RidgebackWarning) as caught:
            fitted({"random_state": np.random.default_rng(3)}).save(path)
        assert caught[0].filename == __file__


def test_history_that_is_not_finite_becomes_none(path):
    model = fitted()
    model.history_[0]["loss"] = float("inf")
    model.history_[1]["loss"] = np.float64("nan")
    save(model, path)
    assert [record["loss"] for record in load(path).history_] == [None, None]


def test_an_unfitted_model(path):
    with pytest.raises(NotFittedError, match="ImplicitALS is not fitted"):
        save(rb.ImplicitALS(), path)
    assert not path.exists()


def test_factors_that_are_not_finite_are_not_saved(path):
    model = fitted()
    model.item_factors_[1, 1] = np.nan
    with pytest.raises(ModelFileError, match="item_factors holds NaN or infinity"):
        save(model, path)


class TestLoadingIsLazy:
    @pytest.fixture
    def large(self, path):
        n = 1_000_000
        model = fitted(with_everything=False)
        model.user_factors_ = np.zeros((n, 64), np.float32)
        model.item_factors_ = np.zeros((4, 64), np.float32)
        model.user_ids_ = Ids(Text.from_strings([f"user-{i:07d}" for i in range(n)]))
        model._user_counts, model._fit_user_counts = np.zeros(n, np.int32), np.zeros(n, np.int64)
        model._seen = Csr(np.zeros(n + 1, np.int64), np.zeros(0, np.int32), None, (n, 4))
        save(model, path)
        return path

    def test_a_million_text_ids_without_building_an_index_or_reading_tensors(self, large, monkeypatch):
        def refuse(*args):
            raise AssertionError("was called")

        monkeypatch.setattr("ridgeback.data.ids._build_table", refuse)
        monkeypatch.setattr("ridgeback.storage.model_file._digest", refuse)
        monkeypatch.setattr("ridgeback.data.text.Text.check_utf8", refuse)
        model = load(large, verify=False)
        assert model.user_ids_.row("user-0123456") == 123_456
        assert "user-1000000" not in model.user_ids_


class TestWrongContents:
    """Files whose hashes are right and whose contents contradict each other."""

    @pytest.fixture
    def refuse(self, path):
        def check(match, tensors=None, metadata=None, drop=(), verify=False):
            save(fitted(), path)
            old_tensors, old_metadata = storage.read(path)
            kept = {name: value for name, value in (old_tensors | (tensors or {})).items() if name not in drop}
            told = {name: value for name, value in (old_metadata | (metadata or {})).items() if name not in drop}
            storage.write(path, kept, told)
            with pytest.raises(ModelFileError, match=f"shop.ridge is not a valid model file: {match}") as caught:
                load(path, verify)
            assert str(caught.value).endswith("; fit and save the model again.")
            if verify:
                load(path, verify=False)

        return check

    @pytest.mark.parametrize(
        "name",
        ["user_factors", "item_factors", "user_counts", "item_counts", "seen.indptr", "seen.items", "item_ids.bytes"],
    )
    def test_missing_tensor(self, refuse, name):
        if name == "item_ids.bytes":
            refuse("the tensor item_ids.index is missing", drop=["item_ids"])
        else:
            refuse(f"the tensor {name} is missing", drop=[name])

    @pytest.mark.parametrize("name", ["family", "parameters", "mean", "duplicates", "has_history", "written_by"])
    def test_missing_metadata(self, refuse, name):
        refuse(f"the metadata {name} is missing", drop=[name])

    @pytest.mark.parametrize(
        ("name", "array", "match"),
        [
            (
                "user_factors",
                np.zeros((3, 5), np.float32),
                r"the tensor item_factors has shape \(4, 2\), expected \(any, 5\)",
            ),
            (
                "user_factors",
                np.zeros(3, np.float32),
                r"the tensor user_factors has shape \(3,\), expected \(any, any\)",
            ),
            ("user_factors", np.zeros((3, 2)), "the tensor user_factors has dtype float64, expected float32"),
            ("user_biases", np.zeros(4, np.float32), r"the tensor user_biases has shape \(4,\), expected \(3\)"),
            ("item_ids", np.arange(3), r"the tensor item_ids has shape \(3,\), expected \(4\)"),
            ("user_ids.index", np.zeros(16, np.int32), r"the tensor user_ids.index has shape \(16,\), expected \(8\)"),
            ("user_ids.offsets", np.array([0, 3, 2, 15]), "user_ids is broken: offsets of text must not fall"),
            ("user_ids.offsets", np.array([0, 3, 6, 99]), "user_ids is broken: offsets .* number of bytes, 15"),
            ("titles.offsets", np.array([0, 1, 2, 3, -1]), "titles is broken"),
            ("seen.indptr", np.array([0, 9, 2, 3]), "seen is broken: offsets .* must not fall; got 9 then 2"),
            ("seen.values", np.zeros(2, np.float32), r"the tensor seen.values has shape \(2,\), expected \(3\)"),
            ("stranger", np.zeros(2), "it holds 'stranger', which a model of this family does not have"),
        ],
    )
    def test_wrong_tensor(self, refuse, name, array, match):
        refuse(match, {name: array})

    @pytest.mark.parametrize(
        ("name", "value", "match"),
        [
            ("family", "shop", "its family is 'shop', and known are explicit, implicit"),
            ("family", 7, "the metadata family must be str, got int"),
            ("parameters", {"strange": 1}, r"its parameters do not fit ImplicitALS \(.*strange"),
            ("parameters", [], "the metadata parameters must be dict, got list"),
            ("mean", "3", "the metadata mean must be float, got str"),
            ("mean", True, "the metadata mean must be float, got bool"),
            ("n_iterations", 1.5, "the metadata n_iterations must be int or NoneType, got float"),
            ("is_final", 1, "the metadata is_final must be bool"),
            ("has_history", 1, "the metadata has_history must be bool"),
            ("has_history", False, "it holds 'seen.indptr', 'seen.items'"),
            ("rating_range", [1], r"its rating_range must be two numbers, got \[1\]"),
            ("rating_range", [1, "5"], "its rating_range must be two numbers"),
            ("fit_history", {"loss": [1], "side": []}, "its fit_history must be lists of one length"),
            ("fit_history", {"loss": 1}, "its fit_history must be lists of one length"),
            ("stranger", 1, "it holds 'stranger'"),
        ],
    )
    def test_wrong_metadata(self, refuse, name, value, match):
        refuse(match, metadata={name: value})

    @pytest.mark.parametrize(
        ("name", "array", "match"),
        [
            ("user_ids.index", np.full(8, -1, np.int32), "user_ids is broken: an id comes twice, or its hash table"),
            ("user_ids.index", np.full(8, 2, np.int32), "user_ids is broken: an id comes twice, or its hash table"),
            ("item_ids", np.array([3, 1, 3, 9]), "item_ids is broken: an id comes twice"),
            ("user_ids.bytes", np.full(15, 0xFF, np.uint8), "user_ids is broken: the text at position 0 is not valid"),
            ("titles.bytes", np.full(18, 0xFF, np.uint8), "titles is broken: the text at position 0 is not valid"),
            ("seen.items", np.array([1, 4, 0], np.int32), r"seen is broken: indices must lie in 0\.\.3"),
            ("seen.items", np.array([1, -1, 0], np.int32), r"seen is broken: indices must lie in 0\.\.3"),
            ("seen.items", np.array([3, 1, 0], np.int32), "seen is broken: the columns of a row do not ascend"),
            ("seen.items", np.array([1, 1, 0], np.int32), "seen is broken: the columns of a row do not ascend"),
        ],
    )
    def test_found_by_verifying(self, refuse, name, array, match):
        refuse(match, {name: array}, verify=True)


class TestBrokenCalibrations:
    """A calibration whose hashes are right and which is none."""

    @pytest.mark.parametrize("calibration", [ISOTONIC, PLATT])
    def test_a_whole_one_comes_back(self, path, calibration):
        model = fitted()
        model.calibration_ = calibration
        save(model, path)
        assert load(path).calibration_ == load(path, verify=False).calibration_ == calibration
        assert load(path).calibration_ != (PLATT if calibration is ISOTONIC else ISOTONIC)

    def refuse(self, path, match, metadata=None, tensors=None, drop=(), calibration=ISOTONIC):
        model = fitted()
        model.calibration_ = calibration
        save(model, path)
        old_tensors, old_metadata = storage.read(path)
        old_metadata["calibration"] = {
            name: value for name, value in (old_metadata["calibration"] | (metadata or {})).items() if name not in drop
        }
        kept = {name: value for name, value in (old_tensors | (tensors or {})).items() if name not in drop}
        storage.write(path, kept, old_metadata)
        with pytest.raises(ModelFileError, match=f"shop.ridge is not a valid model file: .*{match}"):
            load(path, verify=False)

    @pytest.mark.parametrize(
        ("metadata", "match"),
        [
            ({"method": "beta"}, "its calibration is by 'beta', and known are isotonic, platt"),
            ({"method": 3}, "its calibration is by 3"),
            ({"n_users": -1}, "-1 is not a count"),
            ({"n_users": 2.5}, "2.5 is not a count"),
            ({"k": None}, "None is not a count"),
            ({"left_out": []}, "its calibration is broken"),
            ({"n_held_out": -1}, "its calibration is broken .TypeError: -1 is not a count"),
            ({"left_out": {"a": "b"}}, "'b' is not a count"),
            ({"bins": {}}, "its calibration is broken .KeyError"),
            ({"bins": 7}, "its calibration is broken"),
            ({"recommended_bins": {name: [] for name in ReliabilityBin._fields}}, "no bins"),
            ({"bins": {name: [1.0, "x"] for name in ReliabilityBin._fields}}, "'x' is not a number"),
            ({"bins": {name: [1.0] * (1 + (name == "low")) for name in ReliabilityBin._fields}}, "its calibration is"),
        ],
    )
    def test_wrong_metadata(self, path, metadata, match):
        self.refuse(path, match, metadata)

    @pytest.mark.parametrize(
        ("scores", "probabilities", "match"),
        [
            ([0.0, 0.0, 1.0], [0.1, 0.2, 0.3], "must rise"),
            ([2.0, 0.0, 1.0], [0.1, 0.2, 0.3], "must rise"),
            ([0.0, 0.5, 1.0], [0.3, 0.2, 0.3], "must rise"),
            ([0.0, 0.5, 1.0], [-0.1, 0.2, 0.3], "with probabilities from 0 to 1"),
            ([0.0, 0.5, 1.0], [0.1, 0.2, 1.5], "with probabilities from 0 to 1"),
            ([0.0, 0.5, 1.0], [0.1, 0.2], r"calibration.probabilities has shape \(2,\), expected \(3\)"),
            ([], [], "must rise"),
        ],
    )
    def test_wrong_corners(self, path, scores, probabilities, match):
        self.refuse(
            path,
            match,
            tensors={"calibration.scores": np.array(scores), "calibration.probabilities": np.array(probabilities)},
        )

    def test_what_is_missing_or_too_much(self, path):
        self.refuse(path, "the tensor calibration.scores is missing", drop=["calibration.scores"])
        self.refuse(path, "KeyError: 'slope'", drop=["slope"], calibration=PLATT)
        self.refuse(path, "the slope -1, and none is below 0", {"slope": -1.0}, calibration=PLATT)
        self.refuse(path, "'x' is not a number", {"slope": "x"}, calibration=PLATT)
        self.refuse(path, "it holds 'calibration.probabilities'", {"method": "platt", "slope": 1, "intercept": 0})


class TestDocument:
    """The tables of the page name what files hold, and nothing else."""

    @staticmethod
    def table(heading):
        section = PAGE.read_text(encoding="utf-8").split(f"\n## {heading}\n")[1].split("\n## ")[0]
        rows = [
            [cell.strip() for cell in line.strip("|").split("|")]
            for line in section.splitlines()
            if line.startswith("| `")
        ]
        return {row[0].strip("`"): row[1:] for row in rows}

    def test_tensors(self, path):
        documented = self.table("Tensors")
        init = (np.ones((3, 2)), np.ones((4, 2)))
        names = set()
        dtypes = {"F64": "float64", "I64": "int64", "F32": "float32", "I32": "int32", "U8": "uint8"}
        for text_ids in (True, False):
            model = fitted({"init": init}, text_ids=text_ids)
            if text_ids:
                model.item_ids_ = Ids.from_sequence(["a", "b", "c", "d"])
            save(model, path)
            for name, array in storage.read(path)[0].items():
                names.add(name)
                dtype, shape = documented[name][:2]
                assert dtypes.get(dtype, str(array.dtype)) == array.dtype.name, name
                assert shape in ("any", "a power of two") or len(shape.split(",")) == array.ndim, name
        assert names == documented.keys()

    def test_metadata(self, path):
        save(fitted(), path)
        assert storage.read(path)[1].keys() == self.table("Metadata").keys()

    def test_families(self):
        assert re.findall(r'"(\w+)"', self.table("Metadata")["family"][1]) == list(persistence.FAMILIES)

    def test_metadata_is_json_in_strings(self, path):
        save(fitted(), path)
        with safetensors.safe_open(path, "np") as file:
            told = file.metadata()
        assert json.loads(told["family"]) == "implicit"
        assert json.loads(told["rating_range"]) == [0.5, 5.0]


def test_saving_and_loading_is_silent(path, capfd):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        save(fitted(), path)
        load(path)
    assert capfd.readouterr() == ("", "")


def test_paths_are_text_bytes_or_paths(tmp_path):
    name = bytes(tmp_path / "model.ridge")
    fitted().save(name)
    assert rb.load(name).user_ids_ == rb.load(tmp_path / "model.ridge").user_ids_
    for wrong in (3, None):
        with pytest.raises(ParameterError, match=r"save needs a path: str, bytes or os.PathLike. Got"):
            fitted().save(wrong)
        with pytest.raises(ParameterError, match="load needs a path"):
            rb.load(wrong)
