"""A trace renders itself in a notebook: a real one is executed, with anywidget and without."""

from __future__ import annotations

import html
import json
import re
from pathlib import Path
from typing import Any

import pytest

import ridgeback as rb
from ridgeback.trace import notebook
from ridgeback.trace.html import module_text

WIDGET = "application/vnd.jupyter.widget-view+json"
CELL = "import ridgeback as rb\nrb.examples.explicit_2x2(regularization=0.1, n_iterations=1)"
HIDE_ANYWIDGET = "import sys\nsys.modules['anywidget'] = None"


def executed(directory: Path, monkeypatch: pytest.MonkeyPatch, *sources: str) -> Any:
    """A notebook of these cells after a kernel ran it."""
    import nbformat
    from nbclient import NotebookClient

    for name in ("IPYTHONDIR", "JUPYTER_RUNTIME_DIR", "JUPYTER_CONFIG_DIR"):
        monkeypatch.setenv(name, str(directory / name))
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in sources])
    return NotebookClient(book, timeout=120, kernel_name="python3").execute()


def bundle_of(cell: Any) -> dict[str, Any]:
    (output,) = cell["outputs"]
    assert output["output_type"] == "execute_result"
    return dict(output["data"])


def test_a_notebook_shows_the_widget(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    book = executed(tmp_path, monkeypatch, CELL, "print(type(rb.Trace()).__name__)", "rb.Trace()")
    bundle = bundle_of(book.cells[0])
    assert bundle["text/plain"].startswith("Trace(ExplicitALS, whole, 2 users, 2 items")
    states = book.metadata["widgets"]["application/vnd.jupyter.widget-state+json"]["state"]
    state = states[bundle[WIDGET]["model_id"]]["state"]
    assert state["_esm"] == module_text()
    assert json.loads(state["record"])["model"] == "ExplicitALS"
    assert bundle["text/html"].startswith("<iframe")
    assert bundle_of(book.cells[2]) == {"text/plain": "Trace(nothing recorded yet: pass it to fit(trace=))"}


def test_a_notebook_without_anywidget_shows_the_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bundle = bundle_of(executed(tmp_path, monkeypatch, HIDE_ANYWIDGET, CELL).cells[1])
    assert WIDGET not in bundle
    frame = re.fullmatch(r'<iframe .*? srcdoc="([^"]*)"></iframe>', bundle["text/html"], re.DOTALL)
    assert frame is not None
    page = html.unescape(frame.group(1))
    assert page.startswith("<!doctype html>")
    assert '"model": "ExplicitALS"' in page


def test_a_record_that_is_too_long_for_a_notebook_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notebook, "LARGEST_SHOWN", 1000)
    bundle = rb.examples.explicit_2x2()._repr_mimebundle_()
    assert list(bundle) == ["text/plain"]
    assert "trace.to_html('trace.html') writes a page" in bundle["text/plain"]
