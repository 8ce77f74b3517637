"""A worker process and its pipes."""

from __future__ import annotations

import contextlib
import os
import select
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from converters.process.interpreter import Interpreter
from converters.process.log_excerpt import extract_error_lines
from converters.process.run import describe_signal
from registry.errors import ConversionError
from zoo._utils.arrays import Array
from zoo.runner.sessions.session import Arrays
from zoo.runner.sessions.workers import frames

_LOG_TAIL = 64 * 1024
_SECONDS_TO_END = 5.0
# Environment variables of the engines and their libraries; they can change results.
_SWITCHES = ("FLAGS_", "GLOG_", "PADDLE_", "OMP_", "MKL_", "KMP_", "DNNL_", "ONEDNN_")


class WorkerProcess:
    """A worker script in its own process.

    Args:
        engine: Name of the engine, for messages.
        interpreter: Python that has it.
        script: Worker script.
        threads: Threads the libraries below the engine may use.

    Raises:
        ConversionError: ``predictor-failed`` when the interpreter does not start.
    """

    def __init__(self, engine: str, interpreter: Interpreter, script: Path, threads: int) -> None:
        self._engine = engine
        # Unlinked from the start: nothing to clean up, however this process ends.
        self._log = tempfile.TemporaryFile()  # noqa: SIM115  open as long as the worker lives
        requests, self._requests = os.pipe()
        self._answers, answers = os.pipe()
        # A write must not block for longer than the time limit when the worker stops reading.
        os.set_blocking(self._requests, False)
        command = interpreter.command(frames.__file__, str(requests), str(answers), script)
        try:
            self._process = subprocess.Popen(
                command,
                env=_environment(threads),
                pass_fds=(requests, answers),
                stdin=subprocess.DEVNULL,
                stdout=self._log,
                stderr=subprocess.STDOUT,
                # Ctrl-C at the terminal goes to this process only, which then closes the pipes.
                start_new_session=True,
            )
        except OSError as error:
            self._close_files()
            self._log.close()
            raise ConversionError(
                "predictor-failed",
                f"cannot start the interpreter {interpreter.path}",
                found=error.strerror,
                hint="zoo doctor lists the interpreters that work",
            ) from error
        finally:
            os.close(requests)
            os.close(answers)

    def exchange(
        self, message: dict[str, Any], arrays: Mapping[str, Array], deadline: float
    ) -> tuple[dict[str, Any], Arrays]:
        """Send a request and wait for its answer.

        Args:
            message: JSON object.
            arrays: Arrays sent with the message.
            deadline: Time on the monotonic clock at which to give up.

        Raises:
            EOFError: The worker has ended.
            OSError: The worker has ended; ``TimeoutError`` after the deadline.
            ValueError: The answer is not a valid frame.
        """
        frames.send(_writer(self._requests, deadline), message, arrays.items())
        answer, results = frames.receive(_reader(self._answers, deadline))
        return answer, dict(results)

    def end(self) -> None:
        """End the worker: it exits when its request pipe closes, and is killed otherwise."""
        if self._requests >= 0:
            self._close_files()
        try:
            self._process.wait(_SECONDS_TO_END)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        with contextlib.suppress(OSError):
            self._log.close()

    def end_with_error(self, error: Exception, timeout: float) -> ConversionError:
        """End the worker and return an error that describes the failure.

        Args:
            error: Exception that :meth:`exchange` raised.
            timeout: Time limit of the request in seconds.
        """
        if isinstance(error, TimeoutError):
            self._process.kill()
        self._close_files()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_SECONDS_TO_END)
        code = self._process.poll()
        lines = self._error_lines()
        self.end()
        if isinstance(error, TimeoutError):
            name, event = "predictor-timeout", f"took longer than {timeout:g} s and was stopped"
        elif code is not None and code < 0:
            name, event = "predictor-crashed", f"crashed: {describe_signal(-code)}"
        else:
            name, event = "predictor-crashed", f"ended without an answer ({error})"
        return ConversionError(
            name,
            f"{self._engine} {event}",
            found=f"last log lines: {lines}" if lines else "no log output",
            done="the session is closed",
            hint="zoo inspect FILE shows the format and target of the model file",
        )

    def _error_lines(self) -> str | None:
        size = self._log.seek(0, os.SEEK_END)
        self._log.seek(max(0, size - _LOG_TAIL))
        return extract_error_lines(self._log.read().decode("utf-8", errors="replace"))

    def _close_files(self) -> None:
        for descriptor in (self._requests, self._answers):
            if descriptor >= 0:
                os.close(descriptor)
        self._requests = self._answers = -1


def _reader(descriptor: int, deadline: float) -> Callable[[memoryview], int]:
    wait = _waiter(descriptor, select.POLLIN, deadline)

    def read_into(buffer: memoryview) -> int:
        wait()
        return os.readv(descriptor, [buffer])

    return read_into


def _writer(descriptor: int, deadline: float) -> Callable[[memoryview], int]:
    wait = _waiter(descriptor, select.POLLOUT, deadline)

    def write(data: memoryview) -> int:
        while True:
            wait()
            try:
                return os.write(descriptor, data)
            except BlockingIOError:  # less room than one atomic write needs
                continue

    return write


def _waiter(descriptor: int, event: int, deadline: float) -> Callable[[], None]:
    """Return a function that waits until a descriptor is ready, and raises after the deadline."""
    ready = select.poll()
    ready.register(descriptor, event)

    def wait() -> None:
        if not ready.poll(max(0.0, deadline - time.monotonic()) * 1000):
            raise TimeoutError

    return wait


def _environment(threads: int) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_SWITCHES)}
    return kept | {"OMP_NUM_THREADS": str(threads), "PYTHONDONTWRITEBYTECODE": "1"}
