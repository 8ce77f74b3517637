"""Embed a drawing in an interactive page with facts, dragging, zooming and search."""

from __future__ import annotations

from html import escape
from pathlib import Path

from registry.printable import printable

_TEMPLATE = Path(__file__).with_name("page.html")
_HELP = "Drag or scroll to move, Ctrl and scroll or double click to zoom."


def to_page(svg: str, *, title: str, facts: str, caption: tuple[str, ...]) -> str:
    """Make the page.

    Args:
        svg: The drawing.
        title: Heading.
        facts: Description of the artifact.
        caption: Sentences about the drawing; a sentence that starts with a color explains that color.
    """
    words = "".join(_caption(line) for line in (*caption, _HELP))
    parts = {
        "__TITLE__": escape(printable(title)),
        "__CAPTION__": words,
        "__FACTS__": escape(printable(facts, multiline=True)),
        "__SVG__": svg,
    }
    page = _TEMPLATE.read_text(encoding="utf-8").replace("__TITLE__", parts["__TITLE__"])
    # From front to back, each at its last occurrence: inserted text may contain the other placeholders.
    for mark in ("__CAPTION__", "__FACTS__", "__SVG__"):
        before, after = page.rsplit(mark, 1)
        page = before + parts[mark] + after
    return page


def _caption(line: str) -> str:
    if line.startswith("#"):
        color, _, meaning = line.partition(" ")
        return f'<div><span style="background:{escape(color)}"></span>{escape(printable(meaning))}</div>'
    return f"<p>{escape(printable(line))}</p>"
