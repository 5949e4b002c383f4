"""The group of commands: finds commands when asked for, turns every ending into one line and an exit code."""

from __future__ import annotations

import difflib
import importlib
import os
import sys
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import click

from ridgeback.errors import ParameterError, RidgebackError, RidgebackWarning

FAILED, USAGE, INTERRUPTED = 1, 2, 130


class Failure(click.ClickException):
    """Something went wrong after the command line was understood: one line, exit code 1."""

    exit_code = FAILED


class Interrupted(click.ClickException):
    """The user pressed ctrl-C: one line, exit code 130."""

    exit_code = INTERRUPTED


class Application(click.Group):
    """A group whose commands are named with their summaries here and imported when first used."""

    def __init__(self, *args: Any, commands: Mapping[str, str], **settings: Any) -> None:
        settings.setdefault("context_settings", {"help_option_names": ["-h", "--help"], "max_content_width": 100})
        super().__init__(*args, **settings)
        self.summaries = dict(commands)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names, in the order of the main job."""
        return list(self.summaries)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the module of one command."""
        if cmd_name not in self.summaries:
            return None
        command: click.Command = importlib.import_module(f"ridgeback.cli.{cmd_name.replace('-', '_')}").command
        return command

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Show the help page where there is nothing to parse."""
        if not args:
            click.echo(ctx.get_help(), err=True)
            ctx.exit(USAGE)
        return super().parse_args(ctx, args)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Name the closest command when there is none of that name."""
        name = args[0] if args else ""
        if name and name not in self.summaries and not name.startswith("-"):
            close = difflib.get_close_matches(name.replace("_", "-"), self.summaries, 1)
            advice = f"did you mean '{close[0]}'?" if close else f"commands: {', '.join(self.summaries)}."
            raise click.UsageError(f"no command '{name}'; {advice}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands from their summaries, importing none of them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(self.summaries.items()))

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; click must not see a broken pipe or ctrl-C, for which it has rules of its own."""
        try:
            value = super().invoke(ctx)
            sys.stdout.flush()
            return value
        except (click.ClickException, click.exceptions.Exit, click.Abort) as error:
            if ctx.params.get("traceback") and error.__cause__ is not None:
                _print_traceback(error.__cause__)
            raise
        except BrokenPipeError:
            _forget_stdout()
            return None
        except KeyboardInterrupt as error:
            raise Interrupted("interrupted") from error
        except Exception as error:
            if ctx.params.get("traceback"):
                _print_traceback(error)
            raise _as_click_exception(error, self._option_names(ctx)) from error

    def _option_names(self, ctx: click.Context) -> set[str]:
        """The options of the command that ran, spelt as in Python."""
        command = self.get_command(ctx, ctx.invoked_subcommand or "")
        own = set() if command is None else {parameter.name or "" for parameter in command.params}
        return own | {"include_history"}

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        **extra: Any,
    ) -> Any:
        """Run and exit with 0, 1 (failed), 2 (usage) or 130 (interrupted), after one line on stderr."""
        if not standalone_mode:
            return super().main(args, prog_name, complete_var, standalone_mode=False, **extra)
        _make_streams_forgiving()
        try:
            with _warnings_as_lines():
                value = super().main(args, "ridgeback", complete_var, standalone_mode=False, **extra)
            code = value if isinstance(value, int) else 0
        except click.ClickException as error:
            _print_line("interrupted" if isinstance(error, Interrupted) else "error", _message(error))
            code = error.exit_code
        except (click.Abort, KeyboardInterrupt):
            _print_line("interrupted", "interrupted")
            code = INTERRUPTED
        sys.exit(code)


def _message(error: click.ClickException) -> str:
    """The sentence of an error; a usage error also names the page that helps."""
    message = error.format_message().strip()
    if isinstance(error, click.NoSuchOption):
        close = f"; did you mean '{error.possibilities[0]}'?" if error.possibilities else "."
        message = f"no such option '{error.option_name}'{close}"
    if isinstance(error, click.UsageError) and error.ctx is not None and message:
        end = "" if message.endswith((".", "?")) else "."
        message = f"{message[0].lower()}{message[1:]}{end} Try '{error.ctx.command_path} --help'."
    return message


def _as_click_exception(error: Exception, option_names: set[str]) -> click.ClickException:
    """One line and an exit code for an error of the library, of the system, or of nobody's planning."""
    if isinstance(error, RidgebackError):
        from ridgeback.cli.wording import as_options

        message = as_options(str(error), option_names)
        return click.UsageError(message) if isinstance(error, ParameterError) else Failure(message)
    if isinstance(error, OSError) and error.strerror:
        where = f"{os.fsdecode(error.filename)}: " if error.filename else ""
        return Failure(f"{where}{error.strerror}")
    if isinstance(error, MemoryError):
        return Failure("not enough memory; close other programs, or use fewer factors (--n-factors) or fewer rows.")
    if isinstance(error, RuntimeError) and str(error).startswith("RIDGEBACK_"):  # an environment variable of ours
        return Failure(str(error))
    if isinstance(error, ImportError) and "_native" in str(error):
        return Failure(
            f"the native part of ridgeback cannot be loaded ({error}); install it anew: pip install ridgeback."
        )
    return Failure(
        f"unexpected {type(error).__name__}: {error} (a bug in ridgeback; "
        "'ridgeback --traceback COMMAND ...' shows where, for the report)."
    )


def _print_line(kind: str, text: str) -> None:
    """Write one line on stderr, whatever the text holds."""
    from ridgeback.plain_text import printable

    line = " ".join(printable(text, keep_newlines=True).split())
    click.echo(line if kind == "interrupted" else f"{kind}: {line}", err=True)


def _print_traceback(error: BaseException) -> None:
    import traceback

    traceback.print_exception(error, file=sys.stderr)


@contextmanager
def _warnings_as_lines() -> Iterator[None]:
    """Show warnings of the library as one line each."""
    with warnings.catch_warnings():
        warnings.simplefilter("always", RidgebackWarning)
        show = warnings.showwarning

        def show_line(message: Warning | str, category: type[Warning], *place: Any, **more: Any) -> None:
            if issubclass(category, RidgebackWarning):
                _print_line("warning", str(message))
            else:
                show(message, category, *place, **more)

        warnings.showwarning = show_line
        yield


def _make_streams_forgiving() -> None:
    """Let a character that the terminal's encoding lacks come out as '?' instead of ending the program."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="replace")


def _forget_stdout() -> None:
    """Point stdout at nothing after its reader has gone, so that the last flush at exit stays quiet."""
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (OSError, ValueError):
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
