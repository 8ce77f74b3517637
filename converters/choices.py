"""Closed sets of values, shared by the conversion options and the command line.

The module imports nothing but ``typing``: the command line reads these sets before it knows whether a command
needs pydantic.
"""

from typing import Literal

TargetFormat = Literal["inference", "lite", "onnx", "openvino", "ncnn", "tflite", "safetensors"]
"""Formats that ``zoo convert`` writes."""

Program = Literal["legacy", "pir"]
"""Program formats of an inference model."""

WeightOnly = Literal["int8", "int16"]
"""Integer types that weights are stored as."""
