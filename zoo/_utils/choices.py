"""Closed sets of values that the command line and the Python API share.

The module imports nothing but ``typing``: the command line reads these sets before it knows whether a command
needs pydantic.
"""

from typing import Literal

Backend = Literal["onnx", "paddle", "lite", "openvino", "ncnn", "tflite"]
"""Engines that run a model."""

FetchFormat = Literal["inference", "lite", "onnx", "openvino", "ncnn", "tflite"]
"""Formats that ``zoo fetch`` gets: those that ``zoo convert`` writes, without the copy of a checkpoint."""

Exif = Literal["apply", "ignore"]
"""Whether the EXIF orientation of images applies."""

LiteBuild = Literal["published", "no-fast-math"]
"""Builds of Paddle-Lite for ARM that round differently in FP16: the published libraries, built with
``-ffast-math``, and libraries built without that option."""
