"""Models to files and back: which attribute is which tensor or metadata. The table is in docs/model-file.md."""

from __future__ import annotations

import importlib
import math
import os
import warnings
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from ridgeback import storage
from ridgeback._version import __version__
from ridgeback.errors import NotFittedError, ParameterError, RidgebackWarning
from ridgeback.models.file_contents import FileContents
from ridgeback.models.neighborhood import Neighborhood
from ridgeback.models.stored_calibration import calibration_tensors, calibration_values, read_calibration
from ridgeback.models.stored_parameters import (
    described,
    is_parameter,
    plain,
    restore_parameters,
    store_parameters,
)
from ridgeback.models.stored_samples import read_samples, sample_tensors, sample_values
from ridgeback.models.stored_tables import csr_tensors, id_tensors, read_csr, read_ids, read_text, text_tensors

Array = npt.NDArray[Any]

FAMILIES = {
    "explicit": ("ridgeback.models.explicit", "ExplicitALS"),
    "implicit": ("ridgeback.models.implicit", "ImplicitALS"),
    "logistic": ("ridgeback.models.logistic", "LogisticMF"),
    "bayesian": ("ridgeback.models.bayesian", "BayesianALS"),
    "popularity": ("ridgeback.models.baselines", "Popularity"),
    "bias": ("ridgeback.models.baselines", "BiasBaseline"),
}
"""Where the class of each family lives."""

ARRAYS = (  # attribute, tensor, dtype, axis, whether every model has it
    ("user_biases_", "user_biases", np.float32, "users", False),
    ("item_biases_", "item_biases", np.float32, "items", False),
    ("_user_counts", "user_counts", np.int32, "users", True),
    ("_item_counts", "item_counts", np.int32, "items", True),
    ("_fit_user_counts", "fit_user_counts", np.int64, "users", False),
    ("_fit_item_counts", "fit_item_counts", np.int64, "items", False),
)
FIT_VALUES = (  # attribute, metadata, types
    ("n_iterations_", "n_iterations", (int,)),
    ("stopped_by_", "stopped_by", (str,)),
    ("live_rank_", "live_rank", (int,)),
    ("_is_final", "is_final", (bool,)),
    ("_weight_scale", "weight_scale", (float,)),
)


def save(model: Any, path: str | bytes | os.PathLike[str], include_history: bool = True) -> None:
    """Write a fitted model to one file, which is replaced in one step.

    Parameters
    ----------
    model : Recommender
        Fitted.
    path : str, bytes or path
    include_history : bool
        Also store who has interacted with what. Without it the file holds factors, ids and counts only: recommending
        then needs ``exclude_seen=False``, and explain and partial_fit are refused after loading.

    Raises
    ------
    NotFittedError
        If the model was not fitted.
    ModelFileError
        If the file cannot be written; what was there before stays.

    Warns
    -----
    RidgebackWarning
        If a constructor argument is an object that files do not hold (a Generator, another model); the loaded model
        has the argument's default instead.
    """
    path = _path(path, "save")
    if getattr(model, "item_factors_", None) is None:
        raise NotFittedError(f"{type(model).__name__} is not fitted; call fit before save.")
    parameters, parameter_arrays, unsaved = store_parameters(model.get_params())
    if unsaved:
        warnings.warn(
            f"the model file does not hold the argument{'s' if len(unsaved) > 1 else ''} {', '.join(unsaved)} of "
            f"{type(model).__name__}; the loaded model answers the same, and a new fit of it uses the default.",
            RidgebackWarning,
            stacklevel=3,
        )
    has_history = include_history and model._seen is not None
    tensors = _model_tensors(model) | parameter_arrays | (_history_tensors(model) if has_history else {})
    metadata = {
        "family": model.family,
        "written_by": f"ridgeback {__version__}",
        "parameters": parameters,
        "has_history": has_history,
        **_fitted_values(model),
    }
    storage.write(path, tensors, metadata)


def _path(path: Any, method: str) -> str:
    """A path as text."""
    if not isinstance(path, (str, bytes, os.PathLike)):
        raise ParameterError(f"{method} needs a path: str, bytes or os.PathLike. Got {path!r:.80} instead.")
    return os.fsdecode(path)


