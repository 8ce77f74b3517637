"""Converts inference models to ONNX, and simplifies, halves or quantizes ONNX models."""

from typing import TYPE_CHECKING

from converters.onnx.options import (
    UNSUPPORTED_CODES,
    OnnxOptions,
    RefineOptions,
    nms_batch_unsupported,
    onnx_key,
    refine_key,
    refine_options,
    require_ir_version,
    require_opset,
)
from converters.onnx.quantize_options import (
    Calibration,
    QuantizeOptions,
    calibration_needed,
    quantize_key,
    quantize_options,
)

if TYPE_CHECKING:
    from converters.onnx.convert import run_onnx_job

__all__ = [
    "UNSUPPORTED_CODES",
    "Calibration",
    "OnnxOptions",
    "QuantizeOptions",
    "RefineOptions",
    "calibration_needed",
    "nms_batch_unsupported",
    "onnx_key",
    "quantize_key",
    "quantize_options",
    "refine_key",
    "refine_options",
    "require_ir_version",
    "require_opset",
    "run_onnx_job",
]


def __getattr__(name: str) -> object:
    # Imported on first use: a command that finds its file in the cache needs no converter.
    if name != "run_onnx_job":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from converters.onnx.convert import run_onnx_job

    return run_onnx_job
