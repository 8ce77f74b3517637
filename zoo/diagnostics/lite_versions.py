"""The Paddle-Lite versions that work on this machine, by interpreter, with a hint for each that does not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from converters.toolchain import ManagedEnvironment, Toolchains
from converters.toolchain.base_interpreters import BaseInterpreter
from converters.toolchain.pins import LITE_VERSIONS, Tool, paddlelite
from registry.errors import MissingToolError
from registry.schema import Model

InterpreterState = Literal["built", "buildable", "no-interpreter", "no-wheel"]


class LiteVersion(Model):
    """One version of Paddle-Lite on this machine.

    Attributes:
        version: The version.
        works: Whether a conversion would run; an environment that is not built yet is built on first use.
        interpreters: ``X.Y`` of each interpreter that some version has a wheel for. ``built``: its
            environment exists; ``buildable``: the interpreter was found; ``no-interpreter``: there is a wheel
            for it, and it was not found; ``no-wheel``: there is no wheel for it.
        missing: What is missing; None when nothing is.
        hint: What to type to install it; None when it is built.
    """

    version: str
    works: bool
    interpreters: dict[str, InterpreterState]
    missing: str | None
    hint: str | None


def check_lite_versions(toolchains: Toolchains) -> tuple[LiteVersion, ...]:
    """Check every version, the oldest first; builds nothing.

    Args:
        toolchains: Existing environments and interpreters.
    """
    tools = [paddlelite(version) for version in LITE_VERSIONS]
    shorts = sorted({short for tool in tools for short in tool.pythons}, key=_minor, reverse=True)
    try:
        built = [each for each in toolchains.list() if each.ready and each.interpreter.exists()]
    except MissingToolError:
        built = []  # an unreadable cache has no environment that works
    trouble = toolchains.configured_interpreter_error()
    # If the interpreter that ZOO_PYTHON names does not run, no other one is used.
    bases = {} if trouble else toolchains.interpreters(tools)
    return tuple(_lite_version(tool, shorts, built, bases, trouble) for tool in tools)


def _lite_version(
    tool: Tool,
    shorts: list[str],
    built: list[ManagedEnvironment],
    bases: Mapping[str, BaseInterpreter],
    trouble: MissingToolError | None,
) -> LiteVersion:
    ready = {each.short for each in built if (each.tool, each.version) == (tool.name, tool.version)}
    states = {short: _state(short, tool, ready, bases) for short in shorts}
    missing, hint = None, None
    if "built" not in states.values():
        missing, hint = "its environment", f"zoo toolchain install paddlelite@{tool.version}"
        if trouble is not None:
            missing, hint = "the interpreter that ZOO_PYTHON names", "unset ZOO_PYTHON"
        elif "buildable" not in states.values():
            newest = max(tool.pythons, key=_minor)
            missing = f"CPython {' or '.join(tool.pythons)}"
            hint = f"uv python install {newest} (or: pyenv install {newest}), then {hint}"
    works = bool({"built", "buildable"} & set(states.values()))
    return LiteVersion(version=tool.version, works=works, interpreters=states, missing=missing, hint=hint)


def _state(short: str, tool: Tool, ready: set[str], bases: Mapping[str, BaseInterpreter]) -> InterpreterState:
    if short in ready:
        return "built"
    if short not in tool.pythons:
        return "no-wheel"
    return "buildable" if short in bases else "no-interpreter"


def _minor(short: str) -> int:
    return int(short.partition(".")[2])
