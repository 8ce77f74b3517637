"""Text from servers and files, made safe for a terminal, a log and one line of a message."""

from __future__ import annotations

import unicodedata

# Control, format (bidirectional overrides, zero width), surrogate, private use, unassigned, separators.
_UNSAFE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def printable(text: str, limit: int | None = None) -> str:
    """Escape every character that a terminal may act on or that cannot be seen.

    Args:
        text: Text of unknown origin.
        limit: Longest result; a longer one is cut and ends with ``…``.
    """
    if not (text.isascii() and text.isprintable()):
        text = "".join(ascii(char)[1:-1] if unicodedata.category(char) in _UNSAFE else char for char in text)
    return text if limit is None or len(text) <= limit else text[: limit - 1] + "…"
