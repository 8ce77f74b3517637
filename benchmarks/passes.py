"""Run a task in a separate process, one pass per request.

Two sides of a comparison take turns in this way: while one works the other waits, other load on the machine
affects both, and the peak memory of each is measured separately.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

Options = dict[str, Any]
Work = Callable[[], Mapping[str, Any]]


class Side:
    """Client of a task in a child process.

    Args:
        script: Script whose main function is :func:`serve`.
        task: Name of one of its tasks.
        options: Options of the task.
        environment: Environment of the process.
    """

    def __init__(self, script: Path, task: str, options: Options, environment: Mapping[str, str]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, str(script), task, json.dumps(options, default=str)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=dict(environment),
        )
        self.peak_mb: float | None = None
        """Largest resident size, once the process has ended."""

    def __call__(self) -> dict[str, Any]:
        """Request one pass.

        Returns:
            The result of the task with ``seconds`` and ``cpu``, the processor seconds of all its threads.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit(f"{' '.join(map(str, self._process.args[1:3]))} ended without an answer")
        return dict(json.loads(line))

    def __enter__(self) -> Side:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.stdout.close()
        _, status, usage = os.wait4(self._process.pid, 0)
        self._process.returncode = os.waitstatus_to_exitcode(status)
        self.peak_mb = usage.ru_maxrss / 1024


def serve(tasks: Mapping[str, Callable[[Options], Work]]) -> None:
    """Prepare the task, then run one pass for every line on stdin."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # engines print to stdout
    work = tasks[sys.argv[1]](json.loads(sys.argv[2]))
    for _ in sys.stdin:
        cpu, start = time.process_time(), time.perf_counter()
        outcome = work()
        seconds, used = time.perf_counter() - start, time.process_time() - cpu
        print(json.dumps({**outcome, "seconds": seconds, "cpu": used}), file=answers, flush=True)


@dataclass(frozen=True)
class FinishedCommand:
    """A finished command.

    Attributes:
        seconds: Wall time.
        cpu: Processor seconds.
        peak_mb: Largest resident size.
        out: Its stdout.
    """

    seconds: float
    cpu: float
    peak_mb: float
    out: str


def run_command(command: Sequence[str], environment: Mapping[str, str]) -> FinishedCommand:
    """Run a command; exits with its stderr if it fails."""
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        start = time.perf_counter()
        process = subprocess.Popen(command, env=dict(environment), stdout=out, stderr=err)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        err.seek(0)
        # Exit code 1 is a failed check, for example of a published figure, and no failure of the command.
        if process.returncode not in (0, 1):
            raise SystemExit(f"{' '.join(command)} failed:\n{err.read()}")
        return FinishedCommand(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, out.read())


def keep_bytecode(store: Path) -> dict[str, str]:
    """Make the environment of commands that use a cache; bytecode is kept as for installed packages."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return kept | {"ZOO_CACHE": str(store), "PYTHONPYCACHEPREFIX": str(store / "bytecode")}


def machine_seconds() -> dict[str, float]:
    """Processor seconds of the whole machine since its start: ``busy`` and ``all``."""
    ticks = os.sysconf("SC_CLK_TCK")
    values = [int(word) / ticks for word in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
    idle = values[3] + values[4]
    return {"busy": sum(values) - idle, "all": sum(values)}
