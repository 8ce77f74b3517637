"""The revision of our own part in each kind of conversion.

A conversion is known by its key before it is made, and found in the store by it. What the tools do is in the
key by their versions; what this project does around them is in it by these numbers.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Literal, TypeAlias

ConversionKind: TypeAlias = Literal[
    "inference", "lite", "onnx", "onnx-refined", "onnx-quantized", "openvino", "ncnn", "tflite"
]
"""Kind of conversion, as keys and provenance name it."""

REVISIONS = MappingProxyType[ConversionKind, int](
    {
        "inference": 1,
        # 2: interpolation and products in the first version of their operators, for x86 up to 2.11;
        # no sparse layers for images of open size.
        "lite": 2,
        "onnx": 1,
        "onnx-refined": 1,
        "onnx-quantized": 1,
        "openvino": 1,
        "ncnn": 1,
        "tflite": 1,
    }
)
"""Raise a number with every change of this project after which a conversion of that kind may give other bytes
for the same inputs, tools and options, or succeeds where it failed: what a worker asks of its tool, what is
changed in the model before or after, what counts as proven. Say here what changed.

Conversions of other revisions are then no longer found, and ``zoo cache prune`` removes them.
"""
