"""A skip is loud: it says what is missing, and where CI=true it is a failure."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

CONFTEST = Path(__file__).with_name("conftest.py")
SUITE = """
import pytest

def test_passes():
    pass

@pytest.mark.skip(reason="platform: no such instruction set")
def test_processor_lacks_it():
    pass

@pytest.mark.xfail(reason="known", strict=True)
def test_expected_failure():
    assert False

def test_needs_data(ml_100k):
    pass

def test_needs_program():
    pytest.skip("no such program")
"""


def run_suite(directory: Path, ci: str, *files: tuple[str, str]) -> str:
    """What a pytest of its own prints for the given files under our conftest, without any data set."""
    (directory / "conftest.py").write_text(CONFTEST.read_text())
    for name, text in files:
        (directory / name).write_text(text)
    environment = dict(os.environ, CI=ci, RIDGEBACK_DATA=str(directory / "nowhere"))
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q", "-rs", str(directory)]
    return subprocess.run(command, env=environment, cwd=directory, capture_output=True, text=True).stdout


@pytest.mark.parametrize(
    ("ci", "counts"),
    [("true", "1 failed, 1 passed, 1 skipped, 1 xfailed, 1 error"), ("", "1 passed, 3 skipped, 1 xfailed")],
)
def test_skips_fail_only_where_ci_is_true(tmp_path: Path, ci: str, counts: str) -> None:
    output = run_suite(tmp_path, ci, ("test_suite.py", SUITE))
    assert counts in output
    assert "set RIDGEBACK_DATA" in output


def test_a_module_that_cannot_be_imported_fails_where_ci_is_true(tmp_path: Path) -> None:
    module = ("test_optional.py", "import pytest\npytest.importorskip('a_package_that_is_nowhere')\n")
    assert "1 error" in run_suite(tmp_path, "true", module)
    assert "1 skipped" in run_suite(tmp_path, "", module)
