"""Python side of ``zoo toolchain``: list, install, find and uninstall managed environments."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Literal

from converters.toolchain import ManagedEnvironment, Toolchains
from converters.toolchain.pins import DEFAULT_LITE_VERSION, Tool, parse_tool
from registry.errors import IntegrityError, NotFoundError, UsageError
from registry.schema import Model

Health = Literal["works", "broken", "unfinished", "untrusted", "unknown"]


class Toolchain(Model):
    """A managed environment.

    Attributes:
        name: Tool and version: ``paddlelite@2.14rc0``.
        path: Its folder.
        interpreter: Its Python.
        python: Version of that Python; only ``X.Y`` when the environment was not finished.
        packages: Distribution to version of the installed packages.
        size: Bytes on disk.
        built: When it was finished; None when it was not.
        health: ``works`` or ``broken``, from a test run; ``broken`` and ``unfinished`` environments are built
            again on next use. ``untrusted``: another user could have prepared it, so it was not run.
            ``unknown``: not tested, or of a version this release does not support.
    """

    name: str
    path: Path
    interpreter: Path
    python: str
    packages: dict[str, str]
    size: int
    built: datetime | None
    health: Health


class InstalledToolchain(Model):
    """An interpreter that runs a tool.

    Attributes:
        name: The tool.
        interpreter: The interpreter.
        python: Its version.
        origin: ``managed``, or ``current`` where the running interpreter has the tool.
        built: Whether this call built its environment.
    """

    name: str
    interpreter: Path
    python: str
    origin: str
    built: bool


class UninstallReport(Model):
    """Environments that were removed, or would be.

    Attributes:
        removed: The environments.
        freed: Bytes on disk.
        dry_run: Whether nothing was removed.
    """

    removed: tuple[Toolchain, ...]
    freed: int
    dry_run: bool


def list_toolchains(toolchains: Toolchains) -> tuple[Toolchain, ...]:
    """List every managed environment, each tested by running it."""
    return tuple(_toolchain(each, _health(each, toolchains)) for each in toolchains.list())


def install(name: str, toolchains: Toolchains, note: Callable[[str], None]) -> InstalledToolchain:
    """Install a tool: build its environment unless a working one exists.

    Args:
        name: The tool; without a version, its default version.
        toolchains: The toolchains.
        note: Called before each long step.

    Raises:
        UsageError: ``unknown-tool``.
        MissingToolError: It cannot be installed on this machine.
    """
    tool = _default_version(name)
    before = {each.path for each in toolchains.list() if each.ready}
    interpreter = toolchains.ensure(tool, note)
    return InstalledToolchain(
        name=_name(tool.name, tool.version),
        interpreter=interpreter.path,
        python=interpreter.version,
        origin=interpreter.origin,
        built=interpreter.origin == "managed" and interpreter.path.parent.parent not in before,
    )


def find(name: str, toolchains: Toolchains) -> Path:
    """Find the interpreter that runs a tool; builds nothing.

    Raises:
        UsageError: ``unknown-tool``.
        MissingToolError: ``toolchain-not-built``.
    """
    tool = _default_version(name)
    status = toolchains.status(tool)
    if status.state in ("current", "managed") and status.interpreter is not None:
        return status.interpreter
    raise toolchains.not_built(tool)


def uninstall(
    names: Sequence[str], toolchains: Toolchains, note: Callable[[str], None], *, dry_run: bool
) -> UninstallReport:
    """Delete environments.

    Args:
        names: Tools; without a version, all versions of each.
        toolchains: The toolchains.
        note: Called when an environment is in use by another process.
        dry_run: Only report what would be removed.

    Raises:
        UsageError: ``unknown-tool``.
        NotFoundError: ``toolchain-not-found``: none of them was built.
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
    return UninstallReport(removed=gone, freed=sum(each.size for each in gone), dry_run=dry_run)


def _default_version(name: str) -> Tool:
    found = parse_tool(f"paddlelite@{DEFAULT_LITE_VERSION}" if name == "paddlelite" else name)
    return found[0]


def _health(environment: ManagedEnvironment, toolchains: Toolchains) -> Health:
    if not environment.ready:
        return "unfinished"
    try:
        (tool,) = parse_tool(_name(environment.tool, environment.version))
    except UsageError:
        return "unknown"
    try:
        return "works" if toolchains.works(tool, environment) else "broken"
    except IntegrityError:
        return "untrusted"


def _toolchain(environment: ManagedEnvironment, health: Health) -> Toolchain:
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
