"""The committed stub of the native module says what the built module says."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import ridgeback

STUB = Path(ridgeback.__file__).with_name("_native.pyi")


def test_stub_is_fresh(tmp_path: Path) -> None:
    generated = tmp_path / "_native.pyi"
    command = [sys.executable, "-m", "nanobind.stubgen", "--quiet", "-m", "ridgeback._native", "-o", str(generated)]
    subprocess.run(command, check=True)
    assert generated.read_text() == STUB.read_text(), "native functions changed: run `make stub` and commit the result"
