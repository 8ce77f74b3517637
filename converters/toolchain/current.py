"""Checks whether the running interpreter can run a tool, and if not, why."""

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
class CurrentStatus:
    """Status of a tool in the running interpreter.

    Attributes:
        interpreter: The running interpreter if it runs the tool, else None.
        packages: Distribution to version, for the installed packages of the tool.
        reason: Why it does not run the tool; None if it does.
    """

    interpreter: Interpreter | None
    packages: Mapping[str, str]
    reason: str | None


def check_current(tool: Tool, run_probe: Callable[[Interpreter], None]) -> CurrentStatus:
    """Check the installed versions of the packages first, which is instant, then run the probe.

    The metadata is read in this process, so packages on ``PYTHONPATH`` or in the user site count, and the
    worker sees them too. Nothing is imported here, because an import that crashes would end this process.

    Args:
        tool: The tool.
        run_probe: Uses the tool in a child process; raises ConversionError if that fails.
    """
    packages = {pin.package: version for pin in tool.pins if (version := installed_version(pin.package))}
    reason = _unsuitable(tool, packages)
    if reason is not None:
        return CurrentStatus(None, packages, reason)
    interpreter = Interpreter(Path(sys.executable), platform.python_version(), "current", packages)
    try:
        run_probe(interpreter)
    except ConversionError as error:
        detail = f" ({error.found})" if error.found else ""
        listed = _join_with_verb([f"{name} {version}" for name, version in packages.items()])
        return CurrentStatus(None, packages, f"{listed} installed here, but {error.message}{detail}")
    return CurrentStatus(interpreter, packages, None)


def installed_version(package: str) -> str | None:
    """Return the version of a distribution in the running interpreter; None if it is not installed."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _unsuitable(tool: Tool, packages: Mapping[str, str]) -> str | None:
    absent = [pin.package for pin in tool.pins if pin.package not in packages]
    here = f"{sys.version_info.major}.{sys.version_info.minor}"
    if tool.pins[0].package in absent and here not in tool.pythons:
        return f"{tool.pins[0].package} {tool.version} has no wheel for CPython {here}"
    reasons = [text for pin in tool.pins if (text := _wrong_version(pin, packages.get(pin.package)))]
    if absent:
        reasons.append(f"{_join_with_verb(absent)} not installed in {sys.prefix}")
    return "; ".join(reasons) or None


def _wrong_version(pin: Pin, version: str | None) -> str | None:
    if version is None or pin.allows(version):
        return None
    return f"{pin.package} {version} is installed, {pin.requirement} is needed: {pin.why}"


def _join_with_verb(names: Sequence[str]) -> str:
    return f"{' and '.join(names)} {'is' if len(names) == 1 else 'are'}"
