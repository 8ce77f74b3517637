"""The revision of this project's own code in each kind of conversion.

The cache key of a conversion is computed before it runs. The key covers the tools by their versions, and this
project's own code by these numbers.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Literal, TypeAlias

ConversionKind: TypeAlias = Literal[
    "inference", "lite", "onnx", "onnx-refined", "onnx-quantized", "openvino", "ncnn", "tflite"
]
"""Kind of conversion, as named in keys and provenance."""

REVISIONS = MappingProxyType[ConversionKind, int](
    {
        "inference": 1,
        # 2: interpolation and products in the first version of their operators, for x86 up to 2.11;
        # no sparse layers for images of open size.
        # 3: quantized programs.
        "lite": 3,
        # 2: a batch above 1 is an error for box suppression.
        "onnx": 2,
        "onnx-refined": 1,
        "onnx-quantized": 1,
        "openvino": 1,
        "ncnn": 1,
        "tflite": 1,
    }
)
"""Increment a number with every change after which a conversion of that kind may give other bytes for the
same inputs, tools and options, or succeed where it failed: the calls of the tool, edits of the model before
or after, the checks of the output. State the change in a comment.

Conversions with other revisions are then no longer found in the cache, and ``zoo cache prune`` removes them.
"""
