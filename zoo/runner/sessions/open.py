"""Open a session on a model file."""

from __future__ import annotations

import platform
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from converters.formats import inspect
from converters.formats.inspection import Inspection, Tensor
from converters.formats.tflite.inspect import to_channels_first
from converters.jobs.input_model import read_model
from converters.process.interpreter import Interpreter
from registry.errors import ConversionError, MissingToolError, UsageError
from zoo._utils.choices import Backend
from zoo.runner.sessions.arm_fp16 import ArmFp16Session
from zoo.runner.sessions.onnx import OnnxSession
from zoo.runner.sessions.session import Session
from zoo.runner.sessions.worker import WorkerSession

_NATIVE_TARGET = "x86"

Request = dict[str, str | int | bool | list[str]]
"""Message from which a worker loads a model."""


@dataclass(frozen=True)
class _WorkerEngine:
    """An engine that runs in a worker process.

    Attributes:
        engine: Name in the session.
        formats: Formats of :class:`Inspection` that it loads.
        description: The formats in words.
        script: File name of its worker script.
        build_request: Builds the message from which the worker loads a file.
        convert_tensors: Converts inputs or outputs of a file to those of the session, with channels first.
    """

    engine: str
    formats: tuple[str, ...]
    description: str
    script: str
    build_request: Callable[[Inspection], Request]
    convert_tensors: Callable[[Sequence[Tensor]], tuple[Tensor, ...]] = tuple


def open_session(
    model: Path, backend: Backend, *, interpreter: Interpreter | None = None, threads: int = 1
) -> Session:
    """Load a model.

    A ``.nb`` file runs natively if its kernels are for this processor. An FP16 file for ARM runs under ARM
    FP16 emulation; an FP32 file for ARM cannot run here.

    Args:
        model: ``.onnx`` file for ``onnx``; folder or program file of an inference model for ``paddle``;
            ``.nb`` file for ``lite``; folder or graph of an OpenVINO or ncnn model for ``openvino`` and
            ``ncnn``; ``.tflite`` file for ``tflite``, whose four-dimensional inputs and outputs have channels
            last in the file and first in the session, as with every other engine.
        backend: The backend.
        interpreter: Python that has the engine; the current one by default. ``onnx`` runs in this process and
            ignores it; ``lite`` needs it except for ARM FP16 emulation.
        threads: Threads one run may use. 1 for ``.nb`` files: the Paddle-Lite wheel cannot set them.

    Raises:
        ConversionError: ``target-not-runnable``: the kernels in the file are for another processor;
            ``fp16-op-unsupported``: ARM FP16 emulation does not support all of them. Also if the engine
            crashes or cannot load the file.
        IntegrityError: The file is damaged.
        MissingToolError: The engine is not installed.
        NotFoundError: The file does not exist.
        UsageError: ``wrong-format`` if the file is for another engine, ``threads-not-settable``, or
            ``threads-not-positive``.
    """
    if threads < 1:
        raise UsageError(
            "threads-not-positive",
            "the number of threads must be positive",
            expected="1 or more",
            found=str(threads),
            hint="--threads 1",
        )
    if backend == "onnx":
        return OnnxSession(model, threads=threads)
    inspection, engine = inspect(model), _ENGINES[backend]
    if inspection.format not in engine.formats:
        raise UsageError(
            "wrong-format",
            f"{inspection.path} is not a model for --backend {backend}",
            expected=engine.description,
            found=f"a file of format {inspection.format}",
            hint=f"zoo inspect {inspection.path}",
        )
    if backend == "lite":
        if (inspection.target, inspection.precision) == ("arm", "fp16"):
            if threads != 1:
                raise _thread_error("ARM FP16 emulation runs on one thread", threads)
            return ArmFp16Session(inspection)
        _require_runnable(inspection, interpreter, threads)
    return WorkerSession(
        engine.engine,
        interpreter or Interpreter(Path(sys.executable), platform.python_version(), "current"),
        engine.script,
        engine.build_request(inspection) | {"threads": threads},
        inputs=engine.convert_tensors(inspection.inputs),
        outputs=engine.convert_tensors(inspection.outputs),
        threads=threads,
    )


def _file_request(inspection: Inspection) -> Request:
    return {
        "model": str(inspection.path.resolve()),
        "inputs": [tensor.name for tensor in inspection.inputs],
        "outputs": [tensor.name for tensor in inspection.outputs],
    }


def _program_request(inspection: Inspection) -> Request:
    files = read_model(inspection.path.resolve())
    return {
        "program": str(files.program.path),
        "params": str(files.params.path),
        "legacy": inspection.format == "program",
    }


_ENGINES: dict[Backend, _WorkerEngine] = {
    "paddle": _WorkerEngine(
        "paddle", ("program", "pir"), "a Paddle inference model", "paddle_worker.py", _program_request
    ),
    "lite": _WorkerEngine("paddle-lite", ("lite",), "a Paddle-Lite model", "lite_worker.py", _file_request),
    "openvino": _WorkerEngine(
        "openvino", ("openvino",), "an OpenVINO model", "openvino_worker.py", _file_request
    ),
    "ncnn": _WorkerEngine("ncnn", ("ncnn",), "an ncnn model", "ncnn_worker.py", _file_request),
    "tflite": _WorkerEngine(
        "litert", ("tflite",), "a TensorFlow Lite model", "tflite_worker.py", _file_request, to_channels_first
    ),
}


def _require_runnable(inspection: Inspection, interpreter: Interpreter | None, threads: int) -> None:
    """Check that Paddle-Lite can run a file on this machine with the given options."""
    if inspection.target != _NATIVE_TARGET or platform.machine() not in ("x86_64", "AMD64"):
        # An ARM file would load, run, and report success while returning garbage.
        raise ConversionError(
            "target-not-runnable",
            f"cannot run {inspection.path} on this processor",
            expected=f"kernels for {_NATIVE_TARGET}, on an {_NATIVE_TARGET} processor",
            found=f"kernels for {inspection.target}, on {platform.machine()}",
            done="the file was not loaded",
            hint="zoo convert SRC --to lite --target x86",
        )
    if threads != 1:
        raise _thread_error("Paddle-Lite for Python cannot set the number of threads of a .nb file", threads)
    if interpreter is None:
        raise MissingToolError(
            "paddlelite-missing",
            "no Python with paddlelite is available",
            hint="zoo doctor lists the interpreters that work",
        )


def _thread_error(message: str, threads: int) -> UsageError:
    return UsageError("threads-not-settable", message, expected="1", found=str(threads), hint="--threads 1")
