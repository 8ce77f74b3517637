"""Creates virtual environments and installs their locked packages; the log contains no passwords."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

from converters.process.log_excerpt import extract_error_lines
from converters.toolchain.base_interpreters import BaseInterpreter
from converters.toolchain.locks import EnvironmentLock
from converters.toolchain.pins import Tool
from converters.toolchain.pip_settings import clean_environment, read_pip_settings
from registry.errors import IntegrityError, MissingToolError, ZooError

_RUN_MODULE = Path(__file__).with_name("run_tied_to_parent.py")
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
_HASH_WORDS = "DO NOT MATCH THE HASHES"


def create_venv(base: BaseInterpreter, folder: Path, log: Path) -> Path:
    """Create a virtual environment with pip.

    Returns:
        Path of its interpreter.

    Raises:
        MissingToolError: ``toolchain-disk-full`` or ``toolchain-build-failed``.
    """
    output = _call(base.path, ["venv", str(folder)], log, folder=folder.parent)
    if output is not None:
        raise _explain_failure(output, f"{base.path} could not create a virtual environment", log)
    return folder / "bin" / "python"


def install(python: Path, tool: Tool, lock: EnvironmentLock, log: Path, note: Callable[[str], None]) -> None:
    """Install the locked packages of a tool in one step, each from a wheel with a known digest.

    Nothing is compiled, no dependency is resolved, and no code of a package runs. Of the user's settings,
    only those for the connection to the package index apply.

    Args:
        python: Interpreter of a new environment.
        tool: The tool.
        lock: Its locked packages.
        log: File for the output of pip.
        note: Called with progress messages.

    Raises:
        MissingToolError: ``toolchain-unreachable``, ``toolchain-no-wheel``, ``toolchain-disk-full`` or
            ``toolchain-build-failed``.
        IntegrityError: ``toolchain-hash-mismatch``.
    """

    def watch(line: str) -> None:
        if match := _DOWNLOAD.match(line):
            verb = "downloading" if match["how"] == "Downloading" else "using from pip's cache"
            note(f"{verb} {match['file']} ({match['size']})")

    settings = read_pip_settings(python)
    work = python.parents[2]
    requirements = work / "requirements.txt"
    requirements.touch(mode=0o600)  # an index may have a password
    lines = [*settings.requirement_lines, *(package.requirement for package in lock.packages)]
    requirements.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    command = ["pip", "--isolated", "--disable-pip-version-check", "--no-input", *settings.options]
    command += ["install", "--require-hashes", "--only-binary", ":all:", "--no-deps", "--progress-bar", "off"]
    command += ["--requirement", str(requirements)]
    output = _call(python, command, log, folder=work, watch=watch, environment=settings.environment)
    if output is not None:
        raise _explain_failure(output, f"pip could not install the packages of {tool}", log)


def _call(
    python: Path,
    module: list[str],
    log: Path,
    *,
    folder: Path,
    watch: Callable[[str], None] = lambda line: None,
    environment: Mapping[str, str] | None = None,
) -> str | None:
    """Run a module and append its output to the log, without passwords; return the output if it failed."""
    lines: list[str] = []
    process = subprocess.Popen(
        [str(python), "-I", str(_RUN_MODULE), str(os.getpid()), *module],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=clean_environment() | dict(environment or {}),
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


def _explain_failure(output: str, what: str, log: Path) -> ZooError:
    code, hint = "toolchain-build-failed", f"read {log}"
    if _HASH_WORDS in output:
        return IntegrityError(
            "toolchain-hash-mismatch",
            f"{what}: a wheel is not the locked one",
            expected="wheels with the digests that paddle-zoo was released with",
            found=_describe_mismatch(output),
            done=f"the wheel was not installed; the whole log is {log}",
            hint="check the package index, mirror or folder that pip downloads from: pip config list",
        )
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


def _describe_mismatch(output: str) -> str:
    lines = [line.strip() for line in output[output.index(_HASH_WORDS) :].splitlines()[1:]]
    return " ".join(line for line in lines if line)[:400]
