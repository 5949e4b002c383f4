"""A model from its file is the model: every attribute, the same bytes when saved again, the same bits when refitted."""

from __future__ import annotations

import copy
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import ridgeback as rb
from contract.cases import Case
from ridgeback.models.neighborhood import Neighborhood


@pytest.fixture(params=[True, False], ids=["verified", "trusted"])
def loaded(request: pytest.FixtureRequest, fitted: Any, tmp_path: Path) -> Any:
    fitted.save(tmp_path / "model.ridge")
    return rb.load(tmp_path / "model.ridge", verify=request.param)


def test_every_attribute_comes_back(fitted: Any, loaded: Any) -> None:
    assert type(loaded) is type(fitted)
    assert loaded.get_params() == fitted.get_params()
    kept, came_back = kept_by_the_file(fitted), kept_by_the_file(loaded)
    assert came_back.keys() == kept.keys()
    for name, value in kept.items():
        other = came_back[name]
        if isinstance(value, np.ndarray):
            assert (other.dtype, other.shape) == (value.dtype, value.shape), name
            np.testing.assert_array_equal(other, value)
        elif isinstance(value, rb.Csr):
            np.testing.assert_array_equal(other.indptr, value.indptr)
            np.testing.assert_array_equal(other.indices, value.indices)
            np.testing.assert_array_equal(other.values(), value.values())
        elif isinstance(value, Neighborhood):
            assert (other.factor, other.history_exponent) == (value.factor, value.history_exponent)
            np.testing.assert_array_equal(other.similarity.indices, value.similarity.indices)
            np.testing.assert_array_equal(other.similarity.values(), value.similarity.values())
        else:
            assert other == value, name


def kept_by_the_file(model: Any) -> dict[str, Any]:
    """All attributes but those that questions leave behind, of which this model or that one has been asked more."""
    caches = ("_eligible", "_kept_item_gram", "_kept_item_scales", "_kept_maps", "_samples")
    return {name: value for name, value in vars(model).items() if name not in caches}


def test_saved_again_it_is_the_same_file(loaded: Any, tmp_path: Path) -> None:
    loaded.save(tmp_path / "again.ridge")
    assert (tmp_path / "again.ridge").read_bytes() == (tmp_path / "model.ridge").read_bytes()


def test_it_fits_again_to_the_same_bits(data: rb.Interactions, fitted: Any, loaded: Any) -> None:
    for one in (loaded.clone(), copy.deepcopy(loaded), pickle.loads(pickle.dumps(loaded)), loaded):
        one.fit(data)
        np.testing.assert_array_equal(one.user_factors_, fitted.user_factors_)
        np.testing.assert_array_equal(one.item_factors_, fitted.item_factors_)
        one.item_factors_[:] = 0  # its own arrays, not views of the file


def test_it_answers_alike(fitted: Any, loaded: Any) -> None:
    users = list(fitted.user_ids_)
    assert loaded.recommend(users, k=7) == fitted.recommend(users, k=7)
    assert (
        loaded.predict(users[3], list(fitted.item_ids_)).tolist()
        == fitted.predict(users[3], list(fitted.item_ids_)).tolist()
    )
    with pytest.raises(rb.errors.UnknownIdError, match="user 31 is unknown"):
        loaded.recommend(31)


def test_declared_starts_come_back_and_other_objects_are_named(
    case: Case, data: rb.Interactions, fitted: Any, tmp_path: Path
) -> None:
    if not case.has_row_problems:
        assert "init" not in fitted.get_params()
        return
    start = np.abs(fitted.user_factors_), np.abs(fitted.item_factors_)
    declared = case.make(init=start).fit(data)
    declared.save(tmp_path / "declared.ridge")
    again = rb.load(tmp_path / "declared.ridge").clone().fit(data)
    np.testing.assert_array_equal(again.item_factors_, declared.item_factors_)
    for name, value in (("init", fitted), ("random_state", np.random.default_rng(0))):
        with pytest.warns(rb.RidgebackWarning, match=f"does not hold the argument {name}"):
            case.make(**{name: value}).fit(data).save(tmp_path / "other.ridge")
        assert rb.load(tmp_path / "other.ridge").get_params()[name] == case.make().get_params()[name]