def load(path: str | bytes | os.PathLike[str], verify: bool = True) -> Any:
    """Open a model file.

    Parameters
    ----------
    path : str, bytes or path
        Written by `save`.
    verify : bool
        Also read every tensor once: hashes, finite floats, valid text, columns in range, unique ids. Structure, sizes
        and the header's hash are checked always. False opens in milliseconds; give it files you trust.

    Returns
    -------
    model : ExplicitALS, ImplicitALS, LogisticMF, BayesianALS, Popularity or BiasBaseline
        Fitted. Its arrays are read-only views of the file.

    Raises
    ------
    ModelFileError
        If the file is not a model, is damaged or of a later format; the message says which.
    """
    path = _path(path, "load")
    contents = FileContents(path, *storage.read(path, verify))
    family = contents.value("family", str)
    if family not in FAMILIES:
        raise contents.error(f"its family is {family!a}, and known are {', '.join(FAMILIES)}")
    contents.value("written_by", str)
    model = _restored_model(contents, family)
    _restore_arrays(model, contents, verify)
    _restore_history(model, contents, verify)
    _restore_values(model, contents)
    if contents.has_tensor("neighbors.indptr"):
        model._neighborhood = _neighborhood(contents, len(model.item_ids_), verify)
    calibration = read_calibration(contents)
    if calibration is not None:
        model.calibration_ = calibration
    if family == "bayesian":
        model._samples = read_samples(contents, len(model.user_ids_), len(model.item_ids_))
    contents.refuse_leftovers()
    return model


def _model_tensors(model: Any) -> dict[str, Array]:
    """Everything but the interactions."""
    tensors: dict[str, Array] = {"user_factors": model.user_factors_, "item_factors": model.item_factors_}
    for attribute, name, dtype, _, is_required in ARRAYS:
        array = getattr(model, attribute) if is_required else getattr(model, attribute, None)
        if array is not None:
            tensors[name] = np.asarray(array, dtype)
    if model.calibration_ is not None:
        tensors |= calibration_tensors(model.calibration_)
    if model._neighborhood is not None:
        tensors |= csr_tensors("neighbors", model._neighborhood.similarity)
    tensors |= id_tensors("user_ids", model.user_ids_) | id_tensors("item_ids", model.item_ids_)
    if model.family == "bayesian":
        tensors |= sample_tensors(model._samples)
    return tensors if model.titles_ is None else tensors | text_tensors("titles", model.titles_)


def _history_tensors(model: Any) -> dict[str, Array]:
    """The interactions, with weights and merged counts where there are any."""
    tensors = csr_tensors("seen", model._seen)
    if model._seen_weights is not None:
        tensors["seen.weights"] = model._seen_weights
    if model._seen_merged is not None:
        tensors["seen.merged"] = model._seen_merged
    return tensors


def _fitted_values(model: Any) -> dict[str, Any]:
    """What a fit left behind beside arrays."""
    values = {
        "mean": float(model.mean_),
        "rating_range": plain(model._rating_range),
        "duplicates": model._duplicates,
        "data_fingerprint": model._fingerprint,
    }
    for attribute, name, _ in FIT_VALUES:
        if hasattr(model, attribute):
            values[name] = plain(getattr(model, attribute))
    if model._neighborhood is not None:
        values["neighbor_factor"] = model._neighborhood.factor
        values["neighbor_history_exponent"] = model._neighborhood.history_exponent
    if model.calibration_ is not None:
        values["calibration"] = calibration_values(model.calibration_)
    if model.family == "bayesian":
        values |= sample_values(model._samples)
    if hasattr(model, "parameters_"):
        values["resolved_parameters"] = described(model.parameters_)
    if hasattr(model, "history_"):
        values["fit_history"] = _columns(model.history_)
    return values


