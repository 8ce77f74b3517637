"""What to ask for in eight bits, and what no tool here can do."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from pydantic import Field

from converters.provenance.statement import conversion_key
from converters.toolchain.pins import ONNXQUANT
from registry.errors import UsageError
from registry.schema.base import Model

FIRST_OPSET = 13
"""Earliest operator set whose QuantizeLinear and DequantizeLinear have a scale for each channel."""


class Calibration(Model):
    """Network inputs that the ranges of activations are measured on.

    Attributes:
        sha256: Digest over names, extents and bytes of the inputs, in order.
        inputs: How many there are.
        images: File name of each image they were cut from to its SHA-256.
        tensors: The ``.npz`` file that holds them, input name to ``(N, …)``; no part of what a conversion is
            called.
    """

    sha256: str
    inputs: int
    images: dict[str, str]
    tensors: Path = Field(exclude=True)


class QuantizeOptions(Model):
    """How an ONNX model is quantized.

    Attributes:
        arithmetic: ``int8``: activations and weights are integers (QDQ), in most convolutions.
            ``fp32``: weights alone are stored as integers, and turned back before they are used.
        calibration: What the ranges of activations come from; None for weights alone, and in plans.
    """

    arithmetic: Literal["int8", "fp32"] = "int8"
    calibration: Calibration | None = None


def quantize_options(
    precision: str, weight_only: str | None, *, calibrated: bool, opset: int | None
) -> QuantizeOptions | None:
    """Options of a quantized ONNX file, refused here when no tool could meet them.

    Args:
        precision: Of the arithmetic.
        weight_only: Integers that weights alone are stored as; None stores them as the precision says.
        calibrated: Whether there are images to calibrate on.
        opset: Operator set that was asked for; None for the default.

    Returns:
        None where nothing is to be quantized.

    Raises:
        UsageError: ``onnx-quantization-unsupported``, ``calibration-needed``, ``option-not-applicable`` or
            ``onnx-opset-unsupported``.
    """
    _refuse_pairs(precision, weight_only)
    if precision == "int8" and not calibrated:
        raise UsageError(
            "calibration-needed",
            "integers for activations need their ranges, and those come from images",
            expected="a folder of images like those the model will see",
            hint="--calibration DIR, or --weight-only int8 for weights alone",
        )
    if precision != "int8" and calibrated:
        raise UsageError(
            "option-not-applicable",
            "only a model with integer activations is calibrated",
            hint="--precision int8 --calibration DIR",
        )
    if precision != "int8" and weight_only is None:
        return None
    if opset is not None and opset < FIRST_OPSET:
        raise UsageError(
            "onnx-opset-unsupported",
            f"opset {opset} has no scales for each channel of quantized weights",
            expected=f"opset {FIRST_OPSET} or later",
            found=str(opset),
            done="nothing was converted",
            hint=f"--opset {FIRST_OPSET}",
        )
    return QuantizeOptions(arithmetic="int8" if precision == "int8" else "fp32")


def _refuse_pairs(precision: str, weight_only: str | None) -> None:
    wrong = None
    if weight_only == "int16":
        wrong = "onnxruntime has no weights in int16"
    elif weight_only and precision != "fp32":
        wrong = f"weights alone in {weight_only} go with arithmetic in fp32, not in {precision}"
    if wrong:
        raise UsageError(
            "onnx-quantization-unsupported",
            wrong,
            expected="--precision int8 --calibration DIR, or --weight-only int8",
            done="nothing was converted",
            hint="--weight-only int8",
        )


def quantize_key(inputs: Mapping[str, str], options: QuantizeOptions) -> str:
    """Name of the quantization of one model with these options, known before it is made.

    Args:
        inputs: ``model`` to its SHA-256.
        options: What to make.
    """
    tools = {pin.package: pin.exact for pin in ONNXQUANT.pins if pin.exact is not None}
    # Images are told apart by what was cut from them, not by their names.
    asked = options.model_dump(exclude={"calibration": {"images"}})
    return conversion_key("onnx-quantized", inputs=inputs, tools=tools, options=asked)
