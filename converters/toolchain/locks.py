"""The locked packages of each managed environment, with the SHA-256 of every wheel.

``tools/lock_toolchains.py`` writes the file. It covers each tool on each version of CPython and each platform
that has wheels, dependencies included. It names no index: wheels come from the user's index, and the digests
decide.
"""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import JsonValue

from converters.fs.atomic import canonical_json
from converters.toolchain.pins import Tool

_X86_64 = frozenset({"x86_64", "AMD64"})


@dataclass(frozen=True)
class LockedPackage:
    """One package of an environment.

    Attributes:
        name: Distribution name.
        version: Version, with its local suffix if there is one.
        wheels: File name of each wheel to its SHA-256.
    """

    name: str
    version: str
    wheels: Mapping[str, str]

    @property
    def requirement(self) -> str:
        """Line of a requirements file for pip's hash-checking mode."""
        # "===" compares text: "==" would also accept, and prefer, a version with a local suffix.
        digests = " ".join(f"--hash=sha256:{digest}" for digest in sorted(set(self.wheels.values())))
        return f"{self.name}==={self.version} {digests}"


@dataclass(frozen=True)
class EnvironmentLock:
    """All packages of one environment.

    Attributes:
        platform: System and processor, for example ``linux-x86_64``.
        packages: The packages, ordered by name.
    """

    platform: str
    packages: tuple[LockedPackage, ...]

    @property
    def digest(self) -> str:
        """SHA-256 over all names, versions and digests."""
        packages: dict[str, JsonValue] = {
            f"{each.name}=={each.version}": {**each.wheels} for each in self.packages
        }
        return hashlib.sha256(canonical_json({"platform": self.platform, "packages": packages})).hexdigest()


def platform_key(system: str, machine: str) -> str:
    """Name a platform.

    Args:
        system: Value of ``sys.platform``.
        machine: Value of ``platform.machine()``.
    """
    return f"{system}-{'x86_64' if machine in _X86_64 else machine}"


def read_lock(tool: Tool, python: str, platform: str) -> EnvironmentLock | None:
    """Return the locked packages of a tool; None if they are not locked for this Python or platform.

    Args:
        tool: The tool.
        python: ``X.Y`` of the interpreter.
        platform: From ``platform_key``.
    """
    content = _read(tool.lock)
    names = content["environments"].get(str(tool), {}).get(f"{python}/{platform}")
    if names is None:
        return None
    return EnvironmentLock(platform, tuple(_package(each, content["wheels"][each]) for each in sorted(names)))


def _package(requirement: str, wheels: Mapping[str, str]) -> LockedPackage:
    name, _, version = requirement.partition("==")
    return LockedPackage(name, version, wheels)


@functools.cache
def _read(path: Path) -> dict[str, dict[str, dict[str, str]]]:
    content: dict[str, dict[str, dict[str, str]]] = json.loads(path.read_text(encoding="utf-8"))
    return content
