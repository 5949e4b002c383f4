"""Every hostile input gets one line of advice and the right exit code; docs/hostile-inputs.md shows them all."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]


def load_script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("hostile_inputs", REPOSITORY / "tools" / "hostile_inputs.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


SCRIPT = load_script()
FOUND = SCRIPT.answers()
ANSWERS = [answer for answers in FOUND.values() for answer in answers]


@pytest.mark.parametrize("answer", ANSWERS, ids=lambda answer: answer.case.what)
def test_one_line_of_advice(answer: object) -> None:
    line = answer.stderr  # type: ignore[attr-defined]
    assert line.startswith("error: ")
    assert line.count("\n") == 1
    assert line.endswith("\n")
    assert "unexpected" not in line
    assert "Traceback" not in line
    assert all(character.isprintable() for character in line[:-1])


@pytest.mark.parametrize("answer", ANSWERS, ids=lambda answer: answer.case.what)
def test_exit_code(answer: object) -> None:
    assert answer.code == answer.case.code  # type: ignore[attr-defined]


def test_what_a_file_does_not_have_is_a_failure_everywhere() -> None:
    """Not a wrong command line: the same one is answered once the file has it."""
    unknown = [answer for answer in ANSWERS if "is unknown among" in answer.stderr]
    assert {answer.case.arguments[0] for answer in unknown} == {"recommend", "explain", "similar", "trace"}
    assert {answer.code for answer in unknown} == {1}


def test_the_page_is_fresh() -> None:
    shown = SCRIPT.PAGE.read_text(encoding="utf-8")
    if sys.version_info < (3, 11):
        pytest.skip("platform: Python 3.10 has an older DuckDB, which words some messages differently")
    assert shown == SCRIPT.page(FOUND), "run: python tools/hostile_inputs.py, and review the diff"


def test_no_message_speaks_of_arguments_that_the_reader_cannot_type() -> None:
    for answer in ANSWERS:
        for word in ("on_bad_rows=", "header=", "encoding=", "separator=", "n_factors=", "exclude_seen=", "as_="):
            assert word not in answer.stderr, answer.case.what
