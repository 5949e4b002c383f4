"""ctrl-C during a fit: exit code 130, one line, and a model that can be used."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import ridgeback as rb


@pytest.fixture(scope="module")
def events(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Enough events that a fit of very many iterations is under way for long."""
    path = tmp_path_factory.mktemp("events") / "events.csv"
    rng = np.random.default_rng(3)
    pairs = np.column_stack([rng.integers(0, 300, 20_000), rng.integers(0, 200, 20_000)])
    np.savetxt(path, pairs, fmt="%d", delimiter=",", header="user,item", comments="")
    return path


def interrupt_when(process: subprocess.Popen[str], is_time: float) -> tuple[str, str]:
    time.sleep(is_time)
    assert process.poll() is None, process.communicate()
    os.kill(process.pid, signal.SIGINT)
    return process.communicate(timeout=30)


@pytest.mark.parametrize("as_json", [False, True])
def test_what_there_is_is_saved(events: Path, tmp_path: Path, as_json: bool) -> None:
    output = tmp_path / "model.ridge"
    command = [sys.executable, "-m", "ridgeback", "fit", str(events), "-o", str(output), "--n-iterations", "1000000"]
    process = subprocess.Popen(
        command + (["--json"] if as_json else []), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    stdout, stderr = interrupt_when(process, 4.0)
    assert process.returncode == 130
    assert stderr.count("\n") == 1
    assert stderr.startswith("interrupted after ")
    assert f"iterations; what there is was saved in {output} and can be used." in stderr
    model = rb.load(output)
    assert model.stopped_by_ == "interrupted"
    assert 0 < model.n_iterations_ < 1_000_000
    assert len(model.recommend(model.user_ids_[0], k=3)) == 3
    assert stdout == "" if as_json else "300 users" in stdout


def test_an_old_file_stays_when_nothing_was_fitted_yet(events: Path, tmp_path: Path) -> None:
    output = tmp_path / "model.ridge"
    output.write_bytes(b"old")
    program = (
        "import os, signal\nimport ridgeback.data as d\n"
        "def read(*a, **k): os.kill(os.getpid(), signal.SIGINT); import time; time.sleep(5)\n"
        "d.read_interactions = read\nfrom ridgeback.cli import main\n"
        f"main(['fit', {str(events)!r}, '-o', {str(output)!r}])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (130, "interrupted\n")
    assert output.read_bytes() == b"old"


def test_an_interrupted_evaluation_judges_nothing(events: Path) -> None:
    command = [sys.executable, "-m", "ridgeback", "evaluate", str(events), "--n-iterations", "1000000"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    stdout, stderr = interrupt_when(process, 4.0)
    assert (process.returncode, stderr) == (130, "interrupted\n")
    assert "ndcg" not in stdout
