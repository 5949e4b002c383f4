"""A kernel compiled for one instruction set leaks nothing into the others: one exported symbol an object file.

An inline function of a C++ library header would be a weak symbol, the linker would keep one copy of it for all levels,
and an older processor could meet instructions that it does not have.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent


def newest_build() -> list[Path]:
    """The kernels' object files of the newest build in the checkout."""
    builds = [path.parent for path in REPOSITORY.glob("build/*/CMakeFiles") if path.is_dir()]
    if not builds:
        return []
    newest = max(builds, key=lambda path: (path / "CMakeCache.txt").stat().st_mtime)
    return sorted(newest.glob("CMakeFiles/kernels_*.dir/native/kernels/*.o"))


def exported(path: Path) -> list[tuple[str, str]]:
    """(kind, name) of each symbol that an object file defines for others; kinds W, V and u are shared or weak."""
    output = subprocess.run(["nm", "-C", "-g", "--defined-only", str(path)], capture_output=True, text=True, check=True)
    symbols = [line.split(maxsplit=2) for line in output.stdout.splitlines() if line.strip()]
    return [(kind, name) for _, kind, name in symbols]


@pytest.mark.skipif(shutil.which("nm") is None, reason="platform: no nm beside the compiler")
def test_each_kernel_object_exports_its_table_alone() -> None:
    objects = newest_build()
    if not objects:
        pytest.skip("platform: no build in this checkout")
    levels = {path.parts[-4].removeprefix("kernels_").removesuffix(".dir") for path in objects}
    assert "baseline" in levels
    for path in objects:
        level = path.parts[-4].removeprefix("kernels_").removesuffix(".dir")
        kernel = path.name.removesuffix(".cpp.o")
        assert [name for _, name in exported(path)] == [f"ridgeback::{level}::{kernel}_kernels"], path
        assert all(kind not in "WVuvw" for kind, _ in exported(path)), path


@pytest.mark.skipif(shutil.which("nm") is None or shutil.which("c++") is None, reason="platform: no nm or no c++")
def test_a_weak_symbol_would_be_seen(tmp_path: Path) -> None:
    source, compiled = tmp_path / "leak.cpp", tmp_path / "leak.o"
    source.write_text("#include <vector>\nint size(std::vector<int>& v) { v.push_back(1); return int(v.size()); }\n")
    subprocess.run(["c++", "-std=c++20", "-O0", "-c", str(source), "-o", str(compiled)], check=True)
    assert "W" in {kind for kind, _ in exported(compiled)}
