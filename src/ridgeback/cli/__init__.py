"""The command line: each command parses its arguments, calls one function of the library and prints what came back.

This module names the commands and imports click alone, so that ``ridgeback --help`` answers at once; a command's own
module is imported when the command runs.
"""

from __future__ import annotations

import click

from ridgeback._version import __version__
from ridgeback.cli.application import Application

COMMANDS = {
    "demo": "Run the whole way on invented data: no file needed.",
    "check": "Look at a table of events before fitting.",
    "fit": "Fit a model and save it in one file.",
    "recommend": "Recommend items to one user or to all.",
    "fold-in": "Recommend to a new user, given what they like.",
    "explain": "Say why a user is recommended an item.",
    "similar": "List the items or users closest to one.",
    "evaluate": "Judge a model on data it has not seen.",
    "sweep": "Find out how many factors help.",
    "tune": "Find the parameters that serve best.",
    "trace": "Show every matrix of a fit at every step.",
    "inspect": "Show what a model file holds.",
    "doctor": "Show versions, threads and instruction set.",
}


@click.group(cls=Application, commands=COMMANDS)
@click.version_option(__version__, prog_name="ridgeback", message="%(prog)s %(version)s")
@click.option("--traceback", is_flag=True, help="On an error, show where in the code it came from.")
def main(traceback: bool) -> None:
    """Recommendations by alternating least squares: ridge regressions, back and forth.

    A table of events goes in; a model file, recommendations with reasons, and answers for new users come out.
    Start with `ridgeback demo`, or with your own table: `ridgeback check FILE`.
    """
