"""The folder of managed environments: names, markers, locks."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from converters.fs.atomic import canonical_json, publish_bytes, writing_to
from converters.fs.locks import acquire_waiting
from converters.process.interpreter import Interpreter
from converters.toolchain.base_interpreters import Base
from converters.toolchain.pins import Tool
from registry.errors import MissingToolError

_READY = "ready.json"
CACHE_HINT = "set ZOO_CACHE to a folder that can be written to"


@dataclass(frozen=True)
class Managed:
    """A managed environment on disk.

    Attributes:
        name: Name of its folder.
        path: The folder.
        tool: Short name of the tool.
        version: Version of the tool.
        short: ``X.Y`` of the interpreter it was built on.
        python: Full version of that interpreter; None when the environment was not finished.
        packages: Distribution to version of what is installed; empty when it was not finished.
        built: When it was finished, in seconds since the epoch; None when it was not.
        size: Bytes it takes.
    """

    name: str
    path: Path
    tool: str
    version: str
    short: str
    python: str | None
    packages: Mapping[str, str]
    built: float | None
    size: int

    @property
    def ready(self) -> bool:
        """Whether it was finished and proven when it was built."""
        return self.built is not None

    @property
    def interpreter(self) -> Path:
        """Its Python."""
        return self.path / "bin" / "python"


def folder_for(root: Path, tool: Tool, base: Base) -> Path:
    """Where the environment of a tool on an interpreter lives, for example ``paddlelite-2.13rc0-cp310``."""
    return root / f"{tool.name}-{tool.version}-cp{base.short.replace('.', '')}"


def folders_of(root: Path, tool: Tool) -> list[Path]:
    """The folders a tool has, in whatever state, the newest interpreter first."""
    return sorted(_folders(root, f"{tool.name}-{tool.version}-cp*"), key=_minor, reverse=True)


def all_of(root: Path) -> tuple[Managed, ...]:
    """Every managed environment, by name.

    Raises:
        MissingToolError: ``toolchains-unreadable``.
    """
    return tuple(_managed(path) for path in sorted(_folders(root, "*-*-cp3*")))


def _folders(root: Path, pattern: str) -> list[Path]:
    # Not by glob: it takes a folder that may not be read for an empty one, or fails, depending on which.
    try:
        return [path for path in root.iterdir() if path.match(pattern) and path.is_dir()]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise MissingToolError(
            "toolchains-unreadable",
            f"the environments in {root} cannot be looked at",
            found=error.strerror,
            done="nothing was built",
            hint=CACHE_HINT,
        ) from error


def _managed(folder: Path) -> Managed:
    tool, version, _ = folder.name.rsplit("-", 2)
    python, packages, built = None, {}, None
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        marker = json.loads((folder / _READY).read_text(encoding="utf-8"))
        python, packages = str(marker["python"]), dict(marker["packages"])
        built = (folder / _READY).stat().st_mtime
    return Managed(
        folder.name, folder, tool, version, f"3.{_minor(folder)}", python, packages, built, _size(folder)
    )


def _minor(folder: Path) -> int:
    digits = folder.name.rpartition("-cp3")[2]
    return int(digits) if digits.isdigit() else -1


def mark_ready(folder: Path, tool: Tool, python: str, packages: Mapping[str, str]) -> None:
    """State that an environment is finished and works. Written last: without it, it was never finished."""
    content = {
        "requirements": [pin.requirement for pin in tool.pins],
        "python": python,
        "packages": dict(packages),
    }
    publish_bytes(canonical_json(json.loads(json.dumps(content))), folder / _READY)


def read_ready(folder: Path, tool: Tool) -> Interpreter | None:
    """The interpreter of a finished environment; None when it was not finished, or for other pins."""
    try:
        marker = json.loads((folder / _READY).read_text(encoding="utf-8"))
        if marker["requirements"] != [pin.requirement for pin in tool.pins]:
            return None
        return Interpreter(folder / "bin" / "python", marker["python"], "managed", marker["packages"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


@contextlib.contextmanager
def locked(folder: Path, note: Callable[[str], None]) -> Iterator[None]:
    """Hold an environment for building or removing it; says so when somebody else holds it."""
    lock = acquire_waiting(folder.with_name(f"{folder.name}.lock"), f"working on {folder.name}", note)
    with contextlib.ExitStack() as stack:
        with writing_to(folder.parent, hint=CACHE_HINT):
            stack.enter_context(lock)
        yield


def _size(folder: Path) -> int:
    return sum(path.lstat().st_size for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
