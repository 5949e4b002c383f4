"""The demo runs within its time, finds the planted tastes, and keeps only what it is told to keep."""

from __future__ import annotations

import os
import shlex
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import ridgeback as rb
from cli.conftest import Run
from cli.films import strict_json

Process = Callable[..., subprocess.CompletedProcess[str]]


def test_it_is_quick_and_leaves_nothing(run_process: Process, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    started = time.perf_counter()
    done = run_process("demo", PYTHONPATH=os.pathsep.join(map(os.path.abspath, [*_search_path()])))
    assert (done.returncode, done.stderr) == (0, "")
    assert time.perf_counter() - started < 10
    assert list(tmp_path.iterdir()) == []
    for part in (
        "1. Events",
        "2. Fit",
        "3. Quality",
        "4. Recommendations",
        "5. Somebody new",
        "next: ridgeback demo -o",
    ):
        assert part in done.stdout


def _search_path() -> list[str]:
    return [str(Path(rb.__file__).parents[1])]


def test_its_findings_make_sense(run: Run) -> None:
    result = run("demo", "--json")
    payload = strict_json(result.stdout)
    losses = [record["loss"] for record in payload["history"]]
    assert losses == sorted(losses, reverse=True)
    quality = payload["quality"]
    assert quality["metrics"]["ndcg@10"] > 1.5 * quality["baselines"]["Popularity"]["ndcg@10"]
    tastes = {"Romance", "Horror"}
    assert all(tastes & set(row["genres"].split("|")) for row in payload["recommendations"])
    assert tastes <= {genre for row in payload["recommendations"] for genre in row["genres"].split("|")}
    assert all(len(row["because"]) == 2 for row in payload["recommendations"])
    assert payload["new_user"]["unknown_items"] == []


def test_typed_likes_are_used(run: Run) -> None:
    payload = strict_json(run("demo", "--json", "--likes", "midnight heist, 331, no such film").stdout)
    assert [given["item"] for given in payload["new_user"]["given"]] == [473, 331]
    assert payload["new_user"]["unknown_items"] == ["no such film"]


def test_the_kept_model_answers_the_commands_it_names(run: Run, tmp_path: Path) -> None:
    output = tmp_path / "demo file.ridge"
    result = run("demo", "-o", output, "--json")
    assert result.exit_code == 0, result.stderr
    payload = strict_json(result.stdout)
    for line in payload["next"][:2]:
        assert run(*shlex.split(line)[1:]).exit_code == 0, line


def test_an_output_that_cannot_be_written_is_refused_before_the_work(run: Run, tmp_path: Path) -> None:
    result = run("demo", "-o", tmp_path)
    assert result.exit_code == 1
    assert result.stdout == ""
    assert "is a directory" in result.stderr
