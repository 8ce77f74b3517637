"""Closed sets of values, shared by the schema and the command line.

The module imports nothing but ``typing``: the command line reads these sets before it knows whether a command
needs pydantic.
"""

from typing import Literal

Precision = Literal["fp32", "fp16", "int8"]
"""Precision of a file or a latency."""

FloatPrecision = Literal["fp32", "fp16"]
"""Precision of the files that run here."""

Target = Literal["arm", "x86", "opencl"]
"""Processor of a Paddle-Lite file."""

Head = Literal["raw", "boxes", "nms"]
"""Outputs of a detector's graph."""

Normalization = Literal["host", "in_graph"]
"""Where pixel values are normalized."""

Scope = Literal["network", "pipeline"]
"""What a latency includes."""
