"""``zoo toolchain``: what is built, building it ahead of use, and getting its room back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Literal

from converters.toolchain import Managed, Toolchains
from converters.toolchain.pins import DEFAULT_LITE_VERSION, Tool, parse_tool
from registry.errors import NotFoundError, UsageError
from registry.schema import Model

Health = Literal["works", "broken", "unfinished", "unknown"]


class Toolchain(Model):
    """A managed environment.

    Attributes:
        name: What to type to name it: ``paddlelite@2.14rc0``.
        path: Its folder.
        interpreter: Its Python.
        python: Version of that Python: in full, or ``X.Y`` when the environment was not finished.
        packages: Distribution to version of what is installed.
        size: Bytes it takes.
        built: When it was finished; None when it was not.
        health: ``works`` or ``broken``, as found by trying it; ``broken`` and ``unfinished`` ones are built
            anew when they are needed. ``unknown``: not tried, or of a version this release does not know.
    """

    name: str
    path: Path
    interpreter: Path
    python: str
    packages: dict[str, str]
    size: int
    built: datetime | None
    health: Health


class Ready(Model):
    """An interpreter that runs a tool.

    Attributes:
        name: The tool.
        interpreter: The interpreter.
        python: Its version.
        origin: ``managed``, or ``current`` where the running interpreter has the tool.
        built: Whether its environment was built just now.
    """

    name: str
    interpreter: Path
    python: str
    origin: str
    built: bool


class Removal(Model):
    """Environments that are gone, or would be.

    Attributes:
        removed: The environments.
        freed: Bytes they took.
        dry_run: Whether nothing was done.
    """

    removed: tuple[Toolchain, ...]
    freed: int
    dry_run: bool


def list_toolchains(toolchains: Toolchains) -> tuple[Toolchain, ...]:
    """Every managed environment, tried out."""
    return tuple(_toolchain(each, _health(each, toolchains)) for each in toolchains.list())


def install(name: str, toolchains: Toolchains, note: Callable[[str], None]) -> Ready:
    """An interpreter that runs a tool; its environment is built where there is none that works.

    Args:
        name: The tool; without a version the default one.
        toolchains: Where it is built.
        note: Told what takes longer than a moment.

    Raises:
        UsageError: No such tool.
        MissingToolError: It cannot be had here.
    """
    tool = _one(name)
    before = {each.path for each in toolchains.list() if each.ready}
    interpreter = toolchains.ensure(tool, note)
    return Ready(
        name=_name(tool.name, tool.version),
        interpreter=interpreter.path,
        python=interpreter.version,
        origin=interpreter.origin,
        built=interpreter.origin == "managed" and interpreter.path.parent.parent not in before,
    )


def find(name: str, toolchains: Toolchains) -> Path:
    """The interpreter that runs a tool; nothing is built.

    Raises:
        UsageError: No such tool.
        MissingToolError: ``toolchain-not-built``.
    """
    tool = _one(name)
    status = toolchains.status(tool)
    if status.state in ("current", "managed") and status.interpreter is not None:
        return status.interpreter
    raise toolchains.not_built(tool)


def uninstall(
    names: Sequence[str], toolchains: Toolchains, note: Callable[[str], None], *, dry_run: bool
) -> Removal:
    """Delete environments.

    Args:
        names: Tools; without a version all of its versions.
        toolchains: Where they are.
        note: Told when somebody else holds one.
        dry_run: Only say what would go.

    Raises:
        UsageError: No such tool.
        NotFoundError: ``toolchain-not-found``: nothing of the kind was built.
    """
    tools = {(tool.name, tool.version): tool for name in names for tool in parse_tool(name)}
    found = [each for each in toolchains.list() if (each.tool, each.version) in tools]
    if not found:
        raise NotFoundError(
            "toolchain-not-found",
            f"no environment of {', '.join(names)} was built",
            done="nothing was removed",
            hint="zoo toolchain list",
        )
    gone = tuple(_toolchain(each, "unknown" if each.ready else "unfinished") for each in found)
    if not dry_run:
        for key in dict.fromkeys((each.tool, each.version) for each in found):
            toolchains.remove(tools[key], note)
    return Removal(removed=gone, freed=sum(each.size for each in gone), dry_run=dry_run)


def _one(name: str) -> Tool:
    found = parse_tool(f"paddlelite@{DEFAULT_LITE_VERSION}" if name == "paddlelite" else name)
    return found[0]


def _health(environment: Managed, toolchains: Toolchains) -> Health:
    if not environment.ready:
        return "unfinished"
    try:
        (tool,) = parse_tool(_name(environment.tool, environment.version))
    except UsageError:
        return "unknown"
    return "works" if toolchains.works(tool, environment) else "broken"


def _toolchain(environment: Managed, health: Health) -> Toolchain:
    built = environment.built
    return Toolchain(
        name=_name(environment.tool, environment.version),
        path=environment.path,
        interpreter=environment.interpreter,
        python=environment.python or environment.short,
        packages=dict(environment.packages),
        size=environment.size,
        built=datetime.fromtimestamp(built, timezone.utc) if built is not None else None,
        health=health,
    )


def _name(tool: str, version: str) -> str:
    return f"{tool}@{version}"
