"""What to ask of the way to TensorFlow Lite."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from converters.provenance.statement import conversion_key
from converters.toolchain.pins import ONNX2TF
from registry.errors import ConversionError, UsageError
from registry.schema.base import Model

REFUSALS = ("tflite-suppression-unsupported",)
"""Codes of errors that say: this network has no such file, whatever is tried."""


class TfliteOptions(Model):
    """What to make.

    Attributes:
        weights: How weights are stored. What they are computed with, the processor or delegate decides.
    """

    weights: Literal["fp32", "fp16"] = "fp32"


def tflite_options(precision: str) -> TfliteOptions:
    """Options of a TensorFlow Lite file, refused here when the tool could not meet them.

    Args:
        precision: How weights are stored.

    Raises:
        UsageError: ``tflite-precision-unsupported``.
    """
    if precision in ("fp32", "fp16"):
        return TfliteOptions(weights="fp16" if precision == "fp16" else "fp32")
    raise UsageError(
        "tflite-precision-unsupported",
        "nothing is quantized on the way to TensorFlow Lite",
        expected="fp32 or fp16",
        found=precision,
        done="nothing was converted",
        hint="--precision fp16 halves the file; for integers zoo convert NAME --to onnx --precision int8",
    )


def suppression_impossible(found: str) -> ConversionError:
    """Refusal of a graph that hands out as many boxes as are left: TensorFlow Lite pads them to one number.

    Args:
        found: What says that it does.
    """
    return ConversionError(
        "tflite-suppression-unsupported",
        "a graph that suppresses boxes itself would hand out other boxes in TensorFlow Lite",
        expected="a detector that hands out raw outputs, or boxes before suppression",
        found=found,
        done="nothing was converted",
        hint="zoo convert NAME --to tflite --head raw",
    )


def tflite_key(inputs: Mapping[str, str], options: TfliteOptions) -> str:
    """Name of the conversion of one model with these options, known before it is made.

    Args:
        inputs: ``model`` to its SHA-256.
        options: What to make.
    """
    tools = {pin.package: str(pin.exact) for pin in ONNX2TF.pins}
    return conversion_key("tflite", inputs=inputs, tools=tools, options=options.model_dump())
