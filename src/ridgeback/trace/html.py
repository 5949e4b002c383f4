"""The trace as one HTML file that needs nothing else: style, module and record inside it."""

from __future__ import annotations

import base64
import html
import json
import re
from importlib import resources
from typing import Protocol

# The parts of the page's one ES module, each after those that it imports from.
MODULES = (
    "numbers",
    "checks",
    "record",
    "solving",
    "arithmetic",
    "dom",
    "grid",
    "panel",
    "chart",
    "stories",
    "verifying",
    "trace",
)

_IMPORT = re.compile(r'^import \{([^}]*)\} from "\./(\w+)\.js";$', re.MULTILINE)
_EXPORT = re.compile(r"^export (?:async )?(?:function\*?|const|class) (\w+)", re.MULTILINE)


class Recorded(Protocol):
    """Whatever can tell a trace as JSON: a `ridgeback.Trace`."""

    def to_json(self) -> str:
        """The record, as ``docs/trace.md`` specifies it."""
        ...


def page(trace: Recorded, other: Recorded | None = None) -> str:
    """One self-contained HTML page of a trace, or of two traces side by side.

    Parameters
    ----------
    trace : Trace
    other : Trace, optional
        Shown beside the first, with its steps moving along.

    Returns
    -------
    str
        It loads nothing and may be opened from a file.

    Notes
    -----
    The size is that of the record and about 180 kB. The record is text inside the page in which ``<`` is written as an
    escape, so that no id or title can end it.
    """
    records = [trace.to_json()] if other is None else [trace.to_json(), other.to_json()]
    titles = [_title(record) for record in records]
    title = titles[0] if len(records) == 1 else f"{titles[0]} beside {titles[1]}"
    module = base64.b64encode(module_text().encode()).decode()
    imports = json.dumps({"imports": {"ridgeback-trace": f"data:text/javascript;base64,{module}"}})
    return _PAGE.format(
        title=html.escape(title),
        style=style_text(),
        is_pair="pair" if len(records) > 1 else "single",
        heading="" if len(records) == 1 else '<h1 class="pair-title">Two traces side by side</h1>',
        places="\n".join('<div data-mount class="place"></div>' for _ in records),
        records="\n".join(_embedded(record) for record in records),
        imports=imports,
        boot=_file("boot.js").replace('"./trace.js"', '"ridgeback-trace"'),
    )


def module_text() -> str:
    """The page's ES module, its parts as one text: each but the last in a scope of its own, as they have as files.

    It exports ``mount(element, record, host)`` and, for anywidget, a default with ``render``.
    """
    *parts, last = (_IMPORT.sub(r"const {\1} = $\2;", _file(f"{name}.js")) for name in MODULES)
    scopes = []
    for name, text in zip(MODULES, parts, strict=False):
        names = ", ".join(_EXPORT.findall(text))
        scopes.append(f"const ${name} = (() => {{\n{_EXPORT.sub(_without_export, text)}return {{ {names} }};\n}})();\n")
    return "\n".join([*scopes, last])


def _without_export(found: re.Match[str]) -> str:
    return found.group().removeprefix("export ")


def style_text() -> str:
    """The page's style sheet; every rule is below the class ``ridgeback-trace``."""
    return _file("trace.css")


def _file(name: str) -> str:
    return resources.files("ridgeback.trace").joinpath("page").joinpath(name).read_text(encoding="utf-8")


def _embedded(record: str) -> str:
    """A record as data inside the page; no text in it can end the element that it stands in."""
    text = record.replace("<", "\\u003c")
    return f'<script type="application/json" data-trace>{text}</script>'


def _title(record: str) -> str:
    header = json.loads(record)
    return str(header.get("title") or f"{header['model']}, step by step")


_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<link rel="icon" href="data:,">
<style>
{style}
body {{ margin: 0; background: #fbfaf7; }}
.pair-title {{ font: 500 28px/1.2 Georgia, serif; margin: 0; padding: 28px 24px 0; color: #1d2129; }}
.place > .ridgeback-trace {{ min-height: 100vh; max-width: 1720px; margin: 0 auto; }}
@media (prefers-color-scheme: dark) {{ body {{ background: #14161a; }} .pair-title {{ color: #e9e6df; }} }}
@media (min-width: 1200px) {{ .pair {{ display: grid; grid-template-columns: 1fr 1fr; }} }}
.pair > .place {{ min-width: 0; }}
</style>
</head>
<body>
<main>
{heading}
<div class="{is_pair}">
{places}
</div>
</main>
<noscript>This page shows a trace of alternating least squares; it needs JavaScript, and loads nothing.</noscript>
{records}
<script type="importmap">{imports}</script>
<script type="module">
{boot}
</script>
</body>
</html>
"""
