"""Drawings of networks: DOT text, laid out by Graphviz, as SVG or as a page to walk through."""

from zoo.drawing.draw import draw

__all__ = ["draw"]
