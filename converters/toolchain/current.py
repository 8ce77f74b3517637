"""Whether the interpreter that runs now can run a tool, and if not, why."""

from __future__ import annotations

import importlib.metadata
import platform
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from converters.process.interpreter import Interpreter
from converters.toolchain.pins import Pin, Tool
from registry.errors import ConversionError


@dataclass(frozen=True)
class Current:
    """What the running interpreter has of a tool.

    Attributes:
        interpreter: Itself, when it runs the tool; None otherwise.
        packages: Distribution to version of the tool's packages that are installed.
        reason: Why it does not run the tool; None when it does.
    """

    interpreter: Interpreter | None
    packages: Mapping[str, str]
    reason: str | None


def inspect_current(tool: Tool, prove: Callable[[Interpreter], None]) -> Current:
    """Ask the metadata of the running interpreter first, which is instant, then prove what it promises.

    The metadata is read in this process, so packages on ``PYTHONPATH`` or in the user site count, and the
    worker is started such that it sees them too. Nothing is imported here: an import that crashes would
    take this process along.

    Args:
        tool: The tool.
        prove: Uses the tool in a child process; raises ConversionError when that does not work.
    """
    packages = {pin.package: version for pin in tool.pins if (version := installed_version(pin.package))}
    reason = _why_not(tool, packages)
    if reason is not None:
        return Current(None, packages, reason)
    interpreter = Interpreter(Path(sys.executable), platform.python_version(), "current", packages)
    try:
        prove(interpreter)
    except ConversionError as error:
        said = f" ({error.found})" if error.found else ""
        listed = _these([f"{name} {version}" for name, version in packages.items()])
        return Current(None, packages, f"{listed} installed here but {error.message}{said}")
    return Current(interpreter, packages, None)


def installed_version(package: str) -> str | None:
    """Version of a distribution the running interpreter sees, None when there is none."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _why_not(tool: Tool, packages: Mapping[str, str]) -> str | None:
    absent = [pin.package for pin in tool.pins if pin.package not in packages]
    here = f"{sys.version_info.major}.{sys.version_info.minor}"
    if tool.pins[0].package in absent and here not in tool.pythons:
        return f"{tool.pins[0].package} {tool.version} has no wheel for CPython {here}"
    unfit = [text for pin in tool.pins if (text := _unfit(pin, packages.get(pin.package)))]
    if absent:
        unfit.append(
            f"{' and '.join(absent)} {'is' if len(absent) == 1 else 'are'} not installed in {sys.prefix}"
        )
    return "; ".join(unfit) or None


def _unfit(pin: Pin, version: str | None) -> str | None:
    if version is None or pin.allows(version):
        return None
    return f"{pin.package} {version} is installed, {pin.requirement} is needed: {pin.why}"


def _these(names: Sequence[str]) -> str:
    return f"{' and '.join(names)} {'is' if len(names) == 1 else 'are'}"
