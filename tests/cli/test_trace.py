"""``ridgeback trace``: typed matrices, files, worked examples, and everything that cannot be traced."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import Result

import ridgeback as rb
from cli.films import strict_json
from cli.terminal import on_a_terminal

Run = Callable[..., Result]
TUTORIAL = ("--user-factors", ".5 .2; .3 .1", "--item-factors", ".2 .4; .1 .3", "--regularization", "0.1")


@pytest.fixture
def events(tmp_path: Path) -> Path:
    rng = np.random.default_rng(5)
    rows = [f"{u},{i},{rng.integers(1, 6)}" for u in range(150) for i in range(90) if rng.random() < 0.1]
    path = tmp_path / "events.csv"
    path.write_text("\n".join(["user,item,rating", *rows]) + "\n")
    return path


def record(run: Run, *arguments: str) -> dict[str, Any]:
    done = run("trace", *arguments, "--json")
    assert done.exit_code == 0, done.stderr
    found: dict[str, Any] = strict_json(done.stdout)
    return found


def test_the_log_of_typed_matrices_when_piped(run_process: Callable[..., subprocess.CompletedProcess[str]]) -> None:
    done = run_process("trace", "--ratings", "4 2; 3 .", *TUTORIAL, "--n-iterations", 1, COLUMNS="80", PYTHONUTF8="1")
    assert (done.returncode, done.stderr) == (0, "")
    assert "\x1b" not in done.stdout
    assert done.stdout.startswith("\nExplicitALS: 2 users × 2 items   float64 throughout\n")
    assert (
        """
step 1: iteration 1, users   each row solved exactly, items fixed
users × factors          predicted ratings        rating - prediction
        f1        f2             i1        i2             i1      i2
      17 %      83 %     u1  2.7129 ▲  1.9010 ▲   u1  1.2871  0.0990
u1  2.6733 ▲  5.4455 ▲   u2  2.0000 ▲  1.4000 ▲   u2  1.0000       .
u2  2.0000 ▲  4.0000 ▲

u1  A = [0.15 0.11; 0.11 0.35]  b = [1 2.2]    x = A⁻¹ b = [2.673 5.446]
u2  A = [0.14 0.08; 0.08 0.26]  b = [0.6 1.2]  x = A⁻¹ b = [2 4]

