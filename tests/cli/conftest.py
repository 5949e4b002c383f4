"""Models on disk, and the two ways of running a command: inside this process and as a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

import ridgeback as rb
from cli.films import films
from ridgeback.cli import main

Run = Callable[..., Result]


@pytest.fixture
def run() -> Run:
    """Run a command in this process, as when piped."""

    def run_command(*arguments: object, **settings: Any) -> Result:
        return CliRunner().invoke(main, [str(argument) for argument in arguments], **settings)

    return run_command


@pytest.fixture
def run_process() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run a command as a process of its own."""

    def run_command(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "ridgeback", *map(str, arguments)], capture_output=True, text=True, check=False,
            env={**os.environ, **environment}, timeout=120,
        )  # fmt: skip

    return run_command


@pytest.fixture(scope="session")
def model_files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A model of each kind; "bare" is an implicit one without titles, "private" one without histories."""
    folder = tmp_path_factory.mktemp("models")
    models = {
        "implicit": rb.ImplicitALS(n_factors=3, n_iterations=5).fit(films()),
        "explicit": rb.ExplicitALS(n_factors=2, n_iterations=5).fit(films()),
        "popularity": rb.Popularity().fit(films()),
        "bias": rb.BiasBaseline().fit(films()),
        "bare": rb.ImplicitALS(n_factors=3, n_iterations=5).fit(films(with_titles=False)),
    }
    for name, model in models.items():
        model.save(folder / f"{name}.ridge")
    models["implicit"].save(folder / "private.ridge", include_history=False)
    return {name: folder / f"{name}.ridge" for name in [*models, "private"]}


@pytest.fixture
def shop(model_files: dict[str, Path]) -> Path:
    """The implicit model with titles."""
    return model_files["implicit"]
