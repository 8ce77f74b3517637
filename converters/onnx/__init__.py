"""Inference models to ONNX, and ONNX to simpler or smaller ONNX."""

from converters.onnx.convert import OnnxOptions, onnx_key, refuse_opset, to_onnx
from converters.onnx.refine import RefineOptions, refine, refine_key, refine_options

__all__ = [
    "OnnxOptions",
    "RefineOptions",
    "onnx_key",
    "refine",
    "refine_key",
    "refine_options",
    "refuse_opset",
    "to_onnx",
]
