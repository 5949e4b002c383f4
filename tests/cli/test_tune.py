"""tune: what the library finds, told on the command line; budget, study, model file and every ending."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import ridgeback as rb
from cli.conftest import Run
from cli.films import strict_json
from cli.terminal import on_a_terminal

QUICK = ("--n-factors", "4", "--n-iterations", "3", "--n-threads", "1")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Users of three tastes in events.csv."""
    folder = tmp_path_factory.mktemp("events")
    rng = np.random.default_rng(4)
    tastes = rng.integers(3, size=90), rng.integers(3, size=60)
    users, items = np.nonzero(rng.random((90, 60)) < np.where(tastes[0][:, None] == tastes[1], 0.4, 0.04))
    lines = [f"{user},{item}" for user, item in zip(users, items, strict=True)]
    (folder / "events.csv").write_text("\n".join(["user,item", *lines]) + "\n")
    return folder


@pytest.fixture
def here(folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    (tmp_path / "events.csv").symlink_to(folder / "events.csv")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_it_shows_what_the_library_finds(run: Run, here: Path) -> None:
    options = ("--metric", "ndcg@5", "--n-trials", "10", *QUICK)
    result = run("tune", "events.csv", *options, "-o", "m.ridge", "--html", "tune.html")
    assert (result.exit_code, result.stderr) == (0, "")
    model = rb.ImplicitALS(n_factors=4, n_iterations=3, n_threads=1)
    expected = rb.tune(model, rb.read_interactions("events.csv"), metric="ndcg@5", n_trials=10)
    for text in (
        f"{expected.best_value:.4f}",
        f"{expected.untuned_value:.4f}",
        expected.mattered(),
        "saved in m.ridge",
        "wrote tune.html",
    ):
        assert text in result.stdout
    np.testing.assert_array_equal(rb.load("m.ridge").item_factors_, expected.model.item_factors_)
    assert "<svg" in Path("tune.html").read_text(encoding="utf-8")


def test_the_fit_that_it_names_makes_the_same_model(run: Run, here: Path) -> None:
    result = run("tune", "events.csv", "--n-trials", "9", *QUICK, "-o", "tuned.ridge")
    lines = [line.split("ridgeback ", 1)[1] for line in result.stdout.splitlines() if "ridgeback " in line]
    recommend, fit = (line.split() for line in lines)
    assert run(*recommend).exit_code == 0
    tuned = rb.load("tuned.ridge")
    assert fit[-1] == "tuned-again.ridge"  # not the model that was just saved
    assert "became" in result.stdout
    again = run(*fit[:-1], "again.ridge")
    assert again.exit_code == 0, again.stderr
    np.testing.assert_array_equal(rb.load("again.ridge").item_factors_, tuned.item_factors_)


def test_json_holds_everything(run: Run, here: Path) -> None:
    payload = strict_json(run("tune", "events.csv", "--n-trials", "3", *QUICK, "--study", "t.db", "--json").stdout)
    assert [trial["number"] for trial in payload["trials"]] == [0, 1, 2]
    assert payload["trials"][0]["is_untuned"]
    assert payload["best_value"] >= payload["untuned_value"]
    assert payload["study"] == "t.db"
    again = strict_json(run("tune", "events.csv", "--n-trials", "2", *QUICK, "--study", "t.db", "--json").stdout)
    assert len(again["trials"]) == 5


def test_other_parts_and_other_names(run: Run, here: Path) -> None:
    Path("later.csv").write_text("user,item\n" + "\n".join(f"{user},{user % 60}" for user in range(90)) + "\n")
    given = ("--validation", "later.csv", "--search", "regularization,n-factors", "--n-trials", "2")
    result = run("tune", "events.csv", *given, "--n-iterations", "3", "--json")
    assert result.exit_code == 0, result.stderr
    payload = strict_json(result.stdout)
    assert set(payload["best_params"]) == {"regularization", "n_factors", "n_iterations"}
    assert payload["n_validation"] == 90


def test_what_an_option_sets_stays_be_it_the_default(run: Run, here: Path) -> None:
    given = ("--n-factors", "64", "--n-neighbors", "0", "--n-iterations", "2", "--n-trials", "4", "--n-threads", "1")
    payload = strict_json(run("tune", "events.csv", *given, "--json").stdout)
    assert not {"n_factors", "n_neighbors", "neighbor_weight"} & set(payload["best_params"])
    assert payload["best_params"]["n_iterations"] <= 2
    assert any(
        command.startswith("ridgeback fit events.csv --model implicit --n-factors 64") for command in payload["next"]
    )


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        (("--minutes", "0"), 2, "--minutes of tune must be a finite number above 0"),
        (("--minutes", "nan"), 2, "--minutes of tune must be a finite number above 0"),
        (("--n-trials", "0"), 2, "--n-trials of tune must be a whole number of at least 1"),
        (("--metric", "f1"), 2, "--metric must be one of recall@k"),
        (("--model", "popularity"), 2, "--model popularity has nothing to tune"),
        (("--model", "bayesian"), 2, "--model bayesian has nothing to tune"),
        (("--search", "lambda"), 2, "--search of tune must name parameters of ImplicitALS"),
        (("--search", "n-factors", "--n-factors", "8"), 2, "--search names n-factors, which --n-factors sets"),
        (("--study", "nowhere/t.db"), 2, "--study of tune names nowhere/t.db, and there is no directory nowhere"),
        (("--study", "other.txt"), 2, "--study of tune names other.txt, which is no SQLite file"),
        (("--study", "events.csv"), 1, "which would be lost"),
        (("--html", "events.csv"), 1, "which would be lost"),
        (("-o", "nowhere/m.ridge"), 1, "there is no directory nowhere"),
        (("--validation", "other.txt", "--validation-fraction", "0.1"), 2, "--validation-fraction has no meaning"),
    ],
)
def test_what_tune_refuses(run: Run, here: Path, options: tuple[str, ...], code: int, message: str) -> None:
    Path("other.txt").write_text("user,item\n1,2\n")
    before = Path("events.csv").read_bytes()
    result = run("tune", "events.csv", "--n-trials", "1", *options)
    assert result.exit_code == code
    assert message in result.stderr
    assert result.stderr.count("\n") == 1
    assert Path("events.csv").read_bytes() == before


