"""Finds the CPython interpreters on this machine on which a toolchain can be built."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from pydantic import ConfigDict, Field, ValidationError

from registry.errors import MissingToolError
from registry.schema.base import Model

_QUESTION = """
import json, platform, struct, sys, sysconfig
try:
    import ensurepip, venv
    pip = True
except ImportError:
    pip = False
print(json.dumps({
    "version": platform.python_version(),
    "short": "%d.%d" % sys.version_info[:2],
    "implementation": platform.python_implementation(),
    "machine": platform.machine(),
    "bits": struct.calcsize("P") * 8,
    "free_threaded": bool(sysconfig.get_config_var("Py_GIL_DISABLED")),
    "pip": pip,
}))
"""
_PROBE_TIMEOUT = 20.0
_MAX_ANSWER_BYTES = 64 * 1024


class _Properties(Model):
    """The answer to ``_QUESTION``. Any program can be called python, so nothing of it is certain."""

    model_config = ConfigDict(strict=True)

    version: str = Field(pattern=r"^[0-9A-Za-z.+]{1,40}$")
    short: str = Field(pattern=r"^[0-9]{1,3}\.[0-9]{1,3}$")
    implementation: str = Field(pattern=r"^[0-9A-Za-z.]{1,40}$")
    machine: str = Field(pattern=r"^[0-9A-Za-z_-]{1,40}$")
    bits: int
    free_threaded: bool
    pip: bool


@dataclass(frozen=True)
class BaseInterpreter:
    """An interpreter that runs.

    Attributes:
        path: Its executable.
        version: Full version.
        short: ``X.Y``.
        machine: Value of ``platform.machine()``.
        problem: Why no toolchain at all can be built on it; None if there is no such reason.
    """

    path: Path
    version: str
    short: str
    machine: str
    problem: str | None = None


def probe(path: Path) -> BaseInterpreter | None:
    """Run an executable and ask for its properties; None if it does not answer like a Python.

    The existence of a file on ``PATH`` is not enough: version managers install shims for every version, which
    exit with 127 if the version is not installed.
    """
    try:
        answer = _ask([str(path), "-I", "-c", _QUESTION])
        found = _Properties.model_validate_json(answer)
    except (OSError, subprocess.SubprocessError, ValidationError):
        return None
    problem = None
    if found.implementation != "CPython":
        problem = f"it is {found.implementation}, the wheels are for CPython"
    elif found.bits != 64:
        problem = f"it is a {found.bits}-bit build, the wheels are for 64 bits"
    elif found.free_threaded:
        problem = "it is a free-threaded build, which the wheels do not support"
    elif not found.pip:
        problem = f"it lacks venv and ensurepip (Debian has them in python{found.short}-venv)"
    return BaseInterpreter(path, found.version, found.short, found.machine, problem)


def _ask(command: list[str]) -> bytes:
    """Run a program and return the beginning of its output, whatever and however much it writes.

    Raises:
        OSError: It cannot be run.
        subprocess.SubprocessError: It failed, or took too long.
    """
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    expired = threading.Event()

    def expire() -> None:
        expired.set()
        _kill(process)

    timer = threading.Timer(_PROBE_TIMEOUT, expire)
    timer.daemon = True
    timer.start()
    with process:
        try:
            answer = process.stdout.read(_MAX_ANSWER_BYTES + 1) if process.stdout else b""
            if len(answer) > _MAX_ANSWER_BYTES:
                raise subprocess.SubprocessError("too long an answer")
            process.wait()
        except BaseException:
            _kill(process)
            raise
        finally:
            timer.cancel()
    if expired.is_set() or process.returncode != 0:
        raise subprocess.SubprocessError("no answer")
    return answer


def _kill(process: subprocess.Popen[bytes]) -> None:
    """End a program and its children; a shim can leave one that holds the pipe open."""
    if process.returncode is not None:
        return  # its number may be that of another process by now
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()


def probe_configured(path: Path) -> BaseInterpreter:
    """Probe the interpreter that the user configured; there is no silent fallback to another one.

    Raises:
        MissingToolError: ``interpreter-not-usable``.
    """
    base = probe(path)
    if base is None:
        raise MissingToolError(
            "interpreter-not-usable",
            f"the interpreter {path} does not run",
            expected="the path of a CPython executable",
            found="no such file" if not os.path.exists(path) else "it does not answer like a Python",
            hint="correct ZOO_PYTHON, or unset it: zoo doctor shows which interpreters are found without it",
        )
    return base


def find_interpreters(shorts: Iterable[str]) -> Iterator[BaseInterpreter]:
    """Find interpreters of the given ``X.Y`` versions that run, in the order of the versions.

    Candidates per version: the current interpreter, those of uv, pyenv and conda, and those on ``PATH``. Each
    is run on demand and at most once.
    """
    tried: set[str] = set()
    for short in shorts:
        for path in _candidates(short):
            real = os.path.realpath(path)  # Path.resolve fails on links in a circle
            if real in tried or not os.access(path, os.X_OK):
                continue
            base = probe(path)
            # A shim runs another program for each of its names, so a failure does not exclude the next name.
            if base is not None:
                tried.add(real)
            if base is not None and base.short == short:
                yield base


def _candidates(short: str) -> Iterator[Path]:
    if short == f"{sys.version_info.major}.{sys.version_info.minor}":
        yield Path(sys.executable)
    for folder in _uv_folders():
        yield from _newest_first(_matching(folder, f"cpython-{short}.*/bin/python{short}"))
    pyenv = Path(os.environ.get("PYENV_ROOT") or _home() / ".pyenv")
    yield from _newest_first(_matching(pyenv, f"versions/{short}.*/bin/python{short}"))
    yield from (environment / "bin" / f"python{short}" for environment in _conda_environments())
    on_path = filter(None, os.environ.get("PATH", "").split(os.pathsep))
    yield from (Path(folder) / f"python{short}" for folder in on_path)


def _uv_folders() -> Iterator[Path]:
    # https://docs.astral.sh/uv/concepts/python-versions: folders of `uv python install`.
    if configured := os.environ.get("UV_PYTHON_INSTALL_DIR"):
        yield Path(configured)
    data = os.environ.get("XDG_DATA_HOME")
    yield (Path(data) if data else _home() / ".local" / "share") / "uv" / "python"


def _conda_environments() -> Iterator[Path]:
    if prefix := os.environ.get("CONDA_PREFIX"):
        yield Path(prefix)
    if conda := os.environ.get("CONDA_EXE") or shutil.which("conda"):
        root = Path(os.path.realpath(conda)).parent.parent
        yield root
        yield from sorted(_matching(root, "envs/*"))
    # conda lists the paths of all environments in this file.
    listing = _home() / ".conda" / "environments.txt"
    try:
        lines = listing.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return
    yield from (Path(line.strip()) for line in lines if line.strip() and "\0" not in line)


def _home() -> Path:
    # For a user without a home this stays "~", a folder that does not exist.
    return Path(os.path.expanduser("~"))


def _matching(folder: Path, pattern: str) -> list[Path]:
    """Return the matching paths in a folder; none if it cannot be read."""
    try:
        return list(folder.glob(pattern))
    except OSError:
        return []


def _newest_first(paths: Iterable[Path]) -> list[Path]:
    def patch(path: Path) -> int:
        # .../cpython-3.10.13-linux-x86_64-gnu/bin/python3.10 and .../versions/3.10.13/bin/python3.10
        digits = path.parent.parent.name.removeprefix("cpython-").split("-")[0].split(".")[-1]
        return int(digits) if digits.isdecimal() else -1

    return sorted(paths, key=patch, reverse=True)
