"""Sphinx configuration: ``sphinx-build -W docs OUT``. The reference pages are generated first."""

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

import reference_pages

project = "paddle-zoo"
author = "the paddle-zoo authors"
extensions = ["myst_parser"]
source_suffix = {".md": "markdown"}
html_theme = "furo"
html_title = "paddle-zoo"
html_show_copyright = False
exclude_patterns = ["_build"]
myst_heading_anchors = 3

reference_pages.write(HERE / "reference")