loss 26.6435 → 8.3765 = listed pairs 2.6665 + regularization 5.7100; MSE 0.8888
"""
        in done.stdout
    )
    assert re.search(r"recommendation .*\nuser  item   score\nu2    i2    1\.\d{4}\n", done.stdout)


def test_the_log_on_a_terminal_has_colours_and_the_same_words() -> None:
    command = [sys.executable, "-m", "ridgeback", "trace", "--ratings", "4 2; 3 .", *TUTORIAL, "--n-iterations", "1"]
    code, coloured = on_a_terminal(command, PYTHONUTF8="1")
    assert code == 0
    assert "\x1b[" in coloured
    _, plain = on_a_terminal(command, PYTHONUTF8="1", NO_COLOR="1")
    assert "\x1b" not in plain
    words = re.sub(r"\x1b\[[0-9;]*m", "", coloured)
    assert [line.rstrip() for line in words.splitlines()] == [line.rstrip() for line in plain.splitlines()]
    _, narrow = on_a_terminal(command, n_columns=40, PYTHONUTF8="1", TERM="dumb")
    assert max(map(len, narrow.splitlines())) <= 40


def test_what_is_typed_is_the_plain_model_in_float64(run: Run) -> None:
    found = record(run, "--ratings", "1 2; . 4", "--n-iterations", "1")
    assert (found["precision"], found["n_factors"], found["users"]["ids"]) == ("double", 2, ["u1", "u2"])
    p = found["parameters"]
    assert (p["biases"], p["frequency_exponent"], p["orientation"], p["solver"]) == (False, 0.0, "start", "exact")
    assert [step["side"] for step in found["steps"]] == ["start", "users", "items", "final users"]
    p = record(run, "--ratings", "1 2; . 4", "--model", "implicit", "--n-iterations", "1")["parameters"]
    assert (p["loss"], p["alpha"], p["unobserved_weight"], p["weight_exponents"]) == ("ials", None, 0.1, [0.0, 0.0])
    p = record(run, "--ratings", "1 2; . 4", "--model", "implicit", "--loss", "hu", "--n-iterations", "1")["parameters"]
    assert (p["alpha"], p["unobserved_weight"]) == (1.0, None)
    p = record(run, "--ratings", "1 2; . 4", "--model", "logistic", "--n-iterations", "1", "--biases")["parameters"]
    assert (p["biases"], p["alpha"], p["orientation"]) == (True, None, "start")
    p = record(run, "--ratings", "1 2; . 4", "--orientation", "principal", "--frequency-exponent", "1")["parameters"]
    assert (p["orientation"], p["frequency_exponent"]) == ("principal", 1)


def test_typed_matrices_start_the_fit_without_rounding(run: Run) -> None:
    found = record(run, "--ratings", "4,2;3,.", "--user-factors", ".1 .2;.3 .4", "--item-factors", "1,2\n3,4")
    start = found["steps"][0]
    assert found["init"]["method"] == "declared"
    assert start["user_factors"] == [[0.1, 0.2], [0.3, 0.4]]
    assert start["item_factors"] == [[1, 2], [3, 4]]
    done = run("trace", "--ratings", "4 2; 3 .", "--item-factors", "1 2; 3 4", "--n-iterations", "1")
    assert "note: the user factors were drawn, the others given" in done.stdout


def test_places_and_names_are_as_typed(run: Run) -> None:
    found = record(run, "--ratings", "4 . 1; . . .; 3 5 2", "--users", "zoe,ann,bob", "--items", "red tea milk")
    assert found["users"]["ids"] == ["zoe", "ann", "bob"]
    assert found["items"]["ids"] == ["red", "tea", "milk"]
    names = record(run, "--ratings", "4 1", "--items", "red tea, milk")["items"]["ids"]
    assert names == ["red tea", "milk"]
    assert [*zip(found["pairs"]["user"], found["pairs"]["item"], found["pairs"]["value"], strict=True)] == [
        (0, 0, 4.0), (0, 2, 1.0), (2, 0, 3.0), (2, 1, 5.0), (2, 2, 2.0),
    ]  # fmt: skip


def test_a_new_user_after_the_fit(run: Run) -> None:
    typed = ("--ratings", "1 0", "--model", "implicit", "--loss", "hu", "--n-iterations", "0", "--user-factors", "0 0",
             "--item-factors", ".15 .35; .05 .25", "--regularization", "0.1", "--new-user", "1 0")  # fmt: skip
    new = record(run, *typed)["new_user"]["steps"][0]
    row = new["rows"][0]
    assert np.array(row["A"]) == pytest.approx(np.array([[0.1475, 0.1175], [0.1175, 0.4075]]))
    assert row["b"] == pytest.approx([0.3, 0.7])
    assert new["user_factors"][0] == pytest.approx([0.863931, 1.468683], abs=1e-6)
    assert new["predictions"][0] == pytest.approx([0.643629, 0.410367], abs=1e-6)
    text = run("trace", *typed).stdout
    assert "  b[2] = 2 × 0.35 = 0.7\n" in text
    assert "score(new user, i1) = 0.863931 × 0.15 + 1.46868 × 0.35 = 0.643629 (has it)\n" in text


def test_the_formulas_of_one_cell(run: Run) -> None:
    done = run("trace", "--ratings", "4 2; 3 .", *TUTORIAL, "--n-iterations", 1, "--show-user", "u1",
               "--show-item", "i2", "--step", 0, "--step", "-1")  # fmt: skip
    assert done.exit_code == 0
    assert re.findall(r"^step (\d)", done.stdout, re.MULTILINE) == ["0", "3"]
    assert "score(u1, i2) = 0.5 × 0.1 + 0.2 × 0.3 = 0.11\n" in done.stdout
    assert "difference = rating 2 - 0.11 = 1.89\nterm of the loss = 1 × 1.89² = 3.5721\n" in done.stdout
    assert "u1: A x = b, from 2 items: i1, i2\n" in done.stdout


def test_a_file_with_a_watched_user(run: Run, events: Path, tmp_path: Path) -> None:
    out = tmp_path / "trace.json"
    done = run("trace", events, "--watch-user", 7, "--n-factors", 3, "--n-iterations", 2, "--json-out", out)
    assert done.exit_code == 0, done.stderr
    assert "recommendation for user 7" in done.stdout
    assert f"the record is in {out}" in done.stdout
    trace = rb.Trace.from_json(out)
    assert (trace.header["kind"], trace.header["precision"]) == ("watched", "single")
    model = rb.ImplicitALS(3, n_iterations=2).fit(rb.read_interactions(events))
    assert [step["loss"] for step in trace.steps if step["side"] != "rotation"] == [r["loss"] for r in model.history_]
    best = model.recommend(7, k=1)[0]
    assert re.search(rf"^{best.item} .* {best.score:.4f}$", done.stdout, re.MULTILINE)
    found = record(run, str(events), "--watch-item", "3", "--model", "explicit", "--n-iterations", "1")
    assert (found["model"], found["parameters"]["biases"], sum(found["items"]["is_watched"])) == (
        "ExplicitALS",
        True,
        1,
    )


def test_typed_matrices_can_be_watched_too(run: Run) -> None:
    ratings = ";".join([" ".join(["1", "2", "3", "4"] * 26)] * 100)
    done = run("trace", "--ratings", ratings, "--n-iterations", 1, "--watch-user", "u3", "--show-user", "u3")
    assert done.exit_code == 0
    assert "u3: A x = b, from 104 items" in done.stdout


def test_worked_examples_beside_what_is_printed(run: Run) -> None:
    done = run("trace", "--example", "explicit_2x2", "--n-iterations", 1, "--regularization", 0.1)
    assert done.exit_code == 0
    assert "what the tutorial prints, and what is right" in done.stdout
    assert "  printed  15.6\n  right    12.7445\n" in done.stdout
    found = record(run, "--example", "implicit_2x2", "--loss", "ials", "--n-iterations", "2")
    assert (found["loss"], len(found["steps"])) == ("ials", 6)
    assert found == strict_json(rb.examples.implicit_2x2("ials", n_iterations=2).to_json()) | {
        "steps": found["steps"]
    }  # times differ
    found = record(run, "--example", "new_user_2x2", "--loss", "ials", "--count", "3")
    assert (found["kind"], found["parameters"]["alpha"]) == ("fold-in", 1.0)


def test_files_of_the_other_narrators(run: Run, tmp_path: Path) -> None:
    page, script, record_file = (tmp_path / f"trace.{ending}" for ending in ("html", "py", "json"))
    done = run("trace", "--ratings", "4 2; 3 .", "--n-iterations", 1, "--new-user", "5 .", "--html", page, "--python",
               script, "--json-out", record_file)  # fmt: skip
    assert done.exit_code == 0, done.stderr
    assert f"the page of the new user is in {tmp_path / 'trace-new-user.html'}" in done.stdout
    assert page.read_text(encoding="utf-8").startswith("<!doctype html>")
    for path in (script, tmp_path / "trace-new-user.py"):
        assert subprocess.run([sys.executable, path], capture_output=True, check=False).returncode == 0
    assert rb.Trace.from_json(record_file).header["kind"] == "whole"
    assert rb.Trace.from_json(tmp_path / "trace-new-user.json").header["kind"] == "fold-in"


def test_several_sources_of_one_json(run: Run) -> None:
    text = run("trace", "--ratings", "1 2", "--n-iterations", "1", "--json").stdout
    assert rb.Trace.from_json(text).header["model"] == "ExplicitALS"
    assert json.loads(text)["format"] == "ridgeback.trace"


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ([], 2, 'give one of: --ratings "4 2; 3 .", a FILE of events, or --example NAME'),
        (["--ratings", "4 2; 3"], 2, "row 2 has 1 number and row 1 has 2; every row needs as many"),
        (["--ratings", "4 2;; 3 1"], 2, "row 2 has 0 numbers"),
        (["--ratings", "4 two"], 2, "row 1, column 2: 'two' is not a number; . stands for a missing one"),
        (["--ratings", "4 1_000"], 2, "'1_000' is not a number"),
        (["--ratings", "٤ ２"], 2, "is not a number"),
        (["--ratings", "4 nan"], 2, "is nan, which is not a finite number; write . where a rating is missing"),
        (["--ratings", "4 -inf"], 2, "is -inf, which is not a finite number"),
        (["--ratings", "4 1e39"], 2, "beyond what float32 can hold"),
        (["--ratings", "4,,2"], 2, "nothing between two commas"),
        (["--ratings", " ; "], 2, "--ratings is empty"),
        (["--ratings", ". ."], 1, "no interactions that ExplicitALS can learn from"),
        (["--ratings", "x" * 10_000], 2, "'xxxxxxxxxxxxxxxxxxxxxxxx... (10,000 characters)' is not a number"),
        (["--ratings", "1 2", "--users", "y" * 10_000, "--show-user", "z" * 10_000], 2, "an id of 10,000 characters"),
        (["--ratings", "4 2; 3 1", "--user-factors", "1 2 3"], 2, "--user-factors is 1 x 3, but must be 2 x n_factors"),
        (["--ratings", "4 2; 3 1; 1 1", "--user-factors", "1 2 3; 4 5 6"], 2, "2 x 3, but must be 3 x n_factors, for 3 "
         "users; it looks transposed: its rows are users, its columns factors"),
        (["--ratings", "4 2; 3 1; 1 1", "--item-factors", "1 2 3; 1 2 3", "--n-factors", "2"], 2, "2 x 3, but must be "
         "2 x 2"),
        (["--ratings", "4 2", "--user-factors", "1", "--item-factors", "1 2; 3 4"], 2, "--user-factors is 1 x 1 and "
         "--item-factors is 2 x 2: both need as many columns"),
        (["--ratings", "4 2", "--user-factors", "."], 2, "is missing (.); a factor must be a number"),
        (["--ratings", "4 2", "--user-factors", "1", "--init", "uniform"], 2, "--init says how factors are drawn"),
        (["--ratings", "4 2", "--items", "a,a"], 2, "--items has 'a' twice"),
        (["--ratings", "4 2", "--items", "a,b,c"], 2, "--items needs 2 names, separated by commas; got 3"),
        (["--ratings", "4 -2", "--model", "implicit"], 1, "user 'u1', item 'i2': value -2.0 is negative"),
        (["--ratings", "4 2", "--new-user", "1"], 2, "--new-user has 1 number, but there are 2 items"),
        (["--ratings", "4 2", "--new-user", "1 2; 3 4"], 2, "--new-user takes one row of 2 numbers; got 2 rows"),
        (["--ratings", "4 2", "--new-user", ". ."], 1, "nothing of the new user's history is known"),
        (["--ratings", "1 0", "--model", "implicit", "--new-user", "-1 0"], 1, "not below zero"),
        (["--ratings", "1 2", "--model", "logistic", "--regularization", "0", "--n-negatives", "0", "--new-user",
          "1 1"], 1, "no finite optimum"),
        (["--ratings", "4 2", "--model", "popularity"], 2, "has no half-steps to trace"),
        (["--ratings", "4 2", "--show-user", "u9"], 1, "user 'u9' is unknown among 1 ids"),
        (["--ratings", "4 2", "--n-iterations", "1", "--step", "99"], 2, "--step 99: the steps of this fit are 0 to 3, "
         "counted from its end -1 to -4"),
        (["--ratings", "4 2", "--n-factors", "two"], 2, "--n-factors of ExplicitALS must be a whole number"),
        (["--ratings", "4 2", "--count", "2"], 2, "--count goes with --example new_user_2x2"),
        (["--ratings", "4 2", "--user", "userId"], 2, "--user goes with a FILE of events"),
        (["--ratings", ";".join(["1 " * 101] * 100)], 2, "Watch some rows instead: --watch-user ID or --watch-item "
         "ID."),
        (["--example", "explicit_2x2", "--loss", "hu"], 2, "--example explicit_2x2 has no --loss; it takes: "
         "--regularization, --n-factors, --n-iterations"),
        (["--example", "explicit_2x2", "--model", "implicit"], 2, "--example explicit_2x2 has its own"),
        (["--example", "explicit_2x2", "--new-user", "1 0"], 2, "--new-user goes with --ratings or a FILE"),
        (["--example", "explicit_2x2", "--watch-user", "1"], 2, "--watch-item go with --ratings or a FILE"),
    ],
)  # fmt: skip
def test_one_line_of_advice(run: Run, arguments: list[str], code: int, message: str) -> None:
    done = run("trace", *arguments)
    assert done.exit_code == code, done.output
    assert message in done.stderr
    assert done.stderr.count("\n") == 1
    assert len(done.stderr) < 400
    assert "unexpected" not in done.stderr
    assert done.stdout == ""


def test_a_file_that_is_too_large_or_does_not_know_the_user(run: Run, events: Path) -> None:
    done = run("trace", events)
    assert (done.exit_code, "Watch some rows instead: --watch-user ID" in done.stderr) == (2, True)
    done = run("trace", events, "--watch-user", "nobody")
    assert (done.exit_code, "--watch-user nobody: no such user among 150" in done.stderr) == (1, True)
    done = run("trace", events, "--watch-user", 7, "--show-user", 8)
    assert (done.exit_code, "--show-user 8 is not watched; add --watch-user 8" in done.stderr) == (2, True)
    done = run("trace", events, "--ratings", "1 2")
    assert (done.exit_code, "give one of" in done.stderr) == (2, True)
    done = run("trace", events, "--watch-user", "7", "--json-out", events)
    assert (done.exit_code, "which would be lost" in done.stderr) == (1, True)


def test_a_new_user_of_a_file(run: Run, events: Path, tmp_path: Path) -> None:
    record_file, page = tmp_path / "trace.json", tmp_path / "trace.html"
    done = run("trace", events, "--model", "explicit", "--n-factors", 2, "--n-iterations", 2, "--new-user",
               "3=5,7=1,999=4", "--json-out", record_file, "--html", page)  # fmt: skip
    assert done.exit_code == 0, done.stderr
    assert "not in the data, left out: 999" in done.stdout
    assert f"the record of the new user is in {record_file}" in done.stdout
    assert page.exists()
    assert "step 0" not in done.stdout  # too large to be traced whole, and nobody is watched
    model = rb.ExplicitALS(2, n_iterations=2).fit(rb.read_interactions(events))
    folded = model.fold_in([3, 7], ratings=[5.0, 1.0])
    trace = rb.Trace.from_json(record_file)
    assert trace.header["kind"] == "fold-in"
    assert trace.steps[0]["user_factors"][0] == pytest.approx(folded.factors)
    best = folded.recommend(1, exclude_seen=True).items[0]
    first = done.stdout.split("what to recommend")[1].splitlines()[1]
    assert first.startswith(f"score(new user, {best}) = ")
    has = done.stdout.split("what this user has")[1]
    assert set(re.findall(r"score\(new user, (\d+)\)", has)) == {"3", "7"}
    watched = run("trace", events, "--watch-user", 7, "--n-factors", 2, "--n-iterations", 1, "--new-user", "3,7",
                  "--json-out", record_file)  # fmt: skip
    assert f"the record of the new user is in {tmp_path / 'trace-new-user.json'}" in watched.stdout
    found = record(run, str(events), "--watch-user", "7", "--n-iterations", "1", "--new-user", "3")
    assert found["new_user"]["kind"] == "fold-in"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--new-user", "999,998"], "--new-user: none of these items is in the data: 999, 998"),
        (["--new-user", "3,7=2"], "give every item a value (item=value) or none; item 3 has none"),
        (["--new-user", "3", "--model", "explicit"], "this model is fitted on ratings and needs one for item 3"),
        (["--new-user", " , "], "the list of items is empty"),
        (["--watch-user", "999"], "--watch-user 999: no such user among 150; users are whole numbers from 0 to 149"),
        (["--watch-user", "1", "--watch-item", "tea"], "--watch-item tea: no such item among 90"),
        (["--watch-user", "²"], "--watch-user ²: no such user"),
    ],
)
def test_what_a_file_does_not_have(run: Run, events: Path, arguments: list[str], message: str) -> None:
    done = run("trace", events, "--n-iterations", 1, "--n-factors", 2, *arguments)
    assert done.exit_code in (1, 2)
    assert message in done.stderr
    assert "closest" not in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_watched_user_shows_its_system_unasked(run: Run, events: Path) -> None:
    done = run("trace", events, "--watch-user", 7, "--n-factors", 3, "--n-iterations", 1, "--step", 1)
    assert "user 7: A x = b, from " in done.stdout
    assert re.search(r"A, b and x\n +f1 +f2 +f3 +b +x\n", done.stdout)
    assert "  A[1,1] = " not in done.stdout
    shown = run(
        "trace", events, "--watch-user", 7, "--show-user", 7, "--n-factors", 3, "--n-iterations", 1, "--step", 1
    )
    assert "  A[1,1] = " in shown.stdout


def test_hints_speak_of_options(run: Run, events: Path) -> None:
    done = run("trace", "--ratings", "4 2; 3 .", "--n-iterations", 10)
    assert "any of them: --step 5, all: --all-steps" in done.stdout
    done = run(
        "trace", events, "--watch-user", 7, "--show-user", 7, "--n-factors", 20, "--n-iterations", 1, "--step", 1
    )
    told = re.sub(r"\n +", " ", done.stdout)
    assert "(all with --rows 210)" in told
    assert '--rows 20 shows it whole; its numbers: --json-out FILE; in Python trace.steps[1]["rows"][0]["A"]' in told
    assert "show(" not in done.stdout
    assert "show(" not in run("trace", "--help").stdout


def test_values_that_make_no_difference_are_said_to_make_none(run: Run) -> None:
    typed = ("--model", "implicit", "--n-iterations", "1")
    said = "values: every pair counts as one yes, whatever its value"
    assert said in run("trace", "--ratings", "4 2; 3 .", *typed).stdout
    assert said not in run("trace", "--ratings", "1 1; 1 .", *typed).stdout
    assert said not in run("trace", "--ratings", "4 2; 3 .", *typed, "--alpha", "2").stdout


def test_help_speaks_of_options_and_not_of_python(run: Run) -> None:
    text = run("trace", "--help").stdout
    assert "None" not in text
    assert "parameters_" not in text
    assert "If left out: the measured default, as for every option without a default" in " ".join(text.split())
