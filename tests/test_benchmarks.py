"""The page of benchmarks says what the committed results say, and every script explains itself; none is run."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).resolve().parent.parent / "benchmarks"
SCRIPTS = [
    path
    for path in sorted(BENCHMARKS.glob("*.py"))
    if "ArgumentParser(" in path.read_text(encoding="utf-8") and path.name not in ("plots.py", "results.py")
]  # plots.py needs matplotlib, which lives in the peers' environment


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *arguments], capture_output=True, text=True, timeout=120)


def test_the_page_says_what_the_results_say() -> None:
    result = run(str(BENCHMARKS / "page.py"), "--check")
    assert result.returncode == 0, result.stderr


def test_there_are_scripts() -> None:
    assert {"epoch", "objective", "exact_epoch", "explicit", "recommend", "read", "memory", "growth"} <= {
        path.stem for path in SCRIPTS
    }


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_it_explains_itself(script: Path) -> None:
    result = run(str(script), "--help")
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith("usage: ")
