"""Sessions on onnxruntime, which runs in this process because it reports failures as exceptions."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from converters.formats.inspection import Tensor
from registry.errors import ConversionError, IntegrityError, MissingToolError, NotFoundError, UsageError
from zoo._utils.arrays import Array
from zoo.runner.sessions.session import Arrays, SessionBase, check_feeds

_DTYPES = {
    "tensor(float)": "float32",
    "tensor(float16)": "float16",
    "tensor(double)": "float64",
    "tensor(int32)": "int32",
    "tensor(int64)": "int64",
    "tensor(uint8)": "uint8",
    "tensor(int8)": "int8",
    "tensor(bool)": "bool",
}
_ERRORS_ONLY = 3


class OnnxSession(SessionBase):
    """A model in onnxruntime on the CPU.

    Args:
        model: The ``.onnx`` file.
        threads: Threads one run may use.

    Raises:
        MissingToolError: ``onnxruntime-missing``.
        NotFoundError: ``model-not-found``.
        IntegrityError: ``onnx-unloadable``.
    """

    engine = "onnxruntime"

    def __init__(self, model: Path, *, threads: int = 1) -> None:
        try:
            import onnxruntime  # heavy: 50 MB of native code that only running a model needs
        except ImportError as error:
            raise MissingToolError(
                "onnxruntime-missing",
                "onnxruntime is not installed in this Python",
                found=str(error),
                hint="pip install 'paddle-zoo[run]'",
            ) from error
        if not model.is_file():
            raise NotFoundError(
                "model-not-found", f"the file {model} does not exist", hint="zoo fetch NAME --onnx fp32"
            )
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = _ERRORS_ONLY
        # Detector and pose model alternate; spinning threads of one would occupy the other's processor.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        try:
            session = onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
        except Exception as error:  # onnxruntime has no common base class for its errors
            raise IntegrityError(
                "onnx-unloadable",
                f"onnxruntime cannot load {model}",
                expected="a complete ONNX model this version understands",
                found=_first_line(error),
                hint=f"zoo inspect {model}",
            ) from error
        self._session: Any = session
        self.engine_version = str(onnxruntime.__version__)
        self.threads = threads
        self.inputs = tuple(_tensor(value) for value in session.get_inputs())
        self.outputs = tuple(_tensor(value) for value in session.get_outputs())

    def run(self, feeds: Mapping[str, Array]) -> Arrays:
        """See :class:`zoo.runner.sessions.session.Session`."""
        if self._session is None:
            raise UsageError("session-closed", "the session was closed", hint="open the model again")
        check_feeds(self.inputs, feeds)
        try:
            values = self._session.run(None, dict(feeds))
        except Exception as error:  # onnxruntime has no common base class for its errors
            raise ConversionError(
                "predictor-failed",
                "onnxruntime could not run the model",
                found=_first_line(error),
                hint="try another engine: --backend paddle or lite",
            ) from error
        named = zip(self.outputs, values, strict=True)
        return {tensor.name: np.asarray(value) for tensor, value in named}

    def close(self) -> None:
        """Free the engine."""
        self._session = None


def _tensor(value: Any) -> Tensor:
    # An open extent is a name or None.
    shape = tuple(extent if isinstance(extent, int) else None for extent in value.shape)
    return Tensor(name=value.name, shape=shape, dtype=_DTYPES.get(value.type))


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
