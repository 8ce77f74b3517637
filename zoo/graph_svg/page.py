"""A page around a drawing: facts beside it, dragging, zooming, searching."""

from __future__ import annotations

from html import escape
from pathlib import Path

_TEMPLATE = Path(__file__).with_name("page.html")
_HELP = "Drag or scroll to move, Ctrl and scroll or double click to zoom."


def to_page(svg: str, *, title: str, facts: str, caption: tuple[str, ...]) -> str:
    """The page.

    Args:
        svg: The drawing.
        title: Heading.
        facts: What the artifact is, in words.
        caption: Sentences about the drawing; one that starts with a color explains that color.
    """
    words = "".join(_caption(line) for line in (*caption, _HELP))
    parts = {"__TITLE__": escape(title), "__CAPTION__": words, "__FACTS__": escape(facts), "__SVG__": svg}
    page = _TEMPLATE.read_text(encoding="utf-8").replace("__TITLE__", parts["__TITLE__"])
    # From the front to the back, each at its last place: what was put in before may hold any word.
    for mark in ("__CAPTION__", "__FACTS__", "__SVG__"):
        before, after = page.rsplit(mark, 1)
        page = before + parts[mark] + after
    return page


def _caption(line: str) -> str:
    if line.startswith("#"):
        color, _, meaning = line.partition(" ")
        return f'<div><span style="background:{escape(color)}"></span>{escape(meaning)}</div>'
    return f"<p>{escape(line)}</p>"
