"""Doctests run in a directory of their own, so that an example may write a file."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def _own_directory_for_doctests(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if isinstance(request.node, pytest.DoctestItem):
        directory: Path = request.getfixturevalue("tmp_path")
        monkeypatch.chdir(directory)
