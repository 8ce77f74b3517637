"""Options of TensorFlow Lite files, and the models that have none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from converters.provenance.statement import conversion_key
from converters.toolchain.pins import ONNX2TF
from registry.errors import ConversionError, UsageError
from registry.schema.base import Model

UNSUPPORTED_CODES = ("tflite-suppression-unsupported",)
"""Codes of errors for models that cannot be converted to TensorFlow Lite."""


class TfliteOptions(Model):
    """Options of a TensorFlow Lite file.

    Attributes:
        weights: Type of stored weights. The processor or delegate chooses the arithmetic.
    """

    weights: Literal["fp32", "fp16"] = "fp32"


def tflite_options(precision: str) -> TfliteOptions:
    """Build the options of a TensorFlow Lite file and reject those that the tool does not support.

    Args:
        precision: Type of stored weights.

    Raises:
        UsageError: ``tflite-precision-unsupported``.
    """
    if precision in ("fp32", "fp16"):
        return TfliteOptions(weights="fp16" if precision == "fp16" else "fp32")
    raise UsageError(
        "tflite-precision-unsupported",
        "the conversion to TensorFlow Lite does not quantize",
        expected="fp32 or fp16",
        found=precision,
        done="nothing was converted",
        hint="--precision fp16 halves the file; for integers zoo convert NAME --to onnx --precision int8",
    )


def suppression_unsupported(found: str) -> ConversionError:
    """Error for a graph with box suppression, whose number of boxes TensorFlow Lite pads to a constant.

    Args:
        found: Evidence of the suppression.
    """
    return ConversionError(
        "tflite-suppression-unsupported",
        "a graph with box suppression would return other boxes in TensorFlow Lite",
        expected="a detector with raw outputs, or with boxes before suppression",
        found=found,
        done="nothing was converted",
        hint="zoo convert NAME --to tflite --head raw",
    )


def tflite_key(inputs: Mapping[str, str], options: TfliteOptions) -> str:
    """Compute the cache key of a conversion with these options, before it runs.

    Args:
        inputs: ``model`` to its SHA-256.
        options: Options of the TensorFlow Lite file.
    """
    tools = {pin.package: str(pin.exact) for pin in ONNX2TF.pins}
    return conversion_key("tflite", inputs=inputs, tools=tools, options=options.model_dump())
