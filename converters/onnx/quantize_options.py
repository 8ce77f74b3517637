"""Options of quantized ONNX files, and the combinations that no tool supports."""

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
"""First opset whose QuantizeLinear and DequantizeLinear take one scale per channel."""


class Calibration(Model):
    """Network inputs from which the ranges of activations are measured.

    Attributes:
        sha256: Digest over names, extents and bytes of the inputs, in order.
        inputs: Number of network inputs.
        images: File name of each source image to its SHA-256.
        tensors: The ``.npz`` file with the inputs, input name to an array ``(N, …)``; not part of the cache
            key.
    """

    sha256: str
    inputs: int
    images: dict[str, str]
    tensors: Path = Field(exclude=True)


class QuantizeOptions(Model):
    """How an ONNX model is quantized.

    Attributes:
        arithmetic: ``int8``: activations and weights are integers (QDQ), in most convolutions.
            ``fp32``: only weights are stored as integers, and dequantized before use.
        calibration: Source of the ranges of activations; None when only weights are quantized, and in plans.
    """

    arithmetic: Literal["int8", "fp32"] = "int8"
    calibration: Calibration | None = None


def quantize_options(
    precision: str, weight_only: str | None, *, calibrated: bool, opset: int | None
) -> QuantizeOptions | None:
    """Build the options of a quantized ONNX file and reject those that no tool supports.

    Args:
        precision: Precision of the arithmetic.
        weight_only: Integer type if only weights are quantized; None stores weights in ``precision``.
        calibrated: Whether calibration images are given.
        opset: Requested opset; None for the default.

    Returns:
        The options; None if nothing is to be quantized.

    Raises:
        UsageError: ``onnx-quantization-unsupported``, ``calibration-needed``, ``option-not-applicable`` or
            ``onnx-opset-unsupported``.
    """
    _require_compatible(precision, weight_only)
    if precision == "int8" and not calibrated:
        raise calibration_needed()
    if precision != "int8" and calibrated:
        raise UsageError(
            "option-not-applicable",
            "--calibration applies only to a model with integer activations",
            hint="--precision int8 --calibration DIR",
        )
    if precision != "int8" and weight_only is None:
        return None
    if opset is not None and opset < FIRST_OPSET:
        raise UsageError(
            "onnx-opset-unsupported",
            f"opset {opset} has no scales per channel for quantized weights",
            expected=f"opset {FIRST_OPSET} or later",
            found=str(opset),
            done="nothing was converted",
            hint=f"--opset {FIRST_OPSET}",
        )
    return QuantizeOptions(arithmetic="int8" if precision == "int8" else "fp32")


def calibration_needed() -> UsageError:
    """Error for integer activations without the images that determine their ranges."""
    return UsageError(
        "calibration-needed",
        "integer activations need calibration images, from which their ranges are measured",
        expected="a folder of images similar to the inputs of the model in use",
        hint="--calibration DIR; for ONNX and Lite, --weight-only int8 quantizes only the weights",
    )


def _require_compatible(precision: str, weight_only: str | None) -> None:
    reason = None
    if weight_only == "int16":
        reason = "onnxruntime does not support int16 weights"
    elif weight_only and precision != "fp32":
        reason = f"--weight-only {weight_only} requires arithmetic in fp32, not in {precision}"
    if reason:
        raise UsageError(
            "onnx-quantization-unsupported",
            reason,
            expected="--precision int8 --calibration DIR, or --weight-only int8",
            done="nothing was converted",
            hint="--weight-only int8",
        )


def quantize_key(inputs: Mapping[str, str], options: QuantizeOptions) -> str:
    """Compute the cache key of a quantization with these options, before it runs.

    Args:
        inputs: ``model`` to its SHA-256.
        options: How to quantize.
    """
    tools = {pin.package: pin.exact for pin in ONNXQUANT.pins if pin.exact is not None}
    # The digest of the network inputs identifies the images; their file names do not matter.
    values = options.model_dump(exclude={"calibration": {"images"}})
    return conversion_key("onnx-quantized", inputs=inputs, tools=tools, options=values)
