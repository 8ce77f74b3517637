"""Inference models to ONNX, and ONNX to simpler or smaller ONNX."""

from typing import TYPE_CHECKING

from converters.onnx.options import (
    OnnxOptions,
    RefineOptions,
    onnx_key,
    refine_key,
    refine_options,
    refuse_opset,
)

if TYPE_CHECKING:
    from converters.onnx.convert import to_onnx
    from converters.onnx.refine import refine

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


def __getattr__(name: str) -> object:
    # Whoever asks what a file would be called needs neither the tools nor what proves their results.
    if name == "to_onnx":
        from converters.onnx.convert import to_onnx

        return to_onnx
    if name == "refine":
        from converters.onnx.refine import refine

        return refine
    raise AttributeError(name)
