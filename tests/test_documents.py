"""Documents are run: the Python blocks of every Markdown page, and the ``$ ridgeback`` lines of its console blocks.

Each page runs in a directory of its own with ``ratings.csv`` (userId, movieId, rating, timestamp) and ``movies.csv``
(movieId, title, genres), in the order of the page. Blocks with ``>>>`` are doctests; the output shown below a command
must match, with ``...`` for what varies. ``<!--- skip: next -->`` leaves the next block out.
"""

from __future__ import annotations

import csv
import doctest
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from sybil import Document, Example, Sybil
from sybil.parsers.markdown import CodeBlockParser, PythonCodeBlockParser, SkipParser

from ridgeback.data.synthetic import plant_catalogue

REPOSITORY = Path(__file__).resolve().parent.parent
PAGES = [*sorted(REPOSITORY.glob("*.md")), *sorted((REPOSITORY / "docs").rglob("*.md"))]
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def commands_in(block: str) -> list[tuple[str, str]]:
    """The ``$`` commands of a console block, continuation lines joined, each with the output shown below it."""
    commands: list[tuple[str, str]] = []
    for line in block.replace("\\\n", " ").splitlines():
        if line.startswith("$ "):
            commands.append((line[2:], ""))
        elif commands:
            command, output = commands[-1]
            commands[-1] = (command, f"{output}{line}\n")
    return commands


def run_console(example: Example) -> str | None:
    """Run the ``ridgeback`` commands of a block; what is wrong with the first that fails, or None."""
    environment = dict(os.environ, NO_COLOR="1", COLUMNS="100", PYTHONIOENCODING="utf-8")
    for command, expected in commands_in(example.parsed):
        words = shlex.split(command, comments=True)
        if words[0] != "ridgeback":
            continue
        arguments = [sys.executable, "-m", "ridgeback", *words[1:]]
        result = subprocess.run(arguments, env=environment, capture_output=True, encoding="utf-8", timeout=300)
        if result.returncode != 0:
            return f"$ {command}\nexit code {result.returncode}\n{result.stdout}{result.stderr}"
        if expected.strip() and not doctest.OutputChecker().check_output(expected, result.stdout, FLAGS):
            return f"$ {command}\nexpected:\n{expected}\ngot:\n{result.stdout}"
    return None


def parse(path: Path) -> Document:
    parsers = [SkipParser(), PythonCodeBlockParser(doctest_optionflags=FLAGS), CodeBlockParser("console", run_console)]
    return Sybil(parsers=parsers).parse(path)


def run_page(path: Path) -> int:
    """Run every example of a page in its order; how many there were."""
    examples = list(parse(path).examples())
    for example in examples:
        example.evaluate()
    return len(examples)


@pytest.fixture
def directory_with_tables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory of a page: a small catalogue with planted tastes, as the pages name its files."""
    planted = plant_catalogue(n_users=400, n_items=120)
    with (tmp_path / "ratings.csv").open("w", newline="", encoding="utf-8") as file:
        rows = zip(planted.users, planted.items, planted.ratings, planted.timestamps, strict=True)
        csv.writer(file).writerows([("userId", "movieId", "rating", "timestamp"), *rows])
    with (tmp_path / "movies.csv").open("w", newline="", encoding="utf-8") as file:
        titles = zip(planted.item_ids, planted.titles, planted.genres, strict=True)
        csv.writer(file).writerows([("movieId", "title", "genres"), *titles])
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.relative_to(REPOSITORY).as_posix())
def test_page(path: Path, directory_with_tables: Path) -> None:
    run_page(path)


def test_the_readme_has_examples() -> None:
    languages = [example.parsed for example in parse(REPOSITORY / "README.md").examples()]
    assert any("import ridgeback" in source for source in languages)
    assert any("$ ridgeback fit" in source for source in languages)


@pytest.mark.parametrize(
    ("block", "message"),
    [
        ("```python\nraise ValueError('seeded')\n```", "seeded"),
        ("```python\n>>> 1 + 1\n3\n```", "Expected"),
        ("```console\n$ ridgeback no-such-command\n```", "exit code 2"),
        ("```console\n$ ridgeback --version\nsomething else\n```", "expected:\nsomething else"),
    ],
)
def test_a_wrong_example_is_caught(block: str, message: str, tmp_path: Path, directory_with_tables: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"# Page\n\n{block}\n", encoding="utf-8")
    with pytest.raises(Exception, match=message):
        run_page(page)


def test_commands_are_read_with_their_output() -> None:
    block = "$ ridgeback fit ratings.csv \\\n    -o shop.ridge\nSaved\n...\n$ ridgeback doctor\n"
    assert commands_in(block) == [
        ("ridgeback fit ratings.csv      -o shop.ridge", "Saved\n...\n"),
        ("ridgeback doctor", ""),
    ]
