"""Running native code that may crash: in a child process, with limits, and with a readable verdict.

A worker is a Python script with a function ``main(request)`` that takes and returns plain JSON values. It
imports nothing of ours, so any interpreter that has the tool can run it.
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

_LAUNCH = Path(__file__).with_name("bootstrap.py")
_LOG_TAIL = 256 * 1024
_LEAST_FREE = 1 << 20

# A worker sees only what it needs to start. Everything else stays out: switches like FLAGS_* or
# PADDLE_LITE_MODEL_VERSION1 change what the tools write, credentials could end up in their logs.
_KEPT = ("PATH", "LD_LIBRARY_PATH")
_KEPT_FOR_CURRENT = ("PYTHONHOME", "PYTHONNOUSERSITE")

_SIGNALS = {
    signal.SIGABRT: "a check inside it failed (SIGABRT)",
    signal.SIGSEGV: "it touched memory that is not its own (SIGSEGV)",
    signal.SIGBUS: "memory it had mapped is gone (SIGBUS)",
    signal.SIGFPE: "it divided by zero (SIGFPE)",
    signal.SIGILL: "this processor lacks an instruction it was built with (SIGILL)",
    signal.SIGKILL: "the system killed it, most likely for want of memory (SIGKILL)",
    signal.SIGTERM: "somebody ended it (SIGTERM)",
}
_MEMORY_WORDS = ("bad_alloc", "MemoryError", "Cannot allocate memory", "out of memory", "ResourceExhausted")
_DISK_WORDS = ("No space left on device", "Disk quota exceeded")


@dataclass(frozen=True)
class _Ending:
    """How a worker ended, and under which terms it ran.

    Attributes:
        task: What was being done.
        returncode: As of ``subprocess``: negative for a signal; None when it ran out of time.
        value: What its ``main`` returned, when that was an object.
        words: What it or the tool in it last said; may be empty.
        log: Where the rest of that is.
        folder: Its working directory.
        timeout: Seconds it had.
        memory: Bytes of address space it had; None for no limit.
    """

    task: str
    returncode: int | None
    value: dict[str, JsonValue] | None
    words: str
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
    """Call ``main(request)`` of a script in a child process and return what it returned.

    The child has a process group of its own, which is killed when time runs out or when this process is
    interrupted; on Linux the kernel kills the child when this process dies in any other way.

    Args:
        interpreter: Python to start it with.
        script: The worker script.
        request: Passed to its ``main``.
        folder: Private folder for this run: working directory, home and temporary folder of the child.
        log: File for everything the tool prints; replaced, and kept whatever happens.
        timeout: Seconds it may take.
        memory_bytes: Address space it may use; None for no limit.
        env: Further environment variables. The child sees none of ours except a few it needs to start.
        task: What is being done, for messages; the name of the script when missing.
        hint: What to try when it fails, for errors that have no better advice.

    Returns:
        The object ``main`` returned.

    Raises:
        ConversionError: ``converter-timeout``, ``converter-out-of-memory``, ``converter-disk-full``,
            ``converter-crashed`` (a signal) or ``converter-failed`` (anything else).
    """
    ask, answer = folder / "request.json", folder / "result.json"
    answer.unlink(missing_ok=True)
    job = {"parent": os.getpid(), "memory": memory_bytes, "script": str(script), "request": dict(request)}
    with writing_to(log, hint="set ZOO_CACHE to a folder that can be written to"):
        log.parent.mkdir(parents=True, exist_ok=True)
        ask.write_text(json.dumps(job), encoding="utf-8")
        output = log.open("wb")
    with output:
        returncode = _run(
            [str(interpreter.path), *interpreter.flags, str(_LAUNCH), str(ask), str(answer)],
            env=_environment(interpreter, folder) | dict(env or {}),
            folder=folder,
            output=output.fileno(),
            timeout=timeout,
        )
    value, error = _read(answer)
    said = (extract_error_lines(error), extract_error_lines(_tail(log), complaints_only=bool(error)))
    words = "; ".join(dict.fromkeys(part for part in said if part))
    ending = _Ending(task or script.stem, returncode, value, words, log, folder, timeout, memory_bytes)
    if ending.returncode == 0 and ending.value is not None:
        return ending.value
    raise _verdict(ending, hint)


def describe_signal(number: int) -> str:
    """A signal in words, for example ``a check inside it failed (SIGABRT)``."""
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
            hint="zoo doctor shows which interpreters work",
        ) from error
    try:
        return process.wait(timeout)
    except subprocess.TimeoutExpired:
        return None
    finally:
        # After a normal end this reaches helpers the tool may have left behind; otherwise the worker too.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _environment(interpreter: Interpreter, folder: Path) -> dict[str, str]:
    env = {name: os.environ[name] for name in _KEPT if name in os.environ}
    private = str(folder)
    env |= {"HOME": private, "TMPDIR": private, "XDG_CACHE_HOME": private}
    # One thread and one locale, so that sums and spellings do not depend on the machine.
    env |= {"OMP_NUM_THREADS": "1", "LC_ALL": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1"}
    if interpreter.origin == "current":
        env |= {name: os.environ[name] for name in _KEPT_FOR_CURRENT if name in os.environ}
        # Relative entries would mean another folder in the child; HOME no longer leads to the user site.
        entries = [os.path.abspath(e) for e in os.environ.get("PYTHONPATH", "").split(os.pathsep) if e]
        env["PYTHONPATH"] = os.pathsep.join(entries)
        env["PYTHONUSERBASE"] = site.getuserbase()
    return env


def _read(answer: Path) -> tuple[dict[str, JsonValue] | None, str]:
    """The value a worker returned, or else the error it reported; neither when it wrote nothing legible."""
    try:
        answered = json.loads(answer.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None, ""
    if not isinstance(answered, dict):
        return None, ""
    value = answered.get("value")
    return (value if isinstance(value, dict) else None), str(answered.get("error", ""))


def _tail(log: Path) -> str:
    with log.open("rb") as stream:
        stream.seek(max(0, log.stat().st_size - _LOG_TAIL))
        return stream.read().decode("utf-8", errors="replace")


def _verdict(ending: _Ending, hint: str | None) -> ConversionError:
    task, code = ending.task, ending.returncode
    if code is None:
        name, what = "converter-timeout", f"{task} took longer than {ending.timeout:g} s and was stopped"
    elif any(word in ending.words for word in _DISK_WORDS) or _disk_is_full(ending.folder):
        disk = ending.folder.parent
        name, what = "converter-disk-full", f"{task} failed: the disk of {disk} is full"
        hint = f"make room on the disk of {disk}, or set ZOO_CACHE to a folder on another, then repeat"
    elif code == -signal.SIGKILL or any(word in ending.words for word in _MEMORY_WORDS):
        name, what = "converter-out-of-memory", f"{task} ran out of memory"
        if ending.memory is not None:
            what += f" (it may use {ending.memory >> 20} MiB)"
    elif code < 0:
        name, what = "converter-crashed", f"{task} crashed: {describe_signal(-code)}"
    elif code == 0:
        name, what = "converter-failed", f"{task} ended without a result"
    else:
        name, what = "converter-failed", f"{task} failed with exit status {code}"
    return ConversionError(
        name,
        what,
        found=f"its last words: {ending.words}" if ending.words else "it said nothing",
        done=f"no file was made; the whole log is {ending.log}",
        hint=hint or f"read {ending.log}",
    )


def _disk_is_full(folder: Path) -> bool:
    with contextlib.suppress(OSError):
        return shutil.disk_usage(folder).free < _LEAST_FREE
    return False
