"""Sessions on engines that can abort: the engine runs in a child process, and pipes transfer the arrays."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from converters.formats.inspection import Tensor
from converters.process.interpreter import Interpreter
from registry.errors import ConversionError, UsageError
from zoo._utils.arrays import Array
from zoo.runner.sessions.process import WorkerProcess
from zoo.runner.sessions.session import Arrays, SessionBase, check_feeds
from zoo.runner.sessions.workers import frames

_WORKERS = Path(frames.__file__).parent


class WorkerSession(SessionBase):
    """A model in a worker process.

    The worker's standard output and error go to a log, since native libraries print to both; frames use
    separate pipes. Several threads may call ``run``; the runs are serialized.

    Args:
        engine: Name of the engine.
        interpreter: Python that has it.
        script: Worker script: the name of a script in ``workers``, or a path.
        request: Message from which the worker loads the model.
        inputs: Inputs the model declares. The engine must report the same names.
        outputs: Outputs the model declares, in order.
        threads: Threads one run may use.
        timeout: Time limit in seconds for loading and for each run.

    Raises:
        ConversionError: ``predictor-crashed``, ``predictor-failed``, ``predictor-timeout`` or
            ``predictor-mismatch``.
    """

    def __init__(
        self,
        engine: str,
        interpreter: Interpreter,
        script: str | Path,
        request: Mapping[str, str | int | bool | list[str]],
        *,
        inputs: tuple[Tensor, ...],
        outputs: tuple[Tensor, ...],
        threads: int,
        timeout: float = 300.0,
    ) -> None:
        self.engine = engine
        self.threads = threads
        self.inputs = inputs
        self._timeout = timeout
        self._turn = threading.RLock()
        self._worker: WorkerProcess | None = WorkerProcess(engine, interpreter, _WORKERS / script, threads)
        try:
            facts, _ = self._exchange(dict(request), {})
            self.engine_version = str(facts["version"])
            self.outputs = _named(outputs, facts["outputs"])
            _check_names(engine, inputs, facts["inputs"])
        except BaseException:
            self.close()
            raise

    def run(self, feeds: Mapping[str, Array]) -> Arrays:
        """See :class:`zoo.runner.sessions.session.Session`."""
        check_feeds(self.inputs, feeds)
        return self._exchange({}, feeds)[1]

    def close(self) -> None:
        """End the worker after the current run."""
        with self._turn:
            worker, self._worker = self._worker, None
        if worker is not None:
            worker.end()

    def _exchange(
        self, message: dict[str, Any], arrays: Mapping[str, Array]
    ) -> tuple[dict[str, Any], Arrays]:
        with self._turn:
            worker = self._worker
            if worker is None:
                raise UsageError(
                    "session-closed",
                    "the session was closed, or its worker has ended",
                    hint="open the model again",
                )
            try:
                answer, results = worker.exchange(message, arrays, time.monotonic() + self._timeout)
            except (EOFError, OSError, ValueError) as error:
                self._worker = None
                raise worker.end_with_error(error, self._timeout) from None
            except BaseException:
                # Interrupted halfway: the next answer to arrive would belong to this request.
                self.close()
                raise
        if "error" in answer:
            raise ConversionError(
                "predictor-failed",
                f"{self.engine} failed",
                found=str(answer["error"]),
                hint="try another engine: --backend onnx, paddle or lite",
            )
        return answer, results


def _named(declared: tuple[Tensor, ...], names: list[str]) -> tuple[Tensor, ...]:
    """Outputs under the engine's names; an optimizer may rename outputs but never reorders them."""
    if len(declared) != len(names):
        return tuple(Tensor(name=name, shape=None, dtype=None) for name in names)
    pairs = zip(declared, names, strict=True)
    return tuple(tensor.model_copy(update={"name": name}) for tensor, name in pairs)


def _check_names(engine: str, declared: tuple[Tensor, ...], names: list[str]) -> None:
    expected = [tensor.name for tensor in declared]
    if expected != names:
        raise ConversionError(
            "predictor-mismatch",
            f"the inputs that {engine} reports differ from those the file declares",
            expected=", ".join(expected),
            found=", ".join(names),
            hint="convert the model again, or try another engine: --backend onnx, paddle or lite",
        )
