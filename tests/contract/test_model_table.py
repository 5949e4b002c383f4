"""Each cell of the model x method table either works or is refused with its reason, and docs/models.md says so."""

from __future__ import annotations

import importlib.util
import inspect
from pathlib import Path
from types import ModuleType

from ridgeback.models import ExplicitALS, ImplicitALS, LogisticMF, Recommender

REPOSITORY = Path(__file__).resolve().parents[2]


def load_script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("model_table", REPOSITORY / "tools" / "model_table.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


SCRIPT = load_script()


def test_the_page_is_fresh() -> None:
    assert SCRIPT.page() == SCRIPT.PAGE.read_text(encoding="utf-8"), "run: python tools/model_table.py, and review it"


def test_the_table_has_every_public_method() -> None:
    """Also every model: what has no row or column was forgotten."""
    public = {
        name
        for model in (ExplicitALS, ImplicitALS, LogisticMF)
        for name, _ in inspect.getmembers(model, inspect.isfunction)
        if not name.startswith("_")
    }
    listed = {method.split("(")[0] for method in SCRIPT.METHODS}
    assert public - listed == {"get_params", "set_params", "clone", "save"}

    def kinds(model: type[Recommender]) -> set[str]:
        """The model and all that derive from it: reports derive item models from a public one."""
        return {model.__name__}.union(*(kinds(one) for one in model.__subclasses__()))

    ours = {name for name in kinds(Recommender) if hasattr(__import__("ridgeback"), name)}
    assert ours == set(SCRIPT.MODELS)


def test_reasons_say_what_to_do_instead() -> None:
    for model in SCRIPT.MODELS.values():
        for ask in SCRIPT.METHODS.values():
            reason = SCRIPT.refusal(lambda ask=ask, model=model: ask(model().fit(SCRIPT.data())))
            assert reason is None or any(word in reason.lower() for word in ("use ", "call ", "fit ")), reason
