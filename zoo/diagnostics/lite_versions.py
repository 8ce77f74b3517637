"""Which versions of Paddle-Lite work on this machine: version by interpreter, what to type for the others."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from converters.toolchain import ManagedEnvironment, Toolchains
from converters.toolchain.base_interpreters import BaseInterpreter
from converters.toolchain.pins import LITE_VERSIONS, Tool, paddlelite
from registry.errors import MissingToolError
from registry.schema import Model

Cell = Literal["built", "buildable", "no-interpreter", "no-wheel"]


class LiteVersion(Model):
    """One version of Paddle-Lite on this machine.

    Attributes:
        version: The version.
        works: Whether a conversion would run with what is here; when not built yet, it is built on first use.
        cells: ``X.Y`` of each interpreter that any version has a wheel for: ``built``: its environment is
            here; ``buildable``: the interpreter is; ``no-interpreter``: there would be a wheel for it;
            ``no-wheel``: there is none.
        missing: What is missing, in words; None when nothing is.
        hint: What to type to get it, or to have it ahead of its use; None when it is built.
    """

    version: str
    works: bool
    cells: dict[str, Cell]
    missing: str | None
    hint: str | None


def lite_matrix(toolchains: Toolchains) -> tuple[LiteVersion, ...]:
    """Every version, the oldest first; looks at what is there and builds nothing.

    Args:
        toolchains: Where environments are, and where interpreters are looked for.
    """
    tools = [paddlelite(version) for version in LITE_VERSIONS]
    shorts = sorted({short for tool in tools for short in tool.pythons}, key=_minor, reverse=True)
    try:
        built = [each for each in toolchains.list() if each.ready and each.interpreter.exists()]
    except MissingToolError:
        built = []  # a store that cannot be looked into holds none that works
    trouble = toolchains.configured_interpreter_error()
    # Nothing is built beside a named interpreter that does not run, so none of the others counts.
    bases = {} if trouble else toolchains.interpreters(tools)
    return tuple(_row(tool, shorts, built, bases, trouble) for tool in tools)


def _row(
    tool: Tool,
    shorts: list[str],
    built: list[ManagedEnvironment],
    bases: Mapping[str, BaseInterpreter],
    trouble: MissingToolError | None,
) -> LiteVersion:
    ready = {each.short for each in built if (each.tool, each.version) == (tool.name, tool.version)}
    cells = {short: _cell(short, tool, ready, bases) for short in shorts}
    missing, hint = None, None
    if "built" not in cells.values():
        missing, hint = "its environment", f"zoo toolchain install paddlelite@{tool.version}"
        if trouble is not None:
            missing, hint = "the interpreter that ZOO_PYTHON names", "unset ZOO_PYTHON"
        elif "buildable" not in cells.values():
            newest = max(tool.pythons, key=_minor)
            missing = f"CPython {' or '.join(tool.pythons)}"
            hint = f"uv python install {newest} (or: pyenv install {newest}), then {hint}"
    works = bool({"built", "buildable"} & set(cells.values()))
    return LiteVersion(version=tool.version, works=works, cells=cells, missing=missing, hint=hint)


def _cell(short: str, tool: Tool, ready: set[str], bases: Mapping[str, BaseInterpreter]) -> Cell:
    if short in ready:
        return "built"
    if short not in tool.pythons:
        return "no-wheel"
    return "buildable" if short in bases else "no-interpreter"


def _minor(short: str) -> int:
    return int(short.partition(".")[2])
