"""Targets of conversions to formats that can be quantized, for fetching and converting alike. Pure."""

from __future__ import annotations

from converters.onnx import QuantizeOptions, quantize_options, refine_options
from converters.onnx.quantize_options import FIRST_OPSET
from converters.openvino.options import OpenvinoOptions
from converters.planning.plan import ConversionTarget, Step, onnx_options


def onnx_target(
    precision: str,
    weight_only: str | None = None,
    *,
    calibrated: bool,
    opset: int | None = None,
    ir_version: int | None = None,
    fp16_io: bool = False,
    simplify: bool = False,
) -> ConversionTarget:
    """Build the target of an ONNX file and reject options that no tool supports.

    Args:
        precision: Precision of the arithmetic.
        weight_only: Integer type if only weights are quantized; None stores weights in ``precision``.
        calibrated: Whether calibration images are given.
        opset: Version of the operator set; None for the default.
        ir_version: Version of the file format; None keeps the one the tool writes.
        fp16_io: Whether an fp16 file has fp16 inputs and outputs.
        simplify: Whether the graph is simplified.

    Raises:
        UsageError: As for ``quantize_options``, ``onnx_options`` and ``refine_options``.
    """
    quantize = quantize_options(precision, weight_only, calibrated=calibrated, opset=opset)
    return ConversionTarget(
        format="onnx",
        onnx=onnx_options(opset or (FIRST_OPSET if quantize else None), ir_version),
        refine=refine_options("fp32" if quantize else precision, fp16_io=fp16_io, simplify=simplify),
        quantize=quantize,
    )


def openvino_target(precision: str, *, calibrated: bool, opset: int | None = None) -> ConversionTarget:
    """Build the target of an OpenVINO model and reject options that no tool supports.

    For ``int8``, the ONNX file is quantized first: OpenVINO reads its scales, and computes with them.

    Args:
        precision: Type of stored weights; ``int8`` quantizes activations, too.
        calibrated: Whether calibration images are given.
        opset: Version of the ONNX operator set; None for the default.

    Raises:
        UsageError: As for ``quantize_options`` and ``onnx_options``.
    """
    if precision != "int8" and not calibrated:
        options = OpenvinoOptions(weights="fp16" if precision == "fp16" else "fp32")
        return ConversionTarget(format="openvino", onnx=onnx_options(opset), openvino=options)
    quantized = onnx_target(precision, calibrated=calibrated, opset=opset)
    return ConversionTarget(
        format="openvino", onnx=quantized.onnx, quantize=quantized.quantize, openvino=OpenvinoOptions()
    )


def needs_calibration(step: Step) -> bool:
    """Whether a step of a plan needs images, from which the ranges of integer activations are measured."""
    return isinstance(step, QuantizeOptions) and step.arithmetic == "int8" and step.calibration is None
