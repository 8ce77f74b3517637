"""Options of OpenVINO models."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from converters.provenance.statement import conversion_key
from converters.toolchain.pins import OPENVINO
from registry.schema.base import Model


class OpenvinoOptions(Model):
    """Options of an OpenVINO model.

    Attributes:
        weights: Type of stored weights that are not integers already. The device that loads the model chooses
            the arithmetic.
    """

    weights: Literal["fp32", "fp16"] = "fp32"


def openvino_key(inputs: Mapping[str, str], options: OpenvinoOptions) -> str:
    """Compute the cache key of a conversion with these options, before it runs.

    Args:
        inputs: ``model`` to its SHA-256.
        options: Options of the OpenVINO model.
    """
    return conversion_key(
        "openvino", inputs=inputs, tools={"openvino": OPENVINO.version}, options=options.model_dump()
    )
