"""Text from files made safe to print: no control character reaches the terminal."""

from __future__ import annotations

_CONTROLS = [*range(0x00, 0x20), *range(0x7F, 0xA0), 0x2028, 0x2029, *range(0x202A, 0x202F), *range(0x2066, 0x206A)]
_ESCAPES = {code: (f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}") for code in _CONTROLS}
_ESCAPES_BUT_NEWLINES = {code: escape for code, escape in _ESCAPES.items() if code not in (0x09, 0x0A)}


def printable(text: str, keep_newlines: bool = False) -> str:
    """Write control characters, and those that turn the direction of writing, as visible escapes."""
    return text.translate(_ESCAPES_BUT_NEWLINES if keep_newlines else _ESCAPES)
