"""The managed environments on disk: folder names, markers, locks."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import JsonValue

from converters.fs.atomic import canonical_json, publish_bytes, writing_to
from converters.fs.locks import acquire_waiting
from converters.fs.ownership import require_trusted_owner
from converters.process.interpreter import Interpreter
from converters.toolchain.base_interpreters import BaseInterpreter
from converters.toolchain.locks import EnvironmentLock, read_lock
from converters.toolchain.pins import Tool
from converters.toolchain.records import records_digest
from registry.errors import MissingToolError

_READY = "ready.json"
_OWNED = (_READY, "pyvenv.cfg", "bin", "bin/python", "lib")
CACHE_HINT = "set ZOO_CACHE to a folder that can be written to"


@dataclass(frozen=True)
class ManagedEnvironment:
    """A managed environment on disk.

    Attributes:
        name: Name of its folder.
        path: The folder.
        tool: Short name of the tool.
        version: Version of the tool.
        short: ``X.Y`` of its base interpreter.
        python: Full version of its base interpreter; None if the environment is unfinished.
        packages: Distribution to version, for the installed packages; empty if it is unfinished.
        built: Time when it was finished, in seconds since the epoch; None if it is unfinished.
        size: Size in bytes.
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
        """Whether it was finished and tested when it was built."""
        return self.built is not None

    @property
    def interpreter(self) -> Path:
        """Path of its Python."""
        return self.path / "bin" / "python"


def environment_folder(root: Path, tool: Tool, base: BaseInterpreter) -> Path:
    """Return the folder of a tool on an interpreter, for example ``paddlelite-2.13rc0-cp310``."""
    return root / f"{tool.name}-{tool.version}-cp{base.short.replace('.', '')}"


def find_folders(root: Path, tool: Tool) -> list[Path]:
    """Return the existing folders of a tool, finished or not, newest interpreter first."""
    return sorted(_folders(root, f"{tool.name}-{tool.version}-cp*"), key=_minor, reverse=True)


def list_environments(root: Path) -> tuple[ManagedEnvironment, ...]:
    """Return all managed environments, ordered by name.

    Raises:
        MissingToolError: ``toolchains-unreadable``.
    """
    return tuple(_read_environment(path) for path in sorted(_folders(root, "*-*-cp3*")))


def _folders(root: Path, pattern: str) -> list[Path]:
    # Path.glob treats some unreadable folders as empty.
    try:
        return [path for path in root.iterdir() if path.match(pattern) and path.is_dir()]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise MissingToolError(
            "toolchains-unreadable",
            f"the environments in {root} cannot be read",
            found=error.strerror,
            done="nothing was built",
            hint=CACHE_HINT,
        ) from error


def _read_environment(folder: Path) -> ManagedEnvironment:
    tool, version, _ = folder.name.rsplit("-", 2)
    python, packages, built = None, {}, None
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError, RecursionError):
        marker = json.loads((folder / _READY).read_text(encoding="utf-8"))
        python, packages = str(marker["python"]), dict(marker["packages"])
        built = (folder / _READY).stat().st_mtime
    return ManagedEnvironment(
        folder.name, folder, tool, version, _short(folder), python, packages, built, _size(folder)
    )


def _short(folder: Path) -> str:
    return f"3.{_minor(folder)}"


def _minor(folder: Path) -> int:
    digits = folder.name.rpartition("-cp3")[2]
    return int(digits) if digits.isdecimal() else -1


def mark_ready(folder: Path, lock: EnvironmentLock, python: str, packages: Mapping[str, str]) -> None:
    """Mark an environment as finished and tested; without the marker it counts as unfinished."""
    content: dict[str, JsonValue] = {
        "lock": lock.digest,
        "platform": lock.platform,
        "python": python,
        "packages": dict(packages),
        "records": records_digest(folder),
    }
    publish_bytes(canonical_json(content), folder / _READY)


def read_ready(folder: Path, tool: Tool) -> Interpreter | None:
    """Return the interpreter of a finished environment; None if there is none that can be used.

    An environment is not used if it is unfinished, if it was built from another lock, or if packages were
    installed or removed since.

    Raises:
        IntegrityError: ``owner-untrusted``: another user could have prepared it.
    """
    require_trusted_environment(folder)
    try:
        marker = json.loads((folder / _READY).read_text(encoding="utf-8"))
        lock = read_lock(tool, _short(folder), marker["platform"])
        if lock is None or marker["lock"] != lock.digest or marker["records"] != records_digest(folder):
            return None
        return Interpreter(folder / "bin" / "python", marker["python"], "managed", marker["packages"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None


def require_trusted_environment(folder: Path) -> None:
    """Refuse an environment that another user could have prepared.

    Raises:
        IntegrityError: ``owner-untrusted``.
    """
    for path in (folder.parent, folder, *(folder / name for name in _OWNED)):
        require_trusted_owner(path, "the toolchain")


@contextlib.contextmanager
def lock_environment(folder: Path, note: Callable[[str], None]) -> Iterator[None]:
    """Lock an environment while it is built or removed; ``note`` is called if another process holds it."""
    lock = acquire_waiting(folder.with_name(f"{folder.name}.lock"), f"working on {folder.name}", note)
    with contextlib.ExitStack() as stack:
        with writing_to(folder.parent, hint=CACHE_HINT):
            stack.enter_context(lock)
        yield


def _size(folder: Path) -> int:
    return sum(path.lstat().st_size for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