def test_what_is_wrong_is_said_before_the_file_is_read(run: Run, here: Path) -> None:
    Path("torn.csv").write_text("what\n")
    for option, value, message in (
        ("--metric", "ndgc@20", "--metric must be one of recall@k"),
        ("--metric", "ndgc@20", "Did you mean 'ndcg@20'?"),
        ("--metric", "rmse", "must suit ImplicitALS"),
        ("--search", "n-factor", "did you mean 'n_factors'?"),
    ):
        result = run("tune", "torn.csv", option, value)
        assert (result.exit_code, result.stdout) == (2, "")
        assert message in result.stderr


def test_what_is_found_is_told_as_it_is_found(run: Run, here: Path) -> None:
    options = ("--n-trials", "2", *QUICK, "--study", "t.db")
    first = run("tune", "events.csv", *options)
    assert "setting 0, the untuned model: ndcg@10 " in first.stdout
    assert "in all, the final fit included" in first.stdout
    assert "2 settings found in t.db" in run("tune", "events.csv", *options).stdout


def test_ctrl_c_saves_the_best_and_exits_130(here: Path) -> None:
    command = [sys.executable, "-m", "ridgeback", "tune", "events.csv", "--minutes", "5", *QUICK]
    process = subprocess.Popen(
        [*command, "--study", "t.db", "-o", "m.ridge"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        deadline = time.monotonic() + 120
        while not Path("m.ridge").exists():  # the untuned model, at least
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < deadline
            time.sleep(0.05)
        time.sleep(0.5)
        os.kill(process.pid, signal.SIGINT)
        stdout, stderr = process.communicate(timeout=120)
    finally:
        process.kill()
    assert process.returncode == 130, stderr
    assert stderr.startswith("interrupted after ")
    assert "the best model so far, fitted to everything, was saved in m.ridge and --study t.db goes on" in stderr
    assert "untuned" in stdout
    assert len(rb.load("m.ridge").recommend(0, k=3)) == 3


def test_ctrl_c_before_the_first_setting_says_that_nothing_was_saved(here: Path) -> None:
    program = (
        "import os, signal, ridgeback as rb\n"
        "from ridgeback.cli import main\n"
        "prepare = rb.ImplicitALS._prepare\n"
        "def interrupting(self, *arguments):\n"
        "    os.kill(os.getpid(), signal.SIGINT)\n"
        "    prepare(self, *arguments)\n"
        "rb.ImplicitALS._prepare = interrupting\n"
        "main(prog_name='ridgeback')\n"
    )
    command = ["tune", "events.csv", "--n-trials", "3", *QUICK, "--study", "t.db", "-o", "m.ridge"]
    ended = subprocess.run([sys.executable, "-c", program, *command], capture_output=True, text=True, timeout=120)
    assert ended.returncode == 130, ended.stderr
    assert ended.stderr == (
        "interrupted before the first setting ended: nothing was saved, and --study t.db holds no setting yet.\n"
    )
    assert not Path("m.ridge").exists()


def test_a_row_of_the_table_is_one_line_of_a_terminal(run: Run, here: Path) -> None:
    command = ["tune", "events.csv", "--n-trials", "12", "--n-iterations", "2", "--n-threads", "1"]
    code, written = on_a_terminal([sys.executable, "-m", "ridgeback", *command], n_columns=120)
    assert code == 0, written
    lines = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", written).splitlines()
    head = next(line for line in lines if "trial " in line and "iters" in line)
    for name in ("factors", "reg", "unobs", "freq exp", "weight exps", "neighb", "neighb w", "seconds"):
        assert name in head
    at = lines.index(head)
    rows = [line.split() for line in lines[at + 2 : at + 7]]
    assert all(row[0].isdigit() and row[1].startswith("0.") for row in rows), rows


def test_progress_on_a_terminal_only(run: Run, here: Path) -> None:
    command = ["tune", "events.csv", "--n-trials", "3", *QUICK]
    code, written = on_a_terminal([sys.executable, "-m", "ridgeback", *command], n_columns=200)
    assert code == 0, written
    assert "0/3 settings" in written
    assert "None" not in written
    assert "\x1b" not in run(*command).output
