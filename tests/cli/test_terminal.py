"""On a terminal: progress, tables and colour; in a pipe: none of these."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.cells import cell_len

from cli.terminal import on_a_terminal

Process = Callable[..., subprocess.CompletedProcess[str]]
RIDGEBACK = [sys.executable, "-m", "ridgeback"]


@pytest.fixture(scope="module")
def events(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("events") / "events.csv"
    rows = [f"{user},{item}" for user in range(40) for item in range(30) if (user * item) % 3 == 1]
    path.write_text("\n".join(["user,item", *rows]) + "\n")
    return path


def test_progress_is_shown_on_a_terminal_only(events: Path, tmp_path: Path, run_process: Process) -> None:
    fit = ["fit", str(events), "-o", str(tmp_path / "m.ridge"), "--n-iterations", "400", "--n-factors", "4"]
    code, written = on_a_terminal([*RIDGEBACK, *fit])
    assert code == 0, written
    assert "half-steps" in written
    assert "loss " in written
    done = run_process(*fit)
    assert (done.returncode, done.stderr) == (0, "")
    assert "half-steps" not in done.stdout
    assert "\x1b" not in done.stdout


def test_writing_all_recommendations_shows_progress(model_files: dict[str, Path], tmp_path: Path) -> None:
    command = ["recommend", str(model_files["implicit"]), "--all", "-o", str(tmp_path / "all.csv")]
    code, written = on_a_terminal([*RIDGEBACK, *command])
    assert code == 0, written
    assert "users" in written


def test_wide_titles_stand_under_each_other_on_a_terminal(model_files: dict[str, Path]) -> None:
    command = [*RIDGEBACK, "recommend", str(model_files["implicit"]), "--user", "bob"]
    code, written = on_a_terminal(command, NO_COLOR="1")
    assert code == 0
    rows = [line for line in written.splitlines() if line.startswith("tt")]
    assert len(rows) == 5
    assert len({cell_len(line.rstrip()) for line in rows}) == 1
    assert "\x1b" not in written


def test_a_narrow_terminal_folds_and_loses_nothing(model_files: dict[str, Path]) -> None:
    command = [*RIDGEBACK, "recommend", str(model_files["implicit"]), "--user", "bob"]
    _, written = on_a_terminal(command, n_columns=24, NO_COLOR="1")
    assert "Toy" in written
    assert "2007" not in written, "[REC] is one that bob has seen"
    assert "0." in written


def test_an_error_is_one_plain_line_on_a_terminal_too(model_files: dict[str, Path]) -> None:
    code, written = on_a_terminal([*RIDGEBACK, "recommend", str(model_files["implicit"]), "--user", "bop"])
    assert code == 1
    assert written.startswith("error: user 'bop' is unknown among 7 ids; the closest is 'bob'")
    assert written.count("\n") == 1


@pytest.mark.parametrize("command", ["recommend", "inspect"])
def test_a_reader_that_has_seen_enough_is_quiet(model_files: dict[str, Path], command: str) -> None:
    asked = f"--user {' --user '.join(['ann'] * 2000)}" if command == "recommend" else ""
    line = f"'{sys.executable}' -m ridgeback {command} '{model_files['implicit']}' {asked} | head -1"
    done = subprocess.run(["bash", "-o", "pipefail", "-c", line], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_full_disk_is_an_error(model_files: dict[str, Path]) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("platform: there is no /dev/full")
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [*RIDGEBACK, "inspect", str(model_files["implicit"])],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == 1
    assert done.stderr == "error: No space left on device\n"
