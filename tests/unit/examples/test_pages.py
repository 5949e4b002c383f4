"""The tables of the examples' pages are what the examples give today."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

SCRIPT = runpy.run_path(str(Path(__file__).resolve().parents[3] / "tools" / "example_pages.py"))


@pytest.mark.parametrize("name", SCRIPT["PARTS"])
def test_page_is_fresh(name: str) -> None:
    page = (SCRIPT["DOCS"] / name).read_text(encoding="utf-8")
    assert SCRIPT["page"](name) == page, "run: python tools/example_pages.py, and review it"
