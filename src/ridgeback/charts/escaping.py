"""Words from anywhere as the text of a page: escaped, without what no page may hold."""

from __future__ import annotations

import re
from html import escape

# Control characters, surrogates and non-characters, which no XML may hold, and those that turn the text around them.
_REFUSED = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]")


def escaped(words: str) -> str:
    """Return the words as the content of an element or attribute."""
    return escape(_REFUSED.sub("\ufffd", words))
