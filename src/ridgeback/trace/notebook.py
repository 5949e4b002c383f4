"""The trace in a notebook: the page's module in a widget, or the whole page in a frame where anywidget is missing."""

from __future__ import annotations

import functools
import html
from typing import TYPE_CHECKING, Any

from ridgeback.trace.html import module_text, page, style_text

if TYPE_CHECKING:
    from ridgeback.trace.trace import Trace

LARGEST_SHOWN = 20_000_000  # characters: what a notebook file should be asked to carry
LARGEST_TWICE = 1_000_000  # the record, beside the widget, again as a page for readers that run no widgets
FRAME_HEIGHT = 820


def mime_bundle(trace: Trace) -> dict[str, Any]:
    """What ``_repr_mimebundle_`` returns: text, the page, and the live widget where anywidget is installed.

    Notes
    -----
    A page in a frame keeps its style and the notebook's apart. A record beyond 20 million characters is not put into
    the notebook: the text says to write a file instead.
    """
    bundle: dict[str, Any] = {"text/plain": repr(trace)}
    if not trace.header:
        return bundle
    size = len(trace.to_json())
    if size > LARGEST_SHOWN:
        advice = (
            f"{trace!r}: {size / 1e6:,.0f} MB are too much for a notebook; trace.to_html('trace.html') writes a page."
        )
        return {"text/plain": advice}
    live = _live(trace)
    if live is None or size <= LARGEST_TWICE:
        bundle["text/html"] = frame(trace)
    return bundle | (live or {})


def frame(trace: Trace) -> str:
    """The page inside an ``iframe``, as HTML text."""
    return (
        f'<iframe title="Trace of {html.escape(str(trace.header["model"]))}" sandbox="allow-scripts" '
        f'style="width: 100%; height: {FRAME_HEIGHT}px; border: 0" srcdoc="{html.escape(page(trace))}"></iframe>'
    )


def _live(trace: Trace) -> dict[str, Any] | None:
    """The widget's own MIME bundle, or None without anywidget."""
    try:
        kind = _widget_class()
    except ImportError:
        return None
    shown: Any = kind(record=trace.to_json())._repr_mimebundle_()
    bundle = shown[0] if isinstance(shown, tuple) else shown
    return {kind: content for kind, content in bundle.items() if kind != "text/plain"} if bundle else None


@functools.cache
def _widget_class() -> Any:
    import anywidget
    import traitlets

    class TraceWidget(anywidget.AnyWidget):  # type: ignore[misc, unused-ignore]
        """The trace page's module, with the record as its one trait."""

        _esm = module_text()
        _css = style_text()
        record = traitlets.Unicode().tag(sync=True)

    return TraceWidget
