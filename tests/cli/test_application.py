"""The frame: light imports, lazy commands, one line and one exit code for every ending."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
import warnings

import click
import pytest
from click.testing import CliRunner

from ridgeback.cli import COMMANDS, main
from ridgeback.cli.application import Application
from ridgeback.errors import DataError, ParameterError, RidgebackWarning, UnknownIdError

THIRD_PARTY = {"numpy", "duckdb", "rich", "threadpoolctl", "scipy", "pandas", "polars", "pyarrow"}


def imported_by(*arguments: str) -> set[str]:
    """Every module that a command line imports, as the interpreter itself reports them."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "ridgeback", *arguments], capture_output=True, text=True, check=True
    )
    return {line.split("|")[-1].strip() for line in done.stderr.splitlines() if line.startswith("import time:")}


def test_help_imports_click_and_nothing_heavy() -> None:
    modules = imported_by("--help")
    assert "click" in modules, "the measurement itself must work"
    assert not {name.split(".")[0] for name in modules} & THIRD_PARTY
    ours = {name for name in modules if name.startswith("ridgeback")}
    assert ours == {"ridgeback", "ridgeback._version", "ridgeback.cli", "ridgeback.cli.application", "ridgeback.errors"}


def test_version_is_as_light() -> None:
    assert not {name.split(".")[0] for name in imported_by("--version")} & THIRD_PARTY


@pytest.mark.parametrize("name", COMMANDS)
def test_the_summary_shown_without_importing_is_the_command_s_own(name: str) -> None:
    command = importlib.import_module(f"ridgeback.cli.{name.replace('-', '_')}").command
    assert (command.name, command.short_help) == (name, COMMANDS[name])


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_json_and_help(name: str) -> None:
    result = CliRunner().invoke(main, [name, "--help"])
    assert result.exit_code == 0
    assert "--json" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["fti"], "error: no command 'fti'; did you mean 'fit'? Try 'ridgeback --help'.\n"),
        (["fold_in"], "error: no command 'fold_in'; did you mean 'fold-in'? Try 'ridgeback --help'.\n"),
        (["--vers"], "error: no such option '--vers'; did you mean '--version'? Try 'ridgeback --help'.\n"),
    ],
)
def test_usage_is_one_line_and_exit_2(arguments: list[str], line: str) -> None:
    result = CliRunner().invoke(main, arguments)
    assert (result.exit_code, result.stdout, result.stderr) == (2, "", line)


def application(action: object) -> Application:
    """An application with the one command ``do``, which raises or calls what is given."""

    def act() -> None:
        if isinstance(action, BaseException):
            raise action
        action()  # type: ignore[operator]

    command = click.Command("do", callback=act)

    class One(Application):
        def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
            return command if cmd_name == "do" else None

    return One("ridgeback", commands={"do": "Do it."}, params=[click.Option(["--traceback"], is_flag=True)])


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (DataError("row 3: bad\nvery bad."), 1, "error: row 3: bad very bad.\n"),
        (UnknownIdError("id 7 is unknown."), 1, "error: id 7 is unknown.\n"),
        (ParameterError("The 'x' must be 1. Got 2 instead."), 2, "error: The 'x' must be 1. Got 2 instead.\n"),
        (OSError(28, "No space left on device", "out.ridge"), 1, "error: out.ridge: No space left on device\n"),
        (MemoryError(), 1, "error: not enough memory;"),
        (EOFError("cut short"), 1, "error: unexpected EOFError: cut short"),
        (RuntimeError("RIDGEBACK_X is odd."), 1, "error: RIDGEBACK_X is odd.\n"),
        (ImportError("cannot import name '_native'"), 1, "error: the native part of ridgeback cannot be loaded"),
        (KeyError("k"), 1, "error: unexpected KeyError: 'k' (a bug in ridgeback;"),
        (KeyboardInterrupt(), 130, "interrupted\n"),
        (click.Abort(), 130, "interrupted\n"),
    ],
)
def test_every_error_is_one_line_and_an_exit_code(error: BaseException, code: int, line: str) -> None:
    result = CliRunner().invoke(application(error), ["do"])
    assert result.exit_code == code
    assert result.stderr.startswith(line)
    assert result.stderr.count("\n") == 1
    assert result.stdout == ""


def test_traceback_on_request() -> None:
    result = CliRunner().invoke(application(DataError("bad")), ["--traceback", "do"])
    assert result.exit_code == 1
    assert "Traceback" in result.stderr
    assert result.stderr.endswith("error: bad\n")


def test_escape_sequences_of_a_message_do_not_reach_the_terminal() -> None:
    result = CliRunner().invoke(application(DataError("row \x1b[31m1\x07")), ["do"])
    assert result.stderr == "error: row \\x1b[31m1\\x07\n"


def test_warnings_of_the_library_are_one_line_on_stderr() -> None:
    result = CliRunner().invoke(application(lambda: warnings.warn("look\nout", RidgebackWarning, stacklevel=1)), ["do"])
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "warning: look out\n")


def test_a_reader_that_leaves_is_no_error() -> None:
    read_end, write_end = os.pipe()
    os.close(read_end)
    done = subprocess.run(
        [sys.executable, "-c", "from ridgeback.cli import main; main(['doctor', '--help'])"],
        stdout=write_end, stderr=subprocess.PIPE, text=True, check=False,
    )  # fmt: skip
    os.close(write_end)
    assert done.stderr == ""


def test_ctrl_c_before_any_work_exits_130() -> None:
    program = "import os, signal\nfrom ridgeback.cli import main\n"
    program += (
        "import ridgeback.cli.doctor as d\nd.command.callback = lambda **_: os.kill(os.getpid(), signal.SIGINT)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program + "main(['doctor'])"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "interrupted\n")


def test_nothing_at_all_shows_the_help_page_and_is_usage() -> None:
    result = CliRunner().invoke(main, [])
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == CliRunner().invoke(main, ["--help"]).stdout
