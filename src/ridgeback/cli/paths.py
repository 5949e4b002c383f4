"""Paths on the command line: checked before any work is done, with advice where they cannot be used."""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterable
from pathlib import Path

import click

from ridgeback.cli.application import Failure


def input_file(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    """Callback of an argument or option that names a file to read; None stays None."""
    if value is not None:
        check_input(value)
    return value


def event_file(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    """Callback of an argument that names a table of events; ``-`` is what is piped in."""
    return input_file(ctx, param, "/dev/stdin" if value == "-" else value)


def output_file(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    """Callback of an option that names a file to write; None stays None."""
    if value is not None:
        check_output(value)
    return value


def check_input(name: str) -> None:
    """Fail unless a file can be read there; name the closest file when there is none."""
    path = Path(name)
    if not name:
        raise Failure("the path of a file is empty; give its name.")
    if path.is_dir():
        raise Failure(f"{name} is a directory; give a file in it.")
    if not path.exists():
        raise Failure(f"{name}: no such file{_closest(path)}")
    if not os.access(path, os.R_OK):
        raise Failure(f"{name} cannot be read: permission denied; check the rights of the file.")


def check_output(name: str) -> None:
    """Fail unless a file can be written there, before hours of work are spent on it."""
    path = Path(name)
    if not name:
        raise Failure("the output path is empty; give the name of a file.")
    if path.is_dir():
        raise Failure(f"{name} is a directory; give the name of a file in it, such as {path / 'model.ridge'}.")
    if path.exists() and not path.is_file():
        raise Failure(
            f"{name} is a device or a pipe, which a finished file cannot take the place of; give a file's name."
        )
    parent = path.parent
    if not parent.exists():
        raise Failure(f"{name} cannot be written: there is no directory {parent}; make it with 'mkdir -p {parent}'.")
    if not parent.is_dir():
        raise Failure(f"{name} cannot be written: {parent} is not a directory.")
    if not os.access(parent, os.W_OK):
        raise Failure(f"{name} cannot be written: permission denied in {parent}; choose another place.")


def check_not_among(output: str, inputs: Iterable[str | None]) -> None:
    """Fail where the output would take the place of what is read."""
    for name in inputs:
        if name is not None and Path(output).exists() and Path(name).exists() and Path(output).samefile(name):
            raise Failure(f"{output} is the input {name}, which would be lost; give the output another name.")


def _closest(path: Path) -> str:
    """'; did you mean ...?' when the directory holds a file of a similar name."""
    if not path.parent.is_dir():
        return f"; there is no directory {path.parent} either."
    try:
        names = [entry.name for entry in os.scandir(path.parent)]
    except OSError:
        return "."
    close = difflib.get_close_matches(path.name, names, 1)
    return f"; did you mean {path.parent / close[0]}?" if close else f"; {path.parent.resolve()} has no such name."
