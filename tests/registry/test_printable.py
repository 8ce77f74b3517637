"""Control characters are visible in text, and other text is unchanged."""

from __future__ import annotations

import pytest

from registry.printable import UNSAFE, printable

TABLE = {
    "a terminal title": ("\x1b]0;OWNED\x07", r"\x1b]0;OWNED\x07"),
    "carriage return": ("ok\rerror", r"ok\rerror"),
    "backspace and delete": ("a\x08b\x7f", r"a\x08b\x7f"),
    "a C1 introducer": ("\x9b31m", r"\x9b31m"),
    "a C1 introducer as an undecodable byte": ("\udc9b31m", r"\x9b31m"),
    "a right-to-left override": ("exe.\u202egpj", r"exe.\u202egpj"),
    "isolates and marks": ("\u2066\u2069\u200e\u200f\u061c", r"\u2066\u2069\u200e\u200f\u061c"),
    "line separators": ("a\u2028b\u2029c\x85d", r"a\u2028b\u2029c\x85d"),
    "invisible tags": ("a\U000e0041", r"a\U000e0041"),
    "line feed and tab": ("a\nb\tc", r"a\nb\tc"),
}


@pytest.mark.table("control characters")
@pytest.mark.parametrize(("text", "expected"), TABLE.values(), ids=TABLE)
def test_control_characters_become_escapes(text: str, expected: str) -> None:
    assert printable(text) == expected


@pytest.mark.parametrize("text", ["", "plain", "Ünïcödé ↔ 中文 👍🏽", "\udcff", "C:\\models\\x"])
def test_other_text_is_unchanged(text: str) -> None:
    assert printable(text) == text


def test_line_feeds_and_tabs_are_kept_in_several_lines() -> None:
    assert printable("a\n\tb\r\x1b", multiline=True) == "a\n\tb\\r\\x1b"


def test_every_unsafe_character_is_escaped() -> None:
    everything = "".join(map(chr, UNSAFE))
    assert printable(everything).isprintable()
    assert printable(everything).isascii()
