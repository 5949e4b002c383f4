"""Tables, plain text and JSON."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest
from rich.cells import cell_len

from cli.films import strict_json
from cli.terminal import on_a_terminal
from ridgeback.cli.output import Output, plain_table, to_json
from ridgeback.plain_text import cell_text, printable

TABLE = """
from ridgeback.cli.output import Output
out = Output()
out.heading("films")
out.table(["item", "title", "score"], [[1, "[bold]시네마 천국", 0.5], [22, "Heat \\x1b[31m", 0.25]])
out.finish({}, [["recommend", "a b.ridge"]])
"""


def shown_on_a_terminal(**environment: str) -> str:
    code, written = on_a_terminal([sys.executable, "-c", TABLE], **environment)
    assert code == 0, written
    return written


def test_plain_text_aligns_wide_characters_by_cells() -> None:
    lines = plain_table(
        ["item", "title", "score"], [["1", "시네마 천국", "0.5"], ["22", "Heat", "0.25"]], [True, False, True]
    )
    assert lines == ["item  title        score", "   1  시네마 천국    0.5", "  22  Heat          0.25"]
    assert {cell_len(line) for line in lines} == {cell_len(lines[0])}


def test_piped_output_is_plain(capsys: pytest.CaptureFixture[str]) -> None:
    exec(TABLE)
    written = capsys.readouterr().out
    assert written == (
        "\nfilms\n"
        "item  title              score\n"
        "   1  [bold]시네마 천국  0.5000\n"
        "  22  Heat \\x1b[31m      0.2500\n"
        "\nnext: ridgeback recommend 'a b.ridge'\n"
    ).replace("title              score", "title               score")


def test_a_terminal_gets_a_table_with_colour_and_no_control_character_of_the_data() -> None:
    written = shown_on_a_terminal()
    assert "\x1b[1m" in written
    assert "\x1b[31m" not in written
    assert "[bold]시네마 천국" in written, "titles are no markup"
    assert "─" in written


@pytest.mark.parametrize("environment", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_no_colour_where_none_is_wanted(environment: dict[str, str]) -> None:
    written = shown_on_a_terminal(**environment)
    assert "\x1b" not in written
    assert "시네마 천국" in written


def test_an_empty_no_color_counts_as_unset() -> None:
    assert "\x1b[1m" in shown_on_a_terminal(NO_COLOR="")


def test_force_color_does_not_colour_a_pipe() -> None:
    done = subprocess.run(
        [sys.executable, "-c", TABLE],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "FORCE_COLOR": "1"},
    )
    assert "\x1b" not in done.stdout


def test_json_is_strict_and_knows_numpy(capsys: pytest.CaptureFixture[str]) -> None:
    out = Output(is_json=True)
    out.say("prose")
    out.heading("prose")
    out.table(["a"], [[1]])
    payload = {
        "nan": float("nan"), "inf": np.float32("inf"), "int": np.int64(3), "array": np.array([1.0, np.nan]),
        "rows": ({"id": np.str_("x")} for _ in range(1)), "title": "시네마", "yes": np.bool_(True), "none": None,
    }  # fmt: skip
    out.finish(payload, [["fit", "a.csv"]])
    assert strict_json(capsys.readouterr().out) == {
        "nan": None, "inf": None, "int": 3, "array": [1.0, None], "rows": [{"id": "x"}], "title": "시네마", "yes": True,
        "none": None, "next": ["ridgeback fit a.csv"],
    }  # fmt: skip


def test_json_survives_a_lone_surrogate() -> None:
    assert strict_json(to_json({"path": "a\udcff"})) == {"path": "a?"}


@pytest.mark.parametrize("encoding", ["ascii", "cp949", "latin-1"])
def test_a_poor_encoding_of_the_terminal_ends_nothing(encoding: str) -> None:
    program = "from ridgeback.cli.application import _make_streams_forgiving as f\nf()\n" + TABLE
    environment = {**os.environ, "PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, env=environment)
    assert b"22" in done.stdout


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "-"), (True, "yes"), (3, "3"), (np.int32(4), "4"), (0.123456, "0.1235"), (np.float32(2), "2.0000"),
        (1.5e-7, "1.500e-07"), (1.25e11, "1.250e+11"), (0.0, "0.0000"), (float("nan"), "-"), ("a\nb", "a\\x0ab"),
    ],
)  # fmt: skip
def test_values_of_cells(value: object, text: str) -> None:
    assert cell_text(value) == text


def test_printable_escapes_what_moves_the_cursor_or_turns_the_line() -> None:
    assert printable("a\x1b]0;x\x07\u202eb\x9b") == "a\\x1b]0;x\\x07\\u202eb\\x9b"
    assert printable("가나다 é 🎬") == "가나다 é 🎬"
