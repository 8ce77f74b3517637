"""Draw a network as a self-contained document for a browser."""

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
        facts: Description of the artifact for the page.
        form: ``svg``: an image. ``html``: a page with that image, with zoom, search and details on click.

    Returns:
        A complete document without external references.

    Raises:
        MissingToolError: ``graphviz-missing``.
        ConversionError: ``drawing-failed``.
    """
    graph = to_dot(flow, title)
    svg = to_svg(graph.text)
    return svg if form == "svg" else to_page(svg, title=title, facts=facts, caption=graph.caption)
