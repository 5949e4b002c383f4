"""The C++ unit tests of native/tests/, built from this checkout and run with the kernels of every instruction set."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ridgeback import _native

REPOSITORY = Path(__file__).resolve().parent.parent
BUILD = REPOSITORY / "build" / "tests" / "native"  # kept, so that the next run compiles what changed only
TOOLS = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])


def run(*command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, cwd=REPOSITORY, env={**os.environ, "PATH": TOOLS, **environment}, capture_output=True, text=True
    )


@pytest.fixture(scope="module")
def native_tests() -> Path:
    """The test program, built."""
    for tool in ("cmake", "ninja", "c++"):
        if shutil.which(tool, path=TOOLS) is None:
            pytest.skip(f"{tool} is not here; `make test` builds with the one of requirements/build.txt")
    options = [f"-DPython_EXECUTABLE={sys.executable}", "-DRIDGEBACK_NATIVE_TESTS=ON"]
    configured = run("cmake", "-S", ".", "-B", str(BUILD), "-G", "Ninja", *options)
    assert configured.returncode == 0, configured.stderr
    built = run("cmake", "--build", str(BUILD), "--target", "native_tests")
    assert built.returncode == 0, built.stdout
    assert "warning:" not in built.stdout
    return BUILD / "native_tests"


def test_all_pass(native_tests: Path) -> None:
    result = run(str(native_tests))
    assert result.returncode == 0, result.stdout
    assert result.stdout.startswith(f"kernels: {_native.instruction_set()}\n")
    passed, skipped = (len(re.findall(f": {word}", result.stdout)) for word in ("ok", "skipped"))
    assert passed >= 50
    assert skipped == 0, result.stdout


def test_row_solvers_pass_on_every_instruction_set(native_tests: Path) -> None:
    for name in _native.available_instruction_sets():
        result = run(str(native_tests), "row solvers", RIDGEBACK_INSTRUCTION_SET=name)
        assert result.returncode == 0, result.stdout
        assert result.stdout.startswith(f"kernels: {name}\n")
        assert result.stdout.count(": ok") >= 9


def test_one_can_be_named(native_tests: Path) -> None:
    result = run(str(native_tests), "chunks start in order")
    assert result.stdout.splitlines()[1:] == ["work queue / chunks start in order: ok", "0 failures"]
