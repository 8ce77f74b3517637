"""From a model file to a session, or a refusal that says why not."""

from __future__ import annotations

import platform
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from converters.formats import inspect
from converters.formats.inspection import Inspection, Tensor
from converters.formats.tflite.inspect import channels_first
from converters.jobs.input_model import read_model
from converters.process.interpreter import Interpreter
from registry.errors import ConversionError, MissingToolError, UsageError
from zoo._utils.choices import Backend
from zoo.runner.sessions.arm_fp16 import ArmFp16Session
from zoo.runner.sessions.onnx import OnnxSession
from zoo.runner.sessions.session import Session
from zoo.runner.sessions.worker import WorkerSession

_TARGET_HERE = "x86"

Request = dict[str, str | int | bool | list[str]]
"""What a worker needs to load a model."""


@dataclass(frozen=True)
class _Hosted:
    """An engine that lives in a worker process.

    Attributes:
        engine: What the session calls it.
        formats: Formats of :class:`Inspection` that it loads.
        what: These, in words.
        script: Its worker, among ours.
        request: What that needs to know of a file.
        ends: Inputs or outputs of a file, as the session has them: with channels first.
    """

    engine: str
    formats: tuple[str, ...]
    what: str
    script: str
    request: Callable[[Inspection], Request]
    ends: Callable[[Sequence[Tensor]], tuple[Tensor, ...]] = tuple


def open_session(
    model: Path, backend: Backend, *, interpreter: Interpreter | None = None, threads: int = 1
) -> Session:
    """Load a model.

    A ``.nb`` file runs here when its kernels are for this processor. A half-precision file for ARM is
    interpreted, rounding by rounding; nothing stands in for one in single precision.

    Args:
        model: ``.onnx`` file for ``onnx``; folder or program file of an inference model for ``paddle``;
            ``.nb`` file for ``lite``; folder or graph of an OpenVINO or ncnn model for ``openvino`` and
            ``ncnn``; ``.tflite`` file for ``tflite``: its inputs and outputs of four extents have channels
            last, and first in the session, as with every other engine.
        backend: What runs it.
        interpreter: Python that has the engine; the current one when there is none. ``onnx`` runs in this
            process and takes none; ``lite`` needs one, but for a file that is interpreted.
        threads: Threads one run may use. The Paddle-Lite wheel cannot set them for ``.nb`` files: 1.

    Raises:
        ConversionError: ``target-not-runnable``: the kernels in the file are for another processor;
            ``fp16-op-unsupported``: the interpreter does not know all of them. Also when the engine crashes or
            fails to load the file.
        IntegrityError: The file is damaged.
        MissingToolError: The engine is not there.
        NotFoundError: The file is not there.
        UsageError: ``wrong-format`` when the file is for another engine, ``threads-not-settable``, or
            ``threads-not-positive``.
    """
    if threads < 1:
        raise UsageError(
            "threads-not-positive",
            "a model needs a thread to run on",
            expected="1 or more",
            found=str(threads),
            hint="--threads 1",
        )
    if backend == "onnx":
        return OnnxSession(model, threads=threads)
    inspection, hosted = inspect(model), _HOSTED[backend]
    if inspection.format not in hosted.formats:
        raise UsageError(
            "wrong-format",
            f"{inspection.path} is not for {backend}",
            expected=hosted.what,
            found=f"a file of format {inspection.format}",
            hint=f"zoo inspect {inspection.path}",
        )
    if backend == "lite":
        if (inspection.target, inspection.precision) == ("arm", "fp16"):
            if threads != 1:
                raise _one_thread("the interpreter of half-precision ARM files runs on one thread", threads)
            return ArmFp16Session(inspection)
        _require_runnable(inspection, interpreter, threads)
    return WorkerSession(
        hosted.engine,
        interpreter or Interpreter(Path(sys.executable), platform.python_version(), "current"),
        hosted.script,
        hosted.request(inspection) | {"threads": threads},
        inputs=hosted.ends(inspection.inputs),
        outputs=hosted.ends(inspection.outputs),
        threads=threads,
    )


def _of_file(inspection: Inspection) -> Request:
    return {
        "model": str(inspection.path.resolve()),
        "inputs": [tensor.name for tensor in inspection.inputs],
        "outputs": [tensor.name for tensor in inspection.outputs],
    }


def _of_program(inspection: Inspection) -> Request:
    files = read_model(inspection.path.resolve())
    return {
        "program": str(files.program.path),
        "params": str(files.params.path),
        "legacy": inspection.format == "program",
    }


_HOSTED: dict[Backend, _Hosted] = {
    "paddle": _Hosted(
        "paddle", ("program", "pir"), "a Paddle inference model", "paddle_worker.py", _of_program
    ),
    "lite": _Hosted("paddle-lite", ("lite",), "a Paddle-Lite model", "lite_worker.py", _of_file),
    "openvino": _Hosted("openvino", ("openvino",), "an OpenVINO model", "openvino_worker.py", _of_file),
    "ncnn": _Hosted("ncnn", ("ncnn",), "an ncnn model", "ncnn_worker.py", _of_file),
    "tflite": _Hosted(
        "litert", ("tflite",), "a TensorFlow Lite model", "tflite_worker.py", _of_file, channels_first
    ),
}


def _require_runnable(inspection: Inspection, interpreter: Interpreter | None, threads: int) -> None:
    """Pass only when Paddle-Lite can run a file here, and as it is asked to."""
    if inspection.target != _TARGET_HERE or platform.machine() not in ("x86_64", "AMD64"):
        # An ARM file would load, run, and report success with garbage.
        raise ConversionError(
            "target-not-runnable",
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


def _one_thread(why: str, threads: int) -> UsageError:
    return UsageError("threads-not-settable", why, expected="1", found=str(threads), hint="--threads 1")
