"""Inference models to ONNX, and ONNX to simpler or smaller ONNX."""

from typing import TYPE_CHECKING

from converters.onnx.options import (
    REFUSALS,
    OnnxOptions,
    RefineOptions,
    onnx_key,
    refine_key,
    refine_options,
    refuse_ir_version,
    refuse_opset,
)
from converters.onnx.quantize_options import (
    Calibration,
    QuantizeOptions,
    quantize_key,
    quantize_options,
)

if TYPE_CHECKING:
    from converters.onnx.convert import to_onnx

__all__ = [
    "REFUSALS",
    "Calibration",
    "OnnxOptions",
    "QuantizeOptions",
    "RefineOptions",
    "onnx_key",
    "quantize_key",
    "quantize_options",
    "refine_key",
    "refine_options",
    "refuse_ir_version",
    "refuse_opset",
    "to_onnx",
]


def __getattr__(name: str) -> object:
    # Loaded on first use: who looks into the store for a file that is there needs no converter.
    if name != "to_onnx":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from converters.onnx.convert import to_onnx

    return to_onnx
