"""What to ask OpenVINO's converter for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from converters.provenance.statement import conversion_key
from converters.toolchain.pins import OPENVINO
from registry.errors import UsageError
from registry.schema.base import Model


class OpenvinoOptions(Model):
    """What to make.

    Attributes:
        weights: How weights are stored. What they are computed with, the device that loads the model decides.
    """

    weights: Literal["fp32", "fp16"] = "fp32"


def openvino_options(precision: str) -> OpenvinoOptions:
    """Options of an OpenVINO model, refused here when the tool could not meet them.

    Args:
        precision: How weights are stored.

    Raises:
        UsageError: ``openvino-precision-unsupported``.
    """
    if precision in ("fp32", "fp16"):
        return OpenvinoOptions(weights="fp16" if precision == "fp16" else "fp32")
    raise UsageError(
        "openvino-precision-unsupported",
        "nothing is quantized on the way to OpenVINO",
        expected="fp32 or fp16",
        found=precision,
        done="nothing was converted",
        hint="quantize the ONNX file first, then convert that one: zoo convert FILE.onnx --to openvino",
    )


def openvino_key(inputs: Mapping[str, str], options: OpenvinoOptions) -> str:
    """Name of the conversion of one model with these options, known before it is made.

    Args:
        inputs: ``model`` to its SHA-256.
        options: What to make.
    """
    return conversion_key(
        "openvino", inputs=inputs, tools={"openvino": OPENVINO.version}, options=options.model_dump()
    )