def _columns(records: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Records of equal keys as one list a key; numbers that are not finite become None."""
    records = list(records)
    names = list(records[0]) if records else []
    return {name: [_finite(plain(record[name])) for record in records] for name in names}


def _finite(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _restored_model(contents: FileContents, family: str) -> Any:
    """An unfitted model with the stored constructor arguments."""
    values = contents.value("parameters", dict)
    arrays = {name: contents.tensor(name) for name in contents.tensor_names() if is_parameter(name)}
    module, name = FAMILIES[family]
    cls = getattr(importlib.import_module(module), name)
    try:
        return cls(**restore_parameters(values, arrays))
    except (TypeError, KeyError, ParameterError) as error:
        raise contents.error(f"its parameters do not fit {name} ({error})") from None


def _restore_arrays(model: Any, contents: FileContents, verify: bool) -> None:
    """Factors, biases, counts, ids and titles."""
    model.user_factors_ = contents.tensor("user_factors", np.float32, (None, None))
    n_users, n_factors = model.user_factors_.shape
    model.item_factors_ = contents.tensor("item_factors", np.float32, (None, n_factors))
    sizes = {"users": n_users, "items": len(model.item_factors_)}
    for attribute, name, dtype, axis, is_required in ARRAYS:
        take = contents.tensor if is_required else contents.tensor_or_none
        array = take(name, dtype, (sizes[axis],))
        if array is not None or not attribute.startswith("_fit"):
            setattr(model, attribute, array)
    model.user_ids_ = read_ids(contents, "user_ids", n_users, verify)
    model.item_ids_ = read_ids(contents, "item_ids", sizes["items"], verify)
    has_titles = contents.has_tensor("titles.offsets")
    model.titles_ = read_text(contents, "titles", sizes["items"], verify) if has_titles else None


def _restore_history(model: Any, contents: FileContents, verify: bool) -> None:
    """The interactions, or None where the file was saved without them."""
    model._seen = model._seen_weights = model._seen_merged = None
    if contents.value("has_history", bool):
        shape = (len(model.user_ids_), len(model.item_ids_))
        model._seen = read_csr(contents, "seen", shape, verify)
        entries = (model._seen.nnz,)
        model._seen_weights = contents.tensor_or_none("seen.weights", np.float32, entries)
        model._seen_merged = contents.tensor_or_none("seen.merged", np.int32, entries)


def _neighborhood(contents: FileContents, n_items: int, verify: bool) -> Neighborhood:
    """The neighbours of items and what their word counts."""
    similarity = read_csr(contents, "neighbors", (n_items, n_items), verify)
    numbers = [contents.value(f"neighbor_{name}", float) for name in ("factor", "history_exponent")]
    if similarity.data is None or min(numbers) < 0 or (verify and not (similarity.data > 0).all()):
        raise contents.error("its neighbours must have values above 0, and numbers not below 0")
    return Neighborhood(similarity, *numbers)


def _restore_values(model: Any, contents: FileContents) -> None:
    """What a fit left behind beside arrays."""
    model.mean_ = contents.value("mean", float)
    model._rating_range = _pair(contents)
    model._duplicates = contents.value("duplicates", str)
    model._fingerprint = contents.value_or_none("data_fingerprint", str)
    for attribute, name, types in FIT_VALUES:
        value = contents.value_or_none(name, *types)
        if value is not None:
            setattr(model, attribute, value)
    resolved = contents.value_or_none("resolved_parameters", dict)
    if resolved is not None:
        model.parameters_ = restore_parameters(resolved, {})
    columns = contents.value_or_none("fit_history", dict)
    if columns is not None:
        model.history_ = _records(columns, contents)


def _pair(contents: FileContents) -> tuple[float, float] | None:
    """The range of the training ratings."""
    pair = contents.value_or_none("rating_range", list)
    if pair is None:
        return None
    if len(pair) != 2 or not all(type(end) in (int, float) for end in pair):
        raise contents.error(f"its rating_range must be two numbers, got {pair!a}")
    return float(pair[0]), float(pair[1])


def _records(columns: Mapping[str, Any], contents: FileContents) -> list[dict[str, Any]]:
    """One list a key as records."""
    lists = list(columns.values())
    if not all(isinstance(column, list) and len(column) == len(lists[0]) for column in lists):
        raise contents.error("its fit_history must be lists of one length")
    return [dict(zip(columns, row, strict=True)) for row in zip(*lists, strict=True)]
