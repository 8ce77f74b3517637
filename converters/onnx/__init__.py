"""Inference models to ONNX."""

from converters.onnx.convert import OnnxOptions, onnx_key, refuse_opset, to_onnx

__all__ = ["OnnxOptions", "onnx_key", "refuse_opset", "to_onnx"]
