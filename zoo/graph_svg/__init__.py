"""Drawings of networks: DOT text, laid out by Graphviz, as SVG or as a page to walk through."""

from zoo.graph_svg.draw import draw

__all__ = ["draw"]
