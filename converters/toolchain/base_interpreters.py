"""Finds the CPython interpreters on this machine on which a toolchain can be built."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from registry.errors import MissingToolError

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
        answer = subprocess.run(
            [str(path), "-I", "-c", _QUESTION],
            capture_output=True,
            timeout=_PROBE_TIMEOUT,
            stdin=subprocess.DEVNULL,
            check=True,
        )
        facts = json.loads(answer.stdout)
    except (OSError, subprocess.SubprocessError, ValueError):
        return None
    problem = None
    if facts["implementation"] != "CPython":
        problem = f"it is {facts['implementation']}, the wheels are for CPython"
    elif facts["bits"] != 64:
        problem = f"it is a {facts['bits']}-bit build, the wheels are for 64 bits"
    elif facts["free_threaded"]:
        problem = "it is a free-threaded build, which the wheels do not support"
    elif not facts["pip"]:
        problem = f"it lacks venv and ensurepip (Debian has them in python{facts['short']}-venv)"
    return BaseInterpreter(path, facts["version"], facts["short"], facts["machine"], problem)


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
    yield from (Path(line.strip()) for line in lines if line.strip())


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
        return int(digits) if digits.isdigit() else -1

    return sorted(paths, key=patch, reverse=True)
