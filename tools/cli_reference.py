"""Write docs/cli.md and tests/golden/help/ from the commands' own --help: ``python tools/cli_reference.py``.

A test compares the files with what this would write, so the reference cannot go stale; review the diff.
"""

from __future__ import annotations

from pathlib import Path

import click

from ridgeback.cli import COMMANDS, main

REPOSITORY = Path(__file__).resolve().parent.parent
WIDTH = 100
INTRODUCTION = """\
# Command line

The words of the command line are those of Python: `--n-factors` is `n_factors`. This page is what `--help` says,
command by command, in the order of the main job.

    ridgeback check ratings.csv
    ridgeback fit ratings.csv --model implicit -o shop.ridge
    ridgeback evaluate ratings.csv --model implicit
    ridgeback sweep ratings.csv --model implicit
    ridgeback recommend shop.ridge --user 42
    ridgeback fold-in shop.ridge --items "1,2,3"
    ridgeback explain shop.ridge --user 42 --item 7

Results go to stdout: as tables on a terminal, as aligned plain text into a pipe or file, and as one JSON document with
`--json`. Errors, warnings and progress go to stderr, one line each, progress on a terminal only. `NO_COLOR` is
respected. Ids are typed as they stand in the data; where the model has titles, a title (or a part that no other title
has) can be typed for an item.

| exit code | meaning |
|---|---|
| 0 | done |
| 1 | failed: a file, an id or the data cannot be used; the line on stderr says what to do |
| 2 | usage: the command line cannot be understood, or a parameter cannot have that value |
| 130 | interrupted by ctrl-C; `fit` saves what it has and says so |
"""


def help_page(*names: str) -> str:
    """The help page of the program or of one command, without trailing spaces."""
    context = click.Context(main, info_name="ridgeback", terminal_width=WIDTH, max_content_width=WIDTH)
    command: click.Command = main
    for name in names:
        found = main.get_command(context, name)
        assert found is not None, name
        command = found
        context = click.Context(command, parent=context, info_name=name, terminal_width=WIDTH, max_content_width=WIDTH)
    context.help_option_names = ["-h", "--help"]
    return "\n".join(line.rstrip() for line in command.get_help(context).splitlines()) + "\n"


def files() -> dict[Path, str]:
    """What belongs into each file."""
    pages = {"ridgeback": help_page(), **{name: help_page(name) for name in COMMANDS}}
    sections = [
        f"## {'ridgeback' if name == 'ridgeback' else f'ridgeback {name}'}\n\n```text\n{page}```\n"
        for name, page in pages.items()
    ]
    golden = {REPOSITORY / "tests" / "golden" / "help" / f"{name}.txt": page for name, page in pages.items()}
    return {REPOSITORY / "docs" / "cli.md": "\n".join([INTRODUCTION, *sections]), **golden}


if __name__ == "__main__":
    for path, text in files().items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        print(f"wrote {path.relative_to(REPOSITORY)}")
