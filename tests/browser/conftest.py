"""Pages in a real Chromium: the system's own, found by RIDGEBACK_CHROMIUM or on the PATH, without any network."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def find_chromium() -> str | None:
    """The path of a Chromium, or None."""
    named = os.environ.get("RIDGEBACK_CHROMIUM")
    return named or next((path for path in map(shutil.which, NAMES) if path), None)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """A running Chromium, ended with the module: its event loop must not meet those of other tests."""
    path = find_chromium()
    if path is None or not Path(path).is_file():
        pytest.skip(
            f"no Chromium {f'at {path}' if path else 'on the PATH'}: install it (Debian, Ubuntu: apt-get install "
            "chromium) or set RIDGEBACK_CHROMIUM to its path"
        )
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield running
        running.close()


@pytest.fixture
def open_page(browser: Any, tmp_path: Path) -> Iterator[Callable[..., Any]]:
    """A function that opens HTML text from a file, offline; errors on the console or requests fail the test.

    ``open_page(text, address="", selector=..., **context)``: what stands behind the file's name, what is waited for,
    and Playwright's options.
    """
    contexts: list[Any] = []
    complaints: list[str] = []

    def open_text(text: str, address: str = "", selector: str = ".ridgeback-trace", **options: Any) -> Any:
        path = tmp_path / f"page{len(contexts)}.html"
        path.write_text(text, encoding="utf-8")
        context = browser.new_context(offline=True, **options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(10_000)
        page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on(
            "request",
            lambda request: None if request.url.startswith(("file:", "data:")) else complaints.append(request.url),
        )
        page.goto(f"{path.as_uri()}{address}")
        page.wait_for_selector(selector)
        return page

    yield open_text
    for context in contexts:
        context.close()
    assert complaints == []
