"""Constructor arguments as parameters, in the manner of scikit-learn: stored as given, read back, cloned."""

from __future__ import annotations

import copy
import inspect
import reprlib
from typing import Any, TypeVar

import numpy as np

from ridgeback.errors import ParameterError

Self = TypeVar("Self", bound="Parameterized")


class Parameterized:
    """`__init__` only stores its arguments; everything else here reads its signature."""

    @classmethod
    def _parameter_names(cls) -> tuple[str, ...]:
        parameters = inspect.signature(cls.__init__).parameters.values()
        return tuple(p.name for p in parameters if p.name != "self" and p.kind is not p.VAR_KEYWORD)

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Every constructor argument by name, as given. `deep` is accepted for scikit-learn's sake."""
        return {name: getattr(self, name) for name in self._parameter_names()}

    def set_params(self: Self, **parameters: Any) -> Self:
        """Replace constructor arguments by name; returns self.

        Raises
        ------
        ParameterError
            For a name that the model does not have.
        """
        known = self._parameter_names()
        for name in parameters:
            if name not in known:
                raise ParameterError(
                    f"{type(self).__name__} has no parameter '{name}'; its parameters are: {', '.join(known)}."
                )
        for name, value in parameters.items():
            setattr(self, name, value)
        return self

    def clone(self: Self) -> Self:
        """A new, unfitted model with copies of the parameters; a model to start from is shared, not copied."""
        parameters = self.get_params().items()
        return type(self)(
            **{name: value if isinstance(value, Parameterized) else copy.deepcopy(value) for name, value in parameters}
        )

    def __sklearn_clone__(self: Self) -> Self:
        """What scikit-learn's clone gives: without this it would strip a model to start from of its fit."""
        return self.clone()

    @reprlib.recursive_repr()
    def __repr__(self) -> str:
        """The call that makes this model, arguments at their default left out."""
        defaults = inspect.signature(type(self).__init__).parameters
        shown = [
            f"{name}={_short(value)}"
            for name, value in self.get_params().items()
            if value is not defaults[name].default and not _is_same(value, defaults[name].default)
        ]
        return f"{type(self).__name__}({', '.join(shown)})"


def _is_same(value: Any, default: Any) -> bool:
    return type(value) is type(default) and not isinstance(value, np.ndarray) and bool(value == default)


def _short(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return f"<array {value.shape}>"
    if isinstance(value, tuple) and any(isinstance(part, np.ndarray) for part in value):
        return "(" + ", ".join(_short(part) for part in value) + ")"
    return repr(value)
