"""Options of OpenVINO models."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from converters.provenance.statement import conversion_key
from converters.toolchain.pins import OPENVINO
from registry.errors import UsageError
from registry.schema.base import Model


class OpenvinoOptions(Model):
    """Options of an OpenVINO model.

    Attributes:
        weights: Type of stored weights. The device that loads the model chooses the arithmetic.
    """

    weights: Literal["fp32", "fp16"] = "fp32"


def openvino_options(precision: str) -> OpenvinoOptions:
    """Build the options of an OpenVINO model and reject those that the tool does not support.

    Args:
        precision: Type of stored weights.

    Raises:
        UsageError: ``openvino-precision-unsupported``.
    """
    if precision in ("fp32", "fp16"):
        return OpenvinoOptions(weights="fp16" if precision == "fp16" else "fp32")
    raise UsageError(
        "openvino-precision-unsupported",
        "the conversion to OpenVINO does not quantize",
        expected="fp32 or fp16",
        found=precision,
        done="nothing was converted",
        hint="quantize the ONNX file first, then convert the result: zoo convert FILE.onnx --to openvino",
    )


def openvino_key(inputs: Mapping[str, str], options: OpenvinoOptions) -> str:
    """Compute the cache key of a conversion with these options, before it runs.

    Args:
        inputs: ``model`` to its SHA-256.
        options: Options of the OpenVINO model.
    """
    return conversion_key(
        "openvino", inputs=inputs, tools={"openvino": OPENVINO.version}, options=options.model_dump()
    )
