"""From a network to a drawing that needs nothing but a browser."""

from __future__ import annotations

from typing import Literal

from converters.formats import Dataflow
from zoo.graph_svg.dot import to_dot
from zoo.graph_svg.graphviz import to_svg
from zoo.graph_svg.page import to_page


def draw(flow: Dataflow, title: str, facts: str, form: Literal["svg", "html"]) -> str:
    """Draws a network.

    Args:
        flow: The network.
        title: Heading.
        facts: What the artifact is, in words, for the page.
        form: ``svg``: a picture. ``html``: a page with that image, to zoom, search and click in.

    Returns:
        A whole document that refers to nothing outside itself.

    Raises:
        MissingToolError: ``graphviz-missing``.
        ConversionError: ``drawing-failed``.
    """
    sketch = to_dot(flow, title)
    svg = to_svg(sketch.text)
    return svg if form == "svg" else to_page(svg, title=title, facts=facts, caption=sketch.caption)
