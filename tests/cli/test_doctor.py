"""The doctor says what this installation is, and its self-test can fail."""

from __future__ import annotations

import subprocess
from collections.abc import Callable

import numpy as np
import pytest

from cli.conftest import Run
from cli.films import strict_json
from ridgeback.cli import self_test
from ridgeback.solvers import native


def test_facts_and_self_test(run: Run) -> None:
    result = run("doctor", "--json")
    assert result.exit_code == 0, result.stderr
    payload = strict_json(result.stdout)
    assert payload["is_ok"] is True
    assert payload["numpy"] == np.__version__
    assert payload["instruction_set"] in payload["available"].split(", ")
    assert payload["threads_by_default"] >= 1
    assert [r["kernel"] for r in payload["self_test"]] == [*self_test._N_FACTORS, "top k"]
    assert "GB free" in run("doctor").stdout


def test_the_instruction_set_can_be_forced(run_process: Callable[..., subprocess.CompletedProcess[str]]) -> None:
    done = run_process("doctor", "--json", RIDGEBACK_INSTRUCTION_SET="baseline")
    assert done.returncode == 0, done.stderr
    assert strict_json(done.stdout)["instruction_set"] == "baseline (by RIDGEBACK_INSTRUCTION_SET)"


def test_a_wrong_kernel_is_found(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    right = native.solve_exact

    def wrong(problem: object, fixed: object, fixed_biases: object, factors: np.ndarray, *rest: object) -> object:
        step = right(problem, fixed, fixed_biases, factors, *rest)  # type: ignore[arg-type]
        factors *= 1.001
        return step

    monkeypatch.setattr(native, "solve_exact", wrong)
    result = run("doctor")
    assert result.exit_code == 1
    assert result.stderr.startswith("error: the self-test failed for exact: the native kernels and NumPy disagree")


def test_the_self_test_is_short() -> None:
    import time

    started = time.perf_counter()
    self_test.self_test()
    assert time.perf_counter() - started < 2


def test_an_instruction_set_that_is_not_there(run_process: Callable[..., subprocess.CompletedProcess[str]]) -> None:
    done = run_process("doctor", RIDGEBACK_INSTRUCTION_SET="nonsense")
    assert done.returncode == 1
    assert done.stderr.startswith('error: RIDGEBACK_INSTRUCTION_SET is "nonsense"; this machine can run: baseline')
    assert done.stderr.count("\n") == 1
