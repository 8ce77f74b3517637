"""Inference models to Paddle-Lite."""

from converters.lite.convert import needs_legacy, to_lite
from converters.lite.options import (
    LiteOptions,
    LiteTarget,
    WeightOnly,
    lite_key,
    lite_target,
    refuse_contradictions,
)

__all__ = [
    "LiteOptions",
    "LiteTarget",
    "WeightOnly",
    "lite_key",
    "lite_target",
    "needs_legacy",
    "refuse_contradictions",
    "to_lite",
]
