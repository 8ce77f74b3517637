"""From a model file to a session, or a refusal that says why not."""

from __future__ import annotations

import platform
import sys
from pathlib import Path
from typing import Literal

from converters.interpreter import Interpreter
from converters.reading import inspect
from converters.reading.inspection import Inspection
from converters.staging import read_model
from registry.errors import ConversionError, MissingToolError, UsageError
from zoo.runner.sessions.half import HalfSession
from zoo.runner.sessions.onnx import OnnxSession
from zoo.runner.sessions.session import Session
from zoo.runner.sessions.worker import WorkerSession

Engine = Literal["onnx", "paddle", "lite", "openvino"]

_TARGET_HERE = "x86"


def open_session(
    model: Path, engine: Engine, *, interpreter: Interpreter | None = None, threads: int = 1
) -> Session:
    """Load a model.

    A ``.nb`` file runs here when its kernels are for this processor. A half-precision file for ARM is
    interpreted, rounding by rounding; nothing stands in for one in single precision.

    Args:
        model: ``.onnx`` file for ``onnx``; folder or program file of an inference model for ``paddle``;
            ``.nb`` file for ``lite``.
        engine: What runs it.
        interpreter: Python that has the engine. ``onnx`` runs in this process and takes none; ``paddle``
            uses the current interpreter when there is none; ``lite`` needs one, but for a file that is
            interpreted.
        threads: Threads one run may use. The Paddle-Lite wheel cannot set them for ``.nb`` files: 1.

    Raises:
        ConversionError: ``target-cannot-run-here``: the kernels in the file are for another processor;
            ``half-op-unknown``: the interpreter does not know all of them. Also when the engine crashes or
            fails to load the file.
        IntegrityError: The file is damaged.
        MissingToolError: The engine is not there.
        NotFoundError: The file is not there.
        UsageError: ``wrong-format`` when the file is for another engine, ``threads-not-settable``, or
            ``threads-not-positive``.
    """
    if threads < 1:
        raise UsageError("threads-not-positive", "a model needs a thread to run on", found=str(threads))
    if engine == "onnx":
        return OnnxSession(model, threads=threads)
    inspection = inspect(model)
    if engine == "openvino":
        return _open_openvino(inspection, interpreter or _current(), threads)
    if engine == "paddle":
        return _open_paddle(inspection, interpreter or _current(), threads)
    return _open_lite(inspection, interpreter, threads)


def _open_openvino(inspection: Inspection, interpreter: Interpreter, threads: int) -> Session:
    _require(inspection, "openvino", ("openvino",), "an OpenVINO model")
    request: dict[str, str | int | list[str]] = {
        "model": str(inspection.path.resolve()),
        "inputs": [tensor.name for tensor in inspection.inputs],
        "outputs": [tensor.name for tensor in inspection.outputs],
        "threads": threads,
    }
    return WorkerSession(
        "openvino",
        interpreter,
        "openvino_worker.py",
        request,
        inputs=inspection.inputs,
        outputs=inspection.outputs,
        threads=threads,
    )


def _open_paddle(inspection: Inspection, interpreter: Interpreter, threads: int) -> Session:
    _require(inspection, "paddle", ("program", "pir"), "a Paddle inference model")
    files = read_model(inspection.path.resolve())
    request: dict[str, str | int | bool] = {
        "program": str(files.program.path),
        "params": str(files.params.path),
        "legacy": inspection.format == "program",
        "threads": threads,
    }
    return WorkerSession(
        "paddle",
        interpreter,
        "paddle_worker.py",
        request,
        inputs=inspection.inputs,
        outputs=inspection.outputs,
        threads=threads,
    )


def _open_lite(inspection: Inspection, interpreter: Interpreter | None, threads: int) -> Session:
    _require(inspection, "lite", ("lite",), "a Paddle-Lite model")
    if (inspection.target, inspection.precision) == ("arm", "fp16"):
        if threads != 1:
            raise _one_thread("the interpreter of half-precision ARM files runs on one thread", threads)
        return HalfSession(inspection)
    if inspection.target != _TARGET_HERE or platform.machine() not in ("x86_64", "AMD64"):
        # An ARM file would load, run, and report success with garbage.
        raise ConversionError(
            "target-cannot-run-here",
            f"{inspection.path} cannot run on this processor",
            expected=f"kernels for {_TARGET_HERE}, on such a processor",
            found=f"kernels for {inspection.target}, on {platform.machine()}",
            done="the file was not loaded",
            hint="zoo convert SRC --to lite --target x86 makes the twin that runs here",
        )
    if threads != 1:
        raise _one_thread("Paddle-Lite for Python cannot set the number of threads of a .nb file", threads)
    if interpreter is None:
        raise MissingToolError(
            "paddlelite-missing",
            "no Python with paddlelite is known",
            hint="zoo doctor shows which interpreters work",
        )
    return WorkerSession(
        "paddle-lite",
        interpreter,
        "lite_worker.py",
        {
            "model": str(inspection.path.resolve()),
            "inputs": [tensor.name for tensor in inspection.inputs],
            "outputs": [tensor.name for tensor in inspection.outputs],
        },
        inputs=inspection.inputs,
        outputs=inspection.outputs,
        threads=threads,
    )


def _one_thread(why: str, threads: int) -> UsageError:
    return UsageError("threads-not-settable", why, expected="1", found=str(threads))


def _require(inspection: Inspection, engine: str, formats: tuple[str, ...], what: str) -> None:
    if inspection.format not in formats:
        raise UsageError(
            "wrong-format",
            f"{inspection.path} is not for {engine}",
            expected=what,
            found=f"a file of format {inspection.format}",
            hint=f"zoo inspect {inspection.path}",
        )


def _current() -> Interpreter:
    return Interpreter(Path(sys.executable), platform.python_version(), "current")
