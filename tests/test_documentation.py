"""The documentation builds without a warning, and its reference names every public name."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import ridgeback

DOCS = Path(__file__).resolve().parent.parent / "docs"


def test_it_builds_without_a_warning(tmp_path: Path) -> None:
    pytest.importorskip("sphinx", reason="the package sphinx is not installed")
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "--quiet", "-d", str(tmp_path / "doctrees")]
    result = subprocess.run([*command, str(DOCS), str(tmp_path / "html")], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert (tmp_path / "html" / "api.html").is_file()


def test_the_reference_names_every_public_name() -> None:
    reference = (DOCS / "api.md").read_text(encoding="utf-8")
    elsewhere = {
        "RidgebackError",
        "RidgebackWarning",
        "errors",
        "examples",
        "split",
        "__version__",
    }  # in modules listed as a whole
    missing = [name for name in ridgeback.__all__ if f"ridgeback.{name}\n" not in reference and name not in elsewhere]
    assert not missing


def test_the_index_and_the_readme_lead_to_every_page() -> None:
    index = (DOCS / "index.md").read_text(encoding="utf-8")
    readme = (DOCS.parent / "README.md").read_text(encoding="utf-8")
    pages = {path.name for path in DOCS.glob("*.md")} - {"index.md"}
    assert not [name for name in sorted(pages) if f"]({name}): " not in index]
    assert not [name for name in sorted(pages) if name.startswith("example-") and f"(docs/{name})" not in readme]
