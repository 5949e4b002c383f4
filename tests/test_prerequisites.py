"""What is missing on a machine is said before anything is built, one line each, with what installs it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parent.parent / "tools" / "prerequisites.sh"


def check(python: str, compiler: str = "") -> tuple[int, list[str]]:
    """Exit code and the lines on stderr."""
    result = subprocess.run(["sh", str(SCRIPT), python, compiler], capture_output=True, text=True)
    return result.returncode, result.stderr.splitlines()


def fake(directory: Path, name: str, body: str) -> str:
    """An executable shell script under the given name."""
    path = directory / name
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return str(path)


def test_this_machine_has_everything() -> None:
    assert check(sys.executable) == (0, [])


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ('case "$2" in *print*) echo 3.9;; *version_info*) exit 1;; esac', "is Python 3.9, and Ridgeback needs 3.10"),
        ('case "$2" in *print*) echo 3.12;; *ensurepip*) exit 1;; esac', "apt install python3.12-venv"),
        ('case "$2" in *print*) echo 3.12;; *Python.h*) exit 1;; esac', "apt install python3.12-dev"),
        ("exit 1", "does not start"),
    ],
)
def test_an_unfit_python_is_named(body: str, message: str, tmp_path: Path) -> None:
    code, lines = check(fake(tmp_path, "python3", body))
    assert code == 1
    assert len(lines) == 1
    assert message in lines[0]


def test_no_python_at_all() -> None:
    code, lines = check("/nowhere/python3")
    assert code == 1
    assert "make PYTHON=" in lines[0]


def test_a_compiler_without_cxx20_is_named_with_its_error(tmp_path: Path) -> None:
    old = fake(tmp_path, "old-c++", "echo \"error: unrecognized option '-std=c++20'\" >&2; exit 1")
    code, lines = check(sys.executable, old)
    assert code == 1
    assert "unrecognized option '-std=c++20'" in lines[0]
    assert "make CXX=" in lines[0]


def test_every_missing_piece_gets_its_line() -> None:
    code, lines = check("/nowhere/python3", "/nowhere/c++")
    assert code == 1
    assert len(lines) == 2
