"""Draw networks with Graphviz, as SVG or as an interactive page."""

from zoo.graph_svg.draw import draw

__all__ = ["draw"]
