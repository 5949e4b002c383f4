"""One self-contained HTML page: tables and their style, light and dark, no script, nothing from the network."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from ridgeback.charts.escaping import escaped

STYLE = """
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
.table { overflow-x: auto; }
table { border-collapse: collapse; margin: 1rem 0; }
caption { text-align: left; font-weight: 600; padding-bottom: .5rem; }
th, td { padding: .25rem .9rem; border-bottom: 1px solid color-mix(in srgb, currentColor 25%, transparent); }
th[scope=col], td { text-align: right; font-variant-numeric: tabular-nums; }
th[scope=row], th:first-child, th.words, td.words { text-align: left; }
th[scope=row] { font-weight: 400; }
td.best { font-weight: 700; }
code { overflow-wrap: anywhere; }
summary { cursor: pointer; }
"""


def page(title: str, body: str) -> str:
    """Return a whole page.

    Parameters
    ----------
    title : str
        Escaped here.
    body : str
        HTML below ``<main>``.
    """
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escaped(title)}</title>
<style>{STYLE}</style>
</head>
<body>
<main>
{body}
</main>
</body>
</html>"""


def table(caption: str, head: str, rows: Iterable[str]) -> str:
    """Return a table of cells that are HTML already, in a region of its own that scrolls where it is too wide.

    Parameters
    ----------
    caption : str
        Escaped here.
    head : str
        The ``<th>`` cells.
    rows : iterable of str
        The ``<tr>`` elements.
    """
    name = escaped(caption)
    return (
        f'<div class="table" role="region" tabindex="0" aria-label="{name}"><table>'
        f"<caption>{name}</caption><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table></div>"
    )


def plain_table(caption: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table of text, escaped here; the first cell of a row names it."""
    head = "".join(f'<th scope="col">{escaped(column)}</th>' for column in columns)
    body = (
        f'<tr><th scope="row">{escaped(first)}</th>{"".join(f"<td>{escaped(cell)}</td>" for cell in others)}</tr>'
        for first, *others in rows
    )
    return table(caption, head, body)


def details(summary: str, content: str) -> str:
    """Return content that is folded away until somebody asks for it."""
    return f"<details><summary>{escaped(summary)}</summary>{content}</details>"


def written(text: str, path: str | os.PathLike[str] | None) -> str:
    """Write the text where a path is given; return it either way."""
    if path is not None:
        Path(path).write_text(text + "\n", encoding="utf-8")
    return text
