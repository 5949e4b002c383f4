"""docs/cli.md and the golden help pages say what --help says."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]


def load_script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("cli_reference", REPOSITORY / "tools" / "cli_reference.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


SCRIPT = load_script()


@pytest.mark.parametrize("path", SCRIPT.files(), ids=lambda path: path.name)
def test_files_are_fresh(path: Path) -> None:
    expected = SCRIPT.files()[path]
    assert path.read_text(encoding="utf-8") == expected, "run: python tools/cli_reference.py, and review the diff"


def test_no_golden_page_is_left_over() -> None:
    golden = REPOSITORY / "tests" / "golden" / "help"
    assert set(golden.iterdir()) == {path for path in SCRIPT.files() if path.parent == golden}
