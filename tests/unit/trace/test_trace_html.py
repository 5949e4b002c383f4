"""The page of a trace as text: nothing is loaded from anywhere, no name ends an element, the module is one."""

from __future__ import annotations

import base64
import json
import re
from importlib import resources
from pathlib import Path

import pytest

import ridgeback as rb
from ridgeback.errors import ParameterError
from ridgeback.trace.html import MODULES, module_text, page, style_text


class Text:
    """A record that is already JSON."""

    def __init__(self, text: str) -> None:
        self.text = text

    def to_json(self) -> str:
        return self.text


def records_in(text: str) -> list[dict[str, object]]:
    return [
        json.loads(found) for found in re.findall(r'<script type="application/json" data-trace>(.*?)</script>', text)
    ]


@pytest.fixture(scope="module")
def trace() -> rb.Trace:
    return rb.examples.explicit_2x2(regularization=0.1)


def test_the_page_holds_the_record(trace: rb.Trace) -> None:
    assert records_in(trace.to_html()) == [json.loads(trace.to_json())]
    assert f"<title>{trace.header['title']}</title>" in trace.to_html()


def test_two_traces_in_one_page(trace: rb.Trace) -> None:
    other = rb.examples.explicit_2x2()
    text = trace.to_html(other=other)
    assert records_in(text) == [json.loads(trace.to_json()), json.loads(other.to_json())]
    assert text.count("<div data-mount") == 2


def test_the_page_is_written_to_a_path(trace: rb.Trace, tmp_path: Path) -> None:
    text = trace.to_html(tmp_path / "trace.html")
    assert (tmp_path / "trace.html").read_text(encoding="utf-8") == text


def test_nothing_is_loaded(trace: rb.Trace) -> None:
    text = trace.to_html()
    found = re.search(r'"ridgeback-trace": "data:text/javascript;base64,([A-Za-z0-9+/=]+)"', text)
    assert found is not None
    everything = text + base64.b64decode(found.group(1)).decode()
    addresses = set(re.findall(r"https?://[^\s\"'<)]*", everything))
    assert addresses == {"http://www.w3.org/2000/svg"}  # a name, not an address
    assert not re.search(r"<link(?! rel=\"icon\" href=\"data:,\")|<script[^>]*\ssrc=|@import|url\(", text)


def test_no_name_ends_an_element(trace: rb.Trace) -> None:
    hostile = "</script></title><script>alert(1)</script><!--"
    record = json.loads(trace.to_json())
    record["title"] = record["users"]["ids"][0] = record["items"]["ids"][1] = hostile
    text = page(Text(json.dumps(record)))
    assert hostile not in text
    assert text.count("<script>alert") == 0
    assert records_in(text) == [record]


def test_the_module_is_one_text_without_imports() -> None:
    text = module_text()
    assert not re.search(r"^import ", text, re.MULTILINE)
    assert re.findall(r"^export .*?(\w+)", text, re.MULTILINE)
    assert re.search(r"^export function mount\(", text, re.MULTILINE)
    assert re.search(r"^export default \{", text, re.MULTILINE)


def test_every_part_of_the_module_is_joined_after_what_it_imports() -> None:
    folder = resources.files("ridgeback.trace").joinpath("page")
    parts = {file.name.removesuffix(".js") for file in folder.iterdir() if file.name.endswith(".js")}
    assert parts == {*MODULES, "boot"}
    for name in MODULES:
        imported = re.findall(r'from "\./(\w+)\.js"', folder.joinpath(f"{name}.js").read_text(encoding="utf-8"))
        assert all(MODULES.index(each) < MODULES.index(name) for each in imported), name


def test_every_style_rule_keeps_to_the_page() -> None:
    bare = re.sub(r"/\*.*?\*/", "", style_text(), flags=re.DOTALL)
    selectors = re.findall(r"([^{}]+)\{", bare)
    loose = [one.strip() for one in selectors if not one.strip().startswith((".ridgeback-trace", "@"))]
    assert loose == []


def test_an_empty_trace_has_no_page() -> None:
    with pytest.raises(ParameterError, match="recorded nothing yet"):
        rb.Trace().to_html()
