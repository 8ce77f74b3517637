"""Creates virtual environments and installs packages; the log contains no passwords."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

from converters.process.log_excerpt import extract_error_lines
from converters.toolchain.base_interpreters import BaseInterpreter
from converters.toolchain.pins import Tool
from registry.errors import MissingToolError

_RUN_MODULE = Path(__file__).with_name("run_tied_to_parent.py")

# The user's index, proxy, certificate and cache settings apply; settings that install to other folders or
# replace the requirements do not.
_REDIRECTING = frozenset(
    {"PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "PIP_PYTHON", "PIP_PLATFORM", "PIP_ABI", "PIP_IMPLEMENTATION"}
    | {"PIP_PYTHON_VERSION", "PIP_REQUIREMENT", "PIP_EDITABLE", "PIP_NO_DEPS", "PIP_NO_BINARY"}
    | {"PIP_DRY_RUN", "PIP_REPORT", "PIP_LOG", "PIP_QUIET", "PIP_VERBOSE"}
)
_USERINFO = re.compile(r"(?<=://)[^/\s@]+@")
_DOWNLOAD = re.compile(
    r"^\s*(?P<how>Downloading|Using cached) (?:\S*/)?(?P<file>[^/\s]+\.whl)\S* \((?P<size>[^)]+ MB)\)"
)

_NETWORK_WORDS = (
    "NewConnectionError",
    "Failed to establish a new connection",
    "Temporary failure in name resolution",
    "Name or service not known",
    "Network is unreachable",
    "ConnectTimeoutError",
    "ReadTimeoutError",
    "Read timed out",
    "ProxyError",
    "RemoteDisconnected",
    "ConnectionResetError",
)
_DISK_WORDS = ("No space left on device", "Disk quota exceeded")
_WHEEL_WORDS = ("No matching distribution found", "Could not find a version that satisfies")


def create_venv(base: BaseInterpreter, folder: Path, log: Path) -> Path:
    """Create a virtual environment with pip.

    Returns:
        Path of its interpreter.

    Raises:
        MissingToolError: ``toolchain-disk-full`` or ``toolchain-build-failed``.
    """
    output = _call(base.path, ["venv", str(folder)], log, lambda line: None)
    python = folder / "bin" / "python"
    if output is not None:
        raise _explain_failure(output, f"{base.path} could not create a virtual environment", log)
    return python


def install(python: Path, tool: Tool, log: Path, note: Callable[[str], None]) -> Mapping[str, str]:
    """Install the pinned packages of a tool from wheels: nothing is compiled, and no package code runs.

    Returns:
        Distribution to version, for all installed packages.

    Raises:
        MissingToolError: ``toolchain-unreachable``, ``toolchain-no-wheel``, ``toolchain-disk-full`` or
            ``toolchain-build-failed``.
    """

    def watch(line: str) -> None:
        if match := _DOWNLOAD.match(line):
            verb = "downloading" if match["how"] == "Downloading" else "using from pip's cache"
            note(f"{verb} {match['file']} ({match['size']})")

    common = ["--disable-pip-version-check", "--no-input"]
    command = ["pip", *common, "install", "--only-binary", ":all:", "--progress-bar", "off"]
    # Packages without their dependencies come last, because pip would report the missing ones.
    for no_deps in (False, True):
        requirements = [pin.requirement for pin in tool.pins if pin.no_deps is no_deps]
        if not requirements:
            continue
        output = _call(python, [*command, *(["--no-deps"] if no_deps else []), *requirements], log, watch)
        if output is not None:
            raise _explain_failure(output, f"pip could not install {' '.join(requirements)}", log)
    listing = subprocess.run(
        [str(python), "-I", "-m", "pip", *common, "list", "--format", "json"],
        capture_output=True,
        check=False,
        env=_environment(),
        stdin=subprocess.DEVNULL,
    )
    try:
        return {row["name"].lower(): row["version"] for row in json.loads(listing.stdout)}
    except ValueError as error:
        raise MissingToolError(
            "toolchain-build-failed",
            f"pip could not list what it installed for {tool}",
            found=extract_error_lines(listing.stderr.decode(errors="replace")),
            hint=f"read {log}",
        ) from error


def _call(python: Path, module: list[str], log: Path, watch: Callable[[str], None]) -> str | None:
    """Run a module and append its output to the log, without passwords; return the output if it failed."""
    lines: list[str] = []
    process = subprocess.Popen(
        [str(python), "-I", str(_RUN_MODULE), str(os.getpid()), *module],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=_environment(),
        text=True,
        errors="replace",
    )
    try:
        with log.open("a", encoding="utf-8") as stream:
            for raw in process.stdout or ():
                line = _USERINFO.sub("****@", raw)
                stream.write(line)
                stream.flush()
                lines.append(line)
                watch(line)
        failed = process.wait() != 0
    finally:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()
    return "".join(lines) if failed else None


def _environment() -> dict[str, str]:
    kept = {
        name: value
        for name, value in os.environ.items()
        if name not in _REDIRECTING and not name.startswith("PYTHON") and name != "__PYVENV_LAUNCHER__"
    }
    # A pip.conf may ask for user installs, which a virtual environment refuses.
    return kept | {"PIP_USER": "0", "PIP_REQUIRE_VIRTUALENV": "0"}


def _explain_failure(output: str, what: str, log: Path) -> MissingToolError:
    code, hint = "toolchain-build-failed", f"read {log}"
    # pip reports a failed connection first and then, misleadingly, that nothing matches.
    if any(word in output for word in _DISK_WORDS):
        code = "toolchain-disk-full"
        hint = "free space on the disk, or set ZOO_CACHE to a folder on another disk, then repeat"
    elif any(word in output for word in _NETWORK_WORDS):
        code = "toolchain-unreachable"
        hint = "repeat with a connection, or set PIP_INDEX_URL or PIP_FIND_LINKS to a reachable copy"
    elif "CERTIFICATE_VERIFY_FAILED" in output:
        code = "toolchain-unreachable"
        hint = "set PIP_CERT to the certificate bundle of your network, then repeat"
    elif any(word in output for word in _WHEEL_WORDS):
        code = "toolchain-no-wheel"
        hint = "check that pip's package index has these versions: pip config list"
    return MissingToolError(
        code,
        what,
        found=extract_error_lines(output),
        done=f"the unfinished environment was removed; the whole log is {log}",
        hint=hint,
    )
