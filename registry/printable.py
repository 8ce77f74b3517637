"""Control characters made visible, before text that others wrote reaches a terminal or a document."""

from __future__ import annotations

_BIDI = (0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A))
_SEPARATORS = (0x2028, 0x2029)
_TAGS = range(0xE0000, 0xE0080)
# Python reads the byte 0x9b of a file name as the surrogate U+DC9B and would write the byte again.
_C1_BYTES = range(0xDC80, 0xDCA0)
UNSAFE = (*range(0x20), *range(0x7F, 0xA0), *_BIDI, *_SEPARATORS, *_TAGS, *_C1_BYTES)
"""Code points that are escaped."""


def _escape(code: int) -> str:
    if code in _C1_BYTES:
        code -= 0xDC00
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


_ESCAPES = {code: _escape(code) for code in UNSAFE} | {0x09: "\\t", 0x0A: "\\n", 0x0D: "\\r"}
_ESCAPES_IN_LINES = {code: text for code, text in _ESCAPES.items() if code not in {0x09, 0x0A}}


def printable(text: str, *, multiline: bool = False) -> str:
    r"""Replaces control characters by escapes such as ``\x1b``.

    A terminal obeys control characters: a name from a file or a server could move the cursor, hide text, set
    the clipboard, or reverse the order of letters. The replaced characters are C0, DEL, C1, the bidirectional
    controls, the line separators of Unicode, and invisible tags.

    >>> print(printable("\x1b[31mred\r"))
    \x1b[31mred\r

    Args:
        text: Any text.
        multiline: Whether line feeds and tabs are kept.
    """
    if text.isascii() and text.isprintable():
        return text
    return text.translate(_ESCAPES_IN_LINES if multiline else _ESCAPES)
