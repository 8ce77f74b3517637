"""Runs native code that may crash in a child process, with limits and readable errors.

A worker is a Python script with a function ``main(request)`` that takes and returns JSON values. It imports
no module of this project, so any interpreter that has the tool can run it.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import site
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import JsonValue

from converters.fs.atomic import writing_to
from converters.process.interpreter import Interpreter
from converters.process.log_excerpt import extract_error_lines
from registry.errors import ConversionError

_BOOTSTRAP = Path(__file__).with_name("bootstrap.py")
_LOG_TAIL = 256 * 1024
_MIN_FREE_BYTES = 1 << 20

# A worker gets only the variables it needs to start: switches such as FLAGS_* or PADDLE_LITE_MODEL_VERSION1
# change the output of the tools, and credentials could reach their logs.
_KEPT = ("PATH", "LD_LIBRARY_PATH")
_KEPT_FOR_CURRENT = ("PYTHONHOME", "PYTHONNOUSERSITE")

_SIGNALS = {
    signal.SIGABRT: "an internal check failed (SIGABRT)",
    signal.SIGSEGV: "invalid memory access (SIGSEGV)",
    signal.SIGBUS: "mapped memory became unavailable (SIGBUS)",
    signal.SIGFPE: "arithmetic error such as a division by zero (SIGFPE)",
    signal.SIGILL: "this processor lacks an instruction that it uses (SIGILL)",
    signal.SIGKILL: "the system killed it, most likely because memory ran out (SIGKILL)",
    signal.SIGTERM: "it was terminated from outside (SIGTERM)",
}
_MEMORY_WORDS = ("bad_alloc", "MemoryError", "Cannot allocate memory", "out of memory", "ResourceExhausted")
_DISK_WORDS = ("No space left on device", "Disk quota exceeded")


@dataclass(frozen=True)
class _Outcome:
    """Result of a worker, and the limits under which it ran.

    Attributes:
        task: Description of the work.
        returncode: As in ``subprocess``: negative for a signal; None for a timeout.
        value: The object that ``main`` returned; None if there is none.
        excerpt: Error lines of the worker or its tool; may be empty.
        log: File with the whole output.
        folder: Working directory.
        timeout: Time limit in seconds.
        memory: Limit of the address space in bytes; None for no limit.
    """

    task: str
    returncode: int | None
    value: dict[str, JsonValue] | None
    excerpt: str
    log: Path
    folder: Path
    timeout: float
    memory: int | None


def run_worker(
    interpreter: Interpreter,
    script: Path,
    request: Mapping[str, JsonValue],
    *,
    folder: Path,
    log: Path,
    timeout: float,
    memory_bytes: int | None = None,
    env: Mapping[str, str] | None = None,
    task: str | None = None,
    hint: str | None = None,
) -> dict[str, JsonValue]:
    """Call ``main(request)`` of a script in a child process and return its result.

    The child has its own process group, which is killed on a timeout or when this process is interrupted. On
    Linux the kernel kills the child when this process dies in any other way.

    Args:
        interpreter: Python that runs the script.
        script: The worker script.
        request: Argument of its ``main``.
        folder: Private folder for this run: working directory, home and temporary folder of the child.
        log: File for the output of the tool; replaced, and always kept.
        timeout: Time limit in seconds.
        memory_bytes: Limit of the address space; None for no limit.
        env: Additional environment variables. The child inherits only a few that it needs to start.
        task: Description of the work for messages; defaults to the name of the script.
        hint: Hint for errors that have no better one.

    Returns:
        The object that ``main`` returned.

    Raises:
        ConversionError: ``converter-timeout``, ``converter-out-of-memory``, ``converter-disk-full``,
            ``converter-crashed`` (a signal) or ``converter-failed`` (anything else).
    """
    request_path, result_path = folder / "request.json", folder / "result.json"
    result_path.unlink(missing_ok=True)
    job = {"parent": os.getpid(), "memory": memory_bytes, "script": str(script), "request": dict(request)}
    with writing_to(log, hint="set ZOO_CACHE to a folder that can be written to"):
        log.parent.mkdir(parents=True, exist_ok=True)
        request_path.write_text(json.dumps(job), encoding="utf-8")
        output = log.open("wb")
    with output:
        returncode = _run(
            interpreter.command(_BOOTSTRAP, request_path, result_path),
            env=_environment(interpreter, folder) | dict(env or {}),
            folder=folder,
            output=output.fileno(),
            timeout=timeout,
        )
    value, error = _read_result(result_path)
    if returncode == 0 and value is not None:
        return value
    lines = (extract_error_lines(error), extract_error_lines(_tail(log), complaints_only=bool(error)))
    excerpt = "; ".join(dict.fromkeys(part for part in lines if part))
    outcome = _Outcome(task or script.stem, returncode, value, excerpt, log, folder, timeout, memory_bytes)
    raise _explain_failure(outcome, hint)


def describe_signal(number: int) -> str:
    """Describe a signal, for example ``an internal check failed (SIGABRT)``."""
    try:
        known = signal.Signals(number)
    except ValueError:
        return f"signal {number}"
    return _SIGNALS.get(known, known.name)


def _run(command: list[str], *, env: dict[str, str], folder: Path, output: int, timeout: float) -> int | None:
    try:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    except OSError as error:
        raise ConversionError(
            "converter-failed",
            f"the interpreter {command[0]} does not start",
            found=error.strerror,
            hint="zoo doctor",
        ) from error
    try:
        return process.wait(timeout)
    except subprocess.TimeoutExpired:
        return None
    finally:
        # After a normal end this kills processes that the tool left running; otherwise the worker too.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _environment(interpreter: Interpreter, folder: Path) -> dict[str, str]:
    env = {name: os.environ[name] for name in _KEPT if name in os.environ}
    private = str(folder)
    env |= {"HOME": private, "TMPDIR": private, "XDG_CACHE_HOME": private}
    # One thread and one locale, so that sums and texts do not depend on the machine.
    env |= {"OMP_NUM_THREADS": "1", "LC_ALL": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1"}
    if interpreter.origin == "current":
        env |= {name: os.environ[name] for name in _KEPT_FOR_CURRENT if name in os.environ}
        # Relative entries would mean other folders in the child, and the user site would follow HOME.
        entries = [os.path.abspath(e) for e in os.environ.get("PYTHONPATH", "").split(os.pathsep) if e]
        env["PYTHONPATH"] = os.pathsep.join(entries)
        env["PYTHONUSERBASE"] = site.getuserbase()
    return env


def _read_result(path: Path) -> tuple[dict[str, JsonValue] | None, str]:
    """Return the value of a worker, or its error; neither if it wrote no valid result."""
    try:
        result = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None, ""
    if not isinstance(result, dict):
        return None, ""
    value = result.get("value")
    return (value if isinstance(value, dict) else None), str(result.get("error", ""))


def _tail(log: Path) -> str:
    with log.open("rb") as stream:
        stream.seek(max(0, log.stat().st_size - _LOG_TAIL))
        return stream.read().decode("utf-8", errors="replace")


def _explain_failure(outcome: _Outcome, hint: str | None) -> ConversionError:
    task, code = outcome.task, outcome.returncode
    if code is None:
        name, what = "converter-timeout", f"{task} took longer than {outcome.timeout:g} s and was stopped"
    elif any(word in outcome.excerpt for word in _DISK_WORDS) or _disk_is_full(outcome.folder):
        disk = outcome.folder.parent
        name, what = "converter-disk-full", f"{task} failed: the disk of {disk} is full"
        hint = f"free space on the disk of {disk}, or set ZOO_CACHE to a folder on another disk, then repeat"
    elif code == -signal.SIGKILL or any(word in outcome.excerpt for word in _MEMORY_WORDS):
        name, what = "converter-out-of-memory", f"{task} ran out of memory"
        if outcome.memory is not None:
            what += f" (limit: {outcome.memory >> 20} MiB)"
    elif code < 0:
        name, what = "converter-crashed", f"{task} crashed: {describe_signal(-code)}"
    elif code == 0:
        name, what = "converter-failed", f"{task} ended without a result"
    else:
        name, what = "converter-failed", f"{task} failed with exit status {code}"
    return ConversionError(
        name,
        what,
        found=f"last lines of its output: {outcome.excerpt}" if outcome.excerpt else "no output",
        done=f"nothing was written; the whole log is {outcome.log}",
        hint=hint or f"read {outcome.log}",
    )


def _disk_is_full(folder: Path) -> bool:
    with contextlib.suppress(OSError):
        return shutil.disk_usage(folder).free < _MIN_FREE_BYTES
    return False
