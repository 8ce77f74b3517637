"""Inference models to Paddle-Lite."""

from converters.lite.convert import LiteOptions, lite_key, refuse_contradictions, to_lite

__all__ = ["LiteOptions", "lite_key", "refuse_contradictions", "to_lite"]
